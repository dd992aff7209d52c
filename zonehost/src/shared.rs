//! What all parts of a running host share.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use domain::contract::mail::Audience;
use domain::ids::{CharacterId, ConnectionId, HostId, InstanceId, TicketId};
use domain::time::UnixMillis;
use domain::token::Jwks;
use tokio::sync::{mpsc, watch};

use crate::config::HostConfig;
use crate::instance::Farewell;
use crate::instances::Instances;
use crate::metrics::Metrics;

/// A secret that lets a player come back into the same body.
pub(crate) type ResumeToken = [u8; 16];

/// What all parts of a running host share.
pub(crate) struct Shared<P> {
    pub(crate) config: HostConfig,
    pub(crate) host: HostId,
    pub(crate) platform: P,
    pub(crate) metrics: Metrics,
    pub(crate) instances: Instances,
    pub(crate) directory: Directory,
    /// No one is taken in any more.
    pub(crate) draining: AtomicBool,
    /// Set when the platform has told the host to drain.
    pub(crate) drain_ordered: watch::Sender<bool>,
    /// Set when it is drained, with whether all was stored and said.
    pub(crate) drained: tokio::sync::OnceCell<()>,
    /// The lease holds.
    pub(crate) leased: AtomicBool,
    ticket_keys: RwLock<Arc<Jwks>>,
    next_connection: AtomicU64,
}

impl<P> Shared<P> {
    pub(crate) fn new(
        config: HostConfig,
        host: HostId,
        platform: P,
        instances: Instances,
        ticket_keys: Jwks,
    ) -> Self {
        Self {
            config,
            host,
            platform,
            metrics: Metrics::default(),
            instances,
            directory: Directory::default(),
            draining: AtomicBool::new(false),
            drain_ordered: watch::Sender::new(false),
            drained: tokio::sync::OnceCell::new(),
            leased: AtomicBool::new(true),
            ticket_keys: RwLock::new(Arc::new(ticket_keys)),
            next_connection: AtomicU64::new(1),
        }
    }

