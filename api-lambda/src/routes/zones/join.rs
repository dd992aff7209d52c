//! `POST /v1/zones/{zone}/join`: finds an instance with room, promises a seat in it and gives a ticket to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::contract::Problem;
use domain::contract::players::{JoinRequest, JoinResponse};
use domain::ids::{AccountId, CharacterId, InstanceId, ZoneId};
use token::KeyRing;

use crate::error::ApiError;
use crate::error::refusals::NO_IDEMPOTENCY_KEY;
use crate::error::refusals::instances::{NO_ZONE, ZONE_FULL, ZONE_UNAVAILABLE};
use crate::extract::{Body, IdempotencyKey, InPath, Player};
use crate::idempotency::KeyedRequest;
use crate::party::Party;
use crate::placement::{Choice, Openness, choose};
use crate::relation::List;
use crate::routes::characters::own;
use crate::state::Region;
use crate::store::adverts::Search;
use crate::store::item::{self, Item};
use crate::store::{Store, StoreError};
use crate::tickets::{self, Seated, Traveller};

/// Pages that are read and seats that are tried for one join, before the player is asked to come back.
const STEPS_MAX: u32 = 24;

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
    let key = key.ok_or(NO_IDEMPOTENCY_KEY)?;
    let capacity = region.catalogue().zone(&zone).ok_or(NO_ZONE)?.capacity;
    let now = crate::clock::now();
    let keyed = KeyedRequest::new(claims.sub, "join", &key, &(&zone, &body));
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Ok(Json(earlier));
    }
    own(&store, claims.sub, body.character).await?;
    let traveller = Traveller::new(&claims, body.character);
    let party = store.party_of(body.character).await?;
    let destination = party.as_ref().and_then(|party| party.destination(&zone, now));
    let met = match destination {
        // The party's leader has kept a seat there. If it is gone, the party is looked for as usual.
        Some(instance) => tickets::into_instance(&store, &tickets, traveller, instance, capacity).await.ok(),
        None => None,
    };
    let answer = if let Some(answer) = met {
        answer
    } else {
        let wanted = company(&store, claims.sub, &body, party.as_ref(), &zone).await?;
        sit(&store, &tickets, traveller, &zone, capacity, wanted).await?
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

/// The instance with whom the player wants to meet, or where most of the party is.
async fn company(
    store: &Store,
    account: AccountId,
    body: &JoinRequest,
    party: Option<&Party>,
    zone: &ZoneId,
) -> Result<Option<InstanceId>, ApiError> {
    if let Some(other) = body.with {
        // Whoever may not know where the other one is gets the answer for one who is nowhere: nobody is followed,
        // and a block is not shown.
        if !may_follow(store, account, party, other).await? {
            return Ok(None);
        }
        return Ok(store.whereabouts(&[other]).await?.first().map(|found| found.instance));
    }
    let Some(party) = party else { return Ok(None) };
    let others: Vec<_> = party.characters().into_iter().filter(|id| *id != body.character).collect();
    let mut present: BTreeMap<InstanceId, u32> = BTreeMap::new();
    for presence in store.presence(&others, crate::clock::now()).await? {
        if let Some(stay) = presence.online.filter(|stay| stay.zone == *zone) {
            *present.entry(stay.instance).or_default() += 1;
        }
    }
    Ok(present
        .into_iter()
        .max_by_key(|(instance, count)| (*count, std::cmp::Reverse(*instance)))
        .map(|most| most.0))
}

/// Whether the player may come to where this character is: a friend or one of the party, and neither blocks the other.
async fn may_follow(
    store: &Store,
    account: AccountId,
    party: Option<&Party>,
    other: CharacterId,
) -> Result<bool, StoreError> {
    let member = party.and_then(|party| party.members.iter().find(|member| member.character == other));
    let owner = match member {
        Some(member) => Some(member.account),
        None => store.known(account, List::Friends, other).await?,
    };
    let Some(owner) = owner else { return Ok(false) };
    Ok(store.blocked_between(account, &[owner]).await?.is_empty())
}

/// Takes a seat in one instance after the other until there is room: what is known of them is up to seconds old, so
/// a refusal tells more, and the choice is made anew.
async fn sit(
    store: &Store,
    keys: &KeyRing,
    traveller: Traveller,
    zone: &ZoneId,
    capacity: u32,
    wanted: Option<InstanceId>,
) -> Result<JoinResponse, ApiError> {
    let now = crate::clock::now();
    let mut search = Search::new(zone);
    let mut found = match wanted {
        Some(wanted) => search.among(store, &[wanted], now).await?,
        None => Vec::new(),
    };
    for _ in 0..STEPS_MAX {
        let (open, limit) = match choose(&found, capacity, wanted) {
            // Where players gather comes first, and where a friend is before all.
            Choice::Sit { open, limit }
                if !search.gathers()
                    || limit == Openness::Gather.limit(capacity)
                    || Some(open.instance) == wanted =>
            {
                (open.clone(), limit)
            }
            other => {
                match search.next(store, now).await? {
                    Some(more) => found.extend(more),
                    None if other == Choice::Unavailable => return Err(ZONE_UNAVAILABLE.into()),
                    None => return Err(ZONE_FULL.into()),
                }
                continue;
            }
        };
        match tickets::seat(store, keys, traveller, zone, &open, limit).await? {
            Seated::Yes(answer, load) => {
                tell_if_filled(store, &load, limit, capacity).await;
                return Ok(*answer);
            }
            Seated::Full(taken) => {
                for known in found.iter_mut().filter(|known| known.instance == open.instance) {
                    (known.players, known.seats) = (taken.max(limit), 0);
                }
            }
            // Its host may have died, and others with it: all that was found is looked at as it is now.
            Seated::Gone => {
                let known: Vec<_> = found.iter().map(|known| known.instance).collect();
                found = search.among(store, &known, crate::clock::now()).await?;
            }
        }
    }
    Err(StoreError::Contended("the seats of a zone").into())
}

/// Whoever takes the last seat says so: just one does. Others find out by themselves if this fails.
async fn tell_if_filled(store: &Store, load: &Item, limit: u32, capacity: u32) {
    if item::read_number::<u32>(load, "taken").is_ok_and(|taken| taken == limit)
        && let Err(error) = store.advertise_filled(load, capacity).await
    {
        tracing::warn!(kind = error.kind(), %error, "a full instance is still advertised");
    }
}
