//! What the matcher costs with many tickets in flight. Prints; it judges nothing, since time depends on the
//! machine: `cargo test --release -p contest --lib matching::tests::load -- --nocapture`.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::matching::sample::{Kind, MIXED, ROLES, SOLO, Stream, at, queue, role_queue};
use crate::matching::{MatchTicketId, Matcher, QueueDefinition};

/// A build for tests is some 20 times slower, so it gets less of the load, and for less long.
const SCALE: u32 = if cfg!(debug_assertions) { 50 } else { 1 };
const PER_SECOND: u32 = 2_000 / SCALE;
const IN_FLIGHT: u32 = 100_000 / SCALE;
const BUDGET: u32 = 300_000 / SCALE;
const SECONDS: u64 = if cfg!(debug_assertions) { 5 } else { 20 };
const STEPS_PER_SECOND: u64 = 4;

/// Lets `in_flight` tickets wait that came evenly over the time that it takes at this rate, and steps until
/// the matches that they make at once are made; then measures. Who has waited for that time, or 10 s, leaves.
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn measure(name: &str, definition: QueueDefinition, kind: Kind, in_flight: u32) {
    let mut matcher = Matcher::new(definition).unwrap();
    let mut stream = Stream::new(5, kind);
    let mut all: VecDeque<(MatchTicketId, u64)> = VecDeque::new();
    let lead_ms = u64::from(in_flight) * 1_000 / u64::from(PER_SECOND);
    for index in 0..u64::from(in_flight) {
        let ticket = stream.next(at(index * 1_000 / u64::from(PER_SECOND)));
        all.push_back((ticket.id, index * 1_000 / u64::from(PER_SECOND)));
        matcher.insert(ticket).unwrap();
    }
    while !matcher.step(at(lead_ms), BUDGET).is_empty() {}
    let at_start = matcher.len();
    let (mut inserting, mut stepping, mut longest) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let (mut players, mut matches) = (0, 0);
    for step in 0..SECONDS * STEPS_PER_SECOND {
        let millis = lead_ms + step * 1_000 / STEPS_PER_SECOND;
        let tickets: Vec<_> =
            (0..u64::from(PER_SECOND) / STEPS_PER_SECOND).map(|_| stream.next(at(millis))).collect();
        all.extend(tickets.iter().map(|ticket| (ticket.id, millis)));
        let start = Instant::now();
        for ticket in tickets {
            matcher.insert(ticket).unwrap();
        }
        while all.front().is_some_and(|(_, created)| created + lead_ms.max(10_000) < millis) {
            all.pop_front().map(|(id, _)| matcher.cancel(id));
        }
        inserting += start.elapsed();
        let start = Instant::now();
        let made = matcher.step(at(millis), BUDGET);
        stepping += start.elapsed();
        longest = longest.max(start.elapsed());
        matches += made.len();
        players += made.iter().flat_map(|made| &made.teams).map(|team| team.players.len()).sum::<usize>();
    }
    let per_second = |total: Duration| total.as_secs_f64() * 1e3 / f64::from(u32::try_from(SECONDS).unwrap());
    println!(
        "{name}: in flight {at_start} -> {}, {PER_SECOND} tickets/s; {matches} matches of {players} players in {SECONDS} s; per simulated second {:.1} ms to insert and cancel, {:.1} ms to match; longest step {:.1} ms",
        matcher.len(),
        per_second(inserting),
        per_second(stepping),
        longest.as_secs_f64() * 1e3,
    );
}

#[test]
fn prints_what_many_tickets_cost() {
    let thin = QueueDefinition {
        rating_window_start: 0.0,
        rating_window_widening_per_second: 0.0002 * f64::from(SCALE),
        rating_window_max: 0.1 * f64::from(SCALE),
        ..queue(2, 5)
    };
    let even = Kind { even_micro: Some(50_000_000), ..SOLO };
    measure("5 v 5, windows so narrow that many wait", thin.clone(), even, IN_FLIGHT);
    measure(
        "the same with parties and blocks",
        thin,
        Kind { even_micro: Some(50_000_000), ..MIXED },
        IN_FLIGHT,
    );
    let scarce = Kind { roles: Some((2, 10)), party_max: 1, ..ROLES };
    measure("5 v 5 with roles, 2 of 100 tank", role_queue(), scarce, IN_FLIGHT);
    measure(
        "5 v 5 with roles, 2 of 100 tank, parties",
        role_queue(),
        Kind { party_max: 4, ..scarce },
        IN_FLIGHT,
    );
    measure("5 v 5, all find a match", queue(2, 5), MIXED, 0);
    measure("1 v 1, all find a match", queue(2, 1), SOLO, 0);
}