    pub(crate) fn ticket_keys(&self) -> Arc<Jwks> {
        Arc::clone(&self.ticket_keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_ticket_keys(&self, keys: Jwks) {
        *self.ticket_keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    pub(crate) fn next_connection(&self) -> ConnectionId {
        ConnectionId(self.next_connection.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

/// Who is where on this host. Small tables behind one lock, touched when players come and go.
#[derive(Clone, Default)]
pub(crate) struct Directory {
    tables: Arc<Mutex<Tables>>,
}

#[derive(Default)]
struct Tables {
    resumable: HashMap<ResumeToken, InstanceId>,
    characters: HashMap<CharacterId, InstanceId>,
    /// Where notices for a character go.
    ears: HashMap<CharacterId, mpsc::Sender<Bytes>>,
    /// Who is on the way in and not seated yet.
    entering: HashMap<CharacterId, Entering>,
    used_tickets: HashSet<TicketId>,
    /// Used tickets of the last and of this half minute: they expire in 30 s, so two halves are enough.
    older_tickets: HashSet<TicketId>,
    halves_begin_at: u64,
    pending: HashMap<IpAddr, usize>,
    connections: usize,
}

/// By no newer claim than this it is to be thrown out, with these words.
pub(crate) type EarlyKick = (Option<u64>, Farewell);

/// A character on the way in.
#[derive(Default)]
struct Entering {
    /// Connections that are at it.
    connections: usize,
    /// It was thrown out on the way: mail is acted on once, so this is kept until there is somebody to throw out.
    kicked: Option<EarlyKick>,
}

/// Seconds after which a used ticket would be refused for its age alone.
const TICKET_MEMORY_SECS: u64 = domain::limits::TICKET_LIFETIME_SECS + 2 * token::CLOCK_SKEW_SECS + 1;

impl Directory {
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the use of a ticket; false if it was used before.
    pub(crate) fn use_ticket(&self, ticket: TicketId, now: UnixMillis) -> bool {
        let mut tables = self.lock();
        if now.as_secs() >= tables.halves_begin_at + TICKET_MEMORY_SECS {
            tables.older_tickets = std::mem::take(&mut tables.used_tickets);
            tables.halves_begin_at = now.as_secs();
        }
        !tables.older_tickets.contains(&ticket) && tables.used_tickets.insert(ticket)
    }

    pub(crate) fn take_resumable(&self, token: &ResumeToken) -> Option<InstanceId> {
        self.lock().resumable.remove(token)
    }

    pub(crate) fn add_resumable(&self, token: ResumeToken, instance: InstanceId) {
        self.lock().resumable.insert(token, instance);
    }

    pub(crate) fn instance_of(&self, character: CharacterId) -> Option<InstanceId> {
        self.lock().characters.get(&character).copied()
    }

    /// Notes that a connection takes the character in: until what is returned is dropped, a kick finds it.
    pub(crate) fn enter(&self, character: CharacterId) -> EnteringGuard {
        self.lock().entering.entry(character).or_default().connections += 1;
        EnteringGuard { directory: self.clone(), character }
    }

    /// Where the character is to be thrown out; on the way in, it will be as soon as it is seated.
    pub(crate) fn kick(
        &self,
        character: CharacterId,
        claim: Option<u64>,
        farewell: &Farewell,
    ) -> Option<InstanceId> {
        let mut tables = self.lock();
        if let Some(entering) = tables.entering.get_mut(&character) {
            entering.kicked = Some((claim, farewell.clone()));
        }
        tables.characters.get(&character).copied()
    }

    /// Notes that the character is seated there, and tells whether it was thrown out on the way.
    pub(crate) fn set_instance(&self, character: CharacterId, instance: InstanceId) -> Option<EarlyKick> {
        let mut tables = self.lock();
        tables.characters.insert(character, instance);
        tables.entering.get_mut(&character)?.kicked.take()
    }

    /// Notices for the character go there from now on.
    pub(crate) fn set_ear(&self, character: CharacterId, ear: mpsc::Sender<Bytes>) {
        self.lock().ears.insert(character, ear);
    }

    /// Where notices for these players go. The table is not locked while they are handed over.
    pub(crate) fn ears(&self, to: &Audience) -> Vec<mpsc::Sender<Bytes>> {
        let tables = self.lock();
        match to {
            Audience::Characters(characters) => {
                let characters: BTreeSet<_> = characters.iter().collect();
                characters.into_iter().filter_map(|character| tables.ears.get(character).cloned()).collect()
            }
            Audience::Instance(instance) => {
                let ears = tables.ears.iter();
                let here = |character| tables.characters.get(character) == Some(instance);
                ears.filter(|(character, _)| here(character)).map(|(_, ear)| ear.clone()).collect()
            }
            Audience::Everyone => tables.ears.values().cloned().collect(),
        }
    }

    /// Forgets that a character is in `instance`, unless it has gone to another one meanwhile.
    pub(crate) fn forget(&self, character: CharacterId, instance: InstanceId, token: &ResumeToken) {
        let mut tables = self.lock();
        tables.resumable.remove(token);
        if tables.characters.get(&character) == Some(&instance) {
            tables.characters.remove(&character);
            tables.ears.remove(&character);
        }
    }

    /// Counts a new connection from `address`; `None` if there are too many.
    pub(crate) fn admit(&self, address: IpAddr, config: &HostConfig) -> Option<PendingGuard> {
        let mut tables = self.lock();
        let pending = tables.pending.get(&address).copied().unwrap_or(0);
        if tables.connections >= config.limits.connections_max
            || pending >= config.limits.pending_per_address_max
        {
            return None;
        }
        tables.connections += 1;
        tables.pending.insert(address, pending + 1);
        Some(PendingGuard { directory: self.clone(), address, pending: true })
    }

    pub(crate) fn connections(&self) -> usize {
        self.lock().connections
    }
}

/// A character on the way in; it is no more when this is dropped.
pub(crate) struct EnteringGuard {
    directory: Directory,
    character: CharacterId,
}

impl Drop for EnteringGuard {
    fn drop(&mut self) {
        if let Entry::Occupied(mut entering) = self.directory.lock().entering.entry(self.character) {
            entering.get_mut().connections -= 1;
            if entering.get().connections == 0 {
                entering.remove();
            }
        }
    }
}

/// A counted connection; it ends when this is dropped.
pub(crate) struct PendingGuard {
    directory: Directory,
    address: IpAddr,
    pending: bool,
}

impl PendingGuard {
    /// The connection has said who it is.
    pub(crate) fn known(&mut self) {
        if std::mem::take(&mut self.pending) {
            self.directory.lock().pending_over(self.address);
        }
    }
}

impl Drop for PendingGuard {
    fn drop(&mut self) {
        let mut tables = self.directory.lock();
        tables.connections -= 1;
        if self.pending {
            tables.pending_over(self.address);
        }
    }
}

impl Tables {
    fn pending_over(&mut self, address: IpAddr) {
        if let Some(count) = self.pending.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.pending.remove(&address);
            }
        }
    }
}

/// The machine's clock.
pub(crate) fn unix_now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis::new(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Microseconds of the machine's clock modulo 2^32.
pub(crate) fn stamp_us() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_micros() & 0xffff_ffff).expect("masked")
}

/// Bytes that nobody can guess.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_used_once_for_as_long_as_it_could_be_good() {
        let directory = Directory::default();
        let ticket = TicketId::from_u128(1);
        let at = |secs: u64| UnixMillis::new(1_000_000 + secs * 1_000);
        assert!(directory.use_ticket(ticket, at(0)));
        for secs in 0..=TICKET_MEMORY_SECS {
            assert!(!directory.use_ticket(ticket, at(secs)), "after {secs} s");
        }
        assert!(directory.use_ticket(TicketId::from_u128(2), at(3 * TICKET_MEMORY_SECS)));
        assert!(directory.use_ticket(ticket, at(5 * TICKET_MEMORY_SECS)), "forgotten, but long expired");
    }

    #[test]
    fn connections_of_one_address_are_bounded_until_known() {
        let config = HostConfig::extract(&HostConfig::defaults().merge(("service_token", "x".repeat(16))));
        let mut config = config.expect("good");
        config.limits.pending_per_address_max = 2;
        config.limits.connections_max = 4;
        let directory = Directory::default();
        let (here, there) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let mut first = directory.admit(here, &config).expect("room");
        let second = directory.admit(here, &config).expect("room");
        assert!(directory.admit(here, &config).is_none());
        let other = directory.admit(there, &config).expect("room for others");
        first.known();
        let third = directory.admit(here, &config).expect("room again");
        assert!(directory.admit(there, &config).is_none(), "the host is full");
        drop((first, second, other, third));
        assert_eq!(directory.connections(), 0);
    }
}
