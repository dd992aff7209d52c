//! Who takes part: registration, check-in and withdrawal.

use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};

use super::event::{Effect, REQUESTS_MAX};
use super::fixture::{How, Outcome, State};
use super::names::{EntrantId, RequestId, Seed};
use super::refused::Refused;
use super::{Phase, Tournament};

/// Where an entrant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Registered, and not more.
    Registered,
    /// Confirmed to be there.
    CheckedIn,
    /// Takes part.
    Playing,
    /// Did not check in.
    Absent,
    /// Left.
    Withdrawn,
}

impl Presence {
    /// Whether the entrant is still expected or there.
    #[must_use]
    pub const fn is_here(self) -> bool {
        matches!(self, Self::Registered | Self::CheckedIn | Self::Playing)
    }
}

/// Who registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entrant {
    /// Strength at registration.
    pub rating: i32,
    /// The requests that registered and withdrew, in order.
    pub requests: Vec<RequestId>,
    /// When that was.
    pub registered_at: UnixMillis,
    /// Where the entrant stands.
    pub presence: Presence,
    /// The rank to start with, once it has started.
    pub seed: Option<Seed>,
    /// Whether it was disqualified while the tournament ran.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disqualified: bool,
}

impl Tournament {
    pub(super) fn register(
        &mut self,
        entrant: EntrantId,
        rating: i32,
        request: RequestId,
    ) -> Result<(), Refused> {
        let mut requests = Vec::new();
        if let Some(known) = self.entrants.get(&entrant) {
            if known.requests.contains(&request) {
                return if known.rating == rating || known.requests.last() != Some(&request) {
                    Ok(())
                } else {
                    Err(Refused::Conflict("this request registered with another rating"))
                };
            }
            if known.presence != Presence::Withdrawn {
                return Err(Refused::Conflict("already registered by another request"));
            }
            requests.clone_from(&known.requests);
        }
        if self.phase != Phase::Registration {
            return Err(Refused::TooLate("registration is over"));
        }
        if self.now < self.definition.registration.opens_at {
            return Err(Refused::NotYet("registration is not open yet"));
        }
        let present = self.entrants.values().filter(|e| e.presence != Presence::Withdrawn).count();
        if present >= usize::from(self.definition.entrants_max) {
            return Err(Refused::Full("entrant"));
        }
        // The last place is kept for withdrawing, which is never refused for want of room.
        if requests.len() + 2 > REQUESTS_MAX {
            return Err(Refused::Full("registration of this entrant"));
        }
        requests.push(request);
        // Who left stays in the list, and a flood of such must not fill the store.
        if self.entrants.len() >= 4 * usize::from(self.definition.entrants_max)
            && !self.entrants.contains_key(&entrant)
        {
            self.forget_one();
        }
        let (registered_at, presence) = (self.now, Presence::Registered);
        let (seed, disqualified) = (None, false);
        self.entrants
            .insert(entrant, Entrant { rating, requests, registered_at, presence, seed, disqualified });
        Ok(())
    }

    /// Forgets who left and had registered longest ago: the repeat of so old a request will not come.
    fn forget_one(&mut self) {
        let oldest = self
            .entrants
            .iter()
            .filter(|(_, known)| known.presence == Presence::Withdrawn)
            .min_by_key(|(id, known)| (known.registered_at, **id))
            .map(|(id, _)| *id);
        if let Some(oldest) = oldest {
            self.entrants.remove(&oldest);
        }
    }

    pub(super) fn check_in(&mut self, entrant: EntrantId) -> Result<(), Refused> {
        let known = self.entrants.get_mut(&entrant).ok_or(Refused::Unknown("entrant"))?;
        match known.presence {
            Presence::CheckedIn | Presence::Playing => return Ok(()),
            Presence::Withdrawn => return Err(Refused::Conflict("the entrant has withdrawn")),
            Presence::Absent => return Err(Refused::TooLate("check-in is over")),
            Presence::Registered => {}
        }
        let Some(check_in) = self.definition.check_in else {
            return Err(Refused::Invalid("this tournament has no check-in"));
        };
        match self.phase {
            Phase::CheckIn if self.now >= check_in.opens_at => {
                known.presence = Presence::CheckedIn;
                Ok(())
            }
            Phase::Registration | Phase::CheckIn => Err(Refused::NotYet("check-in is not open yet")),
            Phase::Running | Phase::Finished | Phase::Cancelled => Err(Refused::TooLate("check-in is over")),
        }
    }

    pub(super) fn withdraw(
        &mut self,
        entrant: EntrantId,
        request: RequestId,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let known = self.entrants.get_mut(&entrant).ok_or(Refused::Unknown("entrant"))?;
        if known.presence != Presence::Withdrawn && known.requests.last() == Some(&request) {
            return Err(Refused::Conflict("this request registered"));
        }
        if known.presence == Presence::Withdrawn || known.requests.contains(&request) {
            return Ok(());
        }
        if matches!(self.phase, Phase::Finished | Phase::Cancelled) || known.presence == Presence::Absent {
            return Err(Refused::TooLate("there is nothing left to withdraw from"));
        }
        known.presence = Presence::Withdrawn;
        known.requests.push(request);
        let Some(seed) = known.seed else { return Ok(()) };
        for index in 0..self.matches.len() {
            let fixture = &self.matches[index];
            let open = matches!(fixture.state, State::Ready { .. } | State::InProgress { .. });
            if open && let Some(side) = fixture.side_of(seed) {
                let outcome = Outcome { winner: Some(side.other()), how: How::Forfeit };
                self.decide(index, outcome, effects);
            }
        }
        self.settle(effects);
        Ok(())
    }

    /// Before the start there is nothing to be won yet, and after the end prizes are paid.
    pub(super) fn disqualify(&mut self, entrant: EntrantId) -> Result<(), Refused> {
        let known = self.entrants.get_mut(&entrant).ok_or(Refused::Unknown("entrant"))?;
        known.disqualified |= self.phase == Phase::Running;
        Ok(())
    }

    /// Whether an entrant who was there at the start has left since.
    pub(super) fn has_left(&self, seed: Seed) -> bool {
        self.entrants
            .get(&self.seeds[seed.index()])
            .is_some_and(|known| known.presence == Presence::Withdrawn)
    }
}
