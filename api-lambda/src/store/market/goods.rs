//! Goods: what a listing or a claim holds, as attributes of its item and as parts of transactions.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use domain::catalogue::PossessionRules;
use domain::ids::{CharacterId, ItemId, ItemKind};
use domain::time::UnixMillis;

use crate::store::item::{self, Item, number, text};
use crate::store::possessions::StoredItem;
use crate::store::{Store, StoreError};

/// Items that nobody carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Goods {
    /// Equal ones.
    Stack { kind: ItemKind, count: u32 },
    /// One that is unlike any other, as it was when it was taken.
    Unique(StoredItem),
}

impl Goods {
    pub(crate) const fn kind(&self) -> &ItemKind {
        match self {
            Self::Stack { kind, .. } => kind,
            Self::Unique(item) => &item.kind,
        }
    }

    pub(crate) const fn count(&self) -> u32 {
        match self {
            Self::Stack { count, .. } => *count,
            Self::Unique(_) => 1,
        }
    }

    pub(crate) const fn unique(&self) -> Option<ItemId> {
        match self {
            Self::Stack { .. } => None,
            Self::Unique(item) => Some(item.id),
        }
    }
}

/// The goods as attributes.
pub(super) fn goods_attributes(goods: &Goods) -> Vec<(String, AttributeValue)> {
    let mut attributes =
        vec![("kind".to_owned(), text(goods.kind())), ("count".to_owned(), number(goods.count()))];
    if let Goods::Unique(item) = goods {
        attributes.extend([
            ("item".to_owned(), text(item.id)),
            ("item_version".to_owned(), number(item.version)),
            ("acquired_at".to_owned(), number(item.acquired_at.as_millis())),
        ]);
    }
    attributes
}

/// The goods in this item of the table.
pub(super) fn read_goods(item: &Item) -> Result<Goods, StoreError> {
    let kind = item::read_parsed(item, "kind")?;
    if !item.contains_key("item") {
        return Ok(Goods::Stack { kind, count: item::read_number(item, "count")? });
    }
    Ok(Goods::Unique(StoredItem {
        id: item::read_parsed(item, "item")?,
        kind,
        // Bound and worn items are not taken.
        bound: false,
        slot: None,
        version: item::read_number(item, "item_version")?,
        acquired_at: UnixMillis::new(item::read_number(item, "acquired_at")?),
    }))
}

impl Store {
    /// Takes the goods from their owner.
    pub(super) fn take_goods_part(&self, owner: CharacterId, goods: &Goods) -> TransactWriteItem {
        match goods {
            Goods::Stack { kind, count } => self.take_stack_part(owner, kind, *count),
            Goods::Unique(item) => self.take_item_part(owner, item),
        }
    }

    /// How many more of a kind of stacks the character has room for now.
    pub(super) async fn stack_room(
        &self,
        rules: &PossessionRules,
        owner: CharacterId,
        kind: &ItemKind,
    ) -> Result<u32, StoreError> {
        let Some(definition) = rules.item(kind) else { return Ok(0) };
        Ok(definition.stack_max.saturating_sub(self.stack(owner, kind).await?))
    }

    /// Gives the goods that the same transaction takes from somewhere. None for a kind of stacks that the catalogue
    /// does not have (any more): nobody knows how many are too many.
    pub(super) fn give_goods_part(
        &self,
        rules: &PossessionRules,
        to: CharacterId,
        goods: &Goods,
        now: UnixMillis,
    ) -> Option<TransactWriteItem> {
        match goods {
            Goods::Stack { kind, count } => {
                rules.item(kind).map(|definition| self.give_stack_part(to, definition, *count))
            }
            Goods::Unique(item) => Some(self.give_item_part(to, item, now)),
        }
    }
}
