//! Where everything was in the last ticks, so that who shoots hits what they saw.

use domain::fixed::{Vec2, metres};
use domain::ids::EntityId;
use domain::time::Tick;

use crate::entity::{Entities, index_of_id};

/// How far back a player's view of the others is believed, in milliseconds.
pub const REWIND_MILLIS_MAX: u32 = 250;

/// A body gets no farther than this within that time, in 1/256 m: 16 m/s.
pub const REWIND_REACH: i32 = metres(4);

/// The places of all entities at the end of each of the last ticks.
#[derive(Debug, Default)]
pub struct History {
    /// By tick modulo their number; in each, by index.
    ticks: Vec<Vec<(EntityId, Vec2)>>,
    newest: Tick,
}

impl History {
    pub(crate) fn new(rate_hz: u32) -> Self {
        let ticks = (rate_hz * REWIND_MILLIS_MAX).div_ceil(1_000) + 1;
        Self { ticks: vec![Vec::new(); ticks as usize], newest: Tick(0) }
    }

    /// Notes where all are at the end of `now`.
    pub(crate) fn note(&mut self, now: Tick, entities: &Entities) {
        self.newest = now;
        let places = self.places_mut(now);
        places.clear();
        places.resize(entities.index_end(), (EntityId(0), Vec2::ZERO));
        for (index, entity) in entities.iter() {
            places[index as usize] = (entity.id, entity.position);
        }
    }

    /// The oldest tick that is believed when the newest one is over.
    #[must_use]
    pub fn oldest(&self) -> Tick {
        Tick(self.newest.0.saturating_sub(u32::try_from(self.ticks.len() - 1).expect("few")))
    }

    /// Where an entity was at the end of `tick`; `None` if it was not there or that is too long ago.
    #[must_use]
    pub fn place(&self, entity: EntityId, tick: Tick) -> Option<Vec2> {
        if tick < self.oldest() || tick > self.newest {
            return None;
        }
        let places = &self.ticks[tick.0 as usize % self.ticks.len()];
        let (id, place) = places.get(index_of_id(entity))?;
        (*id == entity).then_some(*place)
    }

    fn places_mut(&mut self, tick: Tick) -> &mut Vec<(EntityId, Vec2)> {
        let index = tick.0 as usize % self.ticks.len();
        &mut self.ticks[index]
    }
}

#[cfg(test)]
mod tests {
    use wire::state::EntityKind;

    use super::*;
    use crate::entity::Entity;

    #[test]
    fn a_quarter_of_a_second_is_remembered() {
        let mut entities = Entities::default();
        let mut history = History::new(30);
        let index = entities.spawn(Entity::new(EntityKind::Monster, 0, Vec2::ZERO));
        let id = entities[index].id;
        for tick in 1..100 {
            entities[index].position.x = tick;
            history.note(Tick(tick.unsigned_abs()), &entities);
        }
        assert_eq!(history.place(id, Tick(99)), Some(Vec2::new(99, 0)));
        assert_eq!(history.place(id, Tick(91)), Some(Vec2::new(91, 0)));
        assert_eq!(history.place(id, Tick(90)), None, "over 250 ms ago");
        assert_eq!(history.place(id, Tick(100)), None);
        entities.mark_removed(index);
        entities.remove_marked();
        entities.spawn(Entity::new(EntityKind::Monster, 0, Vec2::ZERO));
        history.note(Tick(100), &entities);
        assert_eq!(history.place(id, Tick(100)), None, "another has its index now");
        assert_eq!(history.place(id, Tick(99)), Some(Vec2::new(99, 0)));
    }
}
