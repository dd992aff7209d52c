//! Single ways by A* (Hart, Nilsson and Raphael, 1968), straightened where there is a line of sight.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use domain::fixed::Vec2;

use super::nav_grid::{Area, Cell, NavGrid, STEPS};

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathResult {
    /// There is a way.
    Found,
    /// There is none, or the start or the goal has no free cell near.
    NoWay,
    /// More cells would have to be looked at than were allowed.
    OutOfBudget,
}

/// Turns of a way for which there is memory from the start.
const TURNS: usize = 256;
/// Cells on the edge of a search for which there is memory from the start.
const OPEN: usize = 4_096;

/// Cells in a page of nodes.
const PAGE: usize = 4_096;

/// Finds ways, and keeps the memory for it: 12 bytes for each cell, in pages that are made when a search first
/// comes to them.
#[derive(Debug, Default)]
pub struct PathFinder {
    /// The node of a cell is in page index / [`PAGE`]; an empty page has never been come to.
    pages: Vec<Vec<Node>>,
    /// Cost so far plus the least to come, above the latter; and the index: a total order.
    open: BinaryHeap<Reverse<(u64, u32)>>,
    /// Nodes of another search than this count as never seen, so nothing has to be cleared.
    search: u32,
    /// Where the way turns, the goal first.
    turns: Vec<Vec2>,
    core: Vec<Vec2>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Node {
    search: u32,
    cost: u32,
    /// The step that led here.
    step: u8,
    closed: bool,
}

/// What a search from cell to cell came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Search {
    pub(super) result: PathResult,
    /// Cells looked at.
    pub(super) expanded: u32,
    /// Of the way, in 1/12 m; 0 if there is none.
    pub(super) cost: u32,
    /// All cells that the search asked for are in it: changes elsewhere make no difference.
    pub(super) area: Area,
}

impl PathFinder {
    /// Writes the points to walk to from `from`, one after the other, into `way`; it ends up empty unless the
    /// result is [`PathResult::Found`]. The last point is `to`, or the middle of the nearest free cell if `to`
    /// is blocked; who starts in a blocked cell goes to the middle of the nearest free one first. Looks at
    /// `budget_nodes` cells at most.
    pub fn find(
        &mut self,
        grid: &NavGrid,
        from: Vec2,
        to: Vec2,
        budget_nodes: u32,
        way: &mut Vec<Vec2>,
    ) -> PathResult {
        way.clear();
        let Some(ends) = Ends::new(grid, from, to) else { return PathResult::NoWay };
        let mut core = std::mem::take(&mut self.core);
        let search = self.search(grid, ends.start, ends.goal, budget_nodes, &mut core);
        if search.result == PathResult::Found {
            let joined = ends.join(grid, &core, way);
            assert!(joined, "both ends lie in the first and the last cell of the core");
        }
        self.core = core;
        search.result
    }

    /// Searches from one free cell to another. Writes the middles of the cells where the way turns into
    /// `core`, with both ends.
    pub(super) fn search(
        &mut self,
        grid: &NavGrid,
        start: Cell,
        goal: Cell,
        budget_nodes: u32,
        core: &mut Vec<Vec2>,
    ) -> Search {
        core.clear();
        self.begin(grid);
        let [first, last] = [start, goal].map(|cell| grid.index_of(cell).expect("free cells are inside"));
        let area = Area { low: start, high: start };
        let mut report = Search { result: PathResult::NoWay, expanded: 0, cost: 0, area };
        self.reach(first, 0, 0, start.octile(goal));
        while let Some(Reverse((_, index))) = self.open.pop() {
            let node = self.node(index);
            if node.closed {
                continue;
            }
            if report.expanded == budget_nodes {
                report.result = PathResult::OutOfBudget;
                break;
            }
            node.closed = true;
            let cost = node.cost;
            report.expanded += 1;
            let cell = grid.cell_at(index);
            report.area.include(cell);
            if index == last {
                (report.result, report.cost) = (PathResult::Found, cost);
                self.trace(grid, first, last, core);
                break;
            }
            let steps = grid.steps(index);
            for (step, (x, y, length)) in (0_u8..).zip(STEPS).filter(|(step, _)| steps >> step & 1 == 1) {
                let next = grid.neighbour(index, usize::from(step));
                self.reach(next, step, cost + length, cell.plus(x, y).octile(goal));
            }
        }
        // Neighbours of the cells looked at were asked for too.
        (report.area.low, report.area.high) = (report.area.low.plus(-1, -1), report.area.high.plus(1, 1));
        report
    }

