//! Keys that sort as ranks do, and their short codes inside the range that a board expects. Knows nothing of
//! counts.

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::score::{Order, Score};

/// Bits of one digit of a code: nodes have 128 children, so that a full one stays within the 1 KB of one write
/// unit (see the table of [`super`]).
pub const DIGIT_BITS: u32 = 7;

/// Most digits of a code: 42 bits, so 4.4e12 pairs of score and subscore.
pub const LEVELS_MAX: u32 = 6;

/// Digits of a whole key: 19 of 7 bits hold 128.
pub const ESCAPE_LEVELS: u32 = u128::BITS.div_ceil(DIGIT_BITS);

const DIGIT_MASK: u8 = (1 << DIGIT_BITS) - 1;

/// A place in the order of a board: of two keys the smaller ranks better, and equal keys share a rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RankKey(pub(super) u128);

/// 32 digits of base 16, so that texts sort as keys do: the sort key of the entries.
impl fmt::Display for RankKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A text that is not one of a [`RankKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a key is 32 digits of base 16")]
pub struct InvalidKey;

impl std::str::FromStr for RankKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let fits = text.len() == 32 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let key = fits.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        key.map(Self).ok_or(InvalidKey)
    }
}

/// Why a board cannot be defined so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeySpaceError {
    #[error("a range of scores is empty")]
    Empty,
    #[error("the ranges hold more pairs of score and subscore than the tree has room for")]
    TooWide,
}

/// The keys of one board. Scores in the expected ranges get codes of few digits; others are exact too, behind an
/// escape of [`ESCAPE_LEVELS`] further digits.
///
/// A code counts the ordinals of the expected range from 1; 0 and the one past the last are the escapes for all
/// that is better and worse. With subscores, that is done for both, and the code is their pair. Codes never sort
/// otherwise than keys; keys that share a code share an escape, inside which whole keys are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySpace {
    order: Order,
    score: Span,
    subscore: Option<Span>,
    levels: u32,
}

/// Ordinals that are expected, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    best: u64,
    worst: u64,
}

/// One step on the way from the root to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) depth: u32,
    /// The digits of the code above this node.
    pub(super) code: u64,
    /// The digits of the whole key above this node, behind an escape.
    pub(super) tail: u128,
    /// The child that the key is in.
    pub(super) child: u8,
}

impl Span {
    fn new(order: Order, values: &RangeInclusive<i64>) -> Result<Self, KeySpaceError> {
        if values.is_empty() {
            return Err(KeySpaceError::Empty);
        }
        let (one, other) = (order.ordinal(*values.start()), order.ordinal(*values.end()));
        Ok(Self { best: one.min(other), worst: one.max(other) })
    }

    /// The indices of the expected ordinals and of the two escapes.
    fn indices(self) -> u128 {
        u128::from(self.worst - self.best) + 3
    }

    fn index(self, ordinal: u64) -> u128 {
        if ordinal > self.worst {
            return self.indices() - 1;
        }
        ordinal.checked_sub(self.best).map_or(0, |offset| u128::from(offset) + 1)
    }

    fn is_escape(self, index: u128) -> bool {
        index == 0 || index == self.indices() - 1
    }

    /// The first ordinal of an index; 2^64 where there is none.
    fn first_ordinal(self, index: u128) -> u128 {
        index.checked_sub(1).map_or(0, |offset| u128::from(self.best) + offset)
    }
}

impl KeySpace {
    /// The keys of a board that expects scores, and subscores if it has any, in these ranges. Without subscores,
    /// those submitted are ignored.
    pub fn new(
        order: Order,
        score: &RangeInclusive<i64>,
        subscore: Option<&RangeInclusive<i64>>,
    ) -> Result<Self, KeySpaceError> {
        let score = Span::new(order, score)?;
        let subscore = subscore.map(|values| Span::new(order, values)).transpose()?;
        let codes = score.indices().checked_mul(subscore.map_or(1, Span::indices));
        let codes = codes.ok_or(KeySpaceError::TooWide)?;
        let levels = (u128::BITS - (codes - 1).leading_zeros()).div_ceil(DIGIT_BITS);
        if levels > LEVELS_MAX {
            return Err(KeySpaceError::TooWide);
        }
        Ok(Self { order, score, subscore, levels })
    }

    pub const fn order(&self) -> Order {
        self.order
    }

    /// How many nodes lie between the root, with it, and an expected score.
    pub const fn levels(&self) -> u32 {
        self.levels
    }

    /// Whether subscores decide between equal scores.
    pub const fn has_subscores(&self) -> bool {
        self.subscore.is_some()
    }

    pub fn key(&self, score: Score) -> RankKey {
        let subscore = self.subscore.map_or(0, |_| self.order.ordinal(score.subscore));
        RankKey(u128::from(self.order.ordinal(score.score)) << 64 | u128::from(subscore))
    }

    /// The score of a key: the inverse of [`Self::key`], save for an ignored subscore, which is 0.
    pub fn score(&self, key: RankKey) -> Score {
        let (score, subscore) = halves(key);
        let subscore = self.subscore.map_or(0, |_| self.order.value(subscore));
        Score { score: self.order.value(score), subscore }
    }

    /// The nodes from the root to the key, and the child taken in each.
    pub(super) fn path(&self, key: RankKey) -> Vec<Place> {
        let (code, is_escape) = self.code(key);
        let places = (0..self.levels).map(|depth| {
            let shift = DIGIT_BITS * (self.levels - 1 - depth);
            let child = digit(u128::from(code) >> shift);
            Place { depth, code: code >> (shift + DIGIT_BITS), tail: 0, child }
        });
        let mut places: Vec<_> = places.collect();
        for step in (0..ESCAPE_LEVELS).filter(|_| is_escape) {
            let shift = DIGIT_BITS * (ESCAPE_LEVELS - 1 - step);
            let tail = key.0.checked_shr(shift + DIGIT_BITS).unwrap_or(0);
            places.push(Place { depth: self.levels + step, code, tail, child: digit(key.0 >> shift) });
        }
        places
    }

    /// The first and the last key below the node at `depth` that the digits of `code` lead to.
    pub(super) fn keys_below(&self, depth: u32, code: u64) -> (RankKey, RankKey) {
        let shift = DIGIT_BITS * self.levels.saturating_sub(depth);
        let from = u128::from(code) << shift;
        let last = self.first_key(from + (1 << shift)).map_or(u128::MAX, |next| next.saturating_sub(1));
        (RankKey(self.first_key(from).unwrap_or(u128::MAX)), RankKey(last))
    }

    /// The first key whose code is not below `code`.
    fn first_key(&self, code: u128) -> Option<u128> {
        let subscores = self.subscore.map_or(1, Span::indices);
        let (mut index, mut subindex) = (code / subscores, code % subscores);
        if self.score.is_escape(index) && subindex > 0 {
            // An escape of the score has one code: the others of its pairs are not used.
            (index, subindex) = (index + 1, 0);
        }
        if index >= self.score.indices() {
            return None;
        }
        let subscore = self.subscore.map_or(0, |span| span.first_ordinal(subindex));
        self.score.first_ordinal(index).checked_mul(1 << 64)?.checked_add(subscore)
    }

    /// Whether a whole code stands for all keys beyond an end of the expected range.
    pub(super) fn is_escape(&self, code: u64) -> bool {
        let code = u128::from(code);
        match self.subscore {
            None => self.score.is_escape(code),
            Some(span) => {
                self.score.is_escape(code / span.indices()) || span.is_escape(code % span.indices())
            }
        }
    }

    fn code(&self, key: RankKey) -> (u64, bool) {
        let (score, subscore) = halves(key);
        let index = self.score.index(score);
        let score_escapes = self.score.is_escape(index);
        let (code, is_escape) = match self.subscore {
            None => (index, score_escapes),
            Some(span) if score_escapes => (index * span.indices(), true),
            Some(span) => {
                let subindex = span.index(subscore);
                (index * span.indices() + subindex, span.is_escape(subindex))
            }
        };
        (u64::try_from(code).expect("codes have at most LEVELS_MAX digits"), is_escape)
    }
}

fn halves(key: RankKey) -> (u64, u64) {
    let low = key.0 & u128::from(u64::MAX);
    let half = |value: u128| u64::try_from(value).expect("half of the bits of a key");
    (half(key.0 >> 64), half(low))
}

fn digit(value: u128) -> u8 {
    value.to_le_bytes()[0] & DIGIT_MASK
}
