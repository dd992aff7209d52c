//! Hosts, their leases and their instances, in the table `fleet`. `hst_...` is a host, `ins_...` says who owns
//! an instance and is written only when that changes, `load#ins_...` says how full it is and changes each
//! second: a durable write checks the former and never meets a heartbeat.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, ReturnValue, TransactWriteItem};
use domain::contract::hosts::{AssignedInstance, Heartbeat, InstanceLoad, RegisterHost};
use domain::contract::instances::Purpose;
use domain::ids::{Epoch, HostId, InstanceId, ZoneId};
use domain::time::UnixMillis;
use futures_util::future::try_join_all;

use crate::store::item::{self, Item, number, text};
use crate::store::{Store, StoreError, seats, transact, unavailable};

/// Seconds after the end of its lease that a host can still come back; then its items expire.
pub(crate) const FORGOTTEN_AFTER_SECS: u64 = 24 * 60 * 60;

/// The value of the index attribute `zone` in the items of hosts, so that the index lists them too. No zone has such
/// a name.
pub(crate) const HOSTS_PARTITION: &str = "#hosts";

/// Whether what the index lists has a host that is not draining.
pub(crate) fn takes_players(item: &Item) -> bool {
    item.get("draining") == Some(&AttributeValue::Bool(false))
}

impl Store {
    /// Makes the host and one instance for each zone that it offers. A host that is known gets what it got
    /// before, with a new lease.
    pub(crate) async fn register_host(
        &self,
        request: &RegisterHost,
        now: UnixMillis,
        lease_until: UnixMillis,
    ) -> Result<Vec<AssignedInstance>, StoreError> {
        if let Some(known) = self.host_instances(request.host).await? {
            let heartbeat = Heartbeat { instances: Vec::new(), tick_p99_us: 0, draining: false };
            if self.renew_host(request.host, &heartbeat, lease_until).await?.is_some() {
                self.renew_loads(&known, &heartbeat, lease_until).await?;
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
        let item = call.send().await.map_err(unavailable)?.attributes.unwrap_or_default();
        item::read_number(&item, "epoch")
    }

    /// The instances of the host, unless it is unknown.
    pub(crate) async fn host_instances(
        &self,
        host: HostId,
    ) -> Result<Option<Vec<AssignedInstance>>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.fleet).key("pk", text(host));
        let item = call.consistent_read(true).send().await.map_err(unavailable)?.item;
        item.as_ref().map(read_instances).transpose()
    }

