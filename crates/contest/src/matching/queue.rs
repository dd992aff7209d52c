//! What a queue demands of its matches, as the catalogue defines it. Tickets are not known here.

use serde::{Deserialize, Serialize};

use super::packing::Goal;
use super::roles::Needs;

/// Most teams of a match.
pub const TEAMS_MAX: u8 = 32;
/// Most players of a team.
pub const TEAM_PLAYERS_MAX: u8 = 32;
/// Most players of a match, since each is looked at for each other.
pub const MATCH_PLAYERS_MAX: u16 = 128;
/// Most roles of a queue: what teams lack is counted for each set of roles, of which there are 2^6.
pub const ROLES_MAX: usize = 6;
/// Most regions of a queue.
pub const REGIONS_MAX: usize = 16;

/// A queue: which matches it makes, and of whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueDefinition {
    /// Teams of a match, 1 (all play together) to 32.
    pub teams: u8,
    /// Fewest players of a team, 1 or more.
    pub team_players_min: u8,
    /// Most players of a team, up to 32, and 128 in all teams together.
    pub team_players_max: u8,
    /// How many players the largest team may have more than the smallest.
    pub team_players_difference_max: u8,
    /// Roles that each team must fill, up to 6; places beyond them are for anyone. Empty: no roles.
    pub roles: Vec<RoleCount>,
    /// Names of the regions that it makes matches in, 1 to 16.
    pub regions: Vec<String>,
    /// How far apart two parties' mean ratings may be for one that has just come, in units of mu.
    pub rating_window_start: f64,
    /// How much that grows with each second of waiting.
    pub rating_window_widening_per_second: f64,
    /// How far it grows.
    pub rating_window_max: f64,
    /// The largest round trip from any player to the match's region, in milliseconds.
    pub round_trip_ms_max: u32,
    /// Whether running instances get players from this queue.
    pub allows_backfill: bool,
}

/// A role and how many players of each team must have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleCount {
    /// The role's name.
    pub role: String,
    /// Players of each team with this role.
    pub count: u8,
}

/// Why a definition makes no queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// A number of teams or players that is out of its range.
    #[error("teams are 1 to 32, of 1 to 32 players and 2 to 128 together, and the fewest not over the most")]
    Sizes,
    /// Roles that repeat, count nobody, are too many, or need more players than a team has.
    #[error("roles are up to 6, each named once, and their counts, each over 0, fit into the smallest team")]
    Roles,
    /// No region, too many, or one twice.
    #[error("regions are 1 to 16, each named once")]
    Regions,
    /// A window that is no number, negative, over 1,000,000, or larger at the start than at most.
    #[error("windows are 0 to 1000000, and the start is not over the most")]
    Window,
}

impl QueueError {
    /// A short name for metrics and logs.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Sizes => "sizes",
            Self::Roles => "roles",
            Self::Regions => "regions",
            Self::Window => "window",
        }
    }
}

impl QueueDefinition {
    /// All faults of the definition, so that its author mends them at once.
    #[must_use]
    pub fn faults(&self) -> Vec<QueueError> {
        let checks = [
            (self.has_sizes(), QueueError::Sizes),
            (self.has_roles(), QueueError::Roles),
            (self.has_regions(), QueueError::Regions),
            (self.has_window(), QueueError::Window),
        ];
        checks.into_iter().filter(|(holds, _)| !holds).map(|(_, fault)| fault).collect()
    }

    /// Fewest players of a match.
    #[must_use]
    pub fn players_min(&self) -> u16 {
        u16::from(self.teams) * u16::from(self.team_players_min)
    }

    /// Most players of a match.
    #[must_use]
    pub fn players_max(&self) -> u16 {
        u16::from(self.teams) * u16::from(self.team_players_max)
    }

    fn has_sizes(&self) -> bool {
        (1..=TEAMS_MAX).contains(&self.teams)
            && (1..=self.team_players_max).contains(&self.team_players_min)
            && self.team_players_max <= TEAM_PLAYERS_MAX
            && (2..=MATCH_PLAYERS_MAX).contains(&self.players_max())
    }

    fn has_roles(&self) -> bool {
        let total: u32 = self.roles.iter().map(|role| u32::from(role.count)).sum();
        self.roles.len() <= ROLES_MAX
            && total <= u32::from(self.team_players_min)
            && self.roles.iter().all(|role| role.count > 0)
            && are_different(self.roles.iter().map(|role| role.role.as_str()))
    }

    fn has_regions(&self) -> bool {
        (1..=REGIONS_MAX).contains(&self.regions.len())
            && are_different(self.regions.iter().map(String::as_str))
    }

    fn has_window(&self) -> bool {
        let range = 0.0..=1e6;
        range.contains(&self.rating_window_start)
            && range.contains(&self.rating_window_widening_per_second)
            && range.contains(&self.rating_window_max)
            && self.rating_window_start <= self.rating_window_max
    }
}

fn are_different<'a>(names: impl Iterator<Item = &'a str>) -> bool {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.windows(2).all(|pair| pair[0] != pair[1])
}

/// A position on the scale of mu, or a length on it, in millionths: integers have one order and one sum.
pub(super) type Micro = i64;

/// Millionths of a rating unit; what is not a number is 0, what is too large stays at the edge.
#[expect(clippy::cast_possible_truncation, reason = "a float saturates")]
pub(super) fn micro(units: f64) -> Micro {
    (units * 1e6).clamp(-1e15, 1e15).round() as Micro
}

/// Rating units.
#[expect(clippy::cast_precision_loss, reason = "positions are under 2^53")]
pub(super) fn units(micro: Micro) -> f64 {
    micro as f64 / 1e6
}

/// A queue's definition as the matcher works with it.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    pub(super) definition: QueueDefinition,
    pub(super) needs: Needs,
    window_start: Micro,
    widening_per_second: Micro,
    /// When the window is as wide as it gets.
    pub(super) widest_after_ms: i64,
    pub(super) window_max: Micro,
}

impl Queue {
    pub(super) fn new(definition: QueueDefinition) -> Self {
        let (start, most) = (micro(definition.rating_window_start), micro(definition.rating_window_max));
        let widening = micro(definition.rating_window_widening_per_second);
        Self {
            needs: Needs::of_counts(definition.roles.iter().map(|role| role.count)),
            window_start: start,
            widening_per_second: widening,
            widest_after_ms: if widening > 0 { (most - start) * 1_000 / widening + 1 } else { 0 },
            window_max: most,
            definition,
        }
    }

    /// What is asked of the teams of a new match.
    pub(super) fn goal(&self) -> Goal {
        Goal::Match {
            team_players_min: self.definition.team_players_min,
            difference_max: self.definition.team_players_difference_max,
        }
    }

    /// Whether the window grows no more.
    pub(super) fn is_widest(&self, waited_ms: u64) -> bool {
        i64::try_from(waited_ms).unwrap_or(i64::MAX) >= self.widest_after_ms
    }

    /// How far from itself a ticket accepts others after this wait.
    pub(super) fn window(&self, waited_ms: u64) -> Micro {
        // A wait past the widest window is cut, so that the product stays under 2^63.
        let waited = i64::try_from(waited_ms).unwrap_or(i64::MAX).min(self.widest_after_ms);
        (self.window_start + self.widening_per_second * waited / 1_000).min(self.window_max)
    }
}
