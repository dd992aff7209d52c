//! The content: which zones there are, what lives in them, and everything else that a studio decides on. Each
//! kind of content has a file of its own in `catalogue/`.

use serde::{Deserialize, Serialize};

use crate::fixed::metres;
use crate::ids::{CurrencyId, ItemKind, QueueId, ZoneId};

mod chat;
mod items;
mod market;
mod names;
mod queues;
mod zones;

pub use chat::ChatRules;
pub use items::{Binding, CurrencyDefinition, ItemDefinition, PossessionRules, SlotDefinition};
pub use market::MarketRules;
pub use names::NameRules;
pub use queues::{
    MATCH_PLAYERS_MAX, MatchQueue, PLATFORM_MATCH_PLAYERS_MAX, QueueDefinition, QueueError, REGIONS_MAX,
    ROLES_MAX, RoleCount, TEAM_PLAYERS_MAX, TEAMS_MAX,
};
pub use zones::ZoneDefinition;

/// Everything a region offers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Catalogue {
    zones: Vec<ZoneDefinition>,
    /// Queues for matches.
    #[serde(default)]
    pub queues: Vec<MatchQueue>,
    /// The rules of chat.
    #[serde(default)]
    pub chat: ChatRules,
    /// What characters can have.
    #[serde(default)]
    pub possessions: PossessionRules,
    /// Which names characters may not have.
    #[serde(default)]
    pub names: NameRules,
    /// The rules of the trading post.
    #[serde(default)]
    pub market: MarketRules,
}

/// Where a new character starts.
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
        };
        Self {
            zones: vec![
                ZoneDefinition {
                    size: metres(200),
                    capacity: 500,
                    combat: false,
                    obstacle_permille: 30,
                    ..zone("hub", "The Hub")
                },
                ZoneDefinition { capacity: 500, monsters: 150, ..zone("forest", "The Old Forest") },
                ZoneDefinition { size: metres(60), capacity: 20, ..zone("arena", "The Arena") },
            ],
            queues: queues::builtin(),
            chat: ChatRules::default(),
            possessions: PossessionRules::builtin(),
            names: NameRules::builtin(),
            market: MarketRules::default(),
        }
    }

    /// The catalogue of these zones, and else what comes with Graticule.
    #[must_use]
    pub fn of(zones: Vec<ZoneDefinition>) -> Self {
        Self { zones, ..Self::builtin() }
    }

    /// Every zone.
    #[must_use]
    pub fn zones(&self) -> &[ZoneDefinition] {
        &self.zones
    }

    /// The queue of this name.
    #[must_use]
    pub fn queue(&self, queue: &QueueId) -> Option<&MatchQueue> {
        self.queues.iter().find(|definition| definition.queue == *queue)
    }

    /// The zone of this name.
    #[must_use]
    pub fn zone(&self, zone: &ZoneId) -> Option<&ZoneDefinition> {
        self.zones.iter().find(|definition| definition.zone == *zone)
    }
}

/// What monsters drop, by its archetype on the wire: items of the catalogue, and [`LOOT_CURRENCY`].
pub const LOOT_ITEMS: [&str; 3] = ["coin", "hide", "fang"];

/// The currency among [`LOOT_ITEMS`].
pub const LOOT_CURRENCY: &str = "coin";

/// What a monster dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loot {
    /// Money.
    Currency(CurrencyId),
    /// An item.
    Item(ItemKind),
}

/// What the archetype on the wire stands for, if it is loot.
#[must_use]
pub fn loot(archetype: u8) -> Option<Loot> {
    let name = *LOOT_ITEMS.get(usize::from(archetype))?;
    if name == LOOT_CURRENCY {
        name.parse().ok().map(Loot::Currency)
    } else {
        name.parse().ok().map(Loot::Item)
    }
}
