//! Messages of chat channels, in the table `chat`. A message is one item under its channel; those that a whole region
//! or a crowded instance writes to are spread over partitions.
//!
//! The arithmetic: a message and the count that limits its sender are one transaction, so a message of up to 1 KB
//! costs 2 write units of its partition, of which there are 1,000 each second. 8 partitions take 4,000 messages a
//! second. An account says at most 3 in 30 s to its region, so 40,000 accounts may talk there without a pause, and at
//! most 5 in 10 s to its instance, so the 5,000 players of the largest one write 2,500 a second.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use domain::contract::chat::{Channel, ChatMessage, ChatSender};
use domain::ids::{AccountId, CharacterId, MessageId};
use domain::names::CharacterName;
use domain::time::UnixMillis;
use futures_util::future::try_join_all;

use crate::store::chat::rates::Rate;
use crate::store::cursor::Cursor;
use crate::store::item::{self, Item, number, text};
use crate::store::requests::StoredAnswer;
use crate::store::transact::Part;
use crate::store::{Store, StoreError, sent, transact};

pub(crate) mod delivery;
pub(crate) mod mutes;
pub(crate) mod rates;
pub(crate) mod reports;

/// Partitions of a channel that many write to.
const SHARDS: u128 = 8;
/// A region's channel starts a new set of partitions this often, so that old ones cool down.
const BUCKET_MILLIS: u64 = 6 * 60 * 60 * 1_000;

const DAY_SECS: u64 = 24 * 60 * 60;

/// A channel, as it is stored: the same for everyone who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub(crate) channel: Channel,
    /// Who reads or writes: a whisper is kept under both characters.
    pub(crate) own: CharacterId,
    pub(crate) region: &'a str,
}

impl Place<'_> {
    /// How long messages are kept.
    const fn kept_secs(&self) -> u64 {
        match self.channel {
            Channel::Global | Channel::Zone(_) => DAY_SECS,
            Channel::Party(_) | Channel::Whisper(_) => 30 * DAY_SECS,
        }
    }

    /// The partitions that messages of the time `at` are in.
    fn partitions(&self, at: UnixMillis) -> Vec<String> {
        let spread = |base: String| (0..SHARDS).map(|shard| format!("{base}#{shard}")).collect();
        match self.channel {
            Channel::Global => spread(format!("global#{}#{}", self.region, at.as_millis() / BUCKET_MILLIS)),
            Channel::Zone(instance) => spread(format!("zone#{instance}")),
            Channel::Party(party) => vec![format!("party#{party}")],
            Channel::Whisper(other) => {
                let (low, high) = (self.own.min(other), self.own.max(other));
                vec![format!("whisper#{low}#{high}")]
            }
        }
    }

    /// The partition of this message.
    fn partition(&self, id: MessageId) -> String {
        let mut partitions = self.partitions(said_at(id));
        let count = u128::try_from(partitions.len()).unwrap_or(1);
        let shard = usize::try_from(id.as_u128() % count).unwrap_or(0);
        partitions.swap_remove(shard)
    }

    /// The time of the partitions before those of `at`, if there are any with messages that are kept.
    fn earlier(&self, at: UnixMillis, now: UnixMillis) -> Option<UnixMillis> {
        if self.channel != Channel::Global {
            return None;
        }
        let bucket = (at.as_millis() / BUCKET_MILLIS).checked_sub(1)?;
        let last = UnixMillis::new((bucket + 1) * BUCKET_MILLIS - 1);
        (now.millis_since(last) < self.kept_secs() * 1_000).then_some(last)
    }
}

/// When the message with this id was said: its first 48 bits.
pub(crate) fn said_at(id: MessageId) -> UnixMillis {
    UnixMillis::new(u64::try_from(id.as_u128() >> 80).unwrap_or(u64::MAX))
}

