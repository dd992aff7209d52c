//! Refusals about parties.

use axum::http::StatusCode;

use super::{Refusal, passing, refusal};

pub(crate) const NO_PARTY: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_party",
    "There is no such party",
    "there is no party of this id with this character in it: read the character's party again",
);

pub(crate) const NO_LEADER: Refusal = refusal(
    StatusCode::FORBIDDEN,
    "no_leader",
    "The character does not lead the party",
    "only the leader of the party may do this",
);

pub(crate) const NO_MEMBER: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_member",
    "There is no such member",
    "this character is not in the party: it left, or never joined",
);

pub(crate) const NO_INVITATION: Refusal = refusal(
    StatusCode::NOT_FOUND,
    "no_invitation",
    "There is no such invitation",
    "the character has no open invitation to this party: it was answered, has expired, or the party is over",
);

pub(crate) const MEMBER_ALREADY: Refusal = refusal(
    StatusCode::CONFLICT,
    "member_already",
    "The character is in the party",
    "this character is a member already",
);

pub(crate) const IN_PARTY: Refusal = refusal(
    StatusCode::CONFLICT,
    "in_party",
    "The character is in a party",
    "a character is in one party at a time: leave the other one first",
);

pub(crate) const PARTY_FULL: Refusal =
    refusal(StatusCode::CONFLICT, "party_full", "The party is full", "a party has at most 8 members");

pub(crate) const INVITATIONS_FULL: Refusal = refusal(
    StatusCode::CONFLICT,
    "invitations_full",
    "Too many invitations are open",
    "16 invitations to this party wait for an answer: they expire within 5 minutes",
);

pub(crate) const NO_ROOM_TOGETHER: Refusal = passing(
    "no_room_together",
    "No instance has room for the party",
    "no instance of this zone has room for all members: try again in some seconds",
    5,
);
