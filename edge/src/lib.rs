//! The edge: it sends players to a region and gives out identities. The handlers know neither worker nor
//! socket: the Worker shell and the native shell hand them requests, a database, the time and randomness.

mod accounts;
pub mod config;
pub mod error;
mod handle;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
mod password;
pub mod request;
pub mod resolve;
mod sessions;
pub mod store;
#[cfg(target_arch = "wasm32")]
mod worker_shell;

pub use config::EdgeConfig;
pub use handle::{Context, handle};
