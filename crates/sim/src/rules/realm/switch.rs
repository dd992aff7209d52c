//! Lets the bodies of a world take over another version of the content.

use wire::state::EntityKind;

use super::{content::RealmContent, monsters};
use crate::entity::{Entity, Mood};
use crate::world::World;

/// Bodies get their new numbers; monsters come or go until there are as many as wanted.
pub(super) fn switch(world: &mut World) {
    let content = std::sync::Arc::clone(&world.content);
    let realm = &content.realm;
    world.retain_scheduled(|body| renew(realm, body));
    for index in 0..world.entities.index_end() {
        if world.entities.get(index).is_some() && !renew(realm, &mut world.entities[index]) {
            world.entities.mark_removed(index);
        }
    }
    let alive = (0..world.entities.index_end()).filter(|index| is_monster(world, *index)).count();
    let waiting = world.scheduled().iter().filter(|(_, body)| body.kind == EntityKind::Monster).count();
    let there = u32::try_from(alive + waiting).expect("entities are counted in 16 bits");
    if there > world.monsters {
        take_out(world, there - world.monsters);
    } else {
        monsters::add(world, world.monsters - there);
    }
}

fn is_monster(world: &World, index: usize) -> bool {
    let living = |body: &Entity| body.kind == EntityKind::Monster && body.is_alive();
    world.entities.get(index).is_some_and(living) && !world.entities.is_marked(index)
}

/// Gives a body its new numbers; false if its sort is no more.
fn renew(realm: &RealmContent, body: &mut Entity) -> bool {
    let health_max = match body.kind {
        EntityKind::Player => {
            let player = &realm.player;
            (body.radius, body.speed_max) = (player.radius, player.speed_max);
            body.acceleration = player.acceleration;
            realm.player_health_max(body.level)
        }
        EntityKind::Monster => {
            if !realm.has_monster(body.archetype) {
                return false;
            }
            let monster = realm.monster(body.archetype);
            (body.radius, body.speed_max) = (monster.radius, monster.speed_max);
            monsters::health_max(monster, body.level)
        }
        EntityKind::Loot => return realm.loot(body.archetype).is_some(),
        // What flies was shot by the old numbers.
        EntityKind::Projectile => return true,
    };
    if health_max != body.health_max {
        // Who is half dead stays so, and who lives lives.
        let share = i64::from(body.health) * i64::from(health_max) / i64::from(body.health_max.max(1));
        let least = i32::from(body.health > 0);
        body.health = i32::try_from(share).unwrap_or(health_max).clamp(least, health_max);
        body.health_max = health_max;
    }
    true
}

/// Takes monsters out: first those who wait to come back, then those who are at peace, then any; the youngest
/// places first.
fn take_out(world: &mut World, mut count: u32) {
    world.retain_scheduled(|body| {
        let goes = count > 0 && body.kind == EntityKind::Monster;
        count -= u32::from(goes);
        !goes
    });
    for peaceful in [true, false] {
        for index in (0..world.entities.index_end()).rev() {
            if count == 0 {
                return;
            }
            let at_peace =
                |world: &World| matches!(world.entities[index].mind.mood, Mood::Idle | Mood::Patrol);
            if is_monster(world, index) && (!peaceful || at_peace(world)) {
                world.entities.mark_removed(index);
                count -= 1;
            }
        }
    }
}
