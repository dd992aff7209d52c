//! Who is where: hosts say who entered (the claim) and who left, and a character is online while the instance that
//! it is in has a living host.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::Update;
use domain::contract::hosts::EntryOutcome;
use domain::contract::instances::{LeftBatch, LeftCharacter};
use domain::ids::{CharacterId, HostId, InstanceId, ZoneId};
use domain::time::UnixMillis;

use crate::store::batches::{Entry, Fenced};
use crate::store::item::{self, Item, number, text};
use crate::store::loads::{load_key, read_zone};
use crate::store::transact::Part;
use crate::store::{Store, StoreError, transact};

/// Where a character is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Presence {
    pub(crate) character: CharacterId,
    /// Where it is, unless it is nowhere.
    pub(crate) online: Option<Stay>,
}

/// A stay in an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stay {
    pub(crate) instance: InstanceId,
    pub(crate) zone: ZoneId,
    pub(crate) host: HostId,
    /// When it came in.
    pub(crate) since: UnixMillis,
    /// It only looks on.
    pub(crate) spectates: bool,
}

impl Store {
    /// Where these characters are, at most 100, in their order. One that does not exist is nowhere.
    pub(crate) async fn presence(
        &self,
        characters: &[CharacterId],
        now: UnixMillis,
    ) -> Result<Vec<Presence>, StoreError> {
        let keys: BTreeSet<String> = characters.iter().map(ToString::to_string).collect();
        let items = self.player_items(&keys.into_iter().collect::<Vec<_>>()).await?;
        let mut stays = BTreeMap::new();
        let mut loads = BTreeSet::new();
        for item in items.iter().filter(|item| item.contains_key("instance")) {
            let instance: InstanceId = item::read_parsed(item, "instance")?;
            let since = match item.get("entered_at") {
                Some(_) => item::read_number(item, "entered_at")?,
                None => 0,
            };
            let spectates = item.contains_key("spectates");
            let stay = (instance, UnixMillis::new(since), spectates);
            stays.insert(item::read_parsed::<CharacterId>(item, "pk")?, stay);
            loads.insert(load_key(instance));
        }
        let mut running = BTreeMap::new();
        for load in self.fleet_items(&loads.into_iter().collect::<Vec<_>>()).await? {
            if UnixMillis::new(item::read_number(&load, "lease_until")?) > now {
                running.insert(item::read_parsed::<InstanceId>(&load, "instance")?, read_running(&load)?);
            }
        }
        let stay = |character: &CharacterId| {
            let (instance, since, spectates) = *stays.get(character)?;
            let (host, zone) = running.get(&instance)?;
            Some(Stay { instance, zone: zone.clone(), host: *host, since, spectates })
        };
        Ok(characters.iter().map(|id| Presence { character: *id, online: stay(id) }).collect())
    }

    /// The instance that both play in, if it is one and has a living host. Who only looks on touches nothing there.
    pub(crate) async fn together(
        &self,
        characters: [CharacterId; 2],
        now: UnixMillis,
    ) -> Result<Option<InstanceId>, StoreError> {
        let places = self.presence(&characters, now).await?;
        let plays = |stay: &&Stay| !stay.spectates;
        let mut places = places.iter().map(|one| one.online.as_ref().filter(plays).map(|stay| stay.instance));
        let first = places.next().flatten();
        Ok(first.filter(|_| places.all(|place| place == first)))
    }

    /// Notes who left the instance, for those whose newest claim is the host's.
    pub(crate) async fn apply_left(
        &self,
        instance: InstanceId,
        batch: &LeftBatch,
        now: UnixMillis,
    ) -> Result<Result<Vec<EntryOutcome>, Fenced>, StoreError> {
        let entries = batch.characters.iter().enumerate().map(|(index, left)| {
            let part = transact::update(
                Update::builder()
                    .table_name(&self.tables.players)
                    .key("pk", text(left.character))
                    .update_expression("REMOVE host, instance, entered_at, spectates")
                    .condition_expression("claim = :claim AND instance = :instance")
                    .expression_attribute_values(":claim", number(left.claim))
                    .expression_attribute_values(":instance", text(instance)),
            );
            Entry::new(index, left.character, vec![part])
        });
        let mut claims: BTreeMap<CharacterId, u64> = BTreeMap::new();
        for LeftCharacter { character, claim } in &batch.characters {
            claims.insert(*character, *claim);
        }
        let refused = |_: &Entry, parts: &[Part]| match parts {
            [Part::Refused(Some(item))] => {
                let claim = claims.get(&item::read_parsed(item, "pk")?).copied();
                // It was told before.
                let left =
                    !item.contains_key("instance") && item::read_number::<u64>(item, "claim").ok() == claim;
                Ok(Some(if left { EntryOutcome::Stored } else { EntryOutcome::Fenced }))
            }
            [Part::Refused(None)] => Ok(Some(EntryOutcome::Gone)),
            _ => Ok(None),
        };
        self.apply_batch(instance, batch.epoch, entries.collect(), now, refused).await
    }
}

fn read_running(load: &Item) -> Result<(HostId, ZoneId), StoreError> {
    Ok((item::read_parsed(load, "host")?, read_zone(load)?))
}
