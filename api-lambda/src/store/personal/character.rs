//! What belongs to a character, in one list for its purge and for the deletion of its player.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
use domain::ids::{AccountId, CharacterId};

use crate::clock::Deadline;
use crate::store::item::Item;
use crate::store::personal::{PersonalTable, Place, Subject, key_of, places_of};
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, sent};

/// `DynamoDB` deletes so many items with one call.
const DELETES_PER_CALL: usize = 25;

/// Tables whose items do not go one by one: the character itself, by which the rest is found, and entries of boards, which
/// are counted.
const KEPT_LONGER: [&str; 2] = ["players", "boards"];

/// What is left of something that was to be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forgotten {
    /// Nothing.
    Whole,
    /// What there was no time for.
    Unfinished,
    /// What another region has to do.
    Elsewhere,
}

impl Store {
    /// Deletes what a deleted character has, but for its own item in `players`, as far as there is time, and something
    /// of it each time. Nobody gives anything to a deleted character, so what is found is all. It may be cut short
    /// anywhere, and run twice at once.
    pub(crate) async fn forget_character(
        &self,
        account: AccountId,
        character: CharacterId,
        deadline: Deadline,
    ) -> Result<Forgotten, StoreError> {
        let now = crate::clock::now();
        // First what single items would leave behind in those of others: places in matches and parties, what friends
        // know it by, and sales that are under way.
        self.leave_matchmaking(account, character, now).await?;
        if !self.forget_in_parties(account, character, deadline).await?
            || !self.forget_in_relations(account, character, deadline).await?
            || !self.erase_market(character, deadline).await?
        {
            return Ok(Forgotten::Unfinished);
        }
        let subject = Subject { account, characters: [character].into(), names: [].into() };
        for place in places_of(character).filter(|place| !KEPT_LONGER.contains(&place.table.name)) {
            if !self.empty_place(&place, &subject, deadline).await? {
                return Ok(Forgotten::Unfinished);
            }
        }
        // Last, since they may have to wait for another region.
        self.forget_on_boards(character, deadline).await
    }

    /// Deletes what is at this place, as far as there is time, and something each time. False when there was not enough.
    pub(super) async fn empty_place(
        &self,
        place: &Place,
        subject: &Subject,
        deadline: Deadline,
    ) -> Result<bool, StoreError> {
        let mut start = None;
        loop {
            let (items, next) = self.page_at(place, subject, start).await?;
            for page in items.chunks(DELETES_PER_CALL) {
                self.delete_batch(place.table, page).await?;
                if deadline.is_over() {
                    return Ok(false);
                }
            }
            start = next;
            if start.is_none() {
                return Ok(true);
            }
        }
    }

    /// Deletes these items of a table, at most [`DELETES_PER_CALL`].
    async fn delete_batch(&self, table: &PersonalTable, items: &[Item]) -> Result<(), StoreError> {
        let delete = |item| {
            let request = DeleteRequest::builder().set_key(Some(key_of(table, item))).build();
            WriteRequest::builder().delete_request(request.expect("the key is given")).build()
        };
        let mut left = HashMap::from([(
            self.personal_table(table.name),
            items.iter().map(delete).collect::<Vec<WriteRequest>>(),
        )]);
        for attempt in 0..ATTEMPTS_MAX {
            let call = self.client.batch_write_item().set_request_items(Some(left));
            left = sent(call.send()).await?.unprocessed_items.unwrap_or_default();
            if left.is_empty() {
                return Ok(());
            }
            back_off(attempt).await;
        }
        Err(StoreError::Contended("a batch of deletions"))
    }
}
