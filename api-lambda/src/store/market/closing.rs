//! Closing listings without a sale: the seller takes a lot back, or its time is over.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use domain::catalogue::PossessionRules;
use domain::contract::market::ListingState;
use domain::ids::{CharacterId, ListingId};
use domain::time::UnixMillis;

use super::claims::Owed;
use super::form::{LISTING, OPEN_ATTRIBUTES, SHARDS, StoredListing, due_key, read_listing, state_name};
use crate::store::cursor::Cursor;
use crate::store::due::{DueList, DueWalk};
use crate::store::item::{self, number, text};
use crate::store::transact::Part;
use crate::store::{Store, StoreError, transact};

/// How long closed listings can be read, in seconds: 30 days.
const CLOSED_KEPT_SECS: u64 = 30 * 24 * 60 * 60;

/// Somebody else has closed the listing, or it is no more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AlreadyClosed;

impl Store {
    /// Closes an open listing. With `before`, only one whose time is not over then.
    pub(super) fn close_part(
        &self,
        id: ListingId,
        state: ListingState,
        before: Option<UnixMillis>,
        now: UnixMillis,
    ) -> TransactWriteItem {
        let update = Update::builder()
            .table_name(&self.tables.market)
            .key("pk", text(id))
            .key("sk", text(LISTING))
            .update_expression(format!(
                "SET #state = :state, closed_at = :now, #ttl = :ttl REMOVE {OPEN_ATTRIBUTES}"
            ))
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":state", text(state_name(state)))
            .expression_attribute_values(":open", text(state_name(ListingState::Open)))
            .expression_attribute_values(":now", number(now.as_millis()))
            .expression_attribute_values(":ttl", number(now.as_secs() + CLOSED_KEPT_SECS));
        transact::update(match before {
            None => update.condition_expression("#state = :open"),
            Some(before) => update
                .condition_expression("#state = :open AND expires_at > :before")
                .expression_attribute_values(":before", number(before.as_millis())),
        })
    }

    /// Closes the listing and gives the lot back to the seller, or leaves it to be collected.
    pub(crate) async fn return_lot(
        &self,
        rules: &PossessionRules,
        listing: &StoredListing,
        state: ListingState,
        now: UnixMillis,
    ) -> Result<Result<(), AlreadyClosed>, StoreError> {
        let close = self.close_part(listing.id, state, None, now);
        let seller = listing.seller;
        let mut gone = false;
        if let Some(give) = self.give_goods_part(rules, seller, &listing.goods, now) {
            let parts = vec![close.clone(), self.lives_part(seller), give, self.uncount_listing_part(seller)];
            let Err(parts) = self.transact(parts).await? else { return Ok(Ok(())) };
            if parts[0].is_refused() {
                return Ok(Err(AlreadyClosed));
            }
            // Not deleted, but purged: so are its possessions, and this lot is one of them.
            gone = matches!(parts[1], Part::Refused(None));
        }
        let mut parts = vec![close];
        if !gone {
            let owed = Owed::Goods(listing.goods.clone());
            parts.extend([self.uncount_listing_part(seller), self.owe_part(listing.id, seller, &owed, now)]);
        }
        Ok(self.transact(parts).await?.map_err(|_| AlreadyClosed))
    }

    /// Closes listings whose time is over. The sellers of those that this call closed, and where the next one goes on
    /// if there was no time for all. It may be cut short anywhere, and run twice at once.
    pub(crate) async fn expire_listings(
        &self,
        rules: &PossessionRules,
        cursor: Option<&Cursor>,
        now: UnixMillis,
    ) -> Result<(Vec<(CharacterId, ListingId)>, Option<Cursor>), StoreError> {
        let list = DueList {
            table: &self.tables.market,
            index: Some("by_due"),
            keys: ["due", "due_at"],
            shards: SHARDS,
            shard_key: due_key,
        };
        let mut walk = DueWalk::new(list, now, cursor)?;
        let deadline = self.step_deadline();
        let mut expired = Vec::new();
        while let Some(key) = walk.next(self).await? {
            let listing = item::read_text(&key, "pk")?;
            match self.expire_listing(rules, listing, now).await {
                Ok(closed) => expired.extend(closed),
                // One that cannot be closed must not keep the others open.
                Err(error) => tracing::error!(listing.id = listing, %error, "a listing stays open"),
            }
            if deadline.is_over() {
                return Ok((expired, Some(walk.cursor())));
            }
        }
        Ok((expired, None))
    }

    /// Closes a listing that an index names as due. The index may be behind: the listing itself decides.
    async fn expire_listing(
        &self,
        rules: &PossessionRules,
        pk: &str,
        now: UnixMillis,
    ) -> Result<Option<(CharacterId, ListingId)>, StoreError> {
        let Some(item) = self.market_item(pk, LISTING).await? else { return Ok(None) };
        let listing = read_listing(&item)?;
        if listing.state != ListingState::Open || listing.expires_at > now {
            return Ok(None);
        }
        let closed = self.return_lot(rules, &listing, ListingState::Expired, now).await?;
        Ok(closed.ok().map(|()| (listing.seller, listing.id)))
    }
}
