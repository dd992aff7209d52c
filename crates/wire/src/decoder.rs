//! The client's side of the delta codec: it turns the bodies of `StateUpdate` messages into what is in view.

use std::collections::BTreeMap;

use domain::ids::EntityId;
use domain::limits::ENTITIES_IN_VIEW_MAX;

use crate::coder::{Coder as _, RangeDecoder};
use crate::encoder::NAME_BYTES_MAX;
use crate::slots::{Slot, Slots};
use crate::snapshot::{Header, Models, Nature};
use crate::state::{EntityKind, EntityState};
use crate::track::Track;

/// Why a body is refused; the view must not be used any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// A number out of range.
    #[error("a snapshot holds a number out of range")]
    Range,
    /// A slot that holds no entity is updated or left.
    #[error("slot {0} is empty")]
    EmptySlot(u32),
    /// More entities than a view holds.
    #[error("an entity enters a full view")]
    Full,
    /// A name that is not UTF-8.
    #[error("a name is not UTF-8")]
    Name,
    /// Bytes after the end.
    #[error("bytes follow the end of a snapshot")]
    Trailing,
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
    shown: EntityState,
}

impl VisibleEntity {
    /// Its state at the tick of the newest snapshot.
    #[must_use]
    pub fn state(&self) -> &EntityState {
        &self.shown
    }

    /// The tick at which its state was told last.
    #[must_use]
    pub fn told_at(&self) -> u32 {
        self.track.tick
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
    rate_hz: u16,
    slots: BTreeMap<u32, VisibleEntity>,
    taken: Slots,
    header: Header,
    models: Box<Models>,
    sequence: u32,
}

impl View {
    /// An empty view of a zone that ticks at `rate_hz`.
    #[must_use]
    pub fn new(rate_hz: u16) -> Self {
        Self { rate_hz, ..Self::default() }
    }

    /// The snapshot that the view shows; to be acknowledged with the next input.
    #[must_use]
    pub fn sequence(&self) -> u32 {
        self.sequence
    }

    /// What the newest snapshot says beside the entities.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Everything in view, by slot.
    pub fn entities(&self) -> impl ExactSizeIterator<Item = &VisibleEntity> {
        self.slots.values()
    }

    /// Applies the body of the next snapshot.
    pub fn apply(&mut self, body: &[u8]) -> Result<ViewChanges, ViewError> {
        let mut coder = RangeDecoder::new(body);
        let mut changes = ViewChanges::default();
        self.header = self.models.header(&mut coder, &self.header, &Header::default(), self.rate_hz);
        self.read_leaves(&mut coder, &mut changes)?;
        self.read_updates(&mut coder, &mut changes)?;
        self.read_enters(&mut coder, &mut changes)?;
        if !coder.is_done() {
            return Err(ViewError::Trailing);
        }
        self.sequence += 1;
        for entity in self.slots.values_mut() {
            entity.shown = entity.track.at(self.header.tick, self.rate_hz);
        }
        Ok(changes)
    }

    fn read_leaves(
        &mut self,
        coder: &mut RangeDecoder<'_>,
        changes: &mut ViewChanges,
    ) -> Result<(), ViewError> {
        let mut next = 0;
        while let Some(number) = Models::slot(&mut self.models.leaves, coder, next, None) {
            let slot = self.taken_slot(number)?;
            let gone = self.slots.remove(&number).ok_or(ViewError::EmptySlot(number))?;
            self.taken.release(slot);
            changes.left.push(gone.entity);
            next = number + 1;
        }
        Ok(())
    }

    fn read_updates(
        &mut self,
        coder: &mut RangeDecoder<'_>,
        changes: &mut ViewChanges,
    ) -> Result<(), ViewError> {
        let mut next = 0;
        while let Some(number) = Models::slot(&mut self.models.updates, coder, next, None) {
            let entity = self.slots.get_mut(&number).ok_or(ViewError::EmptySlot(number))?;
            let unused = EntityState::default();
            let raw = self.models.update(coder, &entity.track, &unused, self.header.tick, self.rate_hz);
            entity.track = Track { state: raw.checked().ok_or(ViewError::Range)?, tick: self.header.tick };
            changes.updated += 1;
            next = number + 1;
        }
        Ok(())
    }

    fn read_enters(
        &mut self,
        coder: &mut RangeDecoder<'_>,
        changes: &mut ViewChanges,
    ) -> Result<(), ViewError> {
        while coder.bit(&mut self.models.enters, false) {
            let slot = self.taken.take_lowest().ok_or(ViewError::Full)?;
            let entity = self.read_entity(coder)?;
            changes.entered.push(entity.entity);
            self.slots.insert(slot.0.into(), entity);
        }
        Ok(())
    }

    fn taken_slot(&self, number: u32) -> Result<Slot, ViewError> {
        let slot = u16::try_from(number).ok().filter(|number| usize::from(*number) < ENTITIES_IN_VIEW_MAX);
        slot.map(Slot).filter(|slot| self.taken.is_taken(*slot)).ok_or(ViewError::EmptySlot(number))
    }

    fn read_entity(&mut self, coder: &mut RangeDecoder<'_>) -> Result<VisibleEntity, ViewError> {
        let nature = self.models.nature(coder, &Nature::default());
        let length = self.models.name_length(coder, 0);
        if length as usize > NAME_BYTES_MAX {
            return Err(ViewError::Range);
        }
        let bytes = (0..length).map(|_| u8::try_from(coder.raw(0, 8)).expect("8 bits")).collect();
        let raw = self.models.first_state(coder, self.header.own.position, &EntityState::default());
        let state = raw.checked().ok_or(ViewError::Range)?;
        Ok(VisibleEntity {
            entity: EntityId(nature.id),
            kind: EntityKind::from_number(nature.kind).ok_or(ViewError::Range)?,
            archetype: u8::try_from(nature.archetype).map_err(|_| ViewError::Range)?,
            level: u8::try_from(nature.level).map_err(|_| ViewError::Range)?,
            name: String::from_utf8(bytes).map_err(|_| ViewError::Name)?,
            track: Track { state, tick: self.header.tick },
            shown: state,
        })
    }
}
