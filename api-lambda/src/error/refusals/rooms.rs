//! Refusals of rooms.

use axum::http::StatusCode;

use super::refusal;
use crate::error::Refusal;

pub(crate) const NO_ROOM: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_room",
    "There is no such room",
    "no room has this code, or nobody has been in it for long: check the code, or open a room",
);

pub(crate) const TOO_MANY_ROOMS: Refusal = refusal(
    StatusCode::TOO_MANY_REQUESTS,
    "too_many_rooms",
    "The player opens rooms too fast",
    "use a room that is open, or open another one when Retry-After has passed",
);

pub(crate) const ROOM_FULL: Refusal = refusal(
    StatusCode::CONFLICT,
    "room_full",
    "The room is full",
    "the room has as many members as it takes: try again when one has left",
);

pub(crate) const ROOM_SPECTATORS_FULL: Refusal = refusal(
    StatusCode::CONFLICT,
    "room_spectators_full",
    "No more may look on in the room",
    "the room has as many spectators as it takes: play in it, or try again when one has left",
);

pub(crate) const ROOM_BENCHED: Refusal = refusal(
    StatusCode::FORBIDDEN,
    "room_benched",
    "The host of the room lets this player only look on",
    "join with spectate: true, or ask the room's host to let you play",
);

pub(crate) const ROOM_LOCKED: Refusal = refusal(
    StatusCode::FORBIDDEN,
    "room_locked",
    "The room is locked",
    "the room takes no new members: ask its host to unlock it",
);

pub(crate) const ROOM_BANNED: Refusal = refusal(
    StatusCode::FORBIDDEN,
    "room_banned",
    "The room does not take this player",
    "the host of the room has put this account out: play in another one",
);

pub(crate) const NOT_ROOM_HOST: Refusal = refusal(
    StatusCode::FORBIDDEN,
    "not_room_host",
    "Only the host of the room may do this",
    "the room's host is another player's character: ask that player to do it",
);

pub(crate) const NO_MEMBER: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_room_member",
    "The character is not in the room",
    "the room has no such member at present: read the room again",
);
