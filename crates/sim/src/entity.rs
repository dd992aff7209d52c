//! Entities and the store that keeps them in the order of their ids.

use domain::fixed::{Heading, Vec2};
use domain::ids::EntityId;
use domain::time::Tick;
use wire::state::{Action, EntityKind, EntityState};

use crate::player::Seat;

/// Things an entity can do again only after a while: strike and shoot.
pub const ABILITIES: usize = 2;

/// Anything that has a place in the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// Given by [`Entities::spawn`].
    pub id: EntityId,
    /// What it is.
    pub kind: EntityKind,
    /// Which sort of its kind.
    pub archetype: u8,
    /// Its level.
    pub level: u8,
    /// Where it is, in 1/256 m.
    pub position: Vec2,
    /// In 1/256 m per second.
    pub velocity: Vec2,
    /// What the last steps left over, in 1/256 m times the tick rate.
    pub remainder: Vec2,
    /// Where it looks.
    pub heading: Heading,
    /// Half its width, in 1/256 m.
    pub radius: i32,
    /// 0 is dead.
    pub health: i32,
    /// The most `health` can be.
    pub health_max: i32,
    /// The velocity that it wants, in 1/256 m per second.
    pub intent: Vec2,
    /// The most it can go, in 1/256 m per second.
    pub speed_max: i32,
    /// How fast its velocity can change, in 1/256 m per second and second.
    pub acceleration: i32,
    /// What it does.
    pub action: Action,
    /// When `action` ends and it stands or walks again.
    pub action_until: Tick,
    /// When each ability can be used again.
    pub ready_at: [Tick; ABILITIES],
    /// The player whose body it is.
    pub seat: Option<Seat>,
    /// Who made it: the shooter of a projectile.
    pub owner: Option<EntityId>,
    /// When it goes by itself.
    pub expires: Option<Tick>,
    /// What its artificial mind is at, for the rules to use.
    pub mind: Mind,
}

/// The artificial mind of a monster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mind {
    /// What it is at.
    pub mood: Mood,
    /// Where it lives, in 1/256 m.
    pub home: Vec2,
    /// Where it goes, in 1/256 m.
    pub goal: Vec2,
    /// Whom it is after.
    pub target: Option<EntityId>,
    /// When it thinks of something else.
    pub until: Tick,
}

/// What a monster is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Mood {
    /// Stands about.
    #[default]
    Idle,
    /// Walks to a place near its home.
    Patrol,
    /// Runs after its target, and attacks it when near.
    Chase,
    /// Goes home, too far from it to go on.
    Return,
}

impl Entity {
    /// An entity of this kind at a place, with nothing else to it.
    #[must_use]
    pub fn new(kind: EntityKind, archetype: u8, position: Vec2) -> Self {
        Self {
            id: EntityId(0),
            kind,
            archetype,
            level: 1,
            position,
            velocity: Vec2::ZERO,
            remainder: Vec2::ZERO,
            heading: Heading(0),
            radius: 0,
            health: 1,
            health_max: 1,
            intent: Vec2::ZERO,
            speed_max: 0,
            acceleration: 0,
            action: Action::Idle,
            action_until: Tick(0),
            ready_at: [Tick(0); ABILITIES],
            seat: None,
            owner: None,
            expires: None,
            mind: Mind::default(),
        }
    }

    /// Whether it can move, act and be hurt.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.health > 0
    }

    /// What players see of it.
    #[must_use]
    pub fn visible_state(&self) -> EntityState {
        let (x, y) = EntityState::quantise(self.position);
        let percent = (i64::from(self.health.max(0)) * 100).div_euclid(i64::from(self.health_max.max(1)));
        // Who lives shows at least one percent.
        let percent = percent.clamp(i64::from(self.health > 0), 100);
        EntityState {
            x,
            y,
            heading: self.heading.0.to_be_bytes()[0],
            health: u8::try_from(percent).expect("a percentage"),
            action: self.action,
        }
    }
}

/// All entities of a zone, in the order of their ids. Indices hold until the next [`Self::remove_marked`],
/// once a tick; new entities come at the end.
#[derive(Debug, Clone, Default)]
pub struct Entities {
    all: Vec<Entity>,
    removed: Vec<usize>,
    last_id: u32,
}

impl Entities {
    /// Adds an entity and gives it the next id; returns its index.
    pub fn spawn(&mut self, mut entity: Entity) -> usize {
        self.last_id += 1;
        entity.id = EntityId(self.last_id);
        self.all.push(entity);
        self.all.len() - 1
    }

    /// Marks an entity to be taken out at the end of the tick.
    pub fn mark_removed(&mut self, index: usize) {
        if !self.removed.contains(&index) {
            self.removed.push(index);
        }
    }

    /// Whether an entity is marked to be taken out.
    #[must_use]
    pub fn is_marked(&self, index: usize) -> bool {
        self.removed.contains(&index)
    }

    /// Takes the marked entities out. Indices change.
    pub fn remove_marked(&mut self) {
        if self.removed.is_empty() {
            return;
        }
        self.removed.sort_unstable();
        let mut next_removed = self.removed.iter().copied().peekable();
        let mut index = 0;
        self.all.retain(|_| {
            let gone = next_removed.next_if_eq(&index).is_some();
            index += 1;
            !gone
        });
        self.removed.clear();
    }

    /// The index of an entity, if it is there.
    #[must_use]
    pub fn index_of(&self, id: EntityId) -> Option<usize> {
        self.all.binary_search_by_key(&id, |entity| entity.id).ok()
    }

    /// The entity with this id.
    #[must_use]
    pub fn find(&self, id: EntityId) -> Option<&Entity> {
        self.index_of(id).map(|index| &self.all[index])
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All, in the order of their ids.
    pub fn all(&self) -> std::slice::Iter<'_, Entity> {
        self.all.iter()
    }

    /// All, in the order of their ids.
    pub fn all_mut(&mut self) -> std::slice::IterMut<'_, Entity> {
        self.all.iter_mut()
    }
}

impl std::ops::Index<usize> for Entities {
    type Output = Entity;

    fn index(&self, index: usize) -> &Entity {
        &self.all[index]
    }
}

impl std::ops::IndexMut<usize> for Entities {
    fn index_mut(&mut self, index: usize) -> &mut Entity {
        &mut self.all[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_and_are_found_after_removals() {
        let mut entities = Entities::default();
        for _ in 0..10 {
            entities.spawn(Entity::new(EntityKind::Monster, 0, Vec2::ZERO));
        }
        for index in [3, 0, 3, 9] {
            entities.mark_removed(index);
        }
        entities.remove_marked();
        let ids: Vec<u32> = entities.all().map(|entity| entity.id.0).collect();
        assert_eq!(ids, [2, 3, 5, 6, 7, 8, 9]);
        assert_eq!(entities.index_of(EntityId(5)), Some(2));
        assert_eq!(entities.index_of(EntityId(4)), None);
        let index = entities.spawn(Entity::new(EntityKind::Monster, 0, Vec2::ZERO));
        assert_eq!((index, entities[index].id), (7, EntityId(11)));
    }

    #[test]
    fn who_lives_shows_health() {
        let mut entity =
            Entity { health: 1, health_max: 1_000, ..Entity::new(EntityKind::Monster, 0, Vec2::ZERO) };
        assert_eq!(entity.visible_state().health, 1);
        entity.health = 0;
        assert_eq!(entity.visible_state().health, 0);
        entity.health = 1_000;
        assert_eq!(entity.visible_state().health, 100);
    }
}
