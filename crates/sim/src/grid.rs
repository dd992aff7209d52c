//! The spatial index: entities by square cells, rebuilt once a tick by a counting sort.

use domain::fixed::Vec2;

/// An entity in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Located {
    /// Index of the entity.
    pub index: u32,
    /// Its place when the index was built, in 1/256 m.
    pub position: Vec2,
}

/// Finds entities by place. Empty until the first [`Grid::rebuild`].
#[derive(Debug, Clone)]
pub struct Grid {
    cell: i32,
    cells_across: i32,
    /// `items[starts[c]..starts[c + 1]]` are in cell c.
    starts: Vec<u32>,
    items: Vec<Located>,
}

impl Grid {
    /// An index over a square world; `size` and the edge of a `cell` in 1/256 m.
    #[must_use]
    pub fn new(size: i32, cell: i32) -> Self {
        assert!(size > 0 && cell > 0, "a world and its cells have a size");
        let cells_across = size.div_euclid(cell) + 1;
        let cells = usize::try_from(cells_across * cells_across).expect("positive");
        Self { cell, cells_across, starts: vec![0; cells + 1], items: Vec::new() }
    }

    /// Forgets all and takes in `places`: indices and where they are.
    pub fn rebuild(&mut self, places: impl Iterator<Item = (u32, Vec2)> + Clone) {
        self.starts.fill(0);
        let mut count = 0;
        for (_, position) in places.clone() {
            let cell = self.cell_of(position);
            self.starts[cell + 1] += 1;
            count += 1;
        }
        for cell in 1..self.starts.len() {
            self.starts[cell] += self.starts[cell - 1];
        }
        self.items.resize(count, Located { index: 0, position: Vec2::ZERO });
        // Filled from the starts, which thereby become the ends; then they are moved up by one cell.
        for (index, position) in places {
            let cell = self.cell_of(position);
            self.items[self.starts[cell] as usize] = Located { index, position };
            self.starts[cell] += 1;
        }
        self.starts.rotate_right(1);
        self.starts[0] = 0;
    }

    /// Calls `take` for all entities at most `radius` (1/256 m) from `position`, cell by cell and within a
    /// cell by index: the same order every time, but not that of the indices.
    pub fn for_each_within(&self, position: Vec2, radius: i32, mut take: impl FnMut(Located)) {
        let (left, right) = (self.column(position.x - radius), self.column(position.x + radius));
        let (top, bottom) = (self.column(position.y - radius), self.column(position.y + radius));
        for row in top..=bottom {
            let first = row * self.cells_across + left;
            let last = row * self.cells_across + right;
            // Cells of a row are neighbours in memory.
            let start = self.starts[usize::try_from(first).expect("clamped")] as usize;
            let end = self.starts[usize::try_from(last + 1).expect("clamped")] as usize;
            for located in &self.items[start..end] {
                if located.position.is_within(position, radius) {
                    take(*located);
                }
            }
        }
    }

    /// The nearest entity that `fits`, the smaller index of equally near ones.
    pub fn nearest_within(
        &self,
        position: Vec2,
        radius: i32,
        mut fits: impl FnMut(Located) -> bool,
    ) -> Option<Located> {
        let mut best: Option<(u64, Located)> = None;
        self.for_each_within(position, radius, |located| {
            let key = (located.position.distance_squared(position), located.index);
            if best.is_none_or(|(distance, best)| key < (distance, best.index)) && fits(located) {
                best = Some((key.0, located));
            }
        });
        best.map(|(_, located)| located)
    }

    /// How many cells there are along each side; they are numbered row by row.
    #[must_use]
    pub fn cells_across(&self) -> usize {
        usize::try_from(self.cells_across).expect("positive")
    }

    /// The entities in a cell, by index.
    #[must_use]
    pub fn in_cell(&self, cell: usize) -> &[Located] {
        &self.items[self.starts[cell] as usize..self.starts[cell + 1] as usize]
    }

    fn column(&self, at: i32) -> i32 {
        at.div_euclid(self.cell).clamp(0, self.cells_across - 1)
    }

    /// The number of the cell with `position` in it; outside of the world that of the nearest one.
    #[must_use]
    pub fn cell_of(&self, position: Vec2) -> usize {
        usize::try_from(self.column(position.y) * self.cells_across + self.column(position.x))
            .expect("clamped")
    }
}

#[cfg(test)]
mod tests {
    use domain::fixed::metres;
    use domain::random::Random;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_what_a_full_scan_finds(seed in any::<u64>(), count in 0..200_usize, radius in 0..metres(60)) {
            let mut random = Random::new(seed);
            let mut place = || Vec2::new(random.between(-50, metres(100) + 50), random.between(-50, metres(100) + 50));
            let positions: Vec<Vec2> = (0..count).map(|_| place()).collect();
            let from = place();
            let mut grid = Grid::new(metres(100), metres(7));
            grid.rebuild(std::iter::once((7, from)));
            grid.rebuild((0..).zip(positions.iter().copied()));
            let mut found = Vec::new();
            grid.for_each_within(from, radius, |located| found.push(located.index as usize));
            found.sort_unstable();
            let scanned: Vec<usize> =
                (0..count).filter(|index| positions[*index].is_within(from, radius)).collect();
            prop_assert_eq!(found, scanned);
            let nearest = grid.nearest_within(from, radius, |_| true).map(|located| located.index as usize);
            let scanned = (0..count)
                .filter(|index| positions[*index].is_within(from, radius))
                .min_by_key(|index| (positions[*index].distance_squared(from), *index));
            prop_assert_eq!(nearest, scanned);
        }
    }
}
