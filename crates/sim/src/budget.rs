//! What a player's connection may be sent: bytes of a sliding second, counted as they are on the wire.

use std::collections::VecDeque;

use domain::time::Tick;
use wire::encoder::OVERSHOOT_BYTES_MAX;
use wire::frame::{PACKET_BYTES, SEGMENT_BYTES, wire_bytes};

/// Header of a WebSocket frame, and what `StateUpdate` is before its body.
const FRAME_BYTES: u32 = 4 + 5;
/// A snapshot in which nothing is told.
const EMPTY_BYTES: u32 = PACKET_BYTES + FRAME_BYTES + 16;
/// A snapshot goes over its limit by less than this.
const SLACK_BYTES: u32 = OVERSHOOT_BYTES_MAX;
/// What Welcome takes of the first second.
const WELCOME_BYTES: u32 = 300;

/// The least that works, in bytes per second: a few snapshots of the nearest things.
pub(crate) const BUDGET_MIN: u32 = 1_000;

/// The budget of one connection. Within any second of ticks no more is sent than it allows.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    /// What the client can take; 0: anything.
    client: u32,
    per_second: u32,
    ticks_per_second: u32,
    /// When how much was sent within the last second.
    sent: VecDeque<(Tick, u32)>,
    in_window: u32,
}

impl Budget {
    /// The zone's budget, or what the client can take if that is less (0: anything).
    pub(crate) fn new(zone: u32, client: u32, rate_hz: u32, now: Tick) -> Self {
        let mut sent = VecDeque::with_capacity(rate_hz as usize + 1);
        sent.push_back((now, WELCOME_BYTES));
        Self {
            client,
            per_second: per_second(zone, client),
            ticks_per_second: rate_hz,
            sent,
            in_window: WELCOME_BYTES,
        }
    }

    /// The zone has another budget from now on; what was sent before counts.
    pub(crate) fn set_zone(&mut self, zone: u32) {
        self.per_second = per_second(zone, self.client);
    }

    /// By how much the rate of snapshots is to be divided so that empty ones take at most a third.
    pub(crate) fn pace(&self, snapshots_per_second: u32) -> u32 {
        (snapshots_per_second * EMPTY_BYTES * 3).div_ceil(self.per_second).max(1)
    }

    /// The most bytes that the payload of the next frame may have, when so many frames are sent in a second;
    /// `None` if even an empty one is too much now.
    pub(crate) fn payload_max(&mut self, now: Tick, frames_per_second: u32) -> Option<usize> {
        while self.sent.front().is_some_and(|(at, _)| now.since(*at) >= self.ticks_per_second) {
            let (_, bytes) = self.sent.pop_front().expect("just seen");
            self.in_window -= bytes;
        }
        let frames = frames_per_second.max(1);
        let left = self.per_second.saturating_sub(self.in_window + SLACK_BYTES);
        let share = (self.per_second - SLACK_BYTES) / frames;
        // After a quiet time a view may fill quickly; the frames of the rest of the second keep a little each.
        let burst = left.saturating_sub((frames - 1) * EMPTY_BYTES) / 2;
        let allowed = left.min(share.max(burst));
        let packets = allowed.div_ceil(SEGMENT_BYTES + PACKET_BYTES);
        let payload = allowed.checked_sub(packets * PACKET_BYTES + FRAME_BYTES)?;
        (allowed >= EMPTY_BYTES).then_some(payload as usize)
    }

    pub(crate) fn spend(&mut self, now: Tick, payload: usize) {
        let bytes = wire_bytes(u32::try_from(payload).expect("frames are small"));
        self.sent.push_back((now, bytes));
        self.in_window += bytes;
    }
}

fn per_second(zone: u32, client: u32) -> u32 {
    if client == 0 { zone } else { client.min(zone) }.max(BUDGET_MIN)
}
