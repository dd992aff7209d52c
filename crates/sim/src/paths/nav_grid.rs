//! Where bodies can walk, as a bitset of square cells. It does not know who walks, or where to.

use std::collections::VecDeque;

use domain::fixed::{Vec2, metres};
use domain::terrain::Terrain;

/// Edge of a cell, in 1/256 m. Obstacles grown by the clearance are 3 to 4 m wide and stand about 4 m apart
/// or a multiple of that, so the gaps that a body fits through start at about a metre: cells of 2 m would
/// close most of them. The 160,000 cells of a world of 400 m take 20 kB.
pub const NAV_CELL: i32 = metres(1);
/// The largest radius of a body that can walk all free cells, in 1/256 m.
pub const CLEARANCE: i32 = metres(1);
/// Who stands in a blocked cell is taken to the nearest free one with its middle this near, in 1/256 m.
pub const SNAP: i32 = metres(3);
/// Cost of a step to a cell that shares an edge, in 1/12 m.
pub(super) const STRAIGHT: u32 = 12;
/// Cost of a step over a corner, in 1/12 m: 17/12 is within 0.2 % of the root of 2.
pub(super) const DIAGONAL: u32 = 17;
/// Changes that are remembered; who missed more must forget all.
const CHANGES_MAX: usize = 256;

/// A cell of the grid by its column and row, from 0 at the north-west corner of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Column, to the east.
    pub x: i32,
    /// Row, to the south.
    pub y: i32,
}

impl Cell {
    /// The cell with `position` in it, which may be outside of the world.
    #[must_use]
    pub const fn of(position: Vec2) -> Self {
        Self { x: position.x.div_euclid(NAV_CELL), y: position.y.div_euclid(NAV_CELL) }
    }

    /// The middle of the cell.
    #[must_use]
    pub const fn middle(self) -> Vec2 {
        Vec2::new(self.x * NAV_CELL + NAV_CELL / 2, self.y * NAV_CELL + NAV_CELL / 2)
    }

    pub(super) const fn plus(self, x: i32, y: i32) -> Self {
        Self { x: self.x + x, y: self.y + y }
    }

    /// Cost of the shortest way to `other` if nothing is blocked.
    pub(super) fn octile(self, other: Self) -> u32 {
        let (dx, dy) = (self.x.abs_diff(other.x), self.y.abs_diff(other.y));
        STRAIGHT * dx.abs_diff(dy) + DIAGONAL * dx.min(dy)
    }
}

/// A rectangle of cells, its corners included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) low: Cell,
    pub(super) high: Cell,
}

impl Area {
    pub(super) fn include(&mut self, cell: Cell) {
        self.low = Cell { x: self.low.x.min(cell.x), y: self.low.y.min(cell.y) };
        self.high = Cell { x: self.high.x.max(cell.x), y: self.high.y.max(cell.y) };
    }

    pub(super) fn contains(&self, cell: Cell) -> bool {
        (self.low.x..=self.high.x).contains(&cell.x) && (self.low.y..=self.high.y).contains(&cell.y)
    }
}

/// A step to a neighbour: columns, rows and cost. The straight ones come first; the diagonal 4 + i lies
/// between the straight ones i and i + 1.
pub(super) const STEPS: [(i32, i32, u32); 8] = [
    (1, 0, STRAIGHT),
    (0, 1, STRAIGHT),
    (-1, 0, STRAIGHT),
    (0, -1, STRAIGHT),
    (1, 1, DIAGONAL),
    (-1, 1, DIAGONAL),
    (-1, -1, DIAGONAL),
    (1, -1, DIAGONAL),
];

/// Walkability of a square world. A cell is free if a body of [`CLEARANCE`] touches no obstacle and no edge of
/// the world wherever in the cell its middle is: a straight line over free cells is a way without contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NavGrid {
    /// Cells in a row.
    across: i32,
    /// One bit a cell, row by row. The outermost cells are always blocked, so all neighbours of a free cell
    /// are in the grid.
    blocked: Vec<u64>,
    /// What the terrain alone blocks.
    ground: Vec<u64>,
    /// From a cell's index to that of its neighbours.
    offsets: [i32; 8],
    version: u64,
    /// The last changes, one for each version, the newest last.
    changes: VecDeque<Cell>,
}

