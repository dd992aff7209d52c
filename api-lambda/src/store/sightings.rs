//! What others may know of a character: its name, and where it is. It reads the tables `players` and `fleet`.

use std::collections::{BTreeMap, BTreeSet};

use domain::catalogue::Catalogue;
use domain::contract::social::{Presence, Whom};
use domain::ids::{CharacterId, InstanceId};
use domain::names::CharacterName;
use domain::time::UnixMillis;

use crate::store::adverts::read_open;
use crate::store::characters::StoredCharacter;
use crate::store::item::{self, Item};
use crate::store::loads::{load_key, read_purpose, read_zone};
use crate::store::{Store, StoreError};

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
        let keys: BTreeSet<String> = instances.values().map(|instance| load_key(*instance)).collect();
        let mut loads: BTreeMap<InstanceId, Item> = BTreeMap::new();
        for load in self.fleet_items(&keys.into_iter().collect::<Vec<_>>()).await? {
            loads.insert(item::read_parsed(&load, "instance")?, load);
        }
        for (character, instance) in instances {
            if let Some(load) = loads.get(&instance) {
                seen.entry(character).or_default().presence = presence_at(instance, load, catalogue, now)?;
            }
        }
        Ok(seen)
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
    let zone = read_zone(load)?;
    let capacity = catalogue.zone(&zone).map_or(0, |zone| zone.capacity);
    let draining = load.get("draining").and_then(|draining| draining.as_bool().ok()).copied();
    let open = draining == Some(false) && read_purpose(load)?.is_public();
    let joinable = open && read_open(load)?.occupied() < capacity;
    Ok(Presence { online: true, zone: Some(zone), instance: Some(instance), joinable })
}
