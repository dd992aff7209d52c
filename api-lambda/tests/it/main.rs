//! Tests of the API over HTTP: the real router and the real store engine, each test with its own.

mod app;
mod auth;
mod bad_input;
mod boards;
mod characters;
mod config;
mod faults;
mod fleet;
mod instances;
mod leaderboards;
mod openapi;
mod possessions;
mod possessions_random;
mod restoration;
mod zones;
