//! Ways that were found before. What it gives depends on the grid and the question alone, never on what it
//! has kept.

use domain::fixed::Vec2;
use domain::random::mix;

use super::finder::{Ends, PathFinder, PathResult, Search};
use super::nav_grid::{Cell, NAV_CELL, NavGrid};

/// Edge of a region, in cells: whoever starts in one and has a goal in another shares a way between them.
const REGION: i32 = 4;
/// Ways between regions fewer than this apart are searched from cell to cell: a detour over the middles of
/// the regions would show there, and the search is short.
const REGIONS_APART_MIN: u32 = 4;

/// Turns of a way that need no more memory.
const TURNS: usize = 16;
/// Places that a search may take; it takes the one that was not asked for the longest.
const PLACES: usize = 4;

/// Keeps searches of one grid in a table of fixed size.
#[derive(Debug)]
pub struct PathCache {
    entries: Vec<Entry>,
    /// Of the grid, up to which changes have been taken in.
    version: u64,
    hits: u64,
    misses: u64,
}

#[derive(Debug, Clone, Default)]
struct Entry {
    search: Option<(Cell, Cell, Search)>,
    core: Vec<Vec2>,
    /// When it was last asked for.
    used: u64,
}

impl PathCache {
    /// A cache with places for `searches`, rounded up to a multiple of four.
    #[must_use]
    pub fn new(searches: usize) -> Self {
        let entry = || Entry { core: Vec::with_capacity(TURNS), ..Entry::default() };
        let entries = std::iter::repeat_with(entry).take(searches.max(1).next_multiple_of(PLACES)).collect();
        Self { entries, version: 0, hits: 0, misses: 0 }
    }

    /// Searches that were at hand, and those that were made.
    #[must_use]
    pub const fn hits_and_misses(&self) -> (u64, u64) {
        (self.hits, self.misses)
    }

    /// As [`PathFinder::find`], but far ways lead over the middles of the regions of both ends, if these can
    /// be reached: up to some metres longer. Makes at most two searches of `budget_nodes` each. One cache
    /// serves one grid.
    pub fn find(
        &mut self,
        finder: &mut PathFinder,
        grid: &NavGrid,
        [from, to]: [Vec2; 2],
        budget_nodes: u32,
        way: &mut Vec<Vec2>,
    ) -> PathResult {
        way.clear();
        self.forget_changed(grid);
        let Some(ends) = Ends::new(grid, from, to) else { return PathResult::NoWay };
        if let Some([start, goal]) = middles_of_regions(grid, &ends) {
            let (result, core) = self.search(finder, grid, [start, goal], budget_nodes);
            match result {
                PathResult::Found if ends.join(grid, core, way) => return result,
                PathResult::OutOfBudget => return result,
                // The middle of a region may be cut off from the rest of it.
                PathResult::Found | PathResult::NoWay => way.clear(),
            }
        }
        let (result, core) = self.search(finder, grid, [ends.start, ends.goal], budget_nodes);
        if result == PathResult::Found {
            let joined = ends.join(grid, core, way);
            assert!(joined, "both ends lie in the first and the last cell of the core");
        }
        result
    }

    fn search(
        &mut self,
        finder: &mut PathFinder,
        grid: &NavGrid,
        [start, goal]: [Cell; 2],
        budget_nodes: u32,
    ) -> (PathResult, &[Vec2]) {
        let first = PLACES * place_of(start, goal, self.entries.len() / PLACES);
        let places = &mut self.entries[first..first + PLACES];
        let is_kept = |entry: &Entry| entry.search.is_some_and(|kept| (kept.0, kept.1) == (start, goal));
        let oldest = || (0..PLACES).min_by_key(|place| places[*place].used).expect("there are some");
        let place = places.iter().position(is_kept).unwrap_or_else(oldest);
        let entry = &mut places[place];
        entry.used = self.hits + self.misses + 1;
        let kept = entry.search.filter(|_| is_kept(entry));
        if let Some(result) = kept.and_then(|(_, _, search)| within_budget(&search, budget_nodes)) {
            self.hits += 1;
            return (result, &entry.core);
        }
        self.misses += 1;
        let search = finder.search(grid, start, goal, budget_nodes, &mut entry.core);
        entry.search = Some((start, goal, search));
        (search.result, &entry.core)
    }

    /// Forgets the searches that asked for a cell that has changed since.
    fn forget_changed(&mut self, grid: &NavGrid) {
        if self.version == grid.version() {
            return;
        }
        if let Some(changes) = grid.changes_since(self.version) {
            for cell in changes {
                for entry in &mut self.entries {
                    entry.search.take_if(|(_, _, search)| search.area.contains(cell));
                }
            }
        } else {
            self.entries.iter_mut().for_each(|entry| entry.search = None);
        }
        self.version = grid.version();
    }
}

/// What the search would have come to with this budget, if that is known.
fn within_budget(search: &Search, budget_nodes: u32) -> Option<PathResult> {
    match search.result {
        PathResult::OutOfBudget => (budget_nodes <= search.expanded).then_some(PathResult::OutOfBudget),
        _ if budget_nodes < search.expanded => Some(PathResult::OutOfBudget),
        result => Some(result),
    }
}

/// The free cells nearest to the middles of the regions of both ends, if these are far apart.
fn middles_of_regions(grid: &NavGrid, ends: &Ends) -> Option<[Cell; 2]> {
    let region = |cell: Cell| Cell { x: cell.x.div_euclid(REGION), y: cell.y.div_euclid(REGION) };
    let [start, goal] = [region(ends.start), region(ends.goal)];
    if start.x.abs_diff(goal.x).max(start.y.abs_diff(goal.y)) < REGIONS_APART_MIN {
        return None;
    }
    let middle = |at: i32| (at * REGION + REGION / 2) * NAV_CELL;
    let free = |region: Cell| grid.nearest_free(Vec2::new(middle(region.x), middle(region.y)));
    Some([free(start)?, free(goal)?])
}

fn place_of(start: Cell, goal: Cell, places: usize) -> usize {
    let mixed = [start.x, start.y, goal.x, goal.y]
        .into_iter()
        .fold(0, |mixed, part| mix(mixed ^ u64::from(part.cast_unsigned()) ^ 0x9e37_79b9_7f4a_7c15));
    let places = u64::try_from(places).expect("a table fits into memory");
    usize::try_from(mixed % places).expect("less than the places")
}
