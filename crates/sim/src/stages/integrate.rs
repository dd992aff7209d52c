//! Moves everything by one step: velocity towards the intent within the acceleration, place by the velocity.

use domain::fixed::Vec2;
use wire::state::{Action, EntityKind};

use crate::entity::Entities;

pub(crate) fn integrate(entities: &mut Entities, rate_hz: u32) {
    let rate = i32::try_from(rate_hz).expect("a rate is small");
    for entity in entities.all_mut() {
        if entity.velocity == Vec2::ZERO && entity.intent == Vec2::ZERO {
            continue;
        }
        let mut motion = entity.motion();
        if entity.kind != EntityKind::Projectile {
            motion.accelerate(entity.intent, entity.acceleration, rate);
        }
        motion.advance(rate);
        entity.set_motion(motion);
        if entity.action == Action::Idle && entity.velocity != Vec2::ZERO {
            entity.action = Action::Moving;
        }
    }
}
