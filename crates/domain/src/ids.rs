//! Ids. Public ones are 128 bits behind a prefix (`chr_01j...`): the first 48 bits are the millisecond of
//! their making, so they sort by age. Ids of the real-time world are small integers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::encoding::{decode_u128, encode_u128};
use crate::time::UnixMillis;

/// A text that is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix}_ and 26 base32 characters")]
pub struct InvalidId {
    /// The prefix that was expected.
    pub prefix: &'static str,
}

/// Gives an id that has `Display` and `FromStr` the same text as its `Debug` and in every format of serde, so
/// that it can also be the key of a JSON object.
#[macro_export]
macro_rules! text_form {
    ($name:ident) => {
        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(self, f)
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <::std::borrow::Cow<'de, str> as ::serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(::serde::de::Error::custom)
            }
        }
    };
}

macro_rules! public_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// What stands before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Makes an id from the time and 80 random bits (the rest of `random` is not used).
            #[must_use]
            pub const fn new(at: UnixMillis, random: u128) -> Self {
                Self((at.as_millis() as u128) << 80 | (random & ((1 << 80) - 1)))
            }

            /// The number behind the id.
            #[must_use]
            pub const fn as_u128(self) -> u128 {
                self.0
            }

            /// The id with this number.
            #[must_use]
            pub const fn from_u128(value: u128) -> Self {
                Self(value)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($prefix, "_"))?;
                f.write_str(std::str::from_utf8(&encode_u128(self.0)).map_err(|_| fmt::Error)?)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(decode_u128)
                    .map(Self)
                    .ok_or(InvalidId { prefix: $prefix })
            }
        }

        $crate::text_form!($name);

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                use utoipa::openapi::schema::{ObjectBuilder, Type};
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .pattern(Some(concat!("^", $prefix, "_[0-7][0-9a-hjkmnp-tv-z]{25}$")))
                    .into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
    )*};
}

public_ids! {
    /// A person's account, made by the edge.
    AccountId = "acc";
    /// One sign-in of an account on one device; names the family of refresh tokens.
    SessionId = "ses";
    /// A character of an account.
    CharacterId = "chr";
    /// A process that runs zones.
    HostId = "hst";
    /// One running copy of a zone.
    InstanceId = "ins";
    /// A permission to enter an instance once.
    TicketId = "tkt";
    /// One request and all that it caused, in every log line and answer.
    CorrelationId = "cor";
    /// One item that is unlike any other, or a stack of equal ones.
    ItemId = "itm";
    /// An offer on the trading post.
    ListingId = "lst";
    /// A direct trade of two players.
    TradeId = "trd";
    /// A group of players who play together.
    PartyId = "pty";
    /// A message of a chat channel, or a notice to a player.
    MessageId = "msg";
    /// A player's complaint about another one.
    ReportId = "rep";
    /// A wish to be matched, of one player or one party.
    MatchTicketId = "mtk";
    /// A match that was formed.
    MatchId = "mch";
    /// A tournament.
    TournamentId = "tnm";
    /// A key of an administrator.
    AdminKeyId = "adk";
    /// One call of an administrator, as the audit log keeps it.
    AuditId = "aud";
}

macro_rules! small_ids {
    ($($(#[$doc:meta])* $name:ident: $repr:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct $name(pub $repr);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )*};
}

small_ids! {
    /// An entity of one instance: its place in the instance's table in the low 16 bits, and above them how
    /// many have had that place before, modulo 65,536.
    EntityId: u32;
    /// A network connection of one host process.
    ConnectionId: u64;
    /// The generation of an instance's ownership: a write with an older one is refused.
    Epoch: u64;
    /// A season of a leaderboard: when it began, in milliseconds since 1970; 0 if it was there from the start.
    SeasonId: u64;
}

/// A text that is not a name of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is named by 1 to 32 of the characters a-z, 0-9 and '-'")]
pub struct InvalidCatalogueName {
    /// What was to be named, with its article.
    pub what: &'static str,
}

macro_rules! catalogue_names {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(
            feature = "openapi",
            derive(utoipa::ToSchema),
            schema(value_type = String, pattern = "^[a-z0-9-]{1,32}$")
        )]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidCatalogueName;

            fn try_from(text: String) -> Result<Self, InvalidCatalogueName> {
                let fits = (1..=32).contains(&text.len())
                    && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
                if fits { Ok(Self(text)) } else { Err(InvalidCatalogueName { what: $what }) }
            }
        }

        impl FromStr for $name {
            type Err = InvalidCatalogueName;

            fn from_str(text: &str) -> Result<Self, InvalidCatalogueName> {
                text.to_owned().try_into()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

catalogue_names! {
    /// The name of a zone kind in the catalogue.
    ZoneId = "a zone";
    /// The name of a kind of items in the catalogue.
    ItemKind = "an item";
    /// The name of a currency in the catalogue.
    CurrencyId = "a currency";
    /// The name of a place on the body for one item, in the catalogue.
    SlotId = "an equipment slot";
    /// The name of a counter or quest flag of a character; the rules of the game choose it.
    ProgressId = "a progress value";
    /// Why a balance changed, as the ledger keeps it.
    ReasonId = "a reason";
    /// The name of a leaderboard in the catalogue.
    BoardId = "a leaderboard";
    /// The name of a queue for matches in the catalogue.
    QueueId = "a queue";
    /// The name of a feature flag in the catalogue.
    FlagId = "a flag";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_texts_with_a_prefix_and_sort_by_age() {
        let old = CharacterId::new(UnixMillis::new(1), u128::MAX);
        let young = CharacterId::new(UnixMillis::new(2), 0);
        assert!(old < young && old.to_string() < young.to_string());
        assert_eq!(old.to_string().parse(), Ok(old));
        assert_eq!(old.to_string().parse::<AccountId>(), Err(InvalidId { prefix: "acc" }));
        assert_eq!(serde_json::to_string(&old).expect("a string"), format!("\"{old}\""));
        assert!(serde_json::from_str::<CharacterId>("\"chr_\"").is_err());
    }

    #[test]
    fn zone_names_are_narrow() {
        assert!("old-forest-2".parse::<ZoneId>().is_ok());
        for text in ["", "Forest", "a b", "ü", "a".repeat(33).as_str()] {
            let refused = Err(InvalidCatalogueName { what: "a zone" });
            assert_eq!(text.parse::<ZoneId>(), refused, "{text}");
        }
    }
}
