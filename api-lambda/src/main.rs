//! The program of the API: a Lambda function where Lambda started it, a plain server otherwise.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use api_lambda::config::{LogFormat, runs_on_lambda};
use api_lambda::{Api, ApiConfig, migrations, openapi, serve};
use clap::Parser;
use tracing_subscriber::EnvFilter;

/// Exit status for a configuration, a store or an address that cannot be used (`EX_USAGE`).
const EXIT_USAGE: u8 = 64;

/// The regional API of Graticule.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// A TOML file; variables `GRATICULE_API_*` come after it.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Checks the configuration and ends.
    #[arg(long)]
    check_config: bool,
    /// Brings the tables up to date and ends.
    #[arg(long)]
    migrate: bool,
    /// Writes the `OpenAPI` description and ends.
    #[arg(long)]
    describe: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.describe {
        return match std::io::stdout().write_all(openapi::text().as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    let config = match ApiConfig::load(arguments.config.as_deref()) {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    if arguments.check_config {
        return ExitCode::SUCCESS;
    }
    start_logging(&config);
    if arguments.migrate {
        return migrate(&config).await;
    }
    if runs_on_lambda() { run_on_lambda(config).await } else { run_server(config).await }
}

fn refuse(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("{error}");
    ExitCode::from(EXIT_USAGE)
}

fn start_logging(config: &ApiConfig) {
    let filter = EnvFilter::builder().parse_lossy(&config.log_filter);
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Json => lines.json().init(),
        LogFormat::Text => lines.init(),
    }
}

async fn migrate(config: &ApiConfig) -> ExitCode {
    match migrations::apply(config).await {
        Ok(applied) => {
            for migration in applied {
                tracing::info!(name = migration.name, "applied");
            }
            ExitCode::SUCCESS
        }
        Err(error) => refuse(&error),
    }
}

async fn run_on_lambda(config: ApiConfig) -> ExitCode {
    let api = match Api::connect(config).await {
        Ok(api) => api,
        Err(error) => return refuse(&error),
    };
    match lambda_http::run(api.router()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the Lambda runtime failed");
            ExitCode::FAILURE
        }
    }
}

async fn run_server(config: ApiConfig) -> ExitCode {
    let listener = match tokio::net::TcpListener::bind(config.listen).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("listen: the address {} cannot be used: {error}", config.listen);
            return ExitCode::from(EXIT_USAGE);
        }
    };
    tracing::info!(listen = %config.listen, region = config.region, "serving");
    match serve(listener, config, stop_signal()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(kind = error.kind(), %error, "stopped");
            ExitCode::FAILURE
        }
    }
}

/// Ends at the first SIGTERM or Ctrl-C.
async fn stop_signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
