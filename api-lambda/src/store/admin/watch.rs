//! What every API process looks at each two seconds, all in one partition so that one query gets it: maintenance, and
//! the bans of which access tokens may still be about. `sk` is `maintenance`, `ban#acc_...` or `erased#HASH`.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::contract::bans::Maintenance;
use domain::ids::AccountId;
use domain::limits::ACCESS_TOKEN_LIFETIME_SECS;
use domain::time::UnixMillis;
use sha2::{Digest as _, Sha256};

use crate::store::admin::bans::BanRecord;
use crate::store::admin::{admin_item, read_optional_number, read_optional_text};
use crate::store::item::{self, Item, number, text};
use crate::store::page::all;
use crate::store::{Store, StoreError, sent, transact};

const WATCH: &str = "watch";
const MAINTENANCE: &str = "maintenance";

/// A ban is looked at for so long after the edge has been told: no access token is older, clocks that differ by a
/// minute included.
pub(crate) const WATCHED_SECS: u64 = ACCESS_TOKEN_LIFETIME_SECS + 60;
/// Until the edge has been told. Somebody will have mended it by then, or told it by hand.
pub(crate) const PENDING_SECS_MAX: u64 = 30 * 24 * 60 * 60;

/// A ban, as far as it is needed to refuse somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WatchedBan {
    pub(crate) until: UnixMillis,
    pub(crate) reason: String,
}

/// All that is looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watched {
    pub(crate) maintenance: Option<Maintenance>,
    pub(crate) bans: Vec<(AccountId, WatchedBan)>,
    /// Accounts whose data was deleted, by [`pseudonym`].
    pub(crate) erased: Vec<String>,
}

/// Stands for an account that is no more: who has the id can check it, nobody else learns it.
pub(crate) fn pseudonym(account: AccountId) -> String {
    format!("erased#{}", URL_SAFE_NO_PAD.encode(Sha256::digest(account.to_string())))
}

fn ban_key(account: AccountId) -> String {
    format!("ban#{account}")
}

impl Store {
    /// Everything that is looked at. The edge's sweep of old items may come late, so their times decide.
    pub(crate) async fn watched(&self, now: UnixMillis) -> Result<Watched, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.admin)
            .key_condition_expression("pk = :watch")
            .expression_attribute_values(":watch", text(WATCH))
            .consistent_read(true);
        let mut watched = Watched::default();
        for item in all(query).await? {
            read_watched(&item, now, &mut watched)?;
        }
        Ok(watched)
    }

    /// The watching of a ban as part of a transaction.
    pub(super) fn watch_ban_part(&self, account: AccountId, ban: &BanRecord) -> TransactWriteItem {
        let mut item = admin_item(WATCH, ban_key(account));
        item.insert("until".into(), number(ban.until.as_millis()));
        item.insert("reason".into(), text(&ban.reason));
        item.insert("version".into(), number(ban.version));
        item.insert("ttl".into(), number(ban.since.as_secs() + PENDING_SECS_MAX));
        transact::put(Put::builder().table_name(&self.tables.admin).set_item(Some(item)))
    }

    /// The watching of an account that is being deleted, as part of a transaction: nobody acts with a token of it.
    pub(crate) fn watch_erased_part(
        &self,
        account: AccountId,
        secs: u64,
        now: UnixMillis,
    ) -> TransactWriteItem {
        let mut item = admin_item(WATCH, pseudonym(account));
        item.insert("ttl".into(), number(now.as_secs() + secs));
        transact::put(Put::builder().table_name(&self.tables.admin).set_item(Some(item)))
    }

    /// Whether the account was deleted a moment ago, or is being deleted.
    pub(crate) async fn is_erased(&self, account: AccountId) -> Result<bool, StoreError> {
        Ok(self.admin_get(WATCH, pseudonym(account)).await?.is_some())
    }

    /// The end of the watching of a ban as part of a transaction.
    pub(super) fn unwatch_ban_part(&self, account: AccountId) -> TransactWriteItem {
        let delete = Delete::builder().table_name(&self.tables.admin).key("pk", text(WATCH));
        transact::delete(delete.key("sk", text(ban_key(account))))
    }

    /// The edge knows of this ban: it is watched until the last access token from before is over.
    pub(super) async fn ban_is_told(
        &self,
        account: AccountId,
        version: u64,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let update = aws_sdk_dynamodb::types::Update::builder()
            .table_name(&self.tables.admin)
            .key("pk", text(WATCH))
            .key("sk", text(ban_key(account)))
            .update_expression("SET #ttl = :ttl")
            .condition_expression("#version = :version")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":ttl", number(now.as_secs() + WATCHED_SECS))
            .expression_attribute_values(":version", number(version));
        // If another order came since, that one is watched.
        self.transact(vec![transact::update(update)]).await.map(drop)
    }

    /// Begins maintenance, or ends it.
    pub(crate) async fn set_maintenance(&self, begun: Option<&Maintenance>) -> Result<(), StoreError> {
        let Some(begun) = begun else {
            let call = self.client.delete_item().table_name(&self.tables.admin).key("pk", text(WATCH));
            sent(call.key("sk", text(MAINTENANCE)).send()).await?;
            return Ok(());
        };
        let mut item = admin_item(WATCH, MAINTENANCE);
        item.insert("message".into(), text(begun.message.as_deref().unwrap_or_default()));
        item.insert("retry_after_secs".into(), number(begun.retry_after_secs.unwrap_or(1)));
        item.insert("since".into(), number(begun.since.unwrap_or_default().as_millis()));
        item.insert("by".into(), text(begun.by.as_deref().unwrap_or_default()));
        let call = self.client.put_item().table_name(&self.tables.admin).set_item(Some(item));
        sent(call.send()).await?;
        Ok(())
    }
}

fn read_watched(item: &Item, now: UnixMillis, watched: &mut Watched) -> Result<(), StoreError> {
    item::check_version(item)?;
    if read_optional_number(item, "ttl")?.is_some_and(|ttl| ttl <= now.as_secs()) {
        return Ok(());
    }
    let sk = item::read_text(item, "sk")?;
    if sk == MAINTENANCE {
        watched.maintenance = Some(Maintenance {
            on: true,
            message: read_optional_text(item, "message"),
            retry_after_secs: Some(item::read_number(item, "retry_after_secs")?),
            since: read_optional_number(item, "since")?.map(UnixMillis::new),
            by: read_optional_text(item, "by"),
        });
    } else if let Some(account) = sk.strip_prefix("ban#").and_then(|text| text.parse().ok()) {
        let until = UnixMillis::new(item::read_number(item, "until")?);
        let reason = item::read_text(item, "reason")?.to_owned();
        watched.bans.push((account, WatchedBan { until, reason }));
    } else if sk.starts_with("erased#") {
        watched.erased.push(sk.to_owned());
    }
    Ok(())
}
