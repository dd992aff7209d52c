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
use crate::store::cursor::Cursor;
use crate::store::item::{self, Item, number, text};
use crate::store::page::Partition;
use crate::store::{Store, StoreError, sent};

/// Key of the counters and flags.
pub(crate) const PROGRESS_KEY: &str = "progress";

/// What the keys of unique items and of stacks start with: pages go through the former, then the latter.
const ITEMS: &str = "item#";
const STACKS: &str = "stack#";

impl Store {
    /// A page of what the character carries: unique items first, then stacks; and all that it wears.
    pub(crate) async fn inventory(
        &self,
        character: CharacterId,
        limit: i32,
        cursor: Option<&Cursor>,
    ) -> Result<Inventory, StoreError> {
        let place: Option<String> = cursor.map(|cursor| cursor.place("sk")).transpose()?;
        let among_stacks = place.is_some_and(|place| place.starts_with(STACKS));
        let (in_items, in_stacks) = if among_stacks { (None, cursor) } else { (cursor, None) };
        let mut page = Inventory { items: Vec::new(), stacks: Vec::new(), equipment: Vec::new(), next: None };
        let mut room = limit;
        if !among_stacks {
            let (items, next) = self.under(character, ITEMS, room, in_items).await?;
            page.items = items.iter().map(read_unique).collect::<Result<_, _>>()?;
            room -= i32::try_from(page.items.len()).unwrap_or(room);
            // Where the items end with the page, the next one begins before the first stack.
            page.next = next.or_else(|| (room <= 0).then(|| Cursor::at("sk", &STACKS))).map(String::from);
        }
        page.equipment = self.worn(character).await?;
        if page.next.is_some() {
            return Ok(page);
        }
        let (stacks, next) = self.under(character, STACKS, room, in_stacks).await?;
        page.next = next.map(String::from);
        for stack in stacks {
            let (item, count) = (item::read_parsed(&stack, "kind")?, read_stack(&stack)?);
            // What was used up is not there.
            if count > 0 {
                page.stacks.push(ItemStack { item, count });
            }
        }
        Ok(page)
    }

    /// A page of possessions whose keys start with `prefix`.
    async fn under(
        &self,
        character: CharacterId,
        prefix: &str,
        limit: i32,
        cursor: Option<&Cursor>,
    ) -> Result<(Vec<Item>, Option<Cursor>), StoreError> {
        self.page(Partition::of(&self.tables.possessions, &character, prefix), limit, cursor).await
    }

    /// What the character wears.
    pub(crate) async fn worn(&self, character: CharacterId) -> Result<Vec<EquippedItem>, StoreError> {
        let (items, _) = self.under(character, "slot#", SMALL_SETS_MAX, None).await?;
        items.iter().map(read_worn).collect()
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
        for item in sent(call.send()).await?.items.unwrap_or_default() {
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
        let (items, _) = self.under(character, "wallet#", SMALL_SETS_MAX, None).await?;
        let read = |item: &Item| {
            let (balance, entries) = read_wallet(item)?;
            Ok(Balance { currency: item::read_parsed(item, "currency")?, balance, entries })
        };
        Ok(WalletBalances { balances: items.iter().map(read).collect::<Result<_, StoreError>>()? })
    }

    /// A page of the ledger, the newest entry first.
    pub(crate) async fn ledger(
        &self,
        character: CharacterId,
        currency: &CurrencyId,
        limit: i32,
        cursor: Option<&Cursor>,
    ) -> Result<LedgerPage, StoreError> {
        let prefix = ledger_prefix(currency);
        let of = Partition::of(&self.tables.possessions, &character, &prefix);
        let (items, next) = self.page(Partition { newest_first: true, ..of }, limit, cursor).await?;
        Ok(LedgerPage {
            entries: items.iter().map(read_entry).collect::<Result<_, _>>()?,
            next: next.map(String::from),
        })
    }
}

/// Slots and currencies of one character: the catalogue has fewer, even counting what it once had.
const SMALL_SETS_MAX: i32 = 1_000;

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
