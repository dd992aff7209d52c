//! The life of one match: who came, where it is played, its games, and when they decide it.

use domain::ids::InstanceId;

use super::event::{Effect, INSTANCES_MAX};
use super::fixture::{Game, How, Match, Outcome, Slot, Stage, State};
use super::names::{EntrantId, MatchId, Side};
use super::refused::Refused;
use super::{Phase, Tournament};

/// What both `Waiting` and a phase before the start answer.
const NOT_READY: Refused = Refused::NotYet("the match is not ready yet");

impl Tournament {
    /// The place of a match in the list.
    pub(super) fn find(&self, match_id: MatchId) -> Result<usize, Refused> {
        let index = match_id.index();
        if index < self.matches.len() { Ok(index) } else { Err(Refused::Unknown("match")) }
    }

    /// The side of an entrant in a match.
    pub(super) fn side(&self, index: usize, entrant: EntrantId) -> Result<Side, Refused> {
        let seed = self.entrants.get(&entrant).and_then(|known| known.seed);
        let side = seed.and_then(|seed| self.matches[index].side_of(seed));
        side.ok_or(Refused::Unknown("entrant in this match"))
    }

    /// Whether an event is about an attempt at a match that is over.
    fn is_stale(&self, index: usize, attempt: u16) -> Result<bool, Refused> {
        let current = self.matches[index].attempts;
        if attempt > current || attempt == 0 { Err(NOT_READY) } else { Ok(attempt < current) }
    }

    /// Refuses what needs matches, where there are none or no more.
    pub(super) const fn must_have_started(&self) -> Result<(), Refused> {
        match self.phase {
            Phase::Registration | Phase::CheckIn => Err(NOT_READY),
            Phase::Running | Phase::Finished => Ok(()),
            Phase::Cancelled => Err(Refused::TooLate("the tournament is cancelled")),
        }
    }

    pub(super) fn arrive(
        &mut self,
        match_id: MatchId,
        attempt: u16,
        entrant: EntrantId,
    ) -> Result<(), Refused> {
        let index = self.find(match_id)?;
        let side = self.side(index, entrant)?;
        if self.is_stale(index, attempt)? {
            return Ok(());
        }
        match &mut self.matches[index].state {
            State::Waiting => Err(NOT_READY),
            State::Ready { due_at, arrived } => {
                if !arrived[side.index()] {
                    arrived[side.index()] = true;
                    if *arrived == [true; 2] {
                        *due_at = self.now.plus_millis(self.definition.match_max_ms);
                    }
                }
                Ok(())
            }
            State::InProgress { .. } | State::Disputed { .. } => Ok(()),
            State::Decided { outcome, .. } | State::Final { outcome } => {
                if outcome.how == How::Forfeit && outcome.winner != Some(side) {
                    Err(Refused::TooLate("the match was forfeited"))
                } else {
                    Ok(())
                }
            }
        }
    }

    pub(super) fn start_match(&mut self, match_id: MatchId, instance: InstanceId) -> Result<(), Refused> {
        let index = self.find(match_id)?;
        let due_at = self.now.plus_millis(self.definition.match_max_ms);
        let fixture = &mut self.matches[index];
        // A repeat, late or not, of a start that is already known.
        if fixture.instances.contains(&instance) {
            return Ok(());
        }
        match fixture.state {
            State::Waiting => Err(NOT_READY),
            State::Ready { .. } if fixture.instances.len() >= INSTANCES_MAX => Err(Refused::Full("instance")),
            State::Ready { .. } => {
                fixture.instances.push(instance);
                fixture.state = State::InProgress { instance, due_at };
                Ok(())
            }
            State::InProgress { .. } => Err(Refused::Conflict("the match is played on another instance")),
            State::Disputed { .. } => Err(Refused::NotYet("the match is disputed")),
            State::Decided { .. } | State::Final { .. } => Err(Refused::TooLate("the match is decided")),
        }
    }

    pub(super) fn lose_instance(
        &mut self,
        match_id: MatchId,
        lost: InstanceId,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let index = self.find(match_id)?;
        let fixture = &mut self.matches[index];
        if !fixture.instances.contains(&lost) {
            return Err(Refused::Unknown("instance of this match"));
        }
        match &mut fixture.state {
            State::InProgress { instance, .. } if *instance == lost => {
                self.open_match(index, effects);
                self.settle(effects);
            }
            State::Disputed { instance, .. } if *instance == Some(lost) => *instance = None,
            _ => {}
        }
        Ok(())
    }

    pub(super) fn report_game(
        &mut self,
        match_id: MatchId,
        (instance, game, winner): (InstanceId, u8, EntrantId),
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let index = self.find(match_id)?;
        let winner = self.side(index, winner)?;
        let fixture = &mut self.matches[index];
        if game == 0 || game > fixture.best_of {
            return Err(Refused::Invalid("the match has no game of this number"));
        }
        if let Some(known) = fixture.games.get(usize::from(game) - 1) {
            return if *known == (Game { winner, instance }) {
                Ok(())
            } else {
                Err(Refused::Conflict("another result of this game is known"))
            };
        }
        match fixture.state {
            State::Waiting | State::Ready { .. } if !fixture.instances.contains(&instance) => Err(NOT_READY),
            State::InProgress { instance: current, .. } if current == instance => {
                if usize::from(game) > fixture.games.len() + 1 {
                    return Err(Refused::NotYet("a game before this one is not reported yet"));
                }
                fixture.games.push(Game { winner, instance });
                if let Some(leader) = fixture.leader() {
                    self.decide(index, Outcome { winner: Some(leader), how: How::Played }, effects);
                    self.settle(effects);
                }
                Ok(())
            }
            State::Disputed { .. } => Err(Refused::NotYet("the match is disputed")),
            State::Decided { .. } | State::Final { .. } => {
                Err(Refused::Conflict("the match was decided without this game"))
            }
            State::Waiting | State::Ready { .. } | State::InProgress { .. } => {
                Err(Refused::Conflict("the match is not played on this instance"))
            }
        }
    }

