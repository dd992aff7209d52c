//! The graticule command: a whole platform on a laptop, bots, benchmarks and migrations.

mod bench;
mod bots;
mod content;
mod dev;
mod exit;
mod migrate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// A backend for multiplayer worlds.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs everything on this machine: edge, API, store, a zone host, bots and a page to play on.
    Dev(dev::DevOptions),
    /// Lets bots play on a running platform and checks what they are sent.
    Bots(bots::BotsOptions),
    /// Measures the zone host.
    Bench(bench::BenchOptions),
    /// Looks at catalogues before they are published.
    Content(content::ContentOptions),
    /// Brings the API's store up to date.
    Migrate(migrate::MigrateOptions),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter =
        EnvFilter::try_from_env("GRATICULE_LOG").unwrap_or_else(|_| EnvFilter::new("warn,dynoxide=error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let outcome = match arguments.command {
        Command::Dev(options) => dev::run(options),
        Command::Bots(options) => bots::run(options),
        Command::Bench(options) => bench::run(options),
        Command::Content(options) => content::run(&options),
        Command::Migrate(options) => migrate::run(&options),
    };
    exit::code(outcome)
}
