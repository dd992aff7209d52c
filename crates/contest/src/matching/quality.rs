//! How good a match is, in one number and in words that players and support can read.

use domain::ids::{CharacterId, InstanceId};

use super::queue::{Micro, Queue, units};
use super::ticket::MatchTicketId;

/// What each part of the quality counts; together 1. Even teams count most, since they decide whether the
/// game is worth playing; then that players are alike; waiting and distance decide between what is left.
const BALANCE: f64 = 0.5;
const CLOSENESS: f64 = 0.2;
const NEARNESS: f64 = 0.15;
const PATIENCE: f64 = 0.15;

/// A match that was made. Its tickets wait no longer.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// The running instance that gets these players; none: a new match.
    pub instance: Option<InstanceId>,
    /// The region that it is played in.
    pub region: String,
    /// Who joins which team, in the order of the queue's, or the request's, teams.
    pub teams: Vec<MatchTeam>,
    /// Why this match.
    pub explanation: Explanation,
}

/// Those who join one team.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MatchTeam {
    /// Their tickets.
    pub tickets: Vec<MatchTicketId>,
    /// The players of those tickets.
    pub players: Vec<MatchPlayer>,
}

/// One who joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchPlayer {
    /// Who it is.
    pub id: CharacterId,
    /// The role that it fills, one of those that it would take. None: a place for anyone.
    pub role: Option<String>,
}

/// Why a match was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// From 0 to 1, of `spread`, `range`, the round trip and the longest wait.
    pub quality: f64,
    /// The mean mu of the strongest team over that of the weakest.
    pub spread: f64,
    /// The mean mu of the strongest party over that of the weakest.
    pub range: f64,
    /// The worst round trip of those who join to the region, in milliseconds.
    pub worst_round_trip_ms: u32,
    /// How long each ticket waited, in milliseconds, in the order of the tickets' ids.
    pub waits_ms: Vec<(MatchTicketId, u64)>,
}

/// What a match is measured by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Score {
    pub(super) quality: f64,
    pub(super) spread: Micro,
    pub(super) range: Micro,
    pub(super) worst_round_trip_ms: u32,
}

/// What a score is relative to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weights<'a> {
    pub(super) queue: &'a Queue,
    pub(super) longest_wait_ms: u64,
}

impl Weights<'_> {
    pub(super) fn score(self, spread: Micro, range: Micro, worst_round_trip_ms: u32) -> Score {
        let window = units(self.queue.window_max);
        let round_trip_max = f64::from(self.queue.definition.round_trip_ms_max);
        let waited = units(i64::try_from(self.longest_wait_ms).unwrap_or(i64::MAX));
        let quality = BALANCE * (1.0 - part(units(spread), window))
            + CLOSENESS * (1.0 - part(units(range), window))
            + NEARNESS * (1.0 - part(f64::from(worst_round_trip_ms), round_trip_max))
            + PATIENCE * part(waited, units(self.queue.widest_after_ms.max(1)));
        Score { quality, spread, range, worst_round_trip_ms }
    }
}

/// Which part of the whole, 0 to 1; of nothing, all or nothing.
fn part(value: f64, whole: f64) -> f64 {
    if whole > 0.0 {
        (value / whole).clamp(0.0, 1.0)
    } else if value > 0.0 {
        1.0
    } else {
        0.0
    }
}
