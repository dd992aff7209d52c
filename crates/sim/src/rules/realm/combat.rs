//! Strikes, shots, damage, death and what it earns.

use domain::fixed::{Heading, Vec2};
use domain::ids::EntityId;
use domain::progression::level_of_xp;
use domain::time::Tick;
use wire::message::EventKind;
use wire::state::{Action, EntityKind};

use super::{loot, monsters};
use crate::entity::{BODY_RADIUS_MAX, Entity};
use crate::history::REWIND_REACH;
use crate::outbox::{Gain, Score};
use crate::player::Seat;
use crate::rules::is_in_arc;
use crate::world::World;

const SWING_MILLIS: u32 = 300;
const CORPSE_MILLIS: u32 = 3_000;

/// What an ability does. Lengths in 1/256 m.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ability {
    /// Which cooldown it uses.
    pub(super) slot: usize,
    pub(super) kind: AbilityKind,
    pub(super) cooldown_millis: u32,
    pub(super) damage: i32,
    /// Added for each level above 1.
    pub(super) damage_per_level: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AbilityKind {
    /// Hits all enemies in an arc before the actor.
    Strike { range: i32, half_angle: u16 },
    /// Sends a projectile.
    Shoot { projectile: u8, speed: i32, radius: i32, life_millis: u32 },
}

/// Uses an ability that is ready; returns the ticks until it is ready again.
pub(super) fn use_ability(
    world: &mut World,
    actor: usize,
    ability: &Ability,
    (aim, seen): (Heading, Tick),
) -> u32 {
    let ready = world.after_millis(ability.cooldown_millis);
    let until = world.after_millis(SWING_MILLIS);
    let body = &mut world.entities[actor];
    body.ready_at[ability.slot] = ready;
    body.heading = aim;
    body.action_until = until;
    let damage = ability.damage + ability.damage_per_level * (i32::from(body.level) - 1);
    match ability.kind {
        AbilityKind::Strike { range, half_angle } => {
            body.action = Action::Melee;
            strike(world, actor, (aim, seen), (range, half_angle), damage);
        }
        AbilityKind::Shoot { projectile, speed, radius, life_millis } => {
            body.action = Action::Shoot;
            let mut missile = Entity::new(EntityKind::Projectile, projectile, Vec2::ZERO);
            (missile.speed_max, missile.radius) = (speed, radius);
            shoot(world, actor, (aim, seen), (missile, life_millis), damage);
        }
    }
    ready.since(world.tick)
}

/// Hits all enemies in an arc, where they were when the actor saw them.
fn strike(
    world: &mut World,
    actor: usize,
    (aim, seen): (Heading, Tick),
    (range, half_angle): (i32, u16),
    damage: i32,
) {
    let from = world.entities[actor].position;
    let mut struck = std::mem::take(&mut world.targets);
    struck.clear();
    let World { grid, entities, history, .. } = world;
    grid.for_each_within(from, range + 2 * BODY_RADIUS_MAX + REWIND_REACH, |located| {
        let Some(target) = entities.get(located.index as usize) else { return };
        if are_enemies(&entities[actor], target)
            && target.is_alive()
            && history
                .place(target.id, seen)
                .is_some_and(|place| is_in_arc(from, aim, place, range + target.radius, half_angle))
        {
            struck.push(located.index as usize);
        }
    });
    struck.sort_unstable();
    let source = world.entities[actor].id;
    for target in &struck {
        deal_damage(world, *target, source, damage);
    }
    world.targets = struck;
}

/// Sends `missile`, which knows its speed and radius.
fn shoot(
    world: &mut World,
    actor: usize,
    (aim, seen): (Heading, Tick),
    (missile, life_millis): (Entity, u32),
    damage: i32,
) {
    let body = &world.entities[actor];
    let velocity = aim.step(missile.speed_max);
    let projectile = Entity {
        position: body.position + aim.step(body.radius + missile.radius),
        velocity,
        intent: velocity,
        heading: aim,
        owner: Some(body.id),
        // A projectile carries its damage where others have their health.
        health: damage,
        health_max: damage,
        // What it flies through at once is a part of its life.
        expires: Some(Tick(world.after_millis(life_millis).0 - world.tick.since(seen.plus(1)))),
        shot_at: Some(seen),
        ..missile
    };
    world.entities.spawn(projectile);
}

