//! Loads: `load#ins_...` says how full an instance is and until when its host has a lease. Heartbeats write it, joins
//! count seats in it, and it is in no index: [`super::adverts`] tell what of it must be found.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::catalogue::Catalogue;
use domain::contract::hosts::{AssignedInstance, Heartbeat};
use domain::contract::instances::Purpose;
use domain::ids::{HostId, InstanceId, ZoneId};
use domain::time::UnixMillis;
use futures_util::future::try_join_all;

use crate::placement::{Openness, openness};
use crate::store::fleet::{FORGOTTEN_AFTER_SECS, fleet_item, purpose_text};
use crate::store::item::{self, Item, number, text};
use crate::store::{Store, StoreError, if_held};

/// An advert is good for so long after the lease: then it is renewed even if nothing changed.
const ADVERT_OUTLIVES_MILLIS: u64 = 4_000;

/// An advert is renewed when the players and seats that it tells of are off by more than this part.
const ADVERT_PART: u32 = 32;

/// Seconds of which the seats are swept at a time: an expression takes 4 KiB. The rest waits for the next heartbeat.
const SWEPT_SECONDS_MAX: usize = 60;

/// What a heartbeat makes of one load.
struct Renewal {
    players: Option<u32>,
    /// How many seats have ended, by their second.
    ended: Vec<(String, u32)>,
    /// The load as it will be, if it is to be advertised anew.
    advert: Option<(Item, Openness, UnixMillis)>,
}

impl Store {
    /// Writes lease and load of each instance, counts seats out that have ended, and advertises what changed. What
    /// another host has taken over since `owned` was read is that host's to renew.
    pub(crate) async fn renew_loads(
        &self,
        catalogue: &Catalogue,
        (host, owned): (HostId, &[AssignedInstance]),
        heartbeat: &Heartbeat,
        now: UnixMillis,
        lease_until: UnixMillis,
    ) -> Result<(), StoreError> {
        let keys: Vec<_> = owned.iter().map(|own| load_key(own.instance)).collect();
        // One that is missing is gone: its host was removed between the two calls.
        let loads = self.fleet_items(&keys).await?;
        let renewals =
            loads.into_iter().map(|load| self.renew(catalogue, (host, load), heartbeat, now, lease_until));
        try_join_all(renewals).await.map(drop)
    }

    /// Renews one load as it was read, if it is this host's: then, and when it is written.
    async fn renew(
        &self,
        catalogue: &Catalogue,
        (host, load): (HostId, Item),
        heartbeat: &Heartbeat,
        now: UnixMillis,
        lease_until: UnixMillis,
    ) -> Result<(), StoreError> {
        if item::read_parsed::<HostId>(&load, "host")? != host {
            return Ok(());
        }
        let instance: InstanceId = item::read_parsed(&load, "instance")?;
        let reported = heartbeat.instances.iter().find(|load| load.instance == instance);
        let players = reported.map(|load| load.players);
        let renewal = renewal(catalogue, load, players, heartbeat.draining, now, lease_until)?;
        if let Some((load, openness, until)) = &renewal.advert {
            self.advertise(load, *openness, *until).await?;
        }
        let own = (host, instance);
        if !self.renew_load(own, &renewal, heartbeat.draining, lease_until).await?
            && !renewal.ended.is_empty()
        {
            // Somebody was promised or gave up a seat that should have ended, by another clock.
            let unswept = Renewal { ended: Vec::new(), ..renewal };
            self.renew_load(own, &unswept, heartbeat.draining, lease_until).await?;
        }
        Ok(())
    }

    /// False if the host has no such load (any more), or the seats that have ended are not those.
    async fn renew_load(
        &self,
        (host, instance): (HostId, InstanceId),
        renewal: &Renewal,
        draining: bool,
        lease_until: UnixMillis,
    ) -> Result<bool, StoreError> {
        let mut sets = vec!["lease_until = :until, #ttl = :ttl, draining = :draining".to_owned()];
        let mut conditions = vec!["host = :host".to_owned()];
        let mut call = self
            .client
            .update_item()
            .table_name(&self.tables.fleet)
            .key("pk", text(load_key(instance)))
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":until", number(lease_until.as_millis()))
            .expression_attribute_values(":ttl", number(lease_until.as_secs() + FORGOTTEN_AFTER_SECS))
            .expression_attribute_values(":draining", AttributeValue::Bool(draining))
            .expression_attribute_values(":host", text(host))
            .return_values(ReturnValue::None);
        let ended: i64 = renewal.ended.iter().map(|(_, count)| i64::from(*count)).sum();
        let mut removed = Vec::new();
        for (index, (second, count)) in renewal.ended.iter().enumerate() {
            removed.push(format!("ends.#e{index}"));
            conditions.push(format!("ends.#e{index} = :e{index}"));
            call = call
                .expression_attribute_names(format!("#e{index}"), second)
                .expression_attribute_values(format!(":e{index}"), number(count));
        }
        if ended > 0 {
            sets.push("seats = seats - :ended".to_owned());
            call = call.expression_attribute_values(":ended", number(ended));
        }
        match renewal.players {
            Some(players) => {
                // Of the seats as they are before this update.
                sets.push("players = :players, taken = seats + :others".to_owned());
                call = call
                    .expression_attribute_values(":players", number(players))
                    .expression_attribute_values(":others", number(i64::from(players) - ended));
            }
            None if ended > 0 => sets.push("taken = taken - :ended".to_owned()),
            None => {}
        }
        if let Some((load, _, until)) = &renewal.advert {
            sets.push("told_until = :told_until, told = :told, told_as = :told_as".to_owned());
            call = call.expression_attribute_values(":told_until", number(until.as_millis()));
            for name in ["told", "told_as"] {
                call = call.expression_attribute_values(format!(":{name}"), load[name].clone());
            }
        }
        let mut update = format!("SET {}", sets.join(", "));
        if !removed.is_empty() {
            update = format!("{update} REMOVE {}", removed.join(", "));
        }
        let call = call.update_expression(update).condition_expression(conditions.join(" AND "));
        Ok(if_held(call.send()).await?.is_some())
    }
}

