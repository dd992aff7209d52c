//! What owners and hosts read of a character's possessions, in pages where there can be many.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::contract::players::ItemStack;
use domain::contract::possessions::{
    Balance, EquippedItem, Inventory, LedgerPage, Progress, UniqueItem, WalletBalances,
};
use domain::ids::{CharacterId, CurrencyId, ProgressId};

use super::wallet::{ledger_prefix, read_entry, read_wallet};
use super::{read_item, read_stack};
use crate::store::cursor::{Cursor, InvalidCursor};
use crate::store::item::{self, Item, number, text};
use crate::store::{Store, StoreError, unavailable};

/// Key of the counters and flags.
pub(crate) const PROGRESS_KEY: &str = "progress";

/// What the keys of unique items and of stacks start with: pages go through the former, then the latter.
const ITEMS: &str = "item#";
const STACKS: &str = "stack#";

/// Some items of a query, and the key to go on after.
struct Found {
    items: Vec<Item>,
    last: Option<Item>,
}

impl Store {
    /// A page of what the character carries: unique items first, then stacks; and all that it wears.
    pub(crate) async fn inventory(
        &self,
        character: CharacterId,
        limit: i32,
        cursor: Option<&Cursor>,
    ) -> Result<Result<Inventory, InvalidCursor>, StoreError> {
        let start = match cursor.map(|cursor| cursor.sort_key(&[ITEMS, STACKS])).transpose() {
            Ok(start) => start,
            Err(invalid) => return Ok(Err(invalid)),
        };
        let among_stacks = start.as_ref().is_some_and(|key| key.starts_with(STACKS));
        let mut start = start.map(|key| key_of(character, &key));
        let equipment = self.worn(character).await?;
        let mut page = Inventory { items: Vec::new(), stacks: Vec::new(), equipment, next: None };
        let mut room = limit;
        if !among_stacks {
            let found = self.under(character, ITEMS, room, start.take()).await?;
            page.items = found.items.iter().map(read_unique).collect::<Result<_, _>>()?;
            room -= i32::try_from(page.items.len()).unwrap_or(room);
            if found.last.is_some() || room <= 0 {
                // Where the items end with the page, the next one begins before the first stack.
                let key = found.last.unwrap_or_else(|| key_of(character, STACKS));
                page.next = Cursor::after(Some(&key)).map(String::from);
                return Ok(Ok(page));
            }
        }
        let found = self.under(character, STACKS, room, start).await?;
        page.next = Cursor::after(found.last.as_ref()).map(String::from);
        for item in found.items {
            let (item, count) = (item::read_parsed(&item, "kind")?, read_stack(&item)?);
            // What was used up is not there.
            if count > 0 {
                page.stacks.push(ItemStack { item, count });
            }
        }
        Ok(Ok(page))
    }

    /// One query for possessions whose keys start with `prefix`.
    async fn under(
        &self,
        character: CharacterId,
        prefix: &str,
        limit: i32,
        start: Option<Item>,
    ) -> Result<Found, StoreError> {
        self.query_possessions(&text(character), prefix, limit, start, true).await
    }

    async fn query_possessions(
        &self,
        pk: &AttributeValue,
        prefix: &str,
        limit: i32,
        start: Option<Item>,
        forward: bool,
    ) -> Result<Found, StoreError> {
        let call = self
            .client
            .query()
            .table_name(&self.tables.possessions)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", pk.clone())
            .expression_attribute_values(":prefix", text(prefix))
            .consistent_read(true)
            .scan_index_forward(forward)
            .set_exclusive_start_key(start)
            .limit(limit);
        let page = call.send().await.map_err(unavailable)?;
        Ok(Found { items: page.items.unwrap_or_default(), last: page.last_evaluated_key })
    }

    /// What the character wears.
    pub(crate) async fn worn(&self, character: CharacterId) -> Result<Vec<EquippedItem>, StoreError> {
        let found = self.under(character, "slot#", SMALL_SETS_MAX, None).await?;
        found.items.iter().map(read_worn).collect()
    }

