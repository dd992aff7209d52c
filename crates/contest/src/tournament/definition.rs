//! What an organiser fixes before a tournament opens, and what makes it valid.

use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};

/// Most entrants of an elimination: a double elimination of 1,024 has 2,047 matches.
pub const ELIMINATION_ENTRANTS_MAX: u16 = 1_024;
/// Most entrants of a Swiss tournament: a round pairs 512 in well under a second.
pub const SWISS_ENTRANTS_MAX: u16 = 512;
/// Most rounds of a Swiss tournament: 512 entrants make 32 * 256 = 8,192 matches.
pub const SWISS_ROUNDS_MAX: u16 = 32;
/// Most entrants of a round robin: 64 who meet twice make 4,032 matches.
pub const ROUND_ROBIN_ENTRANTS_MAX: u16 = 64;
/// Most games of one match.
pub const BEST_OF_MAX: u8 = 15;
/// Most prizes of one tournament.
pub const PRIZES_MAX: usize = 256;
/// Most members of a team.
pub const TEAM_SIZE_MAX: u8 = 100;
/// Longest name of a reward, in bytes.
pub const REWARD_LEN_MAX: usize = 64;
/// Longest time for a no-show, a match or a dispute: 30 days, in milliseconds.
pub const WAIT_MS_MAX: u64 = 30 * 24 * 60 * 60 * 1_000;

/// How it is found out who is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Format {
    /// One loss ends it.
    SingleElimination,
    /// Two losses end it.
    DoubleElimination {
        /// Whether the first loss of the winners bracket's best, in the grand final, leads to a second final.
        bracket_reset: bool,
    },
    /// In every round one plays somebody with as many points.
    Swiss {
        /// How many rounds are played.
        rounds: u16,
    },
    /// Everybody meets everybody.
    RoundRobin {
        /// Whether they meet a second time, with sides swapped.
        twice: bool,
    },
}

/// What an entrant is. The members of teams are the caller's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum EntrantKind {
    /// One player.
    Single,
    /// A team of this many.
    Team {
        /// Players of a team.
        size: u8,
    },
}

/// A span of time: its start belongs to it, its end does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// When it opens.
    pub opens_at: UnixMillis,
    /// When it is over.
    pub closes_at: UnixMillis,
}

/// What the holder of one final place gets. A place can have several, of different rewards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prize {
    /// The place, from 1. Who share places share what those places give together.
    pub place: u16,
    /// A currency or an item, by the name that the caller's catalogue gives it.
    pub reward: String,
    /// How much or how many of it.
    pub amount: u64,
}

/// A tournament as its organiser wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// How it is played.
    pub format: Format,
    /// Whether players or teams enter.
    pub entrant_kind: EntrantKind,
    /// Most games of a match; odd. Who wins more than half of them wins the match.
    pub best_of: u8,
    /// The same for grand finals and for the final of a single elimination.
    pub best_of_final: u8,
    /// With fewer who are there at the start, it is cancelled.
    pub entrants_min: u16,
    /// Registration is full at this many.
    pub entrants_max: u16,
    /// When entrants can register.
    pub registration: Window,
    /// When they must confirm that they are there. It starts at the end of this, or without it at the end of
    /// registration.
    pub check_in: Option<Window>,
    /// How long a match that can be played waits for those who must come, in milliseconds.
    pub no_show_after_ms: u64,
    /// How long a match that both came to, or that has begun, may go without a result before an admin has to decide,
    /// in milliseconds.
    pub match_max_ms: u64,
    /// How long a decided match can be disputed before anything follows from it, in milliseconds; 0 for not.
    pub dispute_window_ms: u64,
    /// What the final places get.
    pub prizes: Vec<Prize>,
}

