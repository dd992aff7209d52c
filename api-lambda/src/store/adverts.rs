//! Adverts: `open#ins_...` says in the index `by_zone` that a public instance takes players, under its zone and how
//! open it is, so that who joins reads one page, however many instances are full. Adverts are hints: they are written
//! when something changed, and the load decides.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ids::{HostId, InstanceId, ZoneId};
use domain::time::UnixMillis;
use futures_util::future::try_join_all;

use crate::placement::{Openness, openness};
use crate::store::item::{self, Item, number, text};
use crate::store::loads::{load_key, read_purpose, read_zone};
use crate::store::{Store, StoreError, if_held, sent};

/// Adverts of a page.
const PAGE: i32 = 32;

/// An advert that nobody has renewed for so long after its end is deleted by who finds it: its host has died.
const LINGERS_MILLIS: u64 = 60_000;

/// An instance that players may be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenInstance {
    pub(crate) instance: InstanceId,
    pub(crate) host: HostId,
    pub(crate) url: String,
    /// Players that its host counted last.
    pub(crate) players: u32,
    /// Seats promised, those that the next heartbeat will sweep included.
    pub(crate) seats: u32,
}

impl OpenInstance {
    /// Players in it and on their way.
    pub(crate) const fn occupied(&self) -> u32 {
        self.players.saturating_add(self.seats)
    }
}

/// A page of instances that are equally open.
#[derive(Debug)]
struct OpenPage {
    open: Vec<OpenInstance>,
    /// Where the next page starts, if there is one.
    next: Option<Item>,
}

/// Where to look for an instance: the most open first, page by page, as far as the caller wants.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    zone: &'a ZoneId,
    next: Option<(Openness, Option<Item>)>,
    /// What was found, so that an instance that is advertised elsewhere meanwhile is not found again.
    seen: BTreeSet<InstanceId>,
}

impl<'a> Search<'a> {
    pub(crate) const fn new(zone: &'a ZoneId) -> Self {
        Self { zone, next: Some((Openness::Gather, None)), seen: BTreeSet::new() }
    }

    /// Whether instances in which players gather may be unread.
    pub(crate) fn gathers(&self) -> bool {
        matches!(self.next, Some((Openness::Gather, _)))
    }

    /// Reads these instances, wherever they are listed.
    pub(crate) async fn among(
        &mut self,
        store: &Store,
        instances: &[InstanceId],
        now: UnixMillis,
    ) -> Result<Vec<OpenInstance>, StoreError> {
        self.seen.extend(instances);
        store.open_among(self.zone, instances, now).await
    }

    /// Reads the next page; `None` after the last one. Of the full instances one page is read, which tells a full zone
    /// from one without instances.
    pub(crate) async fn next(
        &mut self,
        store: &Store,
        now: UnixMillis,
    ) -> Result<Option<Vec<OpenInstance>>, StoreError> {
        let Some((openness, start)) = self.next.take() else { return Ok(None) };
        let page = store.open_page(self.zone, openness, start, now).await?;
        self.next = match (openness, page.next) {
            (Openness::Full, _) => None,
            (Openness::Gather | Openness::Spread, Some(start)) => Some((openness, Some(start))),
            (Openness::Gather, None) => Some((Openness::Spread, None)),
            (Openness::Spread, None) => Some((Openness::Full, None)),
        };
        let mut open = page.open;
        open.retain(|open| self.seen.insert(open.instance));
        Ok(Some(open))
    }
}

impl Store {
    /// A page of the zone's instances that are this open, from `start` on, the oldest first.
    async fn open_page(
        &self,
        zone: &ZoneId,
        openness: Openness,
        start: Option<Item>,
        now: UnixMillis,
    ) -> Result<OpenPage, StoreError> {
        let call = self
            .client
            .query()
            .table_name(&self.tables.fleet)
            .index_name("by_zone")
            .key_condition_expression("#zone = :zone")
            .expression_attribute_names("#zone", "zone")
            .expression_attribute_values(":zone", text(listed_under(zone, openness)))
            .set_exclusive_start_key(start)
            .limit(PAGE);
        let page = sent(call.send()).await?;
        let mut open = Vec::new();
        for advert in page.items.unwrap_or_default() {
            let until: u64 = item::read_number(&advert, "lease_until")?;
            if until > now.as_millis() {
                if advert.get("draining") == Some(&AttributeValue::Bool(false)) {
                    open.push(read_open(&advert)?);
                }
            } else if until + LINGERS_MILLIS <= now.as_millis() {
                self.forget_advert(item::read_parsed(&advert, "instance")?, until).await?;
            }
        }
        Ok(OpenPage { open, next: page.last_evaluated_key })
    }

