//! `POST /v1/tournaments/{id}/matches/{match}/dispute`: a participant says that a match went wrong.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use contest::tournament::MatchId;
use domain::contract::Problem;
use domain::contract::tournaments::{DisputeMatch, MatchVerdict};
use domain::ids::TournamentId;

use super::change;
use super::entries::request_id;
use crate::error::{ApiError, refusals};
use crate::extract::{Body, IdempotencyKey, InPath, Player};
use crate::idempotency::KeyedRequest;
use crate::state::Region;
use crate::store::Store;
use crate::store::tournaments::Loaded;
use crate::store::tournaments::commit::Change;
use crate::tournament::Live;

/// Disputes a match that is played, or whose result is not final yet. Nothing follows from the match until an
/// administrator has ruled.
#[utoipa::path(
    post, path = "/v1/tournaments/{id}/matches/{match}/dispute", tag = "tournaments",
    security(("access_token" = [])),
    params(
        ("id" = TournamentId, Path, description = "The tournament"),
        ("match" = u16, Path, description = "The match, as the bracket numbers it"),
        ("Idempotency-Key" = String, Header, description = "1 to 128 visible ASCII characters"),
    ),
    request_body = DisputeMatch,
    responses(
        (status = 200, body = MatchVerdict),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn dispute(
    Player(claims): Player,
    InPath((id, number)): InPath<(TournamentId, u16)>,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<DisputeMatch>,
) -> Result<Json<MatchVerdict>, ApiError> {
    let key = key.ok_or(refusals::NO_IDEMPOTENCY_KEY)?;
    let match_id = MatchId(number);
    let route = format!("tournament-dispute-{id}-{number}");
    let keyed = KeyedRequest::new(claims.sub, &route, &key, &body);
    let request = request_id(&claims.sub, &route, &key);
    let asked = Change { id, now: crate::clock::now(), region: &region.name, fence: None };
    let steps = |live: &Live| live.dispute_steps(match_id, claims.sub, &body.reason, request);
    let shown = |loaded: &Loaded| loaded.live.verdict(loaded.version, match_id);
    change(&store, asked, Some(&keyed), steps, shown).await.map(Json)
}
