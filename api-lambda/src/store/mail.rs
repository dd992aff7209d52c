//! Mail to zone hosts, and where characters are, so that mail finds them. The table is `mail`.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use domain::contract::mail::{Audience, HostMail, HostOrder, Mailbox, Notice};
use domain::ids::{CharacterId, HostId, InstanceId, MessageId};
use domain::time::UnixMillis;
use futures_util::future::try_join_all;

use crate::store::item::{self, Item, number, text};
use crate::store::{Store, StoreError, transact, unavailable};

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
        let item = mail_item(host, order, now);
        let call = self.client.put_item().table_name(&self.tables.mail).set_item(Some(item));
        call.send().await.map_err(unavailable)?;
        Ok(())
    }

    /// An order for the host as part of a transaction.
    pub(crate) fn mail_part(&self, host: HostId, order: &HostOrder, now: UnixMillis) -> TransactWriteItem {
        let item = mail_item(host, order, now);
        transact::put(Put::builder().table_name(&self.tables.mail).set_item(Some(item)))
    }

    /// Tells these characters something, wherever they are; those who are nowhere are left out.
    pub(crate) async fn notify(
        &self,
        characters: &[CharacterId],
        notice: &Notice,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let mut by_host: BTreeMap<HostId, Vec<CharacterId>> = BTreeMap::new();
        for found in self.whereabouts(characters).await? {
            by_host.entry(found.host).or_default().push(found.character);
        }
        let posts = by_host.into_iter().map(|(host, characters)| async move {
            let order = HostOrder::Notify { to: Audience::Characters(characters), notice: notice.clone() };
            self.post_mail(host, &order, now).await
        });
        try_join_all(posts).await.map(drop)
    }

    /// The mail of the host since `since`, oldest first, at most 1 MiB of it.
    pub(crate) async fn mailbox(&self, host: HostId, since: UnixMillis) -> Result<Mailbox, StoreError> {
        let call = self
            .client
            .query()
            .table_name(&self.tables.mail)
            .key_condition_expression("pk = :host AND sk >= :since")
            .expression_attribute_values(":host", text(host))
            .expression_attribute_values(":since", text(MessageId::new(since, 0)))
            .consistent_read(true);
        let page = call.send().await.map_err(unavailable)?;
        let more = page.last_evaluated_key.is_some();
        let read = |item: &item::Item| {
            item::check_version(item)?;
            let order = item::read_text(item, "order")?;
            let order = serde_json::from_str(order).map_err(|error| StoreError::Corrupt {
                pk: host.to_string(),
                reason: format!("its order is malformed: {error}"),
            })?;
            Ok(HostMail { id: item::read_parsed(item, "sk")?, order })
        };
        let mail = page.items.unwrap_or_default().iter().map(read).collect::<Result<_, _>>()?;
        Ok(Mailbox { mail, more })
    }

    /// Where these characters were taken in last, at most 100; those who never were are left out.
    pub(crate) async fn whereabouts(
        &self,
        characters: &[CharacterId],
    ) -> Result<Vec<Whereabouts>, StoreError> {
        let keys: Vec<String> = characters.iter().map(ToString::to_string).collect();
        let items = self.player_items(&keys).await?;
        let read = |item: &item::Item| {
            Ok(Whereabouts {
                character: item::read_parsed(item, "pk")?,
                host: item::read_parsed(item, "host")?,
                instance: item::read_parsed(item, "instance")?,
            })
        };
        items.iter().filter(|item| item.contains_key("host")).map(read).collect()
    }
}

fn mail_item(host: HostId, order: &HostOrder, now: UnixMillis) -> Item {
    let id = MessageId::new(now, crate::clock::random_u128());
    let order = serde_json::to_string(order).expect("an order is plain data");
    let mut item = item::new_item(host);
    item.insert("sk".into(), text(id));
    item.insert("order".into(), text(order));
    item.insert("ttl".into(), number(now.as_secs() + MAIL_KEPT_SECS));
    item
}
