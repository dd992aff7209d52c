//! `/internal/v1/boards` and `/admin/v1/boards`: what services and administrators do to leaderboards.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use contest::rank::CountingTree;
use domain::contract::Problem;
use domain::contract::boards::{
    BoardChecked, BoardWasReset, BoardsHidden, BoardsSwept, ScoresSubmitted, SubmitScores,
};
use domain::ids::{BoardId, CharacterId, SeasonId};
use serde::Deserialize;

use crate::error::{ApiError, refusals};
use crate::extract::{Admin, Body, IdempotencyKey, InPath, InQuery, Role, Service};
use crate::idempotency::{ANSWER_KEPT_MILLIS, KeyedRequest};
use crate::routes::leaderboards::board_here;
use crate::state::Region;
use crate::store::Store;
use crate::store::boards::{Board, Refusal};

/// Most scores of one request: those of a board of six levels fill one transaction.
const SCORES_MAX: usize = 7;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SectionQuery {
    #[serde(default)]
    section: u8,
    season: Option<SeasonId>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntryQuery {
    season: Option<SeasonId>,
}

fn writable(board: Board) -> Result<Arc<Board>, ApiError> {
    if board.is_writable { Ok(Arc::new(board)) } else { Err(refusals::boards::BOARD_ELSEWHERE.into()) }
}

/// Stores scores of games that are not played in zones; all or none, once for each `Idempotency-Key`.
#[utoipa::path(
    post, path = "/internal/v1/boards/{board}/scores", tag = "internal", security(("service_token" = [])),
    params(
        ("board" = BoardId, Path, description = "The board"),
        ("Idempotency-Key" = String, Header, description = "1 to 128 visible ASCII characters"),
    ),
    request_body = SubmitScores,
    responses(
        (status = 200, body = ScoresSubmitted),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn submit(
    _: Service,
    InPath(board): InPath<BoardId>,
    IdempotencyKey(key): IdempotencyKey,
    State(region): State<Arc<Region>>,
    State(store): State<Store>,
    Body(body): Body<SubmitScores>,
) -> Result<Json<ScoresSubmitted>, ApiError> {
    let key = key.ok_or(refusals::NO_IDEMPOTENCY_KEY)?;
    let board = writable(board_here(&region, &board)?)?;
    let characters: std::collections::BTreeSet<_> = body.scores.iter().map(|score| score.character).collect();
    if !(1..=SCORES_MAX).contains(&body.scores.len()) || characters.len() < body.scores.len() {
        return Err(refusals::boards::TOO_MANY_SCORES.into());
    }
    let now = crate::clock::now();
    let route = format!("boards/{}/scores", board.definition.board);
    let keyed = KeyedRequest::of(&"service", &route, &key, &body);
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Ok(Json(earlier));
    }
    let answer = |submitted: &ScoresSubmitted| keyed.answer(submitted, now.plus_millis(ANSWER_KEPT_MILLIS));
    match store.submit_scores(&board, &body.scores, now, answer).await? {
        Ok(submitted) => Ok(Json(submitted)),
        Err(Refusal::Repeated) => keyed.earlier(&store, now).await?.map(Json).ok_or(ApiError::Internal),
        Err(Refusal::NoCharacter(id)) => Err(refusals::characters::NO_CHARACTER
            .because(format!("there is no character {id}, or it was deleted: nothing was stored"))
            .into()),
        Err(Refusal::Overflow(id)) => Err(refusals::boards::SCORE_OVERFLOW
            .because(format!(
                "the score of {id} would leave the range of 64-bit integers: nothing was stored"
            ))
            .into()),
        Err(Refusal::TooFar) => Err(refusals::boards::SCORES_TOO_FAR.into()),
    }
}

/// Deletes seasons that are over and not kept, and finishes what was cut short, as much as one call can. Call it
/// every minute, and at once again while `more` is true.
#[utoipa::path(
    post, path = "/internal/v1/boards/sweep", tag = "internal", security(("service_token" = [])),
    responses(
        (status = 200, body = BoardsSwept),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn sweep(
    _: Service,
    State(region): State<Arc<Region>>,
    State(store): State<Store>,
) -> Result<Json<BoardsSwept>, ApiError> {
    let boards: Vec<_> =
        region.catalogue().boards.iter().map(|board| Board::of(board, &region.name)).collect();
    Ok(Json(store.sweep_boards(&boards, crate::clock::now()).await?))
}

/// Begins a new season of a board now. The old one can be read as any that is over.
#[utoipa::path(
    post, path = "/admin/v1/boards/{board}/reset", tag = "admin", security(("admin_key" = [])),
    params(
        ("board" = BoardId, Path, description = "The board"),
        ("Idempotency-Key" = String, Header, description = "1 to 128 visible ASCII characters"),
    ),
    responses(
        (status = 200, body = BoardWasReset),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn reset(
    admin: Admin,
    InPath(board): InPath<BoardId>,
    IdempotencyKey(key): IdempotencyKey,
    State(region): State<Arc<Region>>,
    State(store): State<Store>,
) -> Result<Json<BoardWasReset>, ApiError> {
    admin.need(Role::Operator)?;
    let key = key.ok_or(refusals::NO_IDEMPOTENCY_KEY)?;
    let board = writable(board_here(&region, &board)?)?;
    let now = crate::clock::now();
    let route = format!("boards/{}/reset", board.definition.board);
    let keyed = KeyedRequest::of(&admin.actor(), &route, &key, &());
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Ok(Json(earlier));
    }
    let answer = |season| keyed.answer(&BoardWasReset { season }, now.plus_millis(ANSWER_KEPT_MILLIS));
    match store.reset_board(&board, now, answer).await? {
        Ok(season) => Ok(Json(BoardWasReset { season })),
        Err(_) => keyed.earlier(&store, now).await?.map(Json).ok_or(ApiError::Internal),
    }
}

/// Hides a character from all boards, those to come included. Doing it twice changes nothing.
#[utoipa::path(
    put, path = "/admin/v1/boards/hidden/{id}", tag = "admin", security(("admin_key" = [])),
    params(("id" = CharacterId, Path, description = "The character")),
    responses(
        (status = 200, body = BoardsHidden),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn hide(
    admin: Admin,
    InPath(id): InPath<CharacterId>,
    State(store): State<Store>,
) -> Result<Json<BoardsHidden>, ApiError> {
    admin.need(Role::Support)?;
    if !store.has_player(id).await? {
        return Err(refusals::admin::NO_CHARACTER.into());
    }
    Ok(Json(BoardsHidden { is_hidden: true, changed: store.hide_from_boards(id).await? }))
}

/// Lets a character that was hidden so count again. Doing it twice changes nothing, and characters of a banned account
/// stay hidden as long as the ban holds.
#[utoipa::path(
    delete, path = "/admin/v1/boards/hidden/{id}", tag = "admin", security(("admin_key" = [])),
    params(("id" = CharacterId, Path, description = "The character")),
    responses(
        (status = 200, body = BoardsHidden),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    admin: Admin,
    InPath(id): InPath<CharacterId>,
    State(store): State<Store>,
) -> Result<Json<BoardsHidden>, ApiError> {
    admin.need(Role::Support)?;
    Ok(Json(BoardsHidden { is_hidden: false, changed: store.show_on_boards(id).await? }))
}

/// Deletes the entry of a character from a board.
#[utoipa::path(
    delete, path = "/admin/v1/boards/{board}/characters/{id}", tag = "admin", security(("admin_key" = [])),
    params(
        ("board" = BoardId, Path, description = "The board"),
        ("id" = CharacterId, Path, description = "The character"),
        ("season" = Option<SeasonId>, Query, description = "The season that is on, unless told"),
    ),
    responses(
        (status = 204, description = "It is deleted"),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete_entry(
    admin: Admin,
    InPath((board, id)): InPath<(BoardId, CharacterId)>,
    InQuery(query): InQuery<EntryQuery>,
    State(region): State<Arc<Region>>,
    State(store): State<Store>,
) -> Result<StatusCode, ApiError> {
    admin.need(Role::Operator)?;
    let board = writable(board_here(&region, &board)?)?;
    if store.delete_board_entry(&board, query.season, id, crate::clock::now()).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(refusals::boards::NO_SCORE.into())
}

/// Compares the counts of one section of a board with a scan of its entries. It changes nothing. Go on with `next`.
#[utoipa::path(
    post, path = "/admin/v1/boards/{board}/check", tag = "admin", security(("admin_key" = [])),
    params(
        ("board" = BoardId, Path, description = "The board"),
        ("section" = Option<u8>, Query, maximum = 127, description = "The first one, unless told"),
        ("season" = Option<SeasonId>, Query, description = "The season that is on, unless told"),
    ),
    responses(
        (status = 200, body = BoardChecked),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn check(
    admin: Admin,
    InPath(board): InPath<BoardId>,
    InQuery(query): InQuery<SectionQuery>,
    State(region): State<Arc<Region>>,
    State(store): State<Store>,
) -> Result<Json<BoardChecked>, ApiError> {
    admin.need(Role::Support)?;
    checked(&store, &board_here(&region, &board)?, &query, false).await
}

/// Mends the counts of one section of a board, if they are wrong. Harmless when repeated. Go on with `next`.
#[utoipa::path(
    post, path = "/admin/v1/boards/{board}/repair", tag = "admin", security(("admin_key" = [])),
    params(
        ("board" = BoardId, Path, description = "The board"),
        ("section" = Option<u8>, Query, maximum = 127, description = "The first one, unless told"),
        ("season" = Option<SeasonId>, Query, description = "The season that is on, unless told"),
    ),
    responses(
        (status = 200, body = BoardChecked),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn repair(
    admin: Admin,
    InPath(board): InPath<BoardId>,
    InQuery(query): InQuery<SectionQuery>,
    State(region): State<Arc<Region>>,
    State(store): State<Store>,
) -> Result<Json<BoardChecked>, ApiError> {
    admin.need(Role::Operator)?;
    let board = writable(board_here(&region, &board)?)?;
    checked(&store, &board, &query, true).await
}

async fn checked(
    store: &Store,
    board: &Board,
    query: &SectionQuery,
    is_repair: bool,
) -> Result<Json<BoardChecked>, ApiError> {
    if query.section >= CountingTree::SECTIONS {
        return Err(refusals::boards::NO_SECTION.into());
    }
    let season = match query.season {
        Some(season) => season,
        None => store.current_season(board, crate::clock::now()).await?,
    };
    let form = store.season_form(board, season).await?.ok_or(refusals::boards::NO_SEASON)?;
    Ok(Json(store.check_board(&form, query.section, is_repair).await?))
}
