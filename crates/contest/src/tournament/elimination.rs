//! Brackets: where seeds start, and where winners and losers go.

use super::fixture::{Match, Slot, Stage, Target};
use super::names::{MatchId, Seed, Side};

/// The games of ordinary and of final matches.
type Games = (u8, u8);

/// The seeds of a bracket of 2^`levels` from top to bottom. The best two can meet only in its last round, the
/// best four only in the last two, and so on: each seed of one size is followed by the one that adds up with it
/// to one more than the next size.
fn bracket_order(levels: u32) -> Vec<usize> {
    let mut order = vec![0];
    for level in 0..levels {
        let last = (2 << level) - 1;
        order = order.into_iter().flat_map(|seed| [seed, last - seed]).collect();
    }
    order
}

/// How many rounds a bracket for this many has.
fn levels(entrants: usize) -> u32 {
    entrants.next_power_of_two().trailing_zeros()
}

/// A single elimination. Slots without an entrant are byes, which go to the best seeds.
pub(super) fn single(entrants: usize, games: Games) -> Vec<Match> {
    let mut matches = Vec::new();
    winners(&mut matches, entrants, games.0);
    if let Some(last) = matches.last_mut() {
        last.best_of = games.1;
    }
    matches
}

/// The bracket of those who have not lost. Gives the places of its matches by round.
fn winners(matches: &mut Vec<Match>, entrants: usize, best_of: u8) -> Vec<Vec<usize>> {
    let slot = |seed: usize| if seed < entrants { Slot::Taken(Seed::at(seed)) } else { Slot::Nobody };
    let order = bracket_order(levels(entrants));
    let mut rounds = vec![Vec::new()];
    for pair in order.chunks_exact(2) {
        rounds[0].push(matches.len());
        matches.push(Match::new(Stage::Winners, 1, best_of, [slot(pair[0]), slot(pair[1])]));
    }
    for round in 2..=u16::try_from(levels(entrants)).expect("a logarithm") {
        let before = &rounds[rounds.len() - 1];
        let added = join(matches, before, Stage::Winners, round, best_of);
        rounds.push(added);
    }
    rounds
}

/// Adds a round in which the winners of each two neighbours of the round before meet.
fn join(matches: &mut Vec<Match>, before: &[usize], stage: Stage, round: u16, best_of: u8) -> Vec<usize> {
    let mut added = Vec::with_capacity(before.len() / 2);
    for pair in before.chunks_exact(2) {
        let index = matches.len();
        matches.push(Match::new(stage, round, best_of, [Slot::Pending; 2]));
        for side in Side::BOTH {
            matches[pair[side.index()]].winner_to = Some(target(index, side));
        }
        added.push(index);
    }
    added
}

fn target(index: usize, side: Side) -> Target {
    Target { match_id: MatchId::at(index), side }
}

/// A double elimination. The losers bracket has two rounds for every round of the winners bracket from the second
/// on: in one those meet who are already there, in the next they meet who has just lost above.
///
/// Where the losers of a round come in is a permutation that delays rematches. Let m be the matches of the round:
/// the loser of match i meets the winner of losers match i XOR mask, where the mask has as many bits as i. Two
/// who have met above, and lost in rounds r and s, can meet again below only where the masks of r and s agree in
/// their top bits; with b equal top bits that is b rounds before the end of the losers bracket. The masks are
/// the numbers of the rounds with their bits in reverse (the van der Corput sequence): neighbours differ in the
/// top bit, the next ones in the second, so that most rematches have to wait for the last round.
pub(super) fn double(entrants: usize, games: Games, bracket_reset: bool) -> Vec<Match> {
    let mut matches = Vec::new();
    let upper = winners(&mut matches, entrants, games.0);
    let first_losers = matches.len();
    let mut round = 1;
    let mut alive: Vec<usize> = Vec::new();
    for (drop, losing) in upper.iter().enumerate().skip(1) {
        // Those who are there when the second round above is lost are the losers of the first.
        if drop == 1 {
            for pair in upper[0].chunks_exact(2) {
                let index = matches.len();
                matches.push(Match::new(Stage::Losers, round, games.0, [Slot::Pending; 2]));
                for side in Side::BOTH {
                    matches[pair[side.index()]].loser_to = Some(target(index, side));
                }
                alive.push(index);
            }
        } else {
            alive = join(&mut matches, &alive, Stage::Losers, round, games.0);
        }
        let start = matches.len();
        let mask = drop_mask(drop, losing.len());
        for below in &alive {
            let index = matches.len();
            matches.push(Match::new(Stage::Losers, round + 1, games.0, [Slot::Pending; 2]));
            matches[*below].winner_to = Some(target(index, Side::Second));
        }
        for (place, above) in losing.iter().enumerate() {
            matches[*above].loser_to = Some(target(start + (place ^ mask), Side::First));
        }
        alive = (start..matches.len()).collect();
        round += 2;
    }
    add_grand_final(&mut matches, first_losers, games.1, bracket_reset);
    matches
}

