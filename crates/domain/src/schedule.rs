//! Schedules in the form of cron: minute, hour, day of month, month, day of week, in UTC. Pure calendar
//! arithmetic; what happens at the times is not known here.

use serde::{Deserialize, Serialize};

use crate::time::UnixMillis;

const MINUTE_MILLIS: u64 = 60_000;
const DAY_MINUTES: u64 = 24 * 60;
/// The longest that a schedule can pause: 29 February over a year without one, on a given weekday.
const DAYS_SEARCHED_MAX: u64 = 41 * 366;
/// Longest text of a schedule.
const TEXT_BYTES_MAX: usize = 128;

/// Five fields of numbers, lists, ranges and steps (`0 0 * * 1` is Mondays at 00:00 UTC). Where both days are
/// given, either of them is enough, as cron does it; Sunday is 0 or 7. There are no names and no seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Schedule {
    text: String,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
}

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    /// Not five fields.
    #[error("a schedule has five fields: minute, hour, day of month, month, day of week")]
    Fields,
    /// A field that cannot be read, or is out of range.
    #[error("the {0} is not of the form *, 5, 1-5, */2, 1-9/2 or a list of those, within its range")]
    Field(&'static str),
    /// No day is such a day.
    #[error("no time fits this schedule")]
    Never,
}

const FIELDS: [(&str, u64, u64); 5] =
    [("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 7)];

impl Schedule {
    /// The last time that is due at `at` or before, unless it lies before 1970.
    #[must_use]
    pub fn last_until(&self, at: UnixMillis) -> Option<UnixMillis> {
        let now = at.as_millis() / MINUTE_MILLIS;
        let (today, minute) = (now / DAY_MINUTES, now % DAY_MINUTES);
        let days = (today.saturating_sub(DAYS_SEARCHED_MAX)..=today).rev();
        let mut days = days.filter(|day| self.has_day(*day));
        days.find_map(|day| {
            let latest = if day == today { minute } else { DAY_MINUTES - 1 };
            let found = (0..=latest).rev().find(|minute| self.has_minute(*minute))?;
            Some(UnixMillis::new((day * DAY_MINUTES + found) * MINUTE_MILLIS))
        })
    }

    /// The first time that is due after `at`.
    #[must_use]
    pub fn first_after(&self, at: UnixMillis) -> Option<UnixMillis> {
        let next = at.as_millis() / MINUTE_MILLIS + 1;
        let (today, minute) = (next / DAY_MINUTES, next % DAY_MINUTES);
        let mut days = (today..=today.saturating_add(DAYS_SEARCHED_MAX)).filter(|day| self.has_day(*day));
        days.find_map(|day| {
            let earliest = if day == today { minute } else { 0 };
            let found = (earliest..DAY_MINUTES).find(|minute| self.has_minute(*minute))?;
            let minutes = day.checked_mul(DAY_MINUTES)?.checked_add(found)?;
            Some(UnixMillis::new(minutes.checked_mul(MINUTE_MILLIS)?))
        })
    }

    fn has_minute(&self, of_day: u64) -> bool {
        has(self.hours, of_day / 60) && has(self.minutes, of_day % 60)
    }

    fn has_day(&self, day: u64) -> bool {
        let (month, of_month) = month_and_day(day);
        if !has(self.months, month) {
            return false;
        }
        // 1970 began on a Thursday.
        let weekday = (day + 4) % 7;
        let (by_month, by_week) = (has(self.days, of_month), has(self.weekdays, weekday));
        let (_, first, last) = FIELDS[2];
        let is_any = |set: u64, first: u64, last: u64| (first..=last).all(|value| has(set, value));
        if is_any(self.days, first, last) || is_any(self.weekdays, 0, 6) {
            by_month && by_week
        } else {
            by_month || by_week
        }
    }
}

const fn has(set: u64, value: u64) -> bool {
    set >> value & 1 == 1
}

/// Month (1 to 12) and day of the month of a day since 1970 began, by the calendar whose year begins in March.
const fn month_and_day(day: u64) -> (u64, u64) {
    let of_era = (day + 719_468) % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    (if month < 10 { month + 3 } else { month - 9 }, of_month)
}

/// The values of one field as a set of bits.
fn read_field(text: &str, first: u64, last: u64) -> Option<u64> {
    let mut set = 0_u64;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(number(step)?)),
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (first, last),
            Some((from, to)) => (number(from)?, number(to)?),
            // As cron has it, 5/10 is from 5 on.
            None => (number(range)?, if step.is_some() { last } else { number(range)? }),
        };
        if from < first || to > last || from > to || step == Some(0) {
            return None;
        }
        let step = usize::try_from(step.unwrap_or(1)).ok()?;
        set = (from..=to).step_by(step).fold(set, |set, value| set | 1 << value);
    }
    Some(set)
}

