//! Leaderboards of the catalogue: what they compare, how scores come together, and when they begin anew.

use serde::{Deserialize, Serialize};

use crate::ids::{BoardId, SeasonId};
use crate::schedule::Schedule;
use crate::time::UnixMillis;

/// How one leaderboard works. Only services write to it. A change of `order`, `scores`, `subscores` or `shards`
/// is in force from the next season on: the ranks of one season are counted in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BoardDefinition {
    /// Its name in paths and messages.
    pub board: BoardId,
    /// Its name for people, 1 to 64 characters.
    pub title: String,
    /// Which score ranks better.
    pub order: BoardOrder,
    /// What a new score does to the one that stands.
    pub operator: BoardOperator,
    /// Scores that are usual, in the unit of the board. Others are ranked exactly too, at a higher cost.
    pub scores: ScoreRange,
    /// What decides between equal scores, if anything does, in the same order; again the usual values.
    #[serde(default)]
    pub subscores: Option<ScoreRange>,
    /// When a new season begins.
    #[serde(default)]
    pub reset: BoardReset,
    /// Seasons that can still be read when they are over; older ones are deleted.
    pub seasons_kept: u32,
    /// Who is compared.
    #[serde(default)]
    pub scope: BoardScope,
    /// How many writers can change the counts at the same time, 1 or more: one is enough up to some 60
    /// transactions a second, and each makes reading a rank dearer.
    #[serde(default = "one_shard")]
    pub shards: u32,
}

const fn one_shard() -> u32 {
    1
}

/// Which score ranks better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BoardOrder {
    /// The smaller, as for lap times.
    Ascending,
    /// The larger, as for points.
    Descending,
}

/// What a new score does to the one that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BoardOperator {
    /// The better of the two stays.
    Best,
    /// The newer stays.
    Last,
    /// They are added.
    Sum,
    /// The new one is taken from the one that stands.
    Decrement,
}

/// From the smallest to the largest, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScoreRange {
    /// The smallest.
    pub from: i64,
    /// The largest.
    pub to: i64,
}

/// When a new season begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BoardReset {
    /// Only when an administrator says so.
    #[default]
    Never,
    /// At these times, UTC.
    Cron(Schedule),
}

/// Who is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BoardScope {
    /// Those who play in one region: each region has a board of its own.
    #[default]
    Region,
    /// Everybody. Scores are taken in one region, since a transaction ends at the region; all regions read them.
    Global {
        /// The region that takes the scores.
        home: String,
    },
}

/// Most seasons that are kept beside the current one.
pub const SEASONS_KEPT_MAX: u32 = 1_000;
/// Most pairs of score and subscore in the usual ranges: six digits of 7 bits.
const PAIRS_MAX: u128 = 1 << 42;
/// Most counts that one read of a rank may take, 19 for values out of range among them.
const READS_MAX: u32 = 100 - 19;

impl ScoreRange {
    /// The values and the two escapes beside them.
    fn width(self) -> u128 {
        u128::from(self.to.abs_diff(self.from)) + 3
    }
}

impl BoardReset {
    /// The season that is on at `at` by the schedule alone.
    #[must_use]
    pub fn season_at(&self, at: UnixMillis) -> SeasonId {
        let start = match self {
            Self::Never => None,
            Self::Cron(schedule) => schedule.last_until(at),
        };
        SeasonId(start.unwrap_or_default().as_millis())
    }

    /// When the season that is on at `at` ends by the schedule.
    #[must_use]
    pub fn next_after(&self, at: UnixMillis) -> Option<UnixMillis> {
        match self {
            Self::Never => None,
            Self::Cron(schedule) => schedule.first_after(at),
        }
    }
}

impl BoardDefinition {
    /// What is wrong with it, one text for each fault.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |good: bool, fault: &str| {
            if !good {
                faults.push(format!("boards: {}: {fault}", self.board));
            }
        };
        check((1..=64).contains(&self.title.chars().count()), "title: 1 to 64 characters are needed");
        check(self.scores.from <= self.scores.to, "scores: from must not be larger than to");
        check(
            self.subscores.is_none_or(|range| range.from <= range.to),
            "subscores: from must not be larger than to",
        );
        let pairs = self.scores.width().checked_mul(self.subscores.map_or(1, ScoreRange::width));
        check(
            pairs.is_some_and(|pairs| pairs <= PAIRS_MAX),
            "scores: there are over 4.39e12 pairs of score and subscore; narrow the ranges to what is usual",
        );
        let levels = pairs.map_or(1, |pairs| (u128::BITS - (pairs - 1).leading_zeros()).div_ceil(7));
        check(
            self.shards > 0 && levels.saturating_mul(self.shards) <= READS_MAX,
            "shards: at least 1, and at most 81 divided by the levels of the ranges \
             (one for each factor of 128 in their pairs)",
        );
        check(self.seasons_kept <= SEASONS_KEPT_MAX, "seasons_kept: at most 1000");
        if let BoardScope::Global { home } = &self.scope {
            check(!home.is_empty() && home.len() <= 32, "scope: home: the name of a region is needed");
        }
        faults
    }
}

