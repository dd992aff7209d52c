//! Mail to zone hosts, and where characters are, so that mail finds them. The table is `mail`.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use domain::contract::mail::{Audience, HostMail, HostOrder, Mailbox, Notice};
use domain::ids::{CharacterId, HostId, InstanceId, MessageId};
use domain::time::UnixMillis;
use futures_util::future::join_all;

use crate::store::item::{self, Item, number, text};
use crate::store::{Store, StoreError, sent, transact};

/// How long mail is kept: a host that has not read it by then has lost its lease.
const MAIL_KEPT_SECS: u64 = 60;

/// Where a character was taken in last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whereabouts {
    pub(crate) character: CharacterId,
    pub(crate) host: HostId,
    pub(crate) instance: InstanceId,
}

impl Store {
    /// Leaves an order for the host.
    pub(crate) async fn post_mail(
        &self,
        host: HostId,
        order: &HostOrder,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        self.post_mail_as(MessageId::new(now, crate::clock::random_u128()), host, order, now).await
    }

    /// The same under an id that the caller has chosen: repeated, it is the same piece of mail.
    pub(crate) async fn post_mail_as(
        &self,
        id: MessageId,
        host: HostId,
        order: &HostOrder,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let item = mail_item(id, host, order, now);
        let call = self.client.put_item().table_name(&self.tables.mail).set_item(Some(item));
        sent(call.send()).await?;
        Ok(())
    }

    /// An order for the host as part of a transaction.
    pub(crate) fn mail_part(&self, host: HostId, order: &HostOrder, now: UnixMillis) -> TransactWriteItem {
        let item = mail_item(MessageId::new(now, crate::clock::random_u128()), host, order, now);
        transact::put(Put::builder().table_name(&self.tables.mail).set_item(Some(item)))
    }

    /// Tells these characters something, wherever they are; those who are nowhere are left out. Whom it cannot reach
    /// keeps it from nobody else: all are tried before the answer is an error.
    pub(crate) async fn notify(
        &self,
        characters: &[CharacterId],
        notice: &Notice,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let mut by_host: BTreeMap<HostId, Vec<CharacterId>> = BTreeMap::new();
        for item in self.items_of(characters).await?.iter().filter(|item| item.contains_key("host")) {
            match read_whereabouts(item) {
                Ok(found) => by_host.entry(found.host).or_default().push(found.character),
                // It never can be told.
                Err(error) => tracing::error!(%error, "a character is told nothing"),
            }
        }
        let posts = by_host.into_iter().map(|(host, characters)| async move {
            let order = HostOrder::Notify { to: Audience::Characters(characters), notice: notice.clone() };
            self.post_mail(host, &order, now).await
        });
        join_all(posts).await.into_iter().collect()
    }

    /// The mail of the host since `since`, oldest first, at most 1 MiB of it. A piece that cannot be read, written by
    /// a newer program maybe, is left out: the others must arrive.
    pub(crate) async fn mailbox(
        &self,
        host: HostId,
        since: UnixMillis,
        now: UnixMillis,
    ) -> Result<Mailbox, StoreError> {
        let mut start = None;
        loop {
            let call = self
                .client
                .query()
                .table_name(&self.tables.mail)
                .key_condition_expression("pk = :host AND sk >= :since")
                // The store removes what is over when it has the time, which may be days later.
                .filter_expression("#ttl > :now")
                .expression_attribute_names("#ttl", "ttl")
                .expression_attribute_values(":host", text(host))
                .expression_attribute_values(":since", text(MessageId::new(since, 0)))
                .expression_attribute_values(":now", number(now.as_secs()))
                .consistent_read(true)
                .set_exclusive_start_key(start);
            let page = sent(call.send()).await?;
            start = page.last_evaluated_key;
            let mut mail = Vec::new();
            for item in page.items.unwrap_or_default() {
                match read_mail(&item) {
                    Ok(piece) => mail.push(piece),
                    Err(error) => tracing::error!(host.id = %host, %error, "a piece of mail is left out"),
                }
            }
            // The host asks on from the last piece, so there must be one.
            if start.is_none() || !mail.is_empty() {
                return Ok(Mailbox { mail, more: start.is_some() });
            }
        }
    }

    /// Where these characters were taken in last, at most 100; those who never were are left out.
    pub(crate) async fn whereabouts(
        &self,
        characters: &[CharacterId],
    ) -> Result<Vec<Whereabouts>, StoreError> {
        let items = self.items_of(characters).await?;
        items.iter().filter(|item| item.contains_key("host")).map(read_whereabouts).collect()
    }

    async fn items_of(&self, characters: &[CharacterId]) -> Result<Vec<Item>, StoreError> {
        let keys: Vec<String> = characters.iter().map(ToString::to_string).collect();
        self.player_items(&keys).await
    }
}

fn read_whereabouts(item: &Item) -> Result<Whereabouts, StoreError> {
    Ok(Whereabouts {
        character: item::read_parsed(item, "pk")?,
        host: item::read_parsed(item, "host")?,
        instance: item::read_parsed(item, "instance")?,
    })
}

fn read_mail(item: &Item) -> Result<HostMail, StoreError> {
    item::check_version(item)?;
    let id: MessageId = item::read_parsed(item, "sk")?;
    let order = serde_json::from_str(item::read_text(item, "order")?).map_err(|error| {
        StoreError::Corrupt { pk: id.to_string(), reason: format!("its order is malformed: {error}") }
    })?;
    Ok(HostMail { id, order })
}

fn mail_item(id: MessageId, host: HostId, order: &HostOrder, now: UnixMillis) -> Item {
    let order = serde_json::to_string(order).expect("an order is plain data");
    let mut item = item::new_item(host);
    item.insert("sk".into(), text(id));
    item.insert("order".into(), text(order));
    item.insert("ttl".into(), number(now.as_secs() + MAIL_KEPT_SECS));
    item
}
