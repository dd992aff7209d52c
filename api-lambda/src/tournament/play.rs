//! Matches: which steps follow from what hosts report, players dispute and administrators rule.

use contest::tournament::{Action, EntrantId, Match, MatchId, Refused, RequestId, Ruling, Side, State};
use domain::contract::tournaments::{MatchRuling, ReportedGame, RoundTrips};
use domain::ids::{AccountId, CharacterId, InstanceId};

use super::{Live, Place, Refusal, Step, entrant_of};

/// How a player stands to a match that is to be played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Joining {
    pub(crate) entrant: EntrantId,
    pub(crate) character: CharacterId,
    pub(crate) attempt: u16,
    /// Where it is played, if that is known.
    pub(crate) instance: Option<InstanceId>,
    /// Whether the entrant has yet to arrive.
    pub(crate) arrives: bool,
}

impl Live {
    fn fixture(&self, match_id: MatchId) -> Result<&Match, Refusal> {
        self.tournament.fixture(match_id).ok_or(Refusal::Core(Refused::Unknown("match")))
    }

    /// Where the present attempt at the match is played, if it was given an instance.
    fn place(&self, match_id: MatchId) -> Result<Option<&Place>, Refusal> {
        let attempt = self.fixture(match_id)?.attempts;
        Ok(self.places.get(&match_id).filter(|place| place.attempt == attempt))
    }

    /// Those on the two sides who are known.
    pub(crate) fn sides(&self, match_id: MatchId) -> Result<Vec<EntrantId>, Refusal> {
        let fixture = self.fixture(match_id)?;
        let seeds = Side::BOTH.into_iter().filter_map(|side| fixture.seed(side));
        let entrant = |seed: contest::tournament::Seed| {
            self.tournament.seeds().get(usize::from(seed.number()).wrapping_sub(1)).copied()
        };
        Ok(seeds.filter_map(entrant).collect())
    }

    /// The entrant of the account, if it is on one of the sides.
    fn own_side(&self, match_id: MatchId, account: AccountId) -> Result<EntrantId, Refusal> {
        let sides = self.sides(match_id)?;
        let (own, _) = self.entry_of(account).ok_or(Refusal::NotInMatch)?;
        if sides.contains(&own) { Ok(own) } else { Err(Refusal::NotInMatch) }
    }

    /// The instance under which results of the match are kept. One that was given an instance takes reports from
    /// there only; one that was not may be played anywhere, and stays where it was begun.
    fn instance_of(&self, match_id: MatchId, shown: Option<InstanceId>) -> Result<InstanceId, Refusal> {
        match (self.place(match_id)?, shown) {
            (Some(place), Some(shown)) if place.instance == shown => Ok(shown),
            (Some(_), _) => Err(Refusal::OtherInstance),
            (None, Some(shown)) => Ok(shown),
            (None, None) => {
                // Results from outside of any instance: each attempt has a number of its own.
                let attempt = u128::from(self.fixture(match_id)?.attempts);
                Ok(InstanceId::from_u128(attempt << 16 | u128::from(match_id.0)))
            }
        }
    }

    /// A host begins a match.
    pub(crate) fn start_steps(&self, match_id: MatchId, instance: InstanceId) -> Result<Vec<Step>, Refusal> {
        let instance = self.instance_of(match_id, Some(instance))?;
        Ok(vec![Step::Core(Action::Start { match_id, instance })])
    }

    /// A host reports games; the first report begins the match.
    pub(crate) fn report_steps(
        &self,
        match_id: MatchId,
        instance: Option<InstanceId>,
        games: &[ReportedGame],
    ) -> Result<Vec<Step>, Refusal> {
        let instance = self.instance_of(match_id, instance)?;
        let mut steps = Vec::new();
        if matches!(self.fixture(match_id)?.state, State::Ready { .. }) {
            steps.push(Action::Start { match_id, instance });
        }
        steps.extend(games.iter().map(|game| Action::ReportGame {
            match_id,
            instance,
            game: game.game,
            winner: entrant_of(game.winner),
        }));
        Ok(steps.into_iter().map(Step::Core).collect())
    }

    /// An entrant did not come, or left.
    pub(crate) fn no_show_steps(
        &self,
        match_id: MatchId,
        instance: Option<InstanceId>,
        attempt: u16,
        absent: CharacterId,
    ) -> Result<Vec<Step>, Refusal> {
        if self.fixture(match_id)?.attempts == attempt {
            self.instance_of(match_id, instance)?;
        }
        let entrant = entrant_of(absent);
        if !self.sides(match_id)?.contains(&entrant) {
            return Err(Refusal::NotInMatch);
        }
        Ok(vec![Step::Core(Action::Forfeit { match_id, attempt, entrant })])
    }

