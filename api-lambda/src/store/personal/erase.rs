//! The deletion of one player. What is to be deleted is written down first, since it cannot be found any more when half
//! of it is gone; from then on nobody acts with a token of the account. Everything is looked through at once, and once
//! more when no request from before can be running.

use aws_sdk_dynamodb::types::{AttributeValue, Put};
use domain::ids::AccountId;
use domain::time::UnixMillis;

use crate::clock::Deadline;
use crate::store::admin::audit::AuditKey;
use crate::store::admin::watch::{PENDING_SECS_MAX, WATCHED_SECS, pseudonym};
use crate::store::admin::{admin_item, read_optional_number, read_optional_text};
use crate::store::cursor::{Cursor, KeyPart};
use crate::store::item::{self, Item, number, text};
use crate::store::page::Partition;
use crate::store::personal::character::Forgotten;
use crate::store::personal::sweep::Masks;
use crate::store::personal::{PERSONAL_TABLES, Subject, places};
use crate::store::{Store, StoreError, if_held, sent, transact};

const ERASURES: &str = "erasures";
/// Deletions of one reading.
const JOBS_PER_PAGE: i32 = 1_000;

/// A deletion that is going on.
#[derive(Debug, Clone)]
pub(crate) struct ErasureJob {
    pub(crate) subject: Subject,
    pub(crate) begun_at: UnixMillis,
    /// The number of the table that is being looked through, and where in it.
    table: usize,
    cursor: Option<Cursor>,
    /// What stands in the place of ids and names follows from this, so that it is the same in every step.
    seed: u128,
}

/// Whether this is the key of what is written down about a deletion.
pub(super) fn is_job(key: &Item) -> bool {
    key.get("pk").and_then(|pk| pk.as_s().ok()).is_some_and(|pk| pk == ERASURES)
}

impl Store {
    /// Begins the deletion, or finds the one that goes on.
    pub(crate) async fn begin_erasure(
        &self,
        account: AccountId,
        audit: AuditKey,
        now: UnixMillis,
    ) -> Result<ErasureJob, StoreError> {
        if let Some(job) = self.erasure(account).await? {
            return Ok(job);
        }
        let job = ErasureJob {
            subject: self.subject(account).await?,
            begun_at: now,
            table: 0,
            cursor: None,
            seed: crate::clock::random_u128(),
        };
        let put = Put::builder()
            .table_name(&self.tables.admin)
            .set_item(Some(write_job(&job)))
            .condition_expression("attribute_not_exists(pk)");
        let parts = vec![
            transact::put(put),
            self.watch_erased_part(account, PENDING_SECS_MAX, now),
            self.audit_effect_part(audit, "began to erase"),
        ];
        if self.transact(parts).await?.is_ok() {
            return Ok(job);
        }
        // The same request, sent twice at once, was faster.
        self.erasure(account).await?.ok_or(StoreError::Contended("a deletion"))
    }

    /// The deletion of the account, if one goes on.
    pub(crate) async fn erasure(&self, account: AccountId) -> Result<Option<ErasureJob>, StoreError> {
        self.admin_get(ERASURES, account).await?.as_ref().map(read_job).transpose()
    }

