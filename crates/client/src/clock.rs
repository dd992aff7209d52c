//! The host's time as a client needs it: which tick its snapshots show now, and for which tick to send inputs.

use std::time::Duration;

/// Share of a difference by which the estimate follows it.
const FOLLOW: f64 = 0.1;
/// A difference over this many seconds is no jitter: the estimate starts again.
const SNAP_SECS: f64 = 0.25;
/// Ticks that inputs are to come ahead of their tick: room for jitter.
const LEAD_WANTED: f64 = 2.0;
/// Snapshot periods that others are drawn behind the newest.
const PERIODS_BEHIND: f64 = 1.25;
/// The most that a client runs ahead, in ticks: as far as hosts take inputs.
const AHEAD_MAX: f64 = 60.0;

/// An estimate of the host's ticks from the arrival of snapshots.
#[derive(Debug, Clone)]
pub struct HostClock {
    rate_hz: f64,
    /// The tick of snapshots that arrive at the local time zero.
    origin: Option<f64>,
    ahead: f64,
}

impl HostClock {
    /// A clock for a zone with this tick rate.
    #[must_use]
    pub fn new(rate_hz: u16) -> Self {
        Self { rate_hz: f64::from(rate_hz.max(1)), origin: None, ahead: LEAD_WANTED }
    }

    /// Takes in that the snapshot of `tick` arrived at `now` (any local clock), and how early inputs came.
    pub fn heard(&mut self, now: Duration, tick: u32, lead: i32) {
        let origin = f64::from(tick) - now.as_secs_f64() * self.rate_hz;
        self.origin = Some(match self.origin {
            Some(known) if (origin - known).abs() <= SNAP_SECS * self.rate_hz => {
                known + (origin - known) * FOLLOW
            }
            _ => origin,
        });
        let correction = ((LEAD_WANTED - f64::from(lead)) * FOLLOW).clamp(-1.0, 6.0);
        self.ahead = (self.ahead + correction).clamp(0.0, AHEAD_MAX);
    }

    /// The tick, and the part of the next, that snapshots show which arrive now.
    #[must_use]
    pub fn shown(&self, now: Duration) -> f64 {
        self.origin.map_or(0.0, |origin| origin + now.as_secs_f64() * self.rate_hz).max(0.0)
    }

    /// The tick for which an input is to be sent now, and up to which the own body is predicted.
    #[must_use]
    pub fn input_tick(&self, now: Duration) -> u32 {
        whole(self.shown(now) + self.ahead)
    }

    /// The tick at which others are drawn: far enough back that mostly two snapshots are known around it, and
    /// no farther, since hosts take targets back by 250 ms at the most.
    #[must_use]
    pub fn others_tick(&self, now: Duration, ticks_per_snapshot: u16) -> u32 {
        whole(self.shown(now) - PERIODS_BEHIND * f64::from(ticks_per_snapshot))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range")]
fn whole(tick: f64) -> u32 {
    tick.clamp(0.0, f64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_follows_jitter_slowly_and_jumps_at_once() {
        let mut clock = HostClock::new(60);
        for step in 0..100_u32 {
            let jitter = if step % 7 == 0 { 20 } else { 0 };
            clock.heard(Duration::from_millis(u64::from(step) * 100 + jitter), step * 6, 2);
        }
        let shown = clock.shown(Duration::from_secs(10));
        assert!((598.0..=600.0).contains(&shown), "{shown}");
        clock.heard(Duration::from_secs(11), 10_000, 2);
        assert!((clock.shown(Duration::from_secs(11)) - 10_000.0).abs() < 0.001);
    }

    #[test]
    fn late_inputs_make_it_run_ahead() {
        let mut clock = HostClock::new(60);
        clock.heard(Duration::ZERO, 600, 0);
        let before = clock.input_tick(Duration::ZERO);
        for _ in 0..20 {
            clock.heard(Duration::ZERO, 600, -6);
        }
        assert!(clock.input_tick(Duration::ZERO) > before + 10);
    }
}
