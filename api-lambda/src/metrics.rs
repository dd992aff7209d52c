//! Counters of requests and problems, in the text format of Prometheus. It knows no route.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;

use axum::http::{Method, StatusCode};

use crate::store::meter::Usage;

/// Counts since the process started. Labels come from closed sets: route patterns, statuses and problem codes.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    requests: BTreeMap<(String, String, u16), u64>,
    problems: BTreeMap<String, u64>,
    usage: BTreeMap<String, Usage>,
}

impl Metrics {
    /// Counts one answer.
    pub(crate) fn count(&self, method: &Method, route: &str, status: StatusCode, problem: Option<&str>) {
        // Methods that no route takes share a label, since a caller may invent any.
        let known = [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
            Method::HEAD,
        ];
        let method = if known.contains(method) { method.as_str() } else { "other" };
        let mut counts = self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *counts.requests.entry((method.to_owned(), route.to_owned(), status.as_u16())).or_default() += 1;
        if let Some(code) = problem {
            *counts.problems.entry(code.to_owned()).or_default() += 1;
        }
    }

    /// Counts what a request to this route used of the store.
    pub(crate) fn count_usage(&self, route: &str, usage: Usage) {
        if usage != Usage::default() {
            let mut counts = self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let sum = counts.usage.entry(route.to_owned()).or_default();
            *sum = sum.plus(usage);
        }
    }

    /// All counters as text.
    pub(crate) fn render(&self) -> String {
        let counts = self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut text = String::from("# TYPE api_requests_total counter\n");
        for ((method, route, status), count) in &counts.requests {
            let labels = format!("method=\"{method}\",route=\"{route}\",status=\"{status}\"");
            // Writing to a String cannot fail.
            let _ = writeln!(text, "api_requests_total{{{labels}}} {count}");
        }
        text.push_str("# TYPE api_problems_total counter\n");
        for (code, count) in &counts.problems {
            let _ = writeln!(text, "api_problems_total{{code=\"{code}\"}} {count}");
        }
        for (name, read) in USAGE_COUNTERS {
            let _ = writeln!(text, "# TYPE {name} counter");
            for (route, usage) in &counts.usage {
                let _ = writeln!(text, "{name}{{route=\"{route}\"}} {}", read(usage));
            }
        }
        text
    }
}

/// A counter's name, and its value.
type UsageCounter = (&'static str, fn(&Usage) -> f64);

/// The counters of what routes use of the store, and of the processor where that is measured.
const USAGE_COUNTERS: [UsageCounter; 6] = [
    ("api_store_reads_total", |usage| exact(usage.read_calls)),
    ("api_store_writes_total", |usage| exact(usage.write_calls)),
    ("api_store_read_units_total", |usage| exact(usage.read_half_units) / 2.0),
    ("api_store_write_units_total", |usage| exact(usage.write_half_units) / 2.0),
    ("api_own_processor_seconds_total", |usage| exact(usage.processor.own_ns) / 1e9),
    ("api_store_processor_seconds_total", |usage| exact(usage.processor.store_ns) / 1e9),
];

#[expect(clippy::cast_precision_loss, reason = "a counter would take centuries to reach 2^53")]
fn exact(count: u64) -> f64 {
    count as f64
}
