//! Swiss pairing: equal points meet, nobody meets twice while that can be avoided, and nobody rests twice.
//!
//! Exact where it must be: whether a round without rematches exists is decided by a largest matching (Edmonds),
//! never by a search that gives up. Within that, score groups are paired from the top: as few as possible float
//! down, and of those who can, who floated least and stand lowest; the upper half of a group meets the lower
//! half, as in the Dutch system (FIDE Handbook C.04.3), without its rules about colours.

use super::fixture::{How, Match, Slot, Stage};
use super::graph::{Graph, Matching};
use super::names::{Seed, Side};

/// Sets of floaters that are tried for one score group before it is joined with the next one down.
const TRIALS_MAX: usize = 200;

/// What pairing knows of one entrant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Player {
    seed: Seed,
    points: u16,
    byes: u16,
    /// Rounds in which the entrant met somebody with fewer points.
    floats: u16,
    floated_last: bool,
}

/// The matches of a round among those who are still here. The last may be a bye.
pub(super) fn next_round(played: &[Match], here: &[Seed], round: u16, best_of: u8) -> Vec<Match> {
    let mut players: Vec<Player> = here.iter().map(|seed| player(played, *seed, round)).collect();
    players.sort_by_key(|player| (std::cmp::Reverse(player.points), player.seed));
    let mut graph = Graph::complete(players.len());
    for pair in played.iter().filter_map(Match::pair) {
        let place = |seed| players.iter().position(|player| player.seed == seed);
        if let [Some(a), Some(b)] = pair.map(place) {
            graph.set(a, b, false);
        }
    }
    let everybody: Vec<usize> = (0..players.len()).collect();
    let bye = if everybody.len().is_multiple_of(2) { None } else { choose_bye(&players, &graph, &everybody) };
    let open: Vec<usize> = everybody.into_iter().filter(|place| Some(*place) != bye).collect();
    // Where rematches cannot be avoided, those are allowed that a largest matching leaves over: as few as can be.
    let alone = Matching::new(&graph, &open).alone();
    for pair in alone.chunks_exact(2) {
        graph.set(pair[0], pair[1], true);
    }
    let mut round_matches = Vec::new();
    for pair in pair_groups(&players, &graph, open) {
        let slots = pair.map(|place| Slot::Taken(players[place].seed));
        let mut fixture = Match::new(Stage::Table, round, best_of, slots);
        fixture.points_before = pair.map(|place| players[place].points);
        round_matches.push(fixture);
    }
    if let Some(bye) = bye {
        let slots = [Slot::Taken(players[bye].seed), Slot::Nobody];
        let mut fixture = Match::new(Stage::Table, round, best_of, slots);
        fixture.points_before[0] = players[bye].points;
        round_matches.push(fixture);
    }
    round_matches
}

fn player(played: &[Match], seed: Seed, round: u16) -> Player {
    let mut player = Player { seed, points: 0, byes: 0, floats: 0, floated_last: false };
    for fixture in played {
        let (Some(side), Some(outcome)) = (fixture.side_of(seed), fixture.outcome()) else { continue };
        player.points += u16::from(outcome.winner == Some(side));
        player.byes += u16::from(outcome.how == How::Bye);
        let [own, other] = [side, side.other()].map(|side| fixture.points_before[side.index()]);
        if fixture.seed(side.other()).is_some() && own > other {
            player.floats += 1;
            player.floated_last |= fixture.round + 1 == round;
        }
    }
    player
}

/// Who rests: of those with the fewest byes the lowest whose rest leaves the fewest rematches.
fn choose_bye(players: &[Player], graph: &Graph, everybody: &[usize]) -> Option<usize> {
    let fewest = players.iter().map(|player| player.byes).min()?;
    let mut best: Option<(usize, usize)> = None;
    for place in everybody.iter().rev().copied().filter(|place| players[*place].byes == fewest) {
        let rest: Vec<usize> = everybody.iter().copied().filter(|other| *other != place).collect();
        let rematches = Matching::new(graph, &rest).alone().len();
        if best.is_none_or(|(fewest, _)| rematches < fewest) {
            best = Some((rematches, place));
        }
        if rematches == 0 {
            break;
        }
    }
    best.map(|(_, place)| place)
}

