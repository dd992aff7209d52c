//! The audit log. An entry is written before the call has any effect, and gets its outcome after it; a call with an
//! effect of weight writes that into the entry in the very transaction of the effect. `pk` is the day, `sk` the id of
//! the entry, which sorts by time; `by_admin` finds the calls of a key, `by_subject` those about a player.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use domain::contract::admin::{AuditEntry, AuditOutcome};
use domain::ids::{AdminKeyId, AuditId};
use domain::time::UnixMillis;

use crate::extract::actor_of;
use crate::store::admin::{admin_item, put_optional, read_optional_number, read_optional_text};
use crate::store::cursor::Cursor;
use crate::store::item::{self, Item, number, text};
use crate::store::page::Partition;
use crate::store::{Store, StoreError, sent, transact};

/// Where an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AuditKey {
    pub(crate) id: AuditId,
    pub(crate) at: UnixMillis,
}

impl AuditKey {
    fn pk(self) -> String {
        day_key(&self.at.utc_day())
    }
}

fn day_key(day: &str) -> String {
    format!("audit#{day}")
}

/// Which calls are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AuditOf {
    /// Those of a day in UTC, as `2026-11-21`.
    Day(String),
    /// Those of a key; none is the one of the configuration.
    Key(Option<AdminKeyId>),
    /// Those about a player, a host, an instance or a key.
    Subject(String),
}

impl Store {
    /// Writes that a call has begun.
    pub(crate) async fn begin_audit(&self, entry: &AuditEntry) -> Result<AuditKey, StoreError> {
        let key = AuditKey { id: entry.id, at: entry.at };
        let call =
            self.client.put_item().table_name(&self.tables.admin).set_item(Some(write_entry(key, entry)));
        sent(call.send()).await?;
        Ok(key)
    }

    /// Writes how the call ended.
    pub(crate) async fn end_audit(&self, key: AuditKey, outcome: &AuditOutcome) -> Result<(), StoreError> {
        let mut set = "SET #status = :status, ended_at = :at".to_owned();
        let mut call = self
            .client
            .update_item()
            .table_name(&self.tables.admin)
            .key("pk", text(key.pk()))
            .key("sk", text(key.id))
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", number(outcome.status))
            .expression_attribute_values(":at", number(outcome.at.as_millis()));
        if let Some(code) = &outcome.code {
            set.push_str(", code = :code");
            call = call.expression_attribute_values(":code", text(code));
        }
        sent(call.update_expression(set).send()).await?;
        Ok(())
    }

    /// The writing of what a call changes into its entry, as part of the transaction that changes it.
    pub(crate) fn audit_effect_part(&self, key: AuditKey, effect: &str) -> TransactWriteItem {
        transact::update(
            Update::builder()
                .table_name(&self.tables.admin)
                .key("pk", text(key.pk()))
                .key("sk", text(key.id))
                .update_expression("SET effect = :effect")
                .condition_expression("attribute_exists(pk)")
                .expression_attribute_values(":effect", text(effect)),
        )
    }

    /// A page of calls, the newest first.
    pub(crate) async fn audit(
        &self,
        of: &AuditOf,
        limit: i32,
        cursor: Option<&Cursor>,
    ) -> Result<(Vec<AuditEntry>, Option<Cursor>), StoreError> {
        let prefix = AuditId::PREFIX;
        let (index, value) = match of {
            AuditOf::Day(day) => (None, day_key(day)),
            AuditOf::Key(key) => (Some(("by_admin", "admin")), actor_of(*key)),
            AuditOf::Subject(subject) => (Some(("by_subject", "subject")), subject.clone()),
        };
        let of = Partition { index, newest_first: true, ..Partition::of(&self.tables.admin, &value, prefix) };
        let (items, next) = self.page(of, limit, cursor).await?;
        Ok((items.iter().map(read_entry).collect::<Result<_, _>>()?, next))
    }
}

fn write_entry(key: AuditKey, entry: &AuditEntry) -> Item {
    let mut item = admin_item(key.pk(), key.id);
    let parameters = entry.parameters.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    item.extend([
        ("at".to_owned(), number(entry.at.as_millis())),
        ("admin".to_owned(), text(actor_of(entry.admin_key))),
        ("admin_name".to_owned(), text(&entry.admin_name)),
        ("role".to_owned(), text(entry.role.as_str())),
        ("method".to_owned(), text(&entry.method)),
        ("route".to_owned(), text(&entry.route)),
        ("parameters".to_owned(), AttributeValue::M(parameters)),
        ("correlation_id".to_owned(), text(entry.correlation_id)),
    ]);
    for (name, value) in [
        ("subject", &entry.subject),
        ("query", &entry.query),
        ("body", &entry.body),
        ("reason", &entry.reason),
    ] {
        put_optional(&mut item, name, value.as_ref().map(text));
    }
    item
}

fn read_entry(item: &Item) -> Result<AuditEntry, StoreError> {
    item::check_version(item)?;
    let parameters = item::read_map(item, "parameters")?;
    let parameters: BTreeMap<_, _> = parameters
        .keys()
        .map(|name| Ok((name.clone(), item::read_text(parameters, name)?.to_owned())))
        .collect::<Result<_, StoreError>>()?;
    let outcome = match read_optional_number(item, "ended_at")? {
        Some(at) => Some(AuditOutcome {
            status: item::read_number(item, "status")?,
            code: read_optional_text(item, "code"),
            at: UnixMillis::new(at),
        }),
        None => None,
    };
    Ok(AuditEntry {
        id: item::read_parsed(item, "sk")?,
        at: UnixMillis::new(item::read_number(item, "at")?),
        // The configured key has no id.
        admin_key: item::read_text(item, "admin")?.parse().ok(),
        admin_name: item::read_text(item, "admin_name")?.to_owned(),
        role: item::read_parsed(item, "role")?,
        method: item::read_text(item, "method")?.to_owned(),
        route: item::read_text(item, "route")?.to_owned(),
        parameters,
        subject: read_optional_text(item, "subject"),
        query: read_optional_text(item, "query"),
        body: read_optional_text(item, "body"),
        reason: read_optional_text(item, "reason"),
        correlation_id: item::read_parsed(item, "correlation_id")?,
        effect: read_optional_text(item, "effect"),
        outcome,
    })
}
