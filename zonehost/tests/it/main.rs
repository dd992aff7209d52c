//! The zone host as clients meet it: real sockets, and a platform in memory.

mod content;
mod crowds;
mod frames;
mod harness;
mod lifecycle;
mod orders;
mod tickets;
