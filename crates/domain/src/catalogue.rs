//! The content: which zones there are, what lives in them, and everything else that a studio decides on. Each
//! kind of content has a file of its own in `catalogue/`.

use serde::{Deserialize, Serialize};

use crate::fixed::metres;
use crate::ids::{BoardId, ZoneId};

pub mod boards;
mod zones;

pub use boards::{BoardDefinition, BoardOperator, BoardOrder, BoardReset, BoardScope, ScoreRange};
pub use zones::ZoneDefinition;

/// Everything a region offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Catalogue {
    zones: Vec<ZoneDefinition>,
    /// Every leaderboard.
    #[serde(default)]
    pub boards: Vec<BoardDefinition>,
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
            boards: boards::builtin(),
            zones: vec![
                ZoneDefinition {
                    size: metres(200),
                    capacity: 500,
                    combat: false,
                    obstacle_permille: 30,
                    ..zone("hub", "The Hub")
                },
                ZoneDefinition { capacity: 500, monsters: 150, ..zone("forest", "The Old Forest") },
            ],
        }
    }

    /// The catalogue of these zones, with what is built in beside them.
    #[must_use]
    pub fn of(zones: Vec<ZoneDefinition>) -> Self {
        Self { zones, boards: boards::builtin() }
    }

    /// Every zone.
    #[must_use]
    pub fn zones(&self) -> &[ZoneDefinition] {
        &self.zones
    }

    /// The zone of this name.
    #[must_use]
    pub fn zone(&self, zone: &ZoneId) -> Option<&ZoneDefinition> {
        self.zones.iter().find(|definition| definition.zone == *zone)
    }
}

impl Catalogue {
    /// The leaderboard of this name.
    #[must_use]
    pub fn board(&self, board: &BoardId) -> Option<&BoardDefinition> {
        self.boards.iter().find(|definition| definition.board == *board)
    }
}

/// Items that monsters drop, by their archetype on the wire.
pub const LOOT_ITEMS: [&str; 3] = ["coin", "hide", "fang"];
