//! Reports of messages, with a copy of what was said: the channel forgets sooner than moderators decide. `reports`
//! holds them by age; the account that is reported has a mark for each, so that a deletion finds them.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::Put;
use domain::contract::chat::{Report, ReportedMessage};
use domain::ids::{AccountId, MessageId, ReportId};
use domain::time::UnixMillis;

use crate::store::chat::rates::REPORTS;
use crate::store::chat::{StoredMessage, said_at};
use crate::store::cursor::Cursor;
use crate::store::item::{self, Item, number, text};
use crate::store::page::Partition;
use crate::store::transact::Part;
use crate::store::{Store, StoreError, sent, transact};

/// The partition of all reports: an account makes at most 10 in an hour.
pub(crate) const REPORTS_PARTITION: &str = "reports";

/// How long a report is kept.
const KEPT_SECS: u64 = 180 * 24 * 60 * 60;

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reported {
    /// It is stored under this id, from now on or from before.
    As(ReportId),
    /// The account has reported as much as it may until then.
    TooFast { until: UnixMillis },
}

pub(crate) fn reported(message: &StoredMessage) -> ReportedMessage {
    ReportedMessage {
        id: message.id,
        account: message.author,
        character: message.character,
        name: message.name.clone(),
        text: message.text.clone(),
        at: said_at(message.id),
    }
}

/// The sort key of the mark that `by` has reported a message.
fn once_key(message: MessageId) -> String {
    format!("reported#{message}")
}

impl Store {
    /// Stores a report, once for each message and account.
    pub(crate) async fn report(&self, by: AccountId, report: &Report) -> Result<Reported, StoreError> {
        let item = |pk: String, sk: String, author: AccountId| {
            let mut item = item::new_item(pk);
            item.extend([
                ("sk".to_owned(), text(sk)),
                ("author".to_owned(), text(author)),
                ("report".to_owned(), text(report.id)),
                ("ttl".to_owned(), number(report.at.as_secs() + KEPT_SECS)),
            ]);
            item
        };
        let put = |item: Item| Put::builder().table_name(&self.tables.chat).set_item(Some(item));
        let once = item(by.to_string(), once_key(report.message.id), by);
        // What the report holds of anybody is found by that account.
        let quoted: BTreeSet<AccountId> =
            report.context.iter().chain([&report.message]).map(|message| message.account).collect();
        let mut parts = vec![
            transact::put(put(once).condition_expression("attribute_not_exists(pk)")),
            self.post_rate_part(by, REPORTS, report.at),
            transact::put(put(report_item(report, Some(by)))),
        ];
        for account in quoted {
            let about = item(account.to_string(), format!("about#{}", report.id), account);
            parts.push(transact::put(put(about)));
        }
        let Err(refused) = self.transact(parts).await? else { return Ok(Reported::As(report.id)) };
        if !refused.first().is_some_and(Part::is_refused) {
            return Ok(Reported::TooFast { until: REPORTS.window_end(report.at) });
        }
        let call = self.client.get_item().table_name(&self.tables.chat).key("pk", text(by));
        let call = call.key("sk", text(once_key(report.message.id))).consistent_read(true);
        let mark = sent(call.send()).await?.item;
        match mark {
            Some(mark) => Ok(Reported::As(item::read_parsed(&mark, "report")?)),
            None => Err(StoreError::Contended("a report")),
        }
    }

    /// A page of all reports, the newest first.
    pub(crate) async fn reports(
        &self,
        limit: i32,
        cursor: Option<&Cursor>,
    ) -> Result<(Vec<Report>, Option<Cursor>), StoreError> {
        let of = Partition { newest_first: true, ..Partition::of(&self.tables.chat, &REPORTS_PARTITION, "") };
        let (items, next) = self.page(of, limit, cursor).await?;
        Ok((items.iter().map(read_report).collect::<Result<_, _>>()?, next))
    }

    /// One report.
    pub(crate) async fn report_of(&self, id: ReportId) -> Result<Option<Report>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.chat).key("pk", text(REPORTS_PARTITION));
        let item = sent(call.key("sk", text(id)).consistent_read(true).send()).await?.item;
        item.as_ref().map(read_report).transpose()
    }
}

/// The item of a report; without a reporter, it is nobody's any more.
pub(crate) fn report_item(report: &Report, by: Option<AccountId>) -> Item {
    let mut item = item::new_item(REPORTS_PARTITION);
    item.extend([
        ("sk".to_owned(), text(report.id)),
        ("report".to_owned(), text(serde_json::to_string(report).expect("a report is plain data"))),
        ("ttl".to_owned(), number(report.at.as_secs() + KEPT_SECS)),
    ]);
    if let Some(by) = by {
        item.insert("author".to_owned(), text(by));
    }
    item
}

fn read_report(item: &Item) -> Result<Report, StoreError> {
    item::check_version(item)?;
    serde_json::from_str(item::read_text(item, "report")?).map_err(|error| StoreError::Corrupt {
        pk: REPORTS_PARTITION.into(),
        reason: format!("a report is malformed: {error}"),
    })
}
