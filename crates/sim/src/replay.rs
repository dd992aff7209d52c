//! Recording of a run and playing it again: the seed and the inboxes are all there is to it.

use std::sync::Arc;

use crate::content::ZoneContent;
use crate::inbox::Inbox;
use crate::outbox::Outbox;
use crate::rules::Rules;
use crate::zone::Zone;

/// A run of a zone that can be played again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// What the zone was made of at first; what came later is in the inboxes.
    pub content: Arc<ZoneContent>,
    /// The seed of the zone.
    pub seed: u64,
    /// What came in, tick by tick.
    pub inboxes: Vec<Inbox>,
    /// The state hash after each tick.
    pub hashes: Vec<u64>,
}

/// The first tick at which a run went another way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the replay of seed {seed} diverges at tick {tick}: state hash {got:016x} instead of {expected:016x}"
)]
pub struct Divergence {
    /// The seed.
    pub seed: u64,
    /// The tick.
    pub tick: u32,
    /// What was recorded.
    pub expected: u64,
    /// What came out now.
    pub got: u64,
}

impl Recording {
    /// An empty recording of a zone.
    #[must_use]
    pub fn new(content: Arc<ZoneContent>, seed: u64) -> Self {
        Self { content, seed, inboxes: Vec::new(), hashes: Vec::new() }
    }

    /// Notes a tick that was just computed.
    pub fn record(&mut self, inbox: &Inbox, zone: &Zone) {
        self.inboxes.push(inbox.clone());
        self.hashes.push(zone.state_hash());
    }

    /// Plays the run again, with `between` called before each tick, and compares every state.
    pub fn play(&self, rules: Box<dyn Rules>, mut between: impl FnMut()) -> Result<Zone, Divergence> {
        let mut zone = Zone::with_content(Arc::clone(&self.content), rules, self.seed);
        let mut outbox = Outbox::default();
        for ((inbox, expected), tick) in self.inboxes.iter().zip(&self.hashes).zip(1..) {
            between();
            outbox.clear();
            zone.tick(inbox, &mut outbox);
            let got = zone.state_hash();
            if got != *expected {
                return Err(Divergence { seed: self.seed, tick, expected: *expected, got });
            }
        }
        Ok(zone)
    }
}
