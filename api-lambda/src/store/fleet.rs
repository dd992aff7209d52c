//! Hosts, their leases and their instances, in the table `fleet`. `hst_...` is a host, `ins_...` says who owns
//! an instance and is written only when that changes; how full it is ([`super::loads`]) changes each second and is
//! another item: a durable write checks the former and never meets a heartbeat.

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, ReturnValue, TransactWriteItem};
use domain::catalogue::Catalogue;
use domain::contract::hosts::{AssignedInstance, Heartbeat, RegisterHost};
use domain::contract::instances::Purpose;
use domain::ids::{Epoch, HostId, InstanceId};
use domain::time::UnixMillis;
use futures_util::future::try_join_all;

use crate::store::item::{self, Item, number, text};
use crate::store::loads::{load_item, load_key, read_purpose};
use crate::store::page::all;
use crate::store::{Store, StoreError, if_held, sent, transact};

/// Seconds after the end of its lease that a host can still come back; then its items expire.
pub(crate) const FORGOTTEN_AFTER_SECS: u64 = 24 * 60 * 60;

/// Into so many partitions of the index `by_zone` hosts are spread by their ids: each heartbeat writes there.
const HOST_SHARDS: u128 = 8;

/// The value of the index attribute `zone` in the items of hosts, so that the index lists them too. No zone has such
/// a name.
fn hosts_partition(shard: u128) -> String {
    format!("#hosts#{shard}")
}

impl Store {
    /// Makes the host and one instance for each zone that it offers. A host that is known gets what it got
    /// before, with a new lease.
    pub(crate) async fn register_host(
        &self,
        catalogue: &Catalogue,
        request: &RegisterHost,
        now: UnixMillis,
        lease_until: UnixMillis,
    ) -> Result<Vec<AssignedInstance>, StoreError> {
        if let Some(known) = self.host_instances(request.host).await? {
            let heartbeat = Heartbeat { instances: Vec::new(), tick_p99_us: 0, draining: false };
            if self.renew_host(request.host, &heartbeat, lease_until).await?.is_some() {
                self.renew_loads(catalogue, (request.host, &known), &heartbeat, now, lease_until).await?;
                return Ok(known);
            }
        }
        let last_epoch = self.take_epochs(request.zones.len()).await?;
        let first_epoch = last_epoch + 1 - request.zones.len() as u64;
        let instances: Vec<_> = (first_epoch..)
            .zip(&request.zones)
            .map(|(epoch, zone)| AssignedInstance {
                instance: InstanceId::new(now, crate::clock::random_u128()),
                zone: zone.clone(),
                epoch: Epoch(epoch),
                purpose: Purpose::Public,
                on_demand: false,
            })
            .collect();
        let mut parts = vec![self.new_fleet_part(host_item(request, &instances, lease_until))];
        for assigned in &instances {
            parts.push(self.new_fleet_part(fence_item(request.host, assigned, lease_until)));
            let load = load_item(request.host, &request.url, assigned, lease_until);
            parts.push(self.new_fleet_part(load));
        }
        if self.transact(parts).await?.is_ok() {
            let empty = Heartbeat { instances: Vec::new(), tick_p99_us: 0, draining: false };
            self.renew_loads(catalogue, (request.host, &instances), &empty, now, lease_until).await?;
            return Ok(instances);
        }
        // The same registration, sent twice, was faster.
        self.host_instances(request.host).await?.ok_or(StoreError::Contended("a registration"))
    }

    fn new_fleet_part(&self, item: Item) -> TransactWriteItem {
        transact::put(
            Put::builder()
                .table_name(&self.tables.fleet)
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(pk)"),
        )
    }

    /// Counts the epochs on by `count`; the answer is the last one taken.
    pub(crate) async fn take_epochs(&self, count: usize) -> Result<u64, StoreError> {
        let call = self
            .client
            .update_item()
            .table_name(&self.tables.fleet)
            .key("pk", text("epoch"))
            .update_expression("SET v = :v ADD epoch :count")
            .expression_attribute_values(":v", number(crate::store::ITEM_VERSION))
            .expression_attribute_values(":count", number(count))
            .return_values(ReturnValue::AllNew);
        let item = sent(call.send()).await?.attributes.unwrap_or_default();
        item::read_number(&item, "epoch")
    }

