//! What characters can have: kinds of items, the slots that items are worn in, and currencies.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::{CurrencyId, ItemKind, SlotId};
use crate::limits::{AMOUNT_MAX, STACK_MAX};

/// Every kind of item, slot and currency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PossessionRules {
    /// Kinds of items.
    #[serde(default)]
    pub items: Vec<ItemDefinition>,
    /// Places on the body.
    #[serde(default)]
    pub slots: Vec<SlotDefinition>,
    /// Currencies.
    #[serde(default)]
    pub currencies: Vec<CurrencyDefinition>,
}

/// A kind of items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ItemDefinition {
    /// Its name in messages.
    pub item: ItemKind,
    /// Its name for people.
    pub title: String,
    /// Most of the kind that one character has. 1: each item is unlike any other and has an id, and a
    /// character has any number of them.
    pub stack_max: u32,
    /// Where it is worn; only unique items are.
    #[serde(default)]
    pub slot: Option<SlotId>,
    /// From when on it cannot change hands.
    #[serde(default)]
    pub binding: Binding,
}

impl ItemDefinition {
    /// Whether each item of the kind has an id.
    #[must_use]
    pub const fn is_unique(&self) -> bool {
        self.stack_max == 1
    }

    /// Whether an item of the kind can change hands as it is found. A unique item may be bound later.
    #[must_use]
    pub fn is_tradable(&self) -> bool {
        self.binding != Binding::OnPickup
    }
}

/// From when on an item cannot change hands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Binding {
    /// Never, unless a host binds it.
    #[default]
    None,
    /// From the start.
    OnPickup,
    /// Once it was worn.
    OnEquip,
}

/// A place on the body for one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SlotDefinition {
    /// Its name in messages.
    pub slot: SlotId,
    /// Its name for people.
    pub title: String,
}

/// A currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CurrencyDefinition {
    /// Its name in messages.
    pub currency: CurrencyId,
    /// Its name for people.
    pub title: String,
    /// Most of it that one character has.
    pub balance_max: u64,
}

/// Slots of one character are read at each claim.
const SLOTS_MAX: usize = 32;

/// Balances of one character are one answer.
const CURRENCIES_MAX: usize = 64;

impl PossessionRules {
    /// What comes with Graticule: what its monsters drop, and some things to wear and to trade.
    #[must_use]
    pub fn builtin() -> Self {
        let stack = |name: &str, title: &str| ItemDefinition {
            item: name.parse().expect("an item's name"),
            title: title.to_owned(),
            stack_max: 1_000_000,
            slot: None,
            binding: Binding::None,
        };
        let worn = |name: &str, title: &str, slot: &str, binding| ItemDefinition {
            stack_max: 1,
            slot: Some(slot.parse().expect("a slot's name")),
            binding,
            ..stack(name, title)
        };
        let slot = |name: &str, title: &str| SlotDefinition {
            slot: name.parse().expect("a slot's name"),
            title: title.to_owned(),
        };
        Self {
            items: vec![
                stack("hide", "Hide"),
                stack("fang", "Fang"),
                stack("pelt", "Pelt"),
                ItemDefinition { stack_max: 99, ..stack("potion", "Healing Potion") },
                ItemDefinition { binding: Binding::OnPickup, ..stack("token", "Token of Honour") },
                worn("sword", "Sword", "hand", Binding::None),
                worn("bow", "Bow", "hand", Binding::None),
                worn("cloak", "Cloak", "back", Binding::OnEquip),
                worn("crown", "Champion's Crown", "head", Binding::OnPickup),
            ],
            slots: vec![slot("hand", "Hand"), slot("back", "Back"), slot("head", "Head")],
            currencies: vec![CurrencyDefinition {
                currency: "coin".parse().expect("a currency's name"),
                title: "Coins".to_owned(),
                balance_max: 1_000_000_000_000,
            }],
        }
    }

    /// The kind of items of this name.
    #[must_use]
    pub fn item(&self, item: &ItemKind) -> Option<&ItemDefinition> {
        self.items.iter().find(|definition| definition.item == *item)
    }

    /// The slot of this name.
    #[must_use]
    pub fn slot(&self, slot: &SlotId) -> Option<&SlotDefinition> {
        self.slots.iter().find(|definition| definition.slot == *slot)
    }

    /// The currency of this name.
    #[must_use]
    pub fn currency(&self, currency: &CurrencyId) -> Option<&CurrencyDefinition> {
        self.currencies.iter().find(|definition| definition.currency == *currency)
    }

    /// What is wrong with the rules, one sentence for each fault.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut seen = BTreeSet::new();
        for definition in &self.items {
            let name = &definition.item;
            if !seen.insert(name) {
                faults.push(format!("items: {name} is there twice"));
            }
            if !(1..=STACK_MAX).contains(&definition.stack_max) {
                faults.push(format!("items: stack_max of {name} is not from 1 to {STACK_MAX}"));
            }
            faults.extend(self.fault_of_slot(definition));
        }
        let slots: BTreeSet<_> = self.slots.iter().map(|definition| &definition.slot).collect();
        if slots.len() < self.slots.len() || slots.len() > SLOTS_MAX {
            faults.push(format!("slots: a slot is there twice, or there are more than {SLOTS_MAX}"));
        }
        let mut seen = BTreeSet::new();
        for CurrencyDefinition { currency, balance_max, .. } in &self.currencies {
            if !seen.insert(currency) {
                faults.push(format!("currencies: {currency} is there twice"));
            }
            if !(1..=AMOUNT_MAX).contains(balance_max) {
                faults.push(format!("currencies: balance_max of {currency} is not from 1 to {AMOUNT_MAX}"));
            }
        }
        if self.currencies.len() > CURRENCIES_MAX {
            faults.push(format!("currencies: there are more than {CURRENCIES_MAX}"));
        }
        faults
    }

    fn fault_of_slot(&self, definition: &ItemDefinition) -> Option<String> {
        let name = &definition.item;
        match &definition.slot {
            Some(_) if !definition.is_unique() => {
                Some(format!("items: {name} has a slot, but its stack_max is not 1"))
            }
            Some(slot) if self.slot(slot).is_none() => {
                Some(format!("items: the slot {slot} of {name} is not among the slots"))
            }
            None if definition.binding == Binding::OnEquip => {
                Some(format!("items: {name} is bound when it is equipped, but has no slot"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_named() {
        let mut rules = PossessionRules::builtin();
        rules.items.push(ItemDefinition { stack_max: 0, ..rules.items[0].clone() });
        rules.items.push(ItemDefinition {
            item: "glove".parse().expect("a name"),
            binding: Binding::OnEquip,
            ..rules.items[0].clone()
        });
        rules.slots.clear();
        rules.currencies.push(CurrencyDefinition { balance_max: 0, ..rules.currencies[0].clone() });
        let faults = rules.faults().join("\n");
        for words in [
            "hide is there twice",
            "stack_max of hide",
            "glove is bound when it is equipped",
            "the slot hand of sword is not among",
            "coin is there twice",
            "balance_max of coin",
        ] {
            assert!(faults.contains(words), "{words}: {faults}");
        }
    }
}
