//! The slots of a view: which are taken. A new entity gets the lowest free one, on both ends.

use domain::limits::ENTITIES_IN_VIEW_MAX;

/// The place of an entity in a view: a small number that stands for it in updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub(crate) u16);

impl Slot {
    /// The slot of this number, which is below [`ENTITIES_IN_VIEW_MAX`].
    #[must_use]
    pub const fn of_index(index: u16) -> Self {
        Self(index)
    }

    /// The slot as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

const WORDS: usize = ENTITIES_IN_VIEW_MAX / 64;

/// Which slots are taken.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Slots([u64; WORDS]);

impl Slots {
    /// Takes the lowest free slot, if there is one.
    pub(crate) fn take_lowest(&mut self) -> Option<Slot> {
        let word = self.0.iter().position(|word| *word != u64::MAX)?;
        let bit = self.0[word].trailing_ones() as usize;
        self.0[word] |= 1 << bit;
        Some(Slot(u16::try_from(word * 64 + bit).expect("slots are 10 bits wide")))
    }

    pub(crate) fn is_full(&self) -> bool {
        self.0.iter().all(|word| *word == u64::MAX)
    }

    pub(crate) fn release(&mut self, slot: Slot) {
        self.0[slot.index() / 64] &= !(1 << (slot.index() % 64));
    }

    pub(crate) fn is_taken(&self, slot: Slot) -> bool {
        self.0.get(slot.index() / 64).is_some_and(|word| word >> (slot.index() % 64) & 1 == 1)
    }
}
