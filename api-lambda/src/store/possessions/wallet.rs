//! Wallets and their ledgers. A wallet is one item with the balance and the number of its newest ledger entry; a
//! change writes the wallet under the condition that it is as it was read, and its entries beside it, in one
//! transaction. So entries are numbered without a gap, each knows the balance after it, and their sum is the
//! balance, always. Who is refused because the wallet has changed reads it again and decides anew.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use domain::contract::possessions::LedgerEntry;
use domain::ids::{CharacterId, CurrencyId, ReasonId};
use domain::limits::AMOUNT_MAX;
use domain::time::UnixMillis;

use super::{Possessions, wallet_key};
use crate::store::item::{self, Item, number, text};
use crate::store::{ITEM_VERSION, Store, StoreError, transact};

/// A balance as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wallet {
    pub(crate) character: CharacterId,
    pub(crate) currency: CurrencyId,
    pub(crate) balance: u64,
    /// Number of the newest entry of the ledger; 0: there was never any.
    pub(crate) entries: u64,
}

/// One change of a balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Movement {
    /// What comes in, or below 0 what goes out; never 0.
    pub(crate) amount: i64,
    pub(crate) reason: ReasonId,
    /// What caused it, as the ledger shows it to the owner: the id of a listing, of a trade, of an event.
    pub(crate) cause: String,
}

impl Movement {
    /// `amount` comes in.
    pub(crate) fn credit(amount: u64, reason: &ReasonId, cause: impl Into<String>) -> Self {
        // What does not fit is over every balance_max, and refused as such.
        let amount = i64::try_from(amount).unwrap_or(i64::MAX);
        Self { amount, reason: reason.clone(), cause: cause.into() }
    }

    /// `amount` goes out.
    pub(crate) fn debit(amount: u64, reason: &ReasonId, cause: impl Into<String>) -> Self {
        let Self { amount, reason, cause } = Self::credit(amount, reason, cause);
        Self { amount: -amount, reason, cause }
    }
}

/// Why a wallet cannot change so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WalletRefusal {
    /// There is less in it.
    NotEnough,
    /// There would be more in it than the currency's `balance_max`.
    Full,
}

impl Wallet {
    /// The wallet among what was read.
    pub(crate) fn among(
        found: &Possessions,
        character: CharacterId,
        currency: &CurrencyId,
    ) -> Result<Self, StoreError> {
        let item = found.get(character, &wallet_key(currency));
        let (balance, entries) = item.map_or(Ok((0, 0)), read_wallet)?;
        Ok(Self { character, currency: currency.clone(), balance, entries })
    }

    /// The entries of these movements, in their order. The balance is never below 0 between two of them, nor
    /// above `balance_max` after one that comes in.
    pub(crate) fn entries_of(
        &self,
        movements: &[Movement],
        balance_max: u64,
        now: UnixMillis,
    ) -> Result<Vec<LedgerEntry>, WalletRefusal> {
        let mut balance = self.balance;
        (self.entries + 1..)
            .zip(movements)
            .map(|(number, Movement { amount, reason, cause })| {
                let size = amount.unsigned_abs();
                balance = if *amount < 0 {
                    balance.checked_sub(size).ok_or(WalletRefusal::NotEnough)?
                } else {
                    let after =
                        balance.checked_add(size).filter(|after| *after <= balance_max.min(AMOUNT_MAX));
                    after.ok_or(WalletRefusal::Full)?
                };
                let (reason, cause) = (reason.clone(), cause.clone());
                Ok(LedgerEntry { number, amount: *amount, balance, reason, cause, at: now })
            })
            .collect()
    }
}

/// Balance and number of the newest entry in the item of a wallet.
pub(crate) fn read_wallet(item: &Item) -> Result<(u64, u64), StoreError> {
    item::check_version(item)?;
    Ok((item::read_number(item, "balance")?, item::read_number(item, "entries")?))
}

/// Key of an entry of the ledger: they sort by their number.
fn entry_key(currency: &CurrencyId, number: u64) -> String {
    format!("{}{number:016}", ledger_prefix(currency))
}

/// What the keys of the entries start with.
pub(crate) fn ledger_prefix(currency: &CurrencyId) -> String {
    format!("ledger#{currency}#")
}

impl Store {
    /// The wallets, in the order asked for; one that was never used is empty.
    pub(crate) async fn wallets(&self, of: &[(CharacterId, CurrencyId)]) -> Result<Vec<Wallet>, StoreError> {
        let keys: BTreeSet<_> =
            of.iter().map(|(character, currency)| (*character, wallet_key(currency))).collect();
        let found = self.possessions(&keys).await?;
        of.iter().map(|(character, currency)| Wallet::among(&found, *character, currency)).collect()
    }

