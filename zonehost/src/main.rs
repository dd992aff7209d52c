//! The zone host as a program: configuration, sockets, start, drain on SIGTERM or Ctrl-C.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use domain::catalogue::Catalogue;
use sim::rules::realm::Realm;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use zonehost::HostConfig;
use zonehost::platform::api::ApiPlatform;

/// EX_USAGE of sysexits.h: the configuration or the command line is wrong.
const EXIT_USAGE: u8 = 64;
const DRAIN: Duration = Duration::from_secs(20);

/// Runs zones and takes players in.
#[derive(Parser)]
struct Arguments {
    /// A TOML file with the configuration.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Checks the configuration and ends.
    #[arg(long)]
    check_config: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(EnvFilter::try_from_env("GRATICULE_LOG").unwrap_or_else(|_| EnvFilter::new("info")))
        .init();
    let config = match HostConfig::load(arguments.config.as_deref()) {
        Ok(config) => config,
        Err(error) => return fail(&error),
    };
    if arguments.check_config {
        return ExitCode::SUCCESS;
    }
    match run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(RunError::Usage(text)) => fail(&text),
        Err(RunError::Failed(text)) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn fail(fault: &impl std::fmt::Display) -> ExitCode {
    eprintln!("{fault}");
    ExitCode::from(EXIT_USAGE)
}

enum RunError {
    Usage(String),
    Failed(String),
}

async fn run(config: HostConfig) -> Result<(), RunError> {
    let listen = async |address| {
        let listener = TcpListener::bind(address).await;
        listener.map_err(|error| RunError::Usage(format!("cannot listen on {address}: {error}")))
    };
    let listener = listen(config.listen).await?;
    let admin_listener = listen(config.admin_listen).await?;
    let failed = |error: &dyn std::fmt::Display| RunError::Failed(error.to_string());
    let platform = ApiPlatform::new(&config).map_err(|error| failed(&error))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| failed(&error))?;
    let catalogue = Catalogue::builtin();
    let rules = |_: &_| Box::new(Realm) as Box<dyn sim::rules::Rules>;
    let host = zonehost::start(config, &catalogue, rules, platform, listener, admin_listener).await;
    let host = host.map_err(|error| failed(&error))?;
    tracing::info!(host.id = %host.id(), address = %host.address(), "the host runs");
    let lost = tokio::select! {
        _ = tokio::signal::ctrl_c() => false,
        _ = terminate.recv() => false,
        () = host.drain_ordered() => false,
        () = host.lease_lost() => true,
    };
    let drained = host.drain(DRAIN).await;
    if lost {
        Err(RunError::Failed("the lease went to another host".into()))
    } else if drained {
        Ok(())
    } else {
        Err(RunError::Failed("not everything could be stored before the deadline".into()))
    }
}