/// What is wrong with a definition: the organiser must change it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// The number of games cannot always be decided, or is too large.
    #[error("best of {0}: must be odd and at most {BEST_OF_MAX}")]
    BestOf(u8),
    /// The bounds of the entrants do not fit each other or the format.
    #[error("entrants {min} to {max}: must be 2 or more, in order, and at most {limit} in this format")]
    Entrants {
        /// The lower bound asked for.
        min: u16,
        /// The upper bound asked for.
        max: u16,
        /// What the format allows.
        limit: u16,
    },
    /// There are no rounds or too many.
    #[error("{0} rounds: must be 1 to {SWISS_ROUNDS_MAX}")]
    Rounds(u16),
    /// The team is empty or too large.
    #[error("teams of {0}: must be 1 to {TEAM_SIZE_MAX}")]
    TeamSize(u8),
    /// A window ends before it opens, or check-in opens before registration is over.
    #[error("{0} must open before it closes, and check-in not before registration is over")]
    Window(&'static str),
    /// A time to wait is out of range.
    #[error("{0} is out of range: at most {WAIT_MS_MAX} ms, and over 0 for no-shows and matches")]
    Wait(&'static str),
    /// A prize is for no place, of nothing, twice the same, or they are too many.
    #[error("prize {0}: needs a place that can be reached, a short name, an amount, and must not repeat")]
    Prize(usize),
    /// There are too many prizes, or their amounts are together over 64 bits.
    #[error("the prizes are too many or too large")]
    Prizes,
}

impl DefinitionError {
    /// Its name for metrics and logs.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::BestOf(_) => "best_of",
            Self::Entrants { .. } => "entrants",
            Self::Rounds(_) => "rounds",
            Self::TeamSize(_) => "team_size",
            Self::Window(_) => "window",
            Self::Wait(_) => "wait",
            Self::Prize(_) => "prize",
            Self::Prizes => "prizes",
        }
    }
}

impl Definition {
    /// Finds every fault, so that an organiser can mend them in one go.
    ///
    /// # Errors
    /// At least one fault, in the order of the fields.
    pub fn validate(&self) -> Result<(), Vec<DefinitionError>> {
        let mut faults = Vec::new();
        if let Format::Swiss { rounds } = self.format
            && !(1..=SWISS_ROUNDS_MAX).contains(&rounds)
        {
            faults.push(DefinitionError::Rounds(rounds));
        }
        if let EntrantKind::Team { size } = self.entrant_kind
            && !(1..=TEAM_SIZE_MAX).contains(&size)
        {
            faults.push(DefinitionError::TeamSize(size));
        }
        for games in [self.best_of, self.best_of_final] {
            if games.is_multiple_of(2) || games > BEST_OF_MAX {
                faults.push(DefinitionError::BestOf(games));
            }
        }
        let limit = match self.format {
            Format::SingleElimination | Format::DoubleElimination { .. } => ELIMINATION_ENTRANTS_MAX,
            Format::Swiss { .. } => SWISS_ENTRANTS_MAX,
            Format::RoundRobin { .. } => ROUND_ROBIN_ENTRANTS_MAX,
        };
        let (min, max) = (self.entrants_min, self.entrants_max);
        if min < 2 || max < min || max > limit {
            faults.push(DefinitionError::Entrants { min, max, limit });
        }
        self.validate_times(&mut faults);
        self.validate_prizes(&mut faults);
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    fn validate_times(&self, faults: &mut Vec<DefinitionError>) {
        if self.registration.opens_at >= self.registration.closes_at {
            faults.push(DefinitionError::Window("registration"));
        }
        if let Some(check_in) = self.check_in
            && (check_in.opens_at >= check_in.closes_at || check_in.opens_at < self.registration.closes_at)
        {
            faults.push(DefinitionError::Window("check-in"));
        }
        if !(1..=WAIT_MS_MAX).contains(&self.no_show_after_ms) {
            faults.push(DefinitionError::Wait("no_show_after_ms"));
        }
        if !(1..=WAIT_MS_MAX).contains(&self.match_max_ms) {
            faults.push(DefinitionError::Wait("match_max_ms"));
        }
        if self.dispute_window_ms > WAIT_MS_MAX {
            faults.push(DefinitionError::Wait("dispute_window_ms"));
        }
    }

    fn validate_prizes(&self, faults: &mut Vec<DefinitionError>) {
        let sum = self.prizes.iter().try_fold(0_u64, |sum, prize| sum.checked_add(prize.amount));
        if self.prizes.len() > PRIZES_MAX || sum.is_none() {
            faults.push(DefinitionError::Prizes);
            return;
        }
        for (index, prize) in self.prizes.iter().enumerate() {
            let repeats =
                self.prizes[..index].iter().any(|p| p.place == prize.place && p.reward == prize.reward);
            let reachable = (1..=self.entrants_max).contains(&prize.place);
            let named = (1..=REWARD_LEN_MAX).contains(&prize.reward.len());
            if repeats || !reachable || !named || prize.amount == 0 {
                faults.push(DefinitionError::Prize(index));
            }
        }
    }
}
