//! The limit on how many messages a client may send.

use std::time::Instant;

use domain::limits::INPUTS_PER_SECOND_MAX;

/// Messages that may come at once after a pause: two seconds' worth, for a client whose packets were held up.
const BURST: u32 = 2 * INPUTS_PER_SECOND_MAX;

/// A token bucket in thousandths of a message.
#[derive(Debug)]
pub(crate) struct MessageBudget {
    left_milli: u64,
    filled_at: Instant,
}

impl MessageBudget {
    pub(crate) fn new(now: Instant) -> Self {
        Self { left_milli: u64::from(BURST) * 1_000, filled_at: now }
    }

    /// Takes one message out of the budget; false if there is none left.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let millis =
            u64::try_from(now.saturating_duration_since(self.filled_at).as_millis()).unwrap_or(u64::MAX);
        if millis > 0 {
            let gained = millis.saturating_mul(INPUTS_PER_SECOND_MAX.into());
            self.left_milli = self.left_milli.saturating_add(gained).min(u64::from(BURST) * 1_000);
            self.filled_at = now;
        }
        if self.left_milli < 1_000 {
            return false;
        }
        self.left_milli -= 1_000;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let start = Instant::now();
        let mut budget = MessageBudget::new(start);
        assert!((0..BURST).all(|_| budget.take(start)));
        assert!(!budget.take(start));
        let later = start + Duration::from_millis(500);
        assert!((0..INPUTS_PER_SECOND_MAX / 2).all(|_| budget.take(later)));
        assert!(!budget.take(later));
    }
}
