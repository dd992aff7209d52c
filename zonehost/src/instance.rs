//! One running instance as the rest of the host sees it: a place to send commands to.

mod runner;
mod seats;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use domain::contract::hosts::AssignedInstance;
use domain::ids::{CharacterId, ConnectionId};
use sim::content::ZoneContent;
use sim::inbox::Joining;
use sim::player::Seat;
use tokio::sync::{mpsc, oneshot};
use wire::message::PlayerInput;
use wire::reason::ByeReason;

use crate::journal::JournalQueue;
use crate::shared::ResumeToken;

pub(crate) use runner::{RulesFactory, RunnerSetup, spawn};

/// Frames that wait for a connection: a Welcome, the first snapshot, one on its way and one behind it. More would
/// only be stale.
pub(crate) const FRAMES_WAITING_MAX: usize = 4;

/// Notices that wait for a connection; more are left out. With their rate, this is under ten seconds of them.
pub(crate) const NOTICES_WAITING_MAX: usize = 32;

/// The last words to a player.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Farewell {
    pub(crate) reason: ByeReason,
    /// Words for this player; without them, those that go with the reason.
    pub(crate) text: Option<String>,
}

impl From<ByeReason> for Farewell {
    fn from(reason: ByeReason) -> Self {
        Self { reason, text: None }
    }
}

/// What a connection gives to the instance that it plays in.
pub(crate) struct Outlet {
    pub(crate) connection: ConnectionId,
    pub(crate) frames: mpsc::Sender<Bytes>,
    /// Frames that belong to no snapshot.
    pub(crate) notices: mpsc::Sender<Bytes>,
    /// Bytes per second that the client can take; 0 leaves it to the zone.
    pub(crate) budget: u32,
    /// Ends the connection with a reason.
    pub(crate) close: oneshot::Sender<Farewell>,
}

/// What an instance is asked to do; it does so at the start of the next tick.
pub(crate) enum Command {
    /// Take a character in. Answered once it is in.
    Join { joining: Joining, claim: u64, outlet: Outlet, seated: oneshot::Sender<Seat> },
    /// Give a body back to its player. Answered with the seat, or by dropping `seated` if the token is of no
    /// use (any more).
    Resume { token: ResumeToken, outlet: Outlet, seated: oneshot::Sender<Seat> },
    /// A message of a player.
    Input { seat: Seat, connection: ConnectionId, input: PlayerInput },
    /// A heartbeat of a player.
    Heartbeat { seat: Seat, connection: ConnectionId, client_time: u32, received_us: u32 },
    /// The connection is gone; `stays` tells whether the body waits for another.
    Gone { seat: Seat, connection: ConnectionId, stays: bool },
    /// Let a character go, since it enters elsewhere. Answered when it is out.
    Evict { character: CharacterId, done: oneshot::Sender<()> },
    /// Throw a character out, if it is in by no newer claim than this: its connection ends, and nobody comes back into
    /// the body.
    Kick { character: CharacterId, claim: Option<u64>, farewell: Farewell },
    /// Run another version of the content from this tick on.
    Content(Arc<ZoneContent>),
    /// Another host has claimed this character (by the claim), or the whole instance.
    Fenced(Option<(CharacterId, u64)>),
    /// Let everyone go, and end.
    Stop(Farewell),
}

/// The way to a running instance.
pub(crate) struct InstanceHandle {
    pub(crate) assigned: AssignedInstance,
    pub(crate) journal: Arc<JournalQueue>,
    capacity: AtomicU32,
    /// The version of the content that it runs or has been handed.
    content: AtomicU64,
    commands: Mutex<Vec<Command>>,
    players: AtomicU32,
    spectators: AtomicU32,
}

impl InstanceHandle {
    pub(crate) fn new(assigned: AssignedInstance, content: &ZoneContent) -> Self {
        Self {
            assigned,
            journal: Arc::default(),
            capacity: AtomicU32::new(content.definition.capacity),
            content: AtomicU64::new(content.version),
            commands: Mutex::default(),
            players: AtomicU32::new(0),
            spectators: AtomicU32::new(0),
        }
    }

    /// Leaves a command for the next tick. What one connection can leave is bounded by its message budget.
    pub(crate) fn send(&self, command: Command) {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner).push(command);
    }

    /// Most players in it.
    pub(crate) fn capacity(&self) -> u32 {
        self.capacity.load(Ordering::Relaxed)
    }

    /// Notes the version that it is handed; false if it has it.
    pub(crate) fn set_content(&self, version: u64) -> bool {
        self.content.swap(version, Ordering::Relaxed) != version
    }

    /// Players in it, those who may come back included.
    pub(crate) fn players(&self) -> u32 {
        self.players.load(Ordering::Relaxed)
    }

    /// Whether nobody plays or looks on.
    pub(crate) fn is_deserted(&self) -> bool {
        self.players() == 0 && self.spectators.load(Ordering::Relaxed) == 0
    }

    fn take_commands(&self, into: &mut Vec<Command>) {
        std::mem::swap(&mut *self.commands.lock().unwrap_or_else(PoisonError::into_inner), into);
    }
}
