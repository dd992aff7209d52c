//! How the command ends: 0, 1 for a failure, 64 (EX_USAGE of sysexits.h) for a fault of its caller.

use std::process::ExitCode;

/// Why the command ends early.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The caller can mend it: an option, a port, a folder.
    Usage(String),
    /// Something failed.
    Failed(String),
}

/// How a command ended.
pub(crate) type Outcome = Result<(), Fault>;

impl Fault {
    pub(crate) fn failed(error: impl std::fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }

    pub(crate) fn usage(error: impl std::fmt::Display) -> Self {
        Self::Usage(error.to_string())
    }
}

/// Tells the fault in one line, and gives the exit code.
pub(crate) fn code(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Fault::Usage(text)) => {
            eprintln!("graticule: {text}");
            ExitCode::from(64)
        }
        Err(Fault::Failed(text)) => {
            eprintln!("graticule: {text}");
            ExitCode::FAILURE
        }
    }
}

/// A runtime with `threads` workers, or as many as there are cores.
pub(crate) fn runtime(threads: Option<usize>) -> Result<tokio::runtime::Runtime, Fault> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = threads {
        builder.worker_threads(threads);
    }
    builder.enable_all().build().map_err(Fault::failed)
}
