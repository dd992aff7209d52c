//! What a tournament calls its parts: entrants, seeds, matches, sides and requests. What stands behind an
//! entrant (a player, a character, a team) is not known here.

use std::fmt;
use std::str::FromStr;

use domain::encoding::{decode_u128, encode_u128};
use serde::{Deserialize, Serialize};

/// A text that is not one of these ids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of 26 base32 characters")]
pub struct InvalidName;

macro_rules! opaque_ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// The id with this number, such as that of an account, a character or a party.
            #[must_use]
            pub const fn from_u128(value: u128) -> Self {
                Self(value)
            }

            /// The number behind the id.
            #[must_use]
            pub const fn as_u128(self) -> u128 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(std::str::from_utf8(&encode_u128(self.0)).map_err(|_| fmt::Error)?)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                decode_u128(text).map(Self).ok_or(InvalidName)
            }
        }

        domain::text_form!($name);
    )*};
}

opaque_ids! {
    /// Who takes part: one player or one team.
    EntrantId;
    /// One request of a caller. The same request applied again changes nothing.
    RequestId;
}

/// The rank that an entrant starts with: 1 is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(u16);

impl Seed {
    /// The seed at this place of a list that starts with the best.
    pub(super) fn at(index: usize) -> Self {
        Self(u16::try_from(index + 1).expect("limits keep the entrants under 65,536"))
    }

    /// Its place in a list that starts with the best.
    pub(super) fn index(self) -> usize {
        usize::from(self.0) - 1
    }

    /// The rank, from 1.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// A match of a tournament: they are counted from 1 in the order of their making.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MatchId(pub u16);

impl MatchId {
    pub(super) fn at(index: usize) -> Self {
        Self(u16::try_from(index + 1).expect("limits keep the matches under 65,536"))
    }

    /// Its place in the list of matches. Past every list for 0, which is no match.
    pub(super) fn index(self) -> usize {
        usize::from(self.0).wrapping_sub(1)
    }
}

impl fmt::Display for MatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// One of the two sides of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The upper slot of a bracket.
    First,
    /// The lower slot.
    Second,
}

impl Side {
    /// Both, in the order of the slots.
    pub const BOTH: [Self; 2] = [Self::First, Self::Second];

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }

    pub(super) const fn index(self) -> usize {
        match self {
            Self::First => 0,
            Self::Second => 1,
        }
    }
}
