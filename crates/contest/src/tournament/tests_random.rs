//! Tournaments in which anything happens that may: no-shows, withdrawals, lost instances, disputes, repeats and
//! contradictions. A failure names its seed.

use domain::random::Random;
use domain::time::UnixMillis;

use super::tests::{at, definition, id, instance, prize, request, window};
use super::tests_checks::{check_brackets, check_prizes, check_replay, check_tables};
use super::tests_serde::round_trip;
use super::*;

/// A tournament, and all that happened to it.
pub(super) struct Run {
    pub(super) seed: u64,
    random: Random,
    pub(super) first: Tournament,
    pub(super) tournament: Tournament,
    now: u64,
    fresh: u64,
    /// All events, those included that were refused.
    pub(super) log: Vec<Event>,
    pub(super) accepted: Vec<Action>,
    pub(super) effects: Vec<Effect>,
}

fn random_definition(random: &mut Random) -> Definition {
    let format = match random.below(6) {
        0 => Format::SingleElimination,
        1 => Format::DoubleElimination { bracket_reset: true },
        2 => Format::DoubleElimination { bracket_reset: false },
        3 => Format::RoundRobin { twice: random.below(3) == 0 },
        _ => Format::Swiss { rounds: u16::try_from(1 + random.below(9)).expect("small") },
    };
    Definition {
        best_of: [1, 1, 3, 5][usize::try_from(random.below(4)).expect("small")],
        best_of_final: [1, 3][usize::try_from(random.below(2)).expect("small")],
        entrants_max: 17,
        check_in: (random.below(2) == 0).then(|| window(1_200, 3_000)),
        dispute_window_ms: [0, 200][usize::try_from(random.below(2)).expect("small")],
        prizes: (1..=6).map(|place| prize(place, ["gold", "gem"][usize::from(place) % 2], 101)).collect(),
        ..definition(format)
    }
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let first = Tournament::new(random_definition(&mut random), seed).expect("a valid definition");
        let (tournament, log, accepted, effects) = (first.clone(), vec![], vec![], vec![]);
        Self { seed, random, first, tournament, now: 200, fresh: 1_000, log, accepted, effects }
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.random.below(100) < percent
    }

    fn pick(&mut self, count: usize) -> usize {
        usize::try_from(self.random.below(u32::try_from(count).expect("small"))).expect("small")
    }

    fn fresh(&mut self) -> u64 {
        self.fresh += 1;
        self.fresh
    }

    /// Lets something happen, checks that a repeat changes nothing, and that a refusal changes nothing.
    fn act(&mut self, action: Action) -> Result<(), Refused> {
        let event = at(self.now, action);
        let before = self.tournament.clone();
        self.log.push(event.clone());
        let result = self.tournament.apply(event.clone());
        match result {
            Ok(effects) => self.effects.extend(effects),
            Err(refused) => {
                assert_eq!(self.tournament, before, "seed {}: {event:?}", self.seed);
                return Err(refused);
            }
        }
        let after = self.tournament.clone();
        let repeated = self.tournament.apply(event.clone());
        assert_eq!((repeated, &self.tournament), (Ok(vec![]), &after), "seed {}: {event:?}", self.seed);
        self.accepted.push(event.action);
        if self.chance(40) {
            let place = self.pick(self.accepted.len());
            let old = self.accepted[place].clone();
            let repeated = self.tournament.apply(at(self.now, old.clone()));
            assert!(repeated.is_err() || repeated == Ok(vec![]), "seed {}: late {old:?}", self.seed);
            assert_eq!(self.tournament, after, "seed {}: late {old:?}", self.seed);
        }
        if self.chance(3) {
            assert_eq!(round_trip(&after), after, "seed {}", self.seed);
        }
        Ok(())
    }

    fn enter(&mut self) {
        let count = 2 + u64::from(self.random.below(16));
        for number in 1..=count {
            let rating = self.random.between(1_490, 1_510);
            self.act(Action::Register { entrant: id(number), rating, request: request(number) })
                .expect("open");
            if self.chance(10) {
                let withdrawal = request(self.fresh());
                self.act(Action::Withdraw { entrant: id(number), request: withdrawal }).expect("registered");
                if self.chance(50) {
                    let again = request(self.fresh());
                    self.act(Action::Register { entrant: id(number), rating, request: again }).expect("open");
                }
            }
        }
        if self.tournament.definition().check_in.is_some() {
            self.now = 1_300;
            for number in 1..=count {
                if self.chance(90) {
                    // Those who withdrew are refused.
                    let _ = self.act(Action::CheckIn { entrant: id(number) });
                }
            }
        }
        self.now = 3_000;
        self.act(Action::Tick).expect("a tick is never refused");
    }

    fn play(&mut self) {
        let mut steps = 0;
        while self.tournament.phase() == Phase::Running {
            steps += 1;
            assert!(steps < 30_000, "seed {}: it does not end", self.seed);
            if self.chance(20) {
                self.now += u64::from(self.random.below(100));
            }
            if self.chance(1) {
                let place = self.pick(self.tournament.seeds().len());
                let who = self.tournament.seeds()[place];
                if self.chance(40) {
                    self.act(Action::Disqualify { entrant: who }).expect("it takes part");
                }
                let withdrawal = request(self.fresh());
                self.act(Action::Withdraw { entrant: who, request: withdrawal }).expect("it takes part");
                continue;
            }
            let open: Vec<usize> = (0..self.tournament.matches().len())
                .filter(|index| {
                    !matches!(self.tournament.matches()[*index].state, State::Waiting | State::Final { .. })
                })
                .collect();
            let index = open[self.pick(open.len())];
            self.step(index);
        }
    }

    fn step(&mut self, index: usize) {
        let fixture = self.tournament.matches()[index].clone();
        let pair =
            fixture.pair().expect("open matches have both").map(|s| self.tournament.seeds()[s.index()]);
        let (match_id, attempt) = (MatchId::at(index), fixture.attempts);
        let entrant = pair[self.pick(2)];
        let roll = self.random.below(100);
        // Whether time that passes allows it is the tournament's to say, so refusals are no failures here.
        let _ = match fixture.state {
            State::Ready { .. } => match roll {
                0..45 => self.act(Action::Arrive { match_id, attempt, entrant }),
                45..85 => {
                    let instance = instance(self.fresh());
                    self.act(Action::Start { match_id, instance })
                }
                85..90 => self.act(Action::Forfeit { match_id, attempt, entrant }),
                _ => self.wait(),
            },
            State::InProgress { instance, .. } => match roll {
                0..80 => {
                    let game = u8::try_from(fixture.games.len() + 1).expect("small");
                    self.contradict(match_id, &fixture, pair);
                    self.act(Action::ReportGame { match_id, instance, game, winner: entrant })
                }
                80..86 => self.act(Action::LoseInstance { match_id, instance }),
                86..90 => self.act(Action::Forfeit { match_id, attempt, entrant }),
                90..95 => self.dispute(match_id, entrant),
                _ => self.wait(),
            },
            State::Decided { .. } if roll < 15 => self.dispute(match_id, entrant),
            State::Decided { .. } => self.wait(),
            State::Disputed { .. } => {
                let ruling = match roll {
                    0..40 => Ruling::Replay,
                    40..70 => Ruling::Stand,
                    _ => Ruling::Winner(entrant),
                };
                let (admin, reason) = ("ann".to_owned(), "seen on video".to_owned());
                let request = request(self.fresh());
                self.act(Action::Resolve { match_id, ruling, admin, reason, request })
            }
            State::Waiting | State::Final { .. } => unreachable!("only open matches are picked"),
        };
    }

    fn wait(&mut self) -> Result<(), Refused> {
        if let Some(deadline) = self.tournament.next_deadline() {
            self.now = self.now.max(deadline.as_millis());
        }
        self.act(Action::Tick)
    }

    fn dispute(&mut self, match_id: MatchId, entrant: EntrantId) -> Result<(), Refused> {
        let request = request(self.fresh());
        self.act(Action::Dispute { match_id, entrant, reason: "they flew".to_owned(), request })
    }

    /// A reported game cannot be reported with another winner.
    fn contradict(&mut self, match_id: MatchId, fixture: &Match, pair: [EntrantId; 2]) {
        let Some(game) = fixture.games.first() else { return };
        let winner = pair[game.winner.other().index()];
        let action = Action::ReportGame { match_id, instance: game.instance, game: 1, winner };
        let refused = self.act(action).expect_err("a contradiction");
        assert_eq!(refused.kind(), "conflict", "seed {}", self.seed);
    }
}

