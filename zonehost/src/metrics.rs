//! Counters and the distribution of tick times, and their text for Prometheus.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::ids::{InstanceId, ZoneId};
use sim::zone::TickReport;
use wire::reason::ByeReason;

/// Ticks over which percentiles are taken: about 30 s at 30 Hz.
const TICKS_KEPT: usize = 1_000;

/// Everything counted on a host. Clones share it.
#[derive(Clone, Default)]
pub struct Metrics {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    byes: Mutex<BTreeMap<&'static str, u64>>,
    errors: Mutex<BTreeMap<&'static str, u64>>,
    connections_opened: AtomicU64,
    connections_refused: AtomicU64,
    frames_in: AtomicU64,
    bytes_in: AtomicU64,
    mail_delivered: AtomicU64,
    notices_sent: AtomicU64,
    notices_dropped: AtomicU64,
    instances_opened: AtomicU64,
    zones: Mutex<BTreeMap<InstanceId, ZoneMetrics>>,
}

/// Counts of one instance.
#[derive(Debug, Clone)]
pub struct ZoneMetrics {
    /// The zone that it runs.
    pub zone: ZoneId,
    /// The newest tick's report.
    pub last: TickReport,
    /// Computing time of the newest ticks, in microseconds, oldest first.
    pub tick_us: VecDeque<u32>,
    /// Ticks so far.
    pub ticks: u64,
    /// Ticks that began over half a period late.
    pub late: u64,
    /// Ticks left out since the zone was too far behind.
    pub skipped: u64,
    /// Bytes of frames so far.
    pub bytes_out: u64,
    /// Frames so far.
    pub frames_out: u64,
    /// Entity updates in them.
    pub updates_out: u64,
    /// Bytes of these.
    pub update_bytes_out: u64,
    /// Entities shown wrongly for longer than the bound, summed over snapshots: budgets are too small.
    pub overdue: u64,
    /// Entities in sight that have not come into a view yet, summed over snapshots.
    pub waiting: u64,
    /// Snapshots left out for want of budget.
    pub unaffordable: u64,
    /// Frames that found a connection full, so that the state waited.
    pub blocked: u64,
    /// Times that the instance panicked and was started again.
    pub panics: u64,
    /// The version of the content that it runs.
    pub content: u64,
}

/// Percentiles of tick times, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TickPercentiles {
    /// Half of the ticks took at most this.
    pub p50_us: u32,
    /// 95 of 100.
    pub p95_us: u32,
    /// 99 of 100.
    pub p99_us: u32,
}

impl ZoneMetrics {
    fn new(zone: ZoneId) -> Self {
        Self {
            zone,
            last: TickReport::default(),
            tick_us: VecDeque::with_capacity(TICKS_KEPT),
            ticks: 0,
            late: 0,
            skipped: 0,
            bytes_out: 0,
            frames_out: 0,
            updates_out: 0,
            update_bytes_out: 0,
            overdue: 0,
            waiting: 0,
            unaffordable: 0,
            blocked: 0,
            panics: 0,
            content: 0,
        }
    }

