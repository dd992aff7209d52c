//! The swap: all that both have confirmed changes hands in one transaction, or nothing does.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem};
use domain::catalogue::PossessionRules;
use domain::contract::trades::TradeState;
use domain::ids::{CharacterId, CurrencyId, InstanceId, ItemKind};
use domain::time::UnixMillis;

use super::form::StoredTrade;
use crate::store::item::text;
use crate::store::possessions::wallet::{Movement, Wallet, WalletRefusal};
use crate::store::possessions::{item_key, read_item, wallet_key};
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, transact};

/// Why a swap was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SwapRefusal {
    /// The trade is not as it was read.
    Changed,
    /// One of them is not in the instance any more, or only looks on there, or was deleted.
    Left,
    /// One of them does not have what it offers, or has no room for what it gets: in these words.
    Failed(String),
}

/// The parts of the swap but the first three, each with the words for its refusal; none where what was read may have
/// changed, and another try may do.
type Swap = Vec<(TransactWriteItem, Option<String>)>;

impl Store {
    /// Refused if the character does not play in this instance.
    fn inside_part(&self, character: CharacterId, instance: InstanceId) -> TransactWriteItem {
        transact::check(
            ConditionCheck::builder()
                .table_name(&self.tables.players)
                .key("pk", text(character))
                .condition_expression("attribute_not_exists(deleted_at) AND attribute_not_exists(spectates) AND instance = :instance")
                .expression_attribute_values(":instance", text(instance)),
        )
    }

    /// Carries out the trade as it was read, and writes it as `after`.
    pub(crate) async fn swap(
        &self,
        rules: &PossessionRules,
        before: &StoredTrade,
        after: &StoredTrade,
        now: UnixMillis,
    ) -> Result<Result<(), SwapRefusal>, StoreError> {
        debug_assert_eq!(after.state, TradeState::Done);
        let both = before.sides.each_ref().map(|side| side.character);
        if self.together(both, now).await? != Some(before.instance) {
            return Ok(Err(SwapRefusal::Left));
        }
        for attempt in 0..ATTEMPTS_MAX {
            let swap = match self.swap_parts(rules, before, now).await? {
                Ok(swap) => swap,
                Err(words) => return Ok(Err(SwapRefusal::Failed(words))),
            };
            let [from, to] = both;
            let mut parts = vec![
                self.trade_part(Some(before), after),
                self.inside_part(from, before.instance),
                self.inside_part(to, before.instance),
                self.unlock_part(from, before.id),
                self.unlock_part(to, before.id),
            ];
            let first = parts.len();
            parts.extend(swap.iter().map(|(part, _)| part.clone()));
            let Err(parts) = self.transact(parts).await? else { return Ok(Ok(())) };
            if parts[0].is_refused() || parts[3].is_refused() || parts[4].is_refused() {
                return Ok(Err(SwapRefusal::Changed));
            }
            if parts[1].is_refused() || parts[2].is_refused() {
                return Ok(Err(SwapRefusal::Left));
            }
            let mut refused = parts[first..].iter().zip(&swap).filter(|(part, _)| part.is_refused());
            if let Some(words) = refused.find_map(|(_, (_, words))| words.clone()) {
                return Ok(Err(SwapRefusal::Failed(words)));
            }
            // A wallet or an item has changed since it was read.
            back_off(attempt).await;
        }
        Err(StoreError::Contended("a swap"))
    }

    async fn swap_parts(
        &self,
        rules: &PossessionRules,
        trade: &StoredTrade,
        now: UnixMillis,
    ) -> Result<Result<Swap, String>, StoreError> {
        let mut swap = Vec::new();
        let mut keys = BTreeSet::new();
        let [from, to] = &trade.sides;
        for side in &trade.sides {
            keys.extend(side.offer.items.iter().map(|id| (side.character, item_key(*id))));
            for money in &side.offer.currencies {
                keys.extend([from, to].map(|side| (side.character, wallet_key(&money.currency))));
            }
        }
        let found = self.possessions(&keys).await?;
        for (gives, gets) in [(from, to), (to, from)] {
            for id in &gives.offer.items {
                let item = found.get(gives.character, &item_key(*id)).map(read_item).transpose()?;
                let Some(item) = item.filter(|item| !item.bound && item.slot.is_none()) else {
                    return Ok(Err(format!("{id} is not there any more, or bound, or worn")));
                };
                swap.push((self.take_item_part(gives.character, &item), None));
                swap.push((self.give_item_part(gets.character, &item, now), None));
            }
        }
        for (kind, count) in net_stacks(trade) {
            let (gives, gets) = if count > 0 { (from, to) } else { (to, from) };
            let count = u32::try_from(count.unsigned_abs()).unwrap_or(u32::MAX);
            let definition = rules.item(kind).filter(|definition| definition.is_tradable());
            let Some(definition) = definition else { return Ok(Err(format!("{kind} cannot be traded"))) };
            let words = format!("there are not enough of {kind} any more");
            swap.push((self.take_stack_part(gives.character, kind, count), Some(words)));
            let words = format!("there is no room for {kind}");
            swap.push((self.give_stack_part(gets.character, definition, count), Some(words)));
        }
        for ((side, currency), movements) in movements_of(trade) {
            let Some(definition) = rules.currency(currency) else {
                return Ok(Err(format!("there is no currency {currency} any more")));
            };
            let wallet = Wallet::among(&found, trade.sides[side].character, currency)?;
            match self.wallet_parts(&wallet, &movements, definition.balance_max, now) {
                Ok(parts) => swap.extend(parts.into_iter().map(|part| (part, None))),
                Err(WalletRefusal::NotEnough) => {
                    return Ok(Err(format!("there is not enough {currency} any more")));
                }
                Err(WalletRefusal::Full) => {
                    return Ok(Err(format!("there is no room for so much {currency}")));
                }
            }
        }
        Ok(Ok(swap))
    }
}

/// What goes from the first side to the second, or below 0 the other way; a transaction writes each stack once.
fn net_stacks(trade: &StoredTrade) -> BTreeMap<&ItemKind, i64> {
    let mut net: BTreeMap<&ItemKind, i64> = BTreeMap::new();
    for (side, sign) in trade.sides.iter().zip([1, -1]) {
        for stack in &side.offer.stacks {
            *net.entry(&stack.item).or_default() += sign * i64::from(stack.count);
        }
    }
    net.retain(|_, count| *count != 0);
    net
}

/// What moves in each wallet of each side: what goes out before what comes in, so that nobody offers what it only gets.
fn movements_of(trade: &StoredTrade) -> BTreeMap<(usize, &CurrencyId), Vec<Movement>> {
    let reason = "trade".parse().expect("a reason");
    let cause = trade.id.to_string();
    let mut movements: BTreeMap<(usize, &CurrencyId), Vec<Movement>> = BTreeMap::new();
    for (side, gives) in trade.sides.iter().enumerate() {
        for money in &gives.offer.currencies {
            let out = Movement::debit(money.amount, &reason, cause.clone());
            movements.entry((side, &money.currency)).or_default().insert(0, out);
            let comes = Movement::credit(money.amount, &reason, cause.clone());
            movements.entry((1 - side, &money.currency)).or_default().push(comes);
        }
    }
    movements
}
