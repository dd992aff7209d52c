//! Bans. `pk` the account, `sk` `ban` is the ban in force, or the last one; claims are checked against it. `bans` with
//! the account as `sk` holds what edge, hosts and boards are still to be told, `ban-ends` with the time and the account
//! as `sk` when bans run out. A ban rises in version with each change, so that an order that comes late changes nothing.

use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put, TransactWriteItem};
use domain::ids::AccountId;
use domain::time::UnixMillis;

use crate::store::admin::audit::AuditKey;
use crate::store::admin::{admin_item, read_optional_number};
use crate::store::item::{self, Item, number, text};
use crate::store::page::Partition;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, sent, transact};

const BAN: &str = "ban";
const BANS: &str = "bans";
const ENDS: &str = "ban-ends";

/// A ban as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BanRecord {
    pub(crate) reason: String,
    pub(crate) since: UnixMillis,
    /// It holds until then.
    pub(crate) until: UnixMillis,
    /// Name of the key of the last change.
    pub(crate) by: String,
    pub(crate) version: u64,
    /// When it was lifted.
    pub(crate) lifted_at: Option<UnixMillis>,
}

impl BanRecord {
    pub(crate) fn holds(&self, now: UnixMillis) -> bool {
        self.lifted_at.is_none() && self.until > now
    }

    /// Where it is noted when the ban runs out, if it ever does.
    fn end_key(&self, account: AccountId) -> Option<String> {
        let runs_out = self.lifted_at.is_none() && self.until < UnixMillis::FOREVER;
        runs_out.then(|| format!("{:016}#{account}", self.until.as_millis()))
    }
}

/// What to do with a ban.
#[derive(Debug, Clone)]
pub(crate) enum BanChange<'a> {
    Ban { reason: &'a str, until: UnixMillis },
    Lift,
}

impl Store {
    /// The ban of an account, the one in force or the last.
    pub(crate) async fn ban_of(&self, account: AccountId) -> Result<Option<BanRecord>, StoreError> {
        self.admin_get(account, BAN).await?.as_ref().map(read_ban).transpose()
    }

    /// Bans an account or lifts the ban, and notes that edge and hosts are to be told, all or nothing. None if there
    /// was no ban to lift.
    pub(crate) async fn change_ban(
        &self,
        account: AccountId,
        change: &BanChange<'_>,
        by: &str,
        audit: AuditKey,
        now: UnixMillis,
    ) -> Result<Option<BanRecord>, StoreError> {
        for attempt in 0..ATTEMPTS_MAX {
            let known = self.ban_of(account).await?;
            // The clock keeps versions rising in other regions too.
            let version = known.as_ref().map_or(0, |known| known.version + 1).max(now.as_millis());
            let by = by.to_owned();
            let (record, watch) = match (change, &known) {
                (BanChange::Ban { reason, until }, _) => {
                    let reason = (*reason).to_owned();
                    let record =
                        BanRecord { reason, since: now, until: *until, by, version, lifted_at: None };
                    let watch = self.watch_ban_part(account, &record);
                    (record, watch)
                }
                (BanChange::Lift, Some(known)) if known.holds(now) => {
                    let record = BanRecord { by, version, lifted_at: Some(now), ..known.clone() };
                    (record, self.unwatch_ban_part(account))
                }
                (BanChange::Lift, _) => return Ok(None),
            };
            let effect = match change {
                BanChange::Ban { .. } => "banned",
                BanChange::Lift => "unbanned",
            };
            let mut parts = vec![
                self.put_ban_part(account, &record, known.as_ref()),
                watch,
                self.pending_part(account, version),
                self.audit_effect_part(audit, effect),
            ];
            parts.extend(self.end_parts(account, known.as_ref(), &record));
            if self.transact(parts).await?.is_ok() {
                return Ok(Some(record));
            }
            back_off(attempt).await;
        }
        Err(StoreError::Contended("a ban"))
    }

