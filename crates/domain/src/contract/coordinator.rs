//! What the coordinator of a region asks the API, with the service token, and what it answers. The coordinator is
//! one of the region's hosts; the lease says which.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalogue::RoleCount;
use crate::contract::matchmaking::WaitReport;
use crate::ids::{CharacterId, Epoch, HostId, InstanceId, MatchId, MatchTicketId, QueueId};
use crate::time::UnixMillis;

/// Body of `POST /internal/v1/coordinator/lease`: a host would be, or stay, the coordinator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CoordinatorBid {
    /// The host that asks.
    pub host: HostId,
}

/// Who is the coordinator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CoordinatorLease {
    /// The coordinator.
    pub host: HostId,
    /// Rises with each change of the coordinator.
    pub epoch: Epoch,
    /// Milliseconds from the request on until the lease ends, unless the coordinator asks again before.
    pub lease_ms: u64,
}

/// Answer of `GET /internal/v1/region/load`: how the region is, from what its hosts told last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegionLoad {
    /// Players in its worlds, and on their way there.
    pub players: u32,
    /// How full the instances that take players are, in 1/1000; 1000 if there is none.
    pub load_permille: u16,
    /// Hosts that have a lease and take players, by id.
    pub hosts: Vec<HostLoad>,
}

/// How busy a host is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostLoad {
    /// The host.
    pub host: HostId,
    /// Its instances.
    pub instances: u32,
    /// Players in them, and on their way there.
    pub players: u32,
}

/// Answer of `GET /internal/v1/matchmaking/changes`. Applying the same entry twice changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MatchmakingChanges {
    /// The API's clock when it read; the `after` of the next question is some seconds before it, since entries can
    /// appear late.
    pub now: UnixMillis,
    /// Tickets that came, or came back.
    pub opened: Vec<OpenTicket>,
    /// Tickets that were cancelled.
    pub closed: Vec<MatchTicketId>,
    /// Matches that have places to fill, each as it is now.
    pub openings: Vec<MatchOpening>,
    /// The `cursor` of the next page; none: this was the last.
    pub next: Option<String>,
}

/// A ticket that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenTicket {
    /// The ticket.
    pub id: MatchTicketId,
    /// The queue that it waits in.
    pub queue: QueueId,
    /// Its party.
    pub players: Vec<OpenTicketPlayer>,
    /// The party's worst round trip by region, in milliseconds, where known.
    pub round_trips_ms: BTreeMap<String, u32>,
    /// Since when it waits.
    pub created_at: UnixMillis,
    /// When it waits no longer.
    pub expires_at: UnixMillis,
}

/// A player who waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenTicketPlayer {
    /// The character.
    pub character: CharacterId,
    /// The mean of its rating when the ticket came.
    pub mu: f64,
    /// The deviation of its rating when the ticket came.
    pub sigma: f64,
    /// Roles that it would take; empty: any.
    pub roles: Vec<String>,
}

/// A match that runs and has places to fill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MatchOpening {
    /// The match.
    pub match_id: MatchId,
    /// The queue that it was formed from.
    pub queue: QueueId,
    /// The instance that it is played in.
    pub instance: InstanceId,
    /// The region that it is played in.
    pub region: String,
    /// Counts the changes of the match: players are sent to it as it was at one of them, or not at all.
    pub revision: u64,
    /// All of its teams.
    pub teams: Vec<OpenTeam>,
    /// Since when it has places to fill.
    pub since: UnixMillis,
}

/// A team of a match that has places to fill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenTeam {
    /// The players that it has.
    pub players: Vec<OpenTicketPlayer>,
    /// Places to fill.
    pub open_places: u8,
    /// Roles among them that it lacks.
    pub open_roles: Vec<RoleCount>,
}

/// Body of `POST /internal/v1/matchmaking/matches`: matches that the matcher made, at most 16.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FormMatches {
    /// The coordinator's lease: an old one is refused.
    pub epoch: Epoch,
    /// Each becomes one transaction.
    pub matches: Vec<FormMatch>,
}

