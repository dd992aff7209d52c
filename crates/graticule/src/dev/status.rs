//! What the command prints while it runs: the addresses, then a line a second.

use std::time::Instant;

use zonehost::metrics::Metrics;

use super::services::Addresses;

pub(crate) fn print_addresses(addresses: &Addresses, owner_key_place: &str) {
    eprintln!();
    eprintln!("  play     {}", addresses.page);
    eprintln!("  edge     {}", addresses.edge);
    eprintln!("  api      {}  (openapi: {}/openapi.json)", addresses.api, addresses.api);
    eprintln!("  admin    {}/admin/v1  (key: {owner_key_place})", addresses.api);
    eprintln!("  host     {}  (metrics: {}/metrics)", addresses.host, addresses.admin);
    eprintln!("  store    {}", addresses.store);
    eprintln!();
}

/// Sums of the last line, to tell what a second brought.
pub(crate) struct Status {
    at: Instant,
    bytes_out: u64,
}

impl Status {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        Self { at: Instant::now(), bytes_out: bytes_out(metrics) }
    }

    /// Prints players, entities, tick times and bytes for each player and second.
    pub(crate) fn print(&mut self, metrics: &Metrics, connections: usize) {
        let zones = metrics.zones();
        let players: u32 = zones.iter().map(|(_, zone)| zone.last.players).sum();
        let entities: u32 = zones.iter().map(|(_, zone)| zone.last.entities).sum();
        let slowest = zones.iter().map(|(_, zone)| zone.percentiles()).max_by_key(|ticks| ticks.p99_us);
        let ticks = slowest.unwrap_or_default();
        let late: u64 = zones.iter().map(|(_, zone)| zone.late).sum();
        let bytes = bytes_out(metrics);
        let millis = u64::try_from(self.at.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let each = (bytes - self.bytes_out) * 1_000 / millis / u64::try_from(connections.max(1)).unwrap_or(1);
        (self.at, self.bytes_out) = (Instant::now(), bytes);
        eprintln!(
            "players {players:>4}  entities {entities:>5}  tick p50 {:>6} us  p99 {:>6} us  late {late}  {each:>5} B/s each",
            ticks.p50_us, ticks.p99_us,
        );
    }
}

fn bytes_out(metrics: &Metrics) -> u64 {
    metrics.zones().iter().map(|(_, zone)| zone.bytes_out).sum()
}
