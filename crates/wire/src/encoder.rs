//! The host's side of the delta codec: one encoder for each player, which knows what that player has in view,
//! under which slots, and what was last sent of each.

use domain::ids::EntityId;
use domain::limits::ENTITIES_IN_VIEW_MAX;

use crate::bits::BitWriter;
use crate::state::{EntityKind, EntityState};
use crate::track::Track;

/// Bits in a group of slot gaps, counts and ids.
pub(crate) const GAP_GROUP: u32 = 2;
pub(crate) const COUNT_GROUP: u32 = 4;
pub(crate) const ID_GROUP: u32 = 7;
pub(crate) const KIND_BITS: u32 = 3;
pub(crate) const ARCHETYPE_BITS: u32 = 8;
pub(crate) const LEVEL_BITS: u32 = 7;
pub(crate) const NAME_LENGTH_BITS: u32 = 7;
/// Bytes of a name on the wire.
pub const NAME_BYTES_MAX: usize = (1 << NAME_LENGTH_BITS) - 1;

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

/// The place of an entity in a view: a small number that stands for it in updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u16);

/// An acknowledgement of a snapshot that was never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("snapshot {acknowledged} was acknowledged, but {sent} is the last one sent")]
pub struct AheadOfSnapshots {
    /// What the client claims to have.
    pub acknowledged: u32,
    /// What it can have at most.
    pub sent: u32,
}

/// Encodes the view of one player. Slots are given out here; which entities are in view is the caller's to
/// decide. Order of calls for one snapshot: [`Self::leave`]s and [`Self::enter`]s in any number, then
/// [`Self::encode`].
#[derive(Debug, Default)]
pub struct ViewEncoder {
    /// By slot; `None` where the slot is free.
    tracks: Vec<Option<Track>>,
    free: Vec<Slot>,
    left: Vec<Slot>,
    sent: u32,
    acknowledged: u32,
}

/// Memory for encoding, shared by all players of a zone.
#[derive(Debug, Default)]
pub struct EncodeBuffers {
    bits: BitWriter,
    changed: Vec<(Slot, EntityState)>,
}

impl ViewEncoder {
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

    /// Gives a slot to an entity that comes into view; `None` if the view is full. Its description must be
    /// among the `enters` of the next [`Self::encode`].
    pub fn enter(&mut self) -> Option<Slot> {
        if let Some(slot) = self.free.pop() {
            return Some(slot);
        }
        if self.tracks.len() >= ENTITIES_IN_VIEW_MAX {
            return None;
        }
        self.tracks.push(None);
        Some(Slot(u16::try_from(self.tracks.len() - 1).expect("a view is small")))
    }

    /// Takes an entity out of view. Its slot is free from the next snapshot on.
    pub fn leave(&mut self, slot: Slot) {
        self.tracks[usize::from(slot.0)] = None;
        self.left.push(slot);
    }

    /// Writes the next snapshot: who left, who came, and what changed of `staying`. Returns the bytes and
    /// the number of entities updated.
    pub fn encode<'b, 'd>(
        &mut self,
        enters: impl ExactSizeIterator<Item = (Slot, Description<'d>, EntityState)>,
        staying: impl Iterator<Item = (Slot, EntityState)>,
        buffers: &'b mut EncodeBuffers,
    ) -> (&'b [u8], usize) {
        self.sent += 1;
        let EncodeBuffers { bits, changed } = buffers;
        bits.clear();
        self.left.sort_unstable();
        write_slots(self.left.iter().copied(), self.left.len(), bits);
        self.free.append(&mut self.left);

        changed.clear();
        for (slot, state) in staying {
            let track = self.tracks[usize::from(slot.0)].as_ref().expect("who stays has entered");
            if *track.last() != state {
                changed.push((slot, state));
            }
        }
        changed.sort_unstable_by_key(|(slot, _)| *slot);
        write_count(changed.len(), bits);
        let mut next = 0;
        for (slot, state) in &*changed {
            write_gap(*slot, &mut next, bits);
            let track = self.tracks[usize::from(slot.0)].as_mut().expect("who stays has entered");
            state.write_changes(track.baseline(self.acknowledged), bits);
            track.push(self.sent, *state);
        }

        write_count(enters.len(), bits);
        for (slot, description, state) in enters {
            bits.varying(slot.0.into(), COUNT_GROUP);
            write_description(&description, bits);
            state.write_whole(bits);
            self.tracks[usize::from(slot.0)] = Some(Track::starting(self.sent, state));
        }
        (bits.finish(), changed.len())
    }
}

fn write_count(count: usize, bits: &mut BitWriter) {
    bits.varying(u32::try_from(count).expect("a view is small"), COUNT_GROUP);
}

/// Writes how far `slot` is behind the slot before it.
fn write_gap(slot: Slot, next: &mut u16, bits: &mut BitWriter) {
    bits.varying((slot.0 - *next).into(), GAP_GROUP);
    *next = slot.0 + 1;
}

fn write_slots(slots: impl Iterator<Item = Slot>, count: usize, bits: &mut BitWriter) {
    write_count(count, bits);
    let mut next = 0;
    for slot in slots {
        write_gap(slot, &mut next, bits);
    }
}

fn write_description(description: &Description<'_>, bits: &mut BitWriter) {
    bits.varying(description.entity.0, ID_GROUP);
    bits.bits(description.kind as u32, KIND_BITS);
    bits.bits(description.archetype.into(), ARCHETYPE_BITS);
    bits.bits(u32::from(description.level).min((1 << LEVEL_BITS) - 1), LEVEL_BITS);
    let name = description.name.as_bytes();
    let length = name.len().min(NAME_BYTES_MAX);
    bits.bits(u32::try_from(length).expect("a name is short"), NAME_LENGTH_BITS);
    for byte in &name[..length] {
        bits.bits((*byte).into(), 8);
    }
}

#[cfg(test)]
mod tests;
