//! Everybody meets everybody: the schedule.

use super::fixture::{Match, Slot, Stage};
use super::names::Seed;

/// The circle method: one stays, the others move on by one place after each round, and who stand opposite meet.
/// With an odd number a place is empty, and who stands opposite rests.
/// Source: Kirkman's construction, as in Anderson, "Combinatorial Designs and Tournaments", 1997.
pub(super) fn schedule(entrants: usize, best_of: u8, twice: bool) -> Vec<Match> {
    let places = entrants.next_multiple_of(2);
    let turns = places - 1;
    let mut matches = Vec::new();
    for turn in 0..turns {
        for pair in 0..places / 2 {
            // The one at the last place stays; the others stand on a circle that has turned by `turn`.
            let first = (turn + pair) % turns;
            let second = if pair == 0 { places - 1 } else { (turn + turns - pair) % turns };
            if first < entrants && second < entrants {
                let slots = [first.min(second), first.max(second)].map(|seed| Slot::Taken(Seed::at(seed)));
                let round = u16::try_from(turn + 1).expect("limits keep the rounds small");
                matches.push(Match::new(Stage::Table, round, best_of, slots));
            }
        }
    }
    if twice {
        let first_leg = matches.len();
        let rounds = u16::try_from(turns).expect("limits keep the rounds small");
        for index in 0..first_leg {
            let Match { round, slots: [first, second], .. } = matches[index];
            matches.push(Match::new(Stage::Table, round + rounds, best_of, [second, first]));
        }
    }
    matches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_meet_as_often_as_asked_and_nobody_twice_in_a_round() {
        for entrants in 2..=64_usize {
            for (twice, times) in [(false, 1), (true, 2)] {
                let matches = schedule(entrants, 1, twice);
                let mut met = vec![0; entrants * entrants];
                let mut last_round = vec![0; entrants];
                for fixture in &matches {
                    let pair = fixture.pair().expect("rests are no matches").map(Seed::index);
                    met[pair[0].min(pair[1]) * entrants + pair[0].max(pair[1])] += 1;
                    for seed in pair {
                        assert!(last_round[seed] < fixture.round, "{entrants} entrants");
                        last_round[seed] = fixture.round;
                    }
                }
                assert_eq!(matches.len(), times * entrants * (entrants - 1) / 2);
                for first in 0..entrants {
                    for second in first + 1..entrants {
                        assert_eq!(met[first * entrants + second], times, "{entrants} entrants");
                    }
                }
            }
        }
    }
}