    /// A participant disputes.
    pub(crate) fn dispute_steps(
        &self,
        match_id: MatchId,
        account: AccountId,
        reason: &str,
        request: RequestId,
    ) -> Result<Vec<Step>, Refusal> {
        let entrant = self.own_side(match_id, account)?;
        let reason = reason.to_owned();
        Ok(vec![Step::Core(Action::Dispute { match_id, entrant, reason, request })])
    }

    /// An administrator rules.
    pub(crate) fn ruling_steps(
        &self,
        match_id: MatchId,
        ruling: MatchRuling,
        (admin, reason): (&str, &str),
        request: RequestId,
    ) -> Result<Vec<Step>, Refusal> {
        let sides = self.sides(match_id)?;
        let on_a_side = |character: CharacterId| {
            let entrant = entrant_of(character);
            if sides.contains(&entrant) { Ok(entrant) } else { Err(Refusal::NotInMatch) }
        };
        let mut barred = None;
        let ruling = match ruling {
            MatchRuling::Winner(winner) => Ruling::Winner(on_a_side(winner)?),
            MatchRuling::Replay => Ruling::Replay,
            MatchRuling::Stand => Ruling::Stand,
            MatchRuling::Disqualify(loser) => {
                let loser = on_a_side(loser)?;
                barred = Some(loser);
                let winner = sides.iter().find(|side| **side != loser);
                Ruling::Winner(*winner.ok_or(Refusal::NotInMatch)?)
            }
        };
        let (admin, reason) = (admin.to_owned(), reason.to_owned());
        let resolve =
            Action::Resolve { match_id, ruling, admin: admin.clone(), reason: reason.clone(), request };
        let mut steps = vec![Step::Core(resolve)];
        if let Some(entrant) = barred {
            // The ruling may end the tournament, and then prizes are due.
            steps.insert(0, Step::Core(Action::Disqualify { entrant }));
            steps.push(Step::Bar { entrant, request, admin, reason });
        }
        Ok(steps)
    }

    /// An administrator takes an entrant out.
    pub(crate) fn bar_steps(
        &self,
        entrant: EntrantId,
        (admin, reason): (&str, &str),
        request: RequestId,
    ) -> Vec<Step> {
        let (admin, reason) = (admin.to_owned(), reason.to_owned());
        // A team that waits for its members is not registered yet.
        let registered = self.presence(entrant).map(|_| Step::Core(Action::Disqualify { entrant }));
        registered.into_iter().chain([Step::Bar { entrant, request, admin, reason }]).collect()
    }

    /// Whether and how the account may go to the match.
    pub(crate) fn joining(&self, match_id: MatchId, account: AccountId) -> Result<Joining, Refusal> {
        let entrant = self.own_side(match_id, account)?;
        let fixture = self.fixture(match_id)?;
        let entry = self.entries.get(&entrant).ok_or(Refusal::NotInMatch)?;
        let character = entry.member(account).ok_or(Refusal::NotInMatch)?.character;
        let place = self.place(match_id)?.map(|place| place.instance);
        let (instance, arrives) = match fixture.state {
            State::Ready { arrived, .. } => {
                let side = Side::BOTH.into_iter().zip(arrived).find(|(side, _)| {
                    let seed = fixture.seed(*side).map(|seed| usize::from(seed.number()).wrapping_sub(1));
                    seed.and_then(|seed| self.tournament.seeds().get(seed)) == Some(&entrant)
                });
                (place, side.is_some_and(|(_, arrived)| !arrived))
            }
            State::InProgress { instance, .. } => (Some(instance), false),
            _ => return Err(Refusal::NotJoinable),
        };
        Ok(Joining { entrant, character, attempt: fixture.attempts, instance, arrives })
    }

    /// The instance that the match was to be played on is over: it gets the fresh one. Nothing if it has another one
    /// by now.
    pub(crate) fn replace_steps(&self, match_id: MatchId, lost: InstanceId, fresh: InstanceId) -> Vec<Step> {
        let Some(fixture) = self.tournament.fixture(match_id) else { return Vec::new() };
        match fixture.state {
            // It waits for the two again; the next to come has another instance opened.
            State::InProgress { instance, .. } if instance == lost => {
                vec![Step::Core(Action::LoseInstance { match_id, instance: lost })]
            }
            State::Ready { .. } => {
                let place = self.places.get(&match_id);
                let place = place.filter(|place| place.instance == lost && place.attempt == fixture.attempts);
                let place = place.map(|place| Place { instance: fresh, ..place.clone() });
                place.map(|place| Step::Place { match_id, place }).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// The round trips of all who play the match.
    pub(crate) fn round_trips(&self, match_id: MatchId) -> Result<Vec<&RoundTrips>, Refusal> {
        let sides = self.sides(match_id)?;
        let entries = sides.iter().filter_map(|entrant| self.entries.get(entrant));
        Ok(entries.flat_map(|entry| &entry.members).map(|member| &member.round_trips).collect())
    }
}
