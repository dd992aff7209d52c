//! The host's side of the delta codec: one encoder for each player, which knows what that player has in view,
//! under which slots, and what was last told of each.

use domain::ids::EntityId;
use domain::limits::ENTITIES_IN_VIEW_MAX;

use crate::coder::{Coder as _, RangeEncoder};
use crate::snapshot::{Header, Models, Nature};
use crate::state::{EntityKind, EntityState};
use crate::track::Track;

pub use crate::slots::Slot;
use crate::slots::Slots;

/// Bytes of a name on the wire.
pub const NAME_BYTES_MAX: usize = 127;
/// By so many bytes a body may be over its limit: what was begun is finished, and a decision costs at most
/// 10 bits. An entity that enters has the most of them, and its name.
pub const OVERSHOOT_BYTES_MAX: u32 = 256;

/// Entities that leave a view at a time for which there is memory from the start.
const LEAVING: usize = 64;

/// What a player learns of an entity once, when it comes into view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Description<'a> {
    /// The entity.
    pub entity: EntityId,
    /// What it is.
    pub kind: EntityKind,
    /// Which sort of its kind, by the catalogue.
    pub archetype: u8,
    /// Its level, 0 to 127.
    pub level: u8,
    /// Its name, at most [`NAME_BYTES_MAX`] bytes; empty for most.
    pub name: &'a str,
}

/// An acknowledgement of a snapshot that was never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("snapshot {acknowledged} was acknowledged, but {sent} is the last one sent")]
pub struct AheadOfSnapshots {
    /// What the client claims to have.
    pub acknowledged: u32,
    /// What it can have at most.
    pub sent: u32,
}

/// How far what a client shows of an entity is from what is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deviation {
    /// Along the worse of the axes, in 1/32 m.
    pub steps: u32,
    /// Whether it looks elsewhere.
    pub turned: bool,
    /// Whether health or action are others.
    pub acted: bool,
}

/// About how long a body may get, in bytes; see [`OVERSHOOT_BYTES_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// With what is told of entities in view.
    pub updates: usize,
    /// With those that come into view.
    pub total: usize,
}

/// What became of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoded<'b> {
    /// The body for `StateUpdate`.
    pub body: &'b [u8],
    /// How many of the updates found room, from the first on.
    pub updated: usize,
    /// Bytes that these take of the body, give or take one.
    pub update_bytes: usize,
}

/// Encodes the view of one player. It gives out the slots; which entities are in view, and which of them are
/// told of, is the caller's to decide.
#[derive(Debug, Default)]
pub struct ViewEncoder {
    rate_hz: u16,
    /// By slot; what it holds for a free slot means nothing.
    tracks: Vec<Track>,
    taken: Slots,
    /// Out of view, and not yet told.
    leaving: Vec<Slot>,
    header: Header,
    models: Box<Models>,
    sent: u32,
    acknowledged: u32,
}

/// Memory for encoding, shared by all players of a zone.
#[derive(Debug, Default)]
pub struct EncodeBuffers {
    coder: RangeEncoder,
}

impl ViewEncoder {
    /// An encoder for a client that knows nothing yet.
    #[must_use]
    pub fn new(rate_hz: u16) -> Self {
        Self { rate_hz, leaving: Vec::with_capacity(LEAVING), ..Self::default() }
    }

    /// The sequence of the last snapshot; 0 before the first.
    #[must_use]
    pub fn sent(&self) -> u32 {
        self.sent
    }

    /// The newest snapshot that the client is known to have.
    #[must_use]
    pub fn acknowledged(&self) -> u32 {
        self.acknowledged
    }

    /// Takes the client's word for what it has. Older news than known is ignored.
    pub fn acknowledge(&mut self, sequence: u32) -> Result<(), AheadOfSnapshots> {
        if sequence > self.sent {
            return Err(AheadOfSnapshots { acknowledged: sequence, sent: self.sent });
        }
        self.acknowledged = self.acknowledged.max(sequence);
        Ok(())
    }

    /// How wrong the client is at `tick` about an entity in view.
    #[must_use]
    pub fn deviation(&self, slot: Slot, state: &EntityState, tick: u32) -> Deviation {
        let shown = self.tracks[slot.index()].at(tick, self.rate_hz);
        Deviation {
            steps: shown.x.abs_diff(state.x).max(shown.y.abs_diff(state.y)),
            turned: shown.heading != state.heading,
            acted: (shown.health, shown.action) != (state.health, state.action),
        }
    }

