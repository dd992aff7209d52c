//! Moves everything by one step: velocity towards the intent within the acceleration, place by the velocity.

use domain::fixed::Vec2;
use wire::state::{Action, EntityKind};

use crate::entity::{Entities, Entity};

pub(crate) fn integrate(entities: &mut Entities, rate_hz: u32) {
    let rate = i32::try_from(rate_hz).expect("a rate is small");
    for entity in entities.all_mut() {
        if entity.velocity == Vec2::ZERO && entity.intent == Vec2::ZERO {
            continue;
        }
        if entity.kind != EntityKind::Projectile {
            let change = (entity.intent - entity.velocity).clamp_length(entity.acceleration / rate);
            entity.velocity = entity.velocity + change;
        }
        step(entity, rate);
    }
}

/// Advances by one tick; what a whole number of units cannot hold is kept for the next.
fn step(entity: &mut Entity, rate: i32) {
    let sum = entity.velocity + entity.remainder;
    let moved = Vec2::new(sum.x.div_euclid(rate), sum.y.div_euclid(rate));
    entity.remainder = Vec2::new(sum.x.rem_euclid(rate), sum.y.rem_euclid(rate));
    entity.position = entity.position + moved;
    if entity.action == Action::Idle && entity.velocity != Vec2::ZERO {
        entity.action = Action::Moving;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_steps_is_the_velocity() {
        let mut entities = Entities::default();
        let velocity = Vec2::new(1_000, -777);
        let runner = Entity {
            velocity,
            intent: velocity,
            acceleration: 1,
            ..Entity::new(EntityKind::Player, 0, Vec2::ZERO)
        };
        entities.spawn(runner);
        for _ in 0..30 {
            integrate(&mut entities, 30);
        }
        assert_eq!(entities[0].position, velocity);
    }

    #[test]
    fn acceleration_is_bounded() {
        let mut entities = Entities::default();
        let intent = Vec2::new(3_000, 0);
        let starter =
            Entity { intent, acceleration: 3_000, ..Entity::new(EntityKind::Player, 0, Vec2::ZERO) };
        entities.spawn(starter);
        integrate(&mut entities, 30);
        assert_eq!(entities[0].velocity, Vec2::new(100, 0));
    }
}
