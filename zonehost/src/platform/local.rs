//! The platform of a host that stands alone: characters, gains and tickets in memory. Benchmarks and the
//! host's own tests run on it; a studio can try its rules on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::catalogue::Catalogue;
use domain::contract::boards::BoardScore;
use domain::contract::content::ContentPlan;
use domain::contract::hosts::{
    AssignedInstance, BatchOutcome, ClaimCharacter, ClaimedCharacter, EntryOutcome, EventBatch, Heartbeat,
    HeartbeatAnswer, HostLease, HostRegistered, RegisterHost, SaveBatch,
};
use domain::contract::instances::{LeftBatch, Purpose};
use domain::contract::mail::{HostMail, HostOrder, Mailbox};
use domain::contract::players::{Character, ItemStack, Place};
use domain::contract::possessions::Money;
use domain::ids::{
    AccountId, CharacterId, Epoch, HostId, InstanceId, MessageId, SessionId, TicketId, ZoneId,
};
use domain::limits::{HOST_HEARTBEAT_MILLIS, HOST_LEASE_MILLIS, TICKET_LIFETIME_SECS};
use domain::names::CharacterName;
use domain::progression::level_of_xp;
use domain::time::UnixMillis;
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
    /// What the host is to run.
    assigned: Vec<AssignedInstance>,
    mail: Vec<HostMail>,
    made: u128,
    /// What the host is to run in its instances.
    content: ContentPlan,
    versions: BTreeMap<u64, Catalogue>,
}

