//! The matches made at once of a few tickets, beside the best possible: all ways to divide them are tried.

use domain::random::Random;

use super::stream::{BUDGET, at, queue, ticket};
use crate::matching::{Matcher, QueueDefinition, Ticket};

/// In sum over all cases the matcher has at least this part of the optimum's quality. In a single case a
/// best-first choice of matches of n tickets may have as little as a part in n, and has half in all of these.
const PART_OF_OPTIMUM: f64 = 0.88;

fn total(definition: &QueueDefinition, tickets: &[&Ticket]) -> f64 {
    let mut matcher = Matcher::new(definition.clone()).unwrap();
    for ticket in tickets {
        matcher.insert((*ticket).clone()).unwrap();
    }
    matcher.step(at(10_000), BUDGET).iter().map(|made| made.explanation.quality).sum()
}

/// The best total of matches of exactly `size` of the tickets each, over all ways to divide them.
fn optimum(definition: &QueueDefinition, tickets: &[Ticket], size: u32) -> f64 {
    let sets = 1_usize << tickets.len();
    let members = |set: usize| -> Vec<&Ticket> {
        tickets.iter().enumerate().filter(|(index, _)| set >> index & 1 == 1).map(|(_, it)| it).collect()
    };
    let is_match_size = |set: &usize| set.count_ones() == size;
    let qualities: Vec<(usize, f64)> =
        (0..sets).filter(is_match_size).map(|set| (set, total(definition, &members(set)))).collect();
    let mut best = vec![0.0_f64; sets];
    for set in 0..sets {
        let parts = qualities.iter().filter(|(part, quality)| part & set == *part && *quality > 0.0);
        best[set] = parts.map(|(part, quality)| quality + best[set ^ part]).fold(0.0, f64::max);
    }
    best[sets - 1]
}

fn tickets(seed: u64, count: u32) -> Vec<Ticket> {
    let mut random = Random::new(seed);
    (1..=count)
        .map(|number| {
            let mu = 15.0 + f64::from(random.below(20_000)) / 1e3;
            let mut ticket = ticket(number, &[mu], at(u64::from(random.below(10_000))));
            ticket.round_trips.insert("fra".to_owned(), 20 + random.below(120));
            ticket.round_trips.insert("iad".to_owned(), 20 + random.below(120));
            ticket
        })
        .collect()
}

fn compare(definition: &QueueDefinition, size: u32, count: u32) {
    let (mut found, mut possible, mut worst) = (0.0, 0.0, 1.0_f64);
    for seed in 0..40 {
        let tickets = tickets(seed, count);
        let (own, best) =
            (total(definition, &tickets.iter().collect::<Vec<_>>()), optimum(definition, &tickets, size));
        assert!(own <= best + 1e-9, "seed {seed}: the optimum is one");
        assert!(own >= best / 2.0, "seed {seed}: {own} of {best}");
        found += own;
        possible += best;
        worst = if best > 0.0 { worst.min(own / best) } else { worst };
    }
    println!("matches of {size} from {count}: {:.4} of the optimum, at worst {worst:.4}", found / possible);
    assert!(found >= PART_OF_OPTIMUM * possible, "{found} of {possible}");
}

#[test]
fn is_near_the_optimum() {
    compare(&queue(2, 1), 2, 8);
    // Wide windows, so that there is a choice also of larger matches.
    let wide = |teams: u8, players: u8| QueueDefinition {
        rating_window_start: 8.0,
        round_trip_ms_max: 200,
        ..queue(teams, players)
    };
    compare(&wide(2, 1), 2, 8);
    compare(&wide(2, 2), 4, 9);
    compare(&wide(3, 1), 3, 9);
}
