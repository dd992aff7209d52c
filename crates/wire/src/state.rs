//! The state of an entity as players see it: coarser than the authoritative one.

use domain::fixed::Vec2;

/// The largest coordinate, in 1/32 m: worlds end at 4,096 m.
pub const COORDINATE_MAX: i32 = (1 << 17) - 1;
/// Authoritative units (1/256 m) in one unit of the wire (1/32 m).
pub(crate) const UNITS_PER_STEP: i32 = 8;

/// What an entity is; never changes within its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EntityKind {
    /// The body of a player's character.
    Player = 0,
    /// A creature that the host plays.
    Monster = 1,
    /// Something in flight.
    Projectile = 2,
    /// Something to pick up.
    Loot = 3,
}

impl EntityKind {
    /// The kind with this number.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Player),
            1 => Some(Self::Monster),
            2 => Some(Self::Projectile),
            3 => Some(Self::Loot),
            _ => None,
        }
    }
}

/// What an entity does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Action {
    /// Stands.
    #[default]
    Idle = 0,
    /// Walks.
    Moving = 1,
    /// Strikes.
    Melee = 2,
    /// Shoots.
    Shoot = 3,
    /// Lies dead.
    Dead = 4,
}

impl Action {
    /// The action with this number.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Idle),
            1 => Some(Self::Moving),
            2 => Some(Self::Melee),
            3 => Some(Self::Shoot),
            4 => Some(Self::Dead),
            _ => None,
        }
    }
}

/// The state of an entity on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EntityState {
    /// East, in 1/32 m, 0 to [`COORDINATE_MAX`].
    pub x: i32,
    /// South, in 1/32 m, 0 to [`COORDINATE_MAX`].
    pub y: i32,
    /// Velocity to the east, in 1/32 m per second.
    pub vx: i16,
    /// Velocity to the south, in 1/32 m per second.
    pub vy: i16,
    /// Direction in 1/256 turn: 0 is east, 64 south.
    pub heading: u8,
    /// Health in percent, rounded down but at least 1 for who lives: 0 is dead.
    pub health: u8,
    /// What it does.
    pub action: Action,
}

impl EntityState {
    /// The nearest point of the wire's grid to `position` (1/256 m). Quantised before any difference is
    /// taken, so that nothing drifts.
    #[must_use]
    pub fn quantise(position: Vec2) -> (i32, i32) {
        let quantise = |part: i32| to_steps(part).clamp(0, COORDINATE_MAX);
        (quantise(position.x), quantise(position.y))
    }

    /// The nearest velocity of the wire to `velocity` (1/256 m per second).
    #[must_use]
    pub fn quantise_velocity(velocity: Vec2) -> (i16, i16) {
        let quantise = |part: i32| {
            i16::try_from(to_steps(part).clamp(i16::MIN.into(), i16::MAX.into())).expect("clamped")
        };
        (quantise(velocity.x), quantise(velocity.y))
    }

    /// The authoritative point (1/256 m) that the state stands for.
    #[must_use]
    pub fn position(&self) -> Vec2 {
        Vec2::new(self.x * UNITS_PER_STEP, self.y * UNITS_PER_STEP)
    }

    /// The authoritative velocity (1/256 m per second) that the state stands for.
    #[must_use]
    pub fn velocity(&self) -> Vec2 {
        Vec2::new(i32::from(self.vx) * UNITS_PER_STEP, i32::from(self.vy) * UNITS_PER_STEP)
    }

    /// The direction of its velocity in 1/256 turn; `None` if it stands.
    pub(crate) fn course(&self) -> Option<u8> {
        let velocity = Vec2::new(self.vx.into(), self.vy.into());
        (velocity != Vec2::ZERO).then(|| velocity.heading().0.to_be_bytes()[0])
    }
}

fn to_steps(units: i32) -> i32 {
    units.saturating_add(UNITS_PER_STEP / 2).div_euclid(UNITS_PER_STEP)
}