#[test]
fn whatever_happens_it_ends_well() {
    let mut finished = 0;
    for seed in 0..250 {
        let mut run = Run::new(seed);
        run.enter();
        run.play();
        let mut ids: Vec<String> = run.effects.iter().map(Effect::id).collect();
        ids.sort_unstable();
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "seed {seed}: an id names one effect");
        assert_eq!(round_trip(&run.tournament), run.tournament, "seed {seed}");
        assert_eq!(round_trip(&run.tournament.view()), run.tournament.view(), "seed {seed}");
        assert_eq!(round_trip(&run.log), run.log, "seed {seed}");
        assert_eq!(round_trip(&run.effects), run.effects, "seed {seed}");
        check_replay(&run);
        if run.tournament.phase() == Phase::Cancelled {
            assert!(run.tournament.seeds().is_empty(), "seed {seed}: only for want of entrants");
            continue;
        }
        finished += 1;
        match run.tournament.definition().format {
            Format::SingleElimination | Format::DoubleElimination { .. } => check_brackets(&run),
            Format::Swiss { .. } | Format::RoundRobin { .. } => check_tables(&run),
        }
        check_prizes(&run);
        let late = Event { at: UnixMillis::new(run.now + 1), action: Action::Tick };
        assert_eq!(run.tournament.apply(late), Ok(vec![]), "seed {seed}: nothing comes after the end");
    }
    assert!(finished > 200, "most have enough entrants");
}

