//! Delays as a client sees them.

use std::collections::VecDeque;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::connection::Snapshot;

/// Delays in microseconds.
#[derive(Debug, Default, Clone)]
pub struct Latencies {
    /// From the time a tick was due to the receipt of its snapshot. Only of meaning on the host's machine,
    /// since it compares two readings of the same clock.
    pub added_us: Vec<u32>,
    /// From an input to the snapshot that has it in.
    pub ack_us: Vec<u32>,
    unacknowledged: VecDeque<(u32, Instant)>,
}

/// Microseconds of the machine's clock modulo 2^32, as hosts stamp snapshots.
#[must_use]
pub fn unix_us() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_micros() & 0xffff_ffff).expect("masked")
}

impl Latencies {
    pub(super) fn restart(&mut self) {
        self.unacknowledged.clear();
    }

    pub(super) fn sent(&mut self, sequence: u32) {
        self.unacknowledged.push_back((sequence, Instant::now()));
    }

    pub(super) fn received(&mut self, snapshot: &Snapshot) {
        self.added_us.push(unix_us().wrapping_sub(snapshot.header.stamp_us));
        while self.unacknowledged.front().is_some_and(|(sequence, _)| *sequence <= snapshot.header.input) {
            let (_, at) = self.unacknowledged.pop_front().expect("just seen");
            self.ack_us.push(u32::try_from(at.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
    }
}
