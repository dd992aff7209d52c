//! The artificial minds: idle and patrol around the home, chase and attack players in sight, return when led
//! too far away.

use domain::fixed::{Vec2, metres};
use domain::ids::EntityId;
use domain::time::Tick;
use wire::state::{Action, EntityKind};

use super::combat::use_ability;
use super::content::Monster;
use crate::activity::Activity;
use crate::entity::{Entity, Mind, Mood};
use crate::paths::Ways;
use crate::stages::rebuild_index::ACTIVITY_TICKS;
use crate::world::World;
use crate::zone::ShedLevel;

/// Players start in the middle; monsters live farther away than this.
const HOME_FROM_MIDDLE_MIN: i32 = metres(25);
const PATROL_SPREAD: i32 = metres(8);
const ACCELERATION: i32 = metres(20);
/// Where players are hardly in sight, a mind is at work in every so manieth tick.
const FAR_THINK_TICKS: u32 = 8;
/// From so many on, those who chase the same share a field of ways.
const CROWD: usize = 3;
/// How often one that cannot see its goal looks for another way.
const REROUTES_PER_SECOND: u32 = 5;
/// A monster looks around five times a second, each in its own tick.
const LOOKS_PER_SECOND: u32 = 5;
/// Near enough to a goal.
const ARRIVED: i32 = 128;
const RETURN_MILLIS: (i32, i32) = (10_000, 20_000);

/// Fills the world with monsters.
pub(super) fn populate(world: &mut World) {
    add(world, world.monsters);
}

/// Adds so many monsters, if any live here.
pub(super) fn add(world: &mut World, count: u32) {
    if count > 0 && world.ways.is_none() {
        world.ways = Some(Box::new(Ways::new(&world.terrain)));
    }
    for _ in 0..count {
        let Some(monster) = new_monster(world) else { return };
        world.entities.spawn(monster);
    }
}

fn new_monster(world: &mut World) -> Option<Entity> {
    let size = world.terrain.size;
    let middle = world.terrain.middle();
    let mut home = middle;
    // A world too small for a distance from its middle has monsters anywhere.
    for _ in 0..20 {
        let spot = Vec2::new(world.random.between(0, size), world.random.between(0, size));
        home = world.free_spot(spot, metres(2), metres(1));
        if !home.is_within(middle, HOME_FROM_MIDDLE_MIN) {
            break;
        }
    }
    let World { content, random, .. } = world;
    let (archetype, level) = content.realm.draw_monster(random)?;
    Some(monster_at(content.realm.monster(archetype), archetype, level, home))
}

/// The most health of a monster of this level.
pub(super) fn health_max(numbers: &Monster, level: u8) -> i32 {
    numbers.health_max + numbers.health_per_level * (i32::from(level) - 1)
}

fn monster_at(numbers: &Monster, archetype: u8, level: u8, home: Vec2) -> Entity {
    let health_max = health_max(numbers, level);
    Entity {
        level,
        radius: numbers.radius,
        health: health_max,
        health_max,
        speed_max: numbers.speed_max,
        acceleration: ACCELERATION,
        mind: Mind { home, goal: home, ..Mind::default() },
        ..Entity::new(EntityKind::Monster, archetype, home)
    }
}

/// A dead monster comes back at its home after a while, as a new entity.
pub(super) fn schedule_return(world: &mut World, dead: usize) {
    let body = &world.entities[dead];
    let numbers = world.content.realm.monster(body.archetype);
    let again = monster_at(numbers, body.archetype, body.level, body.mind.home);
    let millis = world.random.between(RETURN_MILLIS.0, RETURN_MILLIS.1);
    let at = world.after_millis(millis.unsigned_abs());
    world.schedule(at, again);
}

/// Turns a monster that was hurt on who hurt it, if it has no one else in mind.
pub(super) fn provoke(world: &mut World, index: usize, by: EntityId) {
    let mind = &mut world.entities[index].mind;
    if matches!(mind.mood, Mood::Idle | Mood::Patrol) {
        mind.mood = Mood::Chase;
        mind.target = Some(by);
    }
}