/// A match to be formed, or players who join one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FormMatch {
    /// The match: a new id, or that of the match that is joined. The same match sent again has the effect of one.
    pub match_id: MatchId,
    /// The queue.
    pub queue: QueueId,
    /// Of a match that is joined: its revision when the places were looked at.
    pub joins: Option<u64>,
    /// The region that it is played in.
    pub region: String,
    /// Who joins which team, in the order of the teams.
    pub teams: Vec<FormTeam>,
    /// How good the match is, from 0 to 1.
    pub quality: f64,
    /// The mean mu of the strongest team over that of the weakest.
    pub spread: f64,
    /// The mean mu of the strongest party over that of the weakest.
    pub range: f64,
    /// The worst round trip of those who join, in milliseconds.
    pub worst_round_trip_ms: u32,
}

/// Those who join one team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FormTeam {
    /// Their tickets.
    pub tickets: Vec<MatchTicketId>,
    /// Roles that single players of them fill.
    pub roles: BTreeMap<CharacterId, String>,
}

/// Answer to `FormMatches`: one outcome for each match, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FormedMatches {
    /// In the order of the request.
    pub outcomes: Vec<FormOutcome>,
}

/// What became of one match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum FormOutcome {
    /// It is stored, now or already before.
    Formed,
    /// These tickets wait no longer; the others still do.
    Gone(Vec<MatchTicketId>),
    /// Players of the tickets of each pair refuse each other, or are the same person. All still wait.
    Blocked(Vec<[MatchTicketId; 2]>),
    /// The match that was to be joined has changed or is over. All still wait.
    Changed,
    /// It does not fit its queue as the API knows it, for this reason: the catalogue may have changed. All still wait.
    Refused(String),
    /// The store was busy. Whether the match is stored will be known when it, or another of the tickets, is sent
    /// again.
    Unknown,
}

/// Body of `POST /internal/v1/matchmaking/waits`: why tickets wait, at most 100.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WaitReports {
    /// The reports.
    pub waits: Vec<TicketWait>,
}

/// Why one ticket waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TicketWait {
    /// The ticket.
    pub ticket: MatchTicketId,
    /// Why it waits.
    pub wait: WaitReport,
}

/// Answer of `POST /internal/v1/matchmaking/sweep`: what was done for matches whose time had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SweptMatches {
    /// Matches that were looked at.
    pub due: u32,
    /// Matches that got an instance.
    pub placed: u32,
    /// Players who had not come and lost their place.
    pub missed: u32,
    /// Matches that came to nothing: no instance could be had, or nobody came.
    pub dissolved: u32,
    /// Matches that could not be looked after; the log says why. They are tried again.
    #[serde(default)]
    pub failed: u32,
}

/// Body of `POST /internal/v1/matches/{match}/result`: how a match ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MatchEnd {
    /// The instance that it was played in.
    pub instance: InstanceId,
    /// The ownership of the instance.
    pub epoch: Epoch,
    /// One rank for each team, in the order of the teams: the lowest won, equal ones are a tie.
    pub ranks: Vec<u32>,
    /// Players who left before the end: rated as if their team had come last.
    #[serde(default)]
    pub left_early: Vec<CharacterId>,
    /// Players who never came: not rated.
    #[serde(default)]
    pub absent: Vec<CharacterId>,
}

/// Answer to a result, the same each time that the same result is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RatedMatch {
    /// Those whose rating was judged, by team and place.
    pub players: Vec<RatedPlayer>,
}

/// What a match did to a rating.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RatedPlayer {
    /// The character.
    pub character: CharacterId,
    /// The mean before.
    pub mu_before: f64,
    /// The mean after.
    pub mu: f64,
    /// The deviation after.
    pub sigma: f64,
}

/// Answer of `GET /internal/v1/matches/{match}`: who plays, for the host that runs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MatchRoster {
    /// The match.
    pub match_id: MatchId,
    /// The queue that it was formed from.
    pub queue: QueueId,
    /// The instance, once there is one.
    pub instance: Option<InstanceId>,
    /// Counts the changes.
    pub revision: u64,
    /// Whether it is over.
    pub is_over: bool,
    /// Characters of each team, those who left or did not come left out.
    pub teams: Vec<Vec<CharacterId>>,
}
