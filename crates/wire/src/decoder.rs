//! The client's side of the delta codec: it turns the bodies of `StateUpdate` messages into what is in view.

use std::collections::BTreeMap;

use domain::ids::EntityId;
use domain::limits::ENTITIES_IN_VIEW_MAX;

use crate::bits::{BitReader, BitsError};
use crate::encoder::{
    ARCHETYPE_BITS, COUNT_GROUP, GAP_GROUP, ID_GROUP, KIND_BITS, LEVEL_BITS, NAME_LENGTH_BITS,
};
use crate::state::{EntityKind, EntityState};
use crate::track::Track;

/// Why a body is refused; the view must not be used any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// Cut off, or a number out of range.
    #[error("a snapshot is cut off or holds a number out of range")]
    Bits,
    /// A slot that holds no entity is updated or left.
    #[error("slot {0} is empty")]
    EmptySlot(u32),
    /// An entity enters in a slot that holds one.
    #[error("slot {0} is taken")]
    TakenSlot(u32),
    /// A slot beyond the limit.
    #[error("slot {0} is beyond the limit")]
    SlotRange(u32),
    /// A snapshot out of order.
    #[error("snapshot {got} came where {expected} was due")]
    Sequence {
        /// The one after the last.
        expected: u32,
        /// The one that came.
        got: u32,
    },
    /// A name that is not UTF-8.
    #[error("a name is not UTF-8")]
    Name,
    /// Bytes after the end.
    #[error("bytes follow the end of a snapshot")]
    Trailing,
}

impl From<BitsError> for ViewError {
    fn from(_: BitsError) -> Self {
        Self::Bits
    }
}

/// An entity in view.
#[derive(Debug, Clone)]
pub struct VisibleEntity {
    /// The entity.
    pub entity: EntityId,
    /// What it is.
    pub kind: EntityKind,
    /// Which sort of its kind.
    pub archetype: u8,
    /// Its level when it came into view.
    pub level: u8,
    /// Its name, empty for most.
    pub name: String,
    track: Track,
}

impl VisibleEntity {
    /// Its newest state.
    #[must_use]
    pub fn state(&self) -> &EntityState {
        self.track.last()
    }
}

/// What one snapshot changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ViewChanges {
    /// Entities that came into view.
    pub entered: Vec<EntityId>,
    /// Entities that left it.
    pub left: Vec<EntityId>,
    /// How many entities were updated.
    pub updated: usize,
}

/// What a player has in view.
#[derive(Debug, Default)]
pub struct View {
    slots: BTreeMap<u32, VisibleEntity>,
    sequence: u32,
}

impl View {
    /// The snapshot that the view shows; to be acknowledged with the next input.
    #[must_use]
    pub fn sequence(&self) -> u32 {
        self.sequence
    }

    /// Everything in view, by slot.
    pub fn entities(&self) -> impl ExactSizeIterator<Item = &VisibleEntity> {
        self.slots.values()
    }

    /// Applies the body of snapshot `sequence`, encoded against the acknowledged snapshot `baseline`.
    pub fn apply(&mut self, sequence: u32, baseline: u32, body: &[u8]) -> Result<ViewChanges, ViewError> {
        if sequence != self.sequence + 1 {
            return Err(ViewError::Sequence { expected: self.sequence + 1, got: sequence });
        }
        let mut bits = BitReader::new(body);
        let mut changes = ViewChanges::default();
        self.read_leaves(&mut bits, &mut changes)?;
        self.read_updates(sequence, baseline, &mut bits, &mut changes)?;
        self.read_enters(sequence, &mut bits, &mut changes)?;
        if !bits.is_done() {
            return Err(ViewError::Trailing);
        }
        self.sequence = sequence;
        Ok(changes)
    }

    fn read_leaves(&mut self, bits: &mut BitReader<'_>, changes: &mut ViewChanges) -> Result<(), ViewError> {
        let mut next = 0;
        for _ in 0..bits.varying(COUNT_GROUP)? {
            let slot = read_gap(&mut next, bits)?;
            let gone = self.slots.remove(&slot).ok_or(ViewError::EmptySlot(slot))?;
            changes.left.push(gone.entity);
        }
        Ok(())
    }

    fn read_updates(
        &mut self,
        sequence: u32,
        baseline: u32,
        bits: &mut BitReader<'_>,
        changes: &mut ViewChanges,
    ) -> Result<(), ViewError> {
        let mut next = 0;
        for _ in 0..bits.varying(COUNT_GROUP)? {
            let slot = read_gap(&mut next, bits)?;
            let entity = self.slots.get_mut(&slot).ok_or(ViewError::EmptySlot(slot))?;
            let state = EntityState::read_changes(entity.track.baseline(baseline), bits)?;
            entity.track.push(sequence, state);
            changes.updated += 1;
        }
        Ok(())
    }

    fn read_enters(
        &mut self,
        sequence: u32,
        bits: &mut BitReader<'_>,
        changes: &mut ViewChanges,
    ) -> Result<(), ViewError> {
        for _ in 0..bits.varying(COUNT_GROUP)? {
            let slot = checked_slot(bits.varying(COUNT_GROUP)?)?;
            let entity = read_entity(sequence, bits)?;
            changes.entered.push(entity.entity);
            if self.slots.insert(slot, entity).is_some() {
                return Err(ViewError::TakenSlot(slot));
            }
        }
        Ok(())
    }
}

fn read_gap(next: &mut u32, bits: &mut BitReader<'_>) -> Result<u32, ViewError> {
    let slot = checked_slot(next.checked_add(bits.varying(GAP_GROUP)?).ok_or(ViewError::Bits)?)?;
    *next = slot + 1;
    Ok(slot)
}

fn checked_slot(slot: u32) -> Result<u32, ViewError> {
    if (slot as usize) < ENTITIES_IN_VIEW_MAX { Ok(slot) } else { Err(ViewError::SlotRange(slot)) }
}

fn read_entity(sequence: u32, bits: &mut BitReader<'_>) -> Result<VisibleEntity, ViewError> {
    let entity = EntityId(bits.varying(ID_GROUP)?);
    let kind = EntityKind::from_bits(bits.bits(KIND_BITS)?).ok_or(ViewError::Bits)?;
    let archetype = u8::try_from(bits.bits(ARCHETYPE_BITS)?).map_err(|_| ViewError::Bits)?;
    let level = u8::try_from(bits.bits(LEVEL_BITS)?).map_err(|_| ViewError::Bits)?;
    let length = bits.bits(NAME_LENGTH_BITS)?;
    let mut name = Vec::with_capacity(length as usize);
    for _ in 0..length {
        name.push(u8::try_from(bits.bits(8)?).map_err(|_| ViewError::Bits)?);
    }
    let name = String::from_utf8(name).map_err(|_| ViewError::Name)?;
    let state = EntityState::read_whole(bits)?;
    Ok(VisibleEntity { entity, kind, archetype, level, name, track: Track::starting(sequence, state) })
}
