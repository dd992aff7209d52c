//! Archetypes of the catalogue: the bodies of players and monsters, and what monsters leave behind.

use serde::{Deserialize, Serialize};

use super::check::Checks;
use crate::fixed::metres;
use crate::ids::{AbilityId, ArchetypeId, ItemKind};
use crate::limits::ABILITIES_PER_BODY_MAX;
use crate::progression::LEVEL_MAX;

/// Half the width of the largest body, in 1/256 m; the simulation looks for bodies within this reach.
const RADIUS_MAX: i32 = 512;
/// The simulation takes shots back in time by as far as a body gets at this speed.
const SPEED_MAX: i32 = metres(16);
/// Health of players is a number of 16 bits on the wire.
const PLAYER_HEALTH_MAX: i64 = 65_535;

/// The body of every player.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlayerDefinition {
    /// Half its width, in 1/256 m.
    pub radius: i32,
    /// In 1/256 m per second.
    pub speed_max: i32,
    /// In 1/256 m per second and second.
    pub acceleration: i32,
    /// Health at level 1.
    pub health_max: i32,
    /// Added for each level above 1.
    pub health_per_level: i32,
    /// Milliseconds until a dead player comes back.
    pub respawn_ms: u32,
    /// What players can do: the first is action 1 of an input.
    pub abilities: Vec<AbilityId>,
}

/// A sort of monster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ArchetypeDefinition {
    /// Its name.
    pub archetype: ArchetypeId,
    /// Its number on the wire, by which clients know how to draw it. It stays the same in all versions.
    pub number: u8,
    /// Its name for people.
    pub title: String,
    /// Half its width, in 1/256 m.
    pub radius: i32,
    /// Health at level 1.
    pub health_max: i32,
    /// Added for each level above 1.
    pub health_per_level: i32,
    /// In 1/256 m per second.
    pub speed_max: i32,
    /// How it fights.
    pub ability: AbilityId,
    /// It uses its ability when a player is this near, from middle to middle, in 1/256 m.
    pub reach: i32,
    /// It goes for players this near, in 1/256 m.
    pub sight: i32,
    /// It gives up this far from home, in 1/256 m.
    pub leash: i32,
    /// Experience for the kill, times its level.
    pub xp: u32,
    /// What it may leave behind.
    pub loot: Option<LootDrop>,
}

/// What a monster may leave behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LootDrop {
    /// Which item of the list `loot`.
    pub item: ItemKind,
    /// How often, in 1/1000.
    pub permille: u16,
}

/// An item that can lie on the ground.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LootDefinition {
    /// Its number on the wire, by which clients know how to draw it. It stays the same in all versions.
    pub number: u8,
    /// What who takes it gets.
    pub item: ItemKind,
}

impl PlayerDefinition {
    /// What is wrong with it alone.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut checks = Checks::default();
        check_body(&mut checks, (self.radius, self.speed_max, self.health_max, self.health_per_level));
        checks.range("acceleration", self.acceleration, metres(1)..=metres(1_000));
        checks.range("respawn_ms", self.respawn_ms, 0..=300_000);
        let most = i64::from(self.health_max) + i64::from(self.health_per_level) * i64::from(LEVEL_MAX - 1);
        checks.demand(
            most <= PLAYER_HEALTH_MAX,
            "health_per_level",
            format_args!("{most} at level {LEVEL_MAX} is over {PLAYER_HEALTH_MAX}"),
        );
        checks.range("abilities", self.abilities.len(), 0..=ABILITIES_PER_BODY_MAX);
        checks.faults
    }

    /// The body of the builtin catalogue.
    pub(super) fn builtin() -> Self {
        let ability = |name: &str| name.parse().expect("an ability's name");
        Self {
            radius: 102,
            speed_max: metres(6),
            // Full speed in a fifth of a second.
            acceleration: metres(30),
            health_max: 100,
            health_per_level: 10,
            respawn_ms: 5_000,
            abilities: vec![ability("strike"), ability("shoot")],
        }
    }
}

impl ArchetypeDefinition {
    /// What is wrong with it alone.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut checks = Checks::default();
        checks.title("title", &self.title);
        check_body(&mut checks, (self.radius, self.speed_max, self.health_max, self.health_per_level));
        checks.range("reach", self.reach, 64..=metres(60));
        checks.range("sight", self.sight, 0..=metres(100));
        checks.range("leash", self.leash, metres(2)..=metres(1_000));
        checks.range("xp", self.xp, 0..=1_000_000);
        if let Some(loot) = &self.loot {
            checks.range("loot.permille", loot.permille, 0..=1_000);
        }
        checks.faults
    }
}

fn check_body(checks: &mut Checks, (radius, speed_max, health_max, per_level): (i32, i32, i32, i32)) {
    checks.range("radius", radius, 16..=RADIUS_MAX);
    checks.range("speed_max", speed_max, 0..=SPEED_MAX);
    checks.range("health_max", health_max, 1..=1_000_000);
    checks.range("health_per_level", per_level, 0..=100_000);
}

/// Wolf, goblin and bear.
pub(super) fn builtin() -> Vec<ArchetypeDefinition> {
    let loot = |item: &str| Some(LootDrop { item: item.parse().expect("an item's name"), permille: 500 });
    let name = |name: &str| name.parse().expect("an archetype's name");
    let ability = |name: &str| name.parse().expect("an ability's name");
    vec![
        ArchetypeDefinition {
            archetype: name("wolf"),
            number: 0,
            title: "Wolf".into(),
            radius: 115,
            health_max: 60,
            health_per_level: 12,
            speed_max: metres(5),
            ability: ability("bite"),
            reach: metres(2),
            sight: metres(11),
            leash: metres(30),
            xp: 20,
            loot: loot("hide"),
        },
        ArchetypeDefinition {
            archetype: name("goblin"),
            number: 1,
            title: "Goblin".into(),
            radius: 90,
            health_max: 45,
            health_per_level: 9,
            speed_max: metres(4),
            ability: ability("dart"),
            reach: metres(10),
            sight: metres(14),
            leash: metres(28),
            xp: 25,
            loot: loot("coin"),
        },
        ArchetypeDefinition {
            archetype: name("bear"),
            number: 2,
            title: "Bear".into(),
            radius: 205,
            health_max: 180,
            health_per_level: 30,
            speed_max: metres(4) + 128,
            ability: ability("maul"),
            reach: metres(2) + 128,
            sight: metres(8),
            leash: metres(24),
            xp: 60,
            loot: loot("fang"),
        },
    ]
}

/// Coin, hide and fang.
pub(super) fn builtin_loot() -> Vec<LootDefinition> {
    let item = |item: &str| item.parse().expect("an item's name");
    (0..).zip(super::LOOT_ITEMS).map(|(number, name)| LootDefinition { number, item: item(name) }).collect()
}
