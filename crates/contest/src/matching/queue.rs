//! A queue's definition as the matcher works with it. Tickets are not known here.

pub use domain::catalogue::{
    MATCH_PLAYERS_MAX, QueueDefinition, QueueError, REGIONS_MAX, ROLES_MAX, RoleCount, TEAM_PLAYERS_MAX,
    TEAMS_MAX,
};

use super::packing::Goal;
use super::roles::Needs;

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
