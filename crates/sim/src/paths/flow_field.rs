//! Fields that lead all who are near to one goal (after Elijah Emerson, Game AI Pro, 2013, chapter 23): one
//! search serves a crowd.

use domain::fixed::Vec2;

use super::nav_grid::{Area, Cell, DIAGONAL, NavGrid, STEPS, nearest_cell};

/// The cost in blocked cells and around the field.
const BLOCKED: u32 = u32::MAX;
/// The cost in free cells without a way to the goal.
const NEVER: u32 = BLOCKED - 1;
/// Buckets of Dial's queue (1969): the costs in it differ by one step at most.
const BUCKETS: usize = DIAGONAL as usize + 1;

/// The cost of the shortest way to a goal from all cells of a square around it.
#[derive(Debug)]
pub struct FlowField {
    goal: Cell,
    area: Area,
    /// Cells in a row of the square and a rim of blocked ones, which saves looking for its edges.
    across: i32,
    /// In 1/12 m, row by row from the corner of the rim.
    costs: Vec<u32>,
    /// Of the grid.
    version: u64,
    /// When it was last asked for; no two fields were at once.
    used: u64,
}

impl FlowField {
    /// Where it leads to.
    #[must_use]
    pub const fn goal(&self) -> Cell {
        self.goal
    }

    /// Cost of the shortest way from there within the field, in 1/12 m; none if there is no way.
    #[must_use]
    pub fn cost(&self, at: Vec2) -> Option<u32> {
        Some(self.cost_of(Cell::of(at))).filter(|cost| *cost < NEVER)
    }

    /// The step towards the goal, each part -1 to 1: straight over free cells to a neighbour of less cost, the
    /// first by a fixed order. Who stands in a blocked cell is led to the nearest cell with a way, at most
    /// [`SNAP`](super::SNAP) off. None in the goal's cell, and where there is no way.
    #[must_use]
    pub fn direction(&self, at: Vec2) -> Option<Vec2> {
        let cell = Cell::of(at);
        let cost = self.cost_of(cell);
        match cost {
            BLOCKED if self.area.contains(cell) => return self.way_back(at),
            BLOCKED | NEVER => return None,
            _ => {}
        }
        let leads = |(x, y, length): &&(i32, i32, u32)| {
            let free = |x, y| self.cost_of(cell.plus(x, y)) != BLOCKED;
            free(*x, 0) && free(0, *y) && self.cost_of(cell.plus(*x, *y)).checked_add(*length) == Some(cost)
        };
        STEPS.iter().find(leads).map(|(x, y, _)| Vec2::new(*x, *y))
    }

    fn way_back(&self, at: Vec2) -> Option<Vec2> {
        let (own, nearest) = (Cell::of(at), nearest_cell(at, |cell| self.cost_of(cell) < NEVER)?);
        Some(Vec2::new((nearest.x - own.x).signum(), (nearest.y - own.y).signum()))
    }

    /// Spreads from the goal over all cells of the area in the order of their costs.
    fn build(&mut self, grid: &NavGrid, buckets: &mut [Vec<u32>; BUCKETS]) {
        self.costs.fill(BLOCKED);
        for y in self.area.low.y..=self.area.high.y {
            for x in self.area.low.x..=self.area.high.x {
                if grid.is_free(Cell { x, y }) {
                    let index = self.index_of(Cell { x, y });
                    self.costs[index] = NEVER;
                }
            }
        }
        let goal = self.index_of(self.goal);
        self.costs[goal] = 0;
        buckets[0].push(u32::try_from(goal).expect("a field is small"));
        let (mut waiting, mut now) = (1, 0);
        while waiting > 0 {
            // No step is as long as the ring of buckets, so none leads back into the one that is taken out.
            let mut bucket = std::mem::take(&mut buckets[now as usize % BUCKETS]);
            waiting -= bucket.len();
            for index in bucket.drain(..) {
                if self.costs[index as usize] == now {
                    waiting += self.spread(index, now, buckets);
                }
            }
            buckets[now as usize % BUCKETS] = bucket;
            now += 1;
        }
    }

