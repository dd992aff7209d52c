//! The trading post, in the table `market`. An open listing holds its lot: what is listed has left the seller, and
//! each way to close the listing gives the lot to somebody in the same transaction. What cannot be given, because
//! its owner has no room or is deleted, becomes a claim of the owner, which is always possible.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use domain::catalogue::{MarketRules, PossessionRules};
use domain::ids::{CharacterId, CurrencyId, ListingId};
use domain::time::UnixMillis;

use crate::store::item::{Item, number, text};
use crate::store::possessions::wallet::{Movement, WalletRefusal};
use crate::store::requests::StoredAnswer;
use crate::store::{ATTEMPTS_MAX, ITEM_VERSION, Store, StoreError, back_off, sent, transact};

pub(crate) mod browsing;
pub(crate) mod buying;
pub(crate) mod claims;
pub(crate) mod closing;
pub(crate) mod erasing;
pub(crate) mod form;
pub(crate) mod goods;
pub(crate) mod history;

use form::{LISTING, StoredListing, listing_item, read_listing};

/// Key of the number of open listings of a character.
const COUNTER: &str = "listings";

/// Fees of a day are counted in so many items, since every sale of a currency adds to them.
const FEE_SHARDS: u128 = 16;

/// Why a lot was not listed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ListRefusal {
    /// The request was answered before, or is being answered now.
    Repeated,
    /// The seller was deleted.
    NoSeller,
    /// The seller offers as many lots as it may.
    TooMany,
    /// The seller has not got the lot any more, or wears it.
    NoLot,
    /// The seller cannot pay the fee.
    NotEnough,
}

impl Store {
    /// Takes the lot and the fee from the seller, and lists the lot.
    pub(crate) async fn create_listing(
        &self,
        rules: (&MarketRules, &PossessionRules),
        listing: &StoredListing,
        answer: &StoredAnswer,
    ) -> Result<Result<(), ListRefusal>, StoreError> {
        let (market, possessions) = rules;
        let balance_max =
            possessions.currency(&listing.currency).map_or(0, |definition| definition.balance_max);
        for attempt in 0..ATTEMPTS_MAX {
            let mut parts = vec![
                self.answer_part(answer),
                self.lives_part(listing.seller),
                self.take_goods_part(listing.seller, &listing.goods),
                self.count_listing_part(listing.seller, market.listings_per_character_max),
                transact::put(
                    Put::builder()
                        .table_name(&self.tables.market)
                        .set_item(Some(listing_item(listing)))
                        .condition_expression("attribute_not_exists(pk)"),
                ),
            ];
            if listing.listing_fee > 0 {
                let wallet = self.wallet(listing.seller, &listing.currency).await?;
                let reason = "listing-fee".parse().expect("a reason");
                let fee = Movement::debit(listing.listing_fee, &reason, listing.id.to_string());
                match self.wallet_parts(&wallet, &[fee], balance_max, listing.created_at) {
                    Ok(paid) => parts.extend(paid),
                    Err(WalletRefusal::NotEnough | WalletRefusal::Full) => {
                        return Ok(Err(ListRefusal::NotEnough));
                    }
                }
                parts.push(self.fee_part(
                    &listing.currency,
                    "listing_fees",
                    listing.listing_fee,
                    listing.created_at,
                ));
            }
            let Err(parts) = self.transact(parts).await? else { return Ok(Ok(())) };
            let refusals =
                [ListRefusal::Repeated, ListRefusal::NoSeller, ListRefusal::NoLot, ListRefusal::TooMany];
            if let Some((_, refusal)) = parts.iter().zip(refusals).find(|(part, _)| part.is_refused()) {
                return Ok(Err(refusal));
            }
            // The wallet has changed since it was read.
            back_off(attempt).await;
        }
        Err(StoreError::Contended("a wallet"))
    }

    /// One more open listing of the seller.
    fn count_listing_part(&self, seller: CharacterId, most: u32) -> TransactWriteItem {
        transact::update(
            self.listing_counter(seller)
                .update_expression("SET v = :v ADD #open :one")
                .condition_expression("attribute_not_exists(#open) OR #open < :most")
                .expression_attribute_values(":v", number(ITEM_VERSION))
                .expression_attribute_values(":one", number(1))
                .expression_attribute_values(":most", number(most)),
        )
    }

    /// One open listing of the seller less.
    fn uncount_listing_part(&self, seller: CharacterId) -> TransactWriteItem {
        transact::update(
            self.listing_counter(seller)
                .update_expression("ADD #open :less")
                .expression_attribute_values(":less", number(-1)),
        )
    }

    fn listing_counter(&self, seller: CharacterId) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
        Update::builder()
            .table_name(&self.tables.market)
            .key("pk", text(seller))
            .key("sk", text(COUNTER))
            .expression_attribute_names("#open", "open")
    }

    /// Counts a fee that was taken: it belongs to nobody from then on, and the sum shows where the money is.
    fn fee_part(&self, currency: &CurrencyId, kind: &str, fee: u64, now: UnixMillis) -> TransactWriteItem {
        let shard = crate::clock::random_u128() % FEE_SHARDS;
        transact::update(
            Update::builder()
                .table_name(&self.tables.market)
                .key("pk", text(format!("fees#{currency}")))
                .key("sk", text(format!("{}#{shard:02}", now.utc_day())))
                .update_expression("SET v = :v ADD #kind :fee")
                .expression_attribute_names("#kind", kind)
                .expression_attribute_values(":v", number(ITEM_VERSION))
                .expression_attribute_values(":fee", number(fee)),
        )
    }

    /// The listing.
    pub(crate) async fn listing(&self, id: ListingId) -> Result<Option<StoredListing>, StoreError> {
        let item = self.market_item(&id.to_string(), LISTING).await?;
        item.as_ref().map(read_listing).transpose()
    }

    /// One item of the table.
    pub(crate) async fn market_item(&self, pk: &str, sk: &str) -> Result<Option<Item>, StoreError> {
        let call = self
            .client
            .get_item()
            .table_name(&self.tables.market)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .consistent_read(true);
        Ok(sent(call.send()).await?.item)
    }
}