    /// What the character wears, and its counters and flags.
    pub(crate) async fn worn_and_progress(
        &self,
        character: CharacterId,
    ) -> Result<(Vec<EquippedItem>, Vec<Progress>), StoreError> {
        // The key of the progress lies before those of the slots, with nothing between them.
        let call = self
            .client
            .query()
            .table_name(&self.tables.possessions)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", text(character))
            .expression_attribute_values(":first", text(PROGRESS_KEY))
            .expression_attribute_values(":last", text("slot#~"))
            .consistent_read(true);
        let (mut worn, mut progress) = (Vec::new(), Vec::new());
        for item in call.send().await.map_err(unavailable)?.items.unwrap_or_default() {
            if item::read_text(&item, "sk")? == PROGRESS_KEY {
                progress = read_progress(Some(&item))?
                    .into_iter()
                    .map(|(name, value)| Progress { name, value })
                    .collect();
            } else {
                worn.push(read_worn(&item)?);
            }
        }
        Ok((worn, progress))
    }

    /// What the character has of each currency.
    pub(crate) async fn balances(&self, character: CharacterId) -> Result<WalletBalances, StoreError> {
        let found = self.under(character, "wallet#", SMALL_SETS_MAX, None).await?;
        let read = |item: &Item| {
            let (balance, entries) = read_wallet(item)?;
            Ok(Balance { currency: item::read_parsed(item, "currency")?, balance, entries })
        };
        Ok(WalletBalances { balances: found.items.iter().map(read).collect::<Result<_, StoreError>>()? })
    }

    /// A page of the ledger, the newest entry first.
    pub(crate) async fn ledger(
        &self,
        character: CharacterId,
        currency: &CurrencyId,
        limit: i32,
        cursor: Option<&Cursor>,
    ) -> Result<Result<LedgerPage, InvalidCursor>, StoreError> {
        let prefix = ledger_prefix(currency);
        let start = match cursor.map(|cursor| cursor.sort_key(&[&prefix])).transpose() {
            Ok(start) => start.map(|key| key_of(character, &key)),
            Err(invalid) => return Ok(Err(invalid)),
        };
        let found = self.query_possessions(&text(character), &prefix, limit, start, false).await?;
        Ok(Ok(LedgerPage {
            entries: found.items.iter().map(read_entry).collect::<Result<_, _>>()?,
            next: Cursor::after(found.last.as_ref()).map(String::from),
        }))
    }
}

/// Slots and currencies of one character: the catalogue has fewer, even counting what it once had.
const SMALL_SETS_MAX: i32 = 1_000;

fn key_of(character: CharacterId, sk: &str) -> Item {
    Item::from([("pk".to_owned(), text(character)), ("sk".to_owned(), text(sk))])
}

fn read_unique(item: &Item) -> Result<UniqueItem, StoreError> {
    let stored = read_item(item)?;
    Ok(UniqueItem {
        id: stored.id,
        item: stored.kind,
        bound: stored.bound,
        slot: stored.slot,
        acquired_at: stored.acquired_at,
    })
}

/// What is worn in the slot of this item of the table.
pub(crate) fn read_worn(item: &Item) -> Result<EquippedItem, StoreError> {
    item::check_version(item)?;
    Ok(EquippedItem {
        slot: item::read_parsed(item, "slot")?,
        id: item::read_parsed(item, "item")?,
        item: item::read_parsed(item, "kind")?,
    })
}

/// The counters and flags in this item of the table.
pub(crate) fn read_progress(item: Option<&Item>) -> Result<BTreeMap<ProgressId, i64>, StoreError> {
    let Some(item) = item else { return Ok(BTreeMap::new()) };
    item::check_version(item)?;
    let values = item::read_map(item, "values")?;
    let read = |name: &String| {
        let value = item::read_number(values, name)?;
        let name = name.parse().map_err(|_| StoreError::Corrupt {
            pk: PROGRESS_KEY.to_owned(),
            reason: format!("{name:?} is no name of a progress value"),
        })?;
        Ok((name, value))
    };
    values.keys().map(read).collect()
}

/// The counters and flags as an attribute.
pub(crate) fn progress_value(progress: &BTreeMap<ProgressId, i64>) -> AttributeValue {
    AttributeValue::M(progress.iter().map(|(name, value)| (name.to_string(), number(value))).collect())
}