impl NavGrid {
    /// The grid of a terrain. Takes about a millisecond for a world of 400 m.
    #[must_use]
    pub fn new(terrain: &Terrain) -> Self {
        assert!(terrain.size > 0, "a world has a size");
        let across = (terrain.size - 1) / NAV_CELL + 1;
        let words = usize::try_from(across * across).expect("positive").div_ceil(64);
        let mut ground = vec![0; words];
        let mut block = |x: i32, y: i32| {
            let index = u32::try_from(y * across + x).expect("not negative");
            set_bit(&mut ground, index, true);
        };
        let at_edge = |at: i32| at * NAV_CELL < CLEARANCE || (at + 1) * NAV_CELL > terrain.size - CLEARANCE;
        for y in 0..across {
            for x in (0..across).filter(|x| at_edge(y) || at_edge(*x)) {
                block(x, y);
            }
        }
        for obstacle in terrain.obstacles_near(terrain.middle(), terrain.size / 2 + CLEARANCE) {
            let (at, reach) = (obstacle.position, obstacle.radius + CLEARANCE);
            let cells = |at: i32| {
                (at - reach).div_euclid(NAV_CELL).max(0)..=(at + reach).div_euclid(NAV_CELL).min(across - 1)
            };
            for y in cells(at.y) {
                for x in cells(at.x) {
                    let nearest = |at: i32, cell: i32| at.clamp(cell * NAV_CELL, (cell + 1) * NAV_CELL);
                    if Vec2::new(nearest(at.x, x), nearest(at.y, y)).is_within(at, reach) {
                        block(x, y);
                    }
                }
            }
        }
        let offsets = STEPS.map(|(x, y, _)| y * across + x);
        Self { across, blocked: ground.clone(), ground, offsets, version: 0, changes: VecDeque::new() }
    }

    /// Counts the changes.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Cells in a row, and rows.
    #[must_use]
    pub const fn across(&self) -> i32 {
        self.across
    }

    /// Whether the middle of a body may be in the cell; it may not outside of the world.
    #[must_use]
    pub fn is_free(&self, cell: Cell) -> bool {
        self.index_of(cell).is_some_and(|index| !bit(&self.blocked, index))
    }

    /// Closes a cell, as by a door or a wall, or opens it again; what the terrain blocks stays blocked. A cell
    /// stands for where the middle of a body is, so a wall closes the cells within a clearance of it as well.
    pub fn set_blocked(&mut self, cell: Cell, blocked: bool) {
        let Some(index) = self.index_of(cell) else { return };
        let blocked = blocked || bit(&self.ground, index);
        if bit(&self.blocked, index) == blocked {
            return;
        }
        set_bit(&mut self.blocked, index, blocked);
        self.version += 1;
        if self.changes.len() == CHANGES_MAX {
            self.changes.pop_front();
        }
        self.changes.push_back(cell);
    }

    /// The cell of `position` if it is free, else the free cell within [`SNAP`] whose middle is nearest, of
    /// equally near ones the first by rows.
    #[must_use]
    pub fn nearest_free(&self, position: Vec2) -> Option<Cell> {
        let own = Cell::of(position);
        if self.is_free(own) { Some(own) } else { nearest_cell(position, |cell| self.is_free(cell)) }
    }

