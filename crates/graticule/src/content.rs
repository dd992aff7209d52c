//! `graticule content`: looks at catalogues before they are published.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use domain::catalogue::Catalogue;
use domain::limits::CATALOGUE_BYTES_MAX;

use crate::exit::{Fault, Outcome};

/// What to do with a catalogue.
#[derive(Args)]
pub(crate) struct ContentOptions {
    #[command(subcommand)]
    command: ContentCommand,
}

#[derive(Subcommand)]
enum ContentCommand {
    /// Prints the builtin catalogue as JSON: something to start from.
    Show,
    /// Checks a file as publishing would, and prints every fault.
    Check {
        /// The catalogue as JSON.
        file: PathBuf,
    },
}

pub(crate) fn run(options: &ContentOptions) -> Outcome {
    match &options.command {
        ContentCommand::Show => show(),
        ContentCommand::Check { file } => check(file),
    }
}

fn show() -> Outcome {
    let mut text = serde_json::to_string_pretty(&Catalogue::builtin()).map_err(Fault::failed)?;
    text.push('\n');
    std::io::stdout().write_all(text.as_bytes()).map_err(Fault::failed)
}

fn check(file: &Path) -> Outcome {
    let name = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Fault::usage(format!("the file {name} cannot be read: {error}")))?;
    let catalogue: Catalogue = serde_json::from_str(&text)
        .map_err(|error| Fault::Failed(format!("{name} is no catalogue: {error}")))?;
    let mut faults = catalogue.faults();
    let bytes = serde_json::to_string(&catalogue).map_err(Fault::failed)?.len();
    if bytes > CATALOGUE_BYTES_MAX {
        faults.push(format!("catalogue: its text has {bytes} bytes, more than {CATALOGUE_BYTES_MAX}"));
    }
    if faults.is_empty() {
        eprintln!("{name}: no faults");
        return Ok(());
    }
    Err(Fault::Failed(format!("{name} has {} faults:\n  {}", faults.len(), faults.join("\n  "))))
}
