//! The parts of transactions that move items: take and give, of stacks and of unique items. Whoever composes a
//! transfer puts the taking and the giving into one transaction, with [`Store::lives_part`] for each character
//! that is given something and is not checked otherwise.
//!
//! `DynamoDB` allows one operation on an item in a transaction. Every part here writes exactly one item, named by
//! the character and the stack's kind or the item's id, so a caller merges by adding up before it makes parts:
//! counts of one kind for one character become one take or one give (what is both taken and given is netted), and
//! a unique item is taken from one character and given to another one. Changes of one wallet are merged by
//! [`Store::wallet_parts`](super::wallet), which takes any number of movements. Parts on different kinds, items
//! and currencies of one character touch different items and never contend; `lives_part` only reads.
//!
//! Who refused is told by the index of the part in the transaction's answer: a refused take shows the item as it
//! is now, if it is there.

use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put, TransactWriteItem, Update};
use domain::catalogue::{Binding, ItemDefinition};
use domain::ids::{CharacterId, ItemId, ItemKind};
use domain::time::UnixMillis;

use super::{StoredItem, item_key, stack_key};
use crate::store::item::{self, Item, number, text};
use crate::store::{ITEM_VERSION, Store, transact};

impl Store {
    /// Refused if the character was deleted or never was. It needs no part of its own where the transaction
    /// writes or checks the character's item anyway.
    pub(crate) fn lives_part(&self, character: CharacterId) -> TransactWriteItem {
        transact::check(
            ConditionCheck::builder()
                .table_name(&self.tables.players)
                .key("pk", text(character))
                .condition_expression("attribute_exists(pk) AND attribute_not_exists(deleted_at)"),
        )
    }

    /// Takes `count` of a stack; refused if there are fewer. Whether the kind may change hands is the caller's to
    /// ask ([`ItemDefinition::is_tradable`]).
    pub(crate) fn take_stack_part(
        &self,
        owner: CharacterId,
        kind: &ItemKind,
        count: u32,
    ) -> TransactWriteItem {
        transact::update(
            Update::builder()
                .table_name(&self.tables.possessions)
                .key("pk", text(owner))
                .key("sk", text(stack_key(kind)))
                // A stack of none stays: there are no more of them than kinds, and readers leave them out.
                .update_expression("SET #count = #count - :count")
                .condition_expression("#count >= :count")
                .expression_attribute_names("#count", "count")
                .expression_attribute_values(":count", number(count)),
        )
    }

    /// Adds `count` to a stack; refused if there would be more than the kind's `stack_max`.
    pub(crate) fn give_stack_part(
        &self,
        to: CharacterId,
        definition: &ItemDefinition,
        count: u32,
    ) -> TransactWriteItem {
        let update = Update::builder()
            .table_name(&self.tables.possessions)
            .key("pk", text(to))
            .key("sk", text(stack_key(&definition.item)))
            .update_expression("SET v = :v, kind = :kind ADD #count :count")
            .expression_attribute_names("#count", "count")
            .expression_attribute_values(":v", number(ITEM_VERSION))
            .expression_attribute_values(":kind", text(&definition.item))
            .expression_attribute_values(":count", number(count))
            // Below 0 where `count` alone is too many: then nothing holds.
            .expression_attribute_values(":most", number(i64::from(definition.stack_max) - i64::from(count)));
        let condition = if count <= definition.stack_max {
            "attribute_not_exists(pk) OR #count <= :most"
        } else {
            "#count <= :most"
        };
        transact::update(update.condition_expression(condition))
    }

    /// Takes a unique item as it was read; refused if it has changed since, or is worn or bound. The caller
    /// refuses what [`StoredItem::slot`] and [`StoredItem::bound`] already show.
    pub(crate) fn take_item_part(&self, owner: CharacterId, item: &StoredItem) -> TransactWriteItem {
        self.remove_item_part(owner, item, "attribute_not_exists(bound) AND attribute_not_exists(slot) AND ")
    }

    /// Destroys a unique item as it was read, bound or not; refused if it has changed since, or is worn.
    pub(crate) fn destroy_item_part(&self, owner: CharacterId, item: &StoredItem) -> TransactWriteItem {
        self.remove_item_part(owner, item, "attribute_not_exists(slot) AND ")
    }

    /// Destroys a unique item that is worn, as it was read; refused if it has changed since. The same transaction
    /// empties the slot.
    pub(super) fn destroy_worn_item_part(&self, owner: CharacterId, item: &StoredItem) -> TransactWriteItem {
        self.remove_item_part(owner, item, "")
    }

    fn remove_item_part(
        &self,
        owner: CharacterId,
        item: &StoredItem,
        also: &'static str,
    ) -> TransactWriteItem {
        transact::delete(
            Delete::builder()
                .table_name(&self.tables.possessions)
                .key("pk", text(owner))
                .key("sk", text(item_key(item.id)))
                .condition_expression(format!("{also}#version = :version"))
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":version", number(item.version)),
        )
    }

    /// Gives a unique item that the same transaction takes from somewhere. It keeps its id, and nobody wears it.
    pub(crate) fn give_item_part(
        &self,
        to: CharacterId,
        item: &StoredItem,
        now: UnixMillis,
    ) -> TransactWriteItem {
        self.item_part(
            to,
            &StoredItem { slot: None, version: item.version + 1, acquired_at: now, ..item.clone() },
        )
    }

    /// Makes a unique item; refused if the character has one of this id.
    pub(crate) fn new_item_part(
        &self,
        to: CharacterId,
        id: ItemId,
        definition: &ItemDefinition,
        now: UnixMillis,
    ) -> TransactWriteItem {
        let kind = definition.item.clone();
        let bound = definition.binding == Binding::OnPickup;
        self.item_part(to, &StoredItem { id, kind, bound, slot: None, version: 1, acquired_at: now })
    }

    fn item_part(&self, owner: CharacterId, item: &StoredItem) -> TransactWriteItem {
        transact::put(
            Put::builder()
                .table_name(&self.tables.possessions)
                .set_item(Some(item_of(owner, item)))
                .condition_expression("attribute_not_exists(pk)"),
        )
    }
}

fn item_of(owner: CharacterId, stored: &StoredItem) -> Item {
    let mut item = item::new_item(owner);
    item.insert("sk".into(), text(item_key(stored.id)));
    item.insert("item".into(), text(stored.id));
    item.insert("kind".into(), text(&stored.kind));
    item.insert("version".into(), number(stored.version));
    item.insert("acquired_at".into(), number(stored.acquired_at.as_millis()));
    if stored.bound {
        item.insert("bound".into(), aws_sdk_dynamodb::types::AttributeValue::Bool(true));
    }
    if let Some(slot) = &stored.slot {
        item.insert("slot".into(), text(slot));
    }
    item
}
