//! What characters have on the trading post and what waits for them there; and the job that closes listings whose time
//! is over.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::contract::market::{Claim, ClaimPage, ExpiredListings, ListingPage};
use domain::contract::{JobCall, Problem};
use domain::ids::{CharacterId, ListingId};

use super::TOPIC;
use crate::error::ApiError;
use crate::error::refusals::characters::NO_CHARACTER;
use crate::error::refusals::market as refusals;
use crate::extract::{IdempotencyKey, InPath, InQuery, Job, Paging, Player, Service};
use crate::idempotency::OptionalKey;
use crate::notices::tell;
use crate::routes::characters::own;
use crate::state::Region;
use crate::store::Store;
use crate::store::market::claims::CollectRefusal;

/// What a character offers, and has offered within the last 30 days; the newest first.
#[utoipa::path(
    get, path = "/v1/characters/{id}/listings", tag = "market", security(("access_token" = [])),
    params(
        ("id" = CharacterId, Path, description = "The character"),
        Paging,
    ),
    responses(
        (status = 200, body = ListingPage),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn listings(
    Player(claims): Player,
    InPath(id): InPath<CharacterId>,
    InQuery(paging): InQuery<Paging>,
    State(store): State<Store>,
) -> Result<Json<ListingPage>, ApiError> {
    let (limit, cursor) = paging.checked()?;
    own(&store, claims.sub, id).await?;
    Ok(Json(store.listings_of(id, limit, cursor.as_ref()).await?))
}

/// What could not be given to a character at once and waits to be collected: lots that were not sold and found no
/// room, and money that found none or came when the character was deleted.
#[utoipa::path(
    get, path = "/v1/characters/{id}/claims", tag = "market", security(("access_token" = [])),
    params(
        ("id" = CharacterId, Path, description = "The character"),
        Paging,
    ),
    responses(
        (status = 200, body = ClaimPage),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn claims(
    Player(claims): Player,
    InPath(id): InPath<CharacterId>,
    InQuery(paging): InQuery<Paging>,
    State(store): State<Store>,
) -> Result<Json<ClaimPage>, ApiError> {
    let (limit, cursor) = paging.checked()?;
    own(&store, claims.sub, id).await?;
    Ok(Json(store.claims(id, limit, cursor.as_ref()).await?))
}

/// Collects what waits, as much of it as there is room for. The answer is what was collected; the rest waits on. With
/// an `Idempotency-Key`, a repetition within 24 hours gets the same answer.
#[utoipa::path(
    post, path = "/v1/characters/{id}/claims/{claim}/collect", tag = "market",
    security(("access_token" = [])),
    params(
        ("id" = CharacterId, Path, description = "The character"),
        ("claim" = ListingId, Path, description = "The claim"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters"),
    ),
    responses(
        (status = 200, body = Claim),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn collect(
    Player(claims): Player,
    InPath((id, claim)): InPath<(CharacterId, ListingId)>,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
) -> Result<Json<Claim>, ApiError> {
    let now = crate::clock::now();
    let keyed = OptionalKey::new(claims.sub, &format!("market-collect-{id}-{claim}"), key.as_deref(), &());
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Ok(Json(earlier));
    }
    own(&store, claims.sub, id).await?;
    let rules = &region.catalogue().possessions;
    let answer = |claim: &Claim| keyed.answer(claim, now);
    let refused: ApiError = match store.collect_claim(rules, id, claim, answer, now).await? {
        Ok(claim) => return Ok(Json(claim)),
        Err(CollectRefusal::NoRoom) => refusals::NO_ROOM.into(),
        Err(CollectRefusal::NoCharacter) => NO_CHARACTER.into(),
        Err(CollectRefusal::Missing | CollectRefusal::Repeated) => refusals::NO_CLAIM.into(),
    };
    // The same request, sent twice at once: the other one has stored its answer.
    keyed.earlier(&store, now).await?.map(Json).ok_or(refused)
}

/// Closes listings whose time is over, and gives the lots back. To be called every some seconds, and again at once with
/// `next` while it is there; calls at the same time do no harm.
#[utoipa::path(
    post, path = "/internal/v1/trade/expire", tag = "internal", security(("service_token" = [])),
    request_body = Option<JobCall>,
    responses(
        (status = 200, body = ExpiredListings),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn expire(
    _: Service,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Job(cursor): Job,
) -> Result<Json<ExpiredListings>, ApiError> {
    let now = crate::clock::now();
    let rules = &region.catalogue().possessions;
    let (expired, next) = store.expire_listings(rules, cursor.as_ref(), now).await?;
    for (seller, listing) in &expired {
        let body = serde_json::json!({ "id": listing, "state": "expired" });
        tell(&store, &[*seller], TOPIC, &body, now).await;
    }
    let expired = u32::try_from(expired.len()).unwrap_or(u32::MAX);
    Ok(Json(ExpiredListings { expired, more: next.is_some(), next: next.map(String::from) }))
}
