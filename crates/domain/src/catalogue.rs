//! The content: which zones there are, what lives in them, and everything else that a studio decides on. Each
//! kind of content has a file of its own in `catalogue/`.

use serde::{Deserialize, Serialize};

use crate::fixed::metres;
use crate::ids::{AbilityId, ArchetypeId, BoardId, FlagId, QueueId, ZoneId};

mod abilities;
mod archetypes;
pub mod boards;
mod chat;
mod check;
mod diff;
mod faults;
mod flags;
mod items;
mod market;
mod names;
mod queues;
pub mod rollout;
mod zones;

pub use abilities::{AbilityDefinition, AbilityEffect};
pub use archetypes::{ArchetypeDefinition, Loot, LootDefinition, LootDrop, PlayerDefinition};
pub use boards::{BoardDefinition, BoardOperator, BoardOrder, BoardReset, BoardScope, ScoreRange};
pub use chat::ChatRules;
pub use diff::{Change, ChangeEffect};
pub use flags::{FlagDefinition, FlagSwitch, FlagVariant};
pub use items::{Binding, CurrencyDefinition, ItemDefinition, PossessionRules, SlotDefinition};
pub use market::MarketRules;
pub use names::NameRules;
pub use queues::{
    MATCH_PLAYERS_MAX, MatchQueue, PLATFORM_MATCH_PLAYERS_MAX, QueueDefinition, QueueError, REGIONS_MAX,
    ROLES_MAX, RoleCount, TEAM_PLAYERS_MAX, TEAMS_MAX,
};
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
    /// What characters can have.
    pub possessions: PossessionRules,
    /// Which names characters may not have.
    pub names: NameRules,
    /// Every leaderboard.
    pub boards: Vec<BoardDefinition>,
    /// Queues for matches.
    pub queues: Vec<MatchQueue>,
    /// The rules of chat.
    pub chat: ChatRules,
    /// The rules of the trading post.
    pub market: MarketRules,
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
                ZoneDefinition { size: metres(60), capacity: 20, ..zone("arena", "The Arena") },
            ],
            player: PlayerDefinition::builtin(),
            archetypes: archetypes::builtin(),
            abilities: abilities::builtin(),
            loot: archetypes::builtin_loot(),
            flags: flags::builtin(),
            possessions: PossessionRules::builtin(),
            names: NameRules::builtin(),
            boards: boards::builtin(),
            queues: queues::builtin(),
            chat: ChatRules::default(),
            market: MarketRules::default(),
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

    /// The leaderboard of this name.
    #[must_use]
    pub fn board(&self, board: &BoardId) -> Option<&BoardDefinition> {
        self.boards.iter().find(|definition| definition.board == *board)
    }

    /// The queue of this name.
    #[must_use]
    pub fn queue(&self, queue: &QueueId) -> Option<&MatchQueue> {
        self.queues.iter().find(|definition| definition.queue == *queue)
    }

    /// The flag of this name.
    #[must_use]
    pub fn flag(&self, flag: &FlagId) -> Option<&FlagDefinition> {
        self.flags.iter().find(|definition| definition.flag == *flag)
    }
}

#[cfg(test)]
mod tests;
