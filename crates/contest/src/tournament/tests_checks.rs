//! What holds for every tournament that has ended.

use super::tests_random::Run;
use super::tests_swiss::check_round;
use super::*;

pub(super) fn check_brackets(run: &Run) {
    let t = &run.tournament;
    let count = t.seeds().len();
    let mut losses = vec![0; count];
    for fixture in t.matches().iter().filter(|fixture| fixture.is_contested()) {
        let loser = fixture.outcome().and_then(|o| o.winner).expect("brackets have winners").other();
        losses[fixture.seed(loser).expect("contested").index()] += 1;
    }
    let contested = t.matches().iter().filter(|fixture| fixture.is_contested()).count();
    let standings = t.standings();
    let [champion, second] = [0, 1].map(|line| losses[standings[line].seed.index()]);
    let others = standings[2..].iter().map(|line| losses[line.seed.index()]);
    let label = format!("seed {}: {losses:?}", run.seed);
    match t.definition().format {
        Format::SingleElimination => {
            assert_eq!((contested, champion, second), (count - 1, 0, 1), "{label}");
            assert!(others.into_iter().all(|lost| lost == 1), "{label}");
        }
        Format::DoubleElimination { bracket_reset } => {
            assert_eq!(contested, losses.iter().sum::<usize>(), "{label}");
            assert!(others.into_iter().all(|lost| lost == 2), "{label}");
            if bracket_reset {
                assert!(champion <= 1 && second == 2, "{label}");
                assert_eq!(contested, 2 * count - 2 + champion, "{label}");
            } else {
                assert_eq!((contested, champion + second), (2 * count - 2, 2), "{label}");
            }
        }
        Format::Swiss { .. } | Format::RoundRobin { .. } => unreachable!("only brackets come here"),
    }
    assert_eq!(standings.iter().filter(|line| line.place == 1).count(), 1, "{label}: one champion");
}

pub(super) fn check_tables(run: &Run) {
    let t = &run.tournament;
    let count = t.seeds().len();
    match t.definition().format {
        Format::RoundRobin { twice } => {
            let times = 1 + usize::from(twice);
            for a in (0..count).map(Seed::at) {
                for b in (0..count).map(Seed::at).filter(|b| *b != a) {
                    let met = t.matches().iter().filter(|f| f.side_of(a).is_some() && f.side_of(b).is_some());
                    assert_eq!(met.count(), times, "seed {}", run.seed);
                }
            }
        }
        Format::Swiss { rounds } => {
            let last = t.matches().last().map_or(0, |fixture| fixture.round);
            assert!(last == rounds || run.accepted.iter().any(|a| matches!(a, Action::Withdraw { .. })));
            for number in 1..=last {
                let (played, later): (Vec<_>, Vec<_>) =
                    t.matches().iter().cloned().partition(|fixture| fixture.round < number);
                let round: Vec<_> = later.into_iter().filter(|fixture| fixture.round == number).collect();
                let sides = round.iter().flat_map(|f| Side::BOTH.into_iter().filter_map(|side| f.seed(side)));
                let mut here: Vec<Seed> = sides.collect();
                here.sort_unstable();
                if here.len() <= 10 {
                    check_round(&played, &here, &round, &format!("seed {}, round {number}", run.seed));
                }
            }
        }
        Format::SingleElimination | Format::DoubleElimination { .. } => unreachable!("only tables come here"),
    }
}

pub(super) fn check_prizes(run: &Run) {
    let t = &run.tournament;
    let standings = t.standings();
    let mut holders: Vec<_> = standings.iter().map(|line| line.seed).collect();
    holders.sort_unstable();
    assert_eq!(holders, (0..t.seeds().len()).map(Seed::at).collect::<Vec<_>>(), "seed {}", run.seed);
    for (line, position) in standings.iter().zip(1..) {
        assert!(line.position == position && line.place <= position, "seed {}", run.seed);
    }
    let champions = run.effects.iter().filter(|effect| matches!(effect, Effect::Finished { .. })).count();
    assert_eq!(champions, 1, "seed {}", run.seed);
    assert!(run.effects.contains(&Effect::Finished { champion: standings[0].entrant }), "seed {}", run.seed);
    let payments = run.effects.iter().filter(|effect| matches!(effect, Effect::PayPrize { .. }));
    assert_eq!(payments.cloned().collect::<Vec<_>>(), t.prizes_due(), "seed {}", run.seed);
    for reward in ["gold", "gem"] {
        let fair = standings.iter().take_while(|line| !line.disqualified).count();
        let held = t.definition().prizes.iter().filter(|p| usize::from(p.place) <= fair);
        let owed: u64 = held.filter(|p| p.reward == reward).map(|p| p.amount).sum();
        let paid = run.effects.iter().filter_map(|effect| match effect {
            Effect::PayPrize { reward: paid, amount, .. } if paid == reward => Some(*amount),
            _ => None,
        });
        assert_eq!(paid.sum::<u64>(), owed, "seed {}: all is paid, and once", run.seed);
    }
}

/// The same events give the same, and so do they with a tick at every deadline between them.
pub(super) fn check_replay(run: &Run) {
    for ticking in [false, true] {
        let mut again = run.first.clone();
        let mut effects = Vec::new();
        for event in &run.log {
            while let Some(due) = again.next_deadline().filter(|due| ticking && *due < event.at) {
                effects.extend(again.apply(Event { at: due, action: Action::Tick }).expect("a tick"));
            }
            effects.extend(again.apply(event.clone()).unwrap_or_default());
        }
        assert_eq!((&again, &effects), (&run.tournament, &run.effects), "seed {}", run.seed);
    }
}
