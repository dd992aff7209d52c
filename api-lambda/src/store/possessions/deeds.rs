//! What each action reads, demands and writes. It knows no claim and no number of actions.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};
use domain::catalogue::{Binding, PossessionRules};
use domain::contract::possessions::{Action, ActionOutcome, CharacterAction, ProgressChange};
use domain::ids::{CharacterId, ItemId, ItemKind, ProgressId, ReasonId, SlotId};
use domain::limits::{AMOUNT_MAX, PROGRESS_PER_CHARACTER_MAX};
use domain::time::UnixMillis;

use super::gains::Source;
use super::reading::{PROGRESS_KEY, progress_value, read_progress, read_worn};
use super::wallet::{Movement, Wallet};
use super::{Possessions, StoredItem, item_key, read_item, read_stack, slot_key, stack_key, wallet_key};
use crate::store::item::{self, number, text};
use crate::store::{Store, StoreError, transact};

/// The writes of an action, or why it is refused.
type Deed = Result<Vec<TransactWriteItem>, ActionOutcome>;

/// Keys of what an action depends on.
pub(super) fn keys_of(action: &Action) -> Vec<String> {
    match action {
        Action::Equip { item, slot } => vec![item_key(*item), slot_key(slot)],
        Action::Unequip { slot } => vec![slot_key(slot)],
        Action::Consume { item, .. } => vec![stack_key(item)],
        Action::Discard { item } | Action::Bind { item } => vec![item_key(*item)],
        Action::Spend { currency, .. } => vec![wallet_key(currency)],
        Action::Progress { .. } => vec![PROGRESS_KEY.to_owned()],
    }
}

impl Store {
    /// The parts that do the action on what was found, each under the condition that it is still so.
    pub(super) fn deed_parts(
        &self,
        rules: &PossessionRules,
        action: &CharacterAction,
        cause: Source,
        found: &Possessions,
        now: UnixMillis,
    ) -> Result<Deed, StoreError> {
        let character = action.character;
        let unique = |id: ItemId| found.get(character, &item_key(id)).map(read_item).transpose();
        match &action.action {
            Action::Equip { item, slot } => match unique(*item)? {
                Some(item) => self.equip_parts(rules, character, &item, slot, found),
                None => Ok(Err(ActionOutcome::Missing)),
            },
            Action::Unequip { slot } => self.unequip_parts(character, slot, found),
            Action::Consume { item, count } => self.consume_parts(rules, character, item, *count, found),
            Action::Discard { item } => Ok(match unique(*item)? {
                None => Err(ActionOutcome::Missing),
                Some(item) if item.slot.is_some() => Err(ActionOutcome::Equipped),
                Some(item) => Ok(vec![self.destroy_item_part(character, &item)]),
            }),
            Action::Bind { item } => Ok(match unique(*item)? {
                None => Err(ActionOutcome::Missing),
                Some(item) if item.bound => Err(ActionOutcome::Bound),
                Some(item) => Ok(vec![self.bind_part(character, &item)]),
            }),
            Action::Spend { currency, amount, reason } => {
                let wallet = Wallet::among(found, character, currency)?;
                Ok(self.spend_parts(rules, &wallet, *amount, reason, cause, now))
            }
            Action::Progress { name, change } => self.progress_parts(character, name, *change, found),
        }
    }

