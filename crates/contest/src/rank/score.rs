//! What a board compares: scores, their order, and what a submission does to the score that stands.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Which score ranks better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The smaller, as for lap times.
    Ascending,
    /// The larger, as for points.
    Descending,
}

/// A score and what decides between equal ones, both in the unit of the board and both in the board's order.
/// Where both are equal, the entries share a rank.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    pub score: i64,
    pub subscore: i64,
}

/// What a submission does to the entry that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// The better of the two stays.
    Best,
    /// The newer stays: the rule of a board.
    Last,
    /// Score and subscore are added to those that stand.
    Sum,
    /// Score and subscore are taken from those that stand.
    Decrement,
    /// The submitted stays, whatever the rule of the board: how an admin corrects an entry.
    Set,
}

/// A sum would leave the range of `i64`. It is refused and not cut off at the end of the range: there, unequal
/// totals would tie, and a later decrement would take points that were never given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the score would leave the range of 64-bit integers")]
pub struct ScoreOverflow;

impl Order {
    /// The place of `value` in this order: a smaller one ranks better.
    pub(super) const fn ordinal(self, value: i64) -> u64 {
        let ascending = value.cast_unsigned() ^ (1 << 63);
        match self {
            Self::Ascending => ascending,
            Self::Descending => !ascending,
        }
    }

    /// The inverse of [`Self::ordinal`].
    pub(super) const fn value(self, ordinal: u64) -> i64 {
        let ascending = match self {
            Self::Ascending => ordinal,
            Self::Descending => !ordinal,
        };
        (ascending ^ (1 << 63)).cast_signed()
    }

    const fn place(self, score: Score) -> (u64, u64) {
        (self.ordinal(score.score), self.ordinal(score.subscore))
    }
}

impl Operator {
    /// The score that stands after `submitted`. A first submission starts from nothing: a decrement of 5 gives
    /// -5.
    pub fn apply(self, order: Order, old: Option<Score>, submitted: Score) -> Result<Score, ScoreOverflow> {
        let base = old.unwrap_or_default();
        let both = |score: Option<i64>, subscore: Option<i64>| {
            score.zip(subscore).map(|(score, subscore)| Score { score, subscore }).ok_or(ScoreOverflow)
        };
        match self {
            Self::Best => Ok(match old {
                Some(old) if order.place(old) <= order.place(submitted) => old,
                _ => submitted,
            }),
            Self::Last | Self::Set => Ok(submitted),
            Self::Sum => {
                both(base.score.checked_add(submitted.score), base.subscore.checked_add(submitted.subscore))
            }
            Self::Decrement => {
                both(base.score.checked_sub(submitted.score), base.subscore.checked_sub(submitted.subscore))
            }
        }
    }
}
