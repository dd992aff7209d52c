//! `POST /v1/zones/{zone}/join`: finds an instance with room, promises a seat in it and signs a ticket to it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::contract::Problem;
use domain::contract::players::{JoinRequest, JoinResponse};
use domain::ids::{CharacterId, TicketId, ZoneId};
use domain::limits::TICKET_LIFETIME_SECS;
use domain::time::UnixMillis;
use domain::token::{AccessClaims, TICKET_ISSUER, TicketClaims};
use token::{CLOCK_SKEW_SECS, KeyRing};

use crate::error::ApiError;
use crate::extract::{Body, IdempotencyKey, InPath, Player};
use crate::idempotency::KeyedRequest;
use crate::placement::{Choice, choose};
use crate::state::Region;
use crate::store::seats::OpenInstance;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off};

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
    let (open, ticket) = sit(&store, &claims, &zone, capacity, body.character).await?;
    let answer = JoinResponse {
        zone,
        instance: open.instance,
        host: open.host,
        url: open.url,
        ticket: tickets.sign(&ticket),
        expires_at: UnixMillis::new(ticket.exp * 1_000),
    };
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
    player: &AccessClaims,
    zone: &ZoneId,
    capacity: u32,
    character: CharacterId,
) -> Result<(OpenInstance, TicketClaims), ApiError> {
    for attempt in 0..ATTEMPTS_MAX {
        let now = crate::clock::now();
        let open = store.open_instances(zone, now).await?;
        let (open, limit) = match choose(&open, capacity) {
            Choice::Sit { open, limit } => (open, limit),
            Choice::Full => return Err(ApiError::ZoneFull),
            Choice::Unavailable => return Err(ApiError::ZoneUnavailable),
        };
        let ticket = TicketClaims {
            iss: TICKET_ISSUER.into(),
            aud: open.host,
            sub: player.sub,
            sid: player.sid,
            jti: TicketId::new(now, crate::clock::random_u128()),
            iat: now.as_secs(),
            exp: now.as_secs() + TICKET_LIFETIME_SECS,
            character,
            instance: open.instance,
            zone: zone.clone(),
        };
        let seat_until = UnixMillis::new((ticket.exp + CLOCK_SKEW_SECS) * 1_000);
        if store.take_seat(open, character, limit, now, seat_until).await? {
            return Ok((open.clone(), ticket));
        }
        back_off(attempt).await;
    }
    Err(StoreError::Contended("the seats of a zone").into())
}
