//! What the API says that it used of its store, route by route.

use std::collections::{BTreeMap, BTreeSet};

/// What a route has used of the store, or all of them.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct StoreUsage {
    pub(crate) reads: f64,
    pub(crate) writes: f64,
    pub(crate) read_units: f64,
    pub(crate) write_units: f64,
    /// Processor time of the API itself, and of its client of the store, in microseconds.
    pub(crate) own_us: f64,
    pub(crate) client_us: f64,
}

/// What the API's counters tell of its store, by route.
#[derive(Debug, Default, Clone)]
pub(crate) struct Usages(BTreeMap<String, StoreUsage>);

impl Usages {
    pub(crate) fn parse(metrics: &str) -> Self {
        let mut usages = BTreeMap::<_, StoreUsage>::new();
        for line in metrics.lines() {
            let Some((name, rest)) = line.split_once("{route=\"") else { continue };
            let Some((route, value)) = rest.split_once("\"} ") else { continue };
            let value: f64 = value.parse().unwrap_or_default();
            let usage = usages.entry(route.to_owned()).or_default();
            match name {
                "api_store_reads_total" => usage.reads = value,
                "api_store_writes_total" => usage.writes = value,
                "api_store_read_units_total" => usage.read_units = value,
                "api_store_write_units_total" => usage.write_units = value,
                "api_own_processor_seconds_total" => usage.own_us = value * 1e6,
                "api_store_processor_seconds_total" => usage.client_us = value * 1e6,
                _ => {}
            }
        }
        Self(usages)
    }

    /// What was used between the two readings.
    pub(crate) fn since(mut self, before: &Self) -> Self {
        for (route, usage) in &mut self.0 {
            let Some(before) = before.0.get(route) else { continue };
            usage.reads -= before.reads;
            usage.writes -= before.writes;
            usage.read_units -= before.read_units;
            usage.write_units -= before.write_units;
            usage.own_us -= before.own_us;
            usage.client_us -= before.client_us;
        }
        self
    }

    /// The sum over these routes: what hosts ask beside them is not theirs.
    pub(crate) fn of<'a>(&self, routes: impl IntoIterator<Item = &'a str>) -> StoreUsage {
        let routes: BTreeSet<_> = routes.into_iter().collect();
        Self::sum(routes.into_iter().filter_map(|route| self.0.get(route)))
    }

    /// The sum over all routes.
    pub(crate) fn all(&self) -> StoreUsage {
        Self::sum(self.0.values())
    }

    fn sum<'a>(usages: impl Iterator<Item = &'a StoreUsage>) -> StoreUsage {
        let mut sum = StoreUsage::default();
        for usage in usages {
            sum.reads += usage.reads;
            sum.writes += usage.writes;
            sum.read_units += usage.read_units;
            sum.write_units += usage.write_units;
            sum.own_us += usage.own_us;
            sum.client_us += usage.client_us;
        }
        sum
    }
}
