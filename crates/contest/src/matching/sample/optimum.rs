//! The best possible matches of a few tickets: all ways to divide them are tried.

use domain::random::Random;

use super::{BUDGET, at, ticket};
use crate::matching::{Matcher, QueueDefinition, Ticket};

/// The quality of the matches that the matcher makes at once of these tickets, in sum.
#[must_use]
pub fn total_quality(definition: &QueueDefinition, tickets: &[&Ticket]) -> f64 {
    let mut matcher = Matcher::new(definition.clone()).expect("a definition without faults");
    for ticket in tickets {
        matcher.insert((*ticket).clone()).expect("it can wait");
    }
    matcher.step(at(10_000), BUDGET).iter().map(|made| made.explanation.quality).sum()
}

/// The best total of matches of exactly `size` of the tickets each, over all ways to divide them.
#[must_use]
pub fn best_total(definition: &QueueDefinition, tickets: &[Ticket], size: u32) -> f64 {
    let sets = 1_usize << tickets.len();
    let members = |set: usize| -> Vec<&Ticket> {
        tickets.iter().enumerate().filter(|(index, _)| set >> index & 1 == 1).map(|(_, it)| it).collect()
    };
    let is_match_size = |set: &usize| set.count_ones() == size;
    let qualities: Vec<(usize, f64)> =
        (0..sets).filter(is_match_size).map(|set| (set, total_quality(definition, &members(set)))).collect();
    let mut best = vec![0.0_f64; sets];
    for set in 0..sets {
        let parts = qualities.iter().filter(|(part, quality)| part & set == *part && *quality > 0.0);
        best[set] = parts.map(|(part, quality)| quality + best[set ^ part]).fold(0.0, f64::max);
    }
    best[sets - 1]
}

/// So few tickets that all ways to divide them can be tried.
#[must_use]
pub fn few_tickets(seed: u64, count: u32) -> Vec<Ticket> {
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
