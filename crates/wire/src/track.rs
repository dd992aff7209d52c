//! What both ends know of one entity in a view: the state that was told last, and where the entity has got to
//! since if it went on with the same velocity (dead reckoning, IEEE 1278).

use crate::state::{COORDINATE_MAX, EntityState};

/// The state of an entity at a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Track {
    pub(crate) state: EntityState,
    pub(crate) tick: u32,
}

impl Track {
    /// What the other end shows at `tick`: the state, moved on by its velocity.
    pub(crate) fn at(&self, tick: u32, rate_hz: u16) -> EntityState {
        let EntityState { x, y, vx, vy, .. } = self.state;
        if vx == 0 && vy == 0 {
            return self.state;
        }
        let ticks = i64::from(tick.saturating_sub(self.tick));
        let rate = i64::from(rate_hz.max(1));
        let moved = |from: i32, velocity: i16| {
            let to = i64::from(from) + (i64::from(velocity) * ticks + rate / 2).div_euclid(rate);
            i32::try_from(to.clamp(0, COORDINATE_MAX.into())).expect("clamped")
        };
        EntityState { x: moved(x, vx), y: moved(y, vy), ..self.state }
    }
}
