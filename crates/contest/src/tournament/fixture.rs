//! One match: its two slots, its games, where it stands, and where its winner and its loser go.

use domain::ids::InstanceId;
use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};

use super::event::Ruling;
use super::names::{EntrantId, MatchId, RequestId, Seed, Side};

/// The part of a tournament that a match belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Those who have not lost; all of a single elimination.
    Winners,
    /// Those who have lost once.
    Losers,
    /// The best of both; its second round is the bracket reset.
    GrandFinal,
    /// The rounds of Swiss and round robin.
    Table,
}

/// Who stands on one side of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// It depends on a match before.
    Pending,
    /// Nobody ever: the other side has a bye.
    Nobody,
    /// This one.
    Taken(Seed),
}

/// How a match was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// By its games.
    Played,
    /// By walkover: who lost did not come, gave up or had left.
    Forfeit,
    /// By an admin.
    Ruled,
    /// There was no opponent.
    Bye,
    /// It was not needed: the grand final was won by who had not lost before.
    NotNeeded,
}

/// What came of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Who won. Nobody where nobody came, and where it was not needed.
    pub winner: Option<Side>,
    /// How.
    pub how: How,
}

/// Where a match stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// For matches or rounds before it.
    Waiting,
    /// For an instance, and for the two.
    Ready {
        /// Who is not there by then loses; if both are, an admin has to decide.
        due_at: UnixMillis,
        /// Who of the two came.
        arrived: [bool; 2],
    },
    /// It is played.
    InProgress {
        /// Where.
        instance: InstanceId,
        /// Without a result by then, an admin has to decide.
        due_at: UnixMillis,
    },
    /// It has a result that can still be disputed.
    Decided {
        /// The result.
        outcome: Outcome,
        /// When it becomes final.
        final_at: UnixMillis,
    },
    /// It waits for an admin.
    Disputed {
        /// Where it was being played, if it was.
        instance: Option<InstanceId>,
        /// What would have become final, if it was decided.
        outcome: Option<Outcome>,
    },
    /// It is over.
    Final {
        /// The result.
        outcome: Outcome,
    },
}

/// A reported game.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Game {
    /// Who won it.
    pub winner: Side,
    /// Where it was played.
    pub instance: InstanceId,
}

/// An entrant's word that a match went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeEntry {
    /// The request that brought it.
    pub request: RequestId,
    /// When.
    pub at: UnixMillis,
    /// Whose word.
    pub entrant: EntrantId,
    /// What for.
    pub reason: String,
}

/// What an admin decided, for the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulingEntry {
    /// The request that brought it.
    pub request: RequestId,
    /// When.
    pub at: UnixMillis,
    /// Who decided.
    pub admin: String,
    /// Why.
    pub reason: String,
    /// What.
    pub ruling: Ruling,
}

/// A slot of another match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The match.
    pub match_id: MatchId,
    /// Its side.
    pub side: Side,
}

/// A match of a tournament.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// Its part of the tournament.
    pub stage: Stage,
    /// Its round in that part, from 1.
    pub round: u16,
    /// Who play.
    pub slots: [Slot; 2],
    /// The points both had before it; only Swiss pairing looks at them.
    pub points_before: [u16; 2],
    /// Most games of it.
    pub best_of: u8,
    /// The games so far.
    pub games: Vec<Game>,
    /// How often it became ready.
    pub attempts: u16,
    /// Every instance it was started on.
    pub instances: Vec<InstanceId>,
    /// Where it stands.
    pub state: State,
    /// Where its winner goes.
    pub winner_to: Option<Target>,
    /// Where its loser goes.
    pub loser_to: Option<Target>,
    /// What entrants said against it.
    pub disputes: Vec<DisputeEntry>,
    /// What admins decided about it.
    pub rulings: Vec<RulingEntry>,
}

impl Match {
    /// A match that waits.
    pub(super) const fn new(stage: Stage, round: u16, best_of: u8, slots: [Slot; 2]) -> Self {
        Self {
            stage,
            round,
            slots,
            points_before: [0; 2],
            best_of,
            games: Vec::new(),
            attempts: 0,
            instances: Vec::new(),
            state: State::Waiting,
            winner_to: None,
            loser_to: None,
            disputes: Vec::new(),
            rulings: Vec::new(),
        }
    }

    /// The result, once nothing can change it.
    #[must_use]
    pub const fn outcome(&self) -> Option<Outcome> {
        match self.state {
            State::Final { outcome } => Some(outcome),
            _ => None,
        }
    }

    /// Who stands on a side, once that is known.
    #[must_use]
    pub const fn seed(&self, side: Side) -> Option<Seed> {
        match self.slots[side.index()] {
            Slot::Taken(seed) => Some(seed),
            Slot::Pending | Slot::Nobody => None,
        }
    }

    /// Both, where both are there.
    #[must_use]
    pub const fn pair(&self) -> Option<[Seed; 2]> {
        match self.slots {
            [Slot::Taken(first), Slot::Taken(second)] => Some([first, second]),
            _ => None,
        }
    }

    /// The side of an entrant.
    #[must_use]
    pub fn side_of(&self, seed: Seed) -> Option<Side> {
        Side::BOTH.into_iter().find(|side| self.seed(*side) == Some(seed))
    }

    /// Games won by a side.
    #[must_use]
    pub fn games_of(&self, side: Side) -> u16 {
        let won = self.games.iter().filter(|game| game.winner == side).count();
        u16::try_from(won).expect("there are at most as many games as best_of")
    }

    /// The side that has won more than half of all games.
    #[must_use]
    pub fn leader(&self) -> Option<Side> {
        Side::BOTH.into_iter().find(|side| self.games_of(*side) > u16::from(self.best_of / 2))
    }

    /// Whether it was between two, and is over.
    #[must_use]
    pub fn is_contested(&self) -> bool {
        self.pair().is_some() && self.outcome().is_some_and(|outcome| outcome.how != How::NotNeeded)
    }
}
