//! What players ask of matchmaking, and what it answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalogue::MatchQueue;
use crate::contract::players::JoinResponse;
use crate::ids::{CharacterId, InstanceId, MatchId, MatchTicketId, QueueId};
use crate::time::UnixMillis;

/// Answer of `GET /v1/matchmaking/queues`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueueList {
    /// The queues whose matches are formed in this region.
    pub queues: Vec<MatchQueue>,
}

/// Body of `POST /v1/matchmaking/tickets`: one player, or a party that stays in one team, looks for a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateTicket {
    /// The queue to wait in.
    pub queue: QueueId,
    /// The caller's character.
    pub character: CharacterId,
    /// Roles that the caller would take; empty: any.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The others of the party, each of another account and in a party with the caller.
    #[serde(default)]
    pub party: Vec<TicketMember>,
    /// The worst round trip of the party to each region that it has measured, in milliseconds. A region that is
    /// missing is unknown, and no match is made there; at least one is needed. For a queue of one region it may be
    /// left out: unknown counts as the longest that the queue allows.
    #[serde(default)]
    pub round_trips_ms: BTreeMap<String, u32>,
}

/// One of a party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TicketMember {
    /// The character.
    pub character: CharacterId,
    /// Roles that it would take; empty: any.
    #[serde(default)]
    pub roles: Vec<String>,
}

/// A ticket as its players see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MatchTicket {
    /// The ticket.
    pub id: MatchTicketId,
    /// The queue that it waits in.
    pub queue: QueueId,
    /// How it stands for the player who asks.
    pub state: TicketState,
    /// The players of the ticket.
    pub players: Vec<TicketMember>,
    /// Since when it waits.
    pub created_at: UnixMillis,
    /// When it waits no longer if it is not matched by then.
    pub expires_at: UnixMillis,
    /// Why it still waits, as the matcher last told; it tells some seconds after the ticket came, and then seldom.
    pub wait: Option<WaitReport>,
    /// The match, once there is one.
    pub assignment: Option<Assignment>,
}

/// How a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TicketState {
    /// It waits.
    Searching,
    /// It has a match, and the player a place in it.
    Matched,
    /// It was cancelled before it had a match.
    Cancelled,
    /// It waited too long.
    Expired,
    /// The player gave the place in the match back.
    Left,
    /// The player did not come in time, and lost the place in the match.
    Missed,
    /// The match is over.
    Over,
}

/// Why a ticket waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WaitReport {
    /// When this was so.
    pub at: UnixMillis,
    /// How far from its own rating the ticket accepted others, in units of mu.
    pub window: f64,
    /// Players of a match, at least.
    pub players_needed: u32,
    /// Players, its own included, whose tickets and this one accept each other by rating.
    pub players_in_window: u32,
    /// Those of them who play in a region that this ticket plays in too.
    pub players_in_region: u32,
    /// Those of them whom nobody here refuses.
    pub players_unblocked: u32,
    /// What was in the way: `ready` (nothing), `no_region`, `too_few_in_window`, `no_common_region`, `blocks`,
    /// `roles` or `windows_of_others`.
    pub reason: String,
}

/// A place in a match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Assignment {
    /// The match.
    pub match_id: MatchId,
    /// The region that it is played in.
    pub region: String,
    /// How good the matcher found it, from 0 to 1.
    pub quality: f64,
    /// Who plays with whom. Players who left or did not come are not listed.
    pub teams: Vec<MatchTeamView>,
    /// The player's own team, counted from 0; none if the place is lost.
    pub team: Option<u32>,
    /// The instance that it is played in, once there is one.
    pub instance: Option<InstanceId>,
    /// How to get in, signed for this answer; none while there is no instance, or if its host is gone.
    pub join: Option<JoinResponse>,
}

/// A team of a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MatchTeamView {
    /// Its players.
    pub players: Vec<MatchPlayerView>,
}

/// A player of a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MatchPlayerView {
    /// The character.
    pub character: CharacterId,
    /// The role that it fills; none: a place for anyone.
    pub role: Option<String>,
}

/// Answer of `GET /v1/characters/{id}/ratings`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CharacterRatings {
    /// One for each queue that the character has played in, by name. Queues are few, so there is one page.
    pub ratings: Vec<QueueRating>,
}

/// How good a character is believed to be in the matches of one queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueueRating {
    /// The queue.
    pub queue: QueueId,
    /// The mean of the belief; a newcomer is at 25.
    pub mu: f64,
    /// Its standard deviation; a newcomer's is 25/3.
    pub sigma: f64,
    /// One number to show: mu - 3 sigma.
    pub ordinal: f64,
    /// Matches that were counted.
    pub matches: u64,
    /// When the last one was.
    pub updated_at: UnixMillis,
}
