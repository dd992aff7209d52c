//! Instances on demand: a match, a room or a party gets an instance of its own on the least loaded host, and one
//! that is over is taken away again. Each change is one transaction with the host's list of instances, the fence,
//! the load and the mail that tells the host, so that no two of them ever disagree.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};
use domain::contract::hosts::AssignedInstance;
use domain::contract::instances::Purpose;
use domain::contract::mail::HostOrder;
use domain::ids::{Epoch, HostId, InstanceId, ZoneId};
use domain::limits::INSTANCES_PER_HOST_MAX;
use domain::time::UnixMillis;

use crate::placement::{HostLoad, choose_host};
use crate::store::fleet::{
    self, FORGOTTEN_AFTER_SECS, HOSTS_PARTITION, assigned_value, fence_item, load_item, load_key,
};
use crate::store::item::{self, Item, number, text};
use crate::store::seats::OpenInstance;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, transact};

/// A running instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InstanceInfo {
    pub(crate) open: OpenInstance,
    pub(crate) zone: ZoneId,
    pub(crate) epoch: Epoch,
    pub(crate) purpose: Purpose,
    /// Its host has a lease. If not, it comes back within seconds or not at all.
    pub(crate) alive: bool,
    /// Its host takes nobody in any more.
    pub(crate) draining: bool,
}

/// What is known under the id of an instance.
enum Ownership {
    /// Nothing.
    Unknown,
    /// It is over, or about to be: its host is still storing what happened in it.
    Ended { closing: Option<Epoch> },
    /// A host runs it.
    Held(InstanceInfo),
}

/// Why an instance was not ended for its host.
#[derive(Debug)]
pub(crate) enum EndRefusal {
    /// The host does not own it.
    Fenced,
    /// Somebody was promised a seat in it.
    Awaited,
}

impl Store {
    /// Opens an instance of the zone on the least loaded host, under an id that the caller has chosen: repeated, it
    /// gives the same instance. `None` if no host has room for one more.
    /// If the host of that one has died, another host opens it anew, empty. `None` too if it was opened and is over.
    pub(crate) async fn open_instance_as(
        &self,
        instance: InstanceId,
        zone: &ZoneId,
        purpose: &Purpose,
        now: UnixMillis,
    ) -> Result<Option<OpenInstance>, StoreError> {
        let mut unfit = BTreeSet::new();
        for attempt in 0..ATTEMPTS_MAX {
            let lost = match self.ownership(instance, now).await? {
                Ownership::Ended { .. } => return Ok(None),
                Ownership::Held(held) if held.alive => return Ok(Some(held.open)),
                Ownership::Held(held) => Some(held),
                Ownership::Unknown => None,
            };
            let hosts = self.live_hosts(now).await?;
            let Some(host) = choose_host(&hosts, &unfit) else { return Ok(None) };
            let epoch = Epoch(self.take_epochs(1).await?);
            let assigned = AssignedInstance {
                instance,
                zone: zone.clone(),
                epoch,
                purpose: purpose.clone(),
                on_demand: true,
            };
            let mut parts = self.opening_parts(host, &assigned, lost.as_ref(), now);
            if let Some(lost) = lost {
                parts.push(self.forget_part(&lost, now).await?);
            }
            match self.transact(parts).await? {
                Ok(()) => {
                    let (host, url) = (host.host, host.url.clone());
                    return Ok(Some(OpenInstance { instance, host, url, players: 0, seats: 0 }));
                }
                Err(parts) if parts[0].is_refused() => drop(unfit.insert(host.host)),
                // The same request, sent twice at once, was faster.
                Err(_) => back_off(attempt).await,
            }
        }
        Err(StoreError::Contended("the opening of an instance"))
    }

    /// The host's list, the fence, the load, the mail.
    fn opening_parts(
        &self,
        host: &HostLoad,
        assigned: &AssignedInstance,
        lost: Option<&InstanceInfo>,
        now: UnixMillis,
    ) -> Vec<TransactWriteItem> {
        let fleet = &self.tables.fleet;
        let one = AttributeValue::L(vec![assigned_value(assigned)]);
        let list = Update::builder()
            .table_name(fleet)
            .key("pk", text(host.host))
            .update_expression("SET instances = list_append(instances, :one)")
            .condition_expression("lease_until > :now AND draining = :no AND size(instances) < :max")
            .expression_attribute_values(":one", one)
            .expression_attribute_values(":now", number(now.as_millis()))
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .expression_attribute_values(":max", number(INSTANCES_PER_HOST_MAX));
        let fence = Put::builder().table_name(fleet).set_item(Some(fence_item(
            host.host,
            assigned,
            host.lease_until,
        )));
        let fence = match lost {
            Some(lost) => fence
                .condition_expression("epoch = :epoch")
                .expression_attribute_values(":epoch", number(lost.epoch)),
            None => fence.condition_expression("attribute_not_exists(pk)"),
        };
        let load = Put::builder()
            .table_name(fleet)
            .set_item(Some(load_item(host.host, &host.url, assigned, host.lease_until)))
            .condition_expression("attribute_not_exists(pk) OR lease_until <= :now")
            .expression_attribute_values(":now", number(now.as_millis()));
        vec![
            transact::update(list),
            transact::put(fence),
            transact::put(load),
            self.mail_part(host.host, &HostOrder::Open(assigned.clone()), now),
        ]
    }

