//! What administrators give to a character and take from it: all in one transaction with the answer under the
//! idempotency key and the effect in the audit log, or nothing. It is decided on what was read; where that has changed
//! before the writing, it is read and decided again.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::catalogue::PossessionRules;
use domain::contract::possessions::Balance;
use domain::contract::support::{GrantPossessions, Granted, GrantedItem};
use domain::ids::{CharacterId, CurrencyId, ItemId, ItemKind, ReasonId};
use domain::time::UnixMillis;

use super::wallet::{Movement, Wallet, WalletRefusal};
use super::{Possessions, item_key, read_item, read_stack, stack_key, wallet_key};
use crate::store::admin::audit::AuditKey;
use crate::store::batches::TRANSACTION_PARTS_MAX;
use crate::store::requests::StoredAnswer;
use crate::store::transact::Part;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off};

/// Why nothing was given or taken.
#[derive(Debug)]
pub(crate) enum GrantRefusal {
    /// The request was answered before, or is being answered now.
    Repeated,
    /// The character is no more.
    Gone,
    /// It is more than one transaction holds.
    TooMuch,
    /// All that does not go, at least one.
    Faults(Vec<GrantFault>),
}

/// What does not go, and the words about it.
#[derive(Debug)]
pub(crate) struct GrantFault {
    pub(crate) why: Why,
    pub(crate) text: String,
}

/// Why it does not go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The catalogue has no such kind or currency.
    Unknown,
    /// Items that have ids are taken by count.
    Unique,
    /// The character has not so many items.
    Missing,
    /// It has not so much money.
    TooPoor,
    /// It cannot have more.
    Full,
}

/// What is to be done to a character.
#[derive(Clone, Copy)]
pub(crate) struct Order<'a> {
    pub(crate) character: CharacterId,
    pub(crate) grant: &'a GrantPossessions,
    pub(crate) audit: AuditKey,
    pub(crate) now: UnixMillis,
}

/// What is decided about an order.
struct Plan<'a> {
    store: &'a Store,
    rules: &'a PossessionRules,
    order: Order<'a>,
    /// What the character has of all that the order names.
    found: &'a Possessions,
    parts: Vec<TransactWriteItem>,
    granted: Granted,
    faults: Vec<GrantFault>,
}

impl Store {
    /// Gives and takes.
    pub(crate) async fn grant(
        &self,
        rules: &PossessionRules,
        order: Order<'_>,
        answer: impl Fn(&Granted) -> StoredAnswer,
    ) -> Result<Result<Granted, GrantRefusal>, StoreError> {
        let Order { character, grant, audit, .. } = order;
        let stacks = grant.items.iter().map(|entry| stack_key(&entry.item));
        let items = grant.take_items.iter().map(|item| item_key(*item));
        let wallets = grant.currencies.iter().map(|entry| wallet_key(&entry.currency));
        let keys: BTreeSet<_> = stacks.chain(items).chain(wallets).map(|key| (character, key)).collect();
        for attempt in 0..ATTEMPTS_MAX {
            let found = self.possessions(&keys).await?;
            let plan = match Plan::of(self, rules, order, &found)? {
                Ok(plan) => plan,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let mut parts = vec![
                self.answer_part(&answer(&plan.granted)),
                self.lives_part(character),
                self.audit_effect_part(audit, "granted"),
            ];
            parts.extend(plan.parts);
            if parts.len() > TRANSACTION_PARTS_MAX {
                return Ok(Err(GrantRefusal::TooMuch));
            }
            match self.transact(parts).await? {
                Ok(()) => return Ok(Ok(plan.granted)),
                Err(parts) if parts.first().is_some_and(Part::is_refused) => {
                    return Ok(Err(GrantRefusal::Repeated));
                }
                Err(parts) if parts.get(1).is_some_and(Part::is_refused) => {
                    return Ok(Err(GrantRefusal::Gone));
                }
                // Somebody changed what was read.
                Err(_) => back_off(attempt).await,
            }
        }
        Err(StoreError::Contended("what a character has"))
    }
}

impl<'a> Plan<'a> {
    /// The parts that do it to what was found, or all that speaks against it.
    fn of(
        store: &'a Store,
        rules: &'a PossessionRules,
        order: Order<'a>,
        found: &'a Possessions,
    ) -> Result<Result<Self, GrantRefusal>, StoreError> {
        let granted = Granted { audit: order.audit.id, made: Vec::new(), balances: Vec::new() };
        let mut plan = Self { store, rules, order, found, parts: Vec::new(), granted, faults: Vec::new() };
        // One part for each stack: what is both given and taken of a kind is one change of it.
        let mut counts: BTreeMap<&ItemKind, i128> = BTreeMap::new();
        for entry in &order.grant.items {
            *counts.entry(&entry.item).or_default() += i128::from(entry.count);
        }
        for (kind, count) in counts {
            if count < 0 {
                plan.take(kind, count.unsigned_abs())?;
            } else if !plan.give(kind, count.unsigned_abs())? {
                return Ok(Err(GrantRefusal::TooMuch));
            }
        }
        for item in order.grant.take_items.iter().copied().collect::<BTreeSet<_>>() {
            plan.take_item(item)?;
        }
        let mut movements: BTreeMap<&CurrencyId, Vec<Movement>> = BTreeMap::new();
        let reason: ReasonId = "grant".parse().expect("a reason");
        let cause = order.audit.id.to_string();
        for entry in &order.grant.currencies {
            let movement = Movement { amount: entry.amount, reason: reason.clone(), cause: cause.clone() };
            movements.entry(&entry.currency).or_default().push(movement);
        }
        for (currency, movements) in movements {
            plan.change_money(currency, &movements)?;
        }
        Ok(if plan.faults.is_empty() { Ok(plan) } else { Err(GrantRefusal::Faults(plan.faults)) })
    }

