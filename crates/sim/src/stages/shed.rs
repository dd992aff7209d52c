//! What a zone leaves out when its ticks take too long, in this order: the minds of far monsters, updates of
//! far entities, then the rate of snapshots. It steps down quickly and back slowly.

/// From this share of the tick's period on, in percent, one more thing is left out.
const SHED_PERCENT: u32 = 85;
/// Under this share one thing is taken up again.
const RECOVER_PERCENT: u32 = 60;
/// Ticks over which the load is averaged, with the newest counting most.
const MEAN_TICKS: u32 = 8;
/// Ticks between two steps down: the effect of a step is seen before the next.
const STEP_TICKS: u32 = 20;
/// Seconds of ease before a step back.
const RECOVER_SECS: u32 = 2;

/// How much is left out; 0 is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct ShedLevel(u8);

impl ShedLevel {
    /// The level at which there is nothing more to leave out.
    pub const MAX: Self = Self(5);

    /// The number of the level.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Whether monsters away from players stand still.
    #[must_use]
    pub const fn stops_far_minds(self) -> bool {
        self.0 >= 1
    }

    /// Far entities are told of half as often for each step of this.
    pub(crate) const fn far_updates_shift(self) -> u32 {
        match self.0 {
            0 | 1 => 0,
            2 => 1,
            _ => 2,
        }
    }

    /// By how much the rate of snapshots is divided.
    pub(crate) const fn pace(self) -> u32 {
        match self.0 {
            0..=3 => 1,
            4 => 2,
            _ => 4,
        }
    }
}

/// Watches the load and decides the level.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shedder {
    level: ShedLevel,
    /// Mean load of the last ticks, in 1/256 of a percent: one long tick is no overload.
    mean_256ths: u32,
    /// Ticks since the last step.
    since_step: u32,
    /// Ticks of ease in a row.
    eased: u32,
}

impl Shedder {
    pub(crate) fn level(&self) -> ShedLevel {
        self.level
    }

    /// Takes in how much of its period the last tick took, in percent.
    pub(crate) fn note(&mut self, load_percent: u8, rate_hz: u32) {
        self.mean_256ths = (self.mean_256ths * (MEAN_TICKS - 1) + u32::from(load_percent) * 256) / MEAN_TICKS;
        let mean = self.mean_256ths / 256;
        self.since_step = self.since_step.saturating_add(1);
        self.eased = if mean <= RECOVER_PERCENT { self.eased + 1 } else { 0 };
        if mean >= SHED_PERCENT && self.level < ShedLevel::MAX && self.since_step >= STEP_TICKS {
            self.level.0 += 1;
            self.since_step = 0;
        } else if self.eased >= RECOVER_SECS * rate_hz && self.level > ShedLevel::default() {
            self.level.0 -= 1;
            self.eased = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The level after so many ticks of this load.
    fn after(shedder: &mut Shedder, load_percent: u8, ticks: u32) -> u8 {
        for _ in 0..ticks {
            shedder.note(load_percent, 30);
        }
        shedder.level().number()
    }

    #[test]
    fn overload_steps_down_quickly_and_back_slowly() {
        let mut shedder = Shedder::default();
        assert_eq!(after(&mut shedder, 50, 100), 0);
        assert_eq!(after(&mut shedder, 255, 1), 0, "one long tick is no overload");
        assert_eq!(after(&mut shedder, 50, 100), 0);
        assert_eq!(after(&mut shedder, 100, 12), 1);
        assert_eq!(after(&mut shedder, 100, 20), 2, "the effect is waited for");
        assert_eq!(after(&mut shedder, 50, 60), 2);
        assert_eq!(after(&mut shedder, 50, 20), 1);
        assert_eq!(after(&mut shedder, 50, 60), 0);
    }

    #[test]
    fn between_the_bounds_nothing_changes() {
        let mut shedder = Shedder::default();
        let level = after(&mut shedder, 200, 50);
        assert!(level > 0);
        assert_eq!(after(&mut shedder, 70, 20), after(&mut shedder, 70, 1_000));
        assert_eq!(after(&mut shedder, 255, 1_000), ShedLevel::MAX.number());
    }
}
