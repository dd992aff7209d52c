//! What zone hosts' events give to characters: the parts of their transactions. It decides by the catalogue, and
//! leaves it to `batches` to write.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem};
use domain::catalogue::PossessionRules;
use domain::contract::hosts::{CharacterEvent, EntryOutcome};
use domain::ids::{CharacterId, CurrencyId, Epoch, InstanceId, ItemId};
use domain::limits::{EVENT_CURRENCIES_MAX, EVENT_ITEMS_MAX, EVENT_UNIQUE_MAX};
use domain::time::UnixMillis;
use sha2::{Digest as _, Sha256};

use super::wallet::{Movement, Wallet};
use super::wallet_key;
use crate::store::item::text;
use crate::store::{Store, StoreError, transact};

/// Which event of which ownership of an instance: it happened once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    pub(crate) instance: InstanceId,
    pub(crate) epoch: Epoch,
    pub(crate) sequence: u64,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}#{}", self.instance, self.epoch, self.sequence)
    }
}

impl Source {
    /// The id of the unique item `index` of the event, the same however often the event is sent. Its time is the
    /// instance's, so ids still sort roughly by age.
    pub(crate) fn item(self, index: u32) -> ItemId {
        let hash = Sha256::digest(format!("{self}#{index}"));
        let low = hash.iter().take(10).fold(0_u128, |low, byte| low << 8 | u128::from(*byte));
        let time = self.instance.as_u128() >> 80 << 80;
        ItemId::from_u128(time | low)
    }
}

/// What an event gives.
#[derive(Debug, Default)]
pub(crate) struct Gains {
    /// Stacks that grow. A refused one is full.
    pub(crate) stacks: Vec<TransactWriteItem>,
    /// Unique items that come into being.
    pub(crate) items: Vec<TransactWriteItem>,
    /// What wallets get; the parts are made when the wallets are read.
    pub(crate) credits: Vec<Credit>,
}

/// What one wallet gets.
#[derive(Debug, Clone)]
pub(crate) struct Credit {
    pub(crate) currency: CurrencyId,
    pub(crate) movement: Movement,
    pub(crate) balance_max: u64,
}

/// The parts that credit a wallet: the wallet and its entry.
pub(crate) const CREDIT_PARTS: usize = 2;

impl Store {
    /// What this event gives, or why nothing of it can be stored.
    pub(crate) fn gains(
        &self,
        rules: &PossessionRules,
        source: Source,
        event: &CharacterEvent,
        now: UnixMillis,
    ) -> Result<Gains, EntryOutcome> {
        if event.items.len() > EVENT_ITEMS_MAX || event.currencies.len() > EVENT_CURRENCIES_MAX {
            return Err(EntryOutcome::TooMany);
        }
        let mut gains = Gains::default();
        let mut counts: BTreeMap<_, u64> = BTreeMap::new();
        for stack in &event.items {
            *counts.entry(&stack.item).or_default() += u64::from(stack.count);
        }
        let mut index = 0;
        for (kind, count) in counts {
            let definition = rules.item(kind).ok_or(EntryOutcome::Unknown)?;
            let count = u32::try_from(count).map_err(|_| EntryOutcome::Full)?;
            if !definition.is_unique() {
                gains.stacks.push(self.give_stack_part(event.character, definition, count));
                continue;
            }
            if count > EVENT_UNIQUE_MAX - index {
                return Err(EntryOutcome::TooMany);
            }
            let made = (index..index + count).map(|index| source.item(index));
            gains.items.extend(made.map(|id| self.new_item_part(event.character, id, definition, now)));
            index += count;
        }
        let mut amounts: BTreeMap<_, u64> = BTreeMap::new();
        for money in event.currencies.iter().filter(|money| money.amount > 0) {
            let sum = amounts.entry(&money.currency).or_default();
            *sum = sum.saturating_add(money.amount);
        }
        let reason = "loot".parse().expect("a reason");
        for (currency, amount) in amounts {
            let definition = rules.currency(currency).ok_or(EntryOutcome::Unknown)?;
            gains.credits.push(Credit {
                currency: currency.clone(),
                movement: Movement::credit(amount, &reason, source.to_string()),
                balance_max: definition.balance_max,
            });
        }
        Ok(gains)
    }

    /// The parts of these credits, in order, from wallets as they are now. A wallet that has no room makes its
    /// credit one part that is always refused.
    pub(crate) async fn credit_parts(
        &self,
        credits: &[(CharacterId, &Credit)],
        now: UnixMillis,
    ) -> Result<Vec<Result<Vec<TransactWriteItem>, TransactWriteItem>>, StoreError> {
        if credits.is_empty() {
            return Ok(Vec::new());
        }
        let keys: BTreeSet<_> =
            credits.iter().map(|(character, credit)| (*character, wallet_key(&credit.currency))).collect();
        let found = self.possessions(&keys).await?;
        let parts = |(character, credit): &(CharacterId, &Credit)| {
            let wallet = Wallet::among(&found, *character, &credit.currency)?;
            let movements = std::slice::from_ref(&credit.movement);
            let parts = self.wallet_parts(&wallet, movements, credit.balance_max, now);
            Ok(parts.map_err(|_| self.impossible_part(*character)))
        };
        credits.iter().map(parts).collect()
    }

    /// A part that is always refused. It stands for what was decided without the store, so that the transaction
    /// still tells whether it was stored before.
    pub(crate) fn impossible_part(&self, character: CharacterId) -> TransactWriteItem {
        transact::check(
            ConditionCheck::builder()
                .table_name(&self.tables.possessions)
                .key("pk", text(character))
                .key("sk", text("none"))
                .condition_expression("attribute_exists(pk)"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_items_are_those_of_their_event() {
        let source =
            Source { instance: InstanceId::new(UnixMillis::new(9), 1), epoch: Epoch(3), sequence: 4 };
        assert_eq!(source.item(0), source.item(0));
        let others = [
            source.item(1),
            Source { sequence: 5, ..source }.item(0),
            Source { epoch: Epoch(4), ..source }.item(0),
            Source { instance: InstanceId::new(UnixMillis::new(9), 2), ..source }.item(0),
        ];
        let different: BTreeSet<_> = others.into_iter().chain([source.item(0)]).collect();
        assert_eq!(different.len(), 5);
        assert!(different.iter().all(|id| id.as_u128() >> 80 == 9));
    }
}
