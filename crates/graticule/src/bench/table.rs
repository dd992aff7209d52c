//! The table of a benchmark's runs, a column each.

use std::fmt::Write as _;

use super::walk::{Percentiles, WalkFigures};

/// The figures as a Markdown table.
pub(crate) fn render(runs: &[WalkFigures]) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &dyn Fn(&WalkFigures) -> String| {
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
    row("snapshots per player-second", &|run| format!("{:.2}", run.snapshots_per_player_second));
    row("payload down / up, B/s", &|run| format!("{:.0} / {:.0}", run.payload_down, run.payload_up));
    row("wire total (IP, both ways), B/s", &|run| format!("{:.0}", run.wire_total));
    row("payload per entity update, B", &|run| format!("{:.2}", run.bytes_per_update));
    row("host CPU, us per player-second", &|run| format!("{:.0}", run.cpu_us_per_player_second));
    row("host core / bots core, %", &|run| {
        format!("{:.0} / {:.0}", run.cpu_percent_host, run.cpu_percent_bots)
    });
    row("memory per connection, KiB", &|run| format!("{:.1}", run.kib_per_connection));
    row("faults", &|run| run.faults.len().to_string());
    text
}

fn millis(us: Percentiles) -> String {
    let millis = |us: u32| f64::from(us) / 1_000.0;
    format!("{:.2} / {:.2} / {:.2}", millis(us.p50), millis(us.p95), millis(us.p99))
}
