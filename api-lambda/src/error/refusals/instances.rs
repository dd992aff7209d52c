//! Refusals of instances.

use axum::http::StatusCode;

use super::refusal;
use crate::error::Refusal;

pub(crate) const NO_INSTANCE: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_instance",
    "The instance does not run",
    "the instance is over, or its host is gone: ask again where it came from",
);

pub(crate) const INSTANCE_FULL: Refusal = refusal(
    StatusCode::CONFLICT,
    "instance_full",
    "The instance is full",
    "the instance has as many players as it takes: try again when one has left",
);

pub(crate) const INSTANCE_AWAITED: Refusal = refusal(
    StatusCode::CONFLICT,
    "instance_awaited",
    "Somebody is on the way to the instance",
    "a seat in the instance is promised: keep it running, and ask again when the ticket has expired",
);