    /// All instances of the zone that take players, for overviews.
    pub(crate) async fn open_instances(
        &self,
        zone: &ZoneId,
        now: UnixMillis,
    ) -> Result<Vec<OpenInstance>, StoreError> {
        let all = Openness::ALL.map(|openness| async move {
            let (mut found, mut start) = (Vec::new(), None);
            loop {
                let page = self.open_page(zone, openness, start, now).await?;
                found.extend(page.open);
                start = page.next;
                if start.is_none() {
                    return Ok::<_, StoreError>(found);
                }
            }
        });
        Ok(try_join_all(all).await?.into_iter().flatten().collect())
    }

    /// Those of the instances that are public ones of the zone and take players, as they are now.
    async fn open_among(
        &self,
        zone: &ZoneId,
        instances: &[InstanceId],
        now: UnixMillis,
    ) -> Result<Vec<OpenInstance>, StoreError> {
        let keys: Vec<_> = instances.iter().map(|instance| load_key(*instance)).collect();
        let mut open = Vec::new();
        for some in keys.chunks(100) {
            for load in self.fleet_items(some).await? {
                let takes = load.get("draining") == Some(&AttributeValue::Bool(false))
                    && item::read_number::<u64>(&load, "lease_until")? > now.as_millis();
                if takes && read_purpose(&load)?.is_public() && read_zone(&load)? == *zone {
                    open.push(read_open(&load)?);
                }
            }
        }
        Ok(open)
    }

    /// Says how open the public instance with this load is, until `until`. A public instance has one host for
    /// as long as it lives, so nobody else's advert is overwritten.
    pub(crate) async fn advertise(
        &self,
        load: &Item,
        openness: Openness,
        until: UnixMillis,
    ) -> Result<(), StoreError> {
        let instance: InstanceId = item::read_parsed(load, "instance")?;
        let kept = ["instance", "host", "url", "draining", "players", "seats"];
        let mut advert: Item =
            kept.iter().filter_map(|name| Some(((*name).to_owned(), load.get(*name)?.clone()))).collect();
        advert.extend(item::new_item(advert_key(instance)));
        advert.insert("zone".to_owned(), text(listed_under(&read_zone(load)?, openness)));
        advert.insert("lease_until".to_owned(), number(until.as_millis()));
        advert.insert("ttl".to_owned(), number(until.plus_millis(LINGERS_MILLIS).as_secs()));
        let put = self.client.put_item().table_name(&self.tables.fleet).set_item(Some(advert));
        sent(put.send()).await.map(drop)
    }

    /// The seat that was taken last has filled the instance with this load so far that players go elsewhere: says so
    /// at once, for the next heartbeat is up to a second away.
    pub(crate) async fn advertise_filled(&self, load: &Item, capacity: u32) -> Result<(), StoreError> {
        let until = if load.contains_key("told_until") { "told_until" } else { "lease_until" };
        let until = UnixMillis::new(item::read_number(load, until)?);
        self.advertise(load, openness(item::read_number(load, "taken")?, capacity), until).await
    }

    /// Takes the adverts of instances away that are over.
    pub(crate) async fn unadvertise(
        &self,
        instances: impl IntoIterator<Item = InstanceId>,
    ) -> Result<(), StoreError> {
        let deletions = instances.into_iter().map(|instance| {
            let delete = self.client.delete_item().table_name(&self.tables.fleet);
            sent(delete.key("pk", text(advert_key(instance))).send())
        });
        try_join_all(deletions).await.map(drop)
    }

    /// Deletes an advert that ended at `until`, unless it was renewed.
    async fn forget_advert(&self, instance: InstanceId, until: u64) -> Result<(), StoreError> {
        let call = self
            .client
            .delete_item()
            .table_name(&self.tables.fleet)
            .key("pk", text(advert_key(instance)))
            .condition_expression("lease_until = :until")
            .set_expression_attribute_values(Some(HashMap::from([(":until".to_owned(), number(until))])));
        if_held(call.send()).await.map(drop)
    }
}

fn advert_key(instance: InstanceId) -> String {
    format!("open#{instance}")
}

/// The value of the index attribute `zone`; no name of a zone has a `#`.
fn listed_under(zone: &ZoneId, openness: Openness) -> String {
    format!("{zone}#{}", openness.name())
}

/// The instance of an advert or of a load.
pub(crate) fn read_open(item: &Item) -> Result<OpenInstance, StoreError> {
    item::check_version(item)?;
    Ok(OpenInstance {
        instance: item::read_parsed(item, "instance")?,
        host: item::read_parsed(item, "host")?,
        url: item::read_text(item, "url")?.to_owned(),
        players: item::read_number(item, "players")?,
        seats: item::read_number(item, "seats")?,
    })
}