    /// All deletions that go on, in any order: some have to wait, for another region or for the end of a fault, and
    /// must not keep the same others waiting each time.
    pub(crate) async fn erasures(&self) -> Result<Vec<ErasureJob>, StoreError> {
        let (mut jobs, mut cursor) = (Vec::new(), None);
        loop {
            let of = Partition::of(&self.tables.admin, &ERASURES, "");
            let (items, next) = self.page(of, JOBS_PER_PAGE, cursor.as_ref()).await?;
            for item in &items {
                match read_job(item) {
                    Ok(job) => jobs.push(job),
                    Err(error) => tracing::error!(kind = error.kind(), %error, "a deletion cannot be read"),
                }
            }
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        let from = crate::clock::random_below(jobs.len());
        jobs.rotate_left(from);
        Ok(jobs)
    }

    /// Goes on with a deletion, by something each time. True if what belongs to the player by its key is gone; else
    /// there was no time for all, or another region has to do its part first.
    pub(crate) async fn erase_keyed(
        &self,
        job: &ErasureJob,
        now: UnixMillis,
        deadline: Deadline,
    ) -> Result<bool, StoreError> {
        let subject = &job.subject;
        let mut is_whole = true;
        // Friends and parties of others count the player off, which the deletion of single items would not do.
        if !self.erase_social(subject.account, deadline).await? {
            return Ok(false);
        }
        for character in &subject.characters {
            // As if its owner did it: the name is free again.
            self.delete_character(subject.account, *character, now).await?;
            match self.forget_character(subject.account, *character, deadline).await? {
                Forgotten::Whole => {}
                Forgotten::Unfinished => return Ok(false),
                Forgotten::Elsewhere => is_whole = false,
            }
        }
        for place in places(subject).iter().filter(|place| place.table.name != "boards") {
            if !self.empty_place(place, subject, deadline).await? {
                return Ok(false);
            }
        }
        Ok(self.hide_in_audit(subject.account, deadline).await? && is_whole)
    }

    /// Calls about the player stay in the log under a pseudonym, without what was said. False if there was no time for
    /// all.
    async fn hide_in_audit(&self, account: AccountId, deadline: Deadline) -> Result<bool, StoreError> {
        let mut cursor = None;
        loop {
            let of = Partition {
                index: Some(("by_subject", "subject")),
                ..Partition::of(&self.tables.admin, &account, "")
            };
            let (items, next) = self.page(of, 100, cursor.as_ref()).await?;
            for item in &items {
                let call = self
                    .client
                    .update_item()
                    .table_name(&self.tables.admin)
                    .key("pk", text(item::read_text(item, "pk")?))
                    .key("sk", text(item::read_text(item, "sk")?))
                    .update_expression(
                        "SET subject = :nobody, #parameters = :none REMOVE body, reason, #query",
                    )
                    .condition_expression("attribute_exists(pk)")
                    .expression_attribute_names("#parameters", "parameters")
                    .expression_attribute_names("#query", "query")
                    .expression_attribute_values(":nobody", text(pseudonym(account)))
                    .expression_attribute_values(":none", AttributeValue::M(Item::new()));
                sent(call.send()).await?;
                if deadline.is_over() {
                    return Ok(false);
                }
            }
            cursor = next;
            if cursor.is_none() {
                return Ok(true);
            }
        }
    }

    /// Looks through the tables in which others may mention the player, by a page each time; `region` is that of this
    /// API. True when all are done; else the next call goes on where this one ended, for whatever reason.
    pub(crate) async fn erase_mentions(
        &self,
        job: &mut ErasureJob,
        region: &str,
        deadline: Deadline,
    ) -> Result<bool, StoreError> {
        let begun_at = (job.table, job.cursor.clone());
        let outcome = self.scan_mentions(job, region, deadline).await;
        if !matches!(outcome, Ok(true)) && (job.table, &job.cursor) != (begun_at.0, &begun_at.1) {
            let call = self.client.put_item().table_name(&self.tables.admin);
            let call = call.set_item(Some(write_job(job)));
            // Another call may have come to the end meanwhile.
            if_held(call.condition_expression("attribute_exists(pk)").send()).await?;
        }
        outcome
    }

    async fn scan_mentions(
        &self,
        job: &mut ErasureJob,
        region: &str,
        deadline: Deadline,
    ) -> Result<bool, StoreError> {
        let masks = Masks::new(&job.subject, job.seed);
        while let Some(table) = PERSONAL_TABLES.get(job.table) {
            if table.swept {
                let form = table.keys.iter().map(|name| (*name, KeyPart::Text(""))).collect::<Vec<_>>();
                let start = job.cursor.as_ref().map(|cursor| cursor.start(&form)).transpose()?;
                let next = self.sweep_page(table, &job.subject, (&masks, region), start).await?;
                job.cursor = Cursor::after(next.as_ref(), &form);
            }
            if job.cursor.is_none() {
                job.table += 1;
            }
            if deadline.is_over() {
                break;
            }
        }
        Ok(job.table >= PERSONAL_TABLES.len())
    }

    /// Nothing is left: what was written down about the deletion goes last.
    pub(crate) async fn end_erasure(&self, account: AccountId, now: UnixMillis) -> Result<(), StoreError> {
        let delete = aws_sdk_dynamodb::types::Delete::builder()
            .table_name(&self.tables.admin)
            .key("pk", text(ERASURES))
            .key("sk", text(account));
        let parts = vec![self.watch_erased_part(account, WATCHED_SECS, now), transact::delete(delete)];
        self.transact(parts).await.map(drop)
    }
}

fn write_job(job: &ErasureJob) -> Item {
    let mut item = admin_item(ERASURES, job.subject.account);
    let texts = |texts: Vec<String>| AttributeValue::L(texts.iter().map(text).collect());
    let characters = job.subject.characters.iter().map(ToString::to_string).collect();
    item.insert("characters".into(), texts(characters));
    item.insert("names".into(), texts(job.subject.names.iter().cloned().collect()));
    item.insert("begun_at".into(), number(job.begun_at.as_millis()));
    item.insert("table".into(), number(job.table));
    // As a text: no number of the store has so many digits.
    item.insert("seed".into(), text(job.seed));
    if let Some(cursor) = job.cursor.clone() {
        item.insert("cursor".into(), text(String::from(cursor)));
    }
    item
}

fn read_job(item: &Item) -> Result<ErasureJob, StoreError> {
    item::check_version(item)?;
    let texts = |name: &str| {
        let list = item.get(name).and_then(|value| value.as_l().ok()).map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(|value| value.as_s().ok().cloned()).collect::<Vec<_>>()
    };
    Ok(ErasureJob {
        subject: Subject {
            account: item::read_parsed(item, "sk")?,
            characters: texts("characters").iter().filter_map(|text| text.parse().ok()).collect(),
            names: texts("names").into_iter().collect(),
        },
        begun_at: UnixMillis::new(read_optional_number(item, "begun_at")?.unwrap_or_default()),
        table: item::read_number(item, "table")?,
        seed: item::read_parsed(item, "seed")?,
        cursor: read_optional_text(item, "cursor").and_then(|text| Cursor::try_from(text).ok()),
    })
}

#[cfg(test)]
mod tests;