    pub(super) fn forfeit(
        &mut self,
        match_id: MatchId,
        attempt: u16,
        entrant: EntrantId,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let index = self.find(match_id)?;
        let side = self.side(index, entrant)?;
        if self.is_stale(index, attempt)? {
            return Ok(());
        }
        let lost = Outcome { winner: Some(side.other()), how: How::Forfeit };
        match self.matches[index].state {
            State::Waiting => Err(NOT_READY),
            State::Ready { .. } | State::InProgress { .. } => {
                self.decide(index, lost, effects);
                self.settle(effects);
                Ok(())
            }
            State::Disputed { .. } => Err(Refused::NotYet("the match is disputed")),
            State::Decided { outcome, .. } | State::Final { outcome } if outcome == lost => Ok(()),
            State::Decided { .. } | State::Final { .. } => Err(Refused::Conflict("the match is decided")),
        }
    }

    /// Lets a match begin whose sides are known. Without an opponent it ends at once, and against who left it
    /// is a walkover.
    pub(super) fn open_match(&mut self, index: usize, effects: &mut Vec<Effect>) {
        let fixture = &self.matches[index];
        let Some(pair) = fixture.pair() else {
            let winner = Side::BOTH.into_iter().find(|side| fixture.seed(*side).is_some());
            self.make_final(index, Outcome { winner, how: How::Bye }, effects);
            return;
        };
        let gone = pair.map(|seed| self.has_left(seed));
        self.matches[index].attempts += 1;
        let fixture = &self.matches[index];
        if gone != [false; 2] {
            let outcome = walkover(fixture, gone.map(|gone| !gone));
            self.decide(index, outcome, effects);
            return;
        }
        let due_at = self.now.plus_millis(self.definition.no_show_after_ms);
        let fixture = &mut self.matches[index];
        fixture.state = State::Ready { due_at, arrived: [false; 2] };
        effects.push(Effect::MatchReady {
            match_id: MatchId::at(index),
            attempt: fixture.attempts,
            entrants: pair.map(|seed| self.seeds[seed.index()]),
            best_of: fixture.best_of,
            due_at,
        });
    }

    /// Gives a match a result that can be disputed for a while.
    pub(super) fn decide(&mut self, index: usize, outcome: Outcome, effects: &mut Vec<Effect>) {
        let window_ms = self.definition.dispute_window_ms;
        let final_at = self.now.plus_millis(window_ms);
        effects.push(Effect::MatchDecided {
            match_id: MatchId::at(index),
            attempt: self.matches[index].attempts,
            winner: self.entrant_on(index, outcome.winner),
            how: outcome.how,
            final_at,
        });
        if window_ms == 0 {
            self.make_final(index, outcome, effects);
        } else {
            self.matches[index].state = State::Decided { outcome, final_at };
        }
    }

    /// Ends a match, and sends its winner and its loser on.
    pub(super) fn make_final(&mut self, index: usize, outcome: Outcome, effects: &mut Vec<Effect>) {
        self.matches[index].state = State::Final { outcome };
        let winner = self.entrant_on(index, outcome.winner);
        let match_id = MatchId::at(index);
        effects.push(Effect::MatchFinal { match_id, winner, how: outcome.how });
        let fixture = &self.matches[index];
        // The first grand final leads to the second only when who came from the losers bracket won it.
        if fixture.stage == Stage::GrandFinal
            && outcome.winner == Some(Side::First)
            && let Some(reset) = fixture.winner_to
        {
            let reset = reset.match_id.index();
            self.make_final(reset, Outcome { winner: None, how: How::NotNeeded }, effects);
            return;
        }
        let (winner_to, loser_to) = (fixture.winner_to, fixture.loser_to);
        let slot_of = |side: Option<Side>| match side {
            Some(side) => fixture.slots[side.index()],
            None => Slot::Nobody,
        };
        let (won, lost) = (slot_of(outcome.winner), slot_of(outcome.winner.map(Side::other)));
        for (target, slot) in [(winner_to, won), (loser_to, lost)] {
            if let Some(target) = target {
                self.matches[target.match_id.index()].slots[target.side.index()] = slot;
            }
        }
    }

    /// The entrant on a side.
    pub(super) fn entrant_on(&self, index: usize, side: Option<Side>) -> Option<EntrantId> {
        let seed = self.matches[index].seed(side?)?;
        Some(self.seeds[seed.index()])
    }
}

/// The result for two of whom at most one came. Where nobody came, a table counts two losses; a bracket has to
/// have one who goes on, and takes the better seed.
pub(super) fn walkover(fixture: &Match, here: [bool; 2]) -> Outcome {
    let winner = match here {
        [true, false] => Some(Side::First),
        [false, true] => Some(Side::Second),
        _ if fixture.stage == Stage::Table => None,
        _ if fixture.seed(Side::First) <= fixture.seed(Side::Second) => Some(Side::First),
        _ => Some(Side::Second),
    };
    Outcome { winner, how: How::Forfeit }
}