    fn equip_parts(
        &self,
        rules: &PossessionRules,
        character: CharacterId,
        item: &StoredItem,
        slot: &SlotId,
        found: &Possessions,
    ) -> Result<Deed, StoreError> {
        let (Some(_), Some(definition)) = (rules.slot(slot), rules.item(&item.kind)) else {
            return Ok(Err(ActionOutcome::Unknown));
        };
        if definition.slot.as_ref() != Some(slot) {
            return Ok(Err(ActionOutcome::WrongSlot));
        }
        if item.slot.is_some() {
            return Ok(Err(ActionOutcome::Equipped));
        }
        let mut worn = item::new_item(character);
        worn.insert("sk".into(), text(slot_key(slot)));
        worn.insert("slot".into(), text(slot));
        worn.insert("item".into(), text(item.id));
        worn.insert("kind".into(), text(&item.kind));
        let put = Put::builder().table_name(&self.tables.possessions).set_item(Some(worn));
        let mut parts = Vec::new();
        if let Some(before) = found.get(character, &slot_key(slot)) {
            let before = read_worn(before)?;
            parts.push(self.take_off_part(character, before.id, slot));
            parts.push(transact::put(
                put.condition_expression("#item = :before")
                    .expression_attribute_names("#item", "item")
                    .expression_attribute_values(":before", text(before.id)),
            ));
        } else {
            parts.push(transact::put(put.condition_expression("attribute_not_exists(pk)")));
        }
        let set = if definition.binding == Binding::OnEquip || item.bound {
            "SET slot = :slot, bound = :bound ADD #version :one"
        } else {
            "SET slot = :slot ADD #version :one"
        };
        let mut update = self
            .item_update(character, item.id)
            .update_expression(set)
            .condition_expression("attribute_not_exists(slot) AND #version = :version")
            .expression_attribute_values(":slot", text(slot))
            .expression_attribute_values(":version", number(item.version));
        if set.contains(":bound") {
            update = update.expression_attribute_values(":bound", AttributeValue::Bool(true));
        }
        parts.push(transact::update(update));
        Ok(Ok(parts))
    }

    fn unequip_parts(
        &self,
        character: CharacterId,
        slot: &SlotId,
        found: &Possessions,
    ) -> Result<Deed, StoreError> {
        let Some(worn) = found.get(character, &slot_key(slot)) else {
            return Ok(Err(ActionOutcome::Missing));
        };
        let worn = read_worn(worn)?;
        let empty = self.empty_slot_part(character, worn.id, slot);
        Ok(Ok(vec![empty, self.take_off_part(character, worn.id, slot)]))
    }

    /// Empties a slot; refused if another item is worn there.
    pub(super) fn empty_slot_part(
        &self,
        character: CharacterId,
        item: ItemId,
        slot: &SlotId,
    ) -> TransactWriteItem {
        transact::delete(
            Delete::builder()
                .table_name(&self.tables.possessions)
                .key("pk", text(character))
                .key("sk", text(slot_key(slot)))
                .condition_expression("#item = :item")
                .expression_attribute_names("#item", "item")
                .expression_attribute_values(":item", text(item)),
        )
    }

    fn take_off_part(&self, character: CharacterId, item: ItemId, slot: &SlotId) -> TransactWriteItem {
        transact::update(
            self.item_update(character, item)
                .update_expression("REMOVE slot ADD #version :one")
                .condition_expression("slot = :slot")
                .expression_attribute_values(":slot", text(slot)),
        )
    }

    fn bind_part(&self, character: CharacterId, item: &StoredItem) -> TransactWriteItem {
        transact::update(
            self.item_update(character, item.id)
                .update_expression("SET bound = :bound ADD #version :one")
                .condition_expression("#version = :version")
                .expression_attribute_values(":bound", AttributeValue::Bool(true))
                .expression_attribute_values(":version", number(item.version)),
        )
    }

