//! Tests of the API over HTTP: the real router and the real store engine, each test with its own.

mod admin;
mod app;
mod auth;
mod bad_input;
mod boards;
mod characters;
mod chat;
mod config;
mod content;
mod faults;
mod fleet;
mod friends;
mod instances;
mod leaderboards;
mod matchmaking;
mod openapi;
mod parties;
mod possessions;
mod possessions_random;
mod rate;
mod restoration;
mod rooms;
mod tournaments;
mod zones;
