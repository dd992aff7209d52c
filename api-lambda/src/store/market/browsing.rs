//! Finding listings: by price within a kind and a currency, by age within a kind or overall, and by seller. Every page
//! is made of queries over indexes that hold open listings only, except that of a seller.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use domain::contract::market::ListingPage;
use domain::ids::{CharacterId, CurrencyId, ItemKind, ListingId};

use super::form::{LISTING, SHARDS, StoredListing, age_key, offer_key, read_listing};
use crate::store::cursor::{Cursor, InvalidCursor};
use crate::store::item::{self, Item, number, text};
use crate::store::{Store, StoreError, sent};

/// What the newest listings must be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) item: Option<ItemKind>,
    pub(crate) currency: Option<CurrencyId>,
    pub(crate) price_max: Option<u64>,
}

/// An index and how listings are found there.
#[derive(Debug, Clone, Copy)]
struct Index {
    name: &'static str,
    hash: &'static str,
    range: &'static str,
}

const BY_PRICE: Index = Index { name: "by_price", hash: "offer", range: "offer_price" };
const BY_KIND: Index = Index { name: "by_kind", hash: "offer_kind", range: "listing" };
const BY_AGE: Index = Index { name: "by_age", hash: "offer_shard", range: "listing" };
const BY_SELLER: Index = Index { name: "by_seller", hash: "seller", range: "listing" };

/// The listing that a place in an index is about: a place is its id, or a price and its id.
fn listing_at(place: &str) -> Option<ListingId> {
    place.rsplit('#').next()?.parse().ok()
}

/// A page of an index, and the place where it ended if there may be more.
type Found = (Vec<StoredListing>, Option<String>);

impl Store {
    fn index_query(
        &self,
        index: Index,
        hash: &str,
        limit: i32,
        after: Option<&str>,
    ) -> Result<QueryFluentBuilder, StoreError> {
        let start = after.map(|place| {
            let id = listing_at(place).ok_or(StoreError::Cursor(InvalidCursor))?;
            Ok(Item::from([
                ("pk".to_owned(), text(id)),
                ("sk".to_owned(), text(LISTING)),
                (index.hash.to_owned(), text(hash)),
                (index.range.to_owned(), text(place)),
            ]))
        });
        let query = self.client.query().table_name(&self.tables.market).index_name(index.name);
        Ok(query
            .expression_attribute_names("#hash", index.hash)
            .expression_attribute_values(":hash", text(hash))
            .set_exclusive_start_key(start.transpose()?)
            .limit(limit))
    }

    async fn found(query: QueryFluentBuilder, index: Index) -> Result<Found, StoreError> {
        let page = sent(query.send()).await?;
        let listings = page.items.unwrap_or_default();
        let listings = listings.iter().map(read_listing).collect::<Result<_, _>>()?;
        let last = page.last_evaluated_key.as_ref();
        let last = last.map(|key| item::read_text(key, index.range).map(str::to_owned)).transpose()?;
        Ok((listings, last))
    }

    /// Open listings of a kind in a currency, the cheapest lot first.
    pub(crate) async fn listings_by_price(
        &self,
        kind: &ItemKind,
        currency: &CurrencyId,
        price_max: Option<u64>,
        limit: i32,
        cursor: Option<&Cursor>,
    ) -> Result<ListingPage, StoreError> {
        let after: Option<String> = cursor.map(|cursor| cursor.place("price")).transpose()?;
        // Behind the digits of the price comes '#', which '$' follows.
        let end = price_max.map(|most| format!("{most:016}$"));
        if end.is_some() && after > end {
            return Err(StoreError::Cursor(InvalidCursor));
        }
        let hash = offer_key(kind, currency);
        let query = self.index_query(BY_PRICE, &hash, limit, after.as_deref())?;
        let query = match end {
            None => query.key_condition_expression("#hash = :hash"),
            Some(end) => query
                .key_condition_expression("#hash = :hash AND offer_price < :end")
                .expression_attribute_values(":end", text(end)),
        };
        Ok(page_of(Self::found(query, BY_PRICE).await?, "price"))
    }

    /// Listings of a seller in every state, the newest first.
    pub(crate) async fn listings_of(
        &self,
        seller: CharacterId,
        limit: i32,
        cursor: Option<&Cursor>,
    ) -> Result<ListingPage, StoreError> {
        let after = cursor.map(|cursor| cursor.place::<ListingId>("listing")).transpose()?;
        let after = after.map(|id| id.to_string());
        let query = self.index_query(BY_SELLER, &seller.to_string(), limit, after.as_deref())?;
        let query = query.key_condition_expression("#hash = :hash").scan_index_forward(false);
        Ok(page_of(Self::found(query, BY_SELLER).await?, "listing"))
    }

    /// Open listings that fit the filter, the newest first.
    pub(crate) async fn newest_listings(
        &self,
        filter: &Filter,
        limit: i32,
        cursor: Option<&Cursor>,
    ) -> Result<ListingPage, StoreError> {
        let after = cursor.map(|cursor| cursor.place::<ListingId>("listing")).transpose()?;
        let (index, keys) = match &filter.item {
            Some(kind) => (BY_KIND, vec![kind.to_string()]),
            None => (BY_AGE, (0..SHARDS).map(age_key).collect()),
        };
        let mut queries = Vec::new();
        for key in &keys {
            // A listing of one shard is no start in another one: there the condition does it.
            let query = self.index_query(index, key, limit, None)?.scan_index_forward(false);
            let query = match &after {
                None => query.key_condition_expression("#hash = :hash"),
                Some(after) => query
                    .key_condition_expression("#hash = :hash AND listing < :after")
                    .expression_attribute_values(":after", text(after)),
            };
            queries.push(Self::found(filtered(query, filter), index));
        }
        let shards = futures_util::future::try_join_all(queries).await?;
        Ok(page_of(merge(shards, usize::try_from(limit).unwrap_or(1)), "listing"))
    }
}

/// Adds what the keys of the index do not say.
fn filtered(mut query: QueryFluentBuilder, filter: &Filter) -> QueryFluentBuilder {
    let mut conditions = Vec::new();
    if let Some(currency) = &filter.currency {
        conditions.push("currency = :currency");
        query = query.expression_attribute_values(":currency", text(currency));
    }
    if let Some(most) = filter.price_max {
        conditions.push("price <= :most");
        query = query.expression_attribute_values(":most", number(most));
    }
    if conditions.is_empty() { query } else { query.filter_expression(conditions.join(" AND ")) }
}

/// One page of those of each shard, the newest first: what is older than the end of any unfinished shard's page may
/// have others before it, and waits for the next page.
fn merge(shards: Vec<Found>, limit: usize) -> Found {
    let end = shards.iter().filter_map(|(_, last)| last.clone()).max();
    let mut listings: Vec<_> = shards.into_iter().flat_map(|(listings, _)| listings).collect();
    if let Some(end) = &end {
        listings.retain(|listing| listing.id.to_string() >= *end);
    }
    listings.sort_by_key(|listing| std::cmp::Reverse(listing.id));
    if listings.len() > limit {
        listings.truncate(limit);
        let last = listings.last().map(|listing| listing.id.to_string());
        return (listings, last);
    }
    (listings, end)
}

/// `place` is the name of the place in cursors.
fn page_of((listings, last): Found, place: &str) -> ListingPage {
    ListingPage {
        listings: listings.iter().map(StoredListing::shown).collect(),
        next: last.map(|last| Cursor::at(place, &last).into()),
    }
}
