//! What administrators are refused, and players because of what administrators did.

use axum::http::StatusCode;

use super::refusal;
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
