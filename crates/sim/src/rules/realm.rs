//! The rules of `realm`, a combat world: players strike and shoot, monsters live around their homes, chase,
//! attack and drop loot; who is killed comes back.

mod combat;
mod content;
mod loot;
mod monsters;
mod switch;

pub use content::RealmContent;

use std::sync::Arc;

use domain::catalogue::PlayerDefinition;
use domain::fixed::{Vec2, metres};
use domain::movement::Build;
use domain::progression::level_of_xp;
use wire::message::{ActionOutcome, EventKind};
use wire::state::{Action, EntityKind};

use crate::entity::Entity;
use crate::inbox::Joining;
use crate::player::Seat;
use crate::rules::{Act, ActResult, Rules};
use crate::world::World;

/// New and returning characters appear this near to the middle of the world.
const START_SPREAD: i32 = metres(10);

/// The rules of `realm`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Realm;

impl Rules for Realm {
    fn start(&self, world: &mut World) {
        monsters::populate(world);
    }

    fn body(&self, world: &mut World, joining: &Joining) -> Entity {
        let level = u8::try_from(level_of_xp(joining.xp)).expect("levels end at 60");
        let content = Arc::clone(&world.content);
        let player = &content.realm.player;
        let health_max = content.realm.player_health_max(level);
        let (position, health) = match &joining.place {
            // Who left dead comes back at the start.
            Some(place) if place.health > 0 => {
                let spot = world.clamp_inside(place.position, player.radius);
                (world.free_spot(spot, 1, player.radius), place.health.min(health_max))
            }
            _ => (start_spot(world), health_max),
        };
        Entity {
            level,
            radius: player.radius,
            health,
            health_max,
            speed_max: player.speed_max,
            acceleration: player.acceleration,
            ..Entity::new(EntityKind::Player, 0, position)
        }
    }

    fn eye(&self, world: &World) -> Build {
        let PlayerDefinition { speed_max, acceleration, .. } = world.content.realm.player;
        Build { radius: 0, speed_max, acceleration }
    }

    fn leave(&self, world: &mut World, seat: Seat) {
        combat::end_life(world, seat, 0);
    }

    fn act(&self, world: &mut World, actor: usize, act: Act) -> ActResult {
        let result = |outcome, cooldown_ticks| ActResult { outcome, cooldown_ticks };
        let Some(ability) = world.content.realm.player_ability(act.action).copied() else {
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

    fn switch(&self, world: &mut World) {
        switch::switch(world);
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

fn start_spot(world: &mut World) -> Vec2 {
    let radius = world.content.realm.player.radius;
    world.free_spot(world.terrain.middle(), START_SPREAD, radius)
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