/// A message, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredMessage {
    pub(crate) id: MessageId,
    pub(crate) author: AccountId,
    pub(crate) character: CharacterId,
    pub(crate) name: CharacterName,
    pub(crate) text: String,
    /// Only its author sees it: the other one blocks the author, who is not told.
    pub(crate) hidden: bool,
}

impl StoredMessage {
    /// The message, as somebody who names the channel so reads it.
    pub(crate) fn seen_in(&self, channel: Channel) -> ChatMessage {
        ChatMessage {
            id: self.id,
            channel,
            from: ChatSender { character: self.character, name: self.name.clone() },
            text: self.text.clone(),
            at: said_at(self.id),
        }
    }
}

/// Why nothing was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SayRefusal {
    /// The account has said as much as it may until then.
    TooFast { until: UnixMillis },
    /// The request was answered before, or is being answered now.
    Repeated,
}

impl Store {
    /// Says something, counts it for the sender's rate, and keeps the answer, all or none.
    pub(crate) async fn say(
        &self,
        place: Place<'_>,
        message: &StoredMessage,
        answer: Option<&StoredAnswer>,
    ) -> Result<Result<(), SayRefusal>, StoreError> {
        let rate = Rate::of(place.channel);
        let now = said_at(message.id);
        let mut parts =
            vec![self.post_rate_part(message.author, rate, now), self.message_part(place, message)];
        parts.extend(answer.map(|answer| self.answer_part(answer)));
        Ok(self.transact(parts).await?.map_err(|refused| {
            if answer.is_some() && refused.last().is_some_and(Part::is_refused) {
                SayRefusal::Repeated
            } else {
                SayRefusal::TooFast { until: rate.window_end(now) }
            }
        }))
    }

    fn message_part(&self, place: Place<'_>, message: &StoredMessage) -> TransactWriteItem {
        let mut item = item::new_item(place.partition(message.id));
        item.extend([
            ("sk".to_owned(), text(message.id)),
            ("author".to_owned(), text(message.author)),
            ("character".to_owned(), text(message.character)),
            ("name".to_owned(), text(&message.name)),
            ("text".to_owned(), text(&message.text)),
            ("ttl".to_owned(), number(said_at(message.id).as_secs() + place.kept_secs())),
        ]);
        if message.hidden {
            item.insert("hidden".to_owned(), aws_sdk_dynamodb::types::AttributeValue::Bool(true));
        }
        transact::put(Put::builder().table_name(&self.tables.chat).set_item(Some(item)))
    }

    /// What was said in a channel before `cursor` and since `since`, newest first, as `reader` may see it.
    pub(crate) async fn said(
        &self,
        place: Place<'_>,
        reader: AccountId,
        since: UnixMillis,
        limit: i32,
        cursor: Option<&Cursor>,
    ) -> Result<(Vec<StoredMessage>, Option<Cursor>), StoreError> {
        let before: Option<MessageId> = cursor.map(|cursor| cursor.place("message")).transpose()?;
        let now = crate::clock::now();
        let wanted = usize::try_from(limit).unwrap_or(0);
        let before = before.unwrap_or_else(|| MessageId::new(UnixMillis::new(u64::MAX >> 16), u128::MAX));
        // A cursor names a time of its own, which may be any.
        let mut at = Some(said_at(before).min(now));
        let mut found: Vec<(MessageId, Item)> = Vec::new();
        while let Some(time) = at {
            let pages = place.partitions(time).into_iter().map(|partition| {
                self.said_in(partition, reader, (MessageId::new(since, 0), before), wanted + 1 - found.len())
            });
            let mut round: Vec<_> = try_join_all(pages).await?.into_iter().flatten().collect();
            round.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
            found.extend(round);
            if found.len() > wanted {
                break;
            }
            at = place.earlier(time, now);
        }
        let more = found.len() > wanted;
        found.truncate(wanted);
        let next = found.last().filter(|_| more).map(|(id, _)| Cursor::at("message", id));
        // Only now: of the pages of all partitions most is left over.
        let messages = found.iter().map(|(_, item)| read_message(item)).collect::<Result<_, _>>()?;
        Ok((messages, next))
    }

