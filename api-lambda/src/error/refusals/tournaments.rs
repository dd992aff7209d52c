//! Refusals of tournaments.

use axum::http::StatusCode;

use super::refusal;
use crate::error::Refusal;

pub(crate) const NO_TOURNAMENT: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_tournament",
    "There is no such tournament",
    "there is no tournament of this id",
);

pub(crate) const UNKNOWN: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "tournament_unknown",
    "The tournament has no such part",
    "the tournament has nothing of this name: read its bracket again",
);

pub(crate) const DEFINITION: Refusal = refusal(
    StatusCode::UNPROCESSABLE_ENTITY,
    "tournament_definition",
    "The tournament cannot be played so",
    "the definition has faults",
);

pub(crate) const INVALID: Refusal = refusal(
    StatusCode::UNPROCESSABLE_ENTITY,
    "tournament_invalid",
    "The request does not fit the tournament",
    "the request does not fit the tournament",
);

pub(crate) const NOT_YET: Refusal = refusal(
    StatusCode::CONFLICT,
    "tournament_not_yet",
    "It is too early",
    "it is too early for this: come again later",
);

pub(crate) const TOO_LATE: Refusal =
    refusal(StatusCode::CONFLICT, "tournament_too_late", "It is too late", "it is too late for this");

pub(crate) const CONFLICT: Refusal = refusal(
    StatusCode::CONFLICT,
    "tournament_conflict",
    "It contradicts what is known",
    "it contradicts what is known already: an administrator must decide",
);

pub(crate) const FULL: Refusal =
    refusal(StatusCode::CONFLICT, "tournament_full", "There is no room", "there is no room for another one");

pub(crate) const ELSEWHERE: Refusal = refusal(
    StatusCode::MISDIRECTED_REQUEST,
    "tournament_elsewhere",
    "Another region runs the tournament",
    "another region runs the tournament: send the request to the API of that region",
);

pub(crate) const PLAYED_ELSEWHERE: Refusal = refusal(
    StatusCode::MISDIRECTED_REQUEST,
    "match_elsewhere",
    "The match is played in another region",
    "the match is played in another region: send the same request to the API of that region",
);

pub(crate) const ENTERED: Refusal = refusal(
    StatusCode::CONFLICT,
    "already_entered",
    "The account has entered",
    "an account enters a tournament once, and this one, or that of a member, has done so otherwise: withdraw first",
);

pub(crate) const TEAM_TWICE: Refusal = refusal(
    StatusCode::UNPROCESSABLE_ENTITY,
    "team_twice",
    "An account is in the team twice",
    "the members of a team must be of different accounts",
);

pub(crate) const TEAM_SIZE: Refusal = refusal(
    StatusCode::UNPROCESSABLE_ENTITY,
    "team_size",
    "The team does not have the size asked for",
    "the definition's team_size counts the captain: name the other members, or no team where single players play",
);

pub(crate) const NO_MEMBER: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_member",
    "A member does not exist",
    "there is no character of the id of one of the members",
);

pub(crate) const DISQUALIFIED: Refusal = refusal(
    StatusCode::FORBIDDEN,
    "disqualified",
    "The account is disqualified",
    "an administrator has disqualified the account from this tournament",
);

pub(crate) const LEVEL: Refusal = refusal(
    StatusCode::FORBIDDEN,
    "entry_level",
    "The level does not allow this",
    "the level of a character is not within the tournament's entry rules",
);

pub(crate) const NO_ENTRY: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_entry",
    "There is no such entrant",
    "the account is not a member of such an entrant: register first, or read which invitations it has",
);

pub(crate) const NOT_CAPTAIN: Refusal = refusal(
    StatusCode::FORBIDDEN,
    "not_captain",
    "Only the captain can do this",
    "only the account that registered the team can do this",
);

pub(crate) const NOT_IN_MATCH: Refusal = refusal(
    StatusCode::FORBIDDEN,
    "not_in_match",
    "This is not a match of that entrant",
    "the one named, or the account that asks, does not play in this match",
);

pub(crate) const OTHER_INSTANCE: Refusal = refusal(
    StatusCode::CONFLICT,
    "other_instance",
    "The match is played on another instance",
    "the match was given another instance: only that one can report about it, with its epoch",
);

pub(crate) const NOT_JOINABLE: Refusal = refusal(
    StatusCode::CONFLICT,
    "match_not_joinable",
    "The match is not played now",
    "the match waits for others, is disputed, or is over: read the bracket",
);
