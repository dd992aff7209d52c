//! Fixed-point geometry of the authoritative world: lengths in 1/256 m as `i32`, directions in 1/65536
//! turn. Integers only, so that every machine, and a GPU, computes the same bits.

use serde::{Deserialize, Serialize};

/// Length units in a metre.
pub const UNITS_PER_METRE: i32 = 256;

/// The length of `metres` in units of 1/256 m.
#[must_use]
pub const fn metres(metres: i32) -> i32 {
    metres * UNITS_PER_METRE
}

/// A point on, or a step across, the ground plane, in 1/256 m: x to the east, y to the south.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Vec2 {
    /// East, in 1/256 m.
    pub x: i32,
    /// South, in 1/256 m.
    pub y: i32,
}

impl Vec2 {
    /// The origin, and the step of no length.
    pub const ZERO: Self = Self { x: 0, y: 0 };

    /// A point or step from its parts in 1/256 m.
    #[must_use]
    pub const fn new(x: i32, y: i32) -> Self {
        Self { x, y }
    }

    /// The square of the length, in (1/256 m)^2. Exact for all values.
    #[must_use]
    pub fn length_squared(self) -> u64 {
        u64::from(self.x.unsigned_abs()).pow(2) + u64::from(self.y.unsigned_abs()).pow(2)
    }

    /// The length rounded down, in 1/256 m.
    #[must_use]
    pub fn length(self) -> i32 {
        // The root of at most 2 * 2^62 is under 2^32; steps of the world stay far under 2^31.
        i32::try_from(self.length_squared().isqrt()).unwrap_or(i32::MAX)
    }

    /// The square of the distance to `other`, in (1/256 m)^2.
    #[must_use]
    pub fn distance_squared(self, other: Self) -> u64 {
        let dx = i64::from(self.x) - i64::from(other.x);
        let dy = i64::from(self.y) - i64::from(other.y);
        dx.unsigned_abs().pow(2) + dy.unsigned_abs().pow(2)
    }

    /// Whether `other` is at most `radius` (1/256 m, not negative) away.
    #[must_use]
    pub fn is_within(self, other: Self, radius: i32) -> bool {
        self.distance_squared(other) <= u64::from(radius.unsigned_abs()).pow(2)
    }

    /// The same direction with the length `length` (1/256 m); zero stays zero.
    #[must_use]
    pub fn with_length(self, length: i32) -> Self {
        let now = i64::from(self.length());
        if now == 0 {
            return Self::ZERO;
        }
        let scale = |part: i32| {
            i32::try_from(i64::from(part) * i64::from(length) / now)
                .expect("no part is longer than the whole")
        };
        Self { x: scale(self.x), y: scale(self.y) }
    }

    /// The same direction, no longer than `length_max` (1/256 m).
    #[must_use]
    pub fn clamp_length(self, length_max: i32) -> Self {
        if self.length_squared() <= u64::from(length_max.unsigned_abs()).pow(2) {
            self
        } else {
            self.with_length(length_max)
        }
    }

    /// The direction of this step; east for a step of no length.
    #[must_use]
    pub fn heading(self) -> Heading {
        Heading(atan2_turns(self.y, self.x))
    }
}

impl std::ops::Add for Vec2 {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { x: self.x.saturating_add(other.x), y: self.y.saturating_add(other.y) }
    }
}

impl std::ops::Sub for Vec2 {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { x: self.x.saturating_sub(other.x), y: self.y.saturating_sub(other.y) }
    }
}

/// A direction in 1/65536 turn: 0 is east, a quarter (16384) is south, since y points south.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Heading(pub u16);

impl Heading {
    /// The step of `length` (1/256 m) in this direction, off by at most 1/1000 of its length.
    #[must_use]
    pub fn step(self, length: i32) -> Vec2 {
        let scale = |part: i32| {
            i32::try_from((i64::from(length) * i64::from(part)) >> 14).expect("a cosine is at most one")
        };
        Vec2 { x: scale(cos_q14(self.0)), y: scale(cos_q14(self.0.wrapping_sub(16_384))) }
    }

    /// The smaller of the two angles between the directions, 0 to 32768 (half a turn).
    #[must_use]
    pub fn angle_to(self, other: Self) -> u16 {
        let turn = self.0.wrapping_sub(other.0);
        turn.min(turn.wrapping_neg())
    }
}

/// Cosine of `turns`/65536 turn in 1/16384, by Bhaskara's rational approximation (error under 0.0017),
/// scaled so that the quarters are exact.
fn cos_q14(turns: u16) -> i32 {
    // With u the angle in quarter turns, cos is (4 - 4u^2) / (4 + u^2) on -1 to 1; u is in 1/16384 here.
    let signed = i64::from(turns.cast_signed());
    let (u, sign) = match signed.abs() {
        near if near <= 16_384 => (near, 1),
        far => (32_768 - far, -1),
    };
    let square = u * u;
    let one = 1_i64 << 28;
    let value = sign * 16_384 * (4 * one - 4 * square) / (4 * one + square);
    i32::try_from(value).expect("a cosine is at most one")
}

/// `atan2` in 1/65536 turn, exact at the eighths and off by less than 1/1000 turn between them.
fn atan2_turns(y: i32, x: i32) -> u16 {
    let (ax, ay) = (i64::from(x).abs(), i64::from(y).abs());
    if ax == 0 && ay == 0 {
        return 0;
    }
    // atan(r) for r in 0..=1 is about r/8 turn + 0.0434 r (1 - r) turn (Lyons' fit, scaled to turns).
    let ratio = (ax.min(ay) << 16) / ax.max(ay);
    let eighth = ratio / 8 + ((ratio * (65_536 - ratio)) >> 16) * 2_847 / 65_536;
    let quarter = if ay > ax { 16_384 - eighth } else { eighth };
    let turns = match (x < 0, y < 0) {
        (false, false) => quarter,
        (true, false) => 32_768 - quarter,
        (true, true) => 32_768 + quarter,
        (false, true) => 65_536 - quarter,
    };
    u16::try_from(turns & 0xffff).expect("masked to 16 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_and_steps_agree_with_floating_point() {
        for turns in (0..65_536_u32).step_by(97) {
            let heading = Heading(u16::try_from(turns).expect("in range"));
            let step = heading.step(100_000);
            let angle = f64::from(turns) / 65_536.0 * std::f64::consts::TAU;
            assert!((f64::from(step.x) - angle.cos() * 100_000.0).abs() < 250.0, "{turns}: {step:?}");
            assert!((f64::from(step.y) - angle.sin() * 100_000.0).abs() < 250.0, "{turns}: {step:?}");
            assert!(step.heading().angle_to(heading) < 130, "{turns}: {:?}", step.heading());
        }
    }

    #[test]
    fn lengths_are_exact_at_the_limits() {
        assert_eq!(Vec2::new(3, 4).length(), 5);
        assert_eq!(Vec2::new(i32::MIN, i32::MIN).length_squared(), 1 << 63);
        assert_eq!(Vec2::new(300, 400).clamp_length(50), Vec2::new(30, 40));
        assert_eq!(Vec2::ZERO.with_length(7), Vec2::ZERO);
        assert!(Vec2::new(0, 0).is_within(Vec2::new(3, 4), 5));
        assert!(!Vec2::new(0, 0).is_within(Vec2::new(3, 4), 4));
    }
}
