//! The rules of `realm`, a combat world: players strike and shoot, monsters live around their homes, chase,
//! attack and drop loot; who is killed comes back.

mod archetypes;
mod combat;
mod loot;
mod monsters;

use domain::fixed::{Vec2, metres};
use domain::progression::level_of_xp;
use wire::message::{ActionOutcome, EventKind};
use wire::state::{Action, EntityKind};

use crate::entity::Entity;
use crate::inbox::Joining;
use crate::rules::{Act, ActResult, Rules};
use crate::world::World;

/// Half the width of a player's body.
const PLAYER_RADIUS: i32 = 102;
/// 6 m/s.
const PLAYER_SPEED: i32 = metres(6);
/// Full speed in a fifth of a second.
const PLAYER_ACCELERATION: i32 = metres(30);
/// New and returning characters appear this near to the middle of the world.
const START_SPREAD: i32 = metres(10);
const RESPAWN_MILLIS: u32 = 5_000;

/// The rules of `realm`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Realm;

impl Rules for Realm {
    fn start(&self, world: &mut World) {
        monsters::populate(world);
    }

    fn body(&self, world: &mut World, joining: &Joining) -> Entity {
        let level = u8::try_from(level_of_xp(joining.xp)).expect("levels end at 60");
        let health_max = player_health_max(level);
        let (position, health) = match &joining.place {
            // Who left dead comes back at the start.
            Some(place) if place.health > 0 => {
                let spot = world.clamp_inside(place.position, PLAYER_RADIUS);
                (world.free_spot(spot, 1, PLAYER_RADIUS), place.health.min(health_max))
            }
            _ => (start_spot(world), health_max),
        };
        Entity {
            level,
            radius: PLAYER_RADIUS,
            health,
            health_max,
            speed_max: PLAYER_SPEED,
            acceleration: PLAYER_ACCELERATION,
            ..Entity::new(EntityKind::Player, 0, position)
        }
    }

    fn act(&self, world: &mut World, actor: usize, act: Act) -> ActResult {
        let result = |outcome, cooldown_ticks| ActResult { outcome, cooldown_ticks };
        let Some(ability) = combat::player_ability(act.action) else {
            return result(ActionOutcome::Unknown, 0);
        };
        if !world.combat {
            return result(ActionOutcome::NotHere, 0);
        }
        let left = world.entities[actor].ready_at[ability.slot].since(world.tick);
        if left > 0 {
            return result(ActionOutcome::Cooldown, u16::try_from(left).unwrap_or(u16::MAX));
        }
        let cooldown = combat::use_ability(world, actor, &ability, (act.aim, act.seen));
        result(ActionOutcome::Done, u16::try_from(cooldown).unwrap_or(u16::MAX))
    }

    fn think(&self, world: &mut World) {
        monsters::think(world);
    }

    fn hit(&self, world: &mut World, projectile: usize, target: usize) -> bool {
        combat::projectile_hits(world, projectile, target)
    }

    fn run(&self, world: &mut World) {
        for index in 0..world.entities.index_end() {
            if world.entities.get(index).is_none() {
                continue;
            }
            end_action(world, index);
            match world.entities[index].kind {
                EntityKind::Player => respawn_when_due(world, index),
                EntityKind::Loot => loot::pick_up(world, index),
                EntityKind::Monster | EntityKind::Projectile => {}
            }
            if world.entities[index].expires.is_some_and(|at| at <= world.tick) {
                world.entities.mark_removed(index);
            }
        }
    }
}

fn player_health_max(level: u8) -> i32 {
    90 + 10 * i32::from(level)
}

fn start_spot(world: &mut World) -> Vec2 {
    world.free_spot(world.terrain.middle(), START_SPREAD, PLAYER_RADIUS)
}

/// Lets a strike or shot end, and shows who walks and who stands.
fn end_action(world: &mut World, index: usize) {
    let tick = world.tick;
    let entity = &mut world.entities[index];
    let busy = entity.action == Action::Dead || entity.action_until > tick;
    if !busy {
        entity.action = if entity.velocity == Vec2::ZERO { Action::Idle } else { Action::Moving };
    }
}

fn respawn_when_due(world: &mut World, index: usize) {
    if world.entities[index].is_alive() || world.entities[index].action_until > world.tick {
        return;
    }
    let spot = start_spot(world);
    let body = &mut world.entities[index];
    body.position = spot;
    body.velocity = Vec2::ZERO;
    body.health = body.health_max;
    body.action = Action::Idle;
    let id = body.id;
    world.announce(EventKind::Respawn, id, id, 0);
}

#[cfg(test)]
mod tests;
