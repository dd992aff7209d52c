//! `/internal/v1/instances`: what zone hosts store of the worlds that they run.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::contract::Problem;
use domain::contract::hosts::{BatchOutcome, CharacterEvent, EventBatch, SaveBatch};
use domain::ids::InstanceId;
use domain::limits::HOST_BATCH_MAX;

use crate::error::ApiError;
use crate::extract::{Body, InPath, Service};
use crate::state::Region;
use crate::store::Store;
use crate::store::batches::Fenced;
use crate::store::boards::EventBoards;

/// Most kinds of items and of currencies in one event.
const EVENT_ITEMS_MAX: usize = 16;
const EVENT_CURRENCIES_MAX: usize = 4;

/// Most scores of one event.
const EVENT_SCORES_MAX: usize = 4;

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
    let outcomes = store.apply_saves(instance, &body, crate::clock::now()).await?;
    outcomes.map(|outcomes| Json(BatchOutcome { outcomes })).map_err(|Fenced| ApiError::Fenced)
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
    let catalogue = region.catalogue();
    let boards = EventBoards::of(&catalogue, &region.name);
    let now = crate::clock::now();
    let outcomes = store.apply_events(&catalogue.possessions, instance, &body, &boards, now).await?;
    outcomes.map(|outcomes| Json(BatchOutcome { outcomes })).map_err(|Fenced| ApiError::Fenced)
}

fn check_events(events: &[CharacterEvent]) -> Result<(), ApiError> {
    let refuse =
        |sequence: u64, fault: &str| Err(ApiError::BadRequest(format!("the event {sequence} {fault}")));
    let mut sequences = std::collections::BTreeSet::new();
    for event in events {
        if !sequences.insert(event.sequence) {
            return refuse(event.sequence, "is in the batch twice");
        }
        if event.scores.len() > EVENT_SCORES_MAX {
            return refuse(event.sequence, "has more than 4 scores");
        }
        if event.items.len() > EVENT_ITEMS_MAX {
            return refuse(event.sequence, "has more than 16 kinds of items");
        }
        if event.currencies.len() > EVENT_CURRENCIES_MAX {
            return refuse(event.sequence, "has more than 4 currencies");
        }
    }
    Ok(())
}
