//! `graticule bench`: measures the zone host. One process is the host, pinned to a core; this one is the
//! players, pinned to another.

use clap::Args;

use crate::exit::Outcome;

/// What to measure.
#[derive(Args)]
pub(crate) struct BenchOptions {}

pub(crate) fn run(_options: BenchOptions) -> Outcome {
    Ok(())
}
