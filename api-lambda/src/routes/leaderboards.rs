//! `/v1/leaderboards`: who is best.

use axum::Json;
use axum::extract::State;
use domain::contract::Problem;
use domain::contract::players::{LeaderboardEntry, LeaderboardPage};
use domain::ids::CharacterId;
use serde::Deserialize;

use crate::error::ApiError;
use crate::extract::{InPath, InQuery, Player};
use crate::store::Store;
use crate::store::leaderboards::KILLS;

/// Most entries of a page.
const LIMIT_MAX: i32 = 100;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopQuery {
    #[serde(default = "ten")]
    limit: i32,
}

const fn ten() -> i32 {
    10
}

fn check_board(board: &str) -> Result<(), ApiError> {
    if board == KILLS { Ok(()) } else { Err(ApiError::NoBoard) }
}

/// The best entries of a board; equal scores share a rank.
#[utoipa::path(
    get, path = "/v1/leaderboards/{board}", tag = "leaderboards", security(("access_token" = [])),
    params(
        ("board" = String, Path, description = "`kills`"),
        ("limit" = Option<i32>, Query, minimum = 1, maximum = 100, description = "Entries, 10 unless told"),
    ),
    responses(
        (status = 200, body = LeaderboardPage),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn top(
    _: Player,
    InPath(board): InPath<String>,
    InQuery(query): InQuery<TopQuery>,
    State(store): State<Store>,
) -> Result<Json<LeaderboardPage>, ApiError> {
    check_board(&board)?;
    if !(1..=LIMIT_MAX).contains(&query.limit) {
        return Err(ApiError::BadQuery(format!("limit: {} is not from 1 to {LIMIT_MAX}", query.limit)));
    }
    let entries = store.board_top(&board, query.limit).await?;
    Ok(Json(LeaderboardPage { board, entries }))
}

/// The place of one character of the player's own on a board.
#[utoipa::path(
    get, path = "/v1/leaderboards/{board}/characters/{id}", tag = "leaderboards",
    security(("access_token" = [])),
    params(
        ("board" = String, Path, description = "`kills`"),
        ("id" = CharacterId, Path, description = "The character"),
    ),
    responses(
        (status = 200, body = LeaderboardEntry),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn rank(
    Player(claims): Player,
    InPath((board, id)): InPath<(String, CharacterId)>,
    State(store): State<Store>,
) -> Result<Json<LeaderboardEntry>, ApiError> {
    check_board(&board)?;
    let stored = store.character(id).await?.filter(|stored| stored.account == claims.sub);
    let name = stored.ok_or(ApiError::NoCharacter)?.character.name.to_string();
    let (score, rank) = store.board_rank(&board, id).await?.ok_or(ApiError::NoScore)?;
    Ok(Json(LeaderboardEntry { rank, character: id, name, score }))
}
