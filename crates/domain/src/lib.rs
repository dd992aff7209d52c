//! What every part of Graticule shares: ids, units, limits, the content catalogue and the messages
//! that services send each other. It knows no socket, no clock, no storage and no source of randomness.

pub mod catalogue;
pub mod contract;
pub mod encoding;
pub mod fixed;
pub mod ids;
pub mod limits;
pub mod movement;
pub mod names;
pub mod progression;
pub mod random;
pub mod schedule;
pub mod terrain;
pub mod time;
pub mod token;
