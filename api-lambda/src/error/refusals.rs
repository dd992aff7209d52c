//! What is refused, as tables: what is answered, and the words for people. Each resource has its own file, so that all
//! of its refusals are seen at once; here are those of any request.

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

pub(crate) const NO_TOKEN: Refusal = refusal(
    StatusCode::UNAUTHORIZED,
    "token_missing",
    "An access token is needed",
    "the Authorization header is missing or not of the form 'Bearer <token>'",
);

pub(crate) const NO_SERVICE: Refusal = refusal(
    StatusCode::UNAUTHORIZED,
    "service_token",
    "The service token is needed",
    "this route is for services: the Authorization header does not hold the service token",
);

pub(crate) const BODY_TYPE: Refusal = refusal(
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "body_type",
    "The body is not JSON",
    "the Content-Type of the body is not application/json",
);

pub(crate) const BODY_TOO_LARGE: Refusal = refusal(
    StatusCode::PAYLOAD_TOO_LARGE,
    "body_too_large",
    "The body is too large",
    "the body is larger than 65536 bytes",
);

pub(crate) const NO_IDEMPOTENCY_KEY: Refusal = refusal(
    StatusCode::BAD_REQUEST,
    "idempotency_key_missing",
    "An idempotency key is needed",
    "this route needs the header Idempotency-Key: 1 to 128 visible ASCII characters, new for each new request",
);

pub(crate) const BAD_IDEMPOTENCY_KEY: Refusal = refusal(
    StatusCode::BAD_REQUEST,
    "idempotency_key_bad",
    "The idempotency key cannot be used",
    "the header Idempotency-Key must be 1 to 128 visible ASCII characters",
);

pub(crate) const IDEMPOTENCY_MISMATCH: Refusal = refusal(
    StatusCode::UNPROCESSABLE_ENTITY,
    "idempotency_mismatch",
    "The idempotency key is in use",
    "this Idempotency-Key was used with another request: use a new one",
);

pub(crate) const NO_ROUTE: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_route",
    "There is no such address",
    "there is nothing at this address",
);

pub(crate) const METHOD: Refusal = refusal(
    StatusCode::METHOD_NOT_ALLOWED,
    "method",
    "The method does not fit the address",
    "this address does not take this method; the Allow header lists those it takes",
);

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