    /// At least `wanted` messages of one partition, if there are as many.
    async fn said_in(
        &self,
        partition: String,
        reader: AccountId,
        (since, before): (MessageId, MessageId),
        wanted: usize,
    ) -> Result<Vec<(MessageId, Item)>, StoreError> {
        let mut found = Vec::new();
        let mut before = before;
        let now = crate::clock::now();
        // A cursor names any time, and the store takes no range that ends before it begins.
        if since > before {
            return Ok(found);
        }
        loop {
            let call = self
                .client
                .query()
                .table_name(&self.tables.chat)
                .key_condition_expression("pk = :pk AND sk BETWEEN :since AND :before")
                .expression_attribute_values(":pk", text(&partition))
                .expression_attribute_values(":since", text(since))
                .expression_attribute_values(":before", text(before))
                .scan_index_forward(false)
                .consistent_read(true)
                // One more for the message that the page before ended with.
                .limit(i32::try_from(wanted + 1).unwrap_or(i32::MAX));
            let page = sent(call.send()).await?;
            for item in page.items.unwrap_or_default() {
                let last: MessageId = item::read_parsed(&item, "sk")?;
                let expired = item::read_number::<u64>(&item, "ttl")? <= now.as_secs();
                let is_hidden = item.contains_key("hidden");
                let shown = !is_hidden || item::read_parsed::<AccountId>(&item, "author")? == reader;
                if last != before && shown && !expired {
                    found.push((last, item));
                }
                before = before.min(last);
            }
            if page.last_evaluated_key.is_none() || found.len() >= wanted {
                return Ok(found);
            }
        }
    }

    /// One message of a channel.
    pub(crate) async fn message(
        &self,
        place: Place<'_>,
        id: MessageId,
    ) -> Result<Option<StoredMessage>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.chat);
        let call = call.key("pk", text(place.partition(id))).key("sk", text(id)).consistent_read(true);
        let item = sent(call.send()).await?.item;
        item.as_ref().map(read_message).transpose()
    }
}

pub(crate) fn read_message(item: &Item) -> Result<StoredMessage, StoreError> {
    item::check_version(item)?;
    Ok(StoredMessage {
        id: item::read_parsed(item, "sk")?,
        author: item::read_parsed(item, "author")?,
        character: item::read_parsed(item, "character")?,
        name: item::read_parsed(item, "name")?,
        text: item::read_text(item, "text")?.to_owned(),
        hidden: item.contains_key("hidden"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_a_region_spread_and_are_found_by_their_ids() {
        let place = |channel| Place { channel, own: CharacterId::from_u128(7), region: "local" };
        let at = UnixMillis::new(5 * BUCKET_MILLIS);
        let mut used = std::collections::BTreeSet::new();
        for random in 0..64 {
            used.insert(place(Channel::Global).partition(MessageId::new(at, random)));
        }
        assert_eq!(used.into_iter().collect::<Vec<_>>(), place(Channel::Global).partitions(at));
        let other = CharacterId::from_u128(3);
        let mine = place(Channel::Whisper(other)).partitions(at);
        let theirs = Place { channel: Channel::Whisper(CharacterId::from_u128(7)), own: other, region: "x" };
        assert_eq!(mine, theirs.partitions(at));
    }

    #[test]
    fn history_goes_back_as_far_as_messages_are_kept() {
        let place = Place { channel: Channel::Global, own: CharacterId::from_u128(7), region: "local" };
        let now = UnixMillis::new(100 * BUCKET_MILLIS + 5);
        let mut times = vec![now];
        while let Some(earlier) = place.earlier(times[times.len() - 1], now) {
            times.push(earlier);
        }
        assert_eq!(times.len(), 5, "24 hours touch 5 buckets of 6 hours");
        assert_eq!(times[1], UnixMillis::new(100 * BUCKET_MILLIS - 1));
        assert_eq!(said_at(MessageId::new(now, u128::MAX)), now);
    }
}
