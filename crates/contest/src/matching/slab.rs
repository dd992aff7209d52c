//! The parties that wait, each at a place that does not move. Order and fitness are not known here.

use super::pool::Slot;
use super::ticket::Party;

#[derive(Debug, Default)]
pub(super) struct Slab {
    places: Vec<Option<Party>>,
    free: Vec<Slot>,
}

impl Slab {
    pub(super) fn insert(&mut self, party: Party) -> Slot {
        if let Some(slot) = self.free.pop() {
            self.places[slot as usize] = Some(party);
            return slot;
        }
        self.places.push(Some(party));
        Slot::try_from(self.places.len() - 1).expect("2^32 parties do not fit into memory")
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<Party> {
        let party = self.places.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        Some(party)
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&Party> {
        self.places.get(slot as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut Party> {
        self.places.get_mut(slot as usize)?.as_mut()
    }
}
