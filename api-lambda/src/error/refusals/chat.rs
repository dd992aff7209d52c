//! Refusals about chat.

use axum::http::StatusCode;

use super::{Refusal, refusal};

pub(crate) const NOT_IN_CHANNEL: Refusal = refusal(
    StatusCode::FORBIDDEN,
    "not_in_channel",
    "The character is not in the channel",
    "only members of the party, or those in the instance, read and write here",
);

pub(crate) const TOO_FAST: Refusal = refusal(
    StatusCode::TOO_MANY_REQUESTS,
    "chat_too_fast",
    "That is too much at once",
    "the player has said or reported as much as is allowed for now: wait as the Retry-After header says",
);

pub(crate) const MUTED: Refusal =
    refusal(StatusCode::FORBIDDEN, "muted", "The player is muted", "a moderator has muted the player");

pub(crate) const NOT_MUTED: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "not_muted",
    "The account is not muted",
    "there is no mute of this account in force",
);

pub(crate) const NO_MESSAGE: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_message",
    "There is no such message",
    "this character said no message of this id in this channel, or it is too old",
);