    /// One wallet; one that was never used is empty.
    pub(crate) async fn wallet(
        &self,
        character: CharacterId,
        currency: &CurrencyId,
    ) -> Result<Wallet, StoreError> {
        let found = self.possessions(&BTreeSet::from([(character, wallet_key(currency))])).await?;
        Wallet::among(&found, character, currency)
    }

    /// The parts of a transaction that apply these movements (at least one) to one wallet: first the wallet, which
    /// is refused if it is not as it was read, then an entry of the ledger for each. All movements of one wallet
    /// in a transaction go through one call.
    pub(crate) fn wallet_parts(
        &self,
        wallet: &Wallet,
        movements: &[Movement],
        balance_max: u64,
        now: UnixMillis,
    ) -> Result<Vec<TransactWriteItem>, WalletRefusal> {
        let entries = wallet.entries_of(movements, balance_max, now)?;
        let (balance, number_after) =
            entries.last().map_or((wallet.balance, wallet.entries), |last| (last.balance, last.number));
        let update = Update::builder()
            .table_name(&self.tables.possessions)
            .key("pk", text(wallet.character))
            .key("sk", text(wallet_key(&wallet.currency)))
            .update_expression("SET v = :v, currency = :currency, balance = :after, entries = :last")
            .expression_attribute_values(":v", number(ITEM_VERSION))
            .expression_attribute_values(":currency", text(&wallet.currency))
            .expression_attribute_values(":after", number(balance))
            .expression_attribute_values(":last", number(number_after));
        let update = if wallet.entries == 0 {
            update.condition_expression("attribute_not_exists(pk)")
        } else {
            // Each change counts entries on, so this number alone tells that nothing came between.
            update
                .condition_expression("entries = :read")
                .expression_attribute_values(":read", number(wallet.entries))
        };
        let mut parts = vec![transact::update(update)];
        parts.extend(entries.iter().map(|entry| self.entry_part(wallet, entry)));
        Ok(parts)
    }

    fn entry_part(&self, wallet: &Wallet, entry: &LedgerEntry) -> TransactWriteItem {
        let mut item = item::new_item(wallet.character);
        item.extend([
            ("sk".to_owned(), text(entry_key(&wallet.currency, entry.number))),
            ("number".to_owned(), number(entry.number)),
            ("amount".to_owned(), number(entry.amount)),
            ("balance".to_owned(), number(entry.balance)),
            ("reason".to_owned(), text(&entry.reason)),
            ("cause".to_owned(), text(&entry.cause)),
            ("at".to_owned(), number(entry.at.as_millis())),
        ]);
        transact::put(
            Put::builder()
                .table_name(&self.tables.possessions)
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(pk)"),
        )
    }
}

/// The entry in this item of the table.
pub(crate) fn read_entry(item: &Item) -> Result<LedgerEntry, StoreError> {
    item::check_version(item)?;
    Ok(LedgerEntry {
        number: item::read_number(item, "number")?,
        amount: item::read_number(item, "amount")?,
        balance: item::read_number(item, "balance")?,
        reason: item::read_parsed(item, "reason")?,
        cause: item::read_text(item, "cause")?.to_owned(),
        at: UnixMillis::new(item::read_number(item, "at")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(balance: u64, amounts: &[i64], balance_max: u64) -> Result<Vec<(u64, u64)>, WalletRefusal> {
        let (character, currency) = (CharacterId::from_u128(1), "coin".parse().expect("a currency"));
        let wallet = Wallet { character, currency, balance, entries: 7 };
        let reason: ReasonId = "test".parse().expect("a reason");
        let movements: Vec<_> = amounts
            .iter()
            .map(|amount| Movement { amount: *amount, reason: reason.clone(), cause: String::new() })
            .collect();
        let entries = wallet.entries_of(&movements, balance_max, UnixMillis::new(5))?;
        Ok(entries.iter().map(|entry| (entry.number, entry.balance)).collect())
    }

    #[test]
    fn movements_follow_each_other() {
        assert_eq!(settle(10, &[5, -15, 3], 20), Ok(vec![(8, 15), (9, 0), (10, 3)]));
        assert_eq!(settle(10, &[-11, 20], 100), Err(WalletRefusal::NotEnough));
        assert_eq!(settle(10, &[11], 20), Err(WalletRefusal::Full));
        // A limit that was lowered takes nothing away, and lets what goes out go.
        assert_eq!(settle(50, &[-1], 20), Ok(vec![(8, 49)]));
        assert_eq!(settle(50, &[-1, 1], 20), Err(WalletRefusal::Full));
        assert_eq!(settle(1, &[i64::MAX], u64::MAX), Err(WalletRefusal::Full));
        assert_eq!(settle(1, &[i64::MIN], u64::MAX), Err(WalletRefusal::NotEnough));
    }
}
