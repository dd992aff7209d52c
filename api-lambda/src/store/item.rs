//! Reading and writing the attributes of items. It knows no table.

use std::collections::HashMap;
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::store::{ITEM_VERSION, StoreError};

/// The attributes of one item.
pub(crate) type Item = HashMap<String, AttributeValue>;

#[expect(clippy::needless_pass_by_value, reason = "ids and numbers are copied, and callers stay short")]
pub(crate) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "ids and numbers are copied, and callers stay short")]
pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A new item with its key and the version of its form.
pub(crate) fn new_item(pk: impl ToString) -> Item {
    HashMap::from([("pk".to_owned(), text(pk)), ("v".to_owned(), number(ITEM_VERSION))])
}

/// The key of an item of a table without sort keys.
pub(crate) fn key(pk: impl ToString) -> Item {
    HashMap::from([("pk".to_owned(), text(pk))])
}

fn corrupt(item: &Item, reason: String) -> StoreError {
    let pk = item.get("pk").and_then(|pk| pk.as_s().ok()).cloned().unwrap_or_default();
    StoreError::Corrupt { pk, reason }
}

/// Refuses an item of a form that this program does not know.
pub(crate) fn check_version(item: &Item) -> Result<(), StoreError> {
    let version: u64 = read_number(item, "v")?;
    if version == ITEM_VERSION {
        Ok(())
    } else {
        Err(corrupt(item, format!("its form is version {version}, this program knows {ITEM_VERSION}")))
    }
}

/// The text attribute `name`.
pub(crate) fn read_text<'a>(item: &'a Item, name: &str) -> Result<&'a str, StoreError> {
    match item.get(name) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(corrupt(item, format!("it has no text {name}"))),
    }
}

/// The text attribute `name`, as what it stands for.
pub(crate) fn read_parsed<T: FromStr>(item: &Item, name: &str) -> Result<T, StoreError> {
    read_text(item, name)?.parse().map_err(|_| corrupt(item, format!("its {name} is malformed")))
}

/// The number attribute `name`.
pub(crate) fn read_number<T: FromStr>(item: &Item, name: &str) -> Result<T, StoreError> {
    match item.get(name) {
        Some(AttributeValue::N(digits)) => {
            digits.parse().map_err(|_| corrupt(item, format!("its {name} is out of range")))
        }
        _ => Err(corrupt(item, format!("it has no number {name}"))),
    }
}

/// The map attribute `name`.
pub(crate) fn read_map<'a>(item: &'a Item, name: &str) -> Result<&'a Item, StoreError> {
    match item.get(name) {
        Some(AttributeValue::M(map)) => Ok(map),
        _ => Err(corrupt(item, format!("it has no map {name}"))),
    }
}