    /// Notes the ways over a cell to its neighbours that are shorter than those known; counts them.
    fn spread(&mut self, index: u32, now: u32, buckets: &mut [Vec<u32>; BUCKETS]) -> usize {
        let across = self.across;
        let neighbour = |x: i32, y: i32| index.wrapping_add_signed(y * across + x);
        let mut count = 0;
        for (x, y, length) in STEPS {
            let (next, cost) = (neighbour(x, y), now + length);
            let free = |index: u32| self.costs[index as usize] != BLOCKED;
            let open = free(next) && free(neighbour(x, 0)) && free(neighbour(0, y));
            if open && cost < self.costs[next as usize] {
                self.costs[next as usize] = cost;
                buckets[cost as usize % BUCKETS].push(next);
                count += 1;
            }
        }
        count
    }

    /// Of a cell of the area or its rim.
    fn index_of(&self, cell: Cell) -> usize {
        let index = (cell.y - self.area.low.y + 1) * self.across + cell.x - self.area.low.x + 1;
        usize::try_from(index).expect("in the area")
    }

    fn cost_of(&self, cell: Cell) -> u32 {
        if self.area.contains(cell) { self.costs[self.index_of(cell)] } else { BLOCKED }
    }
}

/// A bounded number of fields of one grid, each shared by all with the same goal. What they give depends on
/// the grid and the goal alone.
#[derive(Debug)]
pub struct FlowFields {
    fields: Vec<FlowField>,
    fields_max: usize,
    radius: i32,
    asked: u64,
    built: u64,
    buckets: [Vec<u32>; BUCKETS],
}

impl FlowFields {
    /// Room for `fields_max` fields of `radius` cells around their goals; each takes 4 bytes a cell.
    #[must_use]
    pub fn new(fields_max: usize, radius: u16) -> Self {
        assert!(
            fields_max > 0 && radius < 1_024,
            "a pool has room for one field at least, of some megabytes at most"
        );
        let buckets = std::array::from_fn(|_| Vec::new());
        Self { fields: Vec::new(), fields_max, radius: i32::from(radius), asked: 0, built: 0, buckets }
    }

    /// How many fields have been built.
    #[must_use]
    pub const fn built(&self) -> u64 {
        self.built
    }

    /// The field that leads to the cell of `goal`, or the nearest free one; built now if there is none or the
    /// grid has changed in it. The one that was not asked for the longest gives way. None if no free cell is
    /// near.
    pub fn toward(&mut self, grid: &NavGrid, goal: Vec2) -> Option<&FlowField> {
        let goal = grid.nearest_free(goal)?;
        self.asked += 1;
        let found = self.fields.iter().position(|field| field.goal == goal);
        let place = found.unwrap_or_else(|| self.place_for_new());
        let field = &mut self.fields[place];
        let changed = grid
            .changes_since(field.version)
            .is_none_or(|mut changes| changes.any(|cell| field.area.contains(cell)));
        if found.is_none() || changed {
            field.goal = goal;
            let radius = self.radius;
            field.area = Area { low: goal.plus(-radius, -radius), high: goal.plus(radius, radius) };
            field.build(grid, &mut self.buckets);
            self.built += 1;
        }
        (field.version, field.used) = (grid.version(), self.asked);
        Some(field)
    }

    fn place_for_new(&mut self) -> usize {
        if self.fields.len() < self.fields_max {
            let (nowhere, across) = (Cell { x: 0, y: 0 }, 2 * self.radius + 3);
            let costs = vec![BLOCKED; usize::try_from(across * across).expect("positive")];
            let area = Area { low: nowhere, high: nowhere };
            self.fields.push(FlowField { goal: nowhere, area, across, costs, version: 0, used: 0 });
            return self.fields.len() - 1;
        }
        (0..self.fields.len()).min_by_key(|place| self.fields[*place].used).expect("a pool has room")
    }
}
