//! Swiss pairing against an exhaustive search, and at its limit.

use domain::ids::InstanceId;
use domain::random::Random;

use super::fixture::{Game, How, Match, Outcome, State};
use super::names::{Seed, Side};
use super::swiss::next_round;

/// Ends every match of a round by lot, or for the better seed.
fn decide(round: &mut [Match], random: &mut Random, upsets_percent: u32) {
    for fixture in round {
        let outcome = if fixture.pair().is_none() {
            Outcome { winner: Some(Side::First), how: How::Bye }
        } else {
            let better = if fixture.seed(Side::First) < fixture.seed(Side::Second) {
                Side::First
            } else {
                Side::Second
            };
            let winner = if random.below(100) < upsets_percent { better.other() } else { better };
            fixture.games.push(Game { winner, instance: InstanceId::from_u128(1) });
            Outcome { winner: Some(winner), how: How::Played }
        };
        fixture.state = State::Final { outcome };
    }
}

fn met(played: &[Match], a: Seed, b: Seed) -> bool {
    played.iter().any(|fixture| fixture.side_of(a).is_some() && fixture.side_of(b).is_some())
}

/// The fewest rematches with which all of `free`, a set of places in `here`, can be paired.
pub(super) fn fewest_rematches(played: &[Match], here: &[Seed], free: usize) -> usize {
    let mut known = vec![None; 1 << here.len()];
    let joined: Vec<Vec<bool>> =
        here.iter().map(|a| here.iter().map(|b| !met(played, *a, *b)).collect()).collect();
    fewest(&joined, free, &mut known)
}

fn fewest(joined: &[Vec<bool>], free: usize, known: &mut [Option<usize>]) -> usize {
    if free == 0 {
        return 0;
    }
    if let Some(count) = known[free] {
        return count;
    }
    let a = usize::try_from(free.trailing_zeros()).expect("small");
    let rest = free & !(1 << a);
    let pairs = (a + 1..joined.len()).filter(|b| rest >> b & 1 == 1);
    let counts = pairs.map(|b| usize::from(!joined[a][b]) + fewest(joined, rest & !(1 << b), known));
    let best = counts.min().expect("an even number is left");
    known[free] = Some(best);
    best
}

fn byes(played: &[Match], seed: Seed) -> usize {
    played.iter().filter(|f| f.pair().is_none() && f.side_of(seed).is_some()).count()
}

/// Asserts that a round has everybody once, a bye only for one with the fewest, and rematches only where an
/// exhaustive search finds none without.
pub(super) fn check_round(played: &[Match], here: &[Seed], round: &[Match], label: &str) {
    let mut seen: Vec<Seed> =
        round.iter().flat_map(|f| Side::BOTH.into_iter().filter_map(|side| f.seed(side))).collect();
    seen.sort_unstable();
    assert_eq!(seen, here, "{label}: everybody is there once");
    let rematches = round.iter().filter_map(Match::pair).filter(|[a, b]| met(played, *a, *b)).count();
    let all = (1 << here.len()) - 1;
    let fewest_byes = here.iter().map(|seed| byes(played, *seed)).min().expect("somebody is there");
    let best = if here.len().is_multiple_of(2) {
        fewest_rematches(played, here, all)
    } else {
        let bye = round.iter().find(|f| f.pair().is_none()).and_then(|f| f.seed(Side::First));
        assert_eq!(byes(played, bye.expect("one rests")), fewest_byes, "{label}: who rested least rests");
        let candidates = (0..here.len()).filter(|place| byes(played, here[*place]) == fewest_byes);
        candidates.map(|place| fewest_rematches(played, here, all & !(1 << place))).min().expect("one rests")
    };
    assert_eq!(rematches, best, "{label}: a rematch could be avoided");
}

#[test]
fn no_rematch_that_can_be_avoided() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let count = usize::try_from(2 + random.below(9)).expect("small");
        let mut here: Vec<Seed> = (0..count).map(Seed::at).collect();
        let mut played = Vec::new();
        let upsets = random.below(60);
        for number in 1..=u16::try_from(count).expect("small") + 1 {
            let mut round = next_round(&played, &here, number, 1);
            check_round(&played, &here, &round, &format!("seed {seed}, round {number}"));
            decide(&mut round, &mut random, upsets);
            played.extend(round);
            if here.len() > 2 && random.below(10) == 0 {
                here.remove(usize::try_from(random.below(3)).expect("small"));
            }
        }
    }
}

#[test]
fn five_hundred_and_twelve_meet_equals() {
    for (count, upsets) in [(512, 0), (511, 30)] {
        let mut random = Random::new(3);
        let here: Vec<Seed> = (0..count).map(Seed::at).collect();
        let mut played: Vec<Match> = Vec::new();
        for number in 1..=11 {
            let mut round = next_round(&played, &here, number, 1);
            for fixture in &round {
                if let Some([a, b]) = fixture.pair() {
                    assert!(!met(&played, a, b), "round {number}");
                    let apart = fixture.points_before[0].abs_diff(fixture.points_before[1]);
                    assert!(number > 9 || apart <= 1, "round {number}: {apart} points apart");
                }
            }
            let floats =
                round.iter().filter(|f| f.pair().is_some() && f.points_before[0] != f.points_before[1]);
            let groups = usize::from(number);
            assert!(floats.count() <= groups, "round {number}: at most one floater of a group");
            decide(&mut round, &mut random, upsets);
            played.extend(round);
        }
    }
}

#[test]
fn the_first_round_meets_by_halves_and_the_last_rests() {
    let here: Vec<Seed> = (0..7).map(Seed::at).collect();
    let round = next_round(&[], &here, 1, 1);
    let numbers: Vec<_> = round.iter().map(|f| Side::BOTH.map(|s| f.seed(s).map(Seed::number))).collect();
    let expected = [[Some(1), Some(4)], [Some(2), Some(5)], [Some(3), Some(6)], [Some(7), None]];
    assert_eq!(numbers, expected);
}

#[test]
fn who_floated_last_does_not_float_again() {
    // Ten, the better seed winning. In the second round 5 is the lowest of five winners, floats, and wins; in
    // the third it is the lowest of 1, 2 and 5 with two points, but 2 floats, and makes five of 3, 4, 6 and 7.
    let here: Vec<Seed> = (0..10).map(Seed::at).collect();
    let mut random = Random::new(1);
    let mut played: Vec<Match> = Vec::new();
    let mut floated = Vec::new();
    for number in 1..=3 {
        let mut round = next_round(&played, &here, number, 1);
        let down: Vec<_> = round
            .iter()
            .filter(|f| f.points_before[0] > f.points_before[1])
            .map(|f| f.seed(Side::First).expect("both are there").number())
            .collect();
        floated.push(down);
        decide(&mut round, &mut random, 0);
        played.extend(round);
    }
    assert_eq!(floated, [vec![], vec![5], vec![2, 7]]);
}
