//! The way of a message to those who are online: as mail to their hosts.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::contract::mail::{Audience, HostOrder, Notice};
use domain::ids::{HostId, InstanceId};
use domain::time::UnixMillis;
use futures_util::future::try_join_all;

use crate::store::fleet::HOSTS_PARTITION;
use crate::store::item::{self, number};
use crate::store::{Store, StoreError, unavailable};

impl Store {
    /// Tells everyone in an instance.
    pub(crate) async fn notify_instance(
        &self,
        instance: InstanceId,
        notice: Notice,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let Some(info) = self.instance(instance, now).await? else { return Ok(()) };
        let order = HostOrder::Notify { to: Audience::Instance(instance), notice };
        self.post_mail(info.open.host, &order, now).await
    }

    /// Tells everyone in the region.
    pub(crate) async fn notify_region(&self, notice: &Notice, now: UnixMillis) -> Result<(), StoreError> {
        let hosts = self.leased_hosts(now).await?;
        let posts = hosts.into_iter().map(|host| async move {
            let order = HostOrder::Notify { to: Audience::Everyone, notice: notice.clone() };
            self.post_mail(host, &order, now).await
        });
        try_join_all(posts).await.map(drop)
    }

    /// The hosts that have a lease, those that take nobody in any more among them.
    async fn leased_hosts(&self, now: UnixMillis) -> Result<Vec<HostId>, StoreError> {
        let mut hosts = Vec::new();
        let mut start = None;
        loop {
            let call = self
                .client
                .query()
                .table_name(&self.tables.fleet)
                .index_name("by_zone")
                .key_condition_expression("#zone = :hosts")
                .filter_expression("lease_until > :now")
                .expression_attribute_names("#zone", "zone")
                .expression_attribute_values(":hosts", AttributeValue::S(HOSTS_PARTITION.to_owned()))
                .expression_attribute_values(":now", number(now.as_millis()))
                .set_exclusive_start_key(start);
            let page = call.send().await.map_err(unavailable)?;
            for item in page.items.unwrap_or_default() {
                hosts.push(item::read_parsed(&item, "pk")?);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(hosts);
            }
        }
    }
}
