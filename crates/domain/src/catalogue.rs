//! The content: which zones there are, what lives in them, and everything else that a studio decides on. Each
//! kind of content has a file of its own in `catalogue/`.

use serde::{Deserialize, Serialize};

use crate::fixed::metres;
use crate::ids::{AbilityId, ArchetypeId, FlagId, ZoneId};

mod abilities;
mod archetypes;
mod check;
mod diff;
mod faults;
mod flags;
pub mod rollout;
mod zones;

pub use abilities::{AbilityDefinition, AbilityEffect};
pub use archetypes::{ArchetypeDefinition, LootDefinition, LootDrop, PlayerDefinition};
pub use diff::{Change, ChangeEffect};
pub use flags::{FlagDefinition, FlagSwitch, FlagVariant};
pub use zones::{Spawn, ZoneDefinition};

/// Everything a region offers. What a text of it leaves out is as in the builtin one, so that a version that was
/// written before a kind of content came to be still means what it meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Catalogue {
    /// Where a new character starts.
    pub start_zone: ZoneId,
    zones: Vec<ZoneDefinition>,
    /// The body of every player.
    pub player: PlayerDefinition,
    /// The sorts of monsters.
    pub archetypes: Vec<ArchetypeDefinition>,
    /// What players and monsters do to each other.
    pub abilities: Vec<AbilityDefinition>,
    /// Items that can lie on the ground.
    pub loot: Vec<LootDefinition>,
    /// Features that can be switched.
    pub flags: Vec<FlagDefinition>,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::builtin()
    }
}

/// Where a new character of the builtin catalogue starts.
pub const START_ZONE: &str = "hub";

impl Catalogue {
    /// The catalogue that comes with Graticule: a peaceful hub and a forest full of monsters.
    #[must_use]
    pub fn builtin() -> Self {
        let zone = |name: &str, title: &str| ZoneDefinition {
            zone: name.parse().expect("a zone name"),
            title: title.to_owned(),
            size: metres(400),
            tick_rate_hz: 60,
            ticks_per_snapshot: 6,
            budget: 5_000,
            interest_radius: metres(40),
            capacity: 100,
            monsters: 0,
            combat: true,
            obstacle_permille: 60,
            spawns: zones::common_spawns(),
        };
        Self {
            start_zone: START_ZONE.parse().expect("a zone name"),
            zones: vec![
                ZoneDefinition {
                    size: metres(200),
                    capacity: 500,
                    combat: false,
                    obstacle_permille: 30,
                    ..zone(START_ZONE, "The Hub")
                },
                ZoneDefinition { capacity: 500, monsters: 150, ..zone("forest", "The Old Forest") },
            ],
            player: PlayerDefinition::builtin(),
            archetypes: archetypes::builtin(),
            abilities: abilities::builtin(),
            loot: archetypes::builtin_loot(),
            flags: flags::builtin(),
        }
    }

    /// The builtin catalogue with these zones.
    #[must_use]
    pub fn of(zones: Vec<ZoneDefinition>) -> Self {
        Self { zones, ..Self::builtin() }
    }

    /// Every zone.
    #[must_use]
    pub fn zones(&self) -> &[ZoneDefinition] {
        &self.zones
    }

    /// Every zone, to change them.
    pub fn zones_mut(&mut self) -> &mut Vec<ZoneDefinition> {
        &mut self.zones
    }

    /// The zone of this name.
    #[must_use]
    pub fn zone(&self, zone: &ZoneId) -> Option<&ZoneDefinition> {
        self.zones.iter().find(|definition| definition.zone == *zone)
    }

    /// The archetype of this name.
    #[must_use]
    pub fn archetype(&self, archetype: &ArchetypeId) -> Option<&ArchetypeDefinition> {
        self.archetypes.iter().find(|definition| definition.archetype == *archetype)
    }

    /// The ability of this name.
    #[must_use]
    pub fn ability(&self, ability: &AbilityId) -> Option<&AbilityDefinition> {
        self.abilities.iter().find(|definition| definition.ability == *ability)
    }

    /// The flag of this name.
    #[must_use]
    pub fn flag(&self, flag: &FlagId) -> Option<&FlagDefinition> {
        self.flags.iter().find(|definition| definition.flag == *flag)
    }
}

/// Items that monsters drop in the builtin catalogue, by their archetype on the wire.
pub const LOOT_ITEMS: [&str; 3] = ["coin", "hide", "fang"];

#[cfg(test)]
mod tests;