fn number(text: &str) -> Option<u64> {
    let fits = (1..=2).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

impl TryFrom<String> for Schedule {
    type Error = InvalidSchedule;

    fn try_from(text: String) -> Result<Self, InvalidSchedule> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        if fields.len() != FIELDS.len() || text.len() > TEXT_BYTES_MAX {
            return Err(InvalidSchedule::Fields);
        }
        let mut sets = [0; FIELDS.len()];
        for ((set, field), (name, first, last)) in sets.iter_mut().zip(fields).zip(FIELDS) {
            *set = read_field(field, first, last).ok_or(InvalidSchedule::Field(name))?;
        }
        let [minutes, hours, days, months, weekdays] = sets;
        // Both numbers of Sunday are one day.
        let weekdays = (weekdays | weekdays >> 7) & 0x7f;
        let schedule = Self { text, minutes, hours, days, months, weekdays };
        if schedule.first_after(UnixMillis::new(0)).is_none() {
            return Err(InvalidSchedule::Never);
        }
        Ok(schedule)
    }
}

impl std::str::FromStr for Schedule {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, InvalidSchedule> {
        text.to_owned().try_into()
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.text
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Schedule {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        let text = "Minute, hour, day of month, month and day of week in UTC, as cron has them";
        ObjectBuilder::new().schema_type(Type::String).description(Some(text)).into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Schedule {}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Schedule {
        text.parse().expect(text)
    }

    /// 2026-11-21 10:59:30 UTC, a Saturday.
    const NOW: UnixMillis = UnixMillis::new(1_795_258_770_000);
    const DAY: u64 = 86_400_000;

    #[test]
    fn times_are_those_of_the_calendar() {
        let check = |text: &str, last: u64, next: u64| {
            let schedule = of(text);
            assert_eq!(schedule.last_until(NOW), Some(UnixMillis::new(last)), "last of {text}");
            assert_eq!(schedule.first_after(NOW), Some(UnixMillis::new(next)), "next of {text}");
        };
        let midnight = 1_795_219_200_000;
        check("* * * * *", 1_795_258_740_000, 1_795_258_800_000);
        check("0 0 * * *", midnight, midnight + DAY);
        check("0 0 * * 1", midnight - 5 * DAY, midnight + 2 * DAY);
        check("0 0 * * 0", midnight - 6 * DAY, midnight + DAY);
        check("0 0 * * 7", midnight - 6 * DAY, midnight + DAY);
        check("0 0 1 * *", midnight - 20 * DAY, midnight + 10 * DAY);
        check("0 0 1 1 *", midnight - 324 * DAY, midnight + 41 * DAY);
        check("59 10 * * *", midnight + 39_540_000, midnight + DAY + 39_540_000);
        check("*/15 8-10 * * *", midnight + 38_700_000, midnight + DAY + 8 * 3_600_000);
        check("5/20 * * * *", midnight + 38_700_000, midnight + 39_900_000);
        // Either day is enough where both are given.
        check("0 0 20 * 1", midnight - DAY, midnight + 2 * DAY);
        // 29 February 2024 and 2028.
        check("0 0 29 2 *", 1_709_164_800_000, 1_835_395_200_000);
    }

    #[test]
    fn a_time_is_in_the_season_that_it_begins() {
        let schedule = of("30 3 */3 * *");
        let mut at = UnixMillis::new(0);
        for _ in 0..2_000 {
            let next = schedule.first_after(at).expect("there is always one");
            assert!(next > at);
            assert_eq!(schedule.last_until(next), Some(next));
            assert_eq!(schedule.last_until(next.plus_millis(59_999)), Some(next));
            let before = UnixMillis::new(next.as_millis() - 1);
            assert!(schedule.last_until(before).is_none_or(|last| last < next));
            assert_eq!(schedule.first_after(before), Some(next));
            at = next;
        }
    }

    #[test]
    fn rubbish_is_refused() {
        for text in ["", "* * * *", "* * * * * *", &"*".repeat(200)] {
            assert_eq!(text.parse::<Schedule>(), Err(InvalidSchedule::Fields), "{text}");
        }
        for (text, field) in [
            ("60 * * * *", "minute"),
            ("-1 * * * *", "minute"),
            ("+1 * * * *", "minute"),
            ("* 24 * * *", "hour"),
            ("* * 0 * *", "day of month"),
            ("* * * 13 *", "month"),
            ("* * * * 8", "day of week"),
            ("* * * * MON", "day of week"),
            ("*/0 * * * *", "minute"),
            ("5-1 * * * *", "minute"),
            ("1,,2 * * * *", "minute"),
            ("1/2/3 * * * *", "minute"),
            ("99999999999999999999 * * * *", "minute"),
        ] {
            assert_eq!(text.parse::<Schedule>(), Err(InvalidSchedule::Field(field)), "{text}");
        }
        assert_eq!("0 0 31 2 *".parse::<Schedule>(), Err(InvalidSchedule::Never));
        assert_eq!(of("0 0 29 2 1").last_until(UnixMillis::new(0)), None);
    }
}
