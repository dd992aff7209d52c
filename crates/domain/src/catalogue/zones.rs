//! Zones of the catalogue.

use serde::{Deserialize, Serialize};

use super::check::Checks;
use crate::fixed::metres;
use crate::ids::{ArchetypeId, ZoneId};
use crate::limits::PLAYERS_PER_INSTANCE_MAX;

/// How one kind of zone is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ZoneDefinition {
    /// Its name in paths and messages.
    pub zone: ZoneId,
    /// Its name for people.
    pub title: String,
    /// Edge of the square world, in 1/256 m; the origin is the north-west corner.
    pub size: i32,
    /// Steps per second, 10 to 128.
    pub tick_rate_hz: u16,
    /// Steps between two updates to the same player.
    pub ticks_per_snapshot: u16,
    /// Bytes per second that are sent to a player at the most, IP packets counted.
    pub budget: u32,
    /// How far a player sees, in 1/256 m.
    pub interest_radius: i32,
    /// Most players of an instance.
    pub capacity: u32,
    /// Most monsters alive at a time.
    pub monsters: u32,
    /// Whether players can be hurt.
    pub combat: bool,
    /// Share of obstacles in the terrain, in 1/1000 of its cells.
    pub obstacle_permille: u16,
    /// Which monsters live there.
    #[serde(default = "common_spawns")]
    pub spawns: Vec<Spawn>,
}

/// A sort of monster that lives in a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Spawn {
    /// Which.
    pub archetype: ArchetypeId,
    /// Its share among the monsters of the zone: its weight of the sum of all.
    pub weight: u32,
    /// The lowest level of one, from 1.
    pub level_min: u8,
    /// The highest.
    pub level_max: u8,
}

/// The wild of the builtin catalogue: half wolves, some goblins, few bears.
pub(super) fn common_spawns() -> Vec<Spawn> {
    let spawn = |name: &str, weight| Spawn {
        archetype: name.parse().expect("an archetype's name"),
        weight,
        level_min: 1,
        level_max: 4,
    };
    vec![spawn("wolf", 5), spawn("goblin", 3), spawn("bear", 2)]
}

impl ZoneDefinition {
    /// What is wrong with it alone.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut checks = Checks::default();
        checks.title("title", &self.title);
        checks.range("size", self.size, metres(20)..=metres(4_000));
        checks.range("tick_rate_hz", self.tick_rate_hz, 10..=128);
        checks.range("ticks_per_snapshot", self.ticks_per_snapshot, 1..=self.tick_rate_hz.max(1));
        checks.range("budget", self.budget, 1_000..=1_000_000);
        checks.range("interest_radius", self.interest_radius, metres(5)..=metres(200));
        checks.range("capacity", self.capacity as usize, 1..=PLAYERS_PER_INSTANCE_MAX);
        checks.range("monsters", self.monsters, 0..=10_000);
        checks.range("obstacle_permille", self.obstacle_permille, 0..=500);
        // The index over a world has cells half as wide as a player sees.
        let narrow = self.interest_radius > 0 && self.size / self.interest_radius > 400;
        checks.demand(!narrow, "interest_radius", "size is more than 400 times as much");
        checks.range("spawns", self.spawns.len(), 0..=64);
        checks.demand(self.monsters == 0 || !self.spawns.is_empty(), "spawns", "monsters need at least one");
        for (index, spawn) in self.spawns.iter().enumerate() {
            checks.range(&format!("spawns[{index}].weight"), spawn.weight, 1..=1_000_000);
            checks.range(&format!("spawns[{index}].level_min"), spawn.level_min, 1..=spawn.level_max.max(1));
        }
        checks.faults
    }

    /// Names of the fields that a running instance cannot take over from `next`: it has to start again.
    #[must_use]
    pub fn restart_fields(&self, next: &Self) -> Vec<&'static str> {
        let differs = [
            ("size", self.size != next.size),
            ("tick_rate_hz", self.tick_rate_hz != next.tick_rate_hz),
            ("ticks_per_snapshot", self.ticks_per_snapshot != next.ticks_per_snapshot),
            ("obstacle_permille", self.obstacle_permille != next.obstacle_permille),
        ];
        differs.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect()
    }
}