    /// Whether all cells that the straight line touches are free; where it passes over a corner of cells, all
    /// four (Amanatides and Woo's traversal, 1987, in integers).
    #[must_use]
    pub fn sees(&self, from: Vec2, to: Vec2) -> bool {
        let (mut cell, end) = (Cell::of(from), Cell::of(to));
        if !self.is_free(cell) || !self.is_free(end) {
            return false;
        }
        let (step_x, step_y) = ((end.x - cell.x).signum(), (end.y - cell.y).signum());
        let (mut left_x, mut left_y) = (cell.x.abs_diff(end.x), cell.y.abs_diff(end.y));
        // How far along the line the next column and row begin, both times the same number.
        let (run, rise) = (i64::from(from.x.abs_diff(to.x)), i64::from(from.y.abs_diff(to.y)));
        let to_edge = |at: i32, cell: i32, step: i32| {
            i64::from(if step > 0 { (cell + 1) * NAV_CELL - at } else { at - cell * NAV_CELL })
        };
        let mut next_x = to_edge(from.x, cell.x, step_x) * rise;
        let mut next_y = to_edge(from.y, cell.y, step_y) * run;
        while left_x > 0 || left_y > 0 {
            let (along_x, along_y) = match (left_x, left_y) {
                (_, 0) => (true, false),
                (0, _) => (false, true),
                _ => (next_x <= next_y, next_y <= next_x),
            };
            let sides = [cell.plus(step_x, 0), cell.plus(0, step_y)];
            if along_x && along_y && !sides.iter().all(|side| self.is_free(*side)) {
                return false;
            }
            if along_x {
                (cell.x, left_x, next_x) = (cell.x + step_x, left_x - 1, next_x + rise * i64::from(NAV_CELL));
            }
            if along_y {
                (cell.y, left_y, next_y) = (cell.y + step_y, left_y - 1, next_y + run * i64::from(NAV_CELL));
            }
            if !self.is_free(cell) {
                return false;
            }
        }
        true
    }

    /// The cells that changed since a version; none if that is too long ago.
    pub(super) fn changes_since(&self, version: u64) -> Option<impl Iterator<Item = Cell> + '_> {
        let count = usize::try_from(self.version.checked_sub(version)?).ok()?;
        let first = self.changes.len().checked_sub(count)?;
        Some(self.changes.iter().skip(first).copied())
    }

    /// The bits of the [`STEPS`] that can be made from a free cell: never past a blocked corner.
    pub(super) fn steps(&self, index: u32) -> u8 {
        let free = |step: usize| !bit(&self.blocked, self.neighbour(index, step));
        let straight = [free(0), free(1), free(2), free(3)];
        (0..4).fold(0, |steps, i| {
            let diagonal = straight[i] && straight[(i + 1) % 4] && free(4 + i);
            steps | u8::from(straight[i]) << i | u8::from(diagonal) << (4 + i)
        })
    }

    pub(super) fn neighbour(&self, index: u32, step: usize) -> u32 {
        index.wrapping_add_signed(self.offsets[step])
    }

    pub(super) fn index_of(&self, cell: Cell) -> Option<u32> {
        let inside = (0..self.across).contains(&cell.x) && (0..self.across).contains(&cell.y);
        inside.then(|| (cell.y * self.across + cell.x).cast_unsigned())
    }

    pub(super) fn cell_at(&self, index: u32) -> Cell {
        let index = index.cast_signed();
        Cell { x: index % self.across, y: index / self.across }
    }
}

/// The cell that `fits` whose middle is nearest and within [`SNAP`], the first by rows of equally near ones.
pub(super) fn nearest_cell(position: Vec2, fits: impl Fn(Cell) -> bool) -> Option<Cell> {
    let (own, range) = (Cell::of(position), SNAP / NAV_CELL);
    (-range..=range)
        .flat_map(|y| (-range..=range).map(move |x| own.plus(x, y)))
        .filter(|cell| fits(*cell) && cell.middle().is_within(position, SNAP))
        .min_by_key(|cell| (cell.middle().distance_squared(position), cell.y, cell.x))
}

fn bit(bits: &[u64], index: u32) -> bool {
    bits[(index / 64) as usize] >> (index % 64) & 1 == 1
}

fn set_bit(bits: &mut [u64], index: u32, on: bool) {
    let (word, mask) = (&mut bits[(index / 64) as usize], 1 << (index % 64));
    *word = if on { *word | mask } else { *word & !mask };
}
