//! `/internal/v1/hosts` and `/internal/v1/characters`: what zone hosts need to run.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::contract::Problem;
use domain::contract::hosts::{
    ClaimCharacter, ClaimedCharacter, Heartbeat, HeartbeatAnswer, HostLease, HostRegistered, RegisterHost,
};
use domain::contract::instances::Purpose;
use domain::contract::mail::Mailbox;
use domain::ids::{CharacterId, HostId};
use domain::limits::{HOST_HEARTBEAT_MILLIS, HOST_LEASE_MILLIS};
use domain::time::UnixMillis;
use serde::Deserialize;
use token::KeyRing;

use crate::error::{ApiError, refusals};
use crate::extract::{Body, InPath, InQuery, Service};
use crate::routes::rooms;
use crate::state::Region;
use crate::store::Store;
use crate::store::claims::ClaimRefusal;

/// Most zones that a host offers: the rest of its instances is opened on demand.
const ZONES_PER_HOST_MAX: usize = 32;

/// A host starts; the answer is what it runs. The same host registering again gets the same answer.
#[utoipa::path(
    post, path = "/internal/v1/hosts", tag = "internal", security(("service_token" = [])),
    request_body = RegisterHost,
    responses(
        (status = 200, body = HostRegistered),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn register(
    _: Service,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    State(tickets): State<Arc<KeyRing>>,
    Body(body): Body<RegisterHost>,
) -> Result<Json<HostRegistered>, ApiError> {
    check_registration(&body, &region)?;
    let now = crate::clock::now();
    let lease = lease(now, &region, &tickets);
    let instances = store.register_host(&region.catalogue(), &body, now, lease.expires_at).await?;
    Ok(Json(HostRegistered { instances, lease }))
}

fn check_registration(body: &RegisterHost, region: &Region) -> Result<(), ApiError> {
    let refuse = |fault: String| Err(ApiError::BadRequest(fault));
    if body.region != region.name {
        return refuse(format!("region: this is the API of {:?}, not of the host's region", region.name));
    }
    let address = ["ws://", "wss://"].iter().find_map(|scheme| body.url.strip_prefix(scheme));
    let visible = body.url.len() <= 256 && body.url.bytes().all(|b| b.is_ascii_graphic());
    if !visible || address.is_none_or(str::is_empty) {
        return refuse(
            "url: at most 256 visible ASCII characters that start with ws:// or wss:// are needed".into(),
        );
    }
    if !(1..=ZONES_PER_HOST_MAX).contains(&body.zones.len()) {
        return refuse(format!("zones: 1 to {ZONES_PER_HOST_MAX} are needed"));
    }
    match body.zones.iter().find(|zone| region.catalogue().zone(zone).is_none()) {
        Some(zone) => refuse(format!("zones: the catalogue has no zone {zone}")),
        None => Ok(()),
    }
}

fn lease(now: UnixMillis, region: &Region, tickets: &KeyRing) -> HostLease {
    HostLease {
        expires_at: now.plus_millis(HOST_LEASE_MILLIS),
        heartbeat_in_ms: HOST_HEARTBEAT_MILLIS,
        ticket_keys: tickets.public().clone(),
        content: region.content.current().pointer.plan(),
    }
}

/// A host lives: its lease is renewed and its load taken over.
#[utoipa::path(
    post, path = "/internal/v1/hosts/{host}/heartbeat", tag = "internal", security(("service_token" = [])),
    params(("host" = HostId, Path, description = "The host")),
    request_body = Heartbeat,
    responses(
        (status = 200, body = HeartbeatAnswer),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn heartbeat(
    _: Service,
    InPath(host): InPath<HostId>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    State(tickets): State<Arc<KeyRing>>,
    Body(body): Body<Heartbeat>,
) -> Result<Json<HeartbeatAnswer>, ApiError> {
    let now = crate::clock::now();
    let lease = lease(now, &region, &tickets);
    let renewed = store.heartbeat(&region.catalogue(), host, &body, now, lease.expires_at).await?;
    renewed
        .map(|instances| Json(HeartbeatAnswer { lease, instances }))
        .ok_or_else(|| refusals::instances::LEASE_LOST.into())
}

/// A host goes, drained. Its instances have no owner from then on.
#[utoipa::path(
    delete, path = "/internal/v1/hosts/{host}", tag = "internal", security(("service_token" = [])),
    params(("host" = HostId, Path, description = "The host")),
    responses(
        (status = 204),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn remove(
    _: Service,
    InPath(host): InPath<HostId>,
    State(store): State<Store>,
) -> Result<StatusCode, ApiError> {
    store.remove_host(host).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// From when on mail is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Since {
    since: UnixMillis,
}

/// What the host is told. A host asks for some seconds more than it has seen, since mail that was written
/// earlier may be seen later, and acts on each id once.
#[utoipa::path(
    get, path = "/internal/v1/hosts/{host}/mail", tag = "internal", security(("service_token" = [])),
    params(
        ("host" = HostId, Path, description = "The host"),
        ("since" = UnixMillis, Query, description = "Milliseconds since 1970"),
    ),
    responses(
        (status = 200, body = Mailbox),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn mail(
    _: Service,
    InPath(host): InPath<HostId>,
    InQuery(query): InQuery<Since>,
    State(store): State<Store>,
) -> Result<Json<Mailbox>, ApiError> {
    Ok(Json(store.mailbox(host, query.since, crate::clock::now()).await?))
}

/// A character enters an instance: earlier claims to it end.
#[utoipa::path(
    post, path = "/internal/v1/characters/{id}/claim", tag = "internal", security(("service_token" = [])),
    params(("id" = CharacterId, Path, description = "The character")),
    request_body = ClaimCharacter,
    responses(
        (status = 200, body = ClaimedCharacter),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn claim(
    _: Service,
    InPath(id): InPath<CharacterId>,
    State(store): State<Store>,
    Body(body): Body<ClaimCharacter>,
) -> Result<Json<ClaimedCharacter>, ApiError> {
    let mut claimed = match store.claim_character(id, &body, crate::clock::now()).await? {
        Ok(claimed) => claimed,
        Err(ClaimRefusal::Missing) => return Err(refusals::characters::NO_CHARACTER.into()),
        Err(ClaimRefusal::Fenced) => return Err(refusals::instances::FENCED.into()),
        Err(ClaimRefusal::Banned) => return Err(refusals::admin::BANNED.into()),
    };
    claimed.party = store.party_of(id).await?.map(|party| party.id);
    // The seat ends when two heartbeats have had the time to count the player.
    let now = crate::clock::now();
    let until = now.plus_millis(2 * HOST_HEARTBEAT_MILLIS);
    let arrived = async {
        let purpose = match store.end_seat(body.instance, id, now, until).await? {
            Some(purpose) => Some(purpose),
            // A second ticket, used after the seat has ended.
            None => store.instance(body.instance, now).await?.map(|info| info.purpose),
        };
        match purpose {
            Some(Purpose::Match(of)) => store.note_arrival(of, id, now).await,
            Some(purpose) => rooms::after_arriving(&store, &purpose, (id, &body), claimed.claim).await,
            None => Ok(()),
        }
    };
    if let Err(error) = arrived.await {
        // The claim stands: the seat ends with the ticket, and the sweep of matches sees who is there.
        tracing::warn!(kind = error.kind(), %error, "an arrival was not followed up");
    }
    Ok(Json(claimed))
}