struct Stored {
    account: AccountId,
    character: Character,
    claim: u64,
    /// Where it is.
    instance: Option<InstanceId>,
    items: Vec<ItemStack>,
    money: Vec<Money>,
    scores: Vec<BoardScore>,
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
            place,
            created_at: unix_now(),
            updated_at: unix_now(),
        };
        let stored = Stored {
            account: AccountId::from_u128(number),
            character,
            claim: 0,
            instance: None,
            items: Vec::new(),
            money: Vec::new(),
            scores: Vec::new(),
        };
        self.lock().characters.insert(id, stored);
        id
    }

    /// The character as stored.
    #[must_use]
    pub fn character(&self, id: CharacterId) -> Option<Character> {
        self.lock().characters.get(&id).map(|stored| stored.character.clone())
    }

    /// The instance that the character is in.
    #[must_use]
    pub fn instance_of(&self, id: CharacterId) -> Option<InstanceId> {
        self.lock().characters.get(&id)?.instance
    }

    /// Leaves an order for the host.
    pub fn post(&self, order: HostOrder) {
        let mut state = self.lock();
        let id = MessageId::new(unix_now(), state.mail.len() as u128);
        state.mail.push(HostMail { id, order });
    }

    /// An instance for the host to run, on demand. It learns of it from its next heartbeat.
    pub fn assign(&self, zone: &ZoneId, purpose: Purpose) -> AssignedInstance {
        let mut state = self.lock();
        state.made += 1;
        let instance = InstanceId::from_u128(1_000_000 + state.made);
        let assigned =
            AssignedInstance { instance, zone: zone.clone(), epoch: Epoch(1), purpose, on_demand: true };
        state.assigned.push(assigned.clone());
        assigned
    }

    /// Takes an instance from the host, which learns of it from its next heartbeat.
    pub fn unassign(&self, instance: InstanceId) {
        self.lock().assigned.retain(|assigned| assigned.instance != instance);
    }

    /// What the host is to run.
    #[must_use]
    pub fn assigned(&self) -> Vec<AssignedInstance> {
        self.lock().assigned.clone()
    }

    /// A ticket to enter this very instance.
    #[must_use]
    pub fn ticket_into(&self, character: CharacterId, assigned: &AssignedInstance) -> Option<String> {
        let claims = self.claims_into(character, assigned.instance, &assigned.zone)?;
        Some(self.keys.sign(&claims))
    }

    /// A ticket to look on in `zone`.
    #[must_use]
    pub fn spectator_ticket(&self, character: CharacterId, zone: &ZoneId) -> Option<String> {
        let claims = TicketClaims { spectates: true, ..self.ticket_claims(character, zone)? };
        Some(self.keys.sign(&claims))
    }

    /// The scores that hosts have stored for a character, in their order.
    #[must_use]
    pub fn scores(&self, id: CharacterId) -> Vec<BoardScore> {
        self.lock().characters.get(&id).map(|stored| stored.scores.clone()).unwrap_or_default()
    }

    /// What the character carries: items and money.
    #[must_use]
    pub fn possessions(&self, id: CharacterId) -> Option<(Vec<ItemStack>, Vec<Money>)> {
        self.lock().characters.get(&id).map(|stored| (stored.items.clone(), stored.money.clone()))
    }

    /// The claims of a ticket to enter `zone`; `None` if there is no such character or zone.
    #[must_use]
    pub fn ticket_claims(&self, character: CharacterId, zone: &ZoneId) -> Option<TicketClaims> {
        let instance = *self.lock().instances.get(zone)?;
        self.claims_into(character, instance, zone)
    }

    fn claims_into(
        &self,
        character: CharacterId,
        instance: InstanceId,
        zone: &ZoneId,
    ) -> Option<TicketClaims> {
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
            instance,
            zone: zone.clone(),
            spectates: false,
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

    /// Publishes a version of the content; nothing is in force by this.
    pub fn publish(&self, version: u64, catalogue: Catalogue) {
        self.lock().versions.insert(version, catalogue);
    }

    /// Brings versions into force.
    pub fn activate(&self, plan: ContentPlan) {
        self.lock().content = plan;
    }

    fn lease(&self) -> HostLease {
        HostLease {
            expires_at: unix_now().plus_millis(HOST_LEASE_MILLIS),
            heartbeat_in_ms: HOST_HEARTBEAT_MILLIS,
            ticket_keys: self.keys.public().clone(),
            content: self.lock().content.clone(),
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
            AssignedInstance { instance, zone, epoch: Epoch(1), purpose: Purpose::Public, on_demand: false }
        });
        let instances: Vec<_> = instances.collect();
        state.assigned.clone_from(&instances);
        drop(state);
        Ok(HostRegistered { instances, lease: self.lease() })
    }

    async fn heartbeat(&self, _: HostId, _: Heartbeat) -> Answer<HeartbeatAnswer> {
        Ok(HeartbeatAnswer { lease: self.lease(), instances: self.assigned() })
    }

    async fn leave(&self, _: HostId) -> Answer<()> {
        Ok(())
    }

    async fn claim(&self, character: CharacterId, claim: ClaimCharacter) -> Answer<ClaimedCharacter> {
        let mut state = self.lock();
        let stored = state.characters.get_mut(&character).filter(|stored| stored.account == claim.account);
        let stored = stored.ok_or_else(|| PlatformError::Rejected("no such character".into()))?;
        stored.claim += 1;
        stored.instance = Some(claim.instance);
        Ok(ClaimedCharacter {
            character: stored.character.clone(),
            claim: stored.claim,
            party: None,
            equipment: Vec::new(),
            progress: Vec::new(),
        })
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
                add_items(&mut stored.items, found);
            }
            for found in event.currencies {
                add_money(&mut stored.money, found);
            }
            stored.scores.extend(event.scores);
            EntryOutcome::Stored
        });
        Ok(BatchOutcome { outcomes: outcomes.collect() })
    }

    async fn left(&self, instance: InstanceId, batch: LeftBatch) -> Answer<BatchOutcome> {
        let mut state = self.lock();
        let outcomes =
            batch.characters.into_iter().map(|left| match state.characters.get_mut(&left.character) {
                None => EntryOutcome::Gone,
                Some(stored) if stored.claim != left.claim => EntryOutcome::Fenced,
                Some(stored) => {
                    stored.instance = stored.instance.filter(|other| *other != instance);
                    EntryOutcome::Stored
                }
            });
        Ok(BatchOutcome { outcomes: outcomes.collect() })
    }

    async fn end(&self, instance: InstanceId, _: Epoch) -> Answer<()> {
        self.unassign(instance);
        Ok(())
    }

    async fn mail(&self, _: HostId, since: UnixMillis) -> Answer<Mailbox> {
        let since = MessageId::new(since, 0);
        let mail = self.lock().mail.iter().filter(|mail| mail.id >= since).cloned().collect();
        Ok(Mailbox { mail, more: false })
    }

    async fn content(&self, version: u64) -> Answer<Catalogue> {
        let catalogue = self.lock().versions.get(&version).cloned();
        catalogue.ok_or_else(|| PlatformError::Rejected(format!("there is no version {version}")))
    }
}

fn add_items(items: &mut Vec<ItemStack>, found: ItemStack) {
    match items.iter_mut().find(|stack| stack.item == found.item) {
        Some(stack) => stack.count += found.count,
        None => items.push(found),
    }
}

fn add_money(money: &mut Vec<Money>, found: Money) {
    match money.iter_mut().find(|balance| balance.currency == found.currency) {
        Some(balance) => balance.amount += found.amount,
        None => money.push(found),
    }
}
