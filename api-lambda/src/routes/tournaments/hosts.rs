//! `/internal/v1/tournaments`: what hosts report about matches, and the steps that time takes.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use contest::tournament::MatchId;
use domain::contract::Problem;
use domain::contract::tournaments::{
    MatchVerdict, ReportMatch, ReportNoShow, StartMatch, StepOutcome, StepTournaments, TournamentMatch,
};
use domain::ids::{Epoch, InstanceId, TournamentId};

use super::{change, shown_match};
use crate::error::ApiError;
use crate::extract::{Body, InPath, PAGE_MAX, Service};
use crate::state::Region;
use crate::store::Store;
use crate::store::cursor::Cursor;
use crate::store::tournaments::Loaded;
use crate::store::tournaments::commit::Change;
use crate::tournament::{Live, Refusal, Step};

/// Most games of one report: those of the longest match.
const GAMES_MAX: usize = 15;

/// The instance and its epoch, which come together or not at all.
fn fence_of(
    instance: Option<InstanceId>,
    epoch: Option<Epoch>,
) -> Result<Option<(InstanceId, Epoch)>, ApiError> {
    match (instance, epoch) {
        (Some(instance), Some(epoch)) => Ok(Some((instance, epoch))),
        (None, None) => Ok(None),
        _ => Err(ApiError::BadRequest("instance and epoch: both are needed, or none".into())),
    }
}

async fn report_about(
    store: &Store,
    region: &Region,
    (id, match_id): (TournamentId, MatchId),
    fence: Option<(InstanceId, Epoch)>,
    steps: impl Fn(&Live) -> Result<Vec<Step>, Refusal>,
) -> Result<Json<MatchVerdict>, ApiError> {
    let asked = Change { id, now: crate::clock::now(), region: &region.name, fence };
    let shown = |loaded: &Loaded| loaded.live.verdict(loaded.version, match_id);
    change(store, asked, None, steps, shown).await.map(Json)
}

/// A match with all that its host needs: who plays it, and the games so far.
#[utoipa::path(
    get, path = "/internal/v1/tournaments/{id}/matches/{match}", tag = "internal",
    security(("service_token" = [])),
    params(
        ("id" = TournamentId, Path, description = "The tournament"),
        ("match" = u16, Path, description = "The match"),
    ),
    responses(
        (status = 200, body = TournamentMatch),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read(
    _: Service,
    InPath((id, number)): InPath<(TournamentId, u16)>,
    State(store): State<Store>,
) -> Result<Json<TournamentMatch>, ApiError> {
    shown_match(&store, id, number).await
}

/// The host begins a match: from then on nobody loses it for not coming, unless the host says so. Without a result
/// within `match_max_ms` of the definition, an administrator decides.
#[utoipa::path(
    post, path = "/internal/v1/tournaments/{id}/matches/{match}/start", tag = "internal",
    security(("service_token" = [])),
    params(
        ("id" = TournamentId, Path, description = "The tournament"),
        ("match" = u16, Path, description = "The match"),
    ),
    request_body = StartMatch,
    responses(
        (status = 200, body = MatchVerdict),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn start(
    _: Service,
    InPath((id, number)): InPath<(TournamentId, u16)>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<StartMatch>,
) -> Result<Json<MatchVerdict>, ApiError> {
    let match_id = MatchId(number);
    let fence = Some((body.instance, body.epoch));
    let steps = |live: &Live| live.start_steps(match_id, body.instance);
    report_about(&store, &region, (id, match_id), fence, steps).await
}

/// Results of games. Each counts once however often it is reported; a report that contradicts an earlier one changes
/// nothing.
#[utoipa::path(
    post, path = "/internal/v1/tournaments/{id}/matches/{match}/report", tag = "internal",
    security(("service_token" = [])),
    params(
        ("id" = TournamentId, Path, description = "The tournament"),
        ("match" = u16, Path, description = "The match"),
    ),
    request_body = ReportMatch,
    responses(
        (status = 200, body = MatchVerdict),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn report(
    _: Service,
    InPath((id, number)): InPath<(TournamentId, u16)>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<ReportMatch>,
) -> Result<Json<MatchVerdict>, ApiError> {
    if !(1..=GAMES_MAX).contains(&body.games.len()) {
        return Err(ApiError::BadRequest(format!("games: 1 to {GAMES_MAX} are needed")));
    }
    let match_id = MatchId(number);
    let fence = fence_of(body.instance, body.epoch)?;
    let steps = |live: &Live| live.report_steps(match_id, body.instance, &body.games);
    report_about(&store, &region, (id, match_id), fence, steps).await
}

/// An entrant did not come, or left: it loses the match.
#[utoipa::path(
    post, path = "/internal/v1/tournaments/{id}/matches/{match}/no-show", tag = "internal",
    security(("service_token" = [])),
    params(
        ("id" = TournamentId, Path, description = "The tournament"),
        ("match" = u16, Path, description = "The match"),
    ),
    request_body = ReportNoShow,
    responses(
        (status = 200, body = MatchVerdict),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn no_show(
    _: Service,
    InPath((id, number)): InPath<(TournamentId, u16)>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<ReportNoShow>,
) -> Result<Json<MatchVerdict>, ApiError> {
    let match_id = MatchId(number);
    let fence = fence_of(body.instance, body.epoch)?;
    let steps = |live: &Live| live.no_show_steps(match_id, body.instance, body.attempt, body.absent);
    report_about(&store, &region, (id, match_id), fence, steps).await
}

/// Does what is due: closes registration and check-in, starts, lets those lose who did not come, tells players, pays
/// prizes. Called each second; several calls at once, and repeated ones, do no more than one.
#[utoipa::path(
    post, path = "/internal/v1/tournaments/step", tag = "internal", security(("service_token" = [])),
    request_body = StepTournaments,
    responses(
        (status = 200, body = StepOutcome),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn step(
    _: Service,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<StepTournaments>,
) -> Result<Json<StepOutcome>, ApiError> {
    if !(1..=PAGE_MAX).contains(&body.limit) {
        return Err(ApiError::BadRequest(format!("limit: {} is not from 1 to {PAGE_MAX}", body.limit)));
    }
    let cursor = body.cursor.map(Cursor::try_from).transpose();
    let cursor = cursor.map_err(|error| ApiError::BadRequest(format!("cursor: {error}")))?;
    let now = crate::clock::now();
    Ok(Json(store.step_tournaments(&region.name, &region.catalogue(), (body.limit, cursor), now).await?))
}