/// Pairs all of `open`, which has a perfect matching, group by group from the top.
fn pair_groups(players: &[Player], graph: &Graph, mut open: Vec<usize>) -> Vec<[usize; 2]> {
    let mut pairs = Vec::with_capacity(open.len() / 2);
    let mut bracket: Vec<usize> = Vec::new();
    while let Some(points) = open.first().map(|place| players[*place].points) {
        let size = open.iter().take_while(|place| players[**place].points == points).count();
        bracket.extend(open.drain(..size));
        // Without a set of floaters that leaves both parts pairable, the group below joins this one.
        if let Some(floaters) = choose_floaters(players, graph, &bracket, &open) {
            bracket.retain(|place| !floaters.contains(place));
            pairs.extend(pair_bracket(graph, &bracket));
            bracket = floaters;
        }
    }
    pairs
}

/// The smallest set that must leave a bracket so that the rest of it can be paired, and so can the set together
/// with all below.
fn choose_floaters(
    players: &[Player],
    graph: &Graph,
    bracket: &[usize],
    below: &[usize],
) -> Option<Vec<usize>> {
    let mut order = bracket.to_vec();
    // Who has already come down should not go on down; then who floated least, and who stands lowest.
    let lowest = bracket.last().map_or(0, |place| players[*place].points);
    order.sort_by_key(|place| {
        let player = &players[*place];
        (player.points > lowest, player.floated_last, player.floats, std::cmp::Reverse(*place))
    });
    let mut trials = 0;
    let least = Matching::new(graph, bracket).alone().len();
    for size in (least..=bracket.len()).step_by(2) {
        let mut chosen: Vec<usize> = (0..size).collect();
        loop {
            let mut floaters: Vec<usize> = chosen.iter().map(|index| order[*index]).collect();
            floaters.sort_unstable();
            let staying: Vec<usize> = bracket.iter().copied().filter(|p| !floaters.contains(p)).collect();
            let leaving: Vec<usize> = floaters.iter().chain(below).copied().collect();
            if Matching::new(graph, &staying).is_perfect() && Matching::new(graph, &leaving).is_perfect() {
                return Some(floaters);
            }
            trials += 1;
            if trials >= TRIALS_MAX {
                return None;
            }
            if !next_choice(&mut chosen, bracket.len()) {
                break;
            }
        }
    }
    None
}

/// The next set of as many places under `len`, in lexicographic order.
fn next_choice(chosen: &mut [usize], len: usize) -> bool {
    let size = chosen.len();
    let Some(moving) = (0..size).rev().find(|index| chosen[*index] < len - size + index) else {
        return false;
    };
    chosen[moving] += 1;
    for index in moving + 1..size {
        chosen[index] = chosen[index - 1] + 1;
    }
    true
}

/// Pairs a bracket that has a perfect matching: each of the upper half with the one who stands as high in the
/// lower half, or the nearest whose choice leaves the others pairable.
fn pair_bracket(graph: &Graph, bracket: &[usize]) -> Vec<[usize; 2]> {
    let half = bracket.len() / 2;
    let mut matching = Matching::new(graph, bracket);
    let mut paired = vec![false; bracket.len()];
    let mut pairs = Vec::with_capacity(half);
    for index in 0..bracket.len() {
        if paired[index] {
            continue;
        }
        let ideal = index + half;
        let mut others: Vec<usize> = (index + 1..bracket.len()).filter(|other| !paired[*other]).collect();
        others.sort_by_key(|other| (*other < half, ideal.abs_diff(*other), *other));
        let found = others.into_iter().find(|other| matching.take(bracket[index], bracket[*other]));
        let other = found.expect("the rest of a bracket stays perfectly matched");
        (paired[index], paired[other]) = (true, true);
        pairs.push([bracket[index], bracket[other]]);
    }
    pairs
}

/// Whether a match was played or counts as unplayed for tie-breaks: byes and walkovers do.
pub(super) fn is_unplayed(fixture: &Match) -> bool {
    fixture.outcome().is_some_and(|outcome| matches!(outcome.how, How::Bye | How::Forfeit))
        || Side::BOTH.into_iter().any(|side| fixture.seed(side).is_none())
}
