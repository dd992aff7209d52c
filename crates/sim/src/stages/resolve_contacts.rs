//! Keeps bodies inside the world and out of obstacles, and lets projectiles hit.

use domain::fixed::Vec2;
use domain::terrain::{OBSTACLE_RADIUS_MAX, Terrain};
use wire::state::EntityKind;

use crate::entity::Entity;
use crate::rules::Rules;
use crate::world::World;

/// The largest radius of a body, in 1/256 m; projectiles look this far for whom they may touch.
const BODY_RADIUS_MAX: i32 = 512;

pub(crate) fn resolve_contacts(world: &mut World, rules: &dyn Rules) {
    for index in 0..world.entities.len() {
        let entity = &world.entities[index];
        if entity.velocity == Vec2::ZERO {
            continue;
        }
        if entity.kind == EntityKind::Projectile {
            fly(world, rules, index);
        } else {
            let inside = world.clamp_inside(entity.position, entity.radius);
            let terrain = world.terrain;
            let entity = &mut world.entities[index];
            stop_at_edge(entity, inside);
            push_out(entity, terrain);
            let inside = world.clamp_inside(world.entities[index].position, world.entities[index].radius);
            world.entities[index].position = inside;
        }
    }
}

fn stop_at_edge(entity: &mut Entity, inside: Vec2) {
    if inside.x != entity.position.x {
        entity.velocity.x = 0;
    }
    if inside.y != entity.position.y {
        entity.velocity.y = 0;
    }
    entity.position = inside;
}

/// Moves a body out of the obstacles that it went into, the shortest way. What is left of the step carries it
/// around them.
fn push_out(entity: &mut Entity, terrain: Terrain) {
    for obstacle in terrain.obstacles_near(entity.position, entity.radius + OBSTACLE_RADIUS_MAX) {
        let apart = obstacle.radius + entity.radius;
        if entity.position.is_within(obstacle.position, apart) {
            let away = entity.position - obstacle.position;
            let away = if away == Vec2::ZERO { Vec2::new(1, 0) } else { away };
            entity.position = obstacle.position + away.with_length(apart + 1);
        }
    }
}

fn fly(world: &mut World, rules: &dyn Rules, index: usize) {
    let projectile = &world.entities[index];
    let (position, radius, owner) = (projectile.position, projectile.radius, projectile.owner);
    if world.clamp_inside(position, 0) != position || !world.is_free(position, radius) {
        world.entities.mark_removed(index);
        return;
    }
    // The index is of the last tick; a body has moved less than the largest radius since.
    let entities = &world.entities;
    let hit = world.grid.nearest_within(position, radius + 2 * BODY_RADIUS_MAX, |located| {
        let target = &entities[located.index as usize];
        matches!(target.kind, EntityKind::Player | EntityKind::Monster)
            && target.is_alive()
            && Some(target.id) != owner
            && target.position.is_within(position, radius + target.radius)
    });
    if let Some(target) = hit
        && rules.hit(world, index, target.index as usize)
    {
        world.entities.mark_removed(index);
    }
}

#[cfg(test)]
mod tests {
    use domain::fixed::metres;
    use domain::random::Random;

    use super::*;

    #[test]
    fn nobody_stands_in_an_obstacle() {
        let terrain = Terrain { seed: 5, size: metres(400), obstacle_permille: 300 };
        let mut random = Random::new(1);
        for _ in 0..2_000 {
            let place = Vec2::new(random.between(0, metres(150)), random.between(0, metres(150)));
            let mut body = Entity { radius: 100, ..Entity::new(EntityKind::Player, 0, place) };
            push_out(&mut body, terrain);
            let inside = terrain.obstacles_near(body.position, 100).find(|obstacle| {
                // Neighbouring circles may overlap by a little; out of the last one pushed from is enough.
                obstacle.position.is_within(body.position, obstacle.radius + 20)
            });
            assert_eq!(inside, None, "{place:?} -> {:?}", body.position);
        }
    }
}
