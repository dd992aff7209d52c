//! The ground of a zone, which follows from its seed: hosts walk on it and clients draw it without a byte
//! sent. 32-bit arithmetic only, so that any client can compute it; PROTOCOL.md describes it.

use crate::fixed::{Vec2, metres};

/// Edge of a terrain cell, in 1/256 m.
pub const CELL: i32 = metres(4);
/// No obstacle stands nearer than this to the middle of the world, where players appear, in 1/256 m.
pub const CLEARING: i32 = metres(12);
/// The largest radius of an obstacle, in 1/256 m.
pub const OBSTACLE_RADIUS_MAX: i32 = 154 + 127;
/// Cells between two points of the height lattice.
const LATTICE: i32 = 8;

/// Something round that cannot be walked through; it lies within its cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Obstacle {
    /// Its middle.
    pub position: Vec2,
    /// In 1/256 m.
    pub radius: i32,
}

/// What grows on a cell; for the eye only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Low ground.
    Sand,
    /// Most of it.
    Grass,
    /// High ground.
    Moss,
}

/// The terrain of one seed. All is computed on the spot; nothing is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terrain {
    /// The seed.
    pub seed: u32,
    /// Edge of the square world, in 1/256 m.
    pub size: i32,
    /// Share of cells with an obstacle, in 1/1000.
    pub obstacle_permille: u16,
}

impl Terrain {
    /// The middle of the world.
    #[must_use]
    pub const fn middle(&self) -> Vec2 {
        Vec2::new(self.size / 2, self.size / 2)
    }

    /// The nearest point to `position` where a circle of `radius` is inside the world.
    #[must_use]
    pub fn clamp_inside(&self, position: Vec2, radius: i32) -> Vec2 {
        let clamp = |part: i32| part.clamp(radius, (self.size - radius).max(radius));
        Vec2::new(clamp(position.x), clamp(position.y))
    }

    /// The obstacle of a cell, if it has one.
    #[must_use]
    pub fn obstacle(&self, cell_x: i32, cell_y: i32) -> Option<Obstacle> {
        let hash = hash(self.seed, cell_x, cell_y);
        if hash % 1_000 >= u32::from(self.obstacle_permille) {
            return None;
        }
        let part = |shift: u32| ((hash >> shift) & 127).cast_signed();
        let position = Vec2::new(
            cell_x * CELL + CELL / 2 + part(10) * 2 - 127,
            cell_y * CELL + CELL / 2 + part(17) * 2 - 127,
        );
        (!position.is_within(self.middle(), CLEARING))
            .then_some(Obstacle { position, radius: 154 + part(24) })
    }

    /// The obstacles that a circle of `radius` around `position` may touch.
    pub fn obstacles_near(&self, position: Vec2, radius: i32) -> impl Iterator<Item = Obstacle> + use<> {
        let terrain = *self;
        let range = move |at: i32| (at - radius).div_euclid(CELL)..=(at + radius).div_euclid(CELL);
        range(position.y)
            .flat_map(move |cell_y| range(position.x).map(move |cell_x| (cell_x, cell_y)))
            .filter_map(move |(cell_x, cell_y)| terrain.obstacle(cell_x, cell_y))
    }

    /// What grows on a cell.
    #[must_use]
    pub fn ground(&self, cell_x: i32, cell_y: i32) -> Ground {
        let corner = |dx: i32, dy: i32| {
            let (x, y) = (cell_x.div_euclid(LATTICE) + dx, cell_y.div_euclid(LATTICE) + dy);
            (hash(self.seed ^ 0x5bd1_e995, x, y) & 255).cast_signed()
        };
        let (fx, fy) = (cell_x.rem_euclid(LATTICE), cell_y.rem_euclid(LATTICE));
        let mix = |a: i32, b: i32, share: i32| a * (LATTICE - share) + b * share;
        let height = mix(mix(corner(0, 0), corner(1, 0), fx), mix(corner(0, 1), corner(1, 1), fx), fy);
        match height / (LATTICE * LATTICE) {
            ..80 => Ground::Sand,
            80..160 => Ground::Grass,
            _ => Ground::Moss,
        }
    }
}

/// Spreads a seed and two coordinates over 32 bits, by the finalizer of `MurmurHash3`.
fn hash(seed: u32, x: i32, y: i32) -> u32 {
    let mixed = finalize(seed ^ x.cast_unsigned().wrapping_mul(0x9e37_79b1));
    finalize(mixed ^ y.cast_unsigned().wrapping_mul(0x85eb_ca77))
}

const fn finalize(value: u32) -> u32 {
    let value = (value ^ (value >> 16)).wrapping_mul(0x85eb_ca6b);
    let value = (value ^ (value >> 13)).wrapping_mul(0xc2b2_ae35);
    value ^ (value >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERRAIN: Terrain = Terrain { seed: 77, size: metres(400), obstacle_permille: 60 };

    #[test]
    fn gives_the_vectors_of_the_protocol() {
        let hashes = [hash(77, 0, 0), hash(77, 1, 0), hash(77, 0, 1), hash(77, -1, 1_000)];
        assert_eq!(hashes, [0xbaef_aaa3, 0x566b_8b06, 0x40c4_244f, 0xb497_d558]);
    }

    #[test]
    fn obstacles_lie_in_their_cells_and_out_of_the_clearing() {
        let mut count = 0;
        for cell_y in 0..100 {
            for cell_x in 0..100 {
                let Some(obstacle) = TERRAIN.obstacle(cell_x, cell_y) else { continue };
                count += 1;
                assert!(obstacle.radius <= OBSTACLE_RADIUS_MAX);
                for (at, cell) in [(obstacle.position.x, cell_x), (obstacle.position.y, cell_y)] {
                    assert!(at - obstacle.radius >= cell * CELL && at + obstacle.radius <= (cell + 1) * CELL);
                }
                assert!(!obstacle.position.is_within(TERRAIN.middle(), CLEARING));
                assert!(TERRAIN.obstacles_near(obstacle.position, 1).any(|near| near == obstacle));
            }
        }
        assert!((500..700).contains(&count), "{count} of 10,000 cells at 60 in 1,000");
    }

    #[test]
    fn the_ground_varies() {
        let grounds: Vec<Ground> = (0..100).map(|cell| TERRAIN.ground(cell, cell)).collect();
        for ground in [Ground::Sand, Ground::Grass, Ground::Moss] {
            assert!(grounds.contains(&ground), "{ground:?}");
        }
    }
}
