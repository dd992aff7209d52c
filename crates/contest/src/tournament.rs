//! Tournaments: who takes part, who meets whom, and who won. A tournament is a value that events change; who
//! stores it, tells the players, runs the matches and pays the prizes is not known here.
//!
//! The way of one: [`Tournament::new`] from a [`Definition`]; [`Tournament::apply`] for every [`Event`], which
//! gives the [`Effect`]s that its caller has to bring about; [`Tournament::next_deadline`] for when to send the
//! next [`Action::Tick`]; [`Tournament::view`] for anybody to read.
//!
//! The same definition, seed and events give the same tournament and the same effects. An event that is refused
//! changes nothing. A caller who stores the tournament after each event, under a version, and brings the effects
//! about under their ids, can lose an answer or be started twice without harm.

mod definition;
mod elimination;
mod event;
mod fixture;
mod graph;
mod lifecycle;
mod names;
mod progress;
mod refused;
mod registration;
mod round_robin;
mod rulings;
mod standings;
mod swiss;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_checks;
#[cfg(test)]
mod tests_matches;
#[cfg(test)]
mod tests_random;
#[cfg(test)]
mod tests_rules;
#[cfg(test)]
mod tests_serde;
#[cfg(test)]
mod tests_swiss;
mod view;

use std::collections::BTreeMap;

use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};

pub use definition::{
    BEST_OF_MAX, Definition, DefinitionError, ELIMINATION_ENTRANTS_MAX, EntrantKind, Format, PRIZES_MAX,
    Prize, REWARD_LEN_MAX, ROUND_ROBIN_ENTRANTS_MAX, SWISS_ENTRANTS_MAX, SWISS_ROUNDS_MAX, TEAM_SIZE_MAX,
    WAIT_MS_MAX, Window,
};
pub use event::{
    ADMIN_LEN_MAX, Action, DISPUTES_MAX, Effect, Event, INSTANCES_MAX, REASON_LEN_MAX, REQUESTS_MAX,
    RULINGS_MAX, Ruling,
};
pub use fixture::{DisputeEntry, Game, How, Match, Outcome, RulingEntry, Slot, Stage, State, Target};
pub use names::{EntrantId, InvalidName, MatchId, RequestId, Seed, Side};
pub use refused::Refused;
pub use registration::{Entrant, Presence};
pub use standings::{Score, Standing};
pub use view::{BracketView, MatchView, RoundView, SlotView, StatusView};

/// Where a tournament stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Entrants register, or will.
    Registration,
    /// Registration is over; entrants check in, or will.
    CheckIn,
    /// Matches are played.
    Running,
    /// It has a result.
    Finished,
    /// It ended without one.
    Cancelled,
}

/// Why a tournament ended without a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancellation {
    /// When.
    pub at: UnixMillis,
    /// Who decided; nobody where too few came.
    pub admin: Option<String>,
    /// Why.
    pub reason: String,
}

/// A tournament.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tournament {
    definition: Definition,
    /// What lots are drawn from, for seeds among equal ratings.
    seed: u64,
    phase: Phase,
    /// The latest time that it has heard of.
    now: UnixMillis,
    entrants: BTreeMap<EntrantId, Entrant>,
    /// Those who were there at the start, best first. A [`Seed`] is a place in it.
    seeds: Vec<EntrantId>,
    matches: Vec<Match>,
    cancellation: Option<Cancellation>,
}

impl Tournament {
    /// A tournament that waits for its entrants. `seed` decides lots and should not be known before.
    ///
    /// # Errors
    /// Every fault of the definition.
    pub fn new(definition: Definition, seed: u64) -> Result<Self, Vec<DefinitionError>> {
        definition.validate()?;
        Ok(Self {
            definition,
            seed,
            phase: Phase::Registration,
            now: UnixMillis::default(),
            entrants: BTreeMap::new(),
            seeds: Vec::new(),
            matches: Vec::new(),
            cancellation: None,
        })
    }

