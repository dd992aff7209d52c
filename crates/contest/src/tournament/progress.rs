//! What time and results bring about: phases, deadlines, the next matches and rounds, and the end.

use domain::ids::InstanceId;
use domain::random::mix;
use domain::time::UnixMillis;

use super::definition::Format;
use super::event::Effect;
use super::fixture::{Slot, Stage, State};
use super::lifecycle::walkover;
use super::names::{EntrantId, MatchId, Seed};
use super::registration::Presence;
use super::{Phase, Tournament, elimination, round_robin, swiss};

impl Tournament {
    /// When time alone changes something next. Nothing has to be done before, and a tick that comes late
    /// changes the same as one in time.
    #[must_use]
    pub fn next_deadline(&self) -> Option<UnixMillis> {
        match self.phase {
            Phase::Registration => Some(self.definition.registration.closes_at),
            Phase::CheckIn => self.definition.check_in.map(|check_in| check_in.closes_at),
            Phase::Running => self.matches.iter().filter_map(|fixture| deadline(&fixture.state)).min(),
            Phase::Finished | Phase::Cancelled => None,
        }
    }

    /// Lets time pass up to `at`: every deadline happens at its own time and in order, so that the result does
    /// not depend on how often anybody looked.
    pub(super) fn pass_time(&mut self, at: UnixMillis, effects: &mut Vec<Effect>) {
        while let Some(due) = self.next_deadline().filter(|due| *due <= at) {
            self.now = self.now.max(due);
            match self.phase {
                Phase::Registration => {
                    let check_in = self.definition.check_in;
                    effects.push(Effect::RegistrationClosed { check_in });
                    if check_in.is_some() {
                        self.phase = Phase::CheckIn;
                    } else {
                        self.start(Presence::Registered, effects);
                    }
                }
                Phase::CheckIn => self.start(Presence::CheckedIn, effects),
                Phase::Running => self.meet_deadlines(effects),
                Phase::Finished | Phase::Cancelled => break,
            }
        }
        self.now = self.now.max(at);
    }

    fn meet_deadlines(&mut self, effects: &mut Vec<Effect>) {
        for index in 0..self.matches.len() {
            let state = self.matches[index].state;
            if deadline(&state).is_none_or(|due| due > self.now) {
                continue;
            }
            match state {
                State::Ready { arrived: [true, true], .. } => self.hand_to_admin(index, None, effects),
                State::InProgress { instance, .. } => self.hand_to_admin(index, Some(instance), effects),
                State::Ready { arrived, .. } => {
                    let outcome = walkover(&self.matches[index], arrived);
                    self.decide(index, outcome, effects);
                }
                State::Decided { outcome, .. } => self.make_final(index, outcome, effects),
                State::Waiting | State::Disputed { .. } | State::Final { .. } => {}
            }
        }
        self.settle(effects);
    }

    /// A match that both came to has no result in time. Which of the two it is for is not known here.
    fn hand_to_admin(&mut self, index: usize, instance: Option<InstanceId>, effects: &mut Vec<Effect>) {
        let fixture = &mut self.matches[index];
        fixture.state = State::Disputed { instance, outcome: None };
        let (match_id, attempt) = (MatchId::at(index), fixture.attempts);
        effects.push(Effect::MatchOverdue { match_id, attempt, at: self.now });
    }

