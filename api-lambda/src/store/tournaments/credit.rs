//! What a prize is paid with: parts of a transaction that give a character a currency or items. Until characters have
//! wallets, a currency is counted among their items.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use domain::catalogue::Catalogue;
use domain::contract::tournaments::Reward;
use domain::time::UnixMillis;

use super::prizes::Share;
use crate::store::item::{number, text};
use crate::store::transact::Part;
use crate::store::{Store, StoreError, transact};

/// Why a share is not paid now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CreditRefusal {
    /// The character is no more.
    Gone,
    /// The character has no room for it at present, or the catalogue has it no more.
    NoRoom,
    /// What the character has changed meanwhile: look again.
    Changed,
}

impl Store {
    /// The parts that pay a share.
    #[expect(clippy::unused_async, reason = "wallets are read before they are written")]
    pub(crate) async fn credit_parts(
        &self,
        _catalogue: &Catalogue,
        share: &Share,
        now: UnixMillis,
    ) -> Result<Result<Vec<TransactWriteItem>, CreditRefusal>, StoreError> {
        // Inventories show counts of 32 bits.
        if matches!(share.reward, Reward::Item(_)) && u32::try_from(share.amount).is_err() {
            return Ok(Err(CreditRefusal::NoRoom));
        }
        let name = match &share.reward {
            Reward::Currency(currency) => currency.to_string(),
            Reward::Item(item) => item.to_string(),
        };
        let update = Update::builder()
            .table_name(&self.tables.players)
            .key("pk", text(share.character))
            .update_expression(
                "SET #items.#name = if_not_exists(#items.#name, :zero) + :amount, updated_at = :now \
                 ADD #version :one",
            )
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(deleted_at)")
            .expression_attribute_names("#items", "items")
            .expression_attribute_names("#name", name)
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":amount", number(share.amount))
            .expression_attribute_values(":now", number(now.as_millis()));
        Ok(Ok(vec![transact::update(update)]))
    }
}

/// What the store says of the parts of a credit that was refused.
pub(crate) fn refusal_of(parts: &[Part]) -> CreditRefusal {
    if parts.first().is_some_and(Part::is_refused) { CreditRefusal::Gone } else { CreditRefusal::Changed }
}
