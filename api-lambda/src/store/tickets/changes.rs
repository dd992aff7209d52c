//! The feed that the coordinator reads: tickets that wait, tickets that were cancelled, matches with places to fill.
//! Each shard is in the order of the changes, and one page holds a part of each shard.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::contract::coordinator::MatchmakingChanges;
use domain::time::UnixMillis;
use futures_util::future::try_join_all;

use crate::store::item::{self, Item, text};
use crate::store::matches::read_match;
use crate::store::tickets::form::{FEW_SHARDS, OPEN_SHARDS, TicketStage, read_ticket};
use crate::store::{Store, StoreError, sent};

/// Entries of one shard in one page: of 24 shards, 1,200 entries of 1 to 2 KB stay far under the 6 MB that an answer
/// of Lambda may have.
const SHARD_PAGE: i32 = 50;

/// Where the reading of a shard goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Position {
    /// The name of the shard without the region.
    shard: String,
    /// The last place that was read; what comes after it is next.
    after: String,
}

/// Where the reading of all shards goes on, as text. A forged one names other places of the same feed at most.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FeedCursor(Vec<Position>);

/// Longest text of a cursor: 24 shards at under 80 characters.
const CURSOR_CHARS_MAX: usize = 2_048;

impl std::str::FromStr for FeedCursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.len() > CURSOR_CHARS_MAX {
            return Err(());
        }
        let known: Vec<String> = shards(true).collect();
        let position = |part: &str| {
            let (shard, after) = part.split_once('~').ok_or(())?;
            let position = Position { shard: shard.replace('.', "#"), after: after.replace('.', "#") };
            known.contains(&position.shard).then_some(position).ok_or(())
        };
        text.split(',').map(position).collect::<Result<_, _>>().map(Self)
    }
}

impl std::fmt::Display for FeedCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, position) in self.0.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let (shard, after) = (position.shard.replace('#', "."), position.after.replace('#', "."));
            write!(f, "{comma}{shard}~{after}")?;
        }
        Ok(())
    }
}

/// The shards of a region; who starts anew needs none of the cancelled.
fn shards(with_closed: bool) -> impl Iterator<Item = String> {
    let closed = if with_closed { FEW_SHARDS } else { 0 };
    let few = (0..FEW_SHARDS).map(|shard| format!("match#{shard}"));
    (0..OPEN_SHARDS)
        .map(|shard| format!("open#{shard}"))
        .chain((0..closed).map(|shard| format!("closed#{shard}")))
        .chain(few)
}

impl Store {
    /// One page of what changed after `after` in the queues whose home is `home`; without it, all that is open now.
    pub(crate) async fn matchmaking_changes(
        &self,
        home: &str,
        after: Option<UnixMillis>,
        cursor: Option<FeedCursor>,
        now: UnixMillis,
    ) -> Result<MatchmakingChanges, StoreError> {
        let start = after.map(|after| format!("{:013}", after.as_millis())).unwrap_or_default();
        let positions = cursor.map_or_else(
            || shards(after.is_some()).map(|shard| Position { shard, after: start.clone() }).collect(),
            |cursor| cursor.0,
        );
        let pages =
            try_join_all(positions.into_iter().map(|position| self.shard_page(home, position))).await?;
        let mut changes = MatchmakingChanges {
            now,
            opened: Vec::new(),
            closed: Vec::new(),
            openings: Vec::new(),
            next: None,
        };
        let mut left = FeedCursor::default();
        for (items, position) in pages {
            left.0.extend(position);
            for item in &items {
                // One that cannot be read must not keep the others from being matched.
                if let Err(error) = read_change(item, &mut changes) {
                    tracing::warn!(kind = error.kind(), %error, "a change of the matchmaking is passed over");
                }
            }
        }
        changes.next = (!left.0.is_empty()).then(|| left.to_string());
        Ok(changes)
    }

    /// A page of a shard, and where it goes on.
    async fn shard_page(
        &self,
        home: &str,
        position: Position,
    ) -> Result<(Vec<Item>, Option<Position>), StoreError> {
        let (kind, number) = position.shard.split_once('#').unwrap_or((&position.shard, "0"));
        let call = self
            .client
            .query()
            .table_name(&self.tables.matchmaking)
            .index_name("by_feed")
            .key_condition_expression("feed = :feed AND changed > :after")
            .expression_attribute_values(":feed", text(format!("{kind}#{home}#{number}")))
            // No key may be empty, and every place comes after a blank.
            .expression_attribute_values(":after", text(format!("{:1}", position.after)))
            .limit(SHARD_PAGE);
        let page = sent(call.send()).await?;
        let items = page.items.unwrap_or_default();
        let next = match (page.last_evaluated_key, items.last()) {
            (Some(_), Some(last)) => {
                Some(Position { after: item::read_text(last, "changed")?.to_owned(), ..position })
            }
            _ => None,
        };
        Ok((items, next))
    }
}

fn read_change(item: &Item, changes: &mut MatchmakingChanges) -> Result<(), StoreError> {
    match item.get("sk") {
        Some(AttributeValue::S(kind)) if kind == "match" => {
            let found = read_match(item)?;
            // One that is over stays in the feed until it is swept.
            if !found.roster.is_over(changes.now) {
                changes.openings.extend(found.roster.opening(found.revision));
            }
        }
        _ => {
            let ticket = read_ticket(item)?;
            match ticket.stage {
                TicketStage::Searching => changes.opened.push(ticket.open_form()),
                _ => changes.closed.push(ticket.id),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_names_places_of_the_feed_only() {
        let cursor = FeedCursor(vec![
            Position { shard: "open#3".into(), after: "0000000000017#mtk_01".into() },
            Position { shard: "match#0".into(), after: "0000000000018#mch_02".into() },
        ]);
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for rubbish in ["", "open.3", "open.99~1", "secret.1~1", &"a".repeat(3_000)] {
            assert_eq!(rubbish.parse::<FeedCursor>(), Err(()), "{rubbish}");
        }
    }
}
