//! `graticule bench api`: what requests to the API cost, those of players and those of the hosts that they play on.
//! The program `api-lambda` runs as a server of its own on one core; the store, the edge's keys, the players and the
//! hosts are this process, on the others. Each kind of request is measured alone, then sessions of many kinds. The API
//! itself tells how much processor time is its own and how much its client of the store takes.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use tokio::task::JoinSet;

use super::figures::{Percentiles, millis};
use super::machine::{Machine, cpu_us, pin_to_core};
use crate::exit::{Fault, Outcome, runtime};

mod fleet;
mod server;
mod session;
mod sizes;
mod usage;

use server::Server;
use session::{Step, Visitor};
pub(super) use usage::Usages;

/// The core of the API.
const API_CORE: usize = 0;
/// The core of everything else.
const OTHER_CORE: usize = 1;
/// Players that ask at the same time; each waits for its answer.
const PLAYERS_AT_ONCE: usize = 8;

/// How to measure the API.
#[derive(Args)]
pub(crate) struct ApiOptions {
    /// Players, each with an account and a character of its own.
    #[arg(long, default_value_t = 1_000)]
    players: u32,
    /// The program of the API. By default the one beside this program.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Writes the figures to this file as JSON too.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What one kind of request costs, or the mixture of all.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StepFigures {
    step: &'static str,
    requests: u64,
    requests_per_second: u64,
    latency_us: Percentiles,
    /// Processor time of the API for a request.
    cpu_us: f64,
    /// Of our own code, the calls to the store taken out.
    own_cpu_us: f64,
    /// Of the client of the store. What is in neither are the connections of both sides, and the runtime.
    client_cpu_us: f64,
    /// For a request.
    store_reads: f64,
    store_writes: f64,
    read_units: f64,
    write_units: f64,
}

/// All that was measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ApiFigures {
    /// From the start of the program to its first answer, the median of several.
    start_ms: f64,
    steps: Vec<StepFigures>,
    /// What the steps left in the store.
    items: Vec<sizes::KindOfItem>,
}

pub(crate) fn run(options: &ApiOptions) -> Outcome {
    if options.players < 100 {
        return Err(Fault::usage("--players must be at least 100"));
    }
    let machine = Machine::read();
    let figures = measure(options)?;
    eprintln!("{}\n\n{}", machine.sentence(), table(&figures));
    let Some(path) = &options.json else { return Ok(()) };
    let json = serde_json::json!({ "machine": machine, "api": figures });
    let text = serde_json::to_string_pretty(&json).map_err(Fault::failed)?;
    std::fs::write(path, text).map_err(|error| Fault::usage(format!("{}: {error}", path.display())))
}

fn measure(options: &ApiOptions) -> Result<ApiFigures, Fault> {
    let program = match &options.program {
        Some(program) => program.clone(),
        None => std::env::current_exe().map_err(Fault::failed)?.with_file_name("api-lambda"),
    };
    if !program.is_file() {
        let build = "build it with: cargo build --profile dist -p graticule -p api-lambda";
        return Err(Fault::usage(format!("the program of the API is not at {}; {build}", program.display())));
    }
    if !pin_to_core(OTHER_CORE) {
        return Err(Fault::usage("this benchmark needs two cores: one for the API, one for the rest"));
    }
    runtime(Some(2))?.block_on(async {
        let world = server::World::start().await?;
        let start_ms = server::median_start_ms(&program, &world).await?;
        let server = Server::start(&program, &world).await?;
        // Twice the room, since a player who comes again leaves a seat behind that is yet to end.
        let (fleet, _beats) = fleet::Fleet::start(options.players * 2, &server).await?;
        let visitors = Arc::new(session::visitors(options.players, &world, &server, &fleet));
        let mut steps = Vec::new();
        for step in Step::ALL {
            steps.push(measure_step(step.name(), &[step], &visitors, &server).await?);
        }
        // Whoever buys in a session finds something: the lots of before are sold.
        measure_step(Step::Sell.name(), &[Step::Sell], &visitors, &server).await?;
        // A session from the arrival on, each player one after the other.
        steps.push(measure_step("mixed", &Step::MIXED, &visitors, &server).await?);
        let items = sizes::measure(&world.store).await?;
        Ok(ApiFigures { start_ms, steps, items })
    })
}

/// Lets every visitor take these steps, some visitors at a time.
async fn measure_step(
    name: &'static str,
    steps: &[Step],
    visitors: &Arc<Vec<Visitor>>,
    server: &Server,
) -> Result<StepFigures, Fault> {
    let before = server.usage().await?;
    let cpu_before = cpu_us(&server.process());
    let started = Instant::now();
    let mut workers = JoinSet::new();
    for worker in 0..PLAYERS_AT_ONCE {
        let (visitors, steps) = (Arc::clone(visitors), steps.to_vec());
        workers.spawn(async move {
            let mut latencies = Vec::new();
            for visitor in visitors.iter().skip(worker).step_by(PLAYERS_AT_ONCE) {
                for step in &steps {
                    let asked = Instant::now();
                    visitor.take(*step).await?;
                    latencies.push(asked.elapsed());
                }
            }
            Ok::<Vec<Duration>, Fault>(latencies)
        });
    }
    let mut latencies = Vec::new();
    while let Some(done) = workers.join_next().await {
        latencies.extend(done.map_err(Fault::failed)??);
    }
    let elapsed = started.elapsed();
    let spent = cpu_us(&server.process()) - cpu_before;
    let used = server.usage().await?.since(&before).of(steps.iter().map(|step| step.route()));
    let requests = latencies.len() as u64;
    let each = |sum: f64| sum / per(requests);
    Ok(StepFigures {
        step: name,
        requests,
        requests_per_second: requests * 1_000_000 / u64::try_from(elapsed.as_micros()).unwrap_or(1).max(1),
        latency_us: percentiles(&mut latencies),
        cpu_us: each(per(spent)),
        own_cpu_us: each(used.own_us),
        client_cpu_us: each(used.client_us),
        store_reads: each(used.reads),
        store_writes: each(used.writes),
        read_units: each(used.read_units),
        write_units: each(used.write_units),
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are far below 2^53")]
fn per(count: u64) -> f64 {
    count as f64
}

fn percentiles(latencies: &mut [Duration]) -> Percentiles {
    latencies.sort_unstable();
    let at = |percent: usize| {
        let index = (latencies.len() * percent / 100).min(latencies.len().saturating_sub(1));
        latencies.get(index).map_or(0, |latency| u32::try_from(latency.as_micros()).unwrap_or(u32::MAX))
    };
    Percentiles { p50: at(50), p95: at(95), p99: at(99) }
}

fn table(figures: &ApiFigures) -> String {
    let mut text = format!("start to first answer {:.0} ms\n\n", figures.start_ms);
    text.push_str(
        "| request | requests/s | p50 / p95 / p99 ms | CPU us | own | client | reads | writes | RCU | WCU |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for step in &figures.steps {
        let StepFigures { step: name, requests_per_second, latency_us, cpu_us, .. } = step;
        let _ = writeln!(
            text,
            "| {name} | {requests_per_second} | {} | {cpu_us:.0} | {:.0} | {:.0} | {:.1} | {:.1} | {:.1} | {:.1} |",
            millis(*latency_us),
            step.own_cpu_us,
            step.client_cpu_us,
            step.store_reads,
            step.store_writes,
            step.read_units,
            step.write_units,
        );
    }
    text.push('\n');
    text.push_str(&sizes::table(&figures.items));
    text
}
