//! What monsters drop, and who picks it up.

use domain::fixed::metres;
use wire::message::EventKind;
use wire::state::EntityKind;

use crate::entity::Entity;
use crate::outbox::Gain;
use crate::world::World;

const LOOT_RADIUS: i32 = 40;
const LOOT_LIFE_MILLIS: u32 = 60_000;
const REACH: i32 = metres(1) + 64;

/// Some monsters leave something.
pub(super) fn drop_loot(world: &mut World, monster: usize) {
    let numbers = world.content.realm.monster(world.entities[monster].archetype);
    let (archetype, permille) = (numbers.loot, numbers.loot_permille);
    if world.random.below(1_000) < 1_000 - permille {
        return;
    }
    let body = &world.entities[monster];
    let loot = Entity {
        radius: LOOT_RADIUS,
        expires: Some(world.after_millis(LOOT_LIFE_MILLIS)),
        ..Entity::new(EntityKind::Loot, archetype, body.position)
    };
    world.entities.spawn(loot);
}

/// Gives a loot to the nearest living player who reaches it.
pub(super) fn pick_up(world: &mut World, loot: usize) {
    if world.entities.is_marked(loot) {
        return;
    }
    let position = world.entities[loot].position;
    let entities = &world.entities;
    let taker = world.grid.nearest_within(position, REACH, |located| {
        let body = entities.get(located.index as usize);
        body.is_some_and(|body| body.kind == EntityKind::Player && body.is_alive() && body.seat.is_some())
    });
    let Some(taker) = taker.map(|located| located.index as usize) else { return };
    let body = &world.entities[taker];
    let (id, seat) = (body.id, body.seat.expect("just seen"));
    let archetype = world.entities[loot].archetype;
    let character = world.players.get(seat).expect("a body's player is there").character;
    world.gain(Gain { items: Some((archetype, 1)), ..Gain::of(character) });
    world.announce_number(EventKind::Loot, id, archetype.into(), 1);
    world.entities.mark_removed(loot);
}
