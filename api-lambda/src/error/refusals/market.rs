//! Refusals of the trading post.

use axum::http::StatusCode;

use super::refusal;
use crate::error::Refusal;

pub(crate) const NO_ITEM_KIND: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_item_kind",
    "There is no such kind of items",
    "the catalogue has no such kind of items",
);

pub(crate) const NO_LISTING: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_listing",
    "There is no such listing",
    "there is no listing of this id, or it was closed long ago",
);

pub(crate) const NO_CLAIM: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_claim",
    "There is no such claim",
    "nothing of this id waits for the character: it may have been collected",
);

pub(crate) const BOUND: Refusal = refusal(
    StatusCode::CONFLICT,
    "item_bound",
    "The item is bound",
    "the item is bound to the character and cannot change hands",
);

pub(crate) const WORN: Refusal = refusal(
    StatusCode::CONFLICT,
    "item_worn",
    "The item is worn",
    "the character wears the item: take it off first",
);

pub(crate) const NOT_OWNED: Refusal = refusal(
    StatusCode::CONFLICT,
    "not_owned",
    "The character does not have that",
    "the character does not have these items, or not so many: read the inventory again",
);

pub(crate) const NOT_ENOUGH: Refusal = refusal(
    StatusCode::CONFLICT,
    "not_enough_money",
    "The character cannot pay",
    "the character has less of the currency than this costs",
);

pub(crate) const NO_ROOM: Refusal = refusal(
    StatusCode::CONFLICT,
    "no_room",
    "There is no room for it",
    "the character cannot have more of this: use some of it first",
);

pub(crate) const TOO_MANY_LISTINGS: Refusal = refusal(
    StatusCode::CONFLICT,
    "too_many_listings",
    "The character offers too many lots",
    "the character offers as many lots as it may: cancel one, or wait until one is sold",
);

pub(crate) const LISTING_CLOSED: Refusal = refusal(
    StatusCode::CONFLICT,
    "listing_closed",
    "The listing is closed",
    "the lot was sold to somebody else, taken back, or its time is over: search again",
);

pub(crate) const OTHER_PRICE: Refusal = refusal(
    StatusCode::CONFLICT,
    "other_price",
    "The price is another one",
    "the lot has another price than the one in the request: read the listing again",
);

pub(crate) const OWN_LISTING: Refusal = refusal(
    StatusCode::CONFLICT,
    "own_listing",
    "The lot is the account's own",
    "a character of the same account sells this lot: cancel the listing instead",
);
