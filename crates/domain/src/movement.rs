//! How bodies move: the one step that the simulation takes and that clients predict, in integers, so that
//! both get the same.

use crate::fixed::Vec2;
use crate::terrain::{OBSTACLE_RADIUS_MAX, Terrain};

/// The length of a full wish to move.
pub const FULL_WISH: i32 = 127;

/// Where a body is and how it moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Motion {
    /// Place in 1/256 m.
    pub position: Vec2,
    /// In 1/256 m per second.
    pub velocity: Vec2,
    /// What the last steps left over, in 1/256 m times the tick rate.
    pub remainder: Vec2,
}

/// What a body can do and how big it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Build {
    /// Half its width, in 1/256 m.
    pub radius: i32,
    /// The most it can go, in 1/256 m per second.
    pub speed_max: i32,
    /// How fast its velocity can change, in 1/256 m per second and second.
    pub acceleration: i32,
}

impl Build {
    /// The velocity that a wish (-127 to 127 along each axis) asks for, in 1/256 m per second.
    #[must_use]
    pub fn intent(&self, move_x: i8, move_y: i8) -> Vec2 {
        let wish = Vec2::new(move_x.into(), move_y.into()).clamp_length(FULL_WISH);
        let share = |part: i32| part * self.speed_max / FULL_WISH;
        Vec2::new(share(wish.x), share(wish.y))
    }
}

impl Motion {
    /// Turns the velocity towards `intent`, as far as `acceleration` allows within a tick.
    pub fn accelerate(&mut self, intent: Vec2, acceleration: i32, rate_hz: i32) {
        let change = (intent - self.velocity).clamp_length(acceleration / rate_hz);
        self.velocity = self.velocity + change;
    }

    /// Moves by one tick; what a whole number of units cannot hold is kept for the next.
    pub fn advance(&mut self, rate_hz: i32) {
        let sum = self.velocity + self.remainder;
        let moved = Vec2::new(sum.x.div_euclid(rate_hz), sum.y.div_euclid(rate_hz));
        self.remainder = Vec2::new(sum.x.rem_euclid(rate_hz), sum.y.rem_euclid(rate_hz));
        self.position = self.position + moved;
    }

    /// Keeps a body of `radius` inside the world and out of obstacles.
    pub fn constrain(&mut self, radius: i32, terrain: &Terrain) {
        let inside = terrain.clamp_inside(self.position, radius);
        if inside.x != self.position.x {
            self.velocity.x = 0;
        }
        if inside.y != self.position.y {
            self.velocity.y = 0;
        }
        self.position = inside;
        self.push_out(radius, terrain);
        self.position = terrain.clamp_inside(self.position, radius);
    }

    /// Moves a body out of the obstacles that it went into, the shortest way. What is left of the step carries
    /// it around them.
    fn push_out(&mut self, radius: i32, terrain: &Terrain) {
        for obstacle in terrain.obstacles_near(self.position, radius + OBSTACLE_RADIUS_MAX) {
            let apart = obstacle.radius + radius;
            if self.position.is_within(obstacle.position, apart) {
                let away = self.position - obstacle.position;
                let away = if away == Vec2::ZERO { Vec2::new(1, 0) } else { away };
                self.position = obstacle.position + away.with_length(apart + 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::metres;
    use crate::random::Random;

    #[test]
    fn a_second_of_steps_is_the_velocity() {
        let velocity = Vec2::new(1_000, -777);
        let mut motion = Motion { velocity, ..Motion::default() };
        for _ in 0..30 {
            motion.accelerate(velocity, 1, 30);
            motion.advance(30);
        }
        assert_eq!(motion.position, velocity);
    }

    #[test]
    fn acceleration_is_bounded() {
        let mut motion = Motion::default();
        motion.accelerate(Vec2::new(3_000, 0), 3_000, 30);
        assert_eq!(motion.velocity, Vec2::new(100, 0));
    }

    #[test]
    fn nobody_stands_in_an_obstacle() {
        let terrain = Terrain { seed: 5, size: metres(400), obstacle_permille: 300 };
        let mut random = Random::new(1);
        for _ in 0..2_000 {
            let position = Vec2::new(random.between(0, metres(150)), random.between(0, metres(150)));
            let mut motion = Motion { position, ..Motion::default() };
            motion.push_out(100, &terrain);
            let inside = terrain.obstacles_near(motion.position, 100).find(|obstacle| {
                // Neighbouring circles may overlap by a little; out of the last one pushed from is enough.
                obstacle.position.is_within(motion.position, obstacle.radius + 20)
            });
            assert_eq!(inside, None, "{position:?} -> {:?}", motion.position);
        }
    }
}
