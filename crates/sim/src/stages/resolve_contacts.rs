//! Keeps bodies inside the world and out of obstacles, and lets projectiles hit.

use domain::fixed::Vec2;
use domain::time::Tick;
use wire::state::EntityKind;

use crate::history::REWIND_REACH;
use crate::rules::Rules;
use crate::world::World;

/// The largest radius of a body, in 1/256 m; projectiles look this far for whom they may touch.
const BODY_RADIUS_MAX: i32 = 512;

pub(crate) fn resolve_contacts(world: &mut World, rules: &dyn Rules) {
    for index in 0..world.entities.index_end() {
        let Some(entity) = world.entities.get(index) else { continue };
        if entity.velocity == Vec2::ZERO {
            continue;
        }
        if entity.kind == EntityKind::Projectile {
            let now = world.tick;
            fly(world, rules, index, now);
        } else {
            let mut motion = entity.motion();
            motion.constrain(entity.radius, &world.terrain);
            world.entities[index].set_motion(motion);
        }
    }
}

/// Lets a projectile that was shot at what its shooter saw at `seen` fly through the ticks that have passed
/// since then, among targets where they were.
pub(crate) fn catch_up(world: &mut World, rules: &dyn Rules, index: usize, seen: Tick) {
    let rate = i32::try_from(world.rate_hz).expect("a rate is small");
    for tick in seen.0..world.tick.0.saturating_sub(1) {
        if world.entities.is_marked(index) {
            return;
        }
        let mut motion = world.entities[index].motion();
        motion.advance(rate);
        world.entities[index].set_motion(motion);
        fly(world, rules, index, Tick(tick + 1));
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
