//! What comes into a zone from outside, once a tick. A recording of inboxes is a recording of the run.

use std::sync::Arc;

use domain::contract::players::Place;
use domain::ids::CharacterId;
use wire::message::PlayerInput;

use crate::content::ZoneContent;
use crate::player::Seat;

/// Everything that came since the last tick.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inbox {
    /// The host's clock when the tick is due, in microseconds modulo 2^32. It goes out in snapshots and
    /// changes no state.
    pub stamp_us: u32,
    /// How much of its period the last tick took, in percent. It decides what is left out.
    pub load_percent: u8,
    /// The content that is in force from this tick on, where it changes. Being a part of the recording, it lets a
    /// replay go the same way.
    pub content: Option<Arc<ZoneContent>>,
    /// What happened, in the order that the host decided.
    pub events: Vec<ZoneEvent>,
}

/// Something from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ZoneEvent {
    /// A character enters; answered by [`crate::outbox::Admission`].
    Join(Joining),
    /// The player has a new connection: the view starts again from nothing.
    Attach {
        /// Whose.
        seat: Seat,
        /// As in [`Joining::budget`].
        budget: u32,
    },
    /// The player's connection is gone: the body stays, nothing is encoded for it.
    Detach(Seat),
    /// The player is out: the body goes. Answered by [`crate::outbox::Departure`].
    Leave(Seat),
    /// A message of the player.
    Input(Seat, PlayerInput),
    /// A heartbeat of the player.
    Heartbeat {
        /// Whose.
        seat: Seat,
        /// To be sent back.
        client_time: u32,
        /// When it came, on the clock of [`Inbox::stamp_us`].
        received_us: u32,
    },
    /// The connection cannot take a frame in this tick; what would be in it waits, newest state first.
    Blocked(Seat),
}

/// A character that enters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joining {
    /// Who.
    pub character: CharacterId,
    /// Its name.
    pub name: String,
    /// Its experience, from which its level follows.
    pub xp: u64,
    /// Where it was when it was last here.
    pub place: Option<Place>,
    /// Its party, if it is in one.
    pub party: Option<u64>,
    /// Bytes per second that the client can take; 0 leaves it to the zone.
    pub budget: u32,
    /// Whether it only looks on: it gets no body, and nothing that it does changes anything for others.
    pub spectates: bool,
}
