//! Zones of the catalogue.

use serde::{Deserialize, Serialize};

use crate::ids::ZoneId;

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
}