    /// Whether entities can come into view with the next snapshot.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.leaving.is_empty() && !self.taken.is_full()
    }

    /// Takes an entity out of view. Its slot is free once that was told.
    pub fn leave(&mut self, slot: Slot) {
        self.leaving.push(slot);
    }

    /// Writes the next snapshot, of about as many bytes as `limits` say: who left, what changed, and who came. `updates` are in the order of slots. For each of `enters` that finds room,
    /// in their order, `entered` is told the slot.
    pub fn encode<'b, 'd>(
        &mut self,
        header: &Header,
        updates: &[(Slot, EntityState)],
        enters: impl Iterator<Item = (Description<'d>, EntityState)>,
        limits: Limits,
        buffers: &'b mut EncodeBuffers,
        entered: impl FnMut(Slot),
    ) -> Encoded<'b> {
        let coder = &mut buffers.coder;
        coder.clear();
        self.models.header(coder, &self.header, header, self.rate_hz);
        self.header = *header;
        self.write_leaves(limits.total, coder);
        let before = coder.len();
        let updated = self.write_updates(updates, limits.updates, coder);
        let update_bytes = coder.len() - before;
        self.write_enters(enters, limits.total, coder, entered);
        self.sent += 1;
        Encoded { body: coder.finish(), updated, update_bytes }
    }

    fn write_leaves(&mut self, limit: usize, coder: &mut RangeEncoder) {
        self.leaving.sort_unstable();
        let (mut next, mut told) = (0, 0);
        for slot in &self.leaving {
            if coder.len() > limit {
                break;
            }
            Models::slot(&mut self.models.leaves, coder, next, Some(*slot));
            next = u32::from(slot.0) + 1;
            self.taken.release(*slot);
            told += 1;
        }
        Models::slot(&mut self.models.leaves, coder, next, None);
        self.leaving.drain(..told);
    }

    fn write_updates(
        &mut self,
        updates: &[(Slot, EntityState)],
        limit: usize,
        coder: &mut RangeEncoder,
    ) -> usize {
        let (mut next, mut told) = (0, 0);
        for (slot, state) in updates {
            if coder.len() > limit {
                break;
            }
            Models::slot(&mut self.models.updates, coder, next, Some(*slot));
            next = u32::from(slot.0) + 1;
            let track = &mut self.tracks[slot.index()];
            self.models.update(coder, track, state, self.header.tick, self.rate_hz);
            *track = Track { state: *state, tick: self.header.tick };
            told += 1;
        }
        Models::slot(&mut self.models.updates, coder, next, None);
        told
    }

    fn write_enters<'d>(
        &mut self,
        enters: impl Iterator<Item = (Description<'d>, EntityState)>,
        limit: usize,
        coder: &mut RangeEncoder,
        mut entered: impl FnMut(Slot),
    ) {
        // Who is still to leave may be the one who enters: that must be told in this order.
        let room = self.leaving.is_empty();
        for (description, state) in enters {
            if !room || coder.len() > limit {
                break;
            }
            let Some(slot) = self.taken.take_lowest() else { break };
            coder.bit(&mut self.models.enters, true);
            write_description(&mut self.models, &description, coder);
            self.models.first_state(coder, self.header.own.position, &state);
            if self.tracks.len() <= slot.index() {
                self.tracks.resize(slot.index() + 1, Track::default());
            }
            self.tracks[slot.index()] = Track { state, tick: self.header.tick };
            entered(slot);
        }
        coder.bit(&mut self.models.enters, false);
    }
}

fn write_description(models: &mut Models, description: &Description<'_>, coder: &mut RangeEncoder) {
    models.nature(
        coder,
        &Nature {
            id: description.entity.0,
            kind: description.kind as u32,
            archetype: description.archetype.into(),
            level: description.level.min(127).into(),
        },
    );
    let mut length = description.name.len().min(NAME_BYTES_MAX);
    while !description.name.is_char_boundary(length) {
        length -= 1;
    }
    let name = &description.name.as_bytes()[..length];
    models.name_length(coder, u32::try_from(name.len()).expect("a name is short"));
    for byte in name {
        coder.raw((*byte).into(), 8);
    }
}

const _: () = assert!(ENTITIES_IN_VIEW_MAX.is_multiple_of(64), "slots are kept in words of 64");

#[cfg(test)]
mod tests;
