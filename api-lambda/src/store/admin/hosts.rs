//! Hosts as administrators see them, and the mail of broadcasts. The tables are `fleet` and `mail`.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::contract::mail::{Audience, HostOrder, Notice};
use domain::contract::support::{HostRecord, InstanceRecord};
use domain::ids::{HostId, MessageId};
use domain::time::UnixMillis;

use crate::store::cursor::{Cursor, KeyPart};
use crate::store::fleet::read_instances;
use crate::store::item::{self, Item};
use crate::store::{Store, StoreError};

impl Store {
    /// A page of hosts that have a lease, draining ones too.
    pub(crate) async fn hosts(
        &self,
        limit: i32,
        cursor: Option<&Cursor>,
        now: UnixMillis,
    ) -> Result<(Vec<HostRecord>, Option<Cursor>), StoreError> {
        let limit = usize::try_from(limit).unwrap_or(0);
        let form = [("pk", KeyPart::Text(HostId::PREFIX))];
        let start = cursor.map(|cursor| cursor.start(&form)).transpose()?;
        let start = start.as_ref().map(|start| item::read_text(start, "pk")).transpose()?;
        let mut found = self.leased_hosts(now).await?;
        found.retain(|host| start.is_none_or(|start| item::read_text(host, "pk").is_ok_and(|pk| pk > start)));
        let is_last = found.len() <= limit;
        found.truncate(limit);
        let hosts = found.iter().map(read_host).collect::<Result<_, _>>()?;
        Ok((hosts, Cursor::after(found.last().filter(|_| !is_last), &form)))
    }

    /// All hosts that have a lease.
    pub(crate) async fn all_hosts(&self, now: UnixMillis) -> Result<Vec<HostRecord>, StoreError> {
        self.leased_hosts(now).await?.iter().map(read_host).collect()
    }

    /// Tells players something by a piece of mail whose id the caller has chosen, so that it is the same one however
    /// often it is sent.
    pub(crate) async fn post_broadcast(
        &self,
        to: &[(HostId, Audience)],
        notice: &Notice,
        id: MessageId,
        at: UnixMillis,
    ) -> Result<(), StoreError> {
        let posts = to.iter().map(|(host, audience)| async move {
            // One host may get several pieces, one for each of its instances; hosts are told apart by the mailbox.
            let own = match audience {
                Audience::Instance(instance) => id.as_u128() ^ instance.as_u128(),
                _ => id.as_u128(),
            };
            let own = MessageId::new(at, own);
            let order = HostOrder::Notify { to: audience.clone(), notice: notice.clone() };
            self.post_mail_as(own, *host, &order, at).await
        });
        futures_util::future::try_join_all(posts).await.map(drop)
    }
}

fn read_host(item: &Item) -> Result<HostRecord, StoreError> {
    let optional = |name: &str| match item.get(name) {
        Some(_) => item::read_number(item, name),
        None => Ok(0),
    };
    let instances = read_instances(item)?;
    Ok(HostRecord {
        host: item::read_parsed(item, "pk")?,
        url: item::read_text(item, "url")?.to_owned(),
        players: optional("players")?,
        tick_p99_us: optional("tick_p99_us")?,
        draining: matches!(item.get("draining"), Some(AttributeValue::Bool(true))),
        instances: instances
            .into_iter()
            .map(|own| InstanceRecord { instance: own.instance, zone: own.zone })
            .collect(),
    })
}
