//! What was done already, in the table `requests`: answers by idempotency key, and the numbers of what hosts tell.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use domain::time::UnixMillis;

use crate::store::item::{self, number, text};
use crate::store::{Store, StoreError, sent, transact};

/// An answer and the request that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredAnswer {
    /// Account, route and key of the request.
    pub(crate) pk: String,
    /// Hash of what was asked for.
    pub(crate) fingerprint: String,
    /// The answer as JSON.
    pub(crate) body: String,
    /// Not given any more from then on.
    pub(crate) expires_at: UnixMillis,
}

/// How long what a host told is remembered: far longer than it tries to send it.
const TOLD_KEPT_SECS: u64 = 24 * 60 * 60;

/// The key of a request of `actor` to `route` under an idempotency key.
pub(crate) fn request_key(actor: &impl std::fmt::Display, route: &str, key: &str) -> String {
    format!("{actor}#{route}#{key}")
}

impl Store {
    /// The answer to this request, unless there is none or it has expired.
    pub(crate) async fn answer(&self, pk: &str, now: UnixMillis) -> Result<Option<StoredAnswer>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.requests).key("pk", text(pk));
        let Some(item) = sent(call.consistent_read(true).send()).await?.item else {
            return Ok(None);
        };
        item::check_version(&item)?;
        let answer = StoredAnswer {
            pk: pk.to_owned(),
            fingerprint: item::read_text(&item, "fingerprint")?.to_owned(),
            body: item::read_text(&item, "body")?.to_owned(),
            expires_at: UnixMillis::new(item::read_number(&item, "expires_at")?),
        };
        Ok((answer.expires_at > now).then_some(answer))
    }

    /// The storing of an answer as part of a transaction, refused if there is one already.
    pub(crate) fn answer_part(&self, answer: &StoredAnswer) -> TransactWriteItem {
        transact::put(self.answer_put(answer))
    }

    /// Stores an answer. False if there is one already.
    pub(crate) async fn keep_answer(&self, answer: &StoredAnswer) -> Result<bool, StoreError> {
        Ok(self.transact(vec![self.answer_part(answer)]).await?.is_ok())
    }

    /// The remembering of what a host told under a number of its own, refused if it was told before.
    pub(crate) fn once_part(&self, told: impl ToString, now: UnixMillis) -> TransactWriteItem {
        let mut once = item::new_item(told);
        once.insert("ttl".into(), number(now.as_secs() + TOLD_KEPT_SECS));
        transact::put(
            Put::builder()
                .table_name(&self.tables.requests)
                .set_item(Some(once))
                .condition_expression("attribute_not_exists(pk)"),
        )
    }

    fn answer_put(&self, answer: &StoredAnswer) -> aws_sdk_dynamodb::types::builders::PutBuilder {
        let mut item = item::new_item(&answer.pk);
        item.insert("fingerprint".into(), text(&answer.fingerprint));
        item.insert("body".into(), text(&answer.body));
        item.insert("expires_at".into(), number(answer.expires_at.as_millis()));
        item.insert("ttl".into(), number(answer.expires_at.as_secs() + 1));
        Put::builder()
            .table_name(&self.tables.requests)
            .set_item(Some(item))
            // An expired answer stays until the store sweeps it.
            .condition_expression("attribute_not_exists(pk) OR expires_at <= :now")
            .expression_attribute_values(":now", number(crate::clock::now().as_millis()))
    }
}
