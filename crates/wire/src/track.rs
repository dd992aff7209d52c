//! What one side remembers of one entity in a view: the states of the last few updates, so that both sides
//! find the same baseline for an acknowledged snapshot.

use crate::state::EntityState;

/// States kept: at 10 snapshots a second, an acknowledgement may be 0.8 s late before whole states are sent.
const KEPT: usize = 8;

/// The last states sent (by the host) or received (by the client), oldest first.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Track {
    sequences: [u32; KEPT],
    states: [EntityState; KEPT],
    len: u8,
}

impl Track {
    /// The track of an entity that came into view in snapshot `sequence`.
    pub(crate) fn starting(sequence: u32, state: EntityState) -> Self {
        let mut track = Self::default();
        track.push(sequence, state);
        track
    }

    /// Remembers the state of snapshot `sequence`; the oldest is forgotten when there is no room.
    pub(crate) fn push(&mut self, sequence: u32, state: EntityState) {
        let mut len = usize::from(self.len);
        if len == KEPT {
            self.sequences.copy_within(1.., 0);
            self.states.copy_within(1.., 0);
            len -= 1;
        }
        self.sequences[len] = sequence;
        self.states[len] = state;
        self.len = u8::try_from(len + 1).expect("KEPT is small");
    }

    /// The newest state.
    pub(crate) fn last(&self) -> &EntityState {
        &self.states[usize::from(self.len).saturating_sub(1)]
    }

    /// The newest state of a snapshot up to `acknowledged`, if it is still remembered.
    pub(crate) fn baseline(&self, acknowledged: u32) -> Option<&EntityState> {
        let len = usize::from(self.len);
        let index = self.sequences[..len].iter().rposition(|sequence| *sequence <= acknowledged)?;
        Some(&self.states[index])
    }
}
