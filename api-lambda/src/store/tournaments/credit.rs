//! What a prize is paid with: parts of a transaction that give a character a currency or items.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use domain::contract::tournaments::Reward;
use domain::ids::CharacterId;
use domain::time::UnixMillis;

use crate::store::item::{number, text};
use crate::store::{Store, transact};

impl Store {
    /// Gives the character the reward. Refused if the character is no more.
    pub(crate) fn prize_parts(
        &self,
        character: CharacterId,
        reward: &Reward,
        amount: u64,
        now: UnixMillis,
    ) -> Vec<TransactWriteItem> {
        let name = match reward {
            Reward::Currency(currency) => currency.to_string(),
            Reward::Item(item) => item.to_string(),
        };
        let update = Update::builder()
            .table_name(&self.tables.players)
            .key("pk", text(character))
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
            .expression_attribute_values(":amount", number(amount))
            .expression_attribute_values(":now", number(now.as_millis()));
        vec![transact::update(update)]
    }
}
