//! How experience becomes level: one formula for the API, which stores experience, and the simulation.

/// The highest level.
pub const LEVEL_MAX: u32 = 60;

/// Experience at which `level` (from 1) begins: 0, 100, 300, 600, 1000, ...
#[must_use]
pub const fn xp_of_level(level: u32) -> u64 {
    let below = level.saturating_sub(1) as u64;
    50 * below * (below + 1)
}

/// The level that `xp` gives, from 1 to [`LEVEL_MAX`].
#[must_use]
pub fn level_of_xp(xp: u64) -> u32 {
    (2..=LEVEL_MAX).take_while(|level| xp_of_level(*level) <= xp).last().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_begin_where_they_say() {
        for level in 2..=LEVEL_MAX {
            assert_eq!(level_of_xp(xp_of_level(level)), level);
            assert_eq!(level_of_xp(xp_of_level(level) - 1), level - 1);
        }
        assert_eq!(level_of_xp(0), 1);
        assert_eq!(level_of_xp(u64::MAX), LEVEL_MAX);
    }
}