    /// Percentiles over the newest ticks.
    #[must_use]
    pub fn percentiles(&self) -> TickPercentiles {
        let mut sorted: Vec<u32> = self.tick_us.iter().copied().collect();
        sorted.sort_unstable();
        let at = |share: usize| sorted.get((sorted.len() * share / 100).min(sorted.len().saturating_sub(1)));
        let at = |share: usize| at(share).copied().unwrap_or(0);
        TickPercentiles { p50_us: at(50), p95_us: at(95), p99_us: at(99) }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Metrics {
    pub(crate) fn bye(&self, reason: ByeReason) {
        *lock(&self.inner.byes).entry(reason.kind()).or_default() += 1;
    }

    pub(crate) fn error(&self, kind: &'static str) {
        *lock(&self.inner.errors).entry(kind).or_default() += 1;
    }

    pub(crate) fn opened(&self) {
        self.inner.connections_opened.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.inner.connections_refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.inner.frames_in.fetch_add(1, Ordering::Relaxed);
        self.inner.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn mail_delivered(&self) {
        self.inner.mail_delivered.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn notices(&self, sent: u64, dropped: u64) {
        self.inner.notices_sent.fetch_add(sent, Ordering::Relaxed);
        self.inner.notices_dropped.fetch_add(dropped, Ordering::Relaxed);
    }

    pub(crate) fn remove_zone(&self, instance: InstanceId) {
        lock(&self.inner.zones).remove(&instance);
    }

    pub(crate) fn add_zone(&self, instance: InstanceId, zone: ZoneId) {
        self.inner.instances_opened.fetch_add(1, Ordering::Relaxed);
        lock(&self.inner.zones).insert(instance, ZoneMetrics::new(zone));
    }

    pub(crate) fn with_zone(&self, instance: InstanceId, change: impl FnOnce(&mut ZoneMetrics)) {
        if let Some(zone) = lock(&self.inner.zones).get_mut(&instance) {
            change(zone);
        }
    }

    pub(crate) fn tick(&self, instance: InstanceId, report: TickReport, tick_us: u32, blocked: u64) {
        self.with_zone(instance, |zone| {
            zone.last = report;
            zone.ticks += 1;
            zone.bytes_out += u64::from(report.bytes);
            zone.frames_out += u64::from(report.frames);
            zone.updates_out += u64::from(report.updates);
            zone.update_bytes_out += u64::from(report.update_bytes);
            zone.overdue += u64::from(report.overdue);
            zone.waiting += u64::from(report.waiting);
            zone.unaffordable += u64::from(report.unaffordable);
            zone.blocked += blocked;
            if zone.tick_us.len() == TICKS_KEPT {
                zone.tick_us.pop_front();
            }
            zone.tick_us.push_back(tick_us);
        });
    }

    /// The counts of every instance.
    #[must_use]
    pub fn zones(&self) -> Vec<(InstanceId, ZoneMetrics)> {
        lock(&self.inner.zones).iter().map(|(instance, zone)| (*instance, zone.clone())).collect()
    }

    /// How many connections ended for `reason`.
    #[must_use]
    pub fn byes(&self, reason: ByeReason) -> u64 {
        lock(&self.inner.byes).get(reason.kind()).copied().unwrap_or(0)
    }

    /// How many errors of this kind there were.
    #[must_use]
    pub fn errors(&self, kind: &str) -> u64 {
        lock(&self.inner.errors).get(kind).copied().unwrap_or(0)
    }

    /// Orders that came by mail so far.
    #[must_use]
    pub fn orders(&self) -> u64 {
        self.inner.mail_delivered.load(Ordering::Relaxed)
    }

    /// Notices handed to connections, and left out since too many waited.
    #[must_use]
    pub fn notice_counts(&self) -> (u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (read(&self.inner.notices_sent), read(&self.inner.notices_dropped))
    }

    /// Bytes of frames received so far.
    #[must_use]
    pub fn bytes_in(&self) -> u64 {
        self.inner.bytes_in.load(Ordering::Relaxed)
    }

    /// Everything in the text format of Prometheus.
    #[must_use]
    pub fn render(&self, connections: usize) -> String {
        let mut text = String::new();
        let counters = [
            ("connections_opened_total", self.inner.connections_opened.load(Ordering::Relaxed)),
            ("connections_refused_total", self.inner.connections_refused.load(Ordering::Relaxed)),
            ("frames_received_total", self.inner.frames_in.load(Ordering::Relaxed)),
            ("bytes_received_total", self.bytes_in()),
            ("mail_delivered_total", self.orders()),
            ("notices_sent_total", self.notice_counts().0),
            ("notices_dropped_total", self.notice_counts().1),
            ("instances_opened_total", self.inner.instances_opened.load(Ordering::Relaxed)),
        ];
        let open = lock(&self.inner.zones).len();
        write_line(&mut text, "instances_open", "gauge", &[(String::new(), open.to_string())]);
        write_line(&mut text, "active_connections", "gauge", &[(String::new(), connections.to_string())]);
        for (name, value) in counters {
            write_line(&mut text, name, "counter", &[(String::new(), value.to_string())]);
        }
        let labelled = |table: &Mutex<BTreeMap<&'static str, u64>>, label: &str| -> Vec<(String, String)> {
            lock(table).iter().map(|(kind, n)| (format!("{label}=\"{kind}\""), n.to_string())).collect()
        };
        write_line(&mut text, "connections_closed_total", "counter", &labelled(&self.inner.byes, "reason"));
        write_line(&mut text, "errors_total", "counter", &labelled(&self.inner.errors, "kind"));
        self.render_zones(&mut text);
        text
    }

    fn render_zones(&self, text: &mut String) {
        let zones = self.zones();
        let mut line = |name: &str, kind: &str, value: &dyn Fn(&ZoneMetrics) -> String| {
            let label = |(id, zone): &(InstanceId, ZoneMetrics)| {
                (format!("zone=\"{}\",instance=\"{id}\"", zone.zone), value(zone))
            };
            write_line(text, name, kind, &zones.iter().map(label).collect::<Vec<_>>());
        };
        let millis = |us: u32| format!("{:.3}", f64::from(us) / 1_000.0);
        line("active_players", "gauge", &|zone| zone.last.players.to_string());
        line("active_spectators", "gauge", &|zone| zone.last.spectators.to_string());
        line("active_entities", "gauge", &|zone| zone.last.entities.to_string());
        line("physics_step_ms", "gauge", &|zone| millis(zone.percentiles().p50_us));
        line("physics_step_p99_ms", "gauge", &|zone| millis(zone.percentiles().p99_us));
        line("ticks_total", "counter", &|zone| zone.ticks.to_string());
        line("ticks_late_total", "counter", &|zone| zone.late.to_string());
        line("ticks_skipped_total", "counter", &|zone| zone.skipped.to_string());
        line("snapshots_sent_total", "counter", &|zone| zone.frames_out.to_string());
        line("snapshot_bytes_sent_total", "counter", &|zone| zone.bytes_out.to_string());
        line("entity_updates_sent_total", "counter", &|zone| zone.updates_out.to_string());
        line("entity_update_bytes_sent_total", "counter", &|zone| zone.update_bytes_out.to_string());
        line("entities_overdue_total", "counter", &|zone| zone.overdue.to_string());
        line("entities_waiting_total", "counter", &|zone| zone.waiting.to_string());
        line("snapshots_unaffordable_total", "counter", &|zone| zone.unaffordable.to_string());
        line("shed_level", "gauge", &|zone| zone.last.shed.number().to_string());
        line("snapshots_blocked_total", "counter", &|zone| zone.blocked.to_string());
        line("content_version", "gauge", &|zone| zone.content.to_string());
        line("instance_panics_total", "counter", &|zone| zone.panics.to_string());
    }
}

fn write_line(text: &mut String, name: &str, kind: &str, values: &[(String, String)]) {
    let _ = writeln!(text, "# TYPE {name} {kind}");
    for (labels, value) in values {
        let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        let _ = writeln!(text, "{name}{labels} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_rendered_for_prometheus() {
        let metrics = Metrics::default();
        let instance = InstanceId::from_u128(1);
        metrics.add_zone(instance, "hub".parse().expect("a name"));
        metrics.bye(ByeReason::TooSlow);
        for us in 1..=100 {
            metrics.tick(instance, TickReport { players: 3, ..TickReport::default() }, us * 10, 0);
        }
        let text = metrics.render(7);
        for line in [
            "active_connections 7".to_owned(),
            "connections_closed_total{reason=\"too_slow\"} 1".to_owned(),
            format!("active_players{{zone=\"hub\",instance=\"{instance}\"}} 3"),
            format!("physics_step_p99_ms{{zone=\"hub\",instance=\"{instance}\"}} 1.000"),
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
        }
    }
}
