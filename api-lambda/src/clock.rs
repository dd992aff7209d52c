//! The wall clock and the machine's randomness, read here only. It knows nothing of what they are for.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use domain::time::UnixMillis;

/// The time now.
pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis::new(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Until when a piece of work may begin another part of itself: soon enough for the answer to come in time. Work that
/// goes on in another call looks at it after each part and not before the first, so that every call gets on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn after(duration: Duration) -> Self {
        Self(Instant::now() + duration)
    }

    pub(crate) fn is_over(self) -> bool {
        Instant::now() >= self.0
    }
}

/// A random number below this one: where a walk begins that must not keep the same last each time.
pub(crate) fn random_below(end: usize) -> usize {
    let number = random_u128() % u128::try_from(end.max(1)).unwrap_or(1);
    usize::try_from(number).unwrap_or(0)
}

/// 128 bits that nobody can guess.
pub(crate) fn random_u128() -> u128 {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    u128::from_le_bytes(bytes)
}
