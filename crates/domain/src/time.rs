//! Points and spans of time. No clock is read here: shells pass the time in.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnixMillis(u64);

impl UnixMillis {
    /// The point in time `millis` after 1970 began.
    #[must_use]
    pub const fn new(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970 began.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since 1970 began.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000
    }

    /// This time and `millis` more; stays at the end of time.
    #[must_use]
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds since `earlier`, or 0 if that is later than this.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The day in UTC as `2026-11-21`.
    #[must_use]
    pub fn utc_day(self) -> String {
        let (year, month, day) = civil_from_days(self.0 / 86_400_000);
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// The time in UTC for people, as `2026-11-21 07:05 UTC`.
    #[must_use]
    pub fn utc_text(self) -> String {
        let minutes = self.0 / 60_000 % 1_440;
        format!("{} {:02}:{:02} UTC", self.utc_day(), minutes / 60, minutes % 60)
    }
}

/// Year, month and day of the day that many after 1970-01-01. The algorithm is Howard Hinnant's
/// `civil_from_days` (<https://howardhinnant.github.io/date_algorithms.html>), without the years before 1970.
const fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days.saturating_add(719_468);
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months from March on, so that the leap day is the last of its year.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// A step of a zone, counted from the start of the instance. 60 Hz fill 32 bits in 2.3 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tick(pub u32);

impl Tick {
    /// The step that comes `count` after this one.
    #[must_use]
    pub const fn plus(self, count: u32) -> Self {
        Self(self.0.saturating_add(count))
    }

    /// Whether it is the turn of `member` of those who take turns over `period` steps.
    #[must_use]
    pub const fn is_turn_of(self, member: u32, period: u32) -> bool {
        member % period == self.0 % period
    }

    /// Steps since `earlier`, or 0 if that is later than this.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u32 {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_follow_the_calendar() {
        for (millis, text) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399_999, "2000-02-28 23:59 UTC"),
            (951_782_400_000, "2000-02-29 00:00 UTC"),
            (951_868_800_000, "2000-03-01 00:00 UTC"),
            (1_704_067_199_000, "2023-12-31 23:59 UTC"),
            (1_795_244_700_000, "2026-11-21 07:05 UTC"),
            (4_107_542_400_000, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(UnixMillis::new(millis).utc_text(), text);
        }
        assert!(!UnixMillis::new(u64::MAX).utc_day().is_empty(), "the end of time has a day too");
    }
}
