//! The state of an entity as players see it: coarser than the authoritative one, and a few bytes long.

use domain::fixed::Vec2;

use crate::bits::{BitReader, BitWriter, BitsError, fits_signed};

/// Bits of a coordinate: 1/32 m over 4,096 m.
pub const COORDINATE_BITS: u32 = 17;
/// The largest coordinate, in 1/32 m.
pub const COORDINATE_MAX: i32 = (1 << COORDINATE_BITS) - 1;
/// Authoritative units (1/256 m) in one unit of the wire (1/32 m).
const UNITS_PER_STEP: i32 = 8;
/// Bits of a step along each axis by its class; the last class is a whole coordinate.
const STEP_BITS: [u32; 3] = [5, 7, 10];
const HEALTH_BITS: u32 = 7;
const ACTION_BITS: u32 = 4;
const HEADING_BITS: u32 = 8;

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
    pub const fn from_bits(bits: u32) -> Option<Self> {
        match bits {
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
    pub const fn from_bits(bits: u32) -> Option<Self> {
        match bits {
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
    /// Direction in 1/256 turn: 0 is east, 64 south.
    pub heading: u8,
    /// Health in percent, rounded up: 0 is dead.
    pub health: u8,
    /// What it does.
    pub action: Action,
}

impl EntityState {
    /// The nearest point of the wire's grid to `position` (1/256 m). Quantised before any difference is
    /// taken, so that nothing drifts.
    #[must_use]
    pub fn quantise(position: Vec2) -> (i32, i32) {
        let quantise = |part: i32| {
            (part.saturating_add(UNITS_PER_STEP / 2)).div_euclid(UNITS_PER_STEP).clamp(0, COORDINATE_MAX)
        };
        (quantise(position.x), quantise(position.y))
    }

    /// The authoritative point (1/256 m) that the state stands for.
    #[must_use]
    pub fn position(&self) -> Vec2 {
        Vec2::new(self.x * UNITS_PER_STEP, self.y * UNITS_PER_STEP)
    }

    pub(crate) fn write_whole(&self, bits: &mut BitWriter) {
        write_coordinates(self, bits);
        bits.bits(self.heading.into(), HEADING_BITS);
        bits.bits(self.health.into(), HEALTH_BITS);
        bits.bits(self.action as u32, ACTION_BITS);
    }

    pub(crate) fn read_whole(bits: &mut BitReader<'_>) -> Result<Self, BitsError> {
        let (x, y) = read_coordinates(bits)?;
        Ok(Self {
            x,
            y,
            heading: read_heading(bits)?,
            health: read_health(bits)?,
            action: read_action(bits)?,
        })
    }

    /// Writes what differs from `baseline`; without one, everything.
    pub(crate) fn write_changes(&self, baseline: Option<&Self>, bits: &mut BitWriter) {
        let changed = |differs: fn(&Self, &Self) -> bool| baseline.is_none_or(|base| differs(self, base));
        let moved = changed(|a, b| (a.x, a.y) != (b.x, b.y));
        let turned = changed(|a, b| a.heading != b.heading);
        let hurt = changed(|a, b| a.health != b.health);
        let acted = changed(|a, b| a.action != b.action);
        for flag in [moved, turned, hurt, acted] {
            bits.flag(flag);
        }
        if moved {
            self.write_step(baseline, bits);
        }
        if turned {
            bits.bits(self.heading.into(), HEADING_BITS);
        }
        if hurt {
            bits.bits(self.health.into(), HEALTH_BITS);
        }
        if acted {
            bits.bits(self.action as u32, ACTION_BITS);
        }
    }

    /// Reads what [`Self::write_changes`] wrote. `None` for `baseline` makes anything but a whole state an
    /// error.
    pub(crate) fn read_changes(baseline: Option<&Self>, bits: &mut BitReader<'_>) -> Result<Self, BitsError> {
        let [moved, turned, hurt, acted] = [bits.flag()?, bits.flag()?, bits.flag()?, bits.flag()?];
        if baseline.is_none() && !(moved && turned && hurt && acted) {
            return Err(BitsError);
        }
        let mut state = baseline.copied().unwrap_or_default();
        if moved {
            (state.x, state.y) = Self::read_step(baseline, bits)?;
        }
        if turned {
            state.heading = read_heading(bits)?;
        }
        if hurt {
            state.health = read_health(bits)?;
        }
        if acted {
            state.action = read_action(bits)?;
        }
        Ok(state)
    }

    fn write_step(&self, baseline: Option<&Self>, bits: &mut BitWriter) {
        if let Some(base) = baseline {
            let (dx, dy) = (self.x - base.x, self.y - base.y);
            for (class, count) in (0..).zip(STEP_BITS) {
                if fits_signed(dx, count) && fits_signed(dy, count) {
                    bits.bits(class, 2);
                    bits.signed(dx, count);
                    bits.signed(dy, count);
                    return;
                }
            }
        }
        bits.bits(3, 2);
        write_coordinates(self, bits);
    }

    fn read_step(baseline: Option<&Self>, bits: &mut BitReader<'_>) -> Result<(i32, i32), BitsError> {
        let class = bits.bits(2)? as usize;
        let Some(count) = STEP_BITS.get(class) else {
            return read_coordinates(bits);
        };
        let base = baseline.ok_or(BitsError)?;
        let (x, y) = (base.x + bits.signed(*count)?, base.y + bits.signed(*count)?);
        let range = 0..=COORDINATE_MAX;
        if range.contains(&x) && range.contains(&y) { Ok((x, y)) } else { Err(BitsError) }
    }
}

fn write_coordinates(state: &EntityState, bits: &mut BitWriter) {
    bits.bits(state.x.cast_unsigned(), COORDINATE_BITS);
    bits.bits(state.y.cast_unsigned(), COORDINATE_BITS);
}

fn read_coordinates(bits: &mut BitReader<'_>) -> Result<(i32, i32), BitsError> {
    let (x, y) = (bits.bits(COORDINATE_BITS)?, bits.bits(COORDINATE_BITS)?);
    Ok((x.cast_signed(), y.cast_signed()))
}

fn read_heading(bits: &mut BitReader<'_>) -> Result<u8, BitsError> {
    u8::try_from(bits.bits(HEADING_BITS)?).map_err(|_| BitsError)
}

fn read_health(bits: &mut BitReader<'_>) -> Result<u8, BitsError> {
    match u8::try_from(bits.bits(HEALTH_BITS)?) {
        Ok(percent @ 0..=100) => Ok(percent),
        _ => Err(BitsError),
    }
}

fn read_action(bits: &mut BitReader<'_>) -> Result<Action, BitsError> {
    Action::from_bits(bits.bits(ACTION_BITS)?).ok_or(BitsError)
}
