//! `graticule dev`: the whole platform in one process, for a laptop. Edge, API, store and zone host are the
//! same code as in production and talk to each other over loopback as there.

mod data;
mod page;
mod services;
mod status;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use domain::catalogue::Catalogue;
use domain::ids::ZoneId;

use crate::bots::{Crowd, Faults, run_crowd};
use crate::exit::{Fault, Outcome, runtime};

/// Without an end given, the bots play for ten years.
const NO_END: Duration = Duration::from_hours(10 * 365 * 24);

/// How the laptop's platform runs.
#[derive(Args, Clone)]
pub(crate) struct DevOptions {
    /// How many bots play.
    #[arg(long, default_value_t = 50)]
    bots: u32,
    /// The zones that run.
    #[arg(long, value_delimiter = ',', default_value = "hub,forest")]
    zones: Vec<ZoneId>,
    /// Keeps everything in this folder; without it all is in memory.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Terrain, monsters and bots follow from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The page's port; edge, API, host, its admin socket and the store take the next five.
    #[arg(long, default_value_t = 7600)]
    port: u16,
    /// Ends by itself after so many seconds; fails if a bot found a fault.
    #[arg(long)]
    seconds: Option<u64>,
}

pub(crate) fn run(options: DevOptions) -> Outcome {
    let catalogue = Catalogue::builtin();
    if let Some(unknown) = options.zones.iter().find(|zone| catalogue.zone(zone).is_none()) {
        let names: Vec<&str> = catalogue.zones().iter().map(|zone| zone.zone.as_str()).collect();
        return Err(Fault::usage(format!("there is no zone {unknown}: there are {}", names.join(", "))));
    }
    if options.zones.is_empty() {
        return Err(Fault::usage("--zones names no zone"));
    }
    if options.port > u16::MAX - 6 {
        return Err(Fault::usage("--port leaves no room for the five ports after it"));
    }
    runtime(None)?.block_on(run_platform(options, catalogue))
}

async fn run_platform(options: DevOptions, catalogue: Catalogue) -> Outcome {
    let sockets = services::Sockets::bind(options.port).await?;
    let data = data::Data::open(options.data.as_deref())?;
    let platform = services::start(&options.zones, options.seed, &catalogue, &data, sockets).await?;
    status::print_addresses(&platform.addresses, &data.owner_key_place());
    let faults = Faults::default();
    let until = Instant::now() + options.seconds.map_or(NO_END, Duration::from_secs);
    let crowd = Crowd {
        edge_url: platform.addresses.edge.clone(),
        count: options.bots,
        zones: options.zones,
        seed: options.seed,
        until,
    };
    let bots = tokio::spawn(run_crowd(crowd, faults.clone()));
    let mut found = 0;
    let mut pace = tokio::time::interval(Duration::from_secs(1));
    pace.tick().await;
    let mut status = status::Status::new(platform.host.metrics());
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    let mut terminated = services::terminate()?;
    while Instant::now() < until {
        tokio::select! {
            _ = &mut interrupted => break,
            _ = terminated.recv() => break,
            _ = pace.tick() => {
                status.print(platform.host.metrics(), platform.host.connections());
                for fault in faults.take() {
                    found += 1;
                    eprintln!("bot fault: {fault}");
                }
            }
        }
    }
    eprintln!("draining ...");
    if Instant::now() < until {
        bots.abort();
    } else if bots.await.is_err() {
        return Err(Fault::failed("a bot panicked"));
    }
    for fault in faults.take() {
        found += 1;
        eprintln!("bot fault: {fault}");
    }
    platform.stop().await?;
    if found > 0 { Err(Fault::failed(format!("the bots found {found} faults"))) } else { Ok(()) }
}
