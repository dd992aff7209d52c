//! The simulation of one zone: pure, synchronous, deterministic. The same seed and the same inboxes give
//! the same state at every tick, on every machine. It knows no socket, no clock and no thread.

pub mod activity;
mod budget;
pub mod content;
pub mod entity;
pub mod grid;
pub mod history;
pub mod inbox;
pub mod outbox;
pub mod paths;
pub mod player;
pub mod replay;
pub mod rules;
mod stages;
mod state_hash;
pub mod workers;
pub mod world;
pub mod zone;
