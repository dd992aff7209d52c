//! How near players are to each part of the world, so that minds are only busy where somebody can see it.

use crate::grid::Grid;

/// How much goes on in a cell of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Activity {
    /// No player is near: nothing needs to move.
    #[default]
    Asleep,
    /// Players are near, but hardly in sight.
    Far,
    /// In sight of a player.
    Near,
}

/// A cell is near a player up to so many cells away: in sight, since a cell is half the sight wide.
const NEAR_CELLS: usize = 2;
/// And far up to so many.
const FAR_CELLS: usize = 4;

/// The activity of each cell of a grid.
#[derive(Debug, Default)]
pub struct ActivityMap {
    levels: Vec<Activity>,
    /// Distances in cells to the nearest player, along the rows and then along both.
    row_distances: Vec<u8>,
}

impl ActivityMap {
    /// The activity of a cell of the grid.
    #[must_use]
    pub fn level(&self, cell: usize) -> Activity {
        self.levels.get(cell).copied().unwrap_or_default()
    }

    /// Takes in which cells have players.
    pub(crate) fn rebuild(&mut self, grid: &Grid, has_player: impl Fn(usize) -> bool) {
        let across = grid.cells_across();
        let cells = across * across;
        self.levels.resize(cells, Activity::Asleep);
        self.row_distances.clear();
        self.row_distances.extend((0..cells).map(|cell| if has_player(cell) { 0 } else { u8::MAX }));
        for row in self.row_distances.chunks_mut(across) {
            spread(row);
        }
        for cell in 0..cells {
            let (row, column) = (cell / across, cell % across);
            let rows = row.saturating_sub(FAR_CELLS)..=(row + FAR_CELLS).min(across - 1);
            let distance = rows
                .map(|other| {
                    usize::from(self.row_distances[other * across + column]).max(other.abs_diff(row))
                })
                .min();
            let is_within = |cells: usize| distance.is_some_and(|distance| distance <= cells);
            self.levels[cell] = if is_within(NEAR_CELLS) {
                Activity::Near
            } else if is_within(FAR_CELLS) {
                Activity::Far
            } else {
                Activity::Asleep
            };
        }
    }
}

/// Turns 0 and 255 into the distance to the nearest 0, to both sides.
fn spread(row: &mut [u8]) {
    for cell in 1..row.len() {
        row[cell] = row[cell].min(row[cell - 1].saturating_add(1));
    }
    for cell in (1..row.len()).rev() {
        row[cell - 1] = row[cell - 1].min(row[cell].saturating_add(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activity_falls_with_the_distance() {
        let grid = Grid::new(1_000, 100);
        let across = grid.cells_across();
        let at = |x: usize, y: usize| y * across + x;
        let mut map = ActivityMap::default();
        map.rebuild(&grid, |cell| cell == at(1, 1));
        assert_eq!(map.level(at(1, 1)), Activity::Near);
        assert_eq!(map.level(at(3, 3)), Activity::Near);
        assert_eq!(map.level(at(3, 4)), Activity::Far);
        assert_eq!(map.level(at(5, 0)), Activity::Far);
        assert_eq!(map.level(at(6, 1)), Activity::Asleep);
        map.rebuild(&grid, |cell| cell == at(9, 9));
        assert_eq!(map.level(at(1, 1)), Activity::Asleep);
    }
}
