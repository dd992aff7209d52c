//! Keeps bodies inside the world and out of obstacles, and lets projectiles hit.

use domain::fixed::Vec2;
use domain::time::Tick;
use wire::state::EntityKind;

use crate::entity::BODY_RADIUS_MAX;
use crate::history::REWIND_REACH;
use crate::rules::Rules;
use crate::world::World;

pub(crate) fn resolve_contacts(world: &mut World, rules: &dyn Rules) {
    for index in 0..world.entities.index_end() {
        let Some(entity) = world.entities.get(index) else { continue };
        if entity.velocity == Vec2::ZERO || world.entities.is_marked(index) {
            continue;
        }
        if entity.kind == EntityKind::Projectile {
            catch_up(world, rules, index);
            let now = world.tick;
            if !world.entities.is_marked(index) {
                fly(world, rules, index, now);
            }
        } else {
            let mut motion = entity.motion();
            motion.constrain(entity.radius, &world.terrain);
            world.entities[index].set_motion(motion);
        }
    }
}

/// Lets a projectile that was shot at what its shooter saw some ticks ago fly through the ticks that have passed
/// since then, among targets where they were. It has made the step of one tick when this is called.
fn catch_up(world: &mut World, rules: &dyn Rules, index: usize) {
    let Some(seen) = world.entities[index].shot_at.take() else { return };
    let rate = i32::try_from(world.rate_hz).expect("a rate is small");
    for tick in seen.0 + 1..world.tick.0 {
        fly(world, rules, index, Tick(tick));
        if world.entities.is_marked(index) {
            return;
        }
        let mut motion = world.entities[index].motion();
        motion.advance(rate);
        world.entities[index].set_motion(motion);
    }
}

/// Ends a projectile that has come to something, with targets where they were at `tick`.
fn fly(world: &mut World, rules: &dyn Rules, index: usize, tick: Tick) {
    let projectile = &world.entities[index];
    let (position, radius, owner) = (projectile.position, projectile.radius, projectile.owner);
    if world.clamp_inside(position, 0) != position || !world.is_free(position, radius) {
        world.entities.mark_removed(index);
        return;
    }
    // The index is of the last tick; a body has moved less than its largest radius since, and in the ticks
    // that a shot is taken back less than the reach of a rewind.
    let World { entities, history, grid, .. } = world;
    let past = tick < world.tick;
    let reach = radius + 2 * BODY_RADIUS_MAX + if past { REWIND_REACH } else { 0 };
    let hit = grid.nearest_within(position, reach, |located| {
        let Some(target) = entities.get(located.index as usize) else { return false };
        let place = if past { history.place(target.id, tick) } else { Some(target.position) };
        matches!(target.kind, EntityKind::Player | EntityKind::Monster)
            && target.is_alive()
            && Some(target.id) != owner
            && place.is_some_and(|place| place.is_within(position, radius + target.radius))
    });
    if let Some(target) = hit
        && rules.hit(world, index, target.index as usize)
    {
        world.entities.mark_removed(index);
    }
}
