//! The matcher under load, in virtual time: how long tickets wait, how good matches are, and what they cost, beside a
//! plain first-in-first-out matcher on the same stream, and beside the optimum where all ways can be tried. No store and
//! no network takes part.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use contest::matching::sample::{
    BALANCED, Kind, MIXED, ROLES, SOLO, Stream, Supply, at, best_total, few_tickets, first_in_first_out,
    queue, role_queue, total_quality,
};
use contest::matching::{Match, Matcher, QueueDefinition, Ticket};
use domain::ids::MatchTicketId;
use domain::time::UnixMillis;
use serde::Serialize;

use super::figures::Percentiles;
use super::machine::Machine;
use crate::exit::{Fault, Outcome};

/// Between two steps, as the coordinator makes them.
const STEP_MILLIS: u64 = 250;
/// Candidates of one step, as the coordinator allows.
const BUDGET: u32 = 200_000;
/// Cases of each kind that are compared with the optimum.
const SMALL_CASES: u64 = 40;

/// How to measure the matcher.
#[derive(Args)]
pub(crate) struct MatchingOptions {
    /// Tickets that come in a second.
    #[arg(long, default_value_t = 2_000)]
    rate: u64,
    /// Tickets that wait in the cases where few find a match.
    #[arg(long, default_value_t = 100_000)]
    in_flight: u64,
    /// Virtual seconds of a run.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// What comes follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Writes the figures to this file as JSON too.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What one matcher made of a stream.
#[derive(Debug, Clone, Serialize)]
struct MatchFigures {
    case: &'static str,
    matcher: &'static str,
    matches: usize,
    /// No more could be made of those who came, by their number and the roles that they take; none where windows
    /// are what limits.
    matches_max: Option<u64>,
    players: usize,
    /// Of the tickets that were matched.
    wait_ms: Percentiles,
    /// Thousandths of a unit of mu between the strongest and the weakest team.
    spread_milli: Percentiles,
    /// Thousandths of a unit of mu between the strongest and the weakest party.
    range_milli: Percentiles,
    /// Tickets that waited at the start and at the end.
    in_flight: [usize; 2],
    cpu_us_per_match: u64,
    /// Of one core, all of it: taking tickets in and out, and matching.
    cpu_permille: u64,
    step_us: Percentiles,
}

/// How the matches made at once of a few tickets compare with the best possible.
#[derive(Debug, Clone, Serialize)]
struct OptimumFigures {
    case: String,
    /// Of the optimum's quality, in sum over all cases, in thousandths.
    permille: u64,
    /// The same in the worst case.
    worst_permille: u64,
}

pub(crate) fn run(options: &MatchingOptions) -> Outcome {
    if options.rate < 4 || options.seconds == 0 {
        return Err(Fault::usage("--rate must be at least 4 and --seconds at least 1"));
    }
    let mut figures = Vec::new();
    for case in cases(options) {
        eprintln!("{}", case.name);
        figures.push(play(&case, options, Ours::new(&case)));
        if case.in_flight == 0 {
            figures.push(play(&case, options, Plain::new(&case)));
        }
    }
    let optimum = optimum();
    eprintln!("{}\n{}", table(&figures), optimum_table(&optimum));
    let Some(path) = &options.json else { return Ok(()) };
    let json = serde_json::json!({ "machine": Machine::read(), "matching": figures, "optimum": optimum });
    let text = serde_json::to_string_pretty(&json).map_err(Fault::failed)?;
    std::fs::write(path, text).map_err(|error| Fault::usage(format!("{}: {error}", path.display())))
}

/// A queue and those who come to it.
struct Case {
    name: &'static str,
    definition: QueueDefinition,
    kind: Kind,
    /// Tickets that wait when measuring starts; then as many leave as come and are not matched.
    in_flight: u64,
}

fn cases(options: &MatchingOptions) -> Vec<Case> {
    let case = |name, definition, kind, in_flight| Case { name, definition, kind, in_flight };
    // So narrow that most wait to the end.
    let thin = QueueDefinition {
        rating_window_start: 0.0,
        rating_window_widening_per_second: 0.0002,
        rating_window_max: 0.1,
        ..queue(2, 5)
    };
    let even = |kind: Kind| Kind { even_micro: Some(50_000_000), ..kind };
    vec![
        case("1 v 1", queue(2, 1), SOLO, 0),
        case("5 v 5, parties of 1 to 4, blocks", queue(2, 5), MIXED, 0),
        case("5 v 5, tank, healer and damage, too few tanks", role_queue(), ROLES, 0),
        case("the same with enough of each role", role_queue(), BALANCED, 0),
        case("5 v 5, windows so narrow that many wait", thin.clone(), even(SOLO), options.in_flight),
        case("so narrow, with parties and blocks", thin, even(MIXED), options.in_flight),
    ]
}

/// A matcher in the run.
trait Player {
    const NAME: &'static str;
    /// Whether its teams have the queue's roles.
    const KEEPS_ROLES: bool;