    fn fault(&mut self, why: Why, text: String) {
        self.faults.push(GrantFault { why, text });
    }

    fn take(&mut self, kind: &ItemKind, count: u128) -> Result<(), StoreError> {
        let there = self.found.get(self.order.character, &stack_key(kind)).map(read_stack).transpose()?;
        match (self.rules.item(kind), there) {
            (Some(definition), _) if definition.is_unique() => {
                self.fault(Why::Unique, format!("each {kind} has an id: name those to take in take_items"));
            }
            // A kind that the catalogue has no more can still be taken from who has it.
            (None, None) => self.fault(Why::Unknown, format!("the catalogue has no kind {kind}")),
            (_, there) => {
                let there = there.unwrap_or(0);
                if let Some(count) = u32::try_from(count).ok().filter(|count| *count <= there) {
                    self.parts.push(self.store.take_stack_part(self.order.character, kind, count));
                } else {
                    self.fault(Why::Missing, format!("it has {there} {kind}, which is less than {count}"));
                }
            }
        }
        Ok(())
    }

    /// False if there are more than a transaction holds.
    fn give(&mut self, kind: &ItemKind, count: u128) -> Result<bool, StoreError> {
        let Order { character, now, .. } = self.order;
        let Some(definition) = self.rules.item(kind) else {
            self.fault(Why::Unknown, format!("the catalogue has no kind {kind}"));
            return Ok(true);
        };
        if definition.is_unique() {
            let room = TRANSACTION_PARTS_MAX.saturating_sub(self.parts.len());
            let Some(count) = usize::try_from(count).ok().filter(|count| *count <= room) else {
                return Ok(false);
            };
            for _ in 0..count {
                let id = ItemId::new(now, crate::clock::random_u128());
                self.parts.push(self.store.new_item_part(character, id, definition, now));
                self.granted.made.push(GrantedItem { id, item: kind.clone() });
            }
            return Ok(true);
        }
        let there = self.found.get(character, &stack_key(kind)).map_or(Ok(0), read_stack)?;
        let most = definition.stack_max;
        match u32::try_from(count)
            .ok()
            .filter(|count| there.checked_add(*count).is_some_and(|sum| sum <= most))
        {
            // What was given and taken in equal measure is no change.
            Some(0) => {}
            Some(count) => self.parts.push(self.store.give_stack_part(character, definition, count)),
            None => self
                .fault(Why::Full, format!("it has {there} {kind} and can have {most}: {count} are too many")),
        }
        Ok(true)
    }

    fn take_item(&mut self, id: ItemId) -> Result<(), StoreError> {
        let Some(item) = self.found.get(self.order.character, &item_key(id)).map(read_item).transpose()?
        else {
            self.fault(Why::Missing, format!("it does not have {id}"));
            return Ok(());
        };
        match &item.slot {
            Some(slot) => {
                self.parts.push(self.store.empty_slot_part(self.order.character, id, slot));
                self.parts.push(self.store.destroy_worn_item_part(self.order.character, &item));
            }
            None => self.parts.push(self.store.destroy_item_part(self.order.character, &item)),
        }
        Ok(())
    }

    fn change_money(&mut self, currency: &CurrencyId, movements: &[Movement]) -> Result<(), StoreError> {
        let wallet = Wallet::among(self.found, self.order.character, currency)?;
        let definition = self.rules.currency(currency);
        if definition.is_none() && wallet.entries == 0 {
            self.fault(Why::Unknown, format!("the catalogue has no currency {currency}"));
            return Ok(());
        }
        // Nothing more comes in of a currency that the catalogue has no more.
        let most = definition.map_or(0, |definition| definition.balance_max);
        let there = wallet.balance;
        match self.store.wallet_parts(&wallet, movements, most, self.order.now) {
            Ok(parts) => {
                self.parts.extend(parts);
                let change: i128 = movements.iter().map(|movement| i128::from(movement.amount)).sum();
                let balance = u64::try_from(i128::from(there) + change).unwrap_or(there);
                let entries = wallet.entries + u64::try_from(movements.len()).unwrap_or_default();
                self.granted.balances.push(Balance { currency: currency.clone(), balance, entries });
            }
            Err(WalletRefusal::NotEnough) => {
                self.fault(
                    Why::TooPoor,
                    format!("it has {there} {currency}, which is less than is to be taken"),
                );
            }
            Err(WalletRefusal::Full) => {
                self.fault(
                    Why::Full,
                    format!("it has {there} {currency} and can have {most}: this is too much"),
                );
            }
        }
        Ok(())
    }
}
