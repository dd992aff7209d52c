//! `/internal/v1/instances`: what zone hosts store of the worlds that they run.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::contract::Problem;
use domain::contract::hosts::{BatchOutcome, CharacterEvent, EventBatch, SaveBatch};
use domain::contract::instances::LeftBatch;
use domain::ids::{Epoch, InstanceId};
use domain::limits::{EVENT_SCORES_MAX, HOST_BATCH_MAX};
use serde::Deserialize;

use crate::error::{ApiError, refusals};
use crate::extract::{Body, InPath, InQuery, Service};
use crate::routes::rooms;
use crate::state::Region;
use crate::store::Store;
use crate::store::instances::EndRefusal;

fn check_length(length: usize) -> Result<(), ApiError> {
    if length <= HOST_BATCH_MAX {
        return Ok(());
    }
    Err(ApiError::BadRequest(format!(
        "{length} entries are over the limit of {HOST_BATCH_MAX}: send them in parts"
    )))
}

/// Stores where characters are. An entry under an old claim is refused, and the others are stored.
#[utoipa::path(
    post, path = "/internal/v1/instances/{instance}/saves", tag = "internal",
    security(("service_token" = [])),
    params(("instance" = InstanceId, Path, description = "The instance")),
    request_body = SaveBatch,
    responses(
        (status = 200, body = BatchOutcome),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn saves(
    _: Service,
    InPath(instance): InPath<InstanceId>,
    State(store): State<Store>,
    Body(body): Body<SaveBatch>,
) -> Result<Json<BatchOutcome>, ApiError> {
    check_length(body.saves.len())?;
    let outcomes = store.apply_saves(instance, &body, crate::clock::now()).await??;
    Ok(Json(BatchOutcome { outcomes }))
}

/// Applies gains, each once however often it is sent.
#[utoipa::path(
    post, path = "/internal/v1/instances/{instance}/events", tag = "internal",
    security(("service_token" = [])),
    params(("instance" = InstanceId, Path, description = "The instance")),
    request_body = EventBatch,
    responses(
        (status = 200, body = BatchOutcome),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn events(
    _: Service,
    InPath(instance): InPath<InstanceId>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<EventBatch>,
) -> Result<Json<BatchOutcome>, ApiError> {
    check_length(body.events.len())?;
    check_events(&body.events)?;
    let version = region.version();
    let boards = version.event_boards(&region.name);
    let now = crate::clock::now();
    let outcomes = store.apply_events(&version.catalogue.possessions, instance, &body, boards, now).await??;
    Ok(Json(BatchOutcome { outcomes }))
}

/// Notes that characters are in the instance no more. An entry under an old claim is refused.
#[utoipa::path(
    post, path = "/internal/v1/instances/{instance}/left", tag = "internal",
    security(("service_token" = [])),
    params(("instance" = InstanceId, Path, description = "The instance")),
    request_body = LeftBatch,
    responses(
        (status = 200, body = BatchOutcome),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn left(
    _: Service,
    InPath(instance): InPath<InstanceId>,
    State(store): State<Store>,
    Body(body): Body<LeftBatch>,
) -> Result<Json<BatchOutcome>, ApiError> {
    check_length(body.characters.len())?;
    let mut characters = BTreeSet::new();
    if let Some(twice) = body.characters.iter().find(|left| !characters.insert(left.character)) {
        return Err(ApiError::BadRequest(format!("{} is in the batch twice", twice.character)));
    }
    let outcomes = store.apply_left(instance, &body, crate::clock::now()).await?;
    if let Err(error) = rooms::after_leaving(&store, instance).await {
        // Whoever looks at the room sees it all the same.
        tracing::warn!(kind = error.kind(), %error, "a room was not told who left");
    }
    Ok(Json(BatchOutcome { outcomes: outcomes? }))
}

/// The ownership under which a host ends an instance.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Owned {
    epoch: Epoch,
}

/// An instance is over: its host was told to close it, or nobody is in it. It is refused while somebody is on the
/// way.
#[utoipa::path(
    delete, path = "/internal/v1/instances/{instance}", tag = "internal",
    security(("service_token" = [])),
    params(
        ("instance" = InstanceId, Path, description = "The instance"),
        ("epoch" = Epoch, Query, description = "The ownership of the instance"),
    ),
    responses(
        (status = 204),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn end(
    _: Service,
    InPath(instance): InPath<InstanceId>,
    InQuery(owned): InQuery<Owned>,
    State(store): State<Store>,
) -> Result<StatusCode, ApiError> {
    match store.end_instance(instance, owned.epoch, crate::clock::now()).await? {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(EndRefusal::Fenced) => Err(refusals::instances::FENCED.into()),
        Err(EndRefusal::Awaited) => Err(refusals::instances::INSTANCE_AWAITED.into()),
    }
}

fn check_events(events: &[CharacterEvent]) -> Result<(), ApiError> {
    let refuse =
        |sequence: u64, fault: &str| Err(ApiError::BadRequest(format!("the event {sequence} {fault}")));
    let mut sequences = BTreeSet::new();
    for event in events {
        if !sequences.insert(event.sequence) {
            return refuse(event.sequence, "is in the batch twice");
        }
        if event.scores.len() > EVENT_SCORES_MAX {
            return refuse(event.sequence, "has more than 4 scores");
        }
    }
    Ok(())
}
