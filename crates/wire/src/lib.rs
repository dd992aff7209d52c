//! The client protocol, as PROTOCOL.md beside this crate describes it: messages, frames and the delta codec
//! of what a player sees. It knows no socket and no clock; decoders take any bytes without panic and without
//! allocating more than the frame's own size times a small factor.

mod coder;
pub mod decoder;
pub mod encoder;
pub mod frame;
#[cfg(test)]
mod golden;
pub mod message;
pub mod reason;
mod slots;
pub mod snapshot;
pub mod state;
mod track;

/// The version of the protocol: hosts refuse a Hello with another one.
pub const WIRE_VERSION: u16 = 2;