/// Events that mean nothing, in any order and at any time: they are refused or they are not, and that is all.
#[test]
fn nonsense_is_survived() {
    for seed in 0..60 {
        let mut run = Run::new(seed);
        if seed % 2 == 0 {
            run.enter();
        }
        for _ in 0..400 {
            let number = |random: &mut Random| u64::from(random.below(20));
            let r = &mut run.random;
            let match_id = MatchId(u16::try_from(r.below(40)).expect("small"));
            let (entrant, attempt) = (id(number(r)), u16::try_from(r.below(3)).expect("small"));
            let (instance, request) = (instance(number(r)), request(number(r)));
            let reason = "x".repeat(usize::try_from(r.below(3) * 300).expect("small"));
            let game = u8::try_from(r.below(256)).expect("a byte");
            let action = match r.below(40) {
                0..3 => Action::Register { entrant, rating: i32::MIN, request },
                3..5 => Action::CheckIn { entrant },
                5 => Action::Withdraw { entrant, request },
                6..10 => Action::Arrive { match_id, attempt, entrant },
                10..20 => Action::Start { match_id, instance },
                20..22 => Action::LoseInstance { match_id, instance },
                22..32 => Action::ReportGame { match_id, instance, game: game % 8, winner: entrant },
                32 => Action::Forfeit { match_id, attempt, entrant },
                33..35 => Action::Dispute { match_id, entrant, reason, request },
                35 => {
                    Action::Resolve { match_id, ruling: Ruling::Stand, admin: "ann".into(), reason, request }
                }
                36 => {
                    let ruling = Ruling::Winner(entrant);
                    Action::Resolve { match_id, ruling, admin: "ann".into(), reason, request }
                }
                37 if game < 10 => Action::Cancel { admin: "ann".into(), reason },
                _ => Action::Tick,
            };
            let far = [0, 0, 0, 0, 0, 0, 100, u64::from(game)][usize::from(game % 8)];
            run.now = if game == 255 && seed % 9 == 0 { u64::MAX } else { run.now.saturating_add(far) };
            let before = run.tournament.clone();
            if run.tournament.apply(at(run.now, action)).is_err() {
                assert_eq!(run.tournament, before, "seed {seed}");
            }
            assert_eq!(run.tournament.view().standings.len(), run.tournament.seeds().len(), "seed {seed}");
        }
    }
}
