//! Refusals about names, deleted characters and their return.

use axum::http::StatusCode;

use super::refusal;
use crate::error::Refusal;

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
    "the name has been taken, perhaps in another spelling: give another one in the field name",
);
