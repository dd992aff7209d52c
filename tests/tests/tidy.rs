//! Rules that keep the repository as ARCHITECTURE.md says it is. A rule outside `cargo test` drifts.

#[path = "tidy/dependencies.rs"]
mod dependencies;
#[path = "tidy/files.rs"]
mod files;
#[path = "tidy/functions.rs"]
mod functions;
#[path = "tidy/sources.rs"]
mod sources;
