//! `graticule bench`: measures the zone host. One process is the host, pinned to a core; this one is the
//! players, pinned to another. What is measured is described in docs/benchmarks/README.md.

mod host;
mod machine;
mod table;
mod walk;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::exit::Outcome;

/// What to measure.
#[derive(Args)]
pub(crate) struct BenchOptions {
    #[command(subcommand)]
    workload: Workload,
}

#[derive(Subcommand)]
enum Workload {
    /// Players walk about and strike now and then, about 20 entities in view of each.
    Walk(WalkOptions),
    /// The host process of a benchmark; started by the others.
    #[command(hide = true)]
    Host(host::HostOptions),
}

/// How to measure the workload walk.
#[derive(Args)]
pub(crate) struct WalkOptions {
    /// Numbers of players, one run for each.
    #[arg(long, value_delimiter = ',', default_value = "100,500,1000,2000,3000")]
    players: Vec<u32>,
    /// Seconds of a run; the first third does not count.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Entities that a player has in view.
    #[arg(long, default_value_t = 20)]
    in_view: u32,
    /// What happens follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Ticks per second of the zone; each player gets 10 snapshots in that time.
    #[arg(long, default_value_t = 60)]
    tick_rate: u16,
    /// Bytes per second that a player is sent at the most.
    #[arg(long, default_value_t = 5_000)]
    budget: u32,
    /// Writes the figures to this file as JSON too.
    #[arg(long)]
    json: Option<PathBuf>,
}

pub(crate) fn run(options: BenchOptions) -> Outcome {
    match options.workload {
        Workload::Walk(options) => walk::run(&options),
        Workload::Host(options) => host::run(&options),
    }
}