/// What is wrong with the boards of a catalogue.
#[must_use]
pub fn faults(boards: &[BoardDefinition]) -> Vec<String> {
    let mut faults: Vec<_> = boards.iter().flat_map(BoardDefinition::faults).collect();
    let mut seen = std::collections::BTreeSet::new();
    let twice = boards.iter().filter(|board| !seen.insert(&board.board));
    faults.extend(twice.map(|board| format!("boards: {}: the name is there twice", board.board)));
    faults
}

/// The board that counts kills of hosts' events.
pub const KILLS_BOARD: &str = "kills";

/// The board of the experience that was won in one life, from coming into a zone or back to life to death or leaving.
/// The rules of the realm submit to it if the catalogue has it.
pub const BEST_LIFE_BOARD: &str = "best-life";

/// The boards that come with Graticule.
pub(super) fn builtin() -> Vec<BoardDefinition> {
    let board = |name: &str, title: &str| BoardDefinition {
        board: name.parse().expect("a board name"),
        title: title.to_owned(),
        order: BoardOrder::Descending,
        operator: BoardOperator::Sum,
        scores: ScoreRange { from: 0, to: 2_000_000 },
        subscores: None,
        reset: BoardReset::Never,
        seasons_kept: 4,
        scope: BoardScope::Region,
        shards: 1,
    };
    vec![
        board(KILLS_BOARD, "Kills"),
        BoardDefinition {
            scores: ScoreRange { from: 0, to: 16_000 },
            reset: BoardReset::Cron("0 0 * * 1".parse().expect("a schedule")),
            seasons_kept: 12,
            ..board("weekly-kills", "Kills of the week")
        },
        BoardDefinition {
            operator: BoardOperator::Best,
            ..board(BEST_LIFE_BOARD, "Most experience in one life")
        },
        // Milliseconds of a run, and the deaths on the way.
        BoardDefinition {
            order: BoardOrder::Ascending,
            operator: BoardOperator::Best,
            scores: ScoreRange { from: 0, to: 3_600_000 },
            subscores: Some(ScoreRange { from: 0, to: 60 }),
            ..board("fastest-run", "Fastest run")
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_boards_have_no_faults() {
        assert_eq!(faults(&builtin()), Vec::<String>::new());
    }

    #[test]
    fn every_fault_is_named() {
        let kills = builtin().swap_remove(0);
        let check = |board: BoardDefinition, setting: &str| {
            let faults = board.faults();
            assert!(faults.len() == 1 && faults[0].contains(setting), "{setting}: {faults:?}");
        };
        let range = |from, to| ScoreRange { from, to };
        check(BoardDefinition { title: String::new(), ..kills.clone() }, "title:");
        check(BoardDefinition { scores: range(1, 0), ..kills.clone() }, "scores:");
        check(BoardDefinition { subscores: Some(range(1, 0)), ..kills.clone() }, "subscores:");
        check(BoardDefinition { scores: range(i64::MIN, i64::MAX), ..kills.clone() }, "scores:");
        check(BoardDefinition { shards: 0, ..kills.clone() }, "shards:");
        check(BoardDefinition { shards: 28, ..kills.clone() }, "shards:");
        check(BoardDefinition { seasons_kept: 1_001, ..kills.clone() }, "seasons_kept:");
        check(
            BoardDefinition { scope: BoardScope::Global { home: String::new() }, ..kills.clone() },
            "scope:",
        );
        assert_eq!(BoardDefinition { shards: 27, ..kills.clone() }.faults(), Vec::<String>::new());
        assert_eq!(faults(&[kills.clone(), kills]).len(), 1);
    }

    #[test]
    fn a_season_follows_from_the_time_alone() {
        let reset = BoardReset::Cron("0 0 * * 1".parse().expect("a schedule"));
        let monday = 1_794_787_200_000;
        for (at, season) in
            [(monday - 1, monday - 604_800_000), (monday, monday), (monday + 604_799_999, monday)]
        {
            assert_eq!(reset.season_at(UnixMillis::new(at)), SeasonId(season));
        }
        assert_eq!(reset.next_after(UnixMillis::new(monday)), Some(UnixMillis::new(monday + 604_800_000)));
        assert_eq!(BoardReset::Never.season_at(UnixMillis::new(monday)), SeasonId(0));
    }

    #[test]
    fn definitions_are_read_as_they_are_written() {
        let text = r#"{"board":"laps","title":"Laps","order":"ascending","operator":"best",
            "scores":{"from":0,"to":9},"reset":{"cron":"0 0 1 * *"},"seasons_kept":1,
            "scope":{"global":{"home":"fra"}}}"#;
        let board: BoardDefinition = serde_json::from_str(text).expect("a definition");
        assert_eq!((board.shards, board.subscores), (1, None));
        let written = serde_json::to_string(&board).expect("plain data");
        assert_eq!(serde_json::from_str::<BoardDefinition>(&written).expect("the same"), board);
        let bad = text.replace("0 0 1 * *", "never");
        assert!(serde_json::from_str::<BoardDefinition>(&bad).is_err());
    }
}
