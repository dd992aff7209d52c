//! The figures of runs, their medians, and their table.

use std::fmt::Write as _;

use serde::Serialize;

/// The figures of one run; of several, of the one with the median CPU time. Times in microseconds, bytes for a player and second.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Figures {
    pub(crate) players: u32,
    pub(crate) in_view: f64,
    pub(crate) entities: u32,
    /// From the time a tick was due to the receipt of its snapshot.
    pub(crate) added_us: Percentiles,
    /// From an input to the snapshot that has it in.
    pub(crate) ack_us: Percentiles,
    /// Computing time of a tick.
    pub(crate) tick_us: Percentiles,
    pub(crate) ticks: u64,
    pub(crate) late_ticks: u64,
    pub(crate) skipped_ticks: u64,
    pub(crate) blocked_snapshots: u64,
    pub(crate) shed_level: u8,
    /// Entities shown wrongly for over 2 s, for each snapshot.
    pub(crate) overdue_per_snapshot: f64,
    pub(crate) snapshots_per_player_second: f64,
    pub(crate) payload_down: f64,
    pub(crate) payload_up: f64,
    /// IP packets, both directions, acknowledgements of TCP included.
    pub(crate) wire_total: f64,
    /// The most that a player was sent in any second, IP packets counted.
    pub(crate) wire_down_second_max: u32,
    /// Updates that were sent, for each player and second.
    pub(crate) updates_per_player_second: f64,
    /// Of the updates alone, without heads, enters and events.
    pub(crate) bytes_per_update: f64,
    /// Bytes of all frames, for each entity that was in view of a snapshot.
    pub(crate) bytes_per_entity_and_snapshot: f64,
    pub(crate) cpu_us_per_player_second: f64,
    /// Without the kernel's part.
    pub(crate) user_us_per_player_second: f64,
    pub(crate) cpu_percent_host: f64,
    pub(crate) cpu_percent_bots: f64,
    pub(crate) kib_per_connection: f64,
    /// The longest that any player waited for a snapshot.
    pub(crate) gap_max_us: u32,
    /// Of a storm: from its first join to its last Welcome.
    pub(crate) storm_ms: u64,
    pub(crate) disconnects: usize,
    pub(crate) faults: Vec<String>,
}

/// Percentiles of a sample.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: u32,
    pub(crate) p95: u32,
    pub(crate) p99: u32,
}

impl Percentiles {
    pub(crate) fn of(mut sample: Vec<u32>) -> Self {
        sample.sort_unstable();
        let at = |share: usize| sample.get(sample.len() * share / 100).copied().unwrap_or(0);
        Self { p50: at(50), p95: at(95), p99: at(99) }
    }
}

/// The middle one of a sample by its CPU time, which is what varies most.
pub(crate) fn median(mut runs: Vec<Figures>) -> Option<Figures> {
    runs.sort_by(|one, other| one.cpu_us_per_player_second.total_cmp(&other.cpu_us_per_player_second));
    let middle = runs.len() / 2;
    (!runs.is_empty()).then(|| runs.swap_remove(middle))
}

/// The figures as a Markdown table, a column for each run.
pub(crate) fn table(runs: &[Figures]) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &dyn Fn(&Figures) -> String| {
        let cells: Vec<String> = runs.iter().map(value).collect();
        let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
    };
    row("players", &|run| run.players.to_string());
    row("---", &|_| "---:".to_owned());
    row("entities in view", &|run| format!("{:.1}", run.in_view));
    row("added latency p50 / p95 / p99, ms", &|run| millis(run.added_us));
    row("input to snapshot p50 / p95 / p99, ms", &|run| millis(run.ack_us));
    row("tick p50 / p95 / p99, ms", &|run| millis(run.tick_us));
    row("late / skipped / all ticks", &|run| {
        format!("{} / {} / {}", run.late_ticks, run.skipped_ticks, run.ticks)
    });
    row("level of shedding at the end", &|run| run.shed_level.to_string());
    row("snapshots per player-second", &|run| format!("{:.2}", run.snapshots_per_player_second));
    row("updates per player-second", &|run| format!("{:.1}", run.updates_per_player_second));
    row("payload down / up, B/s", &|run| format!("{:.0} / {:.0}", run.payload_down, run.payload_up));
    row("wire total (IP, both ways), B/s", &|run| format!("{:.0}", run.wire_total));
    row("wire down, most in any second, B", &|run| run.wire_down_second_max.to_string());
    row("bytes per update", &|run| format!("{:.2}", run.bytes_per_update));
    row("payload per entity in view and snapshot, B", &|run| {
        format!("{:.2}", run.bytes_per_entity_and_snapshot)
    });
    row("entities overdue per snapshot", &|run| format!("{:.2}", run.overdue_per_snapshot));
    row("host CPU, us per player-second (without the kernel's)", &|run| {
        format!("{:.0} ({:.0})", run.cpu_us_per_player_second, run.user_us_per_player_second)
    });
    row("host core / bots core, %", &|run| {
        format!("{:.0} / {:.0}", run.cpu_percent_host, run.cpu_percent_bots)
    });
    row("memory per connection, KiB", &|run| format!("{:.1}", run.kib_per_connection));
    row("longest wait for a snapshot, ms", &|run| (run.gap_max_us / 1_000).to_string());
    if runs.iter().any(|run| run.storm_ms > 0) {
        row("all in after, ms", &|run| run.storm_ms.to_string());
    }
    row("disconnects / faults", &|run| format!("{} / {}", run.disconnects, run.faults.len()));
    text
}

pub(crate) fn millis(us: Percentiles) -> String {
    let millis = |us: u32| f64::from(us) / 1_000.0;
    format!("{:.2} / {:.2} / {:.2}", millis(us.p50), millis(us.p95), millis(us.p99))
}
