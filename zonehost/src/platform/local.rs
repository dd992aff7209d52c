//! The platform of a host that stands alone: characters, gains and tickets in memory. Benchmarks and the
//! host's own tests run on it; a studio can try its rules on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::contract::hosts::{
    AssignedInstance, BatchOutcome, ClaimCharacter, ClaimedCharacter, EntryOutcome, EventBatch, Heartbeat,
    HostLease, HostRegistered, RegisterHost, SaveBatch,
};
use domain::contract::players::{Character, ItemStack, Place};
use domain::ids::{AccountId, CharacterId, Epoch, HostId, InstanceId, SessionId, TicketId, ZoneId};
use domain::limits::{HOST_HEARTBEAT_MILLIS, HOST_LEASE_MILLIS, TICKET_LIFETIME_SECS};
use domain::names::CharacterName;
use domain::progression::level_of_xp;
use domain::token::{TICKET_ISSUER, TicketClaims};
use token::KeyRing;

use super::{Answer, Platform, PlatformError};
use crate::shared::unix_now;

/// A platform in memory. Clones share it.
#[derive(Clone)]
pub struct LocalPlatform {
    keys: KeyRing,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    characters: BTreeMap<CharacterId, Stored>,
    instances: BTreeMap<ZoneId, InstanceId>,
    applied: BTreeSet<(InstanceId, u64)>,
    host: Option<HostId>,
    tickets: u128,
}

struct Stored {
    account: AccountId,
    character: Character,
    claim: u64,
}

impl LocalPlatform {
    /// An empty platform that signs tickets with `keys`.
    #[must_use]
    pub fn new(keys: KeyRing) -> Self {
        Self { keys, state: Arc::default() }
    }

    /// Makes a character; `number` must be new.
    pub fn create(&self, number: u128, name: CharacterName, place: Option<Place>) -> CharacterId {
        let id = CharacterId::from_u128(number);
        let character = Character {
            id,
            name,
            version: 1,
            level: 1,
            xp: 0,
            kills: 0,
            deaths: 0,
            items: Vec::new(),
            place,
            created_at: unix_now(),
            updated_at: unix_now(),
        };
        let stored = Stored { account: AccountId::from_u128(number), character, claim: 0 };
        self.lock().characters.insert(id, stored);
        id
    }

    /// The character as stored.
    #[must_use]
    pub fn character(&self, id: CharacterId) -> Option<Character> {
        self.lock().characters.get(&id).map(|stored| stored.character.clone())
    }

    /// The claims of a ticket to enter `zone`; `None` if there is no such character or zone.
    #[must_use]
    pub fn ticket_claims(&self, character: CharacterId, zone: &ZoneId) -> Option<TicketClaims> {
        let mut state = self.lock();
        state.tickets += 1;
        let account = state.characters.get(&character)?.account;
        let now = unix_now().as_secs();
        Some(TicketClaims {
            iss: TICKET_ISSUER.into(),
            aud: state.host?,
            sub: account,
            sid: SessionId::from_u128(1),
            jti: TicketId::from_u128(state.tickets),
            iat: now,
            exp: now + TICKET_LIFETIME_SECS,
            character,
            instance: *state.instances.get(zone)?,
            zone: zone.clone(),
        })
    }

    /// A ticket to enter `zone`.
    #[must_use]
    pub fn ticket(&self, character: CharacterId, zone: &ZoneId) -> Option<String> {
        Some(self.keys.sign(&self.ticket_claims(character, zone)?))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lease(&self) -> HostLease {
        HostLease {
            expires_at: unix_now().plus_millis(HOST_LEASE_MILLIS),
            heartbeat_in_ms: HOST_HEARTBEAT_MILLIS,
            ticket_keys: self.keys.public().clone(),
            content: Vec::new(),
        }
    }
}

impl Platform for LocalPlatform {
    async fn register(&self, host: RegisterHost) -> Answer<HostRegistered> {
        let mut state = self.lock();
        state.host = Some(host.host);
        let instances = (1..).zip(host.zones).map(|(number, zone)| {
            let instance = InstanceId::from_u128(number);
            state.instances.insert(zone.clone(), instance);
            AssignedInstance { instance, zone, epoch: Epoch(1) }
        });
        let instances = instances.collect();
        drop(state);
        Ok(HostRegistered { instances, lease: self.lease() })
    }

    async fn heartbeat(&self, _: HostId, _: Heartbeat) -> Answer<HostLease> {
        Ok(self.lease())
    }

    async fn leave(&self, _: HostId) -> Answer<()> {
        Ok(())
    }

    async fn claim(&self, character: CharacterId, claim: ClaimCharacter) -> Answer<ClaimedCharacter> {
        let mut state = self.lock();
        let stored = state.characters.get_mut(&character).filter(|stored| stored.account == claim.account);
        let stored = stored.ok_or_else(|| PlatformError::Rejected("no such character".into()))?;
        stored.claim += 1;
        Ok(ClaimedCharacter { character: stored.character.clone(), claim: stored.claim })
    }

    async fn save(&self, _: InstanceId, batch: SaveBatch) -> Answer<BatchOutcome> {
        let mut state = self.lock();
        let outcomes = batch.saves.into_iter().map(|save| match state.characters.get_mut(&save.character) {
            None => EntryOutcome::Gone,
            Some(stored) if stored.claim != save.claim => EntryOutcome::Fenced,
            Some(stored) => {
                stored.character.place = Some(save.place);
                EntryOutcome::Stored
            }
        });
        Ok(BatchOutcome { outcomes: outcomes.collect() })
    }

    async fn store(&self, instance: InstanceId, batch: EventBatch) -> Answer<BatchOutcome> {
        let mut state = self.lock();
        let outcomes = batch.events.into_iter().map(|event| {
            if !state.applied.insert((instance, event.sequence)) {
                return EntryOutcome::Stored;
            }
            let Some(stored) = state.characters.get_mut(&event.character) else { return EntryOutcome::Gone };
            let character = &mut stored.character;
            character.xp += u64::from(event.xp);
            character.level = level_of_xp(character.xp);
            character.kills += u64::from(event.kills);
            character.deaths += u64::from(event.deaths);
            for found in event.items {
                add_items(&mut character.items, found);
            }
            EntryOutcome::Stored
        });
        Ok(BatchOutcome { outcomes: outcomes.collect() })
    }

    async fn report_region(&self, _: u32, _: u16) -> Answer<()> {
        Ok(())
    }
}

fn add_items(items: &mut Vec<ItemStack>, found: ItemStack) {
    match items.iter_mut().find(|stack| stack.item == found.item) {
        Some(stack) => stack.count += found.count,
        None => items.push(found),
    }
}
