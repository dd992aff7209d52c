//! What others may know of a character: its name, and where it is. It reads the tables `players` and `fleet`.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::KeysAndAttributes;
use domain::catalogue::Catalogue;
use domain::contract::social::{Presence, Whom};
use domain::ids::{CharacterId, InstanceId};
use domain::names::CharacterName;
use domain::time::UnixMillis;

use crate::store::characters::StoredCharacter;
use crate::store::fleet::load_key;
use crate::store::item::{self, Item, text};
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, unavailable};

/// What is shown of a character.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sighting {
    /// None if the character was deleted.
    pub(crate) name: Option<CharacterName>,
    pub(crate) presence: Presence,
}

impl Store {
    /// The character that is meant, unless there is none.
    pub(crate) async fn addressee(&self, whom: &Whom) -> Result<Option<StoredCharacter>, StoreError> {
        match whom {
            Whom::Character(character) => self.character(*character).await,
            Whom::Name(name) => match self.character_named(name).await? {
                Some(character) => self.character(character).await,
                None => Ok(None),
            },
        }
    }

    /// Names and places of these characters, at most 100; each is in the answer.
    pub(crate) async fn sightings(
        &self,
        characters: &[CharacterId],
        catalogue: &Catalogue,
        now: UnixMillis,
    ) -> Result<BTreeMap<CharacterId, Sighting>, StoreError> {
        let keys: BTreeSet<String> = characters.iter().map(ToString::to_string).collect();
        let items = self.player_items(&keys.into_iter().collect::<Vec<_>>()).await?;
        let mut seen: BTreeMap<CharacterId, Sighting> =
            characters.iter().map(|character| (*character, Sighting::default())).collect();
        let mut instances: BTreeMap<CharacterId, InstanceId> = BTreeMap::new();
        for item in &items {
            if item.contains_key("deleted_at") {
                continue;
            }
            let character: CharacterId = item::read_parsed(item, "pk")?;
            seen.entry(character).or_default().name = Some(item::read_parsed(item, "name")?);
            if item.contains_key("instance") {
                instances.insert(character, item::read_parsed(item, "instance")?);
            }
        }
        let loads = self.loads(&instances.values().copied().collect()).await?;
        for (character, instance) in instances {
            if let Some(load) = loads.get(&instance) {
                seen.entry(character).or_default().presence = presence_at(instance, load, catalogue, now)?;
            }
        }
        Ok(seen)
    }

    /// The items of the loads of these instances, at most 100.
    pub(crate) async fn loads(
        &self,
        instances: &BTreeSet<InstanceId>,
    ) -> Result<BTreeMap<InstanceId, Item>, StoreError> {
        let key = |instance: &InstanceId| Item::from([("pk".to_owned(), text(load_key(*instance)))]);
        let mut wanted: Vec<Item> = instances.iter().map(key).collect();
        let mut loads = BTreeMap::new();
        for attempt in 0..ATTEMPTS_MAX {
            if wanted.is_empty() {
                return Ok(loads);
            }
            let request = KeysAndAttributes::builder().set_keys(Some(wanted));
            let request = request.build().expect("the keys are given");
            let call = self.client.batch_get_item().request_items(&self.tables.fleet, request);
            let answer = call.send().await.map_err(unavailable)?;
            for item in answer.responses.unwrap_or_default().into_values().flatten() {
                loads.insert(item::read_parsed(&item, "instance")?, item);
            }
            let left = answer.unprocessed_keys.unwrap_or_default();
            wanted = left.into_values().flat_map(|keys| keys.keys).collect();
            if !wanted.is_empty() {
                back_off(attempt).await;
            }
        }
        Err(StoreError::Contended("a batch of loads"))
    }
}

/// The presence of somebody in the instance with this load. Whoever is on a host without a lease is nowhere.
fn presence_at(
    instance: InstanceId,
    load: &Item,
    catalogue: &Catalogue,
    now: UnixMillis,
) -> Result<Presence, StoreError> {
    if item::read_number::<u64>(load, "lease_until")? <= now.as_millis() {
        return Ok(Presence::default());
    }
    let zone = item::read_parsed(load, "zone")?;
    let capacity = catalogue.zone(&zone).map_or(0, |zone| zone.capacity);
    let seats = u32::try_from(item::read_map(load, "seats")?.len()).unwrap_or(u32::MAX);
    let occupied = item::read_number::<u32>(load, "players")?.saturating_add(seats);
    let draining = load.get("draining").and_then(|draining| draining.as_bool().ok()).copied();
    let joinable = occupied < capacity && draining == Some(false);
    Ok(Presence { online: true, zone: Some(zone), instance: Some(instance), joinable })
}
