//! A fingerprint of the authoritative state: what the next tick depends on, but for what follows from the states
//! of the ticks before (places in the past, where minds are awake) and from what came in (the load).

use domain::fixed::Vec2;
use domain::random::mix;

use wire::message::PlayerInput;

use crate::entity::Entity;
use crate::player::{Eye, Player, Seat};
use crate::world::World;

struct Fingerprint(u64);

impl Fingerprint {
    fn add(&mut self, value: u64) {
        self.0 = mix(self.0.rotate_left(5) ^ value).wrapping_add(0x9e37_79b9_7f4a_7c15);
    }

    fn add_i32(&mut self, value: i32) {
        self.add(value.cast_unsigned().into());
    }

    fn add_vec(&mut self, value: Vec2) {
        self.add(u64::from(value.x.cast_unsigned()) << 32 | u64::from(value.y.cast_unsigned()));
    }
}

pub(crate) fn state_hash(world: &World) -> u64 {
    let mut hash = played(world);
    for (seat, spectator) in world.players.spectators() {
        add_player(&mut hash, seat, spectator);
    }
    hash.0
}

/// As [`state_hash`], of those who play alone.
#[cfg(test)]
pub(crate) fn played_hash(world: &World) -> u64 {
    played(world).0
}

fn played(world: &World) -> Fingerprint {
    let mut hash = Fingerprint(0);
    hash.add(world.tick.0.into());
    hash.add(world.random.state());
    hash.add(world.shed.number().into());
    hash.add(world.content.version);
    for entity in world.entities.all() {
        add_entity(&mut hash, entity);
    }
    let (generations, free) = world.entities.allocation();
    for generation in generations {
        hash.add((*generation).into());
    }
    for index in free {
        hash.add((*index).into());
    }
    for (at, entity) in world.scheduled() {
        hash.add(at.0.into());
        add_entity(&mut hash, entity);
    }
    for (seat, player) in world.players.iter() {
        add_player(&mut hash, seat, player);
    }
    hash
}

fn add_player(hash: &mut Fingerprint, seat: Seat, player: &Player) {
    hash.add(seat.0.into());
    hash.add(player.entity.0.into());
    hash.add(player.xp);
    hash.add(player.life_xp);
    hash.add(player.input_at.0.into());
    hash.add(player.newest_input.into());
    for input in std::iter::once(&player.input).chain(&player.pending) {
        add_input(hash, input);
    }
    hash.add(player.attached.into());
    if let Some(Eye { motion, follows }) = player.eye {
        for vector in [motion.position, motion.velocity, motion.remainder] {
            hash.add_vec(vector);
        }
        hash.add(follows.map_or(u64::MAX, |followed| followed.0.into()));
    }
}

fn add_input(hash: &mut Fingerprint, input: &PlayerInput) {
    hash.add(u64::from(input.sequence) << 32 | u64::from(input.tick));
    hash.add(u64::from(input.seen) << 8 | u64::from(input.action));
    let wish = [input.move_x.cast_unsigned(), input.move_y.cast_unsigned()];
    hash.add(u64::from(u16::from_be_bytes(wish)) << 16 | u64::from(input.aim));
}

fn add_entity(hash: &mut Fingerprint, entity: &Entity) {
    hash.add(entity.id.0.into());
    hash.add(u64::from(entity.kind as u8) << 16 | u64::from(entity.archetype) << 8 | u64::from(entity.level));
    for vector in [entity.position, entity.velocity, entity.remainder, entity.intent] {
        hash.add_vec(vector);
    }
    hash.add(entity.heading.0.into());
    for value in [entity.radius, entity.health, entity.health_max, entity.speed_max, entity.acceleration] {
        hash.add_i32(value);
    }
    hash.add(entity.action as u64);
    hash.add(entity.action_until.0.into());
    for ready in entity.ready_at {
        hash.add(ready.0.into());
    }
    hash.add(entity.seat.map_or(u64::MAX, |seat| seat.0.into()));
    hash.add(entity.owner.map_or(u64::MAX, |owner| owner.0.into()));
    hash.add(entity.shot_at.map_or(u64::MAX, |tick| tick.0.into()));
    hash.add(entity.expires.map_or(u64::MAX, |tick| tick.0.into()));
    hash.add(entity.mind.mood as u64);
    hash.add_vec(entity.mind.home);
    hash.add_vec(entity.mind.goal);
    hash.add(entity.mind.target.map_or(u64::MAX, |target| target.0.into()));
    hash.add(entity.mind.until.0.into());
    hash.add_vec(entity.mind.detour.unwrap_or(Vec2::new(-1, -1)));
    hash.add(entity.mind.detour_until.0.into());
}
