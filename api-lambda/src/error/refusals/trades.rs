//! Refusals of direct trades.

use axum::http::StatusCode;

use super::refusal;
use crate::error::Refusal;

pub(crate) const NO_TRADE: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_trade",
    "There is no such trade",
    "the account has no part in a trade of this id, or it was over long ago",
);

pub(crate) const NOT_TOGETHER: Refusal = refusal(
    StatusCode::CONFLICT,
    "not_together",
    "The two do not play in one instance",
    "both characters must play in the same instance, where nobody trades who only looks on, and belong to different \
     accounts",
);

pub(crate) const TRADING: Refusal = refusal(
    StatusCode::CONFLICT,
    "already_trading",
    "The character is in a trade already",
    "a character has one open trade at a time: cancel that one first",
);

pub(crate) const TRADE_OVER: Refusal = refusal(
    StatusCode::CONFLICT,
    "trade_over",
    "The trade is over",
    "the trade was carried out, declined or cancelled, or its time is over: open another one",
);

pub(crate) const NOT_OPEN: Refusal = refusal(
    StatusCode::CONFLICT,
    "trade_not_open",
    "The trade is not open yet",
    "the one who was asked has to accept the trade first",
);

pub(crate) const TRADE_CHANGED: Refusal = refusal(
    StatusCode::CONFLICT,
    "trade_changed",
    "The trade has changed",
    "an offer has changed since this version: read the trade again and decide anew",
);

pub(crate) const BAD_OFFER: Refusal =
    refusal(StatusCode::BAD_REQUEST, "bad_offer", "The offer makes no sense", "the offer makes no sense");

pub(crate) const TRADE_FAILED: Refusal = refusal(
    StatusCode::CONFLICT,
    "trade_failed",
    "The trade could not be carried out",
    "the trade could not be carried out: read it again",
);
