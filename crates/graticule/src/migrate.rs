//! `graticule migrate`: brings the API's store up to date.

use std::path::PathBuf;

use api_lambda::{ApiConfig, migrations};
use clap::Args;

use crate::exit::{Fault, Outcome, runtime};

/// What to migrate.
#[derive(Args)]
pub(crate) struct MigrateOptions {
    /// The API's configuration; its environment variables count too.
    #[arg(long)]
    config: Option<PathBuf>,
}

pub(crate) fn run(options: &MigrateOptions) -> Outcome {
    let config = ApiConfig::load(options.config.as_deref()).map_err(Fault::usage)?;
    let applied = runtime(Some(1))?.block_on(migrations::apply(&config)).map_err(|error| {
        if error.is_version_mismatch() { Fault::usage(error) } else { Fault::failed(error) }
    })?;
    eprintln!(
        "{} migrations applied: {:?}",
        applied.len(),
        applied.iter().map(|one| one.name).collect::<Vec<_>>()
    );
    Ok(())
}
