//! Entities and the table that keeps them.

use domain::fixed::{Heading, Vec2};
use domain::ids::EntityId;
use domain::movement::{Build, Motion};
use domain::time::Tick;
use wire::state::{Action, EntityKind, EntityState};

use crate::player::Seat;

/// Things an entity can do again only after a while.
pub const ABILITIES: usize = domain::limits::ABILITIES_PER_BODY_MAX;

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
    /// Of a projectile that has just been shot: the tick at which its shooter saw the others. It flies through
    /// the ticks since then at once.
    pub shot_at: Option<Tick>,
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
    /// A point to walk to before the goal, since something stands between.
    pub detour: Option<Vec2>,
    /// Until when the detour holds.
    pub detour_until: Tick,
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
            shot_at: None,
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
        let (vx, vy) = EntityState::quantise_velocity(self.velocity);
        EntityState {
            x,
            y,
            vx,
            vy,
            heading: self.heading.0.to_be_bytes()[0],
            health: u8::try_from(percent).expect("a percentage"),
            action: self.action,
        }
    }
}

impl Entity {
    /// What its body can do.
    #[must_use]
    pub fn build(&self) -> Build {
        Build { radius: self.radius, speed_max: self.speed_max, acceleration: self.acceleration }
    }

    /// How it moves.
    #[must_use]
    pub fn motion(&self) -> Motion {
        Motion { position: self.position, velocity: self.velocity, remainder: self.remainder }
    }

    /// Moves it.
    pub fn set_motion(&mut self, motion: Motion) {
        Motion { position: self.position, velocity: self.velocity, remainder: self.remainder } = motion;
    }
}

/// The largest radius of a body, in 1/256 m: so far beyond a point is looked for whom something touches there.
pub const BODY_RADIUS_MAX: i32 = 512;

/// Most entities of a zone: the low bits of an id.
pub const ENTITIES_MAX: usize = 1 << INDEX_BITS;
const INDEX_BITS: u32 = 16;

/// All entities of a zone. Each keeps its index for life; the index of one that is gone is used again, with
/// another id.
#[derive(Debug, Clone, Default)]
pub struct Entities {
    all: Vec<Option<Entity>>,
    /// How often each index was used.
    generations: Vec<u16>,
    /// Free indices; the last one is used next.
    free: Vec<u32>,
    /// To be taken out at the end of the tick: a list, and by index.
    marked: Vec<u32>,
    is_marked: Vec<bool>,
}

/// The index of an entity, if it is (still) there.
#[must_use]
pub const fn index_of_id(id: EntityId) -> usize {
    id.0 as usize & (ENTITIES_MAX - 1)
}

impl Entities {
    /// Adds an entity and gives it an id; returns its index.
    pub fn spawn(&mut self, mut entity: Entity) -> usize {
        let index = self.free.pop().map_or(self.all.len(), |free| free as usize);
        if index == self.all.len() {
            assert!(index < ENTITIES_MAX, "a zone holds at most {ENTITIES_MAX} entities");
            self.all.push(None);
            self.generations.push(0);
            self.is_marked.push(false);
        }
        // The generation 0 is left out: no entity has the id 0.
        let generation = self.generations[index].checked_add(1).unwrap_or(1);
        self.generations[index] = generation;
        let low = u32::try_from(index).expect("asserted above");
        entity.id = EntityId(u32::from(generation) << INDEX_BITS | low);
        self.all[index] = Some(entity);
        index
    }

    /// Marks an entity to be taken out at the end of the tick.
    pub fn mark_removed(&mut self, index: usize) {
        if !std::mem::replace(&mut self.is_marked[index], true) {
            self.marked.push(u32::try_from(index).expect("indices are small"));
        }
    }

    /// Whether an entity is marked to be taken out.
    #[must_use]
    pub fn is_marked(&self, index: usize) -> bool {
        self.is_marked[index]
    }

    /// Takes the marked entities out.
    pub fn remove_marked(&mut self) {
        for index in self.marked.drain(..) {
            self.all[index as usize] = None;
            self.is_marked[index as usize] = false;
            self.free.push(index);
        }
    }

    /// The index of an entity, if it is there.
    #[must_use]
    pub fn index_of(&self, id: EntityId) -> Option<usize> {
        let index = index_of_id(id);
        self.get(index).is_some_and(|entity| entity.id == id).then_some(index)
    }

    /// The entity with this id.
    #[must_use]
    pub fn find(&self, id: EntityId) -> Option<&Entity> {
        self.get(index_of_id(id)).filter(|entity| entity.id == id)
    }

    /// The entity at an index, if there is one.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Entity> {
        self.all.get(index)?.as_ref()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len() - self.free.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All indices are below this; not every one is in use.
    #[must_use]
    pub fn index_end(&self) -> usize {
        self.all.len()
    }

    /// All, with their indices, in the order of these.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Entity)> + Clone {
        (0..).zip(&self.all).filter_map(|(index, entity)| Some((index, entity.as_ref()?)))
    }

    /// All, in the order of their indices.
    pub fn all(&self) -> impl Iterator<Item = &Entity> {
        self.all.iter().flatten()
    }

    /// All, in the order of their indices.
    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut Entity> {
        self.all.iter_mut().flatten()
    }

    /// What decides the ids to come: how often indices were used, and which are free.
    pub(crate) fn allocation(&self) -> (&[u16], &[u32]) {
        (&self.generations, &self.free)
    }
}

impl std::ops::Index<usize> for Entities {
    type Output = Entity;

    fn index(&self, index: usize) -> &Entity {
        self.all[index].as_ref().expect("the index is in use")
    }
}

impl std::ops::IndexMut<usize> for Entities {
    fn index_mut(&mut self, index: usize) -> &mut Entity {
        self.all[index].as_mut().expect("the index is in use")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_used_again_with_other_ids() {
        let mut entities = Entities::default();
        for _ in 0..10 {
            entities.spawn(Entity::new(EntityKind::Monster, 0, Vec2::ZERO));
        }
        let third = entities[3].id;
        for index in [3, 0, 3, 9] {
            entities.mark_removed(index);
        }
        assert_eq!(entities.index_of(third), Some(3), "it is there until the end of the tick");
        entities.remove_marked();
        assert_eq!((entities.len(), entities.index_of(third)), (7, None));
        let indices: Vec<u32> = entities.iter().map(|(index, _)| index).collect();
        assert_eq!(indices, [1, 2, 4, 5, 6, 7, 8]);
        let again: Vec<usize> =
            (0..4).map(|_| entities.spawn(Entity::new(EntityKind::Monster, 0, Vec2::ZERO))).collect();
        assert_eq!(again, [9, 0, 3, 10]);
        assert!(entities[3].id != third && entities.find(third).is_none());
        assert_eq!(entities.index_of(entities[3].id), Some(3));
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
