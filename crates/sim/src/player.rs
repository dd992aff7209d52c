//! What a zone keeps for each player beside the body: the last input, and what the player has in view.

use domain::ids::{CharacterId, EntityId};
use domain::time::Tick;
use wire::encoder::{Slot, ViewEncoder};
use wire::message::{ActionConfirm, ErrorNotice, HeartbeatAck, PlayerInput};

/// A player's place in the tables of a zone and its host: a small number, used again after the player left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seat(pub u32);

impl Seat {
    /// The seat as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A player in a zone.
#[derive(Debug)]
pub struct Player {
    /// Who.
    pub character: CharacterId,
    /// The character's name.
    pub name: String,
    /// Its experience.
    pub xp: u64,
    /// Its body.
    pub entity: EntityId,
    /// The newest input.
    pub input: PlayerInput,
    /// When that came.
    pub input_at: Tick,
    /// Whether there is a connection.
    pub(crate) attached: bool,
    /// Whether the connection can take no frame in this tick.
    pub(crate) blocked: bool,
    /// Whether a snapshot is sent in this tick.
    pub(crate) due: bool,
    pub(crate) encoder: ViewEncoder,
    /// Sorted by entity.
    pub(crate) view: Vec<InView>,
    /// Entities of this tick that come into view, by index.
    pub(crate) entering: Vec<(Slot, u32)>,
    /// Entities of this tick that stay in view, by index.
    pub(crate) staying: Vec<(Slot, u32)>,
    pub(crate) confirms: Vec<ActionConfirm>,
    pub(crate) notices: Vec<ErrorNotice>,
    pub(crate) heartbeat: Option<PendingHeartbeat>,
    /// The zone's events from this number on have not been sent.
    pub(crate) events_from: u64,
}

/// An entity that a player has in view.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InView {
    pub(crate) entity: EntityId,
    pub(crate) slot: Slot,
}

/// A heartbeat that is not answered yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PendingHeartbeat {
    pub(crate) client_time: u32,
    pub(crate) received_us: u32,
}

impl PendingHeartbeat {
    pub(crate) fn answer(self, stamp_us: u32) -> HeartbeatAck {
        let held = stamp_us.wrapping_sub(self.received_us);
        // A heartbeat that came after the tick was due was not held at all.
        HeartbeatAck { client_time: self.client_time, held_us: if held > u32::MAX / 2 { 0 } else { held } }
    }
}

impl Player {
    pub(crate) fn new(character: CharacterId, name: String, xp: u64, entity: EntityId, now: Tick) -> Self {
        Self {
            character,
            name,
            xp,
            entity,
            input: PlayerInput::default(),
            input_at: now,
            attached: true,
            blocked: false,
            due: false,
            encoder: ViewEncoder::default(),
            view: Vec::new(),
            entering: Vec::new(),
            staying: Vec::new(),
            confirms: Vec::new(),
            notices: Vec::new(),
            heartbeat: None,
            events_from: 0,
        }
    }

    /// Starts again for a new connection: nothing is in view, nothing was sent.
    pub(crate) fn reattach(&mut self) {
        self.attached = true;
        self.encoder = ViewEncoder::default();
        self.view.clear();
        self.confirms.clear();
        self.notices.clear();
        self.heartbeat = None;
        // The client counts its inputs from 1 again.
        self.input = PlayerInput::default();
    }

    pub(crate) fn detach(&mut self) {
        self.attached = false;
        self.input = PlayerInput::default();
    }
}

/// The players of a zone by seat.
#[derive(Debug, Default)]
pub struct Players {
    seats: Vec<Option<Player>>,
}

impl Players {
    /// Gives `player` the lowest free seat.
    pub(crate) fn seat(&mut self, player: Player) -> Seat {
        let index = self.seats.iter().position(Option::is_none).unwrap_or(self.seats.len());
        if index == self.seats.len() {
            self.seats.push(None);
        }
        self.seats[index] = Some(player);
        Seat(u32::try_from(index).expect("seats are few"))
    }

    pub(crate) fn take(&mut self, seat: Seat) -> Option<Player> {
        self.seats.get_mut(seat.index())?.take()
    }

    /// The player on a seat.
    #[must_use]
    pub fn get(&self, seat: Seat) -> Option<&Player> {
        self.seats.get(seat.index())?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, seat: Seat) -> Option<&mut Player> {
        self.seats.get_mut(seat.index())?.as_mut()
    }

    /// All players, by seat.
    pub fn iter(&self) -> impl Iterator<Item = (Seat, &Player)> {
        (0..).map(Seat).zip(&self.seats).filter_map(|(seat, player)| Some((seat, player.as_ref()?)))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (Seat, &mut Player)> {
        (0..).map(Seat).zip(&mut self.seats).filter_map(|(seat, player)| Some((seat, player.as_mut()?)))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seats.iter().flatten().count()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
