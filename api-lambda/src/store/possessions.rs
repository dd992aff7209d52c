//! What characters have, in the table `possessions`: one item for each stack, unique item, worn slot and wallet,
//! so that changes of different things never wait for each other. What is here reads; `parts` and `wallet` hold
//! the writes that every transfer is made of.

use std::collections::{BTreeSet, HashMap};

use domain::ids::{CharacterId, CurrencyId, ItemId, ItemKind, SlotId};
use domain::time::UnixMillis;

use crate::store::item::{self, Item, text};
use crate::store::{Store, StoreError};

pub(crate) mod actions;
mod deeds;
pub(crate) mod gains;
pub(crate) mod parts;
pub(crate) mod reading;
pub(crate) mod wallet;

#[cfg(test)]
mod tests;

/// A unique item and what its owner does not see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredItem {
    pub(crate) id: ItemId,
    pub(crate) kind: ItemKind,
    /// Whether it can never change hands again.
    pub(crate) bound: bool,
    /// Where it is worn.
    pub(crate) slot: Option<SlotId>,
    /// Rises with each change and each new owner: a write demands the one that was read.
    pub(crate) version: u64,
    pub(crate) acquired_at: UnixMillis,
}

/// Key of the stack of a kind.
pub(crate) fn stack_key(kind: &ItemKind) -> String {
    format!("stack#{kind}")
}

/// Key of a unique item.
pub(crate) fn item_key(item: ItemId) -> String {
    format!("item#{item}")
}

/// Key of what is worn there.
pub(crate) fn slot_key(slot: &SlotId) -> String {
    format!("slot#{slot}")
}

/// Key of a balance.
pub(crate) fn wallet_key(currency: &CurrencyId) -> String {
    format!("wallet#{currency}")
}

/// The unique item in this item of the table.
pub(crate) fn read_item(item: &Item) -> Result<StoredItem, StoreError> {
    item::check_version(item)?;
    Ok(StoredItem {
        id: item::read_parsed(item, "item")?,
        kind: item::read_parsed(item, "kind")?,
        bound: item.contains_key("bound"),
        slot: item.contains_key("slot").then(|| item::read_parsed(item, "slot")).transpose()?,
        version: item::read_number(item, "version")?,
        acquired_at: UnixMillis::new(item::read_number(item, "acquired_at")?),
    })
}

/// The count in the item of a stack.
pub(crate) fn read_stack(item: &Item) -> Result<u32, StoreError> {
    item::check_version(item)?;
    item::read_number(item, "count")
}

/// What was read, by character and key.
#[derive(Debug, Default)]
pub(crate) struct Possessions(HashMap<(CharacterId, String), Item>);

impl Possessions {
    /// The item under this key.
    pub(crate) fn get(&self, character: CharacterId, key: &str) -> Option<&Item> {
        self.0.get(&(character, key.to_owned()))
    }
}

impl Store {
    /// Reads these possessions, each as it is at one moment; those that are not there are left out.
    pub(crate) async fn possessions(
        &self,
        keys: &BTreeSet<(CharacterId, String)>,
    ) -> Result<Possessions, StoreError> {
        let key = |(character, sk): &(CharacterId, String)| {
            Item::from([("pk".to_owned(), text(character)), ("sk".to_owned(), text(sk))])
        };
        let mut found = Possessions::default();
        for item in self.items(&self.tables.possessions, keys.iter().map(key).collect()).await? {
            let place = (item::read_parsed(&item, "pk")?, item::read_text(&item, "sk")?.to_owned());
            found.0.insert(place, item);
        }
        Ok(found)
    }

    /// The unique item, if the character has it.
    pub(crate) async fn unique_item(
        &self,
        owner: CharacterId,
        item: ItemId,
    ) -> Result<Option<StoredItem>, StoreError> {
        let key = item_key(item);
        let found = self.possessions(&BTreeSet::from([(owner, key.clone())])).await?;
        found.get(owner, &key).map(read_item).transpose()
    }

    /// How many of a kind that stacks the character has.
    pub(crate) async fn stack(&self, owner: CharacterId, kind: &ItemKind) -> Result<u32, StoreError> {
        let key = stack_key(kind);
        let found = self.possessions(&BTreeSet::from([(owner, key.clone())])).await?;
        found.get(owner, &key).map_or(Ok(0), read_stack)
    }
}
