//! What administrators are refused, and players because of what administrators did.

use axum::http::StatusCode;

use super::{passing, refusal};
use crate::error::Refusal;

pub(crate) const NO_KEY: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_admin_key",
    "There is no such admin key",
    "there is no admin key of this id: list them to see which there are",
);

pub(crate) const KEY_SHOWN: Refusal = refusal(
    StatusCode::CONFLICT,
    "key_shown",
    "The key was shown already",
    "this request has made a key before, and its text is shown only once: revoke it and make another one",
);

pub(crate) const EXPIRES_IN_THE_PAST: Refusal = refusal(
    StatusCode::BAD_REQUEST,
    "expires_in_the_past",
    "The end is over already",
    "the time given is over already: give a later one, in milliseconds since 1970",
);

pub(crate) const BANNED: Refusal =
    refusal(StatusCode::FORBIDDEN, "account_banned", "The account is banned", "the account is banned");

pub(crate) const NOT_BANNED: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "not_banned",
    "The account is not banned",
    "no ban of this account is in force: there is nothing to lift",
);

pub(crate) const ERASED: Refusal = refusal(
    StatusCode::FORBIDDEN,
    "account_erased",
    "The account is no more",
    "the data of this account was deleted: sign in anew to make another one",
);

pub(crate) const MAINTENANCE: Refusal = refusal(
    StatusCode::SERVICE_UNAVAILABLE,
    "maintenance",
    "The region is under maintenance",
    "the region is under maintenance: try again later",
);

pub(crate) const NO_PLAYER: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_player",
    "There is no such player",
    "nobody has an account of this id: check it, or look for the player by name",
);

/// Characters are somebody's in every other refusal.
pub(crate) const NO_CHARACTER: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_character",
    "There is no such character",
    "nobody has a character of this id: check it, or look for the character by name",
);

pub(crate) const NO_HOST: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_host",
    "There is no such host",
    "no host of this id is known: list them to see which there are",
);

pub(crate) const EDGE_UNREACHABLE: Refusal = passing(
    "edge_unreachable",
    "The edge does not answer",
    "the edge, which has what this needs, does not answer: try again in some seconds",
    2,
);
