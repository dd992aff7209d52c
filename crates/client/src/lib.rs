//! The Rust client SDK: the whole way of a player, from the edge into a world; what makes play feel right on a
//! slow link (`clock`, `prediction`, `interpolation`); and the bots built on it.

pub mod bot;
pub mod clock;
pub mod connection;
pub mod error;
pub mod interpolation;
pub mod prediction;
pub mod services;

pub use connection::{Connection, Incoming, Snapshot};
pub use error::ClientError;
pub use services::Services;
