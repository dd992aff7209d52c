//! Tests of the API over HTTP: the real router and the real store engine, each test with its own.

mod admin;
mod app;
mod auth;
mod bad_input;
mod characters;
mod chat;
mod config;
mod faults;
mod fleet;
mod friends;
mod instances;
mod leaderboards;
mod market;
mod market_faults;
mod matchmaking;
mod openapi;
mod parties;
mod possessions;
mod possessions_random;
mod proxy;
mod restoration;
mod rooms;
mod trade_random;
mod trades;
mod zones;