/// Lets a projectile hit; it goes through those who are not its shooter's enemies.
pub(super) fn projectile_hits(world: &mut World, projectile: usize, target: usize) -> bool {
    let Some(owner) = world.entities[projectile].owner else { return true };
    // The shooter may be gone by now; what it was follows from the number of the projectile.
    let by_player = world.content.realm.is_players(world.entities[projectile].archetype);
    let shooter_kind = if by_player { EntityKind::Player } else { EntityKind::Monster };
    if world.entities[target].kind == shooter_kind {
        return false;
    }
    let damage = world.entities[projectile].health;
    deal_damage(world, target, owner, damage);
    true
}

/// Monsters and players are enemies of each other.
fn are_enemies(one: &Entity, other: &Entity) -> bool {
    matches!(
        (one.kind, other.kind),
        (EntityKind::Player, EntityKind::Monster) | (EntityKind::Monster, EntityKind::Player)
    )
}

pub(super) fn deal_damage(world: &mut World, target: usize, source: EntityId, damage: i32) {
    let victim = &mut world.entities[target];
    let dealt = damage.min(victim.health).max(0);
    victim.health -= dealt;
    let (id, kind, died) = (victim.id, victim.kind, victim.health == 0);
    world.announce(EventKind::Damage, id, source, u64::try_from(dealt).expect("not negative"));
    world.note_fight(id, source);
    if kind == EntityKind::Monster && !died {
        monsters::provoke(world, target, source);
    }
    if died {
        die(world, target, source);
    }
}

fn die(world: &mut World, target: usize, source: EntityId) {
    let back = world.after_millis(world.content.realm.player.respawn_ms);
    let rotten = world.after_millis(CORPSE_MILLIS);
    let victim = &mut world.entities[target];
    victim.action = Action::Dead;
    victim.action_until = back;
    victim.intent = Vec2::ZERO;
    victim.velocity = Vec2::ZERO;
    let (id, seat) = (victim.id, victim.seat);
    if victim.kind == EntityKind::Monster {
        victim.expires = Some(rotten);
        monsters::schedule_return(world, target);
        loot::drop_loot(world, target);
    }
    world.announce(EventKind::Death, id, source, 0);
    if let Some(seat) = seat {
        end_life(world, seat, 1);
    }
    reward(world, target, source);
}

/// A life ends by so many deaths, or by leaving: what it has won is its score.
pub(super) fn end_life(world: &mut World, seat: Seat, deaths: u32) {
    let Some(player) = world.players.get_mut(seat) else { return };
    let won = std::mem::take(&mut player.life_xp);
    let board = world.content.realm.best_life().filter(|_| won > 0);
    let score = board.map(|board| Score { board, score: won.try_into().unwrap_or(i64::MAX), subscore: 0 });
    if deaths > 0 || score.is_some() {
        let gain = Gain { deaths, score, ..Gain::of(player.character) };
        world.gain(gain);
    }
}

/// Gives a player who killed a monster its experience.
fn reward(world: &mut World, target: usize, source: EntityId) {
    let victim = &world.entities[target];
    if victim.kind != EntityKind::Monster {
        return;
    }
    let xp = world.content.realm.monster(victim.archetype).xp * u32::from(victim.level);
    let Some(killer) = world.entities.index_of(source) else { return };
    let Some(seat) = world.entities[killer].seat else { return };
    let player = world.players.get_mut(seat).expect("a body's player is there");
    player.xp += u64::from(xp);
    player.life_xp += u64::from(xp);
    let (character, total) = (player.character, player.xp);
    world.gain(Gain { xp, kills: 1, ..Gain::of(character) });
    world.tell(seat, EventKind::Experience, source, total);
    let level = u8::try_from(level_of_xp(total)).expect("levels end at 60");
    let health_max = world.content.realm.player_health_max(level);
    let body = &mut world.entities[killer];
    if level > body.level {
        body.level = level;
        body.health_max = health_max;
        if body.is_alive() {
            body.health = body.health_max;
        }
        world.announce(EventKind::Level, source, source, level.into());
    }
}
