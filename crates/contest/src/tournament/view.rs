//! What anybody may read of a tournament: rounds, matches, who stands where, and where they go from there.

use domain::ids::InstanceId;
use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};

use super::definition::Format;
use super::fixture::{How, Match, Slot, Stage, State};
use super::names::{EntrantId, MatchId, Seed, Side};
use super::standings::Standing;
use super::{Phase, Target, Tournament};

/// A tournament as anybody may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BracketView {
    /// How it is played.
    pub format: Format,
    /// Where it stands.
    pub phase: Phase,
    /// Those who take part, the best seed first; before the start those who registered, by id.
    pub entrants: Vec<EntrantId>,
    /// The rounds that are known.
    pub rounds: Vec<RoundView>,
    /// The places as of now.
    pub standings: Vec<Standing>,
}

/// A round of one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundView {
    /// The part of the tournament.
    pub stage: Stage,
    /// Its number in that part, from 1.
    pub round: u16,
    /// Its matches, from top to bottom.
    pub matches: Vec<MatchView>,
}

/// Who stands, or will stand, on a side of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotView {
    /// This one.
    Entrant {
        /// Who.
        id: EntrantId,
        /// With which seed.
        seed: Seed,
    },
    /// Nobody.
    Bye,
    /// Who wins that match.
    WinnerOf(MatchId),
    /// Who loses that match.
    LoserOf(MatchId),
}

/// Where a match stands, without what only the two and the admins need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusView {
    /// It waits for others.
    Waiting,
    /// It waits for the two; who is not there by then loses, and if both are, an admin decides.
    Ready {
        /// When.
        due_at: UnixMillis,
    },
    /// It is played.
    InProgress {
        /// Where it can be watched.
        instance: InstanceId,
        /// Without a result by then, an admin decides.
        due_at: UnixMillis,
    },
    /// It has a winner, if nobody disputes it.
    Decided,
    /// It waits for an admin.
    Disputed,
    /// It is over.
    Final,
}

/// A match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchView {
    /// Which.
    pub id: MatchId,
    /// How often it became ready; who arrives or gives up names it.
    pub attempt: u16,
    /// Who play.
    pub slots: [SlotView; 2],
    /// Games won by each.
    pub games: [u16; 2],
    /// Most games of it.
    pub best_of: u8,
    /// Where it stands.
    pub status: StatusView,
    /// Who won it.
    pub winner: Option<EntrantId>,
    /// How.
    pub how: Option<How>,
    /// Where the winner goes.
    pub winner_to: Option<Target>,
    /// Where the loser goes.
    pub loser_to: Option<Target>,
}

impl Tournament {
    /// The view for anybody.
    #[must_use]
    pub fn view(&self) -> BracketView {
        let mut rounds: Vec<RoundView> = Vec::new();
        let sources = self.sources();
        for (index, fixture) in self.matches.iter().enumerate() {
            let view = self.match_view(index, fixture, &sources[index]);
            let at = rounds.iter_mut().find(|r| r.stage == fixture.stage && r.round == fixture.round);
            if let Some(round) = at {
                round.matches.push(view);
            } else {
                let (stage, round) = (fixture.stage, fixture.round);
                rounds.push(RoundView { stage, round, matches: vec![view] });
            }
        }
        let entrants = if self.seeds.is_empty() {
            let present = self.entrants.iter().filter(|(_, known)| known.presence.is_here());
            present.map(|(id, _)| *id).collect()
        } else {
            self.seeds.clone()
        };
        let (format, phase) = (self.definition.format, self.phase);
        BracketView { format, phase, entrants, rounds, standings: self.standings() }
    }

    /// For each slot of each match the match that fills it.
    fn sources(&self) -> Vec<[SlotView; 2]> {
        let mut sources = vec![[SlotView::Bye; 2]; self.matches.len()];
        for (index, fixture) in self.matches.iter().enumerate() {
            let id = MatchId::at(index);
            let ways =
                [(fixture.winner_to, SlotView::WinnerOf(id)), (fixture.loser_to, SlotView::LoserOf(id))];
            for (target, source) in ways {
                if let Some(target) = target {
                    sources[target.match_id.index()][target.side.index()] = source;
                }
            }
        }
        sources
    }

    fn match_view(&self, index: usize, fixture: &Match, sources: &[SlotView; 2]) -> MatchView {
        let slots = Side::BOTH.map(|side| match fixture.slots[side.index()] {
            Slot::Pending => sources[side.index()],
            Slot::Nobody => SlotView::Bye,
            Slot::Taken(seed) => SlotView::Entrant { id: self.seeds[seed.index()], seed },
        });
        let (status, outcome) = match fixture.state {
            State::Waiting => (StatusView::Waiting, None),
            State::Ready { due_at, .. } => (StatusView::Ready { due_at }, None),
            State::InProgress { instance, due_at } => (StatusView::InProgress { instance, due_at }, None),
            State::Decided { outcome, .. } => (StatusView::Decided, Some(outcome)),
            State::Disputed { outcome, .. } => (StatusView::Disputed, outcome),
            State::Final { outcome } => (StatusView::Final, Some(outcome)),
        };
        MatchView {
            id: MatchId::at(index),
            attempt: fixture.attempts,
            slots,
            games: Side::BOTH.map(|side| fixture.games_of(side)),
            best_of: fixture.best_of,
            status,
            winner: self.entrant_on(index, outcome.and_then(|outcome| outcome.winner)),
            how: outcome.map(|outcome| outcome.how),
            winner_to: fixture.winner_to,
            loser_to: fixture.loser_to,
        }
    }
}
