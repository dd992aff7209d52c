//! The content: which zones there are and what lives in them. Built in for now; published and switched by
//! the API later.

use crate::fixed::metres;
use crate::ids::ZoneId;

/// How one kind of zone is made.
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

/// Everything a region offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    zones: Vec<ZoneDefinition>,
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
            ],
        }
    }

    /// The catalogue of these zones.
    #[must_use]
    pub fn of(zones: Vec<ZoneDefinition>) -> Self {
        Self { zones }
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

/// Items that monsters drop, by their archetype on the wire.
pub const LOOT_ITEMS: [&str; 3] = ["coin", "hide", "fang"];