    /// Starts with those whose presence is `needed`, or ends when they are too few.
    pub(super) fn start(&mut self, needed: Presence, effects: &mut Vec<Effect>) {
        for known in self.entrants.values_mut() {
            if known.presence == needed {
                known.presence = Presence::Playing;
            } else if known.presence == Presence::Registered {
                known.presence = Presence::Absent;
            }
        }
        self.seeds = self.seeding();
        if self.seeds.len() < usize::from(self.definition.entrants_min) {
            self.seeds.clear();
            self.end_without_result(None, "too few entrants".to_owned(), effects);
            return;
        }
        for (index, id) in self.seeds.iter().enumerate() {
            let known = self.entrants.get_mut(id).expect("seeds are entrants");
            known.seed = Some(Seed::at(index));
        }
        self.phase = Phase::Running;
        let count = self.seeds.len();
        let entrants = u16::try_from(count).expect("limits keep the entrants under 65,536");
        effects.push(Effect::Started { entrants });
        let games = (self.definition.best_of, self.definition.best_of_final);
        self.matches = match self.definition.format {
            Format::SingleElimination => elimination::single(count, games),
            Format::DoubleElimination { bracket_reset } => elimination::double(count, games, bracket_reset),
            Format::Swiss { .. } => Vec::new(),
            Format::RoundRobin { twice } => round_robin::schedule(count, games.0, twice),
        };
        self.settle(effects);
    }

    /// Those who play, best first: by rating, and by lot among equals.
    fn seeding(&self) -> Vec<EntrantId> {
        let playing = self.entrants.iter().filter(|(_, known)| known.presence == Presence::Playing);
        let mut order: Vec<_> =
            playing.map(|(id, known)| (std::cmp::Reverse(known.rating), lot(self.seed, *id), *id)).collect();
        order.sort_unstable();
        order.into_iter().map(|(_, _, id)| id).collect()
    }

    /// Opens what can be played, until nothing more follows; then the next round or the end.
    pub(super) fn settle(&mut self, effects: &mut Vec<Effect>) {
        while self.phase == Phase::Running {
            let round = self.table_round();
            let mut opened = false;
            for index in 0..self.matches.len() {
                let fixture = &self.matches[index];
                let known = !fixture.slots.contains(&Slot::Pending);
                let in_turn = fixture.stage != Stage::Table || Some(fixture.round) == round;
                if fixture.state == State::Waiting && known && in_turn {
                    self.open_match(index, effects);
                    opened = true;
                }
            }
            if !opened {
                if self.matches.iter().any(|fixture| fixture.outcome().is_none()) {
                    return;
                }
                if !self.pair_next_round() {
                    self.finish(effects);
                }
            }
        }
    }

    /// The round of a table that is played: the first with a match that is not over.
    fn table_round(&self) -> Option<u16> {
        let open = self.matches.iter().filter(|f| f.stage == Stage::Table && f.outcome().is_none());
        open.map(|fixture| fixture.round).min()
    }

    /// Adds the next round of a Swiss tournament, if there is one and two are left to play it.
    fn pair_next_round(&mut self) -> bool {
        let Format::Swiss { rounds } = self.definition.format else { return false };
        let played = self.matches.last().map_or(0, |fixture| fixture.round);
        let here: Vec<Seed> =
            (0..self.seeds.len()).map(Seed::at).filter(|seed| !self.has_left(*seed)).collect();
        if played >= rounds || here.len() < 2 {
            return false;
        }
        let round = swiss::next_round(&self.matches, &here, played + 1, self.definition.best_of);
        self.matches.extend(round);
        true
    }

    fn finish(&mut self, effects: &mut Vec<Effect>) {
        self.phase = Phase::Finished;
        if let Some(first) = self.standings().first() {
            effects.push(Effect::Finished { champion: first.entrant });
        }
        effects.extend(self.prizes_due());
    }
}

/// When time alone ends a state.
const fn deadline(state: &State) -> Option<UnixMillis> {
    match state {
        State::Ready { due_at, .. } | State::InProgress { due_at, .. } => Some(*due_at),
        State::Decided { final_at, .. } => Some(*final_at),
        State::Waiting | State::Disputed { .. } | State::Final { .. } => None,
    }
}

/// The lot that an entrant draws: the same for the same seed, and not to be chosen by choosing an id.
fn lot(seed: u64, entrant: EntrantId) -> u64 {
    let [high, low] = [entrant.as_u128() >> 64, entrant.as_u128() & u128::from(u64::MAX)]
        .map(|half| u64::try_from(half).expect("half of 128 bits"));
    mix(mix(mix(seed) ^ high) ^ low)
}
