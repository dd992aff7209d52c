//! The refusals of the resources, as tables: what is answered, and the words for people. Each resource has its own
//! file, so that all of its refusals are seen at once.

use std::borrow::Cow;

use axum::http::StatusCode;

use super::{Refusal, answer, later};

pub(crate) mod admin;
pub(crate) mod boards;
pub(crate) mod characters;
pub(crate) mod chat;
pub(crate) mod content;
pub(crate) mod instances;
pub(crate) mod market;
pub(crate) mod matchmaking;
pub(crate) mod parties;
pub(crate) mod possessions;
pub(crate) mod rooms;
pub(crate) mod social;
pub(crate) mod tournaments;
pub(crate) mod trades;

/// A refusal: its status, its code for programs, its title, and what the caller can do about it.
const fn refusal(
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: &'static str,
) -> Refusal {
    Refusal { answer: answer(status, code, title), detail: Cow::Borrowed(detail) }
}

/// A refusal that is worth another try in some seconds.
const fn passing(
    code: &'static str,
    title: &'static str,
    detail: &'static str,
    retry_after_secs: u64,
) -> Refusal {
    Refusal { answer: later(code, title, retry_after_secs), detail: Cow::Borrowed(detail) }
}

pub(crate) const NO_ADMIN: Refusal = refusal(
    StatusCode::UNAUTHORIZED,
    "admin_key",
    "An admin key is needed",
    "this route is for administrators: the Authorization header does not hold an admin key",
);

pub(crate) const ROLE_TOO_LOW: Refusal = refusal(
    StatusCode::FORBIDDEN,
    "role_too_low",
    "The role does not allow this",
    "the role of this admin key does not allow this: use a key of a higher role",
);

pub(crate) const RATE_LIMITED: Refusal = refusal(
    StatusCode::TOO_MANY_REQUESTS,
    "rate_limited",
    "Too many requests",
    "too many requests: wait as long as Retry-After says; the header RateLimit-Policy says how many are allowed",
);