    /// Renews the lease of the host and takes over its load; what it reports of instances that are not its own is
    /// passed over. The answer is what it is to run, `None` if the host is unknown.
    pub(crate) async fn heartbeat(
        &self,
        host: HostId,
        heartbeat: &Heartbeat,
        now: UnixMillis,
        lease_until: UnixMillis,
    ) -> Result<Option<Vec<AssignedInstance>>, StoreError> {
        let Some(renewed) = self.renew_host(host, heartbeat, lease_until).await? else { return Ok(None) };
        let owned = read_instances(&renewed)?;
        let loads = self.renew_loads(&owned, heartbeat, lease_until).await?;
        for (instance, load) in loads {
            self.sweep_seats(instance, &load, now).await?;
        }
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
            seats::done_if(call.send().await)?;
        }
        Ok(())
    }

    /// What the index lists under a zone and whose host has a lease, draining or not.
    pub(crate) async fn leased(&self, zone: impl ToString, now: UnixMillis) -> Result<Vec<Item>, StoreError> {
        let zone = text(zone);
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            let call = self
                .client
                .query()
                .table_name(&self.tables.fleet)
                .index_name("by_zone")
                .key_condition_expression("#zone = :zone")
                .filter_expression("lease_until > :now")
                .expression_attribute_names("#zone", "zone")
                .expression_attribute_values(":zone", zone.clone())
                .expression_attribute_values(":now", number(now.as_millis()))
                .set_exclusive_start_key(start);
            let page = call.send().await.map_err(unavailable)?;
            found.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
    }

    /// The items of the table `fleet` with these keys, at most 100, in any order.
    pub(crate) async fn fleet_items(&self, keys: &[String]) -> Result<Vec<Item>, StoreError> {
        let key = |key: &String| Item::from([("pk".to_owned(), text(key))]);
        self.items(&self.tables.fleet, keys.iter().map(key).collect()).await
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
        match call.send().await {
            Ok(done) => Ok(Some(done.attributes.unwrap_or_default())),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(None)
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Writes lease and load of each instance; the answer is their items after it.
    async fn renew_loads(
        &self,
        owned: &[AssignedInstance],
        heartbeat: &Heartbeat,
        lease_until: UnixMillis,
    ) -> Result<Vec<(InstanceId, Item)>, StoreError> {
        let reported: HashMap<_, _> = heartbeat
            .instances
            .iter()
            .map(|InstanceLoad { instance, players }| (*instance, *players))
            .collect();
        let renewals = owned.iter().map(|own| async {
            let mut call = self
                .client
                .update_item()
                .table_name(&self.tables.fleet)
                .key("pk", text(load_key(own.instance)))
                .condition_expression("attribute_exists(pk)")
                .expression_attribute_names("#ttl", "ttl")
                .expression_attribute_values(":until", number(lease_until.as_millis()))
                .expression_attribute_values(":ttl", number(lease_until.as_secs() + FORGOTTEN_AFTER_SECS))
                .expression_attribute_values(":draining", AttributeValue::Bool(heartbeat.draining))
                .return_values(ReturnValue::AllNew);
            let set = "SET lease_until = :until, #ttl = :ttl, draining = :draining";
            call = match reported.get(&own.instance) {
                Some(players) => call
                    .update_expression(format!("{set}, players = :players"))
                    .expression_attribute_values(":players", number(players)),
                None => call.update_expression(set),
            };
            match call.send().await {
                Ok(done) => Ok(Some((own.instance, done.attributes.unwrap_or_default()))),
                // The instance is gone: its host was removed between the two writes.
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
                {
                    Ok(None)
                }
                Err(error) => Err(unavailable(error)),
            }
        });
        Ok(try_join_all(renewals).await?.into_iter().flatten().collect())
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
        self.transact(parts).await?.map_err(|_| StoreError::Contended("a host"))
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

/// The key of the load of an instance.
pub(crate) fn load_key(instance: InstanceId) -> String {
    format!("load#{instance}")
}

fn fleet_item(pk: impl ToString, lease_until: UnixMillis) -> Item {
    let mut item = item::new_item(pk);
    item.insert("ttl".into(), number(lease_until.as_secs() + FORGOTTEN_AFTER_SECS));
    item
}

fn host_item(request: &RegisterHost, instances: &[AssignedInstance], lease_until: UnixMillis) -> Item {
    let mut item = fleet_item(request.host, lease_until);
    item.extend([
        ("zone".to_owned(), text(HOSTS_PARTITION)),
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

/// What an instance is and how full. Only a public one has the attribute `zone` of the index, so that nobody who
/// joins the zone is sent to another.
pub(crate) fn load_item(
    host: HostId,
    url: &str,
    assigned: &AssignedInstance,
    lease_until: UnixMillis,
) -> Item {
    let mut item = fleet_item(load_key(assigned.instance), lease_until);
    if assigned.purpose.is_public() {
        item.insert("zone".to_owned(), text(&assigned.zone));
    }
    item.extend([
        ("of_zone".to_owned(), text(&assigned.zone)),
        ("purpose".to_owned(), text(purpose_text(&assigned.purpose))),
        ("instance".to_owned(), text(assigned.instance)),
        ("host".to_owned(), text(host)),
        ("url".to_owned(), text(url)),
        ("lease_until".to_owned(), number(lease_until.as_millis())),
        ("draining".to_owned(), AttributeValue::Bool(false)),
        ("players".to_owned(), number(0)),
        ("seats".to_owned(), AttributeValue::M(Item::new())),
    ]);
    item
}

fn purpose_text(purpose: &Purpose) -> String {
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

/// The purpose of an instance; items from before there were any are of public ones.
pub(crate) fn read_purpose(item: &Item) -> Result<Purpose, StoreError> {
    if !item.contains_key("purpose") {
        return Ok(Purpose::Public);
    }
    serde_json::from_str(item::read_text(item, "purpose")?).map_err(|error| StoreError::Corrupt {
        pk: item::read_text(item, "instance").unwrap_or_default().to_owned(),
        reason: format!("its purpose is malformed: {error}"),
    })
}

/// The zone of an instance's load.
pub(crate) fn read_zone(load: &Item) -> Result<ZoneId, StoreError> {
    item::read_parsed(load, if load.contains_key("of_zone") { "of_zone" } else { "zone" })
}
