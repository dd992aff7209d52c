//! Direct trades, in the table `market`. A trade is one item that every change demands as it was read; a lock for each
//! character keeps it to one open trade. Nothing is held while they talk: the transaction of the swap decides.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use domain::contract::trades::TradeState;
use domain::ids::{CharacterId, TradeId};
use domain::time::UnixMillis;

use crate::store::item::{self, number, text};
use crate::store::requests::StoredAnswer;
use crate::store::transact::Part;
use crate::store::{Store, StoreError, transact};

pub(crate) mod form;
pub(crate) mod swap;

use form::{LOCK, StoredTrade, TRADE, read_trade, trade_item};

/// How long a trade that is over can be read, in seconds.
const OVER_KEPT_SECS: u64 = 60 * 60;

/// Why a trade was not opened or accepted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LockRefusal {
    /// The request was answered before, or is being answered now.
    Repeated,
    /// The character is in this trade.
    Trading(TradeId),
    /// The trade is not as it was read.
    Changed,
}

impl Store {
    /// Takes the lock of a character for this trade, until it ends.
    fn lock_part(&self, character: CharacterId, trade: &StoredTrade, now: UnixMillis) -> TransactWriteItem {
        let mut lock = item::new_item(character);
        lock.insert("sk".into(), text(LOCK));
        lock.insert("trade".into(), text(trade.id));
        lock.insert("expires_at".into(), number(trade.expires_at.as_millis()));
        lock.insert("ttl".into(), number(trade.expires_at.as_secs() + 1));
        let put = Put::builder()
            .table_name(&self.tables.market)
            .set_item(Some(lock))
            .return_values_on_condition_check_failure(
                aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld,
            )
            // One that has expired stays until the store sweeps it.
            .condition_expression("attribute_not_exists(pk) OR expires_at <= :now OR trade = :trade")
            .expression_attribute_values(":now", number(now.as_millis()))
            .expression_attribute_values(":trade", text(trade.id));
        transact::put(put)
    }

    /// Frees a character, if it is in this trade still.
    fn unlock_part(&self, character: CharacterId, trade: TradeId) -> TransactWriteItem {
        transact::delete(
            Delete::builder()
                .table_name(&self.tables.market)
                .key("pk", text(character))
                .key("sk", text(LOCK))
                .condition_expression("attribute_not_exists(pk) OR trade = :trade")
                .expression_attribute_values(":trade", text(trade)),
        )
    }

    /// Writes the trade in place of the one that was read.
    fn trade_part(&self, before: Option<&StoredTrade>, after: &StoredTrade) -> TransactWriteItem {
        let mut item = trade_item(after);
        item.insert("ttl".into(), number(after.expires_at.as_secs() + OVER_KEPT_SECS));
        let put = Put::builder().table_name(&self.tables.market).set_item(Some(item));
        transact::put(match before {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(before) => put
                .condition_expression("stamp = :stamp")
                .expression_attribute_values(":stamp", number(before.stamp)),
        })
    }

    /// The trade.
    pub(crate) async fn trade(&self, id: TradeId) -> Result<Option<StoredTrade>, StoreError> {
        let item = self.market_item(&id.to_string(), TRADE).await?;
        item.as_ref().map(read_trade).transpose()
    }

    /// Opens a trade for the one who asks.
    pub(crate) async fn open_trade(
        &self,
        trade: &StoredTrade,
        answer: Option<&StoredAnswer>,
        now: UnixMillis,
    ) -> Result<Result<(), LockRefusal>, StoreError> {
        let mut parts =
            vec![self.lock_part(trade.sides[0].character, trade, now), self.trade_part(None, trade)];
        parts.extend(answer.map(|answer| self.answer_part(answer)));
        let Err(parts) = self.transact(parts).await? else { return Ok(Ok(())) };
        if parts.get(2).is_some_and(Part::is_refused) {
            return Ok(Err(LockRefusal::Repeated));
        }
        Ok(Err(read_lock(&parts[0])?.unwrap_or(LockRefusal::Repeated)))
    }

    /// Writes the trade that the one who was asked has accepted: both are in it from then on.
    pub(crate) async fn accept_trade(
        &self,
        before: &StoredTrade,
        after: &StoredTrade,
        now: UnixMillis,
    ) -> Result<Result<(), LockRefusal>, StoreError> {
        let parts = vec![
            self.lock_part(after.sides[0].character, after, now),
            self.lock_part(after.sides[1].character, after, now),
            self.trade_part(Some(before), after),
        ];
        let Err(parts) = self.transact(parts).await? else { return Ok(Ok(())) };
        for part in &parts[..2] {
            if let Some(refusal) = read_lock(part)? {
                return Ok(Err(refusal));
            }
        }
        Ok(Err(LockRefusal::Changed))
    }

    /// Writes a change of the trade, and frees both where it is over. False if it is not as it was read.
    pub(crate) async fn change_trade(
        &self,
        before: &StoredTrade,
        after: &StoredTrade,
    ) -> Result<bool, StoreError> {
        let mut parts = vec![self.trade_part(Some(before), after)];
        let over = !matches!(after.state, TradeState::Invited | TradeState::Open);
        // A lock is of this trade, of none, or (of one who was asked, or after its end) of another trade: that stays.
        if over {
            for side in &after.sides {
                let lock = self.market_item(&side.character.to_string(), LOCK).await?;
                let own = match lock {
                    Some(lock) => item::read_parsed::<TradeId>(&lock, "trade")? == after.id,
                    None => false,
                };
                if own {
                    parts.push(self.unlock_part(side.character, after.id));
                }
            }
        }
        Ok(self.transact(parts).await?.is_ok())
    }
}

fn read_lock(part: &Part) -> Result<Option<LockRefusal>, StoreError> {
    match part {
        Part::Refused(Some(lock)) => Ok(Some(LockRefusal::Trading(item::read_parsed(lock, "trade")?))),
        _ => Ok(None),
    }
}