    fn begin(&mut self, grid: &NavGrid) {
        let cells = usize::try_from(grid.across() * grid.across()).expect("positive");
        self.open.clear();
        self.search = self.search.wrapping_add(1);
        // Numbers of searches come again after 2^32 of them.
        let pages = cells.div_ceil(PAGE);
        if self.pages.len() != pages || self.search == 0 {
            self.pages.clear();
            self.pages.resize(pages, Vec::new());
            self.turns.reserve(TURNS);
            self.open.reserve(OPEN);
            self.search = 1;
        }
    }

    fn node(&mut self, index: u32) -> &mut Node {
        let index = index as usize;
        let page = &mut self.pages[index / PAGE];
        if page.is_empty() {
            page.resize(PAGE, Node::default());
        }
        &mut page[index % PAGE]
    }

    /// Notes a way to a cell if it is the first or a shorter one.
    fn reach(&mut self, index: u32, step: u8, cost: u32, to_come: u32) {
        let search = self.search;
        let node = self.node(index);
        if node.search != search || cost < node.cost {
            *node = Node { search, cost, step, closed: false };
            let key = u64::from(cost + to_come) << 32 | u64::from(to_come);
            self.open.push(Reverse((key, index)));
        }
    }

    /// Follows the steps back from the goal, and leaves out what can be seen past.
    fn trace(&mut self, grid: &NavGrid, start: u32, goal: u32, core: &mut Vec<Vec2>) {
        self.turns.clear();
        let (mut index, mut heading) = (goal, None);
        while index != start {
            let step = self.node(index).step;
            if heading != Some(step) {
                self.turns.push(grid.cell_at(index).middle());
            }
            heading = Some(step);
            // The opposite of a step is two further in its half of the list.
            index = grid.neighbour(index, usize::from(step & 4 | (step + 2) & 3));
        }
        let mut anchor = grid.cell_at(start).middle();
        core.push(anchor);
        let mut seen = anchor;
        for turn in self.turns.iter().rev().copied() {
            if !grid.sees(anchor, turn) {
                core.push(seen);
                anchor = seen;
            }
            seen = turn;
        }
        if seen != anchor {
            core.push(seen);
        }
    }
}

/// Both ends of a way that is asked for, moved to free cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub(super) start: Cell,
    pub(super) goal: Cell,
    from: Vec2,
    to: Vec2,
    /// Whether `from` is not where the walker stands.
    moved: bool,
}

impl Ends {
    pub(super) fn new(grid: &NavGrid, from: Vec2, to: Vec2) -> Option<Self> {
        let (start, goal) = (grid.nearest_free(from)?, grid.nearest_free(to)?);
        let moved = start != Cell::of(from);
        let from = if moved { start.middle() } else { from };
        let to = if goal == Cell::of(to) { to } else { goal.middle() };
        Some(Self { start, goal, from, to, moved })
    }

    /// Writes the way from end to end along `core` into `way`, leaving out points at both ends of the core
    /// that can be seen past; false if an end does not see its end of the core.
    pub(super) fn join(&self, grid: &NavGrid, core: &[Vec2], way: &mut Vec<Vec2>) -> bool {
        way.clear();
        let seen = core.iter().take_while(|point| grid.sees(self.from, **point)).count();
        let last = core.last().is_some_and(|point| grid.sees(*point, self.to));
        if seen == 0 || !last {
            return false;
        }
        way.extend(&core[seen - 1..]);
        while let Some(point) = way.pop() {
            let before = way.last().copied().unwrap_or(self.from);
            if !grid.sees(before, self.to) {
                way.push(point);
                break;
            }
        }
        way.push(self.to);
        if self.moved && way[0] != self.from {
            way.insert(0, self.from);
        }
        true
    }
}
