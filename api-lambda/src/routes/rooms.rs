//! `/v1/rooms`: private instances behind short codes. Every change reads the room, settles who is in it, changes it
//! and writes it if nobody else did meanwhile; else it starts anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_dynamodb::types::TransactWriteItem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::contract::Problem;
use domain::contract::hosts::ClaimCharacter;
use domain::contract::instances::Purpose;
use domain::contract::mail::HostOrder;
use domain::contract::rooms::{
    CastRoomMember, ChangeRoom, CreateRoom, JoinRoom, KickFromRoom, Room, RoomCode, RoomJoined, RoomVisitor,
};
use domain::ids::{AccountId, CharacterId, InstanceId};
use domain::time::UnixMillis;
use token::KeyRing;

use crate::clock::random_u128;
use crate::error::{ApiError, refusals};
use crate::extract::{Body, IdempotencyKey, InPath, Player};
use crate::idempotency::{ANSWER_KEPT_MILLIS, KeyedRequest};
use crate::notices;
use crate::rooms::{EntryRefusal, MEMBERS_MAX, Member, RoomState, SPECTATORS_MAX};
use crate::routes::characters::own;
use crate::state::Region;
use crate::store::rooms::{CreateRefusal, StoredRoom};
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off};
use crate::tickets::{self, Traveller};

const PUT_OUT: &str = "the host of the room has put you out";
const LEFT: &str = "you have left the room";
const RECAST: &str = "you look on instead of playing in this room now, or play again: join it anew";

/// Opens a room. Its instance runs from the first time that somebody joins it.
#[utoipa::path(
    post, path = "/v1/rooms", tag = "rooms", security(("access_token" = [])),
    params(("Idempotency-Key" = String, Header, description = "1 to 128 visible ASCII characters")),
    request_body = CreateRoom,
    responses(
        (status = 201, body = Room),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(
    Player(claims): Player,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<CreateRoom>,
) -> Result<(StatusCode, Json<Room>), ApiError> {
    let key = key.ok_or(refusals::NO_IDEMPOTENCY_KEY)?;
    let now = crate::clock::now();
    let keyed = KeyedRequest::new(claims.sub, "rooms", &key, &body);
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Ok((StatusCode::CREATED, Json(earlier)));
    }
    let capacity = region.catalogue().zone(&body.zone).ok_or(refusals::instances::NO_ZONE)?.capacity;
    let most = u32::from(MEMBERS_MAX).min(capacity);
    let members_max = body.members_max.map_or(most, u32::from);
    let members_max = u8::try_from(members_max).ok().filter(|_| (1..=most).contains(&members_max));
    let members_max = members_max.ok_or_else(|| {
        ApiError::BadRequest(format!("members_max: it is not from 1 to {most}, what this zone takes"))
    })?;
    if body.spectators_max > SPECTATORS_MAX {
        let fault = format!("spectators_max: {} is not from 0 to {SPECTATORS_MAX}", body.spectators_max);
        return Err(ApiError::BadRequest(fault));
    }
    own(&store, claims.sub, body.character).await?;
    let member = Member {
        character: body.character,
        account: claims.sub,
        joined_at: now,
        ticket_at: now,
        spectates: false,
    };
    let state = RoomState {
        zone: body.zone,
        instance: InstanceId::new(now, random_u128()),
        locked: false,
        members_max,
        spectators_max: body.spectators_max,
        host: body.character,
        members: vec![member],
        banned: Vec::new(),
        benched: Vec::new(),
        created_at: now,
    };
    for attempt in 0..ATTEMPTS_MAX {
        let room = StoredRoom::new(RoomCode::from_random(random_u128()), state.clone(), now);
        let view = room.view();
        let answer = keyed.answer(&view, now.plus_millis(ANSWER_KEPT_MILLIS));
        match store.create_room(&room, (claims.sub, &answer), now).await? {
            Ok(()) => return Ok((StatusCode::CREATED, Json(view))),
            Err(CreateRefusal::Repeated) => {
                let earlier = keyed.earlier(&store, now).await?;
                let earlier = earlier.ok_or(StoreError::Contended("a room"))?;
                return Ok((StatusCode::CREATED, Json(earlier)));
            }
            Err(CreateRefusal::TooFast { until }) => {
                return Err(refusals::rooms::TOO_MANY_ROOMS.until(until, now).into());
            }
            Err(CreateRefusal::CodeTaken) => back_off(attempt).await,
        }
    }
    Err(StoreError::Contended("the codes of rooms").into())
}

