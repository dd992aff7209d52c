//! Refusals about friends and blocks.

use axum::http::StatusCode;

use super::{Refusal, refusal};

pub(crate) const NOBODY: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "nobody",
    "There is no such character",
    "there is no character of this id or name: check its spelling",
);

pub(crate) const ONESELF: Refusal = refusal(
    StatusCode::CONFLICT,
    "oneself",
    "That is the player's own character",
    "the character belongs to the player's own account: name somebody else's",
);

pub(crate) const BLOCKING: Refusal = refusal(
    StatusCode::CONFLICT,
    "blocking",
    "The other one is blocked",
    "the player blocks the account of this character: end the block first",
);

pub(crate) const NO_REQUEST: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_request",
    "There is no such request",
    "there is no open request with this character: it was answered, withdrawn, or never made",
);

pub(crate) const NO_FRIEND: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_friend",
    "There is no such friend",
    "no friend of the player is known by this character: read the list again",
);

pub(crate) const NO_BLOCK: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_block",
    "There is no such block",
    "the player blocks nobody by this character: read the list again",
);

pub(crate) const FRIENDS_FULL: Refusal = refusal(
    StatusCode::CONFLICT,
    "friends_full",
    "The list of friends is full",
    "the player has 200 friends: remove one first",
);

pub(crate) const FRIENDS_FULL_THERE: Refusal = refusal(
    StatusCode::CONFLICT,
    "friends_full_there",
    "The other's list of friends is full",
    "the other one has 200 friends and cannot take one more for now",
);

pub(crate) const REQUESTS_FULL: Refusal = refusal(
    StatusCode::CONFLICT,
    "requests_full",
    "Too many requests are open",
    "50 requests of the player wait for an answer: withdraw one first",
);

pub(crate) const REQUESTS_FULL_THERE: Refusal = refusal(
    StatusCode::CONFLICT,
    "requests_full_there",
    "The other one has too many requests",
    "200 requests wait for the other one's answer: try again later",
);

pub(crate) const BLOCKS_FULL: Refusal = refusal(
    StatusCode::CONFLICT,
    "blocks_full",
    "The list of blocks is full",
    "the player blocks 500 accounts: end one block first",
);
