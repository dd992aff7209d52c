//! What belongs to a character, in one list for its purge and for the deletion of its player.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
use domain::ids::{AccountId, CharacterId};

use crate::store::item::Item;
use crate::store::personal::{PersonalTable, Place, Subject, key_of, places_of};
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, unavailable};

/// `DynamoDB` deletes so many items with one call.
const DELETES_PER_CALL: usize = 25;

impl Store {
    /// Deletes what a deleted character has, but for its own item in `players`, as far as `budget` items go. False
    /// when there is more than that. Nobody gives anything to a deleted character, so what is found is all. It may be
    /// cut short anywhere, and run twice at once.
    pub(crate) async fn forget_character(
        &self,
        account: AccountId,
        character: CharacterId,
        budget: &mut usize,
    ) -> Result<bool, StoreError> {
        let now = crate::clock::now();
        // First what single items would leave behind in those of others: places in matches and parties, counts of
        // boards, and sales that are under way.
        self.leave_matchmaking(account, character, now).await?;
        self.forget_in_parties(account, character, now).await?;
        self.forget_on_boards(character).await?;
        self.erase_market(character).await?;
        let subject = Subject { account, characters: [character].into(), names: [].into() };
        let places = places_of(character).filter(|place| place.table.name != "players");
        for place in places {
            if !self.empty_place(&place, &subject, budget).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Deletes what is at this place, as far as `budget` items go. False when there is more than that.
    pub(super) async fn empty_place(
        &self,
        place: &Place,
        subject: &Subject,
        budget: &mut usize,
    ) -> Result<bool, StoreError> {
        let mut start = None;
        loop {
            let (items, next) = self.page_at(place, subject, start).await?;
            for page in items.chunks(DELETES_PER_CALL) {
                if *budget == 0 {
                    return Ok(false);
                }
                *budget = budget.saturating_sub(page.len());
                self.delete_batch(place.table, page).await?;
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
            left = call.send().await.map_err(unavailable)?.unprocessed_items.unwrap_or_default();
            if left.is_empty() {
                return Ok(());
            }
            back_off(attempt).await;
        }
        Err(StoreError::Contended("a batch of deletions"))
    }
}
