//! Abilities of the catalogue: what players and monsters do to each other.

use serde::{Deserialize, Serialize};

use super::check::Checks;
use crate::fixed::metres;
use crate::ids::AbilityId;

/// What can be done in a fight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AbilityDefinition {
    /// Its name.
    pub ability: AbilityId,
    /// Its name for people.
    pub title: String,
    /// What it does.
    pub effect: AbilityEffect,
    /// Milliseconds until it can be done again.
    pub cooldown_ms: u32,
    /// Health that it takes.
    pub damage: i32,
    /// Added for each level above 1.
    pub damage_per_level: i32,
}

/// The ways of fighting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum AbilityEffect {
    /// Hits all enemies in an arc.
    Strike {
        /// How far, in 1/256 m.
        range: i32,
        /// To each side of the aim, in 1/65536 turn.
        half_angle: u16,
    },
    /// Sends a projectile.
    Shoot {
        /// What it is on the wire; those of players and of monsters have different numbers.
        projectile: u8,
        /// In 1/256 m per second.
        speed: i32,
        /// Half its width, in 1/256 m.
        radius: i32,
        /// Milliseconds that it flies.
        life_ms: u32,
    },
}

impl AbilityDefinition {
    /// What is wrong with it alone.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut checks = Checks::default();
        checks.title("title", &self.title);
        checks.range("cooldown_ms", self.cooldown_ms, 50..=300_000);
        checks.range("damage", self.damage, 0..=100_000);
        checks.range("damage_per_level", self.damage_per_level, 0..=10_000);
        match &self.effect {
            AbilityEffect::Strike { range, half_angle } => {
                checks.range("effect.strike.range", *range, 64..=metres(20));
                checks.range("effect.strike.half_angle", *half_angle, 1..=32_768);
            }
            AbilityEffect::Shoot { speed, radius, life_ms, .. } => {
                checks.range("effect.shoot.speed", *speed, metres(1)..=metres(40));
                checks.range("effect.shoot.radius", *radius, 1..=256);
                checks.range("effect.shoot.life_ms", *life_ms, 100..=10_000);
            }
        }
        checks.faults
    }

    /// The number of what it shoots, if it shoots.
    #[must_use]
    pub fn projectile(&self) -> Option<u8> {
        match self.effect {
            AbilityEffect::Shoot { projectile, .. } => Some(projectile),
            AbilityEffect::Strike { .. } => None,
        }
    }
}

/// A sixth of a turn.
const SIXTH: u16 = 10_923;

/// What players, wolves, goblins and bears can do.
pub(super) fn builtin() -> Vec<AbilityDefinition> {
    let ability = |name: &str, title: &str, effect, cooldown_ms, damage, damage_per_level| {
        let ability = name.parse().expect("an ability's name");
        AbilityDefinition { ability, title: title.to_owned(), effect, cooldown_ms, damage, damage_per_level }
    };
    let strike = |range| AbilityEffect::Strike { range, half_angle: SIXTH };
    let shoot =
        |projectile| AbilityEffect::Shoot { projectile, speed: metres(18), radius: 50, life_ms: 1_200 };
    vec![
        ability("strike", "Strike", strike(metres(2) + 64), 600, 16, 3),
        ability("shoot", "Shoot", shoot(0), 900, 12, 2),
        ability("bite", "Bite", strike(metres(2)), 1_000, 7, 2),
        ability("dart", "Dart", shoot(1), 1_500, 6, 2),
        ability("maul", "Maul", strike(metres(2) + 128), 1_600, 18, 2),
    ]
}
