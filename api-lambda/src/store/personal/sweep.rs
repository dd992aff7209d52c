//! Looking through a whole table for what mentions a player: an item whose key does is deleted, in any other the ids
//! and names make way for others of the same form, which belong to nobody, so that whoever reads the item still can.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ids::{AccountId, CharacterId};
use domain::time::UnixMillis;
use sha2::{Digest as _, Sha256};

use crate::store::item::Item;
use crate::store::personal::erase::is_job;
use crate::store::personal::{PersonalTable, Subject, digits, key_of, mentions};
use crate::store::{Store, StoreError, if_held};

/// What stands in the place of each id and name.
pub(super) struct Masks {
    ids: BTreeMap<String, String>,
    names: BTreeMap<String, String>,
}

impl Masks {
    /// Ids of the beginning of time, so that they are known for what they are. They follow from the seed, which
    /// nobody knows afterwards.
    pub(super) fn new(subject: &Subject, seed: u128) -> Self {
        let random = |of: &str| {
            let digest = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(of).finalize();
            digest.iter().take(16).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte))
        };
        let begin = UnixMillis::new(0);
        let account = subject.account.to_string();
        let mut ids = BTreeMap::new();
        for character in &subject.characters {
            let id = character.to_string();
            let other = CharacterId::new(begin, random(&id)).to_string();
            ids.insert(digits(&id).to_owned(), digits(&other).to_owned());
        }
        let other = AccountId::new(begin, random(&account)).to_string();
        ids.insert(digits(&account).to_owned(), digits(&other).to_owned());
        let name = |known: &String| format!("Erased{:07}", random(known) % 10_000_000);
        Self { ids, names: subject.names.iter().map(|known| (known.clone(), name(known))).collect() }
    }

    fn hide(&self, text: &str) -> String {
        if let Some(name) = self.names.get(text) {
            return name.clone();
        }
        let mut hidden = text.to_owned();
        for (id, other) in &self.ids {
            hidden = hidden.replace(id, other);
        }
        for (name, other) in &self.names {
            // In a text that is JSON, only a whole string is the name.
            hidden = hidden.replace(&format!("\"{name}\""), &format!("\"{other}\""));
        }
        if hidden.contains('=') { self.hide_in_query(&hidden) } else { hidden }
    }

    /// The audit log keeps queries, in which somebody was looked for by name.
    fn hide_in_query(&self, query: &str) -> String {
        let hide = |pair: &str| {
            let (name, value) = pair.split_once('=')?;
            let mask = self.names.get(&value.replace('+', " ").replace("%20", " "))?;
            Some(format!("{name}={mask}"))
        };
        let pairs = query.split('&').map(|pair| hide(pair).unwrap_or_else(|| pair.to_owned()));
        pairs.collect::<Vec<_>>().join("&")
    }

    fn hide_in(&self, value: &AttributeValue) -> AttributeValue {
        match value {
            AttributeValue::S(text) => AttributeValue::S(self.hide(text)),
            AttributeValue::Ss(texts) => {
                AttributeValue::Ss(texts.iter().map(|text| self.hide(text)).collect())
            }
            AttributeValue::L(values) => {
                AttributeValue::L(values.iter().map(|value| self.hide_in(value)).collect())
            }
            AttributeValue::M(map) => {
                let hide = |(name, value): (&String, &AttributeValue)| (self.hide(name), self.hide_in(value));
                AttributeValue::M(map.iter().map(hide).collect())
            }
            other => other.clone(),
        }
    }
}

impl Store {
    /// Looks through one page of the table; the answer is where the next one starts.
    pub(super) async fn sweep_page(
        &self,
        table: &PersonalTable,
        subject: &Subject,
        (masks, region): (&Masks, &str),
        start: Option<Item>,
    ) -> Result<Option<Item>, StoreError> {
        let (items, next) = self.table_page(table, start).await?;
        // A tournament is a log whose records fit each other, and snapshots of it: it forgets as a whole.
        if table.name == "tournaments" {
            self.forget_in_tournaments(region, subject, &items).await?;
            return Ok(next);
        }
        let ids = subject.ids();
        for item in items {
            let key = key_of(table, &item);
            if is_job(&key) {
                continue;
            }
            if key.values().any(|value| mentions(value, &ids)) {
                self.delete_item(table, &item).await?;
            } else {
                self.hide_in_item(table, &key, &item, masks).await?;
            }
        }
        Ok(next)
    }

    /// Writes each attribute anew that mentions the player, unless it was changed since it was read: a writer who
    /// goes on writing is met by the last pass.
    async fn hide_in_item(
        &self,
        table: &PersonalTable,
        key: &Item,
        item: &Item,
        masks: &Masks,
    ) -> Result<(), StoreError> {
        for (name, value) in item.iter().filter(|(name, _)| !key.contains_key(*name)) {
            let hidden = masks.hide_in(value);
            if hidden == *value {
                continue;
            }
            let call = self
                .client
                .update_item()
                .table_name(self.personal_table(table.name))
                .set_key(Some(key.clone()))
                .update_expression("SET #name = :hidden")
                .condition_expression("#name = :known")
                .expression_attribute_names("#name", name)
                .expression_attribute_values(":hidden", hidden)
                .expression_attribute_values(":known", value.clone());
            if_held(call.send()).await?;
        }
        Ok(())
    }
}
