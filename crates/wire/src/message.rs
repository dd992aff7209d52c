//! The messages. Each is a MessagePack array of its fields in the order given here; the order is the
//! protocol, so a change of it is a new version.

use serde::{Deserialize, Serialize};

/// First message of a connection: enter with a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The client's [`crate::WIRE_VERSION`].
    pub version: u16,
    /// The ticket from the API.
    pub ticket: String,
    /// Bytes per second that the client can take, IP packets counted; 0 leaves it to the host.
    pub budget: u32,
}

/// First message of a connection: come back into the same body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// The client's [`crate::WIRE_VERSION`].
    pub version: u16,
    /// The token of the last Welcome; good once.
    #[serde(with = "serde_bytes")]
    pub token: Vec<u8>,
    /// As in [`Hello`].
    pub budget: u32,
}

/// What the player wants, ten times a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlayerInput {
    /// Rises with each input; the host ignores repeated and older ones.
    pub sequence: u32,
    /// The newest snapshot received: it tells the host how far behind the client is.
    pub snapshot: u32,
    /// The tick in which it is to take effect; one that is over takes effect at once.
    pub tick: u32,
    /// The tick at which the player saw the others: targets are taken back to it.
    pub seen: u32,
    /// Wish to go east, -127 to 127.
    pub move_x: i8,
    /// Wish to go south, -127 to 127; the length of both, at most 127, is the share of full speed.
    pub move_y: i8,
    /// Where the player looks, in 1/65536 turn: 0 is east, 16384 south.
    pub aim: u16,
    /// What the player does: 0 nothing, 1 strike, 2 shoot.
    pub action: u8,
}

/// Once a second from the client, answered with the next snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Any number of the client's, a clock in milliseconds for example.
    pub client_time: u32,
}

/// The host's answer to a Heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeartbeatAck {
    /// What the client sent.
    pub client_time: u32,
    /// Microseconds for which the host kept it until this frame: to be taken off the round trip.
    pub held_us: u32,
}

/// The player is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The host's [`crate::WIRE_VERSION`].
    pub version: u16,
    /// The player's own entity, which is not among those in view; 0 for a spectator, who has none.
    pub entity: u32,
    /// The character's id, `chr_...`.
    pub character: String,
    /// The character's name.
    pub name: String,
    /// The zone.
    pub zone: String,
    /// The next tick.
    pub tick: u32,
    /// Ticks per second.
    pub tick_rate_hz: u16,
    /// Ticks between two snapshots.
    pub ticks_per_snapshot: u16,
    /// Edge of the square world, in 1/256 m.
    pub size: i32,
    /// How far the player sees, in 1/256 m.
    pub interest_radius: i32,
    /// The terrain follows from it.
    pub terrain_seed: u32,
    /// Share of terrain cells with an obstacle, in 1/1000.
    pub obstacle_permille: u16,
    /// Half the width of the player's body, in 1/256 m.
    pub radius: i32,
    /// Its full speed, in 1/256 m per second.
    pub speed_max: i32,
    /// How fast its velocity changes, in 1/256 m per second and second.
    pub acceleration: i32,
    /// The character's experience.
    pub xp: u64,
    /// For [`Resume`] after a broken connection.
    #[serde(with = "serde_bytes")]
    pub resume_token: Vec<u8>,
    /// Seconds for which the body waits after a broken connection.
    pub grace_secs: u32,
}

/// A snapshot: the player's own state, and what changed of those in view. The first one of a connection has
/// the sequence 1, and each one after it the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateUpdate<'a> {
    /// For [`crate::decoder::View::apply`].
    #[serde(with = "serde_bytes", borrow)]
    pub body: &'a [u8],
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EventKind {
    /// `subject` lost `value` health to `object`.
    Damage = 0,
    /// `subject` was killed by `object`.
    Death = 1,
    /// `subject` lives again.
    Respawn = 2,
    /// `subject` picked up `value` items of archetype `object`.
    Loot = 3,
    /// The player's experience is `value` now.
    Experience = 4,
    /// `subject` reached level `value`.
    Level = 5,
}

impl EventKind {
    /// The kind with this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Damage),
            1 => Some(Self::Death),
            2 => Some(Self::Respawn),
            3 => Some(Self::Loot),
            4 => Some(Self::Experience),
            5 => Some(Self::Level),
            _ => None,
        }
    }
}

/// Something that happened in view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GameEvent {
    /// Number of the [`EventKind`]; unknown ones are to be ignored.
    pub kind: u8,
    /// The entity that it happened to.
    pub subject: u32,
    /// The entity that did it, or what the kind says.
    pub object: u32,
    /// How much.
    pub value: u64,
}

/// What became of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ActionOutcome {
    /// Done.
    Done = 0,
    /// Not yet again.
    Cooldown = 1,
    /// The dead do nothing.
    Dead = 2,
    /// Not in this zone.
    NotHere = 3,
    /// No such action.
    Unknown = 4,
}

/// The answer to an input with an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionConfirm {
    /// The input's sequence.
    pub input: u32,
    /// Number of the [`ActionOutcome`].
    pub outcome: u8,
    /// Ticks until the action can be done again.
    pub cooldown_ticks: u16,
}

/// Go on elsewhere: connect there and say Hello with the ticket, then close this connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// WebSocket address of the other host.
    pub url: String,
    /// The ticket for it.
    pub ticket: String,
}

/// The end of the connection; from either side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bye {
    /// Number of the [`crate::reason::ByeReason`].
    pub reason: u8,
    /// For people.
    pub text: String,
}

/// Something was refused, and the connection goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorNotice {
    /// What it was about: 1 an input from the past, 2 an input from the future.
    pub code: u8,
    /// For people.
    pub text: String,
}

/// Something from outside of the world: chat, an invitation, an announcement. It is of no snapshot and no tick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What it is about, at most 32 bytes; unknown ones are to be ignored.
    pub topic: String,
    /// A JSON object whose form the topic determines, at most 4 KiB.
    pub body: String,
}
