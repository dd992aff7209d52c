//! `/v1/leaderboards`: who is best. Any player may read any board.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::contract::Problem;
use domain::contract::boards::{
    Leaderboard, LeaderboardEntry, LeaderboardList, LeaderboardPage, Season, SeasonList,
};
use domain::ids::{BoardId, CharacterId, SeasonId};
use domain::time::UnixMillis;
use futures_util::future::try_join_all;
use serde::Deserialize;

use crate::error::{ApiError, refusals};
use crate::extract::{InPath, InQuery, PAGE_MAX, Player};
use crate::state::Region;
use crate::store::boards::{Board, PageStart};
use crate::store::cursor::{Cursor, InvalidCursor};
use crate::store::{Store, StoreError};

/// Entries of a page unless told.
const LIMIT_USUAL: i32 = 10;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    limit: Option<i32>,
    cursor: Option<Cursor>,
    season: Option<SeasonId>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AroundQuery {
    limit: Option<i32>,
    season: Option<SeasonId>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FriendsQuery {
    characters: String,
    season: Option<SeasonId>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeasonQuery {
    season: Option<SeasonId>,
}

/// The board of this name as this region sees it.
pub(super) fn board_here(region: &Region, board: &BoardId) -> Result<Board, ApiError> {
    let catalogue = region.catalogue();
    Ok(Board::of(catalogue.board(board).ok_or(refusals::boards::NO_BOARD)?, &region.name))
}

fn checked(limit: Option<i32>, usual: i32) -> Result<usize, ApiError> {
    let limit = limit.unwrap_or(usual);
    let fits = (1..=PAGE_MAX).contains(&limit).then_some(limit);
    let limit = fits.and_then(|limit| usize::try_from(limit).ok());
    limit.ok_or_else(|| ApiError::BadQuery(format!("limit: a number from 1 to {PAGE_MAX} is needed")))
}

/// Refuses seasons that were never, or are no longer.
async fn known_season(
    store: &Store,
    board: &Board,
    season: Option<SeasonId>,
    now: UnixMillis,
) -> Result<Option<SeasonId>, ApiError> {
    let Some(season) = season else { return Ok(None) };
    if store.season_form(board, season).await?.is_some() || store.current_season(board, now).await? == season
    {
        return Ok(Some(season));
    }
    Err(refusals::boards::NO_SEASON.into())
}

/// The boards of the region and their seasons.
#[utoipa::path(
    get, path = "/v1/leaderboards", tag = "leaderboards", security(("access_token" = [])),
    responses(
        (status = 200, body = LeaderboardList),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    _: Player,
    State(region): State<Arc<Region>>,
    State(store): State<Store>,
) -> Result<Json<LeaderboardList>, ApiError> {
    let now = crate::clock::now();
    let catalogue = region.catalogue();
    let boards = catalogue.boards.iter().map(async |definition| {
        let board = Board::of(definition, &region.name);
        let season = store.current_season(&board, now).await?;
        Ok::<_, StoreError>(Leaderboard {
            board: definition.board.clone(),
            title: definition.title.clone(),
            order: definition.order,
            operator: definition.operator,
            has_subscores: definition.subscores.is_some(),
            reset: definition.reset.clone(),
            season: current(&board, season, now),
        })
    });
    Ok(Json(LeaderboardList { boards: try_join_all(boards).await? }))
}

fn current(board: &Board, season: SeasonId, now: UnixMillis) -> Season {
    Season { season, is_current: true, ends_at: board.definition.reset.next_after(now) }
}

/// The entries of a board from the best on; equal scores share a rank, and who reached the score first comes first.
/// Pages after the first stay in its season.
#[utoipa::path(
    get, path = "/v1/leaderboards/{board}", tag = "leaderboards", security(("access_token" = [])),
    params(
        ("board" = BoardId, Path, description = "The board"),
        ("limit" = Option<i32>, Query, minimum = 1, maximum = 100, description = "Entries, 10 unless told"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("season" = Option<SeasonId>, Query, description = "The season that is on, unless told"),
    ),
    responses(
        (status = 200, body = LeaderboardPage),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn top(
    _: Player,
    InPath(board): InPath<BoardId>,
    InQuery(query): InQuery<PageQuery>,
    State(region): State<Arc<Region>>,
    State(store): State<Store>,
) -> Result<Json<LeaderboardPage>, ApiError> {
    let board = board_here(&region, &board)?;
    let limit = checked(query.limit, LIMIT_USUAL)?;
    let now = crate::clock::now();
    let place = query.cursor.as_ref().map(place_of).transpose()?;
    let season = place.as_ref().map(|(season, _)| *season).or(query.season);
    let season = match known_season(&store, &board, season, now).await? {
        Some(season) => season,
        None => store.current_season(&board, now).await?,
    };
    let start = place.as_ref().map_or(PageStart::Top, |(_, place)| PageStart::After(place));
    let (entries, next) = match store.season_form(&board, season).await? {
        Some(form) => store.board_page(&form, start, limit).await?,
        None => (Vec::new(), None),
    };
    Ok(Json(LeaderboardPage { board: board.definition.board, season, entries, next: next.map(String::from) }))
}

/// Season and place of a cursor that one of these pages has given.
fn place_of(cursor: &Cursor) -> Result<(SeasonId, String), ApiError> {
    let place: String = cursor.place("place")?;
    let (season, place) =
        place.split_once('#').filter(|(_, place)| !place.is_empty()).ok_or(InvalidCursor)?;
    Ok((SeasonId(season.parse().map_err(|_| InvalidCursor)?), place.to_owned()))
}

/// The seasons of a board: the current one, then those before that have scores and are kept.
#[utoipa::path(
    get, path = "/v1/leaderboards/{board}/seasons", tag = "leaderboards", security(("access_token" = [])),
    params(
        ("board" = BoardId, Path, description = "The board"),
        ("limit" = Option<i32>, Query, minimum = 1, maximum = 100, description = "Seasons, 10 unless told"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
    ),
    responses(
        (status = 200, body = SeasonList),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn seasons(
    _: Player,
    InPath(board): InPath<BoardId>,
    InQuery(query): InQuery<PageQuery>,
    State(region): State<Arc<Region>>,
    State(store): State<Store>,
) -> Result<Json<SeasonList>, ApiError> {
    let board = board_here(&region, &board)?;
    let limit = checked(query.limit, LIMIT_USUAL)?;
    if query.season.is_some() {
        return Err(ApiError::BadQuery("season: this page has all seasons".into()));
    }
    let now = crate::clock::now();
    let on = store.current_season(&board, now).await?;
    let mut seasons = Vec::new();
    let mut before = on;
    match &query.cursor {
        Some(cursor) => before = SeasonId(cursor.place("season")?),
        None => seasons.push(current(&board, on, now)),
    }
    let left = i32::try_from(limit - seasons.len()).unwrap_or(PAGE_MAX);
    if left > 0 {
        let over = |season| Season { season, is_current: false, ends_at: None };
        seasons.extend(store.seasons_before(&board, before, left).await?.into_iter().map(over));
    }
    let is_full = seasons.len() == limit;
    let next = seasons.last().filter(|_| is_full).map(|last| Cursor::at("season", &last.season));
    Ok(Json(SeasonList { seasons, next: next.map(String::from) }))
}

/// The place of any character on a board.
#[utoipa::path(
    get, path = "/v1/leaderboards/{board}/characters/{id}", tag = "leaderboards",
    security(("access_token" = [])),
    params(
        ("board" = BoardId, Path, description = "The board"),
        ("id" = CharacterId, Path, description = "The character"),
        ("season" = Option<SeasonId>, Query, description = "The season that is on, unless told"),
    ),
    responses(
        (status = 200, body = LeaderboardEntry),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn rank(
    _: Player,
    InPath((board, id)): InPath<(BoardId, CharacterId)>,
    InQuery(query): InQuery<SeasonQuery>,
    State(region): State<Arc<Region>>,
    State(store): State<Store>,
) -> Result<Json<LeaderboardEntry>, ApiError> {
    let board = board_here(&region, &board)?;
    let now = crate::clock::now();
    let season = known_season(&store, &board, query.season, now).await?;
    let (_, rows) = store.board_rows_of(&board, season, &[id], now).await?;
    rows.into_iter().next().map(Json).ok_or_else(|| refusals::boards::NO_SCORE.into())
}

/// The entries around a character: as many better as worse ones, and more of the others where the board ends.
#[utoipa::path(
    get, path = "/v1/leaderboards/{board}/characters/{id}/around", tag = "leaderboards",
    security(("access_token" = [])),
    params(
        ("board" = BoardId, Path, description = "The board"),
        ("id" = CharacterId, Path, description = "The character"),
        ("limit" = Option<i32>, Query, minimum = 1, maximum = 100, description = "Entries, 11 unless told"),
        ("season" = Option<SeasonId>, Query, description = "The season that is on, unless told"),
    ),
    responses(
        (status = 200, body = LeaderboardPage),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn around(
    _: Player,
    InPath((board, id)): InPath<(BoardId, CharacterId)>,
    InQuery(query): InQuery<AroundQuery>,
    State(region): State<Arc<Region>>,
    State(store): State<Store>,
) -> Result<Json<LeaderboardPage>, ApiError> {
    let board = board_here(&region, &board)?;
    let limit = checked(query.limit, LIMIT_USUAL + 1)?;
    let now = crate::clock::now();
    let season = known_season(&store, &board, query.season, now).await?;
    let (season, entries) = store.board_around(&board, season, id, limit, now).await?;
    if entries.is_empty() {
        return Err(refusals::boards::NO_SCORE.into());
    }
    Ok(Json(LeaderboardPage { board: board.definition.board, season, entries, next: None }))
}

/// The entries of given characters, the best first, with their ranks on the whole board. Those without a score are
/// left out.
#[utoipa::path(
    get, path = "/v1/leaderboards/{board}/friends", tag = "leaderboards", security(("access_token" = [])),
    params(
        ("board" = BoardId, Path, description = "The board"),
        ("characters" = String, Query, description = "1 to 100 ids with commas between them"),
        ("season" = Option<SeasonId>, Query, description = "The season that is on, unless told"),
    ),
    responses(
        (status = 200, body = LeaderboardPage),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn friends(
    _: Player,
    InPath(board): InPath<BoardId>,
    InQuery(query): InQuery<FriendsQuery>,
    State(region): State<Arc<Region>>,
    State(store): State<Store>,
) -> Result<Json<LeaderboardPage>, ApiError> {
    let board = board_here(&region, &board)?;
    let ids: Result<std::collections::BTreeSet<CharacterId>, _> =
        query.characters.split(',').map(str::parse).collect();
    let ids: Vec<_> = ids.map_err(|_| refusals::boards::BAD_CHARACTERS)?.into_iter().collect();
    if ids.len() > usize::try_from(PAGE_MAX).unwrap_or(usize::MAX) {
        return Err(refusals::boards::BAD_CHARACTERS.into());
    }
    let now = crate::clock::now();
    let season = known_season(&store, &board, query.season, now).await?;
    let (season, entries) = store.board_rows_of(&board, season, &ids, now).await?;
    Ok(Json(LeaderboardPage { board: board.definition.board, season, entries, next: None }))
}
