//! `graticule bench boards`: what ranks and updates of a large leaderboard cost, in time and in calls and units of the
//! store, beside a sorted set of Redis where that is installed. The store, the API and the askers share this
//! process; Redis has one of its own.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use tokio::task::JoinSet;

use super::api::Usages;
use super::figures::{Percentiles, millis};
use super::machine::Machine;
use crate::exit::{Fault, Outcome, runtime};

mod redis;
mod world;

use world::World;

/// How to measure leaderboards.
#[derive(Args)]
pub(crate) struct BoardOptions {
    /// Entries of the board.
    #[arg(long, default_value_t = 1_000_000)]
    entries: u32,
    /// Requests of each kind.
    #[arg(long, default_value_t = 2_000)]
    requests: u32,
    /// Requests on their way at a time.
    #[arg(long, default_value_t = 8)]
    at_once: u32,
    /// How many writers can change the counts of the board at a time.
    #[arg(long, default_value_t = 1)]
    shards: u32,
    /// What follows by chance follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Writes the figures to this file as JSON too.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Rank,
    Top,
    Around,
    Friends,
    /// Scores of `UPDATES` characters in one batch of a host, each a step of 1.
    StepUpdate,
    /// The same, from anywhere to anywhere.
    FarUpdate,
}

/// Scores of one batch of a host.
const UPDATES: u32 = 8;

impl Question {
    const ALL: [Self; 6] =
        [Self::Rank, Self::Top, Self::Around, Self::Friends, Self::StepUpdate, Self::FarUpdate];

    const fn name(self) -> &'static str {
        match self {
            Self::Rank => "rank of a character",
            Self::Top => "top 10",
            Self::Around => "11 around a character",
            Self::Friends => "20 given characters",
            Self::StepUpdate => "8 scores, steps of 1",
            Self::FarUpdate => "8 scores, far apart",
        }
    }

    /// Scores that one request changes.
    const fn updates(self) -> u32 {
        match self {
            Self::StepUpdate | Self::FarUpdate => UPDATES,
            _ => 1,
        }
    }
}

/// What one kind of request costs.
#[derive(Debug, Clone, Serialize)]
struct QuestionFigures {
    question: &'static str,
    /// Ranks, pages, or scores.
    per_second: f64,
    latency_us: Percentiles,
    /// For a request, contended tries included; of Redis there are none.
    store_reads: Option<f64>,
    store_writes: Option<f64>,
    read_units: Option<f64>,
    write_units: Option<f64>,
}

pub(crate) fn run(options: &BoardOptions) -> Outcome {
    for (is_fault, text) in [
        (options.entries < 1_000, "--entries must be at least 1000"),
        (options.requests < 10, "--requests must be at least 10"),
        (options.at_once == 0, "--at-once must be at least 1"),
        (!(1..=20).contains(&options.shards), "--shards must be from 1 to 20"),
    ] {
        if is_fault {
            return Err(Fault::usage(text));
        }
    }
    let machine = Machine::read();
    let (loaded, ours) = runtime(None)?.block_on(measure(options))?;
    let theirs = redis::measure(options)?;
    let loaded_secs = loaded.as_secs_f64();
    let mut text = format!(
        "{}\n\n{} entries, {} shards, {} requests at once; imported in {loaded_secs:.0} s.\n\n{}",
        machine.sentence(),
        options.entries,
        options.shards,
        options.at_once,
        table(&ours)
    );
    match &theirs {
        Some(theirs) => {
            let _ = write!(text, "\nRedis, a sorted set of the same entries:\n\n{}", table(theirs));
        }
        None => text.push_str("\nRedis is not beside it: there is no redis-server here.\n"),
    }
    eprintln!("{text}");
    let Some(path) = &options.json else { return Ok(()) };
    let json = serde_json::json!({
        "machine": machine, "entries": options.entries, "shards": options.shards,
        "import_seconds": loaded_secs, "boards": ours, "redis": theirs,
    });
    let text = serde_json::to_string_pretty(&json).map_err(Fault::failed)?;
    std::fs::write(path, text).map_err(|error| Fault::usage(format!("{}: {error}", path.display())))
}

async fn measure(options: &BoardOptions) -> Result<(Duration, Vec<QuestionFigures>), Fault> {
    let (world, loaded) = World::start(options).await?;
    let world = Arc::new(world);
    let mut figures = Vec::new();
    for question in Question::ALL {
        figures.push(measure_question(question, &world, options).await?);
    }
    Ok((loaded, figures))
}

async fn measure_question(
    question: Question,
    world: &Arc<World>,
    options: &BoardOptions,
) -> Result<QuestionFigures, Fault> {
    let before = Usages::parse(&world.metrics().await?);
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for worker in 0..options.at_once {
        let world = Arc::clone(world);
        let requests = options.requests.div_ceil(options.at_once);
        workers.spawn(async move {
            let mut latencies = Vec::new();
            for number in 0..requests {
                let asked = Instant::now();
                world.ask(question, worker, number).await?;
                latencies.push(asked.elapsed());
            }
            Ok::<_, Fault>(latencies)
        });
    }
    let mut latencies = Vec::new();
    while let Some(done) = workers.join_next().await {
        latencies.extend(done.map_err(Fault::failed)??);
    }
    let elapsed = started.elapsed();
    let used = Usages::parse(&world.metrics().await?).since(&before).all();
    let requests = f64::from(u32::try_from(latencies.len()).unwrap_or(u32::MAX));
    Ok(QuestionFigures {
        question: question.name(),
        per_second: requests * f64::from(question.updates()) / elapsed.as_secs_f64(),
        latency_us: percentiles(&latencies),
        store_reads: Some(used.reads / requests),
        store_writes: Some(used.writes / requests),
        read_units: Some(used.read_units / requests),
        write_units: Some(used.write_units / requests),
    })
}

fn percentiles(latencies: &[Duration]) -> Percentiles {
    Percentiles::of(latencies.iter().map(|one| u32::try_from(one.as_micros()).unwrap_or(u32::MAX)).collect())
}

fn table(figures: &[QuestionFigures]) -> String {
    let mut text = "| what | a second | p50 / p95 / p99 ms | store reads | writes | RCU | WCU |\n\
                    |---|---:|---:|---:|---:|---:|---:|\n"
        .to_owned();
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
    for row in figures {
        let QuestionFigures { question, per_second, latency_us, .. } = row;
        let _ = writeln!(
            text,
            "| {question} | {per_second:.0} | {} | {} | {} | {} | {} |",
            millis(*latency_us),
            number(row.store_reads),
            number(row.store_writes),
            number(row.read_units),
            number(row.write_units),
        );
    }
    text
}

/// The entries of both: a few ties, all over the range.
fn score_of(seed: u64, index: u32) -> i64 {
    let mut random = domain::random::Random::of_stream(seed, u64::from(index));
    i64::from(random.below(SCORES))
}

/// Scores are below this.
const SCORES: u32 = 1_900_000;
