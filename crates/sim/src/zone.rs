//! One running copy of a zone, and the tick: the list of stages that is the whole flow.

use std::sync::Arc;

use domain::catalogue::ZoneDefinition;
use domain::contract::players::Place;
use domain::ids::ZoneId;
use domain::random::Random;
use domain::terrain::Terrain;
use wire::message::{PlayerInput, Welcome};

use crate::content::ZoneContent;
use crate::grid::Grid;
use crate::inbox::Inbox;
use crate::outbox::Outbox;
use crate::player::{Players, Seat};
use crate::rules::Rules;
use crate::stages;
use crate::stages::observe::{Manner, Shown, ViewCounts, ViewScratch};
use crate::stages::shed::Shedder;
use crate::state_hash;
use crate::workers::{Alone, Workers};
use crate::world::World;

pub use crate::stages::report::TickReport;
pub use crate::stages::shed::ShedLevel;

/// A running zone.
pub struct Zone {
    id: ZoneId,
    ticks_per_snapshot: u32,
    interest_radius: i32,
    rules: Box<dyn Rules>,
    world: World,
    shedder: Shedder,
    scratch: Scratch,
}

/// Memory that is used again in every tick and holds nothing between them.
#[derive(Default)]
struct Scratch {
    acts: Vec<(Seat, PlayerInput)>,
    shown: Vec<Shown>,
    views: Vec<ViewScratch>,
}

impl Zone {
    /// Starts a zone among what is built in: the terrain and all that happens follow from `seed` and the inboxes.
    #[must_use]
    pub fn new(definition: &ZoneDefinition, rules: Box<dyn Rules>, seed: u64) -> Self {
        Self::with_content(ZoneContent::builtin(definition.clone()), rules, seed)
    }

    /// Starts a zone with what a version of the catalogue says of it.
    #[must_use]
    pub fn with_content(content: Arc<ZoneContent>, rules: Box<dyn Rules>, seed: u64) -> Self {
        let definition = content.definition.clone();
        let terrain = Terrain {
            seed: u32::try_from(seed & 0xffff_ffff).expect("masked"),
            size: definition.size,
            obstacle_permille: definition.obstacle_permille,
        };
        // Half the sight: a view covers about 25 cells, a strike 1 to 4.
        let grid = Grid::new(definition.size, (definition.interest_radius / 2).max(1));
        let mut world =
            World::new(terrain, content, definition.tick_rate_hz.into(), grid, Random::of_stream(seed, 0));
        rules.start(&mut world);
        stages::rebuild_index::rebuild_index(&mut world);
        Self {
            id: definition.zone,
            ticks_per_snapshot: u32::from(definition.ticks_per_snapshot).max(1),
            interest_radius: definition.interest_radius,
            rules,
            world,
            shedder: Shedder::default(),
            scratch: Scratch::default(),
        }
    }

    /// Advances the zone by one step. What comes out is added to `outbox`, which the caller has cleared.
    pub fn tick(&mut self, inbox: &Inbox, outbox: &mut Outbox) -> TickReport {
        self.tick_with(inbox, outbox, &Alone)
    }

    /// As [`Self::tick`], with the help of `workers`; the result is the same.
    pub fn tick_with(&mut self, inbox: &Inbox, outbox: &mut Outbox, workers: &impl Workers) -> TickReport {
        let Self { id, ticks_per_snapshot, interest_radius, rules, world, shedder, scratch } = self;
        if let Some(content) = &inbox.content {
            *interest_radius = content.definition.interest_radius;
            stages::switch_content::switch_content(world, rules.as_ref(), content);
        }
        let Scratch { acts, shown, views } = scratch;
        world.tick = world.tick.plus(1);
        let rules = rules.as_ref();
        shedder.note(inbox.load_percent, world.rate_hz);
        world.shed = shedder.level();

        acts.clear();
        let ignored = stages::drain_inputs::drain_inputs(world, rules, id, inbox, acts, outbox);
        stages::drain_inputs::take_due(world, acts);
        stages::apply_intents::apply_intents(world, rules, acts);
        rules.think(world);
        stages::integrate::integrate(&mut world.entities, world.rate_hz);
        stages::resolve_contacts::resolve_contacts(world, rules);
        rules.run(world);
        world.spawn_scheduled();
        stages::watch::watch(world, rules);
        // The last mutation is done: all that players see is derived from here on.
        stages::rebuild_index::rebuild_index(world);
        let manner = Manner {
            ticks_per_snapshot: *ticks_per_snapshot,
            interest_radius: *interest_radius,
            stamp_us: inbox.stamp_us,
            shed: shedder.level(),
        };
        let due = stages::observe::mark_due(world, manner);
        let sent = if due == 0 {
            ViewCounts::default()
        } else {
            stages::observe::show(&world.entities, shown);
            stages::observe::observe(world, (manner, due), shown, views, workers, outbox)
        };
        stages::flush_outbox::flush_outbox(world, *ticks_per_snapshot, outbox);
        stages::report::report(world, sent, ignored)
    }

    /// Ticks between two snapshots to the same player.
    #[must_use]
    pub fn ticks_per_snapshot(&self) -> u32 {
        self.ticks_per_snapshot
    }

    /// The players in it.
    #[must_use]
    pub fn players(&self) -> &Players {
        &self.world.players
    }

    /// The authoritative state.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Where a player is, for saving. Nothing of a spectator is saved.
    #[must_use]
    pub fn place(&self, seat: Seat) -> Option<Place> {
        let player = self.world.players.get(seat).filter(|_| !seat.spectates())?;
        Some(stages::drain_inputs::place_of(&self.world, self.rules.as_ref(), &self.id, player))
    }

    /// The Welcome for a player; the resume token and its grace are the host's to say.
    #[must_use]
    pub fn welcome(&self, seat: Seat, resume_token: Vec<u8>, grace_secs: u32) -> Option<Welcome> {
        let player = self.world.players.get(seat)?;
        let build = match player.eye {
            Some(_) => self.rules.eye(&self.world),
            None => self.world.entities.find(player.entity)?.build(),
        };
        Some(Welcome {
            version: wire::WIRE_VERSION,
            entity: player.entity.0,
            character: player.character.to_string(),
            name: self.world.players.profile(seat).name.clone(),
            zone: self.id.to_string(),
            tick: self.world.tick.0,
            tick_rate_hz: u16::try_from(self.world.rate_hz).expect("from a u16"),
            ticks_per_snapshot: u16::try_from(self.ticks_per_snapshot).expect("from a u16"),
            size: self.world.terrain.size,
            interest_radius: self.interest_radius,
            terrain_seed: self.world.terrain.seed,
            obstacle_permille: self.world.terrain.obstacle_permille,
            radius: build.radius,
            speed_max: build.speed_max,
            acceleration: build.acceleration,
            xp: player.xp,
            resume_token,
            grace_secs,
        })
    }

    /// A number that two runs share at a tick exactly if (but for chance) their authoritative states are
    /// equal.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        state_hash::state_hash(&self.world)
    }
}

#[cfg(test)]
mod tests;