    /// The instances of the host, unless it is unknown.
    pub(crate) async fn host_instances(
        &self,
        host: HostId,
    ) -> Result<Option<Vec<AssignedInstance>>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.fleet).key("pk", text(host));
        let item = sent(call.consistent_read(true).send()).await?.item;
        item.as_ref().map(read_instances).transpose()
    }

    /// Renews the lease of the host and takes over its load; what it reports of instances that are not its own is
    /// passed over. The answer is what it is to run, `None` if the host is unknown.
    pub(crate) async fn heartbeat(
        &self,
        catalogue: &Catalogue,
        host: HostId,
        heartbeat: &Heartbeat,
        now: UnixMillis,
        lease_until: UnixMillis,
    ) -> Result<Option<Vec<AssignedInstance>>, StoreError> {
        let Some(renewed) = self.renew_host(host, heartbeat, lease_until).await? else { return Ok(None) };
        let owned = read_instances(&renewed)?;
        self.renew_loads(catalogue, (host, &owned), heartbeat, now, lease_until).await?;
        let fences_until: u64 = match renewed.get("fences_until") {
            Some(_) => item::read_number(&renewed, "fences_until")?,
            None => 0,
        };
        if fences_until < now.as_secs() + FORGOTTEN_AFTER_SECS / 2 {
            self.renew_fences(host, &owned, lease_until.as_secs() + FORGOTTEN_AFTER_SECS).await?;
        }
        Ok(Some(owned))
    }

    /// Lets the fences live on, twice a day: more often would only get in the way of the writes that check them.
    async fn renew_fences(
        &self,
        host: HostId,
        owned: &[AssignedInstance],
        until_secs: u64,
    ) -> Result<(), StoreError> {
        let fences = owned.iter().map(|own| (own.instance.to_string(), "ttl", "epoch"));
        for (key, attribute, needed) in fences.chain([(host.to_string(), "fences_until", "lease_until")]) {
            let call = self
                .client
                .update_item()
                .table_name(&self.tables.fleet)
                .key("pk", text(key))
                .update_expression("SET #attribute = :until")
                .condition_expression("attribute_exists(#needed)")
                .expression_attribute_names("#attribute", attribute)
                .expression_attribute_names("#needed", needed)
                .expression_attribute_values(":until", number(until_secs));
            // One that was closed in between needs none.
            if_held(call.send()).await?;
        }
        Ok(())
    }

    /// The items of the table `fleet` with these keys, in any order.
    pub(crate) async fn fleet_items(&self, keys: &[String]) -> Result<Vec<Item>, StoreError> {
        self.batch_get(&self.tables.fleet, keys.iter().map(item::key).collect()).await
    }

    async fn renew_host(
        &self,
        host: HostId,
        heartbeat: &Heartbeat,
        lease_until: UnixMillis,
    ) -> Result<Option<Item>, StoreError> {
        let players: u32 = heartbeat.instances.iter().map(|load| load.players).fold(0, u32::saturating_add);
        let call = self
            .client
            .update_item()
            .table_name(&self.tables.fleet)
            .key("pk", text(host))
            .update_expression(
                "SET lease_until = :until, #ttl = :ttl, draining = :draining, tick_p99_us = :tick_p99_us, \
                 players = :players",
            )
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":until", number(lease_until.as_millis()))
            .expression_attribute_values(":ttl", number(lease_until.as_secs() + FORGOTTEN_AFTER_SECS))
            .expression_attribute_values(":draining", AttributeValue::Bool(heartbeat.draining))
            .expression_attribute_values(":tick_p99_us", number(heartbeat.tick_p99_us))
            .expression_attribute_values(":players", number(players))
            .return_values(ReturnValue::AllNew);
        let done = if_held(call.send()).await?;
        Ok(done.map(|done| done.attributes.unwrap_or_default()))
    }

    /// The items of the hosts that have a lease, those that take nobody in any more among them, by their ids.
    pub(crate) async fn leased_hosts(&self, now: UnixMillis) -> Result<Vec<Item>, StoreError> {
        let shards = (0..HOST_SHARDS).map(|shard| async move {
            let query = self
                .client
                .query()
                .table_name(&self.tables.fleet)
                .index_name("by_zone")
                .key_condition_expression("#zone = :hosts")
                .filter_expression("lease_until > :now")
                .expression_attribute_names("#zone", "zone")
                .expression_attribute_values(":hosts", text(hosts_partition(shard)))
                .expression_attribute_values(":now", number(now.as_millis()));
            all(query).await
        });
        let mut hosts: Vec<_> = try_join_all(shards).await?.into_iter().flatten().collect();
        hosts.sort_by(|one, other| item::read_text(one, "pk").ok().cmp(&item::read_text(other, "pk").ok()));
        Ok(hosts)
    }

    /// Removes the host and its instances: whatever it writes afterwards is fenced. Nothing happens if it is
    /// unknown.
    pub(crate) async fn remove_host(&self, host: HostId) -> Result<(), StoreError> {
        let Some(instances) = self.host_instances(host).await? else { return Ok(()) };
        let keys = instances.iter().flat_map(|own| [own.instance.to_string(), load_key(own.instance)]);
        let parts = keys
            .chain([host.to_string()])
            .map(|key| {
                transact::delete(Delete::builder().table_name(&self.tables.fleet).key("pk", text(key)))
            })
            .collect();
        self.transact(parts).await?.map_err(|_| StoreError::Contended("a host"))?;
        self.unadvertise(instances.iter().filter(|own| own.purpose.is_public()).map(|own| own.instance)).await
    }

    /// The check that `epoch` is the present ownership of the instance, as part of a transaction.
    pub(crate) fn fence_part(&self, instance: InstanceId, epoch: Epoch) -> TransactWriteItem {
        transact::check(
            ConditionCheck::builder()
                .table_name(&self.tables.fleet)
                .key("pk", text(instance))
                .condition_expression("epoch = :epoch")
                .expression_attribute_values(":epoch", number(epoch)),
        )
    }
}