    fn put_ban_part(
        &self,
        account: AccountId,
        record: &BanRecord,
        known: Option<&BanRecord>,
    ) -> TransactWriteItem {
        let mut item = admin_item(account, BAN);
        item.extend([
            ("reason".to_owned(), text(&record.reason)),
            ("since".to_owned(), number(record.since.as_millis())),
            ("until".to_owned(), number(record.until.as_millis())),
            ("by".to_owned(), text(&record.by)),
            ("version".to_owned(), number(record.version)),
        ]);
        super::put_optional_number(&mut item, "lifted_at", record.lifted_at.map(UnixMillis::as_millis));
        let put = Put::builder().table_name(&self.tables.admin).set_item(Some(item));
        transact::put(match known {
            Some(known) => put
                .condition_expression("#version = :known")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":known", number(known.version)),
            None => put.condition_expression("attribute_not_exists(pk)"),
        })
    }

    /// The note of when a ban runs out, instead of the one from before.
    fn end_parts(
        &self,
        account: AccountId,
        known: Option<&BanRecord>,
        record: &BanRecord,
    ) -> Vec<TransactWriteItem> {
        let table = &self.tables.admin;
        let (before, after) = (known.and_then(|known| known.end_key(account)), record.end_key(account));
        let old = before.filter(|before| after.as_ref() != Some(before)).map(|key| {
            transact::delete(Delete::builder().table_name(table).key("pk", text(ENDS)).key("sk", text(key)))
        });
        let new = after
            .map(|key| transact::put(Put::builder().table_name(table).set_item(Some(admin_item(ENDS, key)))));
        old.into_iter().chain(new).collect()
    }

    /// Makes bans that have run out such as are lifted, so that whoever was told of them is told of that, `most` of
    /// them at most.
    pub(crate) async fn end_bans(&self, most: i32, now: UnixMillis) -> Result<(), StoreError> {
        let (items, _) = self.page(Partition::of(&self.tables.admin, &ENDS, ""), most, None).await?;
        for item in &items {
            let key = item::read_text(item, "sk")?;
            let Some((Ok(until), Ok(account))) =
                key.split_once('#').map(|(until, account)| (until.parse(), account.parse()))
            else {
                let reason = format!("{key:?} is no time and account");
                return Err(StoreError::Corrupt { pk: ENDS.to_owned(), reason });
            };
            if UnixMillis::new(until) > now {
                break;
            }
            self.end_ban(account, key, now).await?;
        }
        Ok(())
    }

    async fn end_ban(&self, account: AccountId, key: &str, now: UnixMillis) -> Result<(), StoreError> {
        let known = self.ban_of(account).await?;
        let Some(known) = known.filter(|known| known.end_key(account).as_deref() == Some(key)) else {
            // Nobody has such a ban any more: its account was deleted.
            let call = self.client.delete_item().table_name(&self.tables.admin).key("pk", text(ENDS));
            sent(call.key("sk", text(key)).send()).await?;
            return Ok(());
        };
        let version = (known.version + 1).max(now.as_millis());
        let record = BanRecord { version, lifted_at: Some(known.until), ..known.clone() };
        let mut parts = vec![
            self.put_ban_part(account, &record, Some(&known)),
            self.unwatch_ban_part(account),
            self.pending_part(account, version),
        ];
        parts.extend(self.end_parts(account, Some(&known), &record));
        // If it is refused, somebody has changed the ban, and when it ends with it.
        self.transact(parts).await.map(drop)
    }

    fn pending_part(&self, account: AccountId, version: u64) -> TransactWriteItem {
        let mut item = admin_item(BANS, account);
        item.insert("version".into(), number(version));
        transact::put(Put::builder().table_name(&self.tables.admin).set_item(Some(item)))
    }

    /// Edge and hosts have been told of this version.
    pub(crate) async fn ban_told(
        &self,
        account: AccountId,
        version: u64,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        self.ban_is_told(account, version, now).await?;
        let delete = Delete::builder()
            .table_name(&self.tables.admin)
            .key("pk", text(BANS))
            .key("sk", text(account))
            .condition_expression("#version = :version")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", number(version));
        // A newer order stays to be told.
        self.transact(vec![transact::delete(delete)]).await.map(drop)
    }

    /// Whether edge and hosts are still to be told about the account.
    pub(crate) async fn ban_pending(&self, account: AccountId) -> Result<bool, StoreError> {
        Ok(self.admin_get(BANS, account).await?.is_some())
    }

    /// Accounts about which edge and hosts are still to be told, `most` at most.
    pub(crate) async fn pending_bans(&self, most: i32) -> Result<Vec<AccountId>, StoreError> {
        let of = Partition::of(&self.tables.admin, &BANS, "");
        let (items, _) = self.page(of, most, None).await?;
        items.iter().map(|item| item::read_parsed(item, "sk")).collect()
    }

    /// The check that the ban of the account is the one of this version, as part of a transaction.
    pub(crate) fn ban_version_part(&self, account: AccountId, version: u64) -> TransactWriteItem {
        transact::check(
            ConditionCheck::builder()
                .table_name(&self.tables.admin)
                .key("pk", text(account))
                .key("sk", text(BAN))
                .condition_expression("#version = :version")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":version", number(version)),
        )
    }

    /// The check that no ban of the account is in force, as part of a transaction.
    pub(crate) fn not_banned_part(&self, account: AccountId, now: UnixMillis) -> TransactWriteItem {
        transact::check(
            ConditionCheck::builder()
                .table_name(&self.tables.admin)
                .key("pk", text(account))
                .key("sk", text(BAN))
                .condition_expression(
                    "attribute_not_exists(pk) OR attribute_exists(lifted_at) OR #until <= :now",
                )
                .expression_attribute_names("#until", "until")
                .expression_attribute_values(":now", number(now.as_millis())),
        )
    }
}

fn read_ban(item: &Item) -> Result<BanRecord, StoreError> {
    Ok(BanRecord {
        reason: item::read_text(item, "reason")?.to_owned(),
        since: UnixMillis::new(item::read_number(item, "since")?),
        until: UnixMillis::new(item::read_number(item, "until")?),
        by: item::read_text(item, "by")?.to_owned(),
        version: item::read_number(item, "version")?,
        lifted_at: read_optional_number(item, "lifted_at")?.map(UnixMillis::new),
    })
}
