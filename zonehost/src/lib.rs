//! The zone host: it takes players in by WebSocket and runs the worlds that they play in, each on a thread
//! of its own at a fixed rate. A studio links it as a library to run its own rules.

pub mod admin;
pub mod admission;
pub mod config;
mod connection;
mod content;
mod coordinator;
pub mod host;
mod instance;
mod instances;
mod journal;
mod mail;
pub mod metrics;
mod notices;
mod orders;
pub mod platform;
mod rate;
mod report;
mod shared;
pub mod workers;

pub use config::HostConfig;
pub use coordinator::jobs::{JOBS, Job};
pub use host::{RunningHost, StartError, start};