pub(crate) fn fleet_item(pk: impl ToString, lease_until: UnixMillis) -> Item {
    let mut item = item::new_item(pk);
    item.insert("ttl".into(), number(lease_until.as_secs() + FORGOTTEN_AFTER_SECS));
    item
}

fn host_item(request: &RegisterHost, instances: &[AssignedInstance], lease_until: UnixMillis) -> Item {
    let mut item = fleet_item(request.host, lease_until);
    item.extend([
        ("zone".to_owned(), text(hosts_partition(request.host.as_u128() % HOST_SHARDS))),
        ("region".to_owned(), text(&request.region)),
        ("url".to_owned(), text(&request.url)),
        ("wire_version".to_owned(), number(request.wire_version)),
        ("lease_until".to_owned(), number(lease_until.as_millis())),
        ("draining".to_owned(), AttributeValue::Bool(false)),
        ("players".to_owned(), number(0)),
        ("instances".to_owned(), AttributeValue::L(instances.iter().map(assigned_value).collect())),
    ]);
    item
}

/// An entry of a host's list of instances.
pub(crate) fn assigned_value(assigned: &AssignedInstance) -> AttributeValue {
    AttributeValue::M(Item::from([
        ("instance".to_owned(), text(assigned.instance)),
        ("zone".to_owned(), text(&assigned.zone)),
        ("epoch".to_owned(), number(assigned.epoch)),
        ("purpose".to_owned(), text(purpose_text(&assigned.purpose))),
        ("on_demand".to_owned(), AttributeValue::Bool(assigned.on_demand)),
    ]))
}

/// Who owns an instance.
pub(crate) fn fence_item(host: HostId, assigned: &AssignedInstance, lease_until: UnixMillis) -> Item {
    let mut fence = fleet_item(assigned.instance, lease_until);
    fence.insert("host".into(), text(host));
    fence.insert("epoch".into(), number(assigned.epoch));
    fence
}

pub(crate) fn purpose_text(purpose: &Purpose) -> String {
    serde_json::to_string(purpose).expect("a purpose is plain data")
}

/// The instances of a host's item.
pub(crate) fn read_instances(item: &Item) -> Result<Vec<AssignedInstance>, StoreError> {
    item::check_version(item)?;
    let Some(AttributeValue::L(list)) = item.get("instances") else {
        return Err(StoreError::Corrupt {
            pk: item::read_text(item, "pk")?.to_owned(),
            reason: "it has no list of instances".into(),
        });
    };
    let assigned = |value: &AttributeValue| {
        let map = value.as_m().map_err(|_| StoreError::Corrupt {
            pk: "a host".into(),
            reason: "its list of instances holds something else".into(),
        })?;
        Ok(AssignedInstance {
            instance: item::read_parsed(map, "instance")?,
            zone: item::read_parsed(map, "zone")?,
            epoch: Epoch(item::read_number(map, "epoch")?),
            purpose: read_purpose(map)?,
            on_demand: matches!(map.get("on_demand"), Some(AttributeValue::Bool(true))),
        })
    };
    list.iter().map(assigned).collect()
}
