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
        let ticks = tick.saturating_sub(self.tick);
        let rate = i32::from(rate_hz.max(1));
        let moved = |from: i32, velocity: i16| {
            // A division of 32 bits takes half the time of one of 64, and this is what crowds spend theirs on.
            let step = match i32::from(velocity).checked_mul(ticks.cast_signed()) {
                Some(way) if ticks <= SHORT => (way + rate / 2).div_euclid(rate),
                _ => far(velocity, ticks, rate),
            };
            from.saturating_add(step).clamp(0, COORDINATE_MAX)
        };
        EntityState { x: moved(x, vx), y: moved(y, vy), ..self.state }
    }
}

/// Ticks for which the way of any velocity, and half a rate, has room in 32 bits.
const SHORT: u32 = 1 << 15;

/// The steps that a velocity makes in a long time.
fn far(velocity: i16, ticks: u32, rate: i32) -> i32 {
    let way = i64::from(velocity) * i64::from(ticks) + i64::from(rate / 2);
    let step = way.div_euclid(rate.into()).clamp(i32::MIN.into(), i32::MAX.into());
    i32::try_from(step).expect("clamped")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_way_is_as_the_sum_of_its_velocity() {
        for (ticks, velocity, x) in [
            (60, 192, 1_192),
            (1 << 15, 32_767, 131_071),
            (1 << 20, -1, 0),
            (u32::MAX, 1, 131_071),
            (59, -64, 937),
        ] {
            let state = EntityState { x: 1_000, y: 5, vx: velocity, ..EntityState::default() };
            let shown = Track { state, tick: 0 }.at(ticks, 60);
            assert_eq!((shown.x, shown.y), (x, 5), "{ticks} ticks at {velocity}");
        }
        for ticks in [0, 1, 7, 100, SHORT, SHORT + 1] {
            for velocity in [i16::MIN, -7, 1, 5_000, i16::MAX] {
                let rate = 60;
                let way = i64::from(velocity) * i64::from(ticks) + 30;
                assert_eq!(i64::from(far(velocity, ticks, rate)), way.div_euclid(60));
            }
        }
    }
}
