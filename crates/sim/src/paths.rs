//! Path finding over the walkable ground of a zone: single ways, a cache of them, and fields for crowds with
//! one goal. It knows cells and bodies' clearance, but no entity and no rule.
//!
//! All results are a function of the grid and of what was asked: caches and pools only save time, so they are
//! no part of the state of a zone and may be dropped at will.

mod cache;
mod finder;
mod flow_field;
mod nav_grid;
#[cfg(test)]
mod tests;

use domain::fixed::Vec2;
use domain::terrain::Terrain;

pub use cache::PathCache;
pub use finder::{PathFinder, PathResult};
pub use flow_field::{FlowField, FlowFields};
pub use nav_grid::{CLEARANCE, Cell, NAV_CELL, NavGrid, SNAP};

/// Searches that are kept.
const SEARCHES: usize = 512;
/// Cells that a search may look at: a way of 60 m around some trees takes some hundred.
const SEARCH_CELLS_MAX: u32 = 2_000;
/// Goals of crowds at the same time.
const FIELDS: usize = 16;
/// How far around its goal a field leads, in cells: as far as monsters chase.
const FIELD_RADIUS: u16 = 32;

/// All that it takes to get about in one zone.
#[derive(Debug)]
pub struct Ways {
    /// Where bodies can walk.
    pub grid: NavGrid,
    finder: PathFinder,
    cache: PathCache,
    fields: FlowFields,
    way: Vec<Vec2>,
}

impl Ways {
    /// The ways of a terrain.
    #[must_use]
    pub fn new(terrain: &Terrain) -> Self {
        Self {
            grid: NavGrid::new(terrain),
            finder: PathFinder::default(),
            cache: PathCache::new(SEARCHES),
            fields: FlowFields::new(FIELDS, FIELD_RADIUS),
            way: Vec::new(),
        }
    }

    /// The first point to walk to on the way from `from` to `to`; `None` if there is no way, or none that is
    /// found with reasonable effort.
    pub fn first_step(&mut self, from: Vec2, to: Vec2) -> Option<Vec2> {
        let Self { grid, finder, cache, way, .. } = self;
        let result = cache.find(finder, grid, [from, to], SEARCH_CELLS_MAX, way);
        (result == PathResult::Found).then(|| way.first().copied())?
    }

    /// A point near `from` on the way to `to`, by the field that all who go there share; `None` if it does not
    /// lead there, or if `from` is there.
    pub fn step_in_crowd(&mut self, from: Vec2, to: Vec2) -> Option<Vec2> {
        let direction = self.fields.toward(&self.grid, to)?.direction(from)?;
        Some(Cell::of(from).middle() + Vec2::new(direction.x * NAV_CELL, direction.y * NAV_CELL))
    }
}
