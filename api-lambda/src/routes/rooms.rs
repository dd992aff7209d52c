//! `/v1/rooms`: private instances behind short codes. Every change reads the room, settles who is in it, changes it
//! and writes it if nobody else did meanwhile; else it starts anew.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::contract::Problem;
use domain::contract::instances::Purpose;
use domain::contract::mail::{HostOrder, Notice};
use domain::contract::rooms::{
    ChangeRoom, CreateRoom, KickFromRoom, Room, RoomCode, RoomJoined, RoomVisitor,
};
use domain::ids::{AccountId, CharacterId, HostId, InstanceId};
use domain::time::UnixMillis;
use token::KeyRing;

use crate::clock::random_u128;
use crate::error::{ApiError, refusals};
use crate::extract::{Body, IdempotencyKey, InPath, Player};
use crate::idempotency::{ANSWER_KEPT_MILLIS, KeyedRequest};
use crate::rooms::{EntryRefusal, MEMBERS_MAX, Member, RoomState};
use crate::state::Region;
use crate::store::rooms::{CreateRefusal, StoredRoom};
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off};
use crate::tickets::{self, Traveller};

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
    let key = key.ok_or(ApiError::NoIdempotencyKey)?;
    let now = crate::clock::now();
    let keyed = KeyedRequest::new(claims.sub, "rooms", &key, &body);
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Ok((StatusCode::CREATED, Json(earlier)));
    }
    let capacity = region.catalogue().zone(&body.zone).ok_or(ApiError::NoZone)?.capacity;
    let most = u32::from(MEMBERS_MAX).min(capacity);
    let members_max = body.members_max.map_or(most, u32::from);
    let members_max = u8::try_from(members_max).ok().filter(|_| (1..=most).contains(&members_max));
    let members_max = members_max.ok_or_else(|| {
        ApiError::BadRequest(format!("members_max: it is not from 1 to {most}, what this zone takes"))
    })?;
    check_owner(&store, claims.sub, body.character).await?;
    let member = Member { character: body.character, account: claims.sub, joined_at: now, ticket_at: now };
    let state = RoomState {
        zone: body.zone,
        instance: InstanceId::new(now, random_u128()),
        locked: false,
        members_max,
        host: body.character,
        members: vec![member],
        banned: Vec::new(),
        created_at: now,
    };
    for attempt in 0..ATTEMPTS_MAX {
        let room = StoredRoom::new(RoomCode::from_random(random_u128()), state.clone(), now);
        let view = room.view();
        let answer = keyed.answer(&view, now.plus_millis(ANSWER_KEPT_MILLIS));
        match store.create_room(&room, &answer, now).await? {
            Ok(()) => return Ok((StatusCode::CREATED, Json(view))),
            Err(CreateRefusal::Repeated) => {
                let earlier = keyed.earlier(&store, now).await?;
                let earlier = earlier.ok_or(StoreError::Contended("a room"))?;
                return Ok((StatusCode::CREATED, Json(earlier)));
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

/// Enters a room: makes the character a member, and gives a ticket to the room's instance. A repetition gives another
/// ticket to the same place.
#[utoipa::path(
    post, path = "/v1/rooms/{code}/join", tag = "rooms", security(("access_token" = [])),
    params(("code" = RoomCode, Path, description = "The code")),
    request_body = RoomVisitor,
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
    Body(body): Body<RoomVisitor>,
) -> Result<Json<RoomJoined>, ApiError> {
    check_owner(&store, claims.sub, body.character).await?;
    let admitted = change(&store, &code, |state, now| {
        state.admit(claims.sub, body.character, now).map_err(|refusal| match refusal {
            EntryRefusal::Full => refusals::rooms::ROOM_FULL.into(),
            EntryRefusal::Locked => refusals::rooms::ROOM_LOCKED.into(),
            EntryRefusal::Banned => refusals::rooms::ROOM_BANNED.into(),
        })
    })
    .await?;
    let capacity = region.catalogue().zone(&admitted.state.zone).ok_or(ApiError::NoZone)?.capacity;
    let room = running(&store, admitted).await?;
    let traveller = Traveller::new(&claims, body.character);
    // Who may enter is decided above; bodies that wait for their players do not take the places of others.
    let join = tickets::into_instance(&store, &keys, traveller, room.state.instance, capacity).await?;
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
    check_owner(&store, claims.sub, body.character).await?;
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

async fn check_owner(store: &Store, account: AccountId, character: CharacterId) -> Result<(), ApiError> {
    let owned = store.character(character).await?.is_some_and(|stored| stored.account == account);
    if owned { Ok(()) } else { Err(ApiError::NoCharacter) }
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

/// Changes a room. Who is put out of it is put out of its instance in the same transaction, and those who stay hear
/// of the change.
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
        let newly_banned = |member: &&Member| {
            room.state.banned.contains(&member.account) && !before.banned.contains(&member.account)
        };
        let out: Vec<_> = before.members.iter().filter(newly_banned).map(|member| member.character).collect();
        let mut kicks = Vec::new();
        for found in store.whereabouts(&out).await? {
            if found.instance == room.state.instance {
                let reason = "the host of the room has put you out".to_owned();
                let order = HostOrder::Kick { character: found.character, reason };
                kicks.push(store.mail_part(found.host, &order, now));
            }
        }
        if store.change_room(&mut room, kicks, now).await? {
            tell(store, &room, now).await;
            return Ok(room);
        }
        back_off(attempt).await;
    }
    Err(StoreError::Contended("a room").into())
}

/// Tells the members that the room has changed. Who misses it sees it at the next look.
async fn tell(store: &Store, room: &StoredRoom, now: UnixMillis) {
    let members: Vec<_> = room.state.members.iter().map(|member| member.character).collect();
    let body = serde_json::json!({ "code": room.code, "version": room.version }).to_string();
    let notice = Notice { topic: "room".into(), body };
    if let Err(error) = store.notify(&members, &notice, now).await {
        tracing::warn!(kind = error.kind(), %error, "the members of a room were not told of a change");
    }
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
            return Err(ApiError::ZoneUnavailable);
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

/// A character has come into an instance: if it is of a room that has put it out since it got its ticket, it goes.
pub(crate) async fn after_arriving(
    store: &Store,
    purpose: &Purpose,
    character: CharacterId,
    host: HostId,
) -> Result<(), StoreError> {
    let Some(code) = room_of(purpose) else { return Ok(()) };
    let now = crate::clock::now();
    let Some(room) = store.room(&code, now).await? else { return Ok(()) };
    if room.state.is_member(character) {
        return Ok(());
    }
    let reason = "you are no member of this room".to_owned();
    store.post_mail(host, &HostOrder::Kick { character, reason }, now).await
}

fn room_of(purpose: &Purpose) -> Option<RoomCode> {
    match purpose {
        Purpose::Room(code) => code.parse().ok(),
        _ => None,
    }
}
