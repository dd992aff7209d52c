//! A page of one partition of a table or an index that sorts by `sk`: the query that most lists are made of; and all
//! that a query finds.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;

use crate::store::cursor::{Cursor, KeyPart};
use crate::store::item::{Item, text};
use crate::store::{Store, StoreError, sent};

/// What a page is of.
pub(super) struct Partition<'a> {
    pub(super) table: &'a str,
    /// The index and the attribute that is its first key, unless it is of the table itself.
    pub(super) index: Option<(&'a str, &'a str)>,
    /// The value of the first key.
    pub(super) value: String,
    /// What the second keys start with.
    pub(super) prefix: &'a str,
    pub(super) newest_first: bool,
}

impl<'a> Partition<'a> {
    /// A part of a table, in the order of its keys.
    pub(super) fn of(table: &'a str, value: &impl ToString, prefix: &'a str) -> Self {
        Self { table, index: None, value: value.to_string(), prefix, newest_first: false }
    }
}

/// All that a query finds, page after page.
pub(super) async fn all(query: QueryFluentBuilder) -> Result<Vec<Item>, StoreError> {
    let (mut items, mut start) = (Vec::new(), None);
    loop {
        let page = sent(query.clone().set_exclusive_start_key(start).send()).await?;
        items.extend(page.items.unwrap_or_default());
        start = page.last_evaluated_key;
        if start.is_none() {
            return Ok(items);
        }
    }
}

impl Store {
    /// A page of items, and the cursor of the next one.
    pub(super) async fn page(
        &self,
        of: Partition<'_>,
        limit: i32,
        cursor: Option<&Cursor>,
    ) -> Result<(Vec<Item>, Option<Cursor>), StoreError> {
        let (first, second) = (KeyPart::Fixed(&of.value), ("sk", KeyPart::Text(of.prefix)));
        let form = match of.index {
            None => vec![("pk", first), second],
            Some((_, name)) => vec![(name, first), ("pk", KeyPart::Text("")), second],
        };
        let start = cursor.map(|cursor| cursor.start(&form)).transpose()?;
        let call = self
            .client
            .query()
            .table_name(of.table)
            .set_index_name(of.index.map(|(index, _)| index.to_owned()))
            // An index cannot be read as it is this very moment.
            .consistent_read(of.index.is_none())
            .expression_attribute_names("#first", of.index.map_or("pk", |(_, name)| name))
            .expression_attribute_values(":first", text(&of.value))
            .scan_index_forward(!of.newest_first)
            .set_exclusive_start_key(start)
            .limit(limit);
        // No empty text may stand in a condition.
        let call = if of.prefix.is_empty() {
            call.key_condition_expression("#first = :first")
        } else {
            call.key_condition_expression("#first = :first AND begins_with(sk, :prefix)")
                .expression_attribute_values(":prefix", text(of.prefix))
        };
        let page = sent(call.send()).await?;
        Ok((page.items.unwrap_or_default(), Cursor::after(page.last_evaluated_key.as_ref(), &form)))
    }
}
