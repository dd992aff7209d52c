//! `POST /v1/zones/{zone}/join`: finds an instance with room, promises a seat in it and gives a ticket to it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::contract::Problem;
use domain::contract::players::{JoinRequest, JoinResponse};
use domain::ids::{InstanceId, ZoneId};
use token::KeyRing;

use crate::error::ApiError;
use crate::extract::{Body, IdempotencyKey, InPath, Player};
use crate::idempotency::KeyedRequest;
use crate::placement::{Choice, choose};
use crate::state::Region;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off};
use crate::tickets::{self, Traveller};

/// Finds a place for a character. The same `Idempotency-Key` gets the same answer until its ticket has expired.
#[utoipa::path(
    post, path = "/v1/zones/{zone}/join", tag = "zones", security(("access_token" = [])),
    params(
        ("zone" = ZoneId, Path, description = "The zone"),
        ("Idempotency-Key" = String, Header, description = "1 to 128 visible ASCII characters"),
    ),
    request_body = JoinRequest,
    responses(
        (status = 200, body = JoinResponse),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn join(
    Player(claims): Player,
    InPath(zone): InPath<ZoneId>,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    State(tickets): State<Arc<KeyRing>>,
    Body(body): Body<JoinRequest>,
) -> Result<Json<JoinResponse>, ApiError> {
    let key = key.ok_or(ApiError::NoIdempotencyKey)?;
    let capacity = region.catalogue().zone(&zone).ok_or(ApiError::NoZone)?.capacity;
    let now = crate::clock::now();
    let keyed = KeyedRequest::new(claims.sub, "join", &key, &(&zone, &body));
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Ok(Json(earlier));
    }
    let stored = store.character(body.character).await?.filter(|stored| stored.account == claims.sub);
    if stored.is_none() {
        return Err(ApiError::NoCharacter);
    }
    let wanted = match body.with {
        Some(friend) => store.whereabouts(&[friend]).await?.first().map(|found| found.instance),
        None => None,
    };
    let traveller = Traveller::new(&claims, body.character);
    let answer = sit(&store, &tickets, traveller, &zone, capacity, wanted).await?;
    if store.keep_answer(&keyed.answer(&answer, answer.expires_at)).await? {
        return Ok(Json(answer));
    }
    // The same request, sent twice at once: the other one was faster, and its place is the one that counts.
    let earlier: Option<JoinResponse> = keyed.earlier(&store, now).await?;
    match earlier {
        Some(earlier) => {
            if earlier.instance != answer.instance {
                store.free_seat(answer.instance, body.character).await?;
            }
            Ok(Json(earlier))
        }
        None => Ok(Json(answer)),
    }
}

/// Takes a seat. Rivals may take the one that was chosen, so the choice is made anew until a seat is taken.
async fn sit(
    store: &Store,
    keys: &KeyRing,
    traveller: Traveller,
    zone: &ZoneId,
    capacity: u32,
    wanted: Option<InstanceId>,
) -> Result<JoinResponse, ApiError> {
    for attempt in 0..ATTEMPTS_MAX {
        let open = store.open_instances(zone, crate::clock::now()).await?;
        let (open, limit) = match choose(&open, capacity, wanted) {
            Choice::Sit { open, limit } => (open, limit),
            Choice::Full => return Err(ApiError::ZoneFull),
            Choice::Unavailable => return Err(ApiError::ZoneUnavailable),
        };
        if let Some(answer) = tickets::seat(store, keys, traveller, zone, open, limit).await? {
            return Ok(answer);
        }
        back_off(attempt).await;
    }
    Err(StoreError::Contended("the seats of a zone").into())
}
