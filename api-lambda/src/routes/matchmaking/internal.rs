//! `/internal/v1/matchmaking`: what the coordinator reads of those who wait, and the matches that it forms.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::catalogue::{Catalogue, MatchQueue};
use domain::contract::Problem;
use domain::contract::coordinator::{
    FormMatch, FormMatches, FormOutcome, FormedMatches, MatchmakingChanges, SweptMatches, WaitReports,
};
use domain::contract::matchmaking::QueueList;
use domain::limits::MATCHES_PER_CALL_MAX;
use domain::time::UnixMillis;
use futures_util::future::join_all;
use serde::Deserialize;

use crate::error::ApiError;
use crate::error::refusals::matchmaking as refusals;
use crate::extract::{Body, InQuery, Service};
use crate::roster::{Roster, Rules};
use crate::routes::matchmaking::{news, queues_of};
use crate::state::Region;
use crate::store::Store;
use crate::store::matches::sweep::MatchNews;
use crate::store::tickets::changes::FeedCursor;

/// Most reports of one call.
const WAITS_MAX: usize = 100;

/// The queues whose matches this region's coordinator forms.
#[utoipa::path(
    get, path = "/internal/v1/matchmaking/queues", tag = "internal", security(("service_token" = [])),
    responses(
        (status = 200, body = QueueList),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn queues(_: Service, State(region): State<Arc<Region>>) -> Json<QueueList> {
    Json(queues_of(&region))
}

/// From where on changes are wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangesQuery {
    after: Option<UnixMillis>,
    cursor: Option<String>,
}

/// What changed in the region's queues after `after`; without it, all who wait now. An entry may appear some seconds
/// late: the coordinator asks again for some seconds that it has seen, and entries that it knows change nothing.
#[utoipa::path(
    get, path = "/internal/v1/matchmaking/changes", tag = "internal", security(("service_token" = [])),
    params(
        ("after" = Option<UnixMillis>, Query, description = "Milliseconds since 1970"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
    ),
    responses(
        (status = 200, body = MatchmakingChanges),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn changes(
    _: Service,
    InQuery(query): InQuery<ChangesQuery>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
) -> Result<Json<MatchmakingChanges>, ApiError> {
    let cursor: Option<FeedCursor> = match query.cursor.as_deref().map(str::parse) {
        Some(Ok(cursor)) => Some(cursor),
        Some(Err(())) => return Err(ApiError::BadQuery("cursor: not one that a page has given".into())),
        None => None,
    };
    let now = crate::clock::now();
    Ok(Json(store.matchmaking_changes(&region.name, query.after, cursor, now).await?))
}

/// Forms matches, each in a transaction of its own: a ticket that waits no longer is named, and nothing of its match is
/// stored. What became of one match says nothing about the others. An instance is opened at once where that can be done.
#[utoipa::path(
    post, path = "/internal/v1/matchmaking/matches", tag = "internal", security(("service_token" = [])),
    request_body = FormMatches,
    responses(
        (status = 200, body = FormedMatches),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn form(
    _: Service,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<FormMatches>,
) -> Result<Json<FormedMatches>, ApiError> {
    let count = body.matches.len();
    if count > MATCHES_PER_CALL_MAX {
        let text =
            format!("{count} matches are over the limit of {MATCHES_PER_CALL_MAX}: send them in parts");
        return Err(ApiError::BadRequest(text));
    }
    let lease = store.coordinator(&region.name, crate::clock::now()).await?;
    lease.filter(|lease| lease.epoch == body.epoch).ok_or(refusals::NOT_COORDINATOR)?;
    let catalogue = region.catalogue();
    let forming = body.matches.iter().map(async |form| match check_match(form, &catalogue) {
        Ok(queue) => form_one(&store, &region, form, Rules::of(queue)).await,
        Err(fault) => Ok((FormOutcome::Refused(fault.into()), None)),
    });
    let formed = join_all(forming).await;
    let now = crate::clock::now();
    let mut outcomes = Vec::new();
    for outcome in formed {
        outcomes.push(match outcome {
            Ok((outcome, Some(changed))) => {
                news::tell(&store, &[changed], now).await;
                outcome
            }
            Ok((outcome, None)) => outcome,
            Err(error) => {
                tracing::warn!(kind = error.kind(), %error, "a match may not be stored");
                FormOutcome::Unknown
            }
        });
    }
    Ok(Json(FormedMatches { outcomes }))
}

async fn form_one(
    store: &Store,
    region: &Region,
    form: &FormMatch,
    rules: Rules,
) -> Result<(FormOutcome, Option<(MatchNews, Roster)>), crate::store::StoreError> {
    let now = crate::clock::now();
    let (outcome, roster) = store.form_match(form, rules, now).await?;
    let Some(roster) = roster else { return Ok((outcome, None)) };
    if form.joins.is_some() {
        return Ok((outcome, Some((MatchNews::Roster, roster))));
    }
    let mut changed = (MatchNews::Formed, roster);
    if form.region == region.name {
        let found = store.stored_match(form.match_id).await?;
        let (mut swept, mut news) = (SweptMatches::default(), Vec::new());
        if let Some(found) = found
            && let Err(error) = store.place_match(&found, now, &mut swept, &mut news).await
        {
            // The match is stored; the next sweep places it.
            tracing::warn!(kind = error.kind(), %error, "a match is not placed yet");
        }
        changed = news.pop().unwrap_or(changed);
    }
    Ok((outcome, Some(changed)))
}

/// The queue of the match, if the match fits it.
fn check_match<'a>(form: &FormMatch, catalogue: &'a Catalogue) -> Result<&'a MatchQueue, &'static str> {
    let queue = catalogue.queue(&form.queue).ok_or("the catalogue has no such queue")?;
    let definition = &queue.definition;
    let tickets: Vec<_> = form.teams.iter().flat_map(|team| &team.tickets).collect();
    if tickets.is_empty() || tickets.len() > usize::from(definition.players_max()) {
        return Err("it has no ticket, or more than the queue has players");
    }
    if tickets.iter().collect::<BTreeSet<_>>().len() < tickets.len() {
        return Err("a ticket is named twice");
    }
    if form.joins.is_none() && form.teams.len() != usize::from(definition.teams) {
        return Err("it has not as many teams as the queue");
    }
    if !definition.regions.contains(&form.region) {
        return Err("the queue is not played in its region");
    }
    Ok(queue)
}

/// Keeps why tickets wait, so that their players can ask.
#[utoipa::path(
    post, path = "/internal/v1/matchmaking/waits", tag = "internal", security(("service_token" = [])),
    request_body = WaitReports,
    responses(
        (status = 204),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn waits(
    _: Service,
    State(store): State<Store>,
    Body(body): Body<WaitReports>,
) -> Result<StatusCode, ApiError> {
    if body.waits.len() > WAITS_MAX {
        return Err(ApiError::BadRequest(format!("waits: at most {WAITS_MAX}")));
    }
    store.keep_waits(&body.waits, crate::clock::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Looks after matches whose time has come: gives them instances, and the places of those who did not come to others.
/// Two at once do no harm.
#[utoipa::path(
    post, path = "/internal/v1/matchmaking/sweep", tag = "internal", security(("service_token" = [])),
    responses(
        (status = 200, body = SweptMatches),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn sweep(
    _: Service,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
) -> Result<Json<SweptMatches>, ApiError> {
    let now = crate::clock::now();
    let (swept, changed) = store.sweep_matches(&region.name, now).await?;
    news::tell(&store, &changed, now).await;
    Ok(Json(swept))
}
