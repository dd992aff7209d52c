//! The matcher beside a plain first-in-first-out one, on the same stream.

use domain::time::UnixMillis;

use super::check::mean_mu;
use crate::matching::sample::{BUDGET, Kind, MIXED, SOLO, Stream, at, first_in_first_out, queue};
use crate::matching::{Match, Matcher, QueueDefinition, Ticket};

/// What one matcher did.
#[derive(Default)]
struct Outcome {
    waits_ms: Vec<u64>,
    spreads: Vec<f64>,
    ranges: Vec<f64>,
}

impl Outcome {
    fn add_match(&mut self, teams: &[Vec<&Ticket>], now: UnixMillis) {
        let mean = |tickets: &Vec<&Ticket>| {
            let players = tickets.iter().flat_map(|ticket| &ticket.players);
            let (sum, count) =
                players.fold((0.0, 0.0), |(sum, count), it| (sum + it.rating.mu(), count + 1.0));
            sum / count
        };
        self.spreads.push(extent(teams.iter().map(mean)));
        self.ranges.push(extent(teams.iter().flatten().map(|ticket| mean_mu(ticket))));
        let waits = teams.iter().flatten().map(|ticket| now.millis_since(ticket.created_at));
        self.waits_ms.extend(waits);
    }

    fn print(mut self, name: &str) -> f64 {
        self.waits_ms.sort_unstable();
        self.spreads.sort_by(f64::total_cmp);
        self.ranges.sort_by(f64::total_cmp);
        println!(
            "  {name:8} matches {:5}  wait p50 {:6} ms  p95 {:6} ms  spread p50 {:6.2}  p95 {:6.2}  range p50 {:6.2}  p95 {:6.2}",
            self.spreads.len(),
            at_part(&self.waits_ms, 50),
            at_part(&self.waits_ms, 95),
            at_part(&self.spreads, 50),
            at_part(&self.spreads, 95),
            at_part(&self.ranges, 50),
            at_part(&self.ranges, 95),
        );
        at_part(&self.spreads, 95)
    }
}

fn extent(values: impl Iterator<Item = f64>) -> f64 {
    let (low, high) =
        values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    high - low
}

fn at_part<T: Copy + Default>(sorted: &[T], percent: usize) -> T {
    sorted.get(sorted.len() * percent / 100).copied().unwrap_or_default()
}

fn ours(made: &Match, known: &[Ticket], outcome: &mut Outcome, now: UnixMillis) {
    let find = |id: &crate::matching::MatchTicketId| {
        &known[usize::try_from(id.as_u128() - 1).expect("tickets are numbered from 1")]
    };
    let teams: Vec<Vec<&Ticket>> =
        made.teams.iter().map(|team| team.tickets.iter().map(find).collect()).collect();
    outcome.add_match(&teams, now);
}

fn compare(name: &str, definition: &QueueDefinition, kind: Kind, per_second: u32) {
    let mut matcher = Matcher::new(definition.clone()).unwrap();
    let mut stream = Stream::new(11, kind);
    let (mut known, mut queue) = (Vec::new(), Vec::new());
    let (mut own, mut plain) = (Outcome::default(), Outcome::default());
    for step in 0..480 {
        let now = at(step * 250);
        for _ in 0..per_second / 4 {
            let ticket = stream.next(now);
            matcher.insert(ticket.clone()).unwrap();
            queue.push(ticket.clone());
            known.push(ticket);
        }
        matcher.step(now, BUDGET).iter().for_each(|made| ours(made, &known, &mut own, now));
        for teams in first_in_first_out(&mut queue, definition) {
            let teams: Vec<Vec<&Ticket>> = teams.iter().map(|team| team.iter().collect()).collect();
            plain.add_match(&teams, now);
        }
    }
    println!(
        "{name}, {per_second} tickets/s for 120 s, seed 11; waiting {} and {}",
        matcher.len(),
        queue.len()
    );
    let (spread, plain_spread) = (own.print("ours"), plain.print("fifo"));
    assert!(spread < plain_spread, "{spread} is fairer than {plain_spread}");
}

#[test]
fn matches_are_more_even_than_first_come_first_served() {
    compare("1 v 1", &queue(2, 1), SOLO, 20);
    compare("5 v 5 of parties of 1 to 4", &queue(2, 5), Kind { has_blocks: false, ..MIXED }, 40);
}
