//! The authoritative state of a zone, and what rules may do to it.

use std::sync::Arc;

use domain::fixed::Vec2;
use domain::ids::EntityId;
use domain::random::Random;
use domain::terrain::Terrain;
use domain::time::Tick;
use wire::message::{EventKind, GameEvent};

use crate::activity::ActivityMap;
use crate::content::ZoneContent;
use crate::entity::{Entities, Entity};
use crate::grid::Grid;
use crate::history::History;
use crate::outbox::Gain;
use crate::paths::Ways;
use crate::player::{Players, Seat};
use crate::stages::shed::ShedLevel;

/// How long a blow makes foes.
const FIGHT_MILLIS: u32 = 5_000;

/// The authoritative state.
#[derive(Debug)]
pub struct World {
    /// The tick that is being computed.
    pub tick: Tick,
    /// Ticks per second.
    pub rate_hz: u32,
    /// The ground.
    pub terrain: Terrain,
    /// What the catalogue says of it, as of the version in force.
    pub content: Arc<ZoneContent>,
    /// Bytes per second that are sent to a player at the most.
    pub budget: u32,
    /// Whether anyone can be hurt.
    pub combat: bool,
    /// Most monsters alive at a time.
    pub monsters: u32,
    /// Everything that has a place.
    pub entities: Entities,
    /// Where things were at the end of the last tick; what was made since is not in it.
    pub grid: Grid,
    /// The players.
    pub players: Players,
    /// How near players are to each cell of the grid.
    pub activity: ActivityMap,
    /// How to get about among obstacles; there only for those who need it.
    pub ways: Option<Box<Ways>>,
    /// Where everything was in the last ticks.
    pub history: History,
    /// What is left out since there is no time for it.
    pub shed: ShedLevel,
    /// The zone's random numbers.
    pub random: Random,
    /// Entities to be made later, the next one last.
    scheduled: Vec<(Tick, Entity)>,
    pub(crate) happenings: Vec<Happening>,
    pub(crate) happenings_from: u64,
    pub(crate) gains: Vec<Gain>,
    /// Memory for those whom something hits.
    pub(crate) targets: Vec<usize>,
    /// Memory for those who think.
    pub(crate) thinkers: Vec<u32>,
    /// Memory for whom they chase.
    pub(crate) crowds: Vec<EntityId>,
}

/// Something that happened, and who may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Happening {
    pub(crate) event: GameEvent,
    pub(crate) audience: Audience,
}

/// Who learns of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// All who have the subject or this entity in view, or are one of them.
    InView(EntityId),
    /// One player.
    Only(Seat),
}

impl World {
    pub(crate) fn new(
        terrain: Terrain,
        content: Arc<ZoneContent>,
        rate_hz: u32,
        grid: Grid,
        random: Random,
    ) -> Self {
        Self {
            tick: Tick(0),
            rate_hz,
            terrain,
            budget: content.definition.budget,
            combat: content.definition.combat,
            monsters: content.definition.monsters,
            content,
            entities: Entities::default(),
            grid,
            players: Players::default(),
            activity: ActivityMap::default(),
            ways: None,
            history: History::new(rate_hz),
            shed: ShedLevel::default(),
            random,
            scheduled: Vec::new(),
            happenings: Vec::new(),
            happenings_from: 0,
            gains: Vec::new(),
            targets: Vec::new(),
            thinkers: Vec::new(),
            crowds: Vec::new(),
        }
    }

    /// The tick that comes `millis` after this one, at least one tick.
    #[must_use]
    pub fn after_millis(&self, millis: u32) -> Tick {
        self.tick.plus((millis * self.rate_hz / 1_000).max(1))
    }

    /// Tells all who can see it. For `object` pass the entity that did it.
    pub fn announce(&mut self, kind: EventKind, subject: EntityId, object: EntityId, value: u64) {
        let event = GameEvent { kind: kind as u8, subject: subject.0, object: object.0, value };
        self.happenings.push(Happening { event, audience: Audience::InView(object) });
    }

    /// Tells all who see `subject`; `object` is a number that is not an entity.
    pub fn announce_number(&mut self, kind: EventKind, subject: EntityId, object: u32, value: u64) {
        let event = GameEvent { kind: kind as u8, subject: subject.0, object, value };
        self.happenings.push(Happening { event, audience: Audience::InView(subject) });
    }

    /// Tells one player.
    pub fn tell(&mut self, seat: Seat, kind: EventKind, subject: EntityId, value: u64) {
        let event = GameEvent { kind: kind as u8, subject: subject.0, object: subject.0, value };
        self.happenings.push(Happening { event, audience: Audience::Only(seat) });
    }

    /// Notes that two entities fight: players among them are told of the other more often for a while.
    pub fn note_fight(&mut self, one: EntityId, other: EntityId) {
        let until = self.after_millis(FIGHT_MILLIS);
        for (own, foe) in [(one, other), (other, one)] {
            let seat = self.entities.find(own).and_then(|body| body.seat);
            if let Some(player) = seat.and_then(|seat| self.players.get_mut(seat)) {
                player.note_foe(foe, until);
            }
        }
    }

    /// Notes a durable gain.
    pub fn gain(&mut self, gain: Gain) {
        self.gains.push(gain);
    }

    /// Makes `entity` when `at` has come.
    pub fn schedule(&mut self, at: Tick, entity: Entity) {
        let place = self.scheduled.partition_point(|(other, _)| *other > at);
        self.scheduled.insert(place, (at, entity));
    }

    /// Makes what was scheduled up to this tick.
    pub fn spawn_scheduled(&mut self) {
        while self.scheduled.last().is_some_and(|(at, _)| *at <= self.tick) {
            let (_, entity) = self.scheduled.pop().expect("just seen");
            self.entities.spawn(entity);
        }
    }

    /// A spot where a body of `radius` (1/256 m) stands free, at most `spread` from `around`; `around` itself,
    /// kept inside the world, if a dozen tries find none.
    pub fn free_spot(&mut self, around: Vec2, spread: i32, radius: i32) -> Vec2 {
        for _ in 0..12 {
            let step = Vec2::new(self.random.between(-spread, spread), self.random.between(-spread, spread));
            let spot = self.clamp_inside(around + step, radius);
            if self.is_free(spot, radius) {
                return spot;
            }
        }
        self.clamp_inside(around, radius)
    }

    /// Whether no obstacle touches a circle of `radius` (1/256 m).
    #[must_use]
    pub fn is_free(&self, spot: Vec2, radius: i32) -> bool {
        self.terrain
            .obstacles_near(spot, radius)
            .all(|obstacle| !obstacle.position.is_within(spot, obstacle.radius + radius))
    }

    /// The nearest point to `position` where a circle of `radius` is inside the world.
    #[must_use]
    pub fn clamp_inside(&self, position: Vec2, radius: i32) -> Vec2 {
        self.terrain.clamp_inside(position, radius)
    }

    /// Keeps of what is scheduled that which `keep` says, after it may have changed it.
    pub(crate) fn retain_scheduled(&mut self, mut keep: impl FnMut(&mut Entity) -> bool) {
        self.scheduled.retain_mut(|(_, entity)| keep(entity));
    }

    pub(crate) fn scheduled(&self) -> &[(Tick, Entity)] {
        &self.scheduled
    }
}