    fn insert(&mut self, ticket: Ticket);
    fn cancel(&mut self, ticket: MatchTicketId);
    /// The tickets of each team of each match.
    fn step(&mut self, now: UnixMillis) -> Vec<Vec<Vec<MatchTicketId>>>;
    fn len(&self) -> usize;
}

struct Ours(Matcher);

impl Ours {
    fn new(case: &Case) -> Self {
        Self(Matcher::new(case.definition.clone()).expect("the sample queues have no faults"))
    }
}

impl Player for Ours {
    const NAME: &'static str = "graticule";
    const KEEPS_ROLES: bool = true;

    fn insert(&mut self, ticket: Ticket) {
        self.0.insert(ticket).expect("the sample tickets fit the sample queues");
    }

    fn cancel(&mut self, ticket: MatchTicketId) {
        self.0.cancel(ticket);
    }

    fn step(&mut self, now: UnixMillis) -> Vec<Vec<Vec<MatchTicketId>>> {
        let teams = |made: Match| made.teams.into_iter().map(|team| team.tickets).collect();
        self.0.step(now, BUDGET).into_iter().map(teams).collect()
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

struct Plain {
    waiting: Vec<Ticket>,
    definition: QueueDefinition,
}

impl Plain {
    fn new(case: &Case) -> Self {
        Self { waiting: Vec::new(), definition: case.definition.clone() }
    }
}

impl Player for Plain {
    const NAME: &'static str = "first in, first out";
    const KEEPS_ROLES: bool = false;

    fn insert(&mut self, ticket: Ticket) {
        self.waiting.push(ticket);
    }

    fn cancel(&mut self, ticket: MatchTicketId) {
        self.waiting.retain(|waiting| waiting.id != ticket);
    }

    fn step(&mut self, _: UnixMillis) -> Vec<Vec<Vec<MatchTicketId>>> {
        let ids = |team: Vec<Ticket>| team.into_iter().map(|ticket| ticket.id).collect();
        let teams = |teams: Vec<Vec<Ticket>>| teams.into_iter().map(ids).collect();
        first_in_first_out(&mut self.waiting, &self.definition).into_iter().map(teams).collect()
    }

    fn len(&self) -> usize {
        self.waiting.len()
    }
}

/// What is known of a ticket until it is matched.
struct Known {
    created_at: UnixMillis,
    strength: f64,
    players: usize,
}

/// Sums up what a matcher makes.
struct Tally {
    known: BTreeMap<MatchTicketId, Known>,
    waits_ms: Vec<u32>,
    spreads: Vec<u32>,
    ranges: Vec<u32>,
    players: usize,
    steps_us: Vec<u32>,
    cpu: Duration,
    supply: Supply,
}

impl Tally {
    fn new<P: Player>(case: &Case) -> Self {
        let mut definition = case.definition.clone();
        if !P::KEEPS_ROLES {
            definition.roles.clear();
        }
        Self {
            known: BTreeMap::new(),
            waits_ms: Vec::new(),
            spreads: Vec::new(),
            ranges: Vec::new(),
            players: 0,
            steps_us: Vec::new(),
            cpu: Duration::ZERO,
            supply: Supply::new(definition),
        }
    }

    fn add_ticket(&mut self, ticket: &Ticket) {
        self.supply.add(ticket);
        let strength = ticket.players.iter().map(|player| player.rating.mu()).sum();
        let known = Known { created_at: ticket.created_at, strength, players: ticket.players.len() };
        self.known.insert(ticket.id, known);
    }

    fn add_match(&mut self, teams: &[Vec<MatchTicketId>], now: UnixMillis) {
        let mut means = Vec::new();
        let mut parties = Vec::new();
        for team in teams {
            let (mut strength, mut players) = (0.0, 0);
            for known in team.iter().filter_map(|id| self.known.remove(id)) {
                self.waits_ms.push(u32::try_from(now.millis_since(known.created_at)).unwrap_or(u32::MAX));
                strength += known.strength;
                players += known.players;
                parties.push(mean(known.strength, known.players));
            }
            means.push(mean(strength, players));
            self.players += players;
        }
        self.spreads.push(extent_milli(&means));
        self.ranges.push(extent_milli(&parties));
    }
}

fn mean(sum: f64, count: usize) -> f64 {
    sum / f64::from(u32::try_from(count.max(1)).unwrap_or(u32::MAX))
}

/// Between the largest and the smallest, in thousandths.
fn extent_milli(values: &[f64]) -> u32 {
    let (low, high) =
        values.iter().fold((f64::MAX, f64::MIN), |(low, high), it| (low.min(*it), high.max(*it)));
    let milli = Duration::try_from_secs_f64((high - low).max(0.0)).unwrap_or_default().as_millis();
    u32::try_from(milli).unwrap_or(u32::MAX)
}

/// Lets those come who wait at the start, evenly over the time that it takes at this rate; then measures. Who has waited
/// for that time, or for two minutes, leaves.
fn play<P: Player>(case: &Case, options: &MatchingOptions, mut matcher: P) -> MatchFigures {
    let mut stream = Stream::new(options.seed, case.kind);
    let mut all: VecDeque<(MatchTicketId, u64)> = VecDeque::new();
    let mut tally = Tally::new::<P>(case);
    let lead_ms = case.in_flight * 1_000 / options.rate;
    for index in 0..case.in_flight {
        let ticket = stream.next(at(index * 1_000 / options.rate));
        all.push_back((ticket.id, index * 1_000 / options.rate));
        tally.add_ticket(&ticket);
        matcher.insert(ticket);
    }
    while !matcher.step(at(lead_ms)).is_empty() {}
    let started_with = matcher.len();
    let patience_ms = if lead_ms > 0 { lead_ms } else { 120_000 };
    for step in 0..options.seconds * 1_000 / STEP_MILLIS {
        // They come evenly between the last step and this one.
        let before = lead_ms + step * STEP_MILLIS;
        let millis = before + STEP_MILLIS;
        let now = at(millis);
        let count = options.rate * STEP_MILLIS / 1_000;
        let coming: Vec<Ticket> =
            (1..=count).map(|index| stream.next(at(before + index * STEP_MILLIS / count))).collect();
        for ticket in &coming {
            tally.add_ticket(ticket);
        }
        all.extend(coming.iter().map(|ticket| (ticket.id, millis)));
        let begun = Instant::now();
        for ticket in coming {
            matcher.insert(ticket);
        }
        while all.front().is_some_and(|(_, created)| created + patience_ms < millis) {
            all.pop_front().into_iter().for_each(|(id, _)| matcher.cancel(id));
        }
        let matching = Instant::now();
        let made = matcher.step(now);
        tally.steps_us.push(u32::try_from(matching.elapsed().as_micros()).unwrap_or(u32::MAX));
        tally.cpu += begun.elapsed();
        for teams in &made {
            tally.add_match(teams, now);
        }
    }
    figures::<P>(case, options, tally, [started_with, matcher.len()])
}

fn figures<P: Player>(
    case: &Case,
    options: &MatchingOptions,
    tally: Tally,
    in_flight: [usize; 2],
) -> MatchFigures {
    let cpu_us = u64::try_from(tally.cpu.as_micros()).unwrap_or(u64::MAX);
    MatchFigures {
        case: case.name,
        matcher: P::NAME,
        matches: tally.spreads.len(),
        matches_max: (case.in_flight == 0).then(|| tally.supply.matches_max()),
        players: tally.players,
        cpu_us_per_match: cpu_us / u64::try_from(tally.spreads.len().max(1)).unwrap_or(u64::MAX),
        cpu_permille: cpu_us / (options.seconds * 1_000),
        wait_ms: Percentiles::of(tally.waits_ms),
        spread_milli: Percentiles::of(tally.spreads),
        range_milli: Percentiles::of(tally.ranges),
        in_flight,
        step_us: Percentiles::of(tally.steps_us),
    }
}

fn optimum() -> Vec<OptimumFigures> {
    // Wide windows, so that there is a choice also of larger matches.
    let wide = |teams: u8, players: u8| QueueDefinition {
        rating_window_start: 8.0,
        round_trip_ms_max: 200,
        ..queue(teams, players)
    };
    [(queue(2, 1), 2, 8), (wide(2, 1), 2, 8), (wide(2, 2), 4, 9), (wide(3, 1), 3, 9)]
        .into_iter()
        .map(|(definition, size, count)| {
            let (mut found, mut possible, mut worst) = (0.0, 0.0, 1.0_f64);
            for seed in 0..SMALL_CASES {
                let tickets = few_tickets(seed, count);
                let own = total_quality(&definition, &tickets.iter().collect::<Vec<_>>());
                let best = best_total(&definition, &tickets, size);
                found += own;
                possible += best;
                worst = if best > 0.0 { worst.min(own / best) } else { worst };
            }
            OptimumFigures {
                case: format!("matches of {size} from {count} tickets"),
                permille: extent_milli(&[0.0, found / possible]).into(),
                worst_permille: extent_milli(&[0.0, worst]).into(),
            }
        })
        .collect()
}

fn table(figures: &[MatchFigures]) -> String {
    let mut text = String::from(
        "| queue | matcher | matches | of those possible, % | in flight | wait p50 / p95 / p99, s | spread of teams p50 / p95 / p99 | range of parties p50 / p95 / p99 | CPU per match, us | of one core, % | step p50 / p95 / p99, ms |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for run in figures {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} -> {} | {} | {} | {} | {} | {:.1} | {} |",
            run.case,
            run.matcher,
            run.matches,
            run.matches_max.map_or_else(|| "-".to_owned(), |most| of_possible(run.matches, most)),
            run.in_flight[0],
            run.in_flight[1],
            thousandths(run.wait_ms),
            thousandths(run.spread_milli),
            thousandths(run.range_milli),
            run.cpu_us_per_match,
            f64::from(u32::try_from(run.cpu_permille).unwrap_or(u32::MAX)) / 10.0,
            thousandths(run.step_us),
        );
    }
    text
}

fn of_possible(matches: usize, most: u64) -> String {
    let matches = u64::try_from(matches).unwrap_or(u64::MAX);
    let permille = matches.saturating_mul(1_000) / most.max(1);
    format!("{}.{} of {most}", permille / 10, permille % 10)
}

fn thousandths(sample: Percentiles) -> String {
    let part = |value: u32| f64::from(value) / 1e3;
    format!("{:.2} / {:.2} / {:.2}", part(sample.p50), part(sample.p95), part(sample.p99))
}

fn optimum_table(figures: &[OptimumFigures]) -> String {
    let mut text = String::from("| case | of the optimum, % | at worst, % |\n| --- | ---: | ---: |\n");
    let percent = |permille: u64| format!("{}.{}", permille / 10, permille % 10);
    for run in figures {
        let _ =
            writeln!(text, "| {} | {} | {} |", run.case, percent(run.permille), percent(run.worst_permille));
    }
    text
}
