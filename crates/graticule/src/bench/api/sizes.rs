//! How large the items are that the benchmark left in the store, kind by kind, as DynamoDB counts: the bytes of the
//! names of attributes and of their values.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use api_lambda::ApiConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;

use crate::exit::Fault;

/// What DynamoDB adds for a list or a map, and for each entry of it.
const COLLECTION_BYTES: usize = 3;
const ENTRY_BYTES: usize = 1;
/// Of a number DynamoDB stores two digits in a byte, and one byte more.
const DIGITS_PER_BYTE: usize = 2;
/// What the keys of items about names begin with.
const NAMES: &str = "names#";

/// The items of one kind.
#[derive(Debug, Clone, Serialize)]
pub(super) struct KindOfItem {
    /// Of a table, what keys of the kind begin with.
    kind: String,
    items: u64,
    mean_bytes: u64,
    max_bytes: u64,
}

/// Reads every table.
pub(super) async fn measure(store: &str) -> Result<Vec<KindOfItem>, Fault> {
    let config = ApiConfig { dynamodb_endpoint: Some(store.to_owned()), ..ApiConfig::default() };
    let client = api_lambda::store_client(&config).await;
    let mut kinds = BTreeMap::<String, (u64, u64, u64)>::new();
    let tables = client.list_tables().send().await.map_err(Fault::failed)?;
    for table in tables.table_names() {
        let mut start = None;
        loop {
            let call = client.scan().table_name(table).set_exclusive_start_key(start);
            let page = call.send().await.map_err(Fault::failed)?;
            for item in page.items() {
                let key = |name: &str| match item.get(name) {
                    Some(AttributeValue::S(text)) => kind_of(text),
                    _ => String::new(),
                };
                let (pk, mut sk) = (key("pk"), key("sk"));
                if pk == NAMES {
                    // What follows is the rest of a name, another one for each item.
                    "...".clone_into(&mut sk);
                }
                let name = table.strip_prefix(&config.table_prefix).unwrap_or(table);
                let size = item.iter().map(|(name, value)| name.len() + size_of(value)).sum::<usize>() as u64;
                let (items, bytes, most) = kinds.entry(format!("{name} {pk} {sk}")).or_default();
                *items += 1;
                *bytes += size;
                *most = size.max(*most);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
    }
    let kind = |(kind, (items, bytes, max_bytes)): (String, (u64, u64, u64))| KindOfItem {
        kind,
        items,
        mean_bytes: bytes / items.max(1),
        max_bytes,
    };
    Ok(kinds.into_iter().map(kind).collect())
}

/// A key up to its first id or number.
fn kind_of(key: &str) -> String {
    let end = key.find(['_', '#']).map_or(key.len(), |at| at + 1);
    let start = &key[..end];
    // Times and hashes, and the codes of rooms, are another one for each item.
    let varies = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    if start.bytes().any(varies) { "...".to_owned() } else { start.to_owned() }
}

fn size_of(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number.len().div_ceil(DIGITS_PER_BYTE) + 1,
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::L(values) => {
            COLLECTION_BYTES + values.iter().map(|value| ENTRY_BYTES + size_of(value)).sum::<usize>()
        }
        AttributeValue::M(values) => {
            let entries = values.iter().map(|(name, value)| ENTRY_BYTES + name.len() + size_of(value));
            COLLECTION_BYTES + entries.sum::<usize>()
        }
        AttributeValue::Ss(texts) => texts.iter().map(String::len).sum(),
        _ => 1,
    }
}

/// As a table.
pub(super) fn table(kinds: &[KindOfItem]) -> String {
    let mut text = String::from("| items of | number | mean bytes | most |\n|---|---:|---:|---:|\n");
    for KindOfItem { kind, items, mean_bytes, max_bytes } in kinds {
        let _ = writeln!(text, "| {kind} | {items} | {mean_bytes} | {max_bytes} |");
    }
    text
}
