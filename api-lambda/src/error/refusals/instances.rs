//! Refusals of zones, their instances, and the hosts that run them.

use axum::http::StatusCode;

use super::{passing, refusal};
use crate::error::Refusal;

pub(crate) const NO_ZONE: Refusal =
    refusal(StatusCode::NOT_FOUND, "no_zone", "There is no such zone", "the catalogue has no such zone");

pub(crate) const ZONE_UNAVAILABLE: Refusal = passing(
    "zone_unavailable",
    "The zone is not running",
    "no host runs this zone at present: try again in some seconds",
    2,
);

pub(crate) const ZONE_FULL: Refusal = passing(
    "zone_full",
    "The zone is full",
    "every instance of this zone is full: try again in some seconds",
    5,
);

pub(crate) const LEASE_LOST: Refusal = refusal(
    StatusCode::CONFLICT,
    "lease_lost",
    "The lease is lost",
    "the host is unknown, or does not own what it reports: register again under a new id",
);

pub(crate) const FENCED: Refusal = refusal(
    StatusCode::CONFLICT,
    "fenced",
    "The instance has another owner",
    "another host owns the instance now: stop running it",
);

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
