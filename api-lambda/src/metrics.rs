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
                let halves = read(usage);
                let half = if halves % 2 == 1 { ".5" } else { "" };
                let _ = writeln!(text, "{name}{{route=\"{route}\"}} {}{half}", halves / 2);
            }
        }
        text
    }
}

/// A counter's name, and its value in halves.
type UsageCounter = (&'static str, fn(&Usage) -> u64);

/// The counters of what routes use of the store, in halves.
const USAGE_COUNTERS: [UsageCounter; 4] = [
    ("api_store_reads_total", |usage| usage.read_calls * 2),
    ("api_store_writes_total", |usage| usage.write_calls * 2),
    ("api_store_read_units_total", |usage| usage.read_half_units),
    ("api_store_write_units_total", |usage| usage.write_half_units),
];
