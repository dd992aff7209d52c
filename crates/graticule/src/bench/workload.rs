//! The workloads: who does what in which world.

use clap::ValueEnum;
use client::bot::Behaviour;
use domain::catalogue::{Catalogue, ZoneDefinition};
use domain::fixed::metres;
use serde::Serialize;

use super::host::{HostOptions, zone};

pub(crate) const INTEREST_RADIUS: i32 = metres(40);
/// Players who are in already when a storm begins.
pub(crate) const STORM_RESIDENTS: u32 = 200;

/// A workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Workload {
    Walk,
    Clump,
    Idle,
    Fight,
    Storm,
    Wild,
    /// As walk, beside others.
    Peers,
}

impl Workload {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Walk => "walk",
            Self::Clump => "clump",
            Self::Idle => "idle",
            Self::Fight => "fight",
            Self::Storm => "storm",
            Self::Wild => "wild",
            Self::Peers => "peers",
        }
    }

    /// The numbers of players if none are asked for.
    pub(crate) fn players(self) -> Vec<u32> {
        match self {
            Self::Walk => vec![50, 500, 1_000, 2_000, 3_000, 5_000],
            Self::Clump => vec![100, 500, 1_000],
            Self::Idle | Self::Fight | Self::Peers => vec![500],
            Self::Storm => vec![1_000],
            Self::Wild => vec![100],
        }
    }

    pub(crate) const fn behaviour(self) -> Behaviour {
        match self {
            Self::Walk | Self::Storm | Self::Wild | Self::Peers => Behaviour::Walk,
            Self::Clump => Behaviour::Mill,
            Self::Idle => Behaviour::Stand,
            Self::Fight => Behaviour::Fight,
        }
    }

    /// Whether all begin in one spot.
    pub(crate) const fn is_crowded(self) -> bool {
        matches!(self, Self::Clump)
    }

    fn monsters(self, players: u32) -> u32 {
        match self {
            Self::Walk | Self::Idle | Self::Storm => players / 5,
            // The peers have players only.
            Self::Clump | Self::Peers => 0,
            Self::Fight => players,
            Self::Wild => 10_000,
        }
    }

    /// A square world in which a circle of sight holds about as many entities as asked for, the player's own
    /// aside.
    pub(crate) fn definition(self, options: &HostOptions) -> ZoneDefinition {
        let HostOptions { players, in_view, tick_rate, budget, .. } = *options;
        let monsters = self.monsters(players);
        let radius_squared = u64::from(INTEREST_RADIUS.unsigned_abs()).pow(2);
        // Pi as 355/113: the area is entities / in_view circles.
        let area = u64::from(players + monsters) * radius_squared * 355 / 113 / u64::from(in_view.max(1));
        let spread = i32::try_from(area.isqrt()).unwrap_or(i32::MAX).max(metres(60));
        let size = match self {
            Self::Clump => metres(200),
            Self::Wild => metres(1_000),
            _ => spread,
        };
        ZoneDefinition {
            zone: zone(),
            title: "Benchmark".to_owned(),
            size,
            tick_rate_hz: tick_rate,
            ticks_per_snapshot: tick_rate / 10,
            budget,
            interest_radius: INTEREST_RADIUS,
            capacity: players + 10,
            monsters,
            combat: true,
            obstacle_permille: 30,
            spawns: Catalogue::builtin().zones()[0].spawns.clone(),
        }
    }
}
