//! Forgetting a character: what it offers and what waits for it goes the way of its other possessions.

use aws_sdk_dynamodb::types::Delete;
use domain::ids::CharacterId;

use crate::clock::Deadline;
use crate::store::item::{self, Item, text};
use crate::store::{Store, StoreError, sent, transact};

/// Items of one round.
const DELETED_PER_ROUND: i32 = 50;

impl Store {
    /// Deletes the listings of a character that was deleted, with the lots in them, and its claims, its counter and
    /// its lock. Nobody lists anything for a deleted character, so what is found is all; a listing that is so young
    /// that the index does not show it is closed by its end, and then has nobody to go to. It may be cut short
    /// anywhere and repeated. False if there was no time for all.
    pub(crate) async fn erase_market(
        &self,
        character: CharacterId,
        deadline: Deadline,
    ) -> Result<bool, StoreError> {
        // Listings before claims: a sale of one of them leaves a claim.
        Ok(self.erase_found(("seller", Some("by_seller")), character, deadline).await?
            && self.erase_found(("pk", None), character, deadline).await?)
    }

    async fn erase_found(
        &self,
        (hash, index): (&str, Option<&str>),
        character: CharacterId,
        deadline: Deadline,
    ) -> Result<bool, StoreError> {
        let mut start = None;
        loop {
            let call = self
                .client
                .query()
                .table_name(&self.tables.market)
                .set_index_name(index.map(str::to_owned))
                .key_condition_expression("#hash = :character")
                .projection_expression("pk, sk")
                .expression_attribute_names("#hash", hash)
                .expression_attribute_values(":character", text(character))
                .set_exclusive_start_key(start)
                // A sale of a moment ago may have left a claim; an index is never read so.
                .consistent_read(index.is_none())
                .limit(DELETED_PER_ROUND);
            let page = sent(call.send()).await?;
            for key in page.items.unwrap_or_default() {
                self.delete_market(&key).await?;
                if deadline.is_over() {
                    return Ok(false);
                }
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(true);
            }
        }
    }

    async fn delete_market(&self, key: &Item) -> Result<(), StoreError> {
        let delete = Delete::builder()
            .table_name(&self.tables.market)
            .key("pk", text(item::read_text(key, "pk")?))
            .key("sk", text(item::read_text(key, "sk")?));
        // Within a transaction, so that it waits for a sale that is under way.
        self.transact(vec![transact::delete(delete)]).await.map(drop)
    }
}
