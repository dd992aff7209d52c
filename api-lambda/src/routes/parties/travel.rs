//! `POST /v1/parties/{party}/travel`: one instance with a seat for every member.

use std::collections::BTreeMap;

use axum::Json;
use domain::contract::Problem;
use domain::contract::parties::{PartyTravel, TravelTogether};
use domain::ids::{CharacterId, InstanceId, PartyId, ZoneId};
use domain::time::UnixMillis;
use serde_json::json;

use super::{Desk, TOPIC, refused};
use crate::error::ApiError;
use crate::error::refusals::NO_IDEMPOTENCY_KEY;
use crate::error::refusals::instances::{NO_ZONE, ZONE_UNAVAILABLE};
use crate::error::refusals::parties as refusals;
use crate::extract::{Body, IdempotencyKey, InPath};
use crate::idempotency::KeyedRequest;
use crate::notices::tell;
use crate::party::Journey;
use crate::placement::choose_together;
use crate::store::adverts::Search;
use crate::store::parties::PartyRefusal;
use crate::store::parties::travel::SeatsRefusal;
use crate::store::{ATTEMPTS_MAX, StoreError, back_off};

/// How long the seats are kept: members read the notice and join.
const SEATS_KEPT_MILLIS: u64 = 60_000;

/// Pages of instances that are looked through for room for all.
const PAGES_MAX: u32 = 12;

/// Chooses an instance of the zone with room for the whole party, keeps a seat in it for each member for a minute,
/// and tells the members: each who then joins the zone gets in there. For the leader. The same `Idempotency-Key` gets
/// the same answer until the seats end.
#[utoipa::path(
    post, path = "/v1/parties/{party}/travel", tag = "parties", security(("access_token" = [])),
    params(
        ("party" = PartyId, Path, description = "The party"),
        ("Idempotency-Key" = String, Header, description = "1 to 128 visible ASCII characters"),
    ),
    request_body = TravelTogether,
    responses(
        (status = 200, body = PartyTravel),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn travel(
    desk: Desk,
    InPath(id): InPath<PartyId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(body): Body<TravelTogether>,
) -> Result<Json<PartyTravel>, ApiError> {
    let key = key.ok_or(NO_IDEMPOTENCY_KEY)?;
    let capacity = desk.region.catalogue().zone(&body.zone).ok_or(NO_ZONE)?.capacity;
    let keyed = KeyedRequest::new(desk.account, "parties/travel", &key, &(id, &body));
    if let Some(earlier) = keyed.earlier(&desk.store, desk.now).await? {
        return Ok(Json(earlier));
    }
    desk.own(body.by).await?;
    for attempt in 0..ATTEMPTS_MAX {
        let now = crate::clock::now();
        let Some((stamp, mut party)) = desk.store.stamped_party(id).await? else {
            return Err(refusals::NO_PARTY.into());
        };
        party.lead(body.by).map_err(|forbidden| refused(PartyRefusal::Forbidden(forbidden)))?;
        let members = party.characters();
        let mut at: BTreeMap<CharacterId, InstanceId> = BTreeMap::new();
        let mut present: BTreeMap<InstanceId, u32> = BTreeMap::new();
        for presence in desk.store.presence(&members, now).await? {
            if let Some(stay) = presence.online {
                at.insert(presence.character, stay.instance);
                *present.entry(stay.instance).or_default() += 1;
            }
        }
        let count = u32::try_from(members.len()).unwrap_or(u32::MAX);
        let instance = meeting_place(&desk, &body.zone, capacity, count, &present, now).await?;
        let wanted: Vec<CharacterId> =
            members.iter().filter(|id| at.get(id) != Some(&instance)).copied().collect();
        let until = now.plus_millis(SEATS_KEPT_MILLIS);
        let zone = body.zone.clone();
        party.journey = Some(Journey { zone: zone.clone(), instance, until });
        let answer = PartyTravel { party: id, zone, instance, expires_at: until };
        let stored = keyed.answer(&answer, until);
        let times = (now, until);
        match desk.store.take_seats(instance, capacity, &wanted, (&party, &stamp), times, &stored).await? {
            Ok(()) => {
                let body = json!({
                    "kind": "travel", "party": id, "zone": answer.zone, "instance": instance,
                    "expires_at": until,
                });
                tell(&desk.store, &members, TOPIC, &body, now).await;
                return Ok(Json(answer));
            }
            Err(SeatsRefusal::Repeated) => {
                return keyed.earlier(&desk.store, now).await?.map(Json).ok_or(ApiError::Internal);
            }
            Err(SeatsRefusal::Changed) => back_off(attempt).await,
        }
    }
    Err(StoreError::Contended("the seats of a party").into())
}

/// The instance where the party meets: where most of it is, or else the first that is found with room for all.
async fn meeting_place(
    desk: &Desk,
    zone: &ZoneId,
    capacity: u32,
    count: u32,
    present: &BTreeMap<InstanceId, u32>,
    now: UnixMillis,
) -> Result<InstanceId, ApiError> {
    let mut search = Search::new(zone);
    let there: Vec<_> = present.keys().copied().collect();
    let mut found = search.among(&desk.store, &there, now).await?;
    for _ in 0..PAGES_MAX {
        let Some(more) = search.next(&desk.store, now).await? else { break };
        found.extend(more);
        if let Some(chosen) = choose_together(&found, capacity, count, present) {
            return Ok(chosen.instance);
        }
    }
    let refused = if found.is_empty() { ZONE_UNAVAILABLE } else { refusals::NO_ROOM_TOGETHER };
    Err(refused.into())
}
