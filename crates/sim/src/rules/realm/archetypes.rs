//! The numbers of monsters.

use domain::fixed::metres;

/// How a monster fights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attack {
    /// Bites what is near.
    Melee,
    /// Throws darts from afar.
    Dart,
}

/// A sort of monster. Lengths in 1/256 m.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MonsterArchetype {
    pub(super) radius: i32,
    pub(super) health_max: i32,
    /// Added for each level above 1.
    pub(super) health_per_level: i32,
    /// Per second.
    pub(super) speed_max: i32,
    pub(super) attack: Attack,
    pub(super) damage: i32,
    /// Between the middles of both.
    pub(super) range: i32,
    pub(super) cooldown_millis: u32,
    /// It goes for players this near.
    pub(super) sight: i32,
    /// It gives up this far from home.
    pub(super) leash: i32,
    /// For the kill, times its level.
    pub(super) xp: u32,
    /// Archetype of what it drops.
    pub(super) loot: u8,
}

/// Wolf, goblin and bear, by their archetype on the wire.
pub(super) const MONSTERS: [MonsterArchetype; 3] = [
    MonsterArchetype {
        radius: 115,
        health_max: 60,
        health_per_level: 12,
        speed_max: metres(5),
        attack: Attack::Melee,
        damage: 7,
        range: metres(2),
        cooldown_millis: 1_000,
        sight: metres(11),
        leash: metres(30),
        xp: 20,
        loot: 1,
    },
    MonsterArchetype {
        radius: 90,
        health_max: 45,
        health_per_level: 9,
        speed_max: metres(4),
        attack: Attack::Dart,
        damage: 6,
        range: metres(10),
        cooldown_millis: 1_500,
        sight: metres(14),
        leash: metres(28),
        xp: 25,
        loot: 0,
    },
    MonsterArchetype {
        radius: 205,
        health_max: 180,
        health_per_level: 30,
        speed_max: metres(4) + 128,
        attack: Attack::Melee,
        damage: 18,
        range: metres(2) + 128,
        cooldown_millis: 1_600,
        sight: metres(8),
        leash: metres(24),
        xp: 60,
        loot: 2,
    },
];
