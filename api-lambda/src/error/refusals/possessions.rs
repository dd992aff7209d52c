//! Refusals about what characters have.

use axum::http::StatusCode;

use super::refusal;
use crate::error::Refusal;

pub(crate) const UNKNOWN_KIND: Refusal = refusal(
    StatusCode::UNPROCESSABLE_ENTITY,
    "unknown_kind",
    "There is no such kind or currency",
    "the catalogue has no such kind of items or no such currency: nothing was changed",
);

pub(crate) const NO_CURRENCY: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_currency",
    "There is no such currency",
    "the catalogue has no such currency: the wallet lists those that the character has",
);
