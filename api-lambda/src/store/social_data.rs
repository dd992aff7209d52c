//! All that the tables `social` and `chat` hold of one account: to delete it. This goes through the
//! partition of the account and the index by author, where everything about it is; a deletion that was cut short is
//! done again from the start, and finds what is left.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::Put;
use domain::contract::chat::Report;
use domain::ids::{AccountId, CharacterId, PartyId, ReportId};
use domain::time::UnixMillis;

use crate::clock::Deadline;
use crate::party::Deed;
use crate::relation::Wish;
use crate::store::chat::reports::REPORTS_PARTITION;
use crate::store::item::{self, Item, text};
use crate::store::page::all;
use crate::store::parties::PartyRefusal;
use crate::store::relations::{COUNT, social_key};
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, sent, transact};

impl Store {
    /// Deletes what friends, parties and chat hold of an account, on both sides, as far as there is time, and something
    /// each time. May be repeated. False if there was no time for all.
    pub(crate) async fn erase_social(
        &self,
        account: AccountId,
        deadline: Deadline,
    ) -> Result<bool, StoreError> {
        let now = crate::clock::now();
        for item in self.social_partition(account).await? {
            let sk = item::read_text(&item, "sk")?.to_owned();
            if item.contains_key("account") {
                let pair = (account, item::read_parsed(&item, "account")?);
                // A wish to vanish is always granted.
                let _ = self.change_relation(pair, Wish::Vanish, now, |_| None).await?;
            } else if item.contains_key("party") {
                self.forget_in_party(account, &item, now).await?;
            }
            // The counts go on as long as something is counted off.
            if sk != COUNT {
                self.delete_social(social_key(account, sk)).await?;
                if deadline.is_over() {
                    return Ok(false);
                }
            }
        }
        self.delete_social(social_key(account, COUNT)).await?;
        for key in self.authored(account).await? {
            self.erase_authored(account, &key).await?;
            if deadline.is_over() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes a character of the account out of its party, and out of what invites it. False if there was no time for
    /// all.
    pub(crate) async fn forget_in_parties(
        &self,
        account: AccountId,
        character: CharacterId,
        deadline: Deadline,
    ) -> Result<bool, StoreError> {
        let now = crate::clock::now();
        for mark in self.social_partition(account).await? {
            if mark.contains_key("party")
                && item::read_parsed::<CharacterId>(&mark, "character")? == character
            {
                self.forget_in_party(account, &mark, now).await?;
                self.delete_social(social_key(account, item::read_text(&mark, "sk")?)).await?;
                if deadline.is_over() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Takes a character that is no more out of what others know the account by: friendships and requests that go by it
    /// end, blocks stay under a mask. False if there was no time for all.
    pub(crate) async fn forget_in_relations(
        &self,
        account: AccountId,
        character: CharacterId,
        deadline: Deadline,
    ) -> Result<bool, StoreError> {
        let now = crate::clock::now();
        let items = self.social_partition(account).await?;
        let listed = items.iter().filter(|item| item.contains_key("account"));
        let others: BTreeSet<AccountId> =
            listed.map(|item| item::read_parsed(item, "account")).collect::<Result<_, _>>()?;
        // Of the beginning of time, so that it is known for what it is.
        let mask = CharacterId::new(UnixMillis::new(0), crate::clock::random_u128());
        for other in self.known_by((account, character), &others).await? {
            let wish = Wish::Forget { character, mask };
            // A wish to forget is always granted.
            let _ = self.change_relation((account, other), wish, now, |_| None).await?;
            if deadline.is_over() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn forget_in_party(
        &self,
        account: AccountId,
        mark: &Item,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let party: PartyId = item::read_parsed(mark, "party")?;
        let character: CharacterId = item::read_parsed(mark, "character")?;
        match self.change_party(party, Deed::Forget { character }, now, |_| None).await? {
            // Whatever is left of a party that is no more is the account's own.
            Err(PartyRefusal::Gone) => {
                self.delete_social(social_key(account, format!("party#{character}"))).await
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn delete_social(&self, key: Item) -> Result<(), StoreError> {
        let call = self.client.delete_item().table_name(&self.tables.social).set_key(Some(key));
        sent(call.send()).await?;
        Ok(())
    }

    /// Removes one item that is about the account: a message, a count, a mark, or its part of a report.
    async fn erase_authored(&self, account: AccountId, key: &Item) -> Result<(), StoreError> {
        let (pk, sk) = (item::read_text(key, "pk")?, item::read_text(key, "sk")?);
        if pk == REPORTS_PARTITION {
            return self.edit_report(item::read_parsed(key, "sk")?, account).await;
        }
        if let Some(report) = sk.strip_prefix("about#").and_then(|id| id.parse().ok()) {
            self.edit_report(report, account).await?;
        }
        self.delete_chat(pk, sk).await
    }

    async fn delete_chat(&self, pk: &str, sk: &str) -> Result<(), StoreError> {
        let call = self.client.delete_item().table_name(&self.tables.chat);
        sent(call.key("pk", text(pk)).key("sk", text(sk)).send()).await?;
        Ok(())
    }

    /// Takes the account out of a report: a report about it goes, of others its words go.
    async fn edit_report(&self, id: ReportId, account: AccountId) -> Result<(), StoreError> {
        for attempt in 0..ATTEMPTS_MAX {
            let Some(report) = self.report_of(id).await? else { return Ok(()) };
            if report.message.account == account {
                return self.delete_chat(REPORTS_PARTITION, &id.to_string()).await;
            }
            let by = report.by.as_ref().map(|by| by.account);
            let edited = without(report.clone(), account);
            let kept = edited.by.as_ref().map(|by| by.account);
            if edited == report && by == kept {
                return Ok(());
            }
            // Another deletion may edit the same report.
            let before = serde_json::to_string(&report).expect("a report is plain data");
            let put = Put::builder()
                .table_name(&self.tables.chat)
                .set_item(Some(crate::store::chat::reports::report_item(&edited, kept)))
                .condition_expression("report = :before")
                .expression_attribute_values(":before", text(before));
            if self.transact(vec![transact::put(put)]).await?.is_ok() {
                return Ok(());
            }
            back_off(attempt).await;
        }
        Err(StoreError::Contended("a report"))
    }

    async fn social_partition(&self, account: AccountId) -> Result<Vec<Item>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.social)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(account))
            .consistent_read(true);
        all(query).await
    }

    /// Keys of all items of the table `chat` that are about the account.
    async fn authored(&self, account: AccountId) -> Result<Vec<Item>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.chat)
            .index_name("by_author")
            .key_condition_expression("author = :account")
            .expression_attribute_values(":account", text(account));
        let mut keys = Vec::new();
        for mut key in all(query).await? {
            key.retain(|name, _| name == "pk" || name == "sk");
            keys.push(key);
        }
        Ok(keys)
    }
}

fn without(mut report: Report, account: AccountId) -> Report {
    report.by.take_if(|by| by.account == account);
    report.context.retain(|message| message.account != account);
    report
}

#[cfg(test)]
mod tests;
