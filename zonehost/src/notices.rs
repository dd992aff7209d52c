//! The pace of notices to one connection: they come beside the budget of snapshots, so they have one of their own.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc;

/// Bytes per second in the long run, IP packets counted, and how many seconds' worth may come at once after a pause:
/// a lively chat, and a screenful of it.
const BYTES_PER_SECOND: u32 = 2_000;
const BURST: Duration = Duration::from_secs(4);

/// Notices for a connection, not faster than it may be sent them. What comes faster waits, and is left out when too
/// much waits.
pub(crate) struct Notices {
    waiting: mpsc::Receiver<Bytes>,
    pace: Pace,
}

impl Notices {
    pub(crate) fn new(waiting: mpsc::Receiver<Bytes>, now: Instant) -> Self {
        Self { waiting, pace: Pace { paid_until: now } }
    }

    /// The next notice; `None` when no more can come. Safe to be dropped while it waits.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        tokio::time::sleep_until(self.pace.free_at().into()).await;
        let notice = self.waiting.recv().await?;
        self.pace.charge(notice.len(), Instant::now());
        Some(notice)
    }
}

struct Pace {
    /// What was sent is paid for by then.
    paid_until: Instant,
}

impl Pace {
    /// When the next may be sent.
    fn free_at(&self) -> Instant {
        self.paid_until.checked_sub(BURST).unwrap_or(self.paid_until)
    }

    fn charge(&mut self, bytes: usize, now: Instant) {
        let bytes = wire::frame::wire_bytes(u32::try_from(bytes).unwrap_or(u32::MAX / 2));
        self.paid_until = self.paid_until.max(now) + Duration::from_secs(1) * bytes / BYTES_PER_SECOND;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let start = Instant::now();
        let mut pace = Pace { paid_until: start };
        // 344 bytes are 400 on the wire: 20 fill the burst, and one more runs out with it.
        let sent = |pace: &mut Pace, now: Instant| {
            let mut sent = 0;
            while pace.free_at() <= now {
                pace.charge(344, now);
                sent += 1;
            }
            sent
        };
        assert_eq!(sent(&mut pace, start), 21);
        assert_eq!(sent(&mut pace, start + Duration::from_millis(100)), 0);
        assert_eq!(sent(&mut pace, start + Duration::from_millis(2_100)), 10);
        assert_eq!(sent(&mut pace, start + Duration::from_secs(1_000)), 21, "a pause earns one burst");
    }

    #[tokio::test]
    async fn what_waits_is_not_lost() {
        let (tx, rx) = mpsc::channel(3);
        let mut notices = Notices::new(rx, Instant::now());
        for number in 0..3 {
            tx.try_send(Bytes::from(vec![number])).expect("room");
        }
        drop(tx);
        for number in 0..3 {
            assert_eq!(notices.next().await.as_deref(), Some([number].as_slice()));
        }
        assert_eq!(notices.next().await, None);
    }
}
