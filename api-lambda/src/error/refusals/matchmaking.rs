//! Refusals of matchmaking.

use axum::http::StatusCode;

use super::refusal;
use crate::error::Refusal;

pub(crate) const NO_QUEUE: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_queue",
    "There is no such queue",
    "the catalogue has no such queue: GET /v1/matchmaking/queues lists those of this region",
);

pub(crate) const QUEUE_ELSEWHERE: Refusal = refusal(
    StatusCode::CONFLICT,
    "queue_elsewhere",
    "The queue is another region's",
    "matches of this queue are formed in another region: send the ticket to that region's API",
);

pub(crate) const BAD_TICKET: Refusal = refusal(
    StatusCode::BAD_REQUEST,
    "bad_match_ticket",
    "The ticket does not fit the queue",
    "the ticket does not fit the queue",
);

pub(crate) const ALREADY_WAITING: Refusal = refusal(
    StatusCode::CONFLICT,
    "already_waiting",
    "A character has a ticket already",
    "a character has one open ticket at a time: cancel that one first",
);

pub(crate) const NOT_IN_PARTY: Refusal = refusal(
    StatusCode::CONFLICT,
    "not_in_party",
    "Not a party",
    "each character of the ticket must be in the party of the caller's character: invite it first",
);

pub(crate) const NO_TICKET: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_match_ticket",
    "There is no such ticket",
    "the account has no match ticket of this id",
);

pub(crate) const NO_COORDINATOR: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_coordinator",
    "There is no coordinator",
    "no host of the region has been its coordinator yet: ask again in a second",
);

pub(crate) const NOT_COORDINATOR: Refusal = refusal(
    StatusCode::CONFLICT,
    "not_coordinator",
    "Another host is the coordinator",
    "the epoch is not that of the coordinator's lease: stop forming matches",
);

pub(crate) const NO_MATCH: Refusal =
    refusal(StatusCode::NOT_FOUND, "no_match", "There is no such match", "there is no match of this id");

pub(crate) const MATCH_OVER: Refusal = refusal(
    StatusCode::CONFLICT,
    "match_over",
    "The match is over",
    "another result of the match was accepted, it came to nothing, it took longer than its queue allows, or it has not \
     begun: the result is of no use",
);

pub(crate) const BAD_RESULT: Refusal = refusal(
    StatusCode::BAD_REQUEST,
    "bad_result",
    "The result does not fit the match",
    "the result does not fit the match",
);
