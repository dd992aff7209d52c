//! What is due, in the shards of a table or an index that sorts by the time of each: a walk that a later call goes on
//! with, so that what cannot be done stays where it is and keeps nothing else waiting.

use std::collections::VecDeque;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use domain::time::UnixMillis;

use crate::store::cursor::Cursor;
use crate::store::item::{self, Item, text};
use crate::store::{Store, StoreError, sent};

/// Items of one reading.
const READ_AT_ONCE: i32 = 100;

/// Where things that will be due are. Their keys begin with the time, in 16 digits.
#[derive(Debug, Clone, Copy)]
pub(super) struct DueList<'a> {
    pub(super) table: &'a str,
    pub(super) index: Option<&'static str>,
    /// The two attributes of the key.
    pub(super) keys: [&'static str; 2],
    pub(super) shards: u128,
    /// The first part of the key in this shard.
    pub(super) shard_key: fn(u128) -> String,
}

/// Goes through what is due, shard by shard and the oldest first.
#[derive(Debug)]
pub(super) struct DueWalk<'a> {
    list: DueList<'a>,
    end: String,
    shard: u128,
    /// The key of the item before, empty at the beginning of a shard.
    after: String,
    read: VecDeque<Item>,
}

impl<'a> DueWalk<'a> {
    /// A walk through what is due at `now`, from the start or from where an earlier one ended.
    pub(super) fn new(
        list: DueList<'a>,
        now: UnixMillis,
        cursor: Option<&Cursor>,
    ) -> Result<Self, StoreError> {
        let (mut shard, mut after) = match cursor {
            None => (0, String::new()),
            Some(cursor) => (cursor.place::<u128>("shard")?, cursor.place::<String>("after")?),
        };
        let end = format!("{:016}", now.as_millis());
        // Of a process whose clock is ahead. The store takes a range that ends before it begins for a fault of ours.
        if after > end {
            shard = shard.saturating_add(1);
            after.clear();
        }
        Ok(Self { list, end, shard, after, read: VecDeque::new() })
    }

    /// Where the walk is: one that starts there begins with what comes next.
    pub(super) fn cursor(&self) -> Cursor {
        Cursor::of_places([("shard", self.shard.to_string()), ("after", self.after.clone())])
    }

    /// The next thing that is due.
    pub(super) async fn next(&mut self, store: &Store) -> Result<Option<Item>, StoreError> {
        loop {
            if let Some(item) = self.read.pop_front() {
                item::read_text(&item, self.list.keys[1])?.clone_into(&mut self.after);
                return Ok(Some(item));
            }
            if self.shard >= self.list.shards {
                return Ok(None);
            }
            let items = sent(self.query(store).send()).await?.items.unwrap_or_default();
            if items.is_empty() {
                self.shard += 1;
                self.after.clear();
            }
            self.read.extend(items);
        }
    }

    fn query(&self, store: &Store) -> QueryFluentBuilder {
        let call = store.client.query().table_name(self.list.table);
        call.set_index_name(self.list.index.map(str::to_owned))
            .key_condition_expression("#shard = :shard AND #due BETWEEN :after AND :end")
            .expression_attribute_names("#shard", self.list.keys[0])
            .expression_attribute_names("#due", self.list.keys[1])
            .expression_attribute_values(":shard", text((self.list.shard_key)(self.shard)))
            // The least that sorts after the key before: all keys have one length, and no letter of theirs is less.
            .expression_attribute_values(":after", text(format!("{}!", self.after)))
            .expression_attribute_values(":end", text(&self.end))
            // An index cannot be read as it is this very moment.
            .consistent_read(self.list.index.is_none())
            .limit(READ_AT_ONCE)
    }
}
