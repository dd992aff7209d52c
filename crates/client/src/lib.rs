//! The Rust client SDK: the whole way of a player, from the edge into a world, and the bots built on it.

pub mod bot;
pub mod connection;
pub mod error;
pub mod services;

pub use connection::{Connection, Incoming, Snapshot};
pub use error::ClientError;
pub use services::Services;