    /// Takes the instance out of the list of its dead host, unless that has come back.
    async fn forget_part(
        &self,
        lost: &InstanceInfo,
        now: UnixMillis,
    ) -> Result<TransactWriteItem, StoreError> {
        let index = self.index_at(lost.open.host, lost.open.instance).await?;
        let Some(index) = index else { return Ok(self.absent_part(lost.open.host)) };
        let update = self.unlisting(lost.open.host, lost.open.instance, index);
        Ok(transact::update(
            update
                .condition_expression(format!("{} AND lease_until <= :now", listed_at(index)))
                .expression_attribute_values(":now", number(now.as_millis())),
        ))
    }

    /// Where the instance is in the list of the host; `None` if there is no such host.
    async fn index_at(&self, host: HostId, instance: InstanceId) -> Result<Option<usize>, StoreError> {
        let Some(list) = self.host_instances(host).await? else { return Ok(None) };
        // An index behind the list refuses the transaction, and the caller reads anew.
        Ok(Some(list.iter().position(|own| own.instance == instance).unwrap_or(list.len())))
    }

    fn unlisting(
        &self,
        host: HostId,
        instance: InstanceId,
        index: usize,
    ) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
        Update::builder()
            .table_name(&self.tables.fleet)
            .key("pk", text(host))
            .update_expression(format!("REMOVE instances[{index}]"))
            .expression_attribute_names("#instance", "instance")
            .expression_attribute_values(":instance", text(instance))
    }

    fn absent_part(&self, host: HostId) -> TransactWriteItem {
        transact::check(
            aws_sdk_dynamodb::types::ConditionCheck::builder()
                .table_name(&self.tables.fleet)
                .key("pk", text(host))
                .condition_expression("attribute_not_exists(pk)"),
        )
    }

    /// The part that takes the instance from its host.
    async fn unlist_part(&self, held: &InstanceInfo) -> Result<TransactWriteItem, StoreError> {
        let OpenInstance { host, instance, .. } = held.open;
        Ok(match self.index_at(host, instance).await? {
            Some(index) => {
                transact::update(self.unlisting(host, instance, index).condition_expression(listed_at(index)))
            }
            None => self.absent_part(host),
        })
    }

    /// The hosts that have a lease and are not draining.
    async fn live_hosts(&self, now: UnixMillis) -> Result<Vec<HostLoad>, StoreError> {
        let hosts = self.leased(HOSTS_PARTITION, now).await?;
        hosts.iter().filter(|host| fleet::takes_players(host)).map(read_host).collect()
    }

    /// The instance, if it runs or will in a moment.
    pub(crate) async fn instance(
        &self,
        instance: InstanceId,
        now: UnixMillis,
    ) -> Result<Option<InstanceInfo>, StoreError> {
        Ok(match self.ownership(instance, now).await? {
            Ownership::Held(held) => Some(held),
            Ownership::Unknown | Ownership::Ended { .. } => None,
        })
    }

    /// Whether there was an instance of this id, and it is over.
    pub(crate) async fn is_over(&self, instance: InstanceId, now: UnixMillis) -> Result<bool, StoreError> {
        Ok(matches!(self.ownership(instance, now).await?, Ownership::Ended { .. }))
    }

    async fn ownership(&self, instance: InstanceId, now: UnixMillis) -> Result<Ownership, StoreError> {
        let keys = [instance.to_string(), load_key(instance)];
        let items = self.fleet_items(&keys).await?;
        let find =
            |key: &str| items.iter().find(|item| item::read_text(item, "pk").is_ok_and(|pk| pk == key));
        let Some(fence) = find(&keys[0]) else { return Ok(Ownership::Unknown) };
        item::check_version(fence)?;
        if !fence.contains_key("epoch") {
            return Ok(Ownership::Ended { closing: None });
        }
        let epoch = Epoch(item::read_number(fence, "epoch")?);
        match find(&keys[1]) {
            Some(load) if !fence.contains_key("closing") => Ok(Ownership::Held(read_info(load, epoch, now)?)),
            _ => Ok(Ownership::Ended { closing: Some(epoch) }),
        }
    }

    /// Ends an instance, whatever goes on in it: nobody is sent there any more, and its host is told to store
    /// everything and to say when it is done. If the host is dead, it is over at once. False if it did not run.
    pub(crate) async fn close_instance(
        &self,
        instance: InstanceId,
        reason: &str,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        for attempt in 0..ATTEMPTS_MAX {
            let Some(held) = self.instance(instance, now).await? else { return Ok(false) };
            let mut parts = vec![self.unlist_part(&held).await?, self.unload_part(instance, None)];
            if held.alive {
                let closing = Update::builder()
                    .table_name(&self.tables.fleet)
                    .key("pk", text(instance))
                    .update_expression("SET closing = :reason")
                    .condition_expression("epoch = :epoch")
                    .expression_attribute_values(":reason", text(reason))
                    .expression_attribute_values(":epoch", number(held.epoch));
                parts.push(transact::update(closing));
                let order = HostOrder::Close { instance, reason: reason.to_owned() };
                parts.push(self.mail_part(held.open.host, &order, now));
            } else {
                parts.push(self.entomb_part(instance, held.epoch, now));
            }
            if self.transact(parts).await?.is_ok() {
                return Ok(true);
            }
            back_off(attempt).await;
        }
        Err(StoreError::Contended("the closing of an instance"))
    }

    /// The host says that it has ended the instance: because it was told to, or because nobody is in it and nobody
    /// is on the way.
    pub(crate) async fn end_instance(
        &self,
        instance: InstanceId,
        epoch: Epoch,
        now: UnixMillis,
    ) -> Result<Result<(), EndRefusal>, StoreError> {
        for attempt in 0..ATTEMPTS_MAX {
            let parts = match self.ownership(instance, now).await? {
                Ownership::Ended { closing: None } => return Ok(Ok(())),
                Ownership::Ended { closing: Some(current) } if current == epoch => {
                    vec![self.entomb_part(instance, epoch, now)]
                }
                Ownership::Held(held) if held.epoch == epoch => vec![
                    self.unlist_part(&held).await?,
                    self.entomb_part(instance, epoch, now),
                    self.unload_part(instance, Some("size(seats) = :none")),
                ],
                Ownership::Unknown | Ownership::Ended { .. } | Ownership::Held(_) => {
                    return Ok(Err(EndRefusal::Fenced));
                }
            };
            match self.transact(parts).await? {
                Ok(()) => return Ok(Ok(())),
                Err(parts) if parts.get(2).is_some_and(transact::Part::is_refused) => {
                    return Ok(Err(EndRefusal::Awaited));
                }
                Err(_) => back_off(attempt).await,
            }
        }
        Err(StoreError::Contended("the end of an instance"))
    }

    /// The fence of an instance that is over: nothing can be written to it, and nothing opens it again.
    fn entomb_part(&self, instance: InstanceId, epoch: Epoch, now: UnixMillis) -> TransactWriteItem {
        transact::update(
            Update::builder()
                .table_name(&self.tables.fleet)
                .key("pk", text(instance))
                .update_expression("SET ended_at = :now, #ttl = :ttl REMOVE epoch, closing")
                .condition_expression("epoch = :epoch")
                .expression_attribute_names("#ttl", "ttl")
                .expression_attribute_values(":now", number(now.as_millis()))
                .expression_attribute_values(":ttl", number(now.as_secs() + FORGOTTEN_AFTER_SECS))
                .expression_attribute_values(":epoch", number(epoch)),
        )
    }

    fn unload_part(&self, instance: InstanceId, condition: Option<&str>) -> TransactWriteItem {
        let delete = Delete::builder().table_name(&self.tables.fleet).key("pk", text(load_key(instance)));
        transact::delete(match condition {
            Some(condition) => {
                delete.condition_expression(condition).expression_attribute_values(":none", number(0))
            }
            None => delete,
        })
    }
}

fn listed_at(index: usize) -> String {
    format!("instances[{index}].#instance = :instance")
}

fn read_host(item: &Item) -> Result<HostLoad, StoreError> {
    Ok(HostLoad {
        host: item::read_parsed(item, "pk")?,
        url: item::read_text(item, "url")?.to_owned(),
        lease_until: UnixMillis::new(item::read_number(item, "lease_until")?),
        players: item::read_number(item, "players")?,
        tick_p99_us: if item.contains_key("tick_p99_us") {
            item::read_number(item, "tick_p99_us")?
        } else {
            0
        },
        instances: fleet::read_instances(item)?.len(),
    })
}

fn read_info(load: &Item, epoch: Epoch, now: UnixMillis) -> Result<InstanceInfo, StoreError> {
    let lease_until = UnixMillis::new(item::read_number(load, "lease_until")?);
    Ok(InstanceInfo {
        open: crate::store::seats::read_open(load)?,
        zone: fleet::read_zone(load)?,
        epoch,
        purpose: fleet::read_purpose(load)?,
        alive: lease_until > now,
        draining: matches!(load.get("draining"), Some(AttributeValue::Bool(true))),
    })
}

#[cfg(test)]
mod tests;
