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

pub use cache::PathCache;
pub use finder::{PathFinder, PathResult};
pub use flow_field::{FlowField, FlowFields};
pub use nav_grid::{CLEARANCE, Cell, NAV_CELL, NavGrid, SNAP};
