//! The refusals of leaderboards.

use axum::http::StatusCode;

use super::refusal;
use crate::error::Refusal;

pub(crate) const NO_BOARD: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_board",
    "There is no such leaderboard",
    "there is no such leaderboard",
);

pub(crate) const NO_SCORE: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_score",
    "There is no score",
    "the character has no score on this board yet",
);

pub(crate) const NO_SEASON: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_season",
    "There is no such season",
    "the board has no such season, or no longer keeps it: list its seasons",
);

pub(crate) const TOO_MANY_SCORES: Refusal = refusal(
    StatusCode::BAD_REQUEST,
    "score_count",
    "The number of scores does not fit",
    "1 to 7 scores of different characters are needed: send more in further requests",
);

pub(crate) const SCORE_OVERFLOW: Refusal = refusal(
    StatusCode::UNPROCESSABLE_ENTITY,
    "score_overflow",
    "The score does not fit",
    "the score would leave the range of 64-bit integers: nothing was stored",
);

pub(crate) const SCORES_TOO_FAR: Refusal = refusal(
    StatusCode::UNPROCESSABLE_ENTITY,
    "scores_too_far",
    "The scores do not fit one transaction",
    "so many scores out of the board's usual range do not fit one transaction: send them one by one",
);

pub(crate) const BOARD_ELSEWHERE: Refusal = refusal(
    StatusCode::CONFLICT,
    "board_elsewhere",
    "Another region takes the scores",
    "this board takes scores in its home region only: send them to the API of that region",
);

pub(crate) const BAD_CHARACTERS: Refusal = refusal(
    StatusCode::BAD_REQUEST,
    "bad_characters",
    "The characters cannot be read",
    "1 to 100 ids of characters are needed, with commas between them",
);

pub(crate) const NO_SECTION: Refusal = refusal(
    StatusCode::BAD_REQUEST,
    "no_section",
    "There is no such section",
    "a board has sections from 0 to 127: begin without one, and go on with the one that each answer names",
);
