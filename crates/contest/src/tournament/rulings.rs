//! Disputes of entrants, rulings of admins, and the end of a tournament without a result.

use super::definition::Window;
use super::event::{ADMIN_LEN_MAX, DISPUTES_MAX, Effect, REASON_LEN_MAX, RULINGS_MAX, Ruling};
use super::fixture::{DisputeEntry, How, Outcome, RulingEntry, State};
use super::lifecycle::walkover;
use super::names::{EntrantId, MatchId, RequestId};
use super::refused::Refused;
use super::registration::Presence;
use super::{Cancellation, Phase, Tournament};

/// Refuses an audit entry without a reason or a name, or with too long ones.
fn check_words(admin: &str, reason: &str) -> Result<(), Refused> {
    if !(1..=ADMIN_LEN_MAX).contains(&admin.len()) {
        return Err(Refused::Invalid("an admin must be named, in at most 100 bytes"));
    }
    check_reason(reason)
}

fn check_reason(reason: &str) -> Result<(), Refused> {
    if reason.trim().is_empty() || reason.len() > REASON_LEN_MAX {
        return Err(Refused::Invalid("a reason must be given, in at most 500 bytes"));
    }
    Ok(())
}

impl Tournament {
    pub(super) fn dispute(
        &mut self,
        match_id: MatchId,
        entrant: EntrantId,
        (reason, request): (String, RequestId),
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        check_reason(&reason)?;
        let index = self.find(match_id)?;
        self.side(index, entrant)?;
        let fixture = &mut self.matches[index];
        if let Some(known) = fixture.disputes.iter().find(|known| known.request == request) {
            return if known.entrant == entrant && known.reason == reason {
                Ok(())
            } else {
                Err(Refused::Conflict("this request disputed otherwise"))
            };
        }
        let disputed = match fixture.state {
            State::Waiting | State::Ready { .. } => return Err(Refused::NotYet("the match has not begun")),
            State::InProgress { instance, .. } => State::Disputed { instance: Some(instance), outcome: None },
            State::Decided { outcome, .. } => State::Disputed { instance: None, outcome: Some(outcome) },
            // The other one, or the same for another reason: that is heard too.
            State::Disputed { .. } => fixture.state,
            State::Final { .. } => return Err(Refused::TooLate("the result is final")),
        };
        // Counted for each, so that one cannot use up the word of the other.
        if fixture.disputes.iter().filter(|known| known.entrant == entrant).count() >= DISPUTES_MAX {
            return Err(Refused::Full("dispute of this entrant in this match"));
        }
        fixture.state = disputed;
        fixture.disputes.push(DisputeEntry { request, at: self.now, entrant, reason });
        effects.push(Effect::MatchDisputed { match_id, entrant, request });
        Ok(())
    }

    pub(super) fn resolve(
        &mut self,
        match_id: MatchId,
        entry: RulingEntry,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        check_words(&entry.admin, &entry.reason)?;
        let index = self.find(match_id)?;
        let (ruling, request) = (entry.ruling, entry.request);
        let known = self.matches[index].rulings.iter().find(|known| known.request == request);
        if let Some(known) = known {
            // The same words at another time are the same request.
            return if *known == (RulingEntry { at: known.at, ..entry }) {
                Ok(())
            } else {
                Err(Refused::Conflict("this request ruled otherwise"))
            };
        }
        let winner = match ruling {
            Ruling::Winner(entrant) => Some(self.side(index, entrant)?),
            Ruling::Replay | Ruling::Stand => None,
        };
        match (self.matches[index].state, ruling) {
            (State::Waiting, _) => return Err(Refused::NotYet("the match is not ready yet")),
            (State::Final { .. }, _) => return Err(Refused::TooLate("the result is final")),
            (State::Ready { .. } | State::InProgress { .. }, Ruling::Stand) => {
                return Err(Refused::Invalid("there is no result to let stand"));
            }
            _ => {}
        }
        if self.matches[index].rulings.len() >= RULINGS_MAX && winner.is_none() {
            return Err(Refused::Full("ruling without a winner on this match"));
        }
        self.matches[index].rulings.push(entry);
        effects.push(Effect::MatchRuled { match_id, request });
        match ruling {
            Ruling::Winner(_) => self.make_final(index, Outcome { winner, how: How::Ruled }, effects),
            Ruling::Replay => {
                self.matches[index].games.clear();
                self.open_match(index, effects);
            }
            Ruling::Stand => self.let_stand(index, effects),
        }
        self.settle(effects);
        Ok(())
    }

    /// A result stands for good; a match that had none goes on, unless one of the two has left since.
    fn let_stand(&mut self, index: usize, effects: &mut Vec<Effect>) {
        match self.matches[index].state {
            State::Decided { outcome, .. } | State::Disputed { outcome: Some(outcome), .. } => {
                self.make_final(index, outcome, effects);
            }
            State::Disputed { instance: Some(instance), .. } => {
                let here = self.matches[index].pair().map(|pair| pair.map(|seed| !self.has_left(seed)));
                match here {
                    Some(here) if here != [true; 2] => {
                        let outcome = walkover(&self.matches[index], here);
                        self.decide(index, outcome, effects);
                    }
                    _ => {
                        let due_at = self.now.plus_millis(self.definition.match_max_ms);
                        self.matches[index].state = State::InProgress { instance, due_at };
                    }
                }
            }
            _ => self.open_match(index, effects),
        }
    }

    pub(super) fn start_early(
        &mut self,
        admin: &str,
        reason: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        check_words(admin, reason)?;
        let checks_in = |window: Window| self.phase == Phase::CheckIn && self.now >= window.opens_at;
        let needed = match self.phase {
            Phase::Running | Phase::Finished => return Ok(()),
            Phase::Cancelled => return Err(Refused::TooLate("the tournament is cancelled")),
            Phase::CheckIn if self.definition.check_in.is_some_and(checks_in) => Presence::CheckedIn,
            Phase::Registration | Phase::CheckIn => Presence::Registered,
        };
        let here = self.entrants.values().filter(|known| known.presence == needed).count();
        if here < usize::from(self.definition.entrants_min) {
            return Err(Refused::NotYet("too few entrants are there"));
        }
        self.start(needed, effects);
        Ok(())
    }

    pub(super) fn cancel(
        &mut self,
        admin: String,
        reason: String,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        check_words(&admin, &reason)?;
        match self.phase {
            Phase::Finished => Err(Refused::TooLate("the tournament is finished")),
            Phase::Cancelled => Ok(()),
            Phase::Registration | Phase::CheckIn | Phase::Running => {
                self.end_without_result(Some(admin), reason, effects);
                Ok(())
            }
        }
    }

    pub(super) fn end_without_result(
        &mut self,
        admin: Option<String>,
        reason: String,
        effects: &mut Vec<Effect>,
    ) {
        self.phase = Phase::Cancelled;
        self.cancellation = Some(Cancellation { at: self.now, admin, reason });
        effects.push(Effect::Cancelled);
    }
}