/// Lets those think who are near players, at full rate in sight and seldom farther away. The others stand, and
/// go on where they were when a player comes.
pub(super) fn think(world: &mut World) {
    if world.tick.0.is_multiple_of(ACTIVITY_TICKS) {
        put_to_sleep(world);
    }
    let mut thinkers = std::mem::take(&mut world.thinkers);
    thinkers.clear();
    gather_thinkers(world, &mut thinkers);
    let mut crowds = std::mem::take(&mut world.crowds);
    count_chasers(world, &thinkers, &mut crowds);
    for index in thinkers.iter().map(|index| *index as usize) {
        // Another mind's deed may have ended this one.
        if !world.entities.get(index).is_some_and(Entity::is_alive) {
            continue;
        }
        match world.entities[index].mind.mood {
            Mood::Idle | Mood::Patrol => stroll(world, index),
            Mood::Chase => chase(world, index, &crowds),
            Mood::Return => go_home(world, index),
        }
    }
    world.thinkers = thinkers;
    world.crowds = crowds;
}

/// Stops who walks where no mind is at work: nobody would turn them.
fn put_to_sleep(world: &mut World) {
    let World { entities, grid, activity, shed, .. } = world;
    for body in entities.all_mut().filter(|body| body.kind == EntityKind::Monster) {
        if body.intent != Vec2::ZERO && !minds_work(activity.level(grid.cell_of(body.position)), *shed) {
            body.intent = Vec2::ZERO;
        }
    }
}

fn minds_work(level: Activity, shed: ShedLevel) -> bool {
    level == Activity::Near || (level == Activity::Far && !shed.stops_far_minds())
}

fn gather_thinkers(world: &World, thinkers: &mut Vec<u32>) {
    let across = world.grid.cells_across();
    for cell in 0..across * across {
        let level = world.activity.level(cell);
        if !minds_work(level, world.shed) {
            continue;
        }
        let thinks = |index: u32| {
            let turn = level == Activity::Near || (world.tick.0 + index).is_multiple_of(FAR_THINK_TICKS);
            turn && world
                .entities
                .get(index as usize)
                .is_some_and(|body| body.kind == EntityKind::Monster && body.is_alive())
        };
        thinkers.extend(world.grid.in_cell(cell).iter().map(|located| located.index).filter(|i| thinks(*i)));
    }
}

/// Fills `crowds` with whom is chased, once for each chaser, sorted.
fn count_chasers(world: &World, thinkers: &[u32], crowds: &mut Vec<EntityId>) {
    crowds.clear();
    crowds.extend(thinkers.iter().filter_map(|index| world.entities[*index as usize].mind.target));
    crowds.sort_unstable();
}

fn is_crowded(crowds: &[EntityId], target: EntityId) -> bool {
    let first = crowds.partition_point(|other| *other < target);
    crowds.get(first + CROWD - 1) == Some(&target)
}

fn numbers_of(world: &World, index: usize) -> &Monster {
    world.content.realm.monster(world.entities[index].archetype)
}

fn stroll(world: &mut World, index: usize) {
    if looks_now(world, index)
        && let Some(target) = nearest_player(world, index)
    {
        let mind = &mut world.entities[index].mind;
        mind.mood = Mood::Chase;
        mind.target = Some(target);
        return;
    }
    let arrived = {
        let body = &world.entities[index];
        body.position.is_within(body.mind.goal, ARRIVED)
    };
    if world.entities[index].mind.mood == Mood::Patrol && !arrived && !is_over(world, index) {
        let speed = numbers_of(world, index).speed_max / 3;
        walk_to_goal(world, index, speed, false);
    } else if world.entities[index].mind.mood == Mood::Patrol {
        let millis = world.random.between(2_000, 6_000);
        rest(world, index, millis);
    } else if is_over(world, index) {
        let home = world.entities[index].mind.home;
        let goal = world.free_spot(home, PATROL_SPREAD, metres(1));
        let until = world.after_millis(8_000);
        let mind = &mut world.entities[index].mind;
        (mind.mood, mind.goal, mind.until) = (Mood::Patrol, goal, until);
    }
}