/// The top bits of `drop` in reverse, for places under `count`, which is a power of two.
fn drop_mask(drop: usize, count: usize) -> usize {
    let bits = count.trailing_zeros();
    (0..bits).filter(|bit| drop >> bit & 1 == 1).map(|bit| 1 << (bits - 1 - bit)).sum()
}

/// The best of both brackets meet, and again if who had not lost loses now.
fn add_grand_final(matches: &mut Vec<Match>, first_losers: usize, best_of: u8, bracket_reset: bool) {
    let last = matches.len() - 1;
    let last_above = first_losers - 1;
    let index = matches.len();
    matches.push(Match::new(Stage::GrandFinal, 1, best_of, [Slot::Pending; 2]));
    matches[last_above].winner_to = Some(target(index, Side::First));
    if last == last_above {
        // Of two, the loser of the only match is the best of those who lost.
        matches[last_above].loser_to = Some(target(index, Side::Second));
    } else {
        matches[last].winner_to = Some(target(index, Side::Second));
    }
    if bracket_reset {
        let reset = matches.len();
        matches.push(Match::new(Stage::GrandFinal, 2, best_of, [Slot::Pending; 2]));
        matches[index].winner_to = Some(target(reset, Side::Second));
        matches[index].loser_to = Some(target(reset, Side::First));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_stand_where_the_best_meet_last() {
        assert_eq!(bracket_order(3), [0, 7, 3, 4, 1, 6, 2, 5]);
        for levels in 1..=10 {
            let order = bracket_order(levels);
            for level in 1..=levels {
                // Every block of 2^level slots holds exactly one of the best 2^(levels - level).
                for block in order.chunks_exact(1 << level) {
                    assert_eq!(block.iter().filter(|seed| **seed < 1 << (levels - level)).count(), 1);
                }
            }
        }
    }

    #[test]
    fn every_slot_is_filled_exactly_once() {
        for entrants in 2..=70 {
            for matches in [single(entrants, (1, 1)), double(entrants, (1, 1), true)] {
                let mut filled = vec![[0; 2]; matches.len()];
                for fixture in &matches {
                    for to in [fixture.winner_to, fixture.loser_to].into_iter().flatten() {
                        filled[to.match_id.index()][to.side.index()] += 1;
                    }
                }
                for (fixture, filled) in matches.iter().zip(filled) {
                    for side in Side::BOTH {
                        let pending = fixture.slots[side.index()] == Slot::Pending;
                        assert_eq!(filled[side.index()], usize::from(pending), "{entrants} entrants");
                    }
                }
            }
        }
    }

    #[test]
    fn losers_cross_over() {
        assert_eq!((1..5).map(|drop| drop_mask(drop, 8)).collect::<Vec<_>>(), [4, 2, 6, 1]);
        assert_eq!(drop_mask(1, 1), 0);
    }
}
