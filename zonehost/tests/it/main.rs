//! The zone host as clients meet it: real sockets, and a platform in memory; in `region`, the
//! real API over an embedded store engine.

mod content;
mod crowds;
mod frames;
mod harness;
mod lifecycle;
mod orders;
mod region;
mod saves;
mod tickets;