/// The room behind a code.
#[utoipa::path(
    get, path = "/v1/rooms/{code}", tag = "rooms", security(("access_token" = [])),
    params(("code" = RoomCode, Path, description = "The code")),
    responses(
        (status = 200, body = Room),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read(
    _: Player,
    InPath(code): InPath<RoomCode>,
    State(store): State<Store>,
) -> Result<Json<Room>, ApiError> {
    Ok(Json(settled(&store, &code).await?.0.view()))
}

/// Enters a room: makes the character a member who plays or looks on, and gives a ticket to the room's instance. A
/// repetition gives another ticket to the same place; a member who says otherwise than before plays or looks on from
/// the moment that the new ticket is used, and is put out of the instance until then.
#[utoipa::path(
    post, path = "/v1/rooms/{code}/join", tag = "rooms", security(("access_token" = [])),
    params(("code" = RoomCode, Path, description = "The code")),
    request_body = JoinRoom,
    responses(
        (status = 200, body = RoomJoined),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn join(
    Player(claims): Player,
    InPath(code): InPath<RoomCode>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    State(keys): State<Arc<KeyRing>>,
    Body(body): Body<JoinRoom>,
) -> Result<Json<RoomJoined>, ApiError> {
    own(&store, claims.sub, body.character).await?;
    let admitted = change(&store, &code, |state, now| {
        state.admit((claims.sub, body.character), body.spectate, now).map_err(refused)
    })
    .await?;
    let capacity =
        region.catalogue().zone(&admitted.state.zone).ok_or(refusals::instances::NO_ZONE)?.capacity;
    let room = running(&store, admitted).await?;
    let spectates = room.state.member(body.character).is_some_and(|member| member.spectates);
    let traveller = Traveller { spectates, ..Traveller::new(&claims, body.character) };
    // Who may enter is decided above; bodies that wait for their players, and those who only look on, do not take the
    // places of others.
    let limit = capacity.saturating_add(room.state.spectators_max.into());
    let join = tickets::into_instance(&store, &keys, traveller, room.state.instance, limit).await?;
    Ok(Json(RoomJoined { room: room.view(), join }))
}

/// Leaves a room. The body goes when its connection says Bye.
#[utoipa::path(
    post, path = "/v1/rooms/{code}/leave", tag = "rooms", security(("access_token" = [])),
    params(("code" = RoomCode, Path, description = "The code")),
    request_body = RoomVisitor,
    responses(
        (status = 200, body = Room),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn leave(
    Player(claims): Player,
    InPath(code): InPath<RoomCode>,
    State(store): State<Store>,
    Body(body): Body<RoomVisitor>,
) -> Result<Json<Room>, ApiError> {
    own(&store, claims.sub, body.character).await?;
    let room = change(&store, &code, |state, _| {
        // Who is out already has what was asked for.
        state.dismiss(body.character);
        Ok(())
    });
    Ok(Json(room.await?.view()))
}

/// Locks or unlocks the room, or makes another member its host. For its host.
#[utoipa::path(
    patch, path = "/v1/rooms/{code}", tag = "rooms", security(("access_token" = [])),
    params(("code" = RoomCode, Path, description = "The code")),
    request_body = ChangeRoom,
    responses(
        (status = 200, body = Room),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn update(
    Player(claims): Player,
    InPath(code): InPath<RoomCode>,
    State(store): State<Store>,
    Body(body): Body<ChangeRoom>,
) -> Result<Json<Room>, ApiError> {
    let room = change(&store, &code, |state, _| {
        check_host(state, claims.sub)?;
        if let Some(next) = body.host {
            if !state.is_member(next) {
                return Err(refusals::rooms::NO_MEMBER.into());
            }
            state.host = next;
        }
        state.locked = body.locked.unwrap_or(state.locked);
        Ok(())
    });
    Ok(Json(room.await?.view()))
}

/// Puts a member out, out of the instance too, and does not let its account in again. For the room's host.
#[utoipa::path(
    post, path = "/v1/rooms/{code}/kick", tag = "rooms", security(("access_token" = [])),
    params(("code" = RoomCode, Path, description = "The code")),
    request_body = KickFromRoom,
    responses(
        (status = 200, body = Room),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn kick(
    Player(claims): Player,
    InPath(code): InPath<RoomCode>,
    State(store): State<Store>,
    Body(body): Body<KickFromRoom>,
) -> Result<Json<Room>, ApiError> {
    let room = change(&store, &code, |state, _| {
        check_host(state, claims.sub)?;
        if state.ban(body.character) { Ok(()) } else { Err(refusals::rooms::NO_MEMBER.into()) }
    });
    Ok(Json(room.await?.view()))
}

/// Lets a member only look on, or play again. For the room's host; any member says for itself when it joins.
#[utoipa::path(
    put, path = "/v1/rooms/{code}/members/{character}", tag = "rooms", security(("access_token" = [])),
    params(
        ("code" = RoomCode, Path, description = "The code"),
        ("character" = CharacterId, Path, description = "The member"),
    ),
    request_body = CastRoomMember,
    responses(
        (status = 200, body = Room),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cast(
    Player(claims): Player,
    InPath((code, character)): InPath<(RoomCode, CharacterId)>,
    State(store): State<Store>,
    Body(body): Body<CastRoomMember>,
) -> Result<Json<Room>, ApiError> {
    let room = change(&store, &code, |state, _| {
        check_host(state, claims.sub)?;
        state.cast(character, body.spectates).map_err(refused)
    });
    Ok(Json(room.await?.view()))
}

fn refused(refusal: EntryRefusal) -> ApiError {
    match refusal {
        EntryRefusal::Full => refusals::rooms::ROOM_FULL,
        EntryRefusal::SpectatorsFull => refusals::rooms::ROOM_SPECTATORS_FULL,
        EntryRefusal::Locked => refusals::rooms::ROOM_LOCKED,
        EntryRefusal::Banned => refusals::rooms::ROOM_BANNED,
        EntryRefusal::Benched => refusals::rooms::ROOM_BENCHED,
        EntryRefusal::NoMember => refusals::rooms::NO_MEMBER,
    }
    .into()
}

fn check_host(state: &RoomState, account: AccountId) -> Result<(), ApiError> {
    let is_host = state.host().is_some_and(|host| host.account == account);
    if is_host { Ok(()) } else { Err(refusals::rooms::NOT_ROOM_HOST.into()) }
}

/// The room with those who are in it now, and as it is stored.
async fn settled(store: &Store, code: &RoomCode) -> Result<(StoredRoom, RoomState), ApiError> {
    let now = crate::clock::now();
    let mut room = store.room(code, now).await?.ok_or(refusals::rooms::NO_ROOM)?;
    let stored = room.state.clone();
    let members: Vec<_> = room.state.members.iter().map(|member| member.character).collect();
    let here = |stay: &crate::store::presence::Stay| stay.instance == room.state.instance;
    let presences = store.presence(&members, now).await?;
    let present: BTreeSet<CharacterId> = presences
        .iter()
        .filter(|presence| presence.online.as_ref().is_some_and(here))
        .map(|presence| presence.character)
        .collect();
    room.state.settle(&present, now);
    Ok((room, stored))
}

/// Changes a room. Who is put out of it, or plays no more, or no more only looks on, is put out of its instance in the
/// same transaction, and those who stay hear of the change.
async fn change(
    store: &Store,
    code: &RoomCode,
    apply: impl Fn(&mut RoomState, UnixMillis) -> Result<(), ApiError>,
) -> Result<StoredRoom, ApiError> {
    for attempt in 0..ATTEMPTS_MAX {
        let (mut room, before) = settled(store, code).await?;
        let now = crate::clock::now();
        apply(&mut room.state, now)?;
        if room.state == before {
            return Ok(room);
        }
        let kicks = kicks(store, &before, &room.state, now).await?;
        if store.change_room(&mut room, kicks, now).await? {
            tell(store, &room, now).await;
            return Ok(room);
        }
        back_off(attempt).await;
    }
    Err(StoreError::Contended("a room").into())
}

/// The orders for those who were members `before` and have no place in the instance `after`, or another part in it.
async fn kicks(
    store: &Store,
    before: &RoomState,
    after: &RoomState,
    now: UnixMillis,
) -> Result<Vec<TransactWriteItem>, StoreError> {
    let mut parts = Vec::new();
    let mut out = BTreeMap::new();
    for member in &before.members {
        let (id, account) = (member.character, member.account);
        if after.banned.contains(&account) && !before.banned.contains(&account) {
            out.insert(id, (PUT_OUT, None));
        } else if after.member(id).is_none() {
            // Whoever joins again meanwhile comes in by a newer claim.
            let stored = store.character(id).await?;
            out.insert(id, (LEFT, stored.map(|stored| stored.claim)));
        } else if after.member(id).is_some_and(|now| now.spectates != member.spectates)
            && let Some(stored) = store.character(id).await?
        {
            // Whoever has come in by a ticket for the new part is past this order; nobody comes in by one for the old
            // part between this look and the change.
            parts.push(store.same_claim_part(id, stored.claim));
            out.insert(id, (RECAST, Some(stored.claim)));
        }
    }
    let characters: Vec<_> = out.keys().copied().collect();
    for found in store.whereabouts(&characters).await? {
        if found.instance == after.instance
            && let Some((reason, claim)) = out.get(&found.character)
        {
            let (reason, claim) = ((*reason).to_owned(), *claim);
            let order = HostOrder::Kick { character: found.character, reason, claim };
            parts.push(store.mail_part(found.host, &order, now));
        }
    }
    Ok(parts)
}

/// Tells the members that the room has changed. Who misses it sees it at the next look.
async fn tell(store: &Store, room: &StoredRoom, now: UnixMillis) {
    let members: Vec<_> = room.state.members.iter().map(|member| member.character).collect();
    let body = serde_json::json!({ "code": room.code, "version": room.version });
    notices::tell(store, &members, "room", &body, now).await;
}

/// Sees to it that the room's instance runs. One that has ended, since nobody was in it, is followed by another.
async fn running(store: &Store, mut room: StoredRoom) -> Result<StoredRoom, ApiError> {
    for attempt in 0..ATTEMPTS_MAX {
        let now = crate::clock::now();
        let purpose = Purpose::Room(room.code.to_string());
        let RoomState { instance, zone, .. } = &room.state;
        if store.open_instance_as(*instance, zone, &purpose, now).await?.is_some() {
            return Ok(room);
        }
        if !store.is_over(*instance, now).await? {
            return Err(refusals::instances::ZONE_UNAVAILABLE.into());
        }
        room.state.instance = InstanceId::new(now, random_u128());
        if store.change_room(&mut room, Vec::new(), now).await? {
            continue;
        }
        back_off(attempt).await;
        // A rival has changed it, most likely by the same step.
        room = store.room(&room.code, now).await?.ok_or(refusals::rooms::NO_ROOM)?;
    }
    Err(StoreError::Contended("the instance of a room").into())
}

/// Somebody has left an instance: if it is of a room, those who stay hear who is the host now.
pub(crate) async fn after_leaving(store: &Store, instance: InstanceId) -> Result<(), ApiError> {
    let info = store.instance(instance, crate::clock::now()).await?;
    match info.and_then(|info| room_of(&info.purpose)) {
        Some(code) => change(store, &code, |_, _| Ok(())).await.map(drop),
        None => Ok(()),
    }
}

/// A character has come into an instance, by `claim`: if it is of a room that has put it out since it got its ticket,
/// or given it another part, it goes.
pub(crate) async fn after_arriving(
    store: &Store,
    purpose: &Purpose,
    (character, arrival): (CharacterId, &ClaimCharacter),
    claim: u64,
) -> Result<(), StoreError> {
    let Some(code) = room_of(purpose) else { return Ok(()) };
    let now = crate::clock::now();
    let Some(room) = store.room(&code, now).await? else { return Ok(()) };
    let reason = match room.state.member(character) {
        Some(member) if member.spectates == arrival.spectates => return Ok(()),
        Some(_) => RECAST,
        None => "you are no member of this room",
    };
    let order = HostOrder::Kick { character, reason: reason.to_owned(), claim: Some(claim) };
    store.post_mail(arrival.host, &order, now).await
}

fn room_of(purpose: &Purpose) -> Option<RoomCode> {
    match purpose {
        Purpose::Room(code) => code.parse().ok(),
        _ => None,
    }
}
