//! What administrators are and do, in the table `admin`: keys, the audit log, notes, bans, maintenance.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::store::cursor::Cursor;
use crate::store::item::{self, Item, number, text};
use crate::store::{Store, StoreError, unavailable};

pub(crate) mod audit;
pub(crate) mod keys;

/// A new item of the table.
fn admin_item(pk: impl ToString, sk: impl ToString) -> Item {
    let mut item = item::new_item(pk);
    item.insert("sk".into(), text(sk));
    item
}

/// Which part of the table a page is of: the table itself or an index, and the value of its first key.
struct Partition<'a> {
    index: Option<&'a str>,
    /// The attribute that is the first key.
    name: &'a str,
    value: String,
    /// What the second keys start with.
    prefix: &'a str,
    newest_first: bool,
}

impl Store {
    async fn admin_get(&self, pk: impl ToString, sk: impl ToString) -> Result<Option<Item>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.admin);
        let call = call.key("pk", text(pk)).key("sk", text(sk)).consistent_read(true);
        let item = call.send().await.map_err(unavailable)?.item;
        if let Some(item) = &item {
            item::check_version(item)?;
        }
        Ok(item)
    }

    /// A page of items, and where the next one starts.
    async fn admin_page(
        &self,
        of: Partition<'_>,
        limit: i32,
        cursor: Option<&Cursor>,
    ) -> Result<(Vec<Item>, Option<String>), StoreError> {
        let fixed = [(of.name, text(&of.value))];
        let names: &[&str] = if of.index.is_some() { &["pk", "sk", of.name] } else { &["pk", "sk"] };
        let mut call = self
            .client
            .query()
            .table_name(&self.tables.admin)
            .set_index_name(of.index.map(str::to_owned))
            // An index cannot be read as it is this very moment.
            .consistent_read(of.index.is_none())
            .key_condition_expression("#first = :first AND begins_with(sk, :prefix)")
            .expression_attribute_names("#first", of.name)
            .expression_attribute_values(":first", text(&of.value))
            .expression_attribute_values(":prefix", text(of.prefix))
            .scan_index_forward(!of.newest_first)
            .limit(limit);
        if of.prefix.is_empty() {
            // No empty text may stand in a condition.
            call = call
                .key_condition_expression("#first = :first")
                .set_expression_attribute_values(Some(Item::from([(":first".into(), text(&of.value))])));
        }
        call = call.set_exclusive_start_key(cursor.and_then(|cursor| cursor.start_of(names, &fixed)));
        let page = call.send().await.map_err(unavailable)?;
        let next = Cursor::after(page.last_evaluated_key.as_ref()).map(String::from);
        Ok((page.items.unwrap_or_default(), next))
    }
}

/// A number that may be missing.
fn read_optional_number(item: &Item, name: &str) -> Result<Option<u64>, StoreError> {
    item.contains_key(name).then(|| item::read_number(item, name)).transpose()
}

/// A text that may be missing.
fn read_optional_text(item: &Item, name: &str) -> Option<String> {
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
