//! What administrators are and do, in the table `admin`: keys, the audit log, notes, bans, maintenance.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::store::item::{self, Item, number, text};
use crate::store::{Store, StoreError, sent};

pub(crate) mod audit;
pub(crate) mod bans;
pub(crate) mod hosts;
pub(crate) mod keys;
pub(crate) mod names;
pub(crate) mod notes;
pub(crate) mod watch;

/// A new item of the table.
pub(super) fn admin_item(pk: impl ToString, sk: impl ToString) -> Item {
    let mut item = item::new_item(pk);
    item.insert("sk".into(), text(sk));
    item
}

impl Store {
    pub(super) async fn admin_get(
        &self,
        pk: impl ToString,
        sk: impl ToString,
    ) -> Result<Option<Item>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.admin);
        let call = call.key("pk", text(pk)).key("sk", text(sk)).consistent_read(true);
        let item = sent(call.send()).await?.item;
        if let Some(item) = &item {
            item::check_version(item)?;
        }
        Ok(item)
    }
}

/// A number that may be missing.
pub(in crate::store) fn read_optional_number(item: &Item, name: &str) -> Result<Option<u64>, StoreError> {
    item.contains_key(name).then(|| item::read_number(item, name)).transpose()
}

/// A text that may be missing.
pub(super) fn read_optional_text(item: &Item, name: &str) -> Option<String> {
    item.get(name).and_then(|value| value.as_s().ok()).cloned()
}

fn put_optional(item: &mut Item, name: &str, value: Option<AttributeValue>) {
    if let Some(value) = value {
        item.insert(name.to_owned(), value);
    }
}

fn put_optional_number(item: &mut Item, name: &str, value: Option<u64>) {
    put_optional(item, name, value.map(number));
}
