//! The form of a ticket's item, and the shards of the feed.
//!
//! A partition of an index takes 1,000 write units a second. An item of a ticket has 1 to 2 KB: 2 units to enter the
//! feed and 2 to leave it. 2,000 tickets a second are 8,000 units, 500 for each of 16 shards. Cancellations, at a
//! fifth of that, are 2 units in one of 4 shards more: 200 for each.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::contract::coordinator::{OpenTicket, OpenTicketPlayer};
use domain::ids::{AccountId, CharacterId, MatchId, MatchTicketId, QueueId};
use domain::time::UnixMillis;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::store::StoreError;
use crate::store::item::{self, Item, number, text};
use crate::store::tickets::TICKET;

/// Shards of the tickets that wait.
pub(crate) const OPEN_SHARDS: u128 = 16;
/// Shards of those that were cancelled, and of the matches with places to fill.
pub(crate) const FEW_SHARDS: u128 = 4;

/// What a ticket is doing. Only from the first it goes on to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TicketStage {
    Searching,
    Matched,
    Cancelled,
    Expired,
}

impl fmt::Display for TicketStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Searching => "searching",
            Self::Matched => "matched",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        })
    }
}

impl FromStr for TicketStage {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let stages = [Self::Searching, Self::Matched, Self::Cancelled, Self::Expired];
        stages.into_iter().find(|stage| stage.to_string() == text).ok_or(())
    }
}

/// A player of a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TicketPlayer {
    pub(crate) character: CharacterId,
    pub(crate) account: AccountId,
    pub(crate) roles: Vec<String>,
    /// The rating when the ticket was made.
    pub(crate) mu: f64,
    pub(crate) sigma: f64,
}

/// A ticket.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredTicket {
    pub(crate) id: MatchTicketId,
    pub(crate) queue: QueueId,
    pub(crate) stage: TicketStage,
    pub(crate) players: Vec<TicketPlayer>,
    pub(crate) round_trips_ms: BTreeMap<String, u32>,
    pub(crate) created_at: UnixMillis,
    pub(crate) expires_at: UnixMillis,
    pub(crate) match_id: Option<MatchId>,
}

impl StoredTicket {
    pub(crate) fn is_of(&self, account: AccountId) -> bool {
        self.players.iter().any(|player| player.account == account)
    }

    /// What the matcher is told.
    pub(crate) fn open_form(self) -> OpenTicket {
        let player = |player: TicketPlayer| OpenTicketPlayer {
            character: player.character,
            mu: player.mu,
            sigma: player.sigma,
            roles: player.roles,
        };
        OpenTicket {
            id: self.id,
            queue: self.queue,
            players: self.players.into_iter().map(player).collect(),
            round_trips_ms: self.round_trips_ms,
            created_at: self.created_at,
            expires_at: self.expires_at,
        }
    }
}

/// The shard of the feed of `home` that holds the ticket as long as it waits.
pub(crate) fn open_feed(home: &str, ticket: MatchTicketId) -> String {
    format!("open#{home}#{}", ticket.as_u128() % OPEN_SHARDS)
}

/// The shard that holds the ticket when it was cancelled.
pub(crate) fn closed_feed(home: &str, ticket: MatchTicketId) -> String {
    format!("closed#{home}#{}", ticket.as_u128() % FEW_SHARDS)
}

/// The shard that holds a match with places to fill.
pub(crate) fn match_feed(home: &str, match_id: MatchId) -> String {
    format!("match#{home}#{}", match_id.as_u128() % FEW_SHARDS)
}

/// Where in its shard something is that changed at `at`: by time, and no two at the same place.
pub(crate) fn changed(at: UnixMillis, id: impl fmt::Display) -> String {
    format!("{:013}#{id}", at.as_millis())
}

/// A value as the JSON text of an attribute.
pub(crate) fn json(value: &impl Serialize) -> AttributeValue {
    text(serde_json::to_string(value).expect("plain data"))
}

/// The attribute `name`, as what its JSON text says.
pub(crate) fn read_json<T: DeserializeOwned>(item: &Item, name: &str) -> Result<T, StoreError> {
    item::check_version(item)?;
    serde_json::from_str(item::read_text(item, name)?).map_err(|error| StoreError::Corrupt {
        pk: item::read_text(item, "pk").unwrap_or_default().to_owned(),
        reason: format!("its {name} is malformed: {error}"),
    })
}

/// The item of a ticket that waits from now on.
pub(crate) fn ticket_item(ticket: &StoredTicket, home: &str, ttl: u64, now: UnixMillis) -> Item {
    let mut item = item::new_item(ticket.id);
    item.extend([
        ("sk".to_owned(), text(TICKET)),
        ("queue".to_owned(), text(&ticket.queue)),
        ("stage".to_owned(), text(ticket.stage)),
        ("players".to_owned(), json(&ticket.players)),
        ("round_trips_ms".to_owned(), json(&ticket.round_trips_ms)),
        ("created_at".to_owned(), number(ticket.created_at.as_millis())),
        ("expires_at".to_owned(), number(ticket.expires_at.as_millis())),
        ("feed".to_owned(), text(open_feed(home, ticket.id))),
        ("changed".to_owned(), text(changed(now, ticket.id))),
        ("ttl".to_owned(), number(ttl)),
    ]);
    item
}

/// The ticket of this item.
pub(crate) fn read_ticket(item: &Item) -> Result<StoredTicket, StoreError> {
    item::check_version(item)?;
    Ok(StoredTicket {
        id: item::read_parsed(item, "pk")?,
        queue: item::read_parsed(item, "queue")?,
        stage: item::read_parsed(item, "stage")?,
        players: read_json(item, "players")?,
        round_trips_ms: read_json(item, "round_trips_ms")?,
        created_at: UnixMillis::new(item::read_number(item, "created_at")?),
        expires_at: UnixMillis::new(item::read_number(item, "expires_at")?),
        match_id: item.contains_key("match").then(|| item::read_parsed(item, "match")).transpose()?,
    })
}