fn chase(world: &mut World, index: usize, crowds: &[EntityId]) {
    let body = &world.entities[index];
    let numbers = *numbers_of(world, index);
    let target = body.mind.target.and_then(|id| world.entities.index_of(id));
    let target = target.filter(|at| {
        let prey = &world.entities[*at];
        prey.is_alive() && !world.entities.is_marked(*at)
    });
    let far = !body.position.is_within(body.mind.home, numbers.leash);
    let Some(target) = target.filter(|_| !far) else {
        let mind = &mut world.entities[index].mind;
        (mind.mood, mind.target, mind.goal) = (Mood::Return, None, mind.home);
        return;
    };
    let prey = &world.entities[target];
    let (goal, reach) = (prey.position, numbers.reach + prey.radius / 2);
    let body = &mut world.entities[index];
    body.mind.goal = goal;
    if body.position.is_within(goal, reach) {
        body.intent = Vec2::ZERO;
        let aim = (goal - body.position).heading();
        body.heading = aim;
        if body.ready_at[0] <= world.tick {
            let now = Tick(world.tick.0.saturating_sub(1));
            use_ability(world, index, &numbers.ability, (aim, now));
        }
    } else {
        let crowded = is_crowded(crowds, world.entities[target].id);
        walk_to_goal(world, index, numbers.speed_max, crowded);
    }
}

/// Goes home without looking at anyone, and heals on arrival.
fn go_home(world: &mut World, index: usize) {
    let body = &mut world.entities[index];
    if body.position.is_within(body.mind.home, metres(2)) {
        body.health = body.health_max;
        let millis = world.random.between(1_000, 3_000);
        rest(world, index, millis);
    } else {
        let speed = numbers_of(world, index).speed_max;
        walk_to_goal(world, index, speed, false);
    }
}

fn rest(world: &mut World, index: usize, millis: i32) {
    let until = world.after_millis(millis.unsigned_abs());
    let body = &mut world.entities[index];
    body.intent = Vec2::ZERO;
    body.mind.mood = Mood::Idle;
    body.mind.until = until;
}

/// Walks straight to the goal if nothing stands between, else around it: with a crowd by the field that its
/// members share, alone by a way of its own.
fn walk_to_goal(world: &mut World, index: usize, speed: i32, crowded: bool) {
    let World { entities, ways, tick, rate_hz, .. } = world;
    let body = &mut entities[index];
    let (from, goal) = (body.position, body.mind.goal);
    if body.mind.detour_until <= *tick {
        body.mind.detour_until = tick.plus((*rate_hz / REROUTES_PER_SECOND).max(1));
        body.mind.detour = match ways.as_deref_mut() {
            Some(ways) if !ways.grid.sees(from, goal) => {
                if crowded {
                    ways.step_in_crowd(from, goal)
                } else {
                    ways.first_step(from, goal)
                }
            }
            _ => None,
        };
    }
    if body.mind.detour.is_some_and(|point| from.is_within(point, ARRIVED)) {
        body.mind.detour = None;
        body.mind.detour_until = *tick;
    }
    let way = body.mind.detour.unwrap_or(goal) - from;
    body.intent = way.with_length(speed);
    if body.action != Action::Melee && body.action != Action::Shoot {
        body.heading = way.heading();
    }
}

fn is_over(world: &World, index: usize) -> bool {
    world.entities[index].mind.until <= world.tick
}

fn looks_now(world: &World, index: usize) -> bool {
    let period = (world.rate_hz / LOOKS_PER_SECOND).max(1);
    let Tick(now) = world.tick;
    now.wrapping_add(world.entities[index].id.0).is_multiple_of(period)
}

fn nearest_player(world: &World, index: usize) -> Option<EntityId> {
    let body = &world.entities[index];
    let seen = world.grid.nearest_within(body.position, numbers_of(world, index).sight, |located| {
        let other = world.entities.get(located.index as usize);
        other.is_some_and(|other| other.kind == EntityKind::Player && other.is_alive())
    });
    seen.map(|located| world.entities[located.index as usize].id)
}