/// What becomes of the load by a heartbeat.
fn renewal(
    catalogue: &Catalogue,
    mut load: Item,
    players: Option<u32>,
    draining: bool,
    now: UnixMillis,
    lease_until: UnixMillis,
) -> Result<Renewal, StoreError> {
    let mut ended = Vec::new();
    let ends = item::read_map(&load, "ends")?;
    for second in ends.keys() {
        if second.parse::<u64>().is_ok_and(|second| second * 1_000 <= now.as_millis()) {
            ended.push((second.clone(), item::read_number(ends, second)?));
        }
    }
    ended.sort_unstable();
    ended.truncate(SWEPT_SECONDS_MAX);
    let swept: u32 = ended.iter().map(|(_, count)| *count).sum();
    let mut renewal = Renewal { players, ended, advert: None };
    if !read_purpose(&load)?.is_public() {
        return Ok(renewal);
    }
    let players = players.map_or_else(|| item::read_number(&load, "players"), Ok)?;
    let seats = item::read_number::<u32>(&load, "seats")?.saturating_sub(swept);
    let occupied = players.saturating_add(seats);
    let capacity = catalogue.zone(&read_zone(&load)?).map_or(0, |zone| zone.capacity);
    let openness = if draining { Openness::Full } else { openness(occupied, capacity) };
    let is_told = load.get("told_as") == Some(&text(openness.name()))
        && load.get("draining") == Some(&AttributeValue::Bool(draining))
        && item::read_number::<u64>(&load, "told_until")? >= lease_until.as_millis()
        && item::read_number::<u32>(&load, "told")?.abs_diff(occupied) <= occupied / ADVERT_PART;
    if !is_told {
        load.insert("draining".to_owned(), AttributeValue::Bool(draining));
        load.insert("players".to_owned(), number(players));
        load.insert("seats".to_owned(), number(seats));
        load.insert("told".to_owned(), number(occupied));
        load.insert("told_as".to_owned(), text(openness.name()));
        renewal.advert = Some((load, openness, lease_until.plus_millis(ADVERT_OUTLIVES_MILLIS)));
    }
    Ok(renewal)
}

/// The key of the load of an instance.
pub(crate) fn load_key(instance: InstanceId) -> String {
    format!("load#{instance}")
}

/// What an instance is and how full.
pub(crate) fn load_item(
    host: HostId,
    url: &str,
    assigned: &AssignedInstance,
    lease_until: UnixMillis,
) -> Item {
    let mut item = fleet_item(load_key(assigned.instance), lease_until);
    item.extend([
        ("of_zone".to_owned(), text(&assigned.zone)),
        ("purpose".to_owned(), text(purpose_text(&assigned.purpose))),
        ("instance".to_owned(), text(assigned.instance)),
        ("host".to_owned(), text(host)),
        ("url".to_owned(), text(url)),
        ("lease_until".to_owned(), number(lease_until.as_millis())),
        ("draining".to_owned(), AttributeValue::Bool(false)),
        ("players".to_owned(), number(0)),
        ("seats".to_owned(), number(0)),
        // Both together.
        ("taken".to_owned(), number(0)),
        // How many seats end in which second.
        ("ends".to_owned(), AttributeValue::M(Item::new())),
    ]);
    item
}

/// The purpose of an instance.
pub(crate) fn read_purpose(item: &Item) -> Result<Purpose, StoreError> {
    serde_json::from_str(item::read_text(item, "purpose")?).map_err(|error| StoreError::Corrupt {
        pk: item::read_text(item, "instance").unwrap_or_default().to_owned(),
        reason: format!("its purpose is malformed: {error}"),
    })
}

/// The zone of an instance's load.
pub(crate) fn read_zone(load: &Item) -> Result<ZoneId, StoreError> {
    item::read_parsed(load, "of_zone")
}

#[cfg(test)]
mod tests;
