//! `graticule bench`: measures the zone host, alone and beside its peers. One process is the host, bound to a
//! core; this one is the players, bound to another. What is measured is described in
//! docs/benchmarks/README.md.

mod api;
mod boards;
mod figures;
mod host;
mod machine;
mod matching;
mod measure;
mod peers;
mod plot;
mod report;
mod ticks;
mod workload;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::exit::{Fault, Outcome};
use workload::Workload;

/// What to measure.
#[derive(Args)]
pub(crate) struct BenchOptions {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Players walk about and strike now and then, about 20 entities in view of each.
    Walk(RunOptions),
    /// All players mill about in one spot, in view of each other.
    Clump(RunOptions),
    /// Nobody moves.
    Idle(RunOptions),
    /// As many monsters as players, and everybody attacks.
    Fight(RunOptions),
    /// Players join in 3 seconds while 200 others play.
    Storm(RunOptions),
    /// 10,000 monsters.
    Wild(RunOptions),
    /// The workload walk with Node ws, socket.io and Colyseus, and with this host, in turns.
    Peers(RunOptions),
    /// Ticks of a zone without any socket: the cost of each kind of crowd, on one thread and on two.
    Ticks(ticks::TickOptions),
    /// Requests to the API, each kind alone and mixed: time, processor time, and what they use of the store.
    Api(api::ApiOptions),
    /// The matchmaker with many tickets in flight, in virtual time, beside a first-in-first-out one and the optimum.
    Matching(matching::MatchingOptions),
    /// A large leaderboard: ranks, pages and updates, beside a sorted set of Redis.
    Boards(boards::BoardOptions),
    /// Everything, into tables, plots and raw figures.
    All(report::AllOptions),
    /// The host process of a benchmark; started by the others.
    #[command(hide = true)]
    Host(host::HostOptions),
}

/// How to measure.
#[derive(Args, Debug, Clone)]
pub(crate) struct RunOptions {
    /// Numbers of players, one run for each.
    #[arg(long, value_delimiter = ',')]
    players: Vec<u32>,
    /// Seconds of a run; the first third does not count.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Entities that a player has in view, one run for each.
    #[arg(long, value_delimiter = ',', default_value = "20")]
    in_view: Vec<u32>,
    /// Ticks per second of the zone; each player gets 10 snapshots in that time.
    #[arg(long, default_value_t = 60)]
    tick_rate: u16,
    /// Bytes per second that a player is sent at the most.
    #[arg(long, default_value_t = 5_000)]
    budget: u32,
    /// How often each run is made; of several the one with the median CPU time counts.
    #[arg(long, default_value_t = 1)]
    rounds: u32,
    /// What happens follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Writes the figures to this file as JSON too.
    #[arg(long)]
    json: Option<PathBuf>,
}

impl RunOptions {
    fn checked(mut self, workload: Workload) -> Result<Self, Fault> {
        if self.players.is_empty() {
            self.players = workload.players();
        }
        let rate_fits = self.tick_rate >= 10 && self.tick_rate <= 120 && self.tick_rate.is_multiple_of(10);
        let faults = [
            (self.seconds < 9, "--seconds must be at least 9"),
            (self.players.contains(&0), "--players must name numbers over 0"),
            (self.in_view.contains(&0), "--in-view must name numbers over 0"),
            (!rate_fits, "--tick-rate must be a multiple of 10 from 10 to 120"),
            (self.rounds == 0, "--rounds must be at least 1"),
        ];
        match faults.iter().find(|(is_fault, _)| *is_fault) {
            Some((_, text)) => Err(Fault::usage(*text)),
            None => Ok(self),
        }
    }
}

pub(crate) fn run(options: BenchOptions) -> Outcome {
    let measure = |workload, options: RunOptions| measure::run(workload, &options.checked(workload)?);
    match options.what {
        What::Walk(options) => measure(Workload::Walk, options),
        What::Clump(options) => measure(Workload::Clump, options),
        What::Idle(options) => measure(Workload::Idle, options),
        What::Fight(options) => measure(Workload::Fight, options),
        What::Storm(options) => measure(Workload::Storm, options),
        What::Wild(options) => measure(Workload::Wild, options),
        What::Peers(options) => peers::run(&options.checked(Workload::Peers)?),
        What::Ticks(options) => ticks::run(&options),
        What::Api(options) => api::run(&options),
        What::Matching(options) => matching::run(&options),
        What::Boards(options) => boards::run(&options),
        What::All(options) => report::run(&options),
        What::Host(options) => host::run(&options),
    }
}