    /// Lets time pass to the event's, and then the event happen. Gives what the caller has to bring about.
    ///
    /// # Errors
    /// Why the event cannot happen. Then nothing has changed, and time has not passed either.
    pub fn apply(&mut self, event: Event) -> Result<Vec<Effect>, Refused> {
        let mut next = self.clone();
        let effects = next.apply_or_spoil(event)?;
        *self = next;
        Ok(effects)
    }

    /// As [`Tournament::apply`], without the copy that it needs: for callers who keep one, since an event that is
    /// refused leaves the tournament half changed.
    ///
    /// # Errors
    /// Why the event cannot happen. Then the tournament is of no use any more.
    pub fn apply_or_spoil(&mut self, event: Event) -> Result<Vec<Effect>, Refused> {
        let mut effects = Vec::new();
        self.pass_time(event.at, &mut effects);
        self.act(event.action, &mut effects)?;
        Ok(effects)
    }

    fn act(&mut self, action: Action, effects: &mut Vec<Effect>) -> Result<(), Refused> {
        if action.is_about_a_match() {
            self.must_have_started()?;
        }
        match action {
            Action::Tick => Ok(()),
            Action::Register { entrant, rating, request } => self.register(entrant, rating, request),
            Action::CheckIn { entrant } => self.check_in(entrant),
            Action::Withdraw { entrant, request } => self.withdraw(entrant, request, effects),
            Action::Disqualify { entrant } => self.disqualify(entrant),
            Action::Arrive { match_id, attempt, entrant } => self.arrive(match_id, attempt, entrant),
            Action::Start { match_id, instance } => self.start_match(match_id, instance),
            Action::LoseInstance { match_id, instance } => self.lose_instance(match_id, instance, effects),
            Action::ReportGame { match_id, instance, game, winner } => {
                self.report_game(match_id, (instance, game, winner), effects)
            }
            Action::Forfeit { match_id, attempt, entrant } => {
                self.forfeit(match_id, attempt, entrant, effects)
            }
            Action::Dispute { match_id, entrant, reason, request } => {
                self.dispute(match_id, entrant, (reason, request), effects)
            }
            Action::Resolve { match_id, ruling, admin, reason, request } => {
                let entry = RulingEntry { request, at: self.now, admin, reason, ruling };
                self.resolve(match_id, entry, effects)
            }
            Action::StartEarly { admin, reason } => self.start_early(&admin, &reason, effects),
            Action::Cancel { admin, reason } => self.cancel(admin, reason, effects),
        }
    }

    /// Lets `reword` change every reason that was given: by this entrant, or by an admin.
    pub fn reword(&mut self, reword: impl Fn(Option<EntrantId>, &mut String)) {
        for fixture in &mut self.matches {
            fixture.disputes.iter_mut().for_each(|entry| reword(Some(entry.entrant), &mut entry.reason));
            fixture.rulings.iter_mut().for_each(|entry| reword(None, &mut entry.reason));
        }
        self.cancellation.iter_mut().for_each(|why| reword(None, &mut why.reason));
    }

    /// What the organiser fixed.
    #[must_use]
    pub const fn definition(&self) -> &Definition {
        &self.definition
    }

    /// Where it stands.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Everybody who registered, those included who did not come or left.
    #[must_use]
    pub const fn entrants(&self) -> &BTreeMap<EntrantId, Entrant> {
        &self.entrants
    }

    /// Those who were there at the start, best first; empty before it.
    #[must_use]
    pub fn seeds(&self) -> &[EntrantId] {
        &self.seeds
    }

    /// The matches that are known, with their audit logs: for hosts and admins. [`MatchId`] 1 is the first.
    #[must_use]
    pub fn matches(&self) -> &[Match] {
        &self.matches
    }

    /// One match.
    #[must_use]
    pub fn fixture(&self, match_id: MatchId) -> Option<&Match> {
        self.matches.get(match_id.index())
    }

    /// Why it ended without a result, if it did.
    #[must_use]
    pub const fn cancellation(&self) -> Option<&Cancellation> {
        self.cancellation.as_ref()
    }
}
