//! What was paid for items: a few items a day for each kind and currency, each written in the transaction of the
//! sale that it counts.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use domain::contract::market::{MarketDay, MarketHistory};
use domain::ids::{CurrencyId, ItemKind};
use domain::time::UnixMillis;

use super::form::StoredListing;
use crate::store::item::{self, Item, number, text};
use crate::store::{Store, StoreError, sent, transact};

/// Sales of a day are counted in so many items, since those of a wanted kind come at once.
const SHARDS: u128 = 8;

/// How long the sales of a day can be read, in days.
pub(crate) const HISTORY_DAYS_MAX: u64 = 90;

const DAY_SECS: u64 = 24 * 60 * 60;

/// The sales that one item counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sales {
    count: u64,
    volume: u64,
    turnover: u64,
    min_milli: u64,
    max_milli: u64,
}

/// The price of one of `count` items, in thousandths.
fn each_milli(price: u64, count: u64) -> u64 {
    let each = u128::from(price) * 1_000 / u128::from(count.max(1));
    u64::try_from(each).unwrap_or(u64::MAX)
}

impl Sales {
    /// One sale.
    fn of(price: u64, count: u32) -> Self {
        let each = each_milli(price, u64::from(count));
        Self { count: 1, volume: u64::from(count), turnover: price, min_milli: each, max_milli: each }
    }

    /// Both together.
    fn and(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            volume: self.volume.saturating_add(other.volume),
            turnover: self.turnover.saturating_add(other.turnover),
            min_milli: self.min_milli.min(other.min_milli),
            max_milli: self.max_milli.max(other.max_milli),
        }
    }

    fn shown(self, day: String) -> MarketDay {
        MarketDay {
            day,
            sales: self.count,
            volume: self.volume,
            turnover: self.turnover,
            price_min_milli: self.min_milli,
            price_max_milli: self.max_milli,
            price_average_milli: each_milli(self.turnover, self.volume),
        }
    }
}

fn read_sales(item: &Item) -> Result<Sales, StoreError> {
    item::check_version(item)?;
    Ok(Sales {
        count: item::read_number(item, "sales")?,
        volume: item::read_number(item, "volume")?,
        turnover: item::read_number(item, "turnover")?,
        min_milli: item::read_number(item, "min_milli")?,
        max_milli: item::read_number(item, "max_milli")?,
    })
}

fn history_key(kind: &ItemKind, currency: &CurrencyId) -> String {
    format!("history#{kind}#{currency}")
}

impl Store {
    /// Counts the sale of this lot; refused if another sale was counted in the same item since it was read.
    pub(super) async fn history_part(
        &self,
        listing: &StoredListing,
        now: UnixMillis,
    ) -> Result<TransactWriteItem, StoreError> {
        let shard = crate::clock::random_u128() % SHARDS;
        let pk = history_key(listing.goods.kind(), &listing.currency);
        let sk = format!("{}#{shard}", now.utc_day());
        let sale = Sales::of(listing.price, listing.goods.count());
        let before = self.market_item(&pk, &sk).await?.as_ref().map(read_sales).transpose()?;
        let after = before.map_or(sale, |before| before.and(sale));
        let mut item = item::new_item(pk);
        item.extend([
            ("sk".to_owned(), text(sk)),
            ("sales".to_owned(), number(after.count)),
            ("volume".to_owned(), number(after.volume)),
            ("turnover".to_owned(), number(after.turnover)),
            ("min_milli".to_owned(), number(after.min_milli)),
            ("max_milli".to_owned(), number(after.max_milli)),
            ("ttl".to_owned(), number(now.as_secs() + (HISTORY_DAYS_MAX + 1) * DAY_SECS)),
        ]);
        let put = Put::builder().table_name(&self.tables.market).set_item(Some(item));
        Ok(transact::put(match before {
            None => put.condition_expression("attribute_not_exists(pk)"),
            // Each sale counts on, so this number alone tells that nothing came between.
            Some(before) => put
                .condition_expression("sales = :before")
                .expression_attribute_values(":before", number(before.count)),
        }))
    }

    /// The sales of the last `days` days.
    pub(crate) async fn market_history(
        &self,
        kind: &ItemKind,
        currency: &CurrencyId,
        days: u64,
        now: UnixMillis,
    ) -> Result<MarketHistory, StoreError> {
        let first_secs = now.as_secs().saturating_sub((days - 1) * DAY_SECS);
        let first = UnixMillis::new(first_secs * 1_000).utc_day();
        let mut by_day: BTreeMap<String, Sales> = BTreeMap::new();
        let mut start = None;
        loop {
            let call = self
                .client
                .query()
                .table_name(&self.tables.market)
                .key_condition_expression("pk = :pk AND sk >= :first")
                .expression_attribute_values(":pk", text(history_key(kind, currency)))
                .expression_attribute_values(":first", text(&first))
                .set_exclusive_start_key(start);
            let page = sent(call.send()).await?;
            for item in page.items.unwrap_or_default() {
                let sales = read_sales(&item)?;
                let day = item::read_text(&item, "sk")?.split('#').next().unwrap_or_default().to_owned();
                by_day.entry(day).and_modify(|sum| *sum = sum.and(sales)).or_insert(sales);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        let days = by_day.into_iter().rev().map(|(day, sales)| sales.shown(day)).collect();
        Ok(MarketHistory { days })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sales_add_up() {
        let both = Sales::of(10, 4).and(Sales::of(9, 1)).and(Sales::of(1, 3));
        let day = both.shown("2026-01-31".into());
        assert_eq!((day.sales, day.volume, day.turnover), (3, 8, 20));
        assert_eq!((day.price_min_milli, day.price_max_milli, day.price_average_milli), (333, 9_000, 2_500));
        assert_eq!(each_milli((1 << 53) - 1, 1), ((1 << 53) - 1) * 1_000);
    }
}
