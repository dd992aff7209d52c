//! `/v1/characters/{id}/inventory`, `/wallet` and `/progress`: what a character has, for its owner to read. Only
//! zone hosts change it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::contract::Problem;
use domain::contract::possessions::{
    Action, ActionBatch, ActionOutcomes, Inventory, LedgerPage, ProgressList, WalletBalances,
};
use domain::ids::{CharacterId, CurrencyId, InstanceId};

use crate::error::{ApiError, refusals};
use crate::extract::{Body, InPath, InQuery, Paging, Player, Service};
use crate::routes::characters::own;
use crate::state::Region;
use crate::store::Store;

/// Most actions of one request: each may read and write several items.
const ACTIONS_MAX: usize = 64;

/// What a character carries and wears.
#[utoipa::path(
    get, path = "/v1/characters/{id}/inventory", tag = "possessions", security(("access_token" = [])),
    params(
        ("id" = CharacterId, Path, description = "The character"),
        Paging,
    ),
    responses(
        (status = 200, body = Inventory),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn inventory(
    Player(claims): Player,
    InPath(id): InPath<CharacterId>,
    InQuery(paging): InQuery<Paging>,
    State(store): State<Store>,
) -> Result<Json<Inventory>, ApiError> {
    let (limit, cursor) = paging.checked()?;
    own(&store, claims.sub, id).await?;
    Ok(Json(store.inventory(id, limit, cursor.as_ref()).await?))
}

/// What a character has of each currency.
#[utoipa::path(
    get, path = "/v1/characters/{id}/wallet", tag = "possessions", security(("access_token" = [])),
    params(("id" = CharacterId, Path, description = "The character")),
    responses(
        (status = 200, body = WalletBalances),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn wallet(
    Player(claims): Player,
    InPath(id): InPath<CharacterId>,
    State(store): State<Store>,
) -> Result<Json<WalletBalances>, ApiError> {
    own(&store, claims.sub, id).await?;
    Ok(Json(store.balances(id).await?))
}

/// Every change of a balance, the newest first.
#[utoipa::path(
    get, path = "/v1/characters/{id}/wallet/{currency}/entries", tag = "possessions",
    security(("access_token" = [])),
    params(
        ("id" = CharacterId, Path, description = "The character"),
        ("currency" = CurrencyId, Path, description = "The currency"),
        Paging,
    ),
    responses(
        (status = 200, body = LedgerPage),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn ledger(
    Player(claims): Player,
    InPath((id, currency)): InPath<(CharacterId, CurrencyId)>,
    InQuery(paging): InQuery<Paging>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
) -> Result<Json<LedgerPage>, ApiError> {
    let (limit, cursor) = paging.checked()?;
    own(&store, claims.sub, id).await?;
    let page = store.ledger(id, &currency, limit, cursor.as_ref()).await?;
    // A currency that the catalogue has no more keeps its history.
    if page.entries.is_empty() && region.catalogue().possessions.currency(&currency).is_none() {
        return Err(refusals::possessions::NO_CURRENCY.into());
    }
    Ok(Json(page))
}

/// The counters and quest flags of a character.
#[utoipa::path(
    get, path = "/v1/characters/{id}/progress", tag = "possessions", security(("access_token" = [])),
    params(("id" = CharacterId, Path, description = "The character")),
    responses(
        (status = 200, body = ProgressList),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn progress(
    Player(claims): Player,
    InPath(id): InPath<CharacterId>,
    State(store): State<Store>,
) -> Result<Json<ProgressList>, ApiError> {
    own(&store, claims.sub, id).await?;
    let (_, progress) = store.worn_and_progress(id).await?;
    Ok(Json(ProgressList { progress }))
}

/// Does what characters do with what they have, each action once however often it is sent. One that cannot be
/// done is refused with its reason, and the others are done.
#[utoipa::path(
    post, path = "/internal/v1/instances/{instance}/actions", tag = "internal",
    security(("service_token" = [])),
    params(("instance" = InstanceId, Path, description = "The instance")),
    request_body = ActionBatch,
    responses(
        (status = 200, body = ActionOutcomes),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn actions(
    _: Service,
    InPath(instance): InPath<InstanceId>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<ActionBatch>,
) -> Result<Json<ActionOutcomes>, ApiError> {
    check_actions(&body)?;
    let catalogue = region.catalogue();
    let outcomes =
        store.apply_actions(&catalogue.possessions, instance, &body, crate::clock::now()).await??;
    Ok(Json(ActionOutcomes { outcomes }))
}

fn check_actions(body: &ActionBatch) -> Result<(), ApiError> {
    let length = body.actions.len();
    if length > ACTIONS_MAX {
        return Err(ApiError::BadRequest(format!(
            "{length} actions are over the limit of {ACTIONS_MAX}: send them in parts"
        )));
    }
    let refuse =
        |sequence: u64, fault: &str| Err(ApiError::BadRequest(format!("the action {sequence} {fault}")));
    let mut sequences = std::collections::BTreeSet::new();
    for action in &body.actions {
        if !sequences.insert(action.sequence) {
            return refuse(action.sequence, "is in the batch twice");
        }
        if matches!(action.action, Action::Consume { count: 0, .. } | Action::Spend { amount: 0, .. }) {
            return refuse(action.sequence, "is about nothing: it needs 1 or more");
        }
    }
    Ok(())
}