    /// An update of a unique item that counts its version on.
    fn item_update(
        &self,
        character: CharacterId,
        item: ItemId,
    ) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
        Update::builder()
            .table_name(&self.tables.possessions)
            .key("pk", text(character))
            .key("sk", text(item_key(item)))
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":one", number(1))
    }

    fn consume_parts(
        &self,
        rules: &PossessionRules,
        character: CharacterId,
        kind: &ItemKind,
        count: u32,
        found: &Possessions,
    ) -> Result<Deed, StoreError> {
        let there = found.get(character, &stack_key(kind)).map(read_stack).transpose()?;
        Ok(match there {
            None if rules.item(kind).is_none() => Err(ActionOutcome::Unknown),
            Some(there) if there >= count => Ok(vec![self.take_stack_part(character, kind, count)]),
            _ => Err(ActionOutcome::NotEnough),
        })
    }

    fn spend_parts(
        &self,
        rules: &PossessionRules,
        wallet: &Wallet,
        amount: u64,
        reason: &ReasonId,
        cause: Source,
        now: UnixMillis,
    ) -> Deed {
        let definition = rules.currency(&wallet.currency);
        if definition.is_none() && wallet.entries == 0 {
            return Err(ActionOutcome::Unknown);
        }
        // What goes out is not limited by how much may be there.
        let balance_max = definition.map_or(0, |definition| definition.balance_max);
        let movement = Movement::debit(amount, reason, cause.to_string());
        self.wallet_parts(wallet, &[movement], balance_max, now).map_err(|_| ActionOutcome::NotEnough)
    }

    fn progress_parts(
        &self,
        character: CharacterId,
        name: &ProgressId,
        change: ProgressChange,
        found: &Possessions,
    ) -> Result<Deed, StoreError> {
        let before = found.get(character, PROGRESS_KEY);
        let progress = match changed(read_progress(before)?, name, change) {
            Ok(progress) => progress,
            Err(refused) => return Ok(Err(refused)),
        };
        let version: u64 = before.map_or(Ok(0), |item| item::read_number(item, "version"))?;
        let mut item = item::new_item(character);
        item.insert("sk".into(), text(PROGRESS_KEY));
        item.insert("version".into(), number(version + 1));
        item.insert("values".into(), progress_value(&progress));
        let put = Put::builder().table_name(&self.tables.possessions).set_item(Some(item));
        let put = if before.is_none() {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("#version = :version")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":version", number(version))
        };
        Ok(Ok(vec![transact::put(put)]))
    }
}

/// The counters and flags after a change, or why they cannot change so.
fn changed(
    mut progress: BTreeMap<ProgressId, i64>,
    name: &ProgressId,
    change: ProgressChange,
) -> Result<BTreeMap<ProgressId, i64>, ActionOutcome> {
    let value = match change {
        ProgressChange::Clear => {
            return if progress.remove(name).is_some() { Ok(progress) } else { Err(ActionOutcome::Missing) };
        }
        ProgressChange::Set(value) => Some(value),
        ProgressChange::Add(more) => progress.get(name).copied().unwrap_or(0).checked_add(more),
    };
    let value = value.filter(|value| value.unsigned_abs() <= AMOUNT_MAX).ok_or(ActionOutcome::Full)?;
    progress.insert(name.clone(), value);
    if progress.len() <= PROGRESS_PER_CHARACTER_MAX { Ok(progress) } else { Err(ActionOutcome::Full) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_bounded_in_number_and_value() {
        let name = |index: usize| format!("quest-{index}").parse::<ProgressId>().expect("a name");
        let most = i64::try_from(AMOUNT_MAX).expect("under 2^63");
        let mut progress = BTreeMap::new();
        for index in 0..PROGRESS_PER_CHARACTER_MAX {
            progress = changed(progress, &name(index), ProgressChange::Add(2)).expect("there is room");
        }
        let check = |index: usize, change, expected: Result<Option<i64>, ActionOutcome>| {
            let after = changed(progress.clone(), &name(index), change);
            assert_eq!(after.map(|after| after.get(&name(index)).copied()), expected, "{index} {change:?}");
        };
        check(0, ProgressChange::Add(3), Ok(Some(5)));
        check(0, ProgressChange::Set(-4), Ok(Some(-4)));
        check(0, ProgressChange::Clear, Ok(None));
        check(0, ProgressChange::Add(most - 2), Ok(Some(most)));
        check(0, ProgressChange::Add(most - 1), Err(ActionOutcome::Full));
        check(0, ProgressChange::Add(i64::MAX), Err(ActionOutcome::Full));
        check(0, ProgressChange::Set(i64::MIN), Err(ActionOutcome::Full));
        check(999, ProgressChange::Set(1), Err(ActionOutcome::Full));
        check(999, ProgressChange::Clear, Err(ActionOutcome::Missing));
    }
}
