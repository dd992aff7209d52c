//! Refusals about characters: whose they are, their names, their deletion and return.

use axum::http::StatusCode;

use super::refusal;
use crate::error::Refusal;

pub(crate) const NO_CHARACTER: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_character",
    "There is no such character",
    "the account has no character of this id",
);

pub(crate) const TOO_MANY: Refusal = refusal(
    StatusCode::CONFLICT,
    "too_many_characters",
    "The account is full",
    "an account has at most 16 characters: delete one first",
);

pub(crate) const VERSION_CONFLICT: Refusal = refusal(
    StatusCode::CONFLICT,
    "version_conflict",
    "The character has changed",
    "the character has another version now: read it again and decide anew",
);

pub(crate) const NAME_RESERVED: Refusal = refusal(
    StatusCode::CONFLICT,
    "name_reserved",
    "The name is reserved",
    "the name is, or looks like, one that players cannot have: choose another one",
);

pub(crate) const NOT_DELETED: Refusal = refusal(
    StatusCode::CONFLICT,
    "not_deleted",
    "The character is not deleted",
    "the character is not deleted, or was restored already: there is nothing to restore",
);

pub(crate) const RESTORE_EXPIRED: Refusal = refusal(
    StatusCode::GONE,
    "restore_expired",
    "The character is gone",
    "the character was deleted more than 30 days ago: it cannot be restored any more",
);

pub(crate) const NAME_TAKEN: Refusal = refusal(
    StatusCode::CONFLICT,
    "name_taken",
    "The name is taken",
    "the name is taken, perhaps in another spelling: give another one in the field name",
);
