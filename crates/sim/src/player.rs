//! What a zone keeps for each player beside the body: the last input, and what the player has in view.

use domain::ids::{CharacterId, EntityId};
use domain::time::Tick;
use wire::encoder::ViewEncoder;
use wire::message::{ActionConfirm, ErrorNotice, HeartbeatAck, PlayerInput};

use crate::budget::Budget;

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

/// Bytes of an update that a new connection plans with; it is learned soon.
const UPDATE_BYTES_FIRST: u32 = 5;
/// Whom a player fights with is remembered for so many.
const FOES: usize = 8;
/// Send times that are remembered; a client that is farther behind is very far behind.
const IN_FLIGHT: usize = 32;

/// A player in a zone.
#[derive(Debug)]
pub struct Player {
    /// Who.
    pub character: CharacterId,
    /// Its experience.
    pub xp: u64,
    /// Its body.
    pub entity: EntityId,
    /// The input that is in effect.
    pub input: PlayerInput,
    /// Since when.
    pub input_at: Tick,
    /// Inputs whose tick is still to come, the next one first.
    pub(crate) pending: Vec<PlayerInput>,
    /// The newest sequence that came in.
    pub(crate) newest_input: u32,
    /// Ticks that the newest input came ahead of its tick.
    pub(crate) lead: i32,
    /// Whether there is a connection.
    pub(crate) attached: bool,
    /// Whether the connection can take no frame in this tick.
    pub(crate) blocked: bool,
    /// Whether a snapshot is sent in this tick.
    pub(crate) due: bool,
    /// By how much the rate of its snapshots is divided.
    pub(crate) pace: u32,
    pub(crate) link: Link,
    pub(crate) confirms: Vec<ActionConfirm>,
    /// The newest one; older ones are forgotten.
    pub(crate) notice: Option<ErrorNotice>,
    pub(crate) heartbeat: Option<PendingHeartbeat>,
    /// The zone's events from this number on have not been sent.
    pub(crate) events_from: u64,
    /// Whom the player has hit or was hit by, and until when that counts.
    foes: [(EntityId, Tick); FOES],
}

/// What belongs to a connection: it starts again with each.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) encoder: ViewEncoder,
    pub(crate) budget: Budget,
    /// What is in view, by slot.
    pub(crate) view: Vec<Option<Seen>>,
    /// Mean of the bytes of an update, in 1/16.
    pub(crate) update_bytes_16ths: u32,
    /// When the newest snapshots were sent, by their sequence.
    sent_at: [Tick; IN_FLIGHT],
}

/// An entity that a player has in view.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) entity: EntityId,
    /// Grows with each snapshot in which it was not told of and should have been.
    pub(crate) urgency: u16,
    /// The tick from which the client has shown it wrongly; 0 if it does not.
    pub(crate) stale_since: u32,
}

impl Link {
    pub(crate) fn new(rate_hz: u32, budget: Budget) -> Self {
        Self {
            encoder: ViewEncoder::new(u16::try_from(rate_hz).expect("from a u16")),
            budget,
            view: Vec::new(),
            update_bytes_16ths: UPDATE_BYTES_FIRST * 16,
            sent_at: [Tick(0); IN_FLIGHT],
        }
    }

    /// How many updates fit into so many bytes, as far as the last ones tell.
    pub(crate) fn room_for_updates(&self, bytes: usize) -> usize {
        bytes * 16 / self.update_bytes_16ths.max(1) as usize
    }

    /// Learns how many bytes updates take; `cut` if there was not room for all that were planned.
    pub(crate) fn note_updates(&mut self, updated: usize, bytes: usize, cut: bool) {
        if let Some(mean) = (bytes * 16).checked_div(updated) {
            let mean = u32::try_from(mean).expect("an update is small");
            self.update_bytes_16ths = (self.update_bytes_16ths * 7 + mean).div_ceil(8);
        }
        if cut {
            // Those with high slots lost their place, whatever their urgency: plan with fewer.
            self.update_bytes_16ths += self.update_bytes_16ths / 8;
        }
    }

    pub(crate) fn note_sent(&mut self, now: Tick) {
        self.sent_at[self.encoder.sent() as usize % IN_FLIGHT] = now;
    }

    /// For how many ticks the oldest snapshot has been on its way that is not acknowledged.
    pub(crate) fn behind(&self, now: Tick) -> u32 {
        let (sent, acknowledged) = (self.encoder.sent(), self.encoder.acknowledged());
        let oldest = (sent - acknowledged).min(u32::try_from(IN_FLIGHT).expect("small"));
        if oldest == 0 {
            return 0;
        }
        now.since(self.sent_at[(sent + 1 - oldest) as usize % IN_FLIGHT])
    }
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
    pub(crate) fn new(character: CharacterId, xp: u64, entity: EntityId, now: Tick, link: Link) -> Self {
        Self {
            character,
            xp,
            entity,
            input: PlayerInput::default(),
            input_at: now,
            pending: Vec::new(),
            newest_input: 0,
            lead: 0,
            attached: true,
            blocked: false,
            due: false,
            pace: 1,
            link,
            confirms: Vec::new(),
            notice: None,
            heartbeat: None,
            events_from: 0,
            foes: [(EntityId(0), Tick(0)); FOES],
        }
    }

    /// Starts again for a new connection: nothing is in view, nothing was sent, and events count from
    /// `events_from` on.
    pub(crate) fn reattach(&mut self, link: Link, events_from: u64) {
        self.attached = true;
        self.events_from = events_from;
        self.link = link;
        self.confirms.clear();
        self.notice = None;
        self.heartbeat = None;
        // The client counts its inputs from 1 again.
        self.forget_inputs();
    }

    pub(crate) fn detach(&mut self) {
        self.attached = false;
        self.forget_inputs();
    }

    fn forget_inputs(&mut self) {
        self.input = PlayerInput::default();
        self.pending.clear();
        self.newest_input = 0;
        self.lead = 0;
    }

    /// Remembers a foe until `until`, in the place of the one that counts for the shortest time.
    pub(crate) fn note_foe(&mut self, foe: EntityId, until: Tick) {
        let known = self.foes.iter().position(|(other, _)| *other == foe);
        let index = known.or_else(|| (0..FOES).min_by_key(|index| self.foes[*index].1));
        self.foes[index.expect("there is one")] = (foe, until);
    }

    pub(crate) fn is_foe(&self, other: EntityId, now: Tick) -> bool {
        self.foes.iter().any(|(foe, until)| *foe == other && *until > now)
    }
}

/// The players of a zone by seat.
#[derive(Debug, Default)]
pub struct Players {
    seats: Vec<Option<Player>>,
    count: usize,
    /// By seat; of a free one it means nothing.
    profiles: Vec<Profile>,
}

/// What other players may know of a player, beside the body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// The character's name.
    pub name: String,
    /// Its party, if it is in one: members are told of each other more often.
    pub party: Option<u64>,
}

impl Players {
    /// Gives `player` the lowest free seat.
    pub(crate) fn seat(&mut self, player: Player, profile: Profile) -> Seat {
        let index = self.seats.iter().position(Option::is_none).unwrap_or(self.seats.len());
        if index == self.seats.len() {
            self.seats.push(None);
            self.profiles.push(Profile::default());
        }
        self.seats[index] = Some(player);
        self.count += 1;
        self.profiles[index] = profile;
        Seat(u32::try_from(index).expect("seats are few"))
    }

    pub(crate) fn take(&mut self, seat: Seat) -> Option<Player> {
        let player = self.seats.get_mut(seat.index())?.take()?;
        self.count -= 1;
        Some(player)
    }

    /// The player on a seat.
    #[must_use]
    pub fn get(&self, seat: Seat) -> Option<&Player> {
        self.seats.get(seat.index())?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, seat: Seat) -> Option<&mut Player> {
        self.seats.get_mut(seat.index())?.as_mut()
    }

    /// What others may know of the player on a seat.
    #[must_use]
    pub fn profile(&self, seat: Seat) -> &Profile {
        &self.profiles[seat.index()]
    }

    #[cfg(test)]
    pub(crate) fn profile_mut(&mut self, seat: Seat) -> &mut Profile {
        &mut self.profiles[seat.index()]
    }

    /// All players, by seat.
    pub fn iter(&self) -> impl Iterator<Item = (Seat, &Player)> {
        (0..).map(Seat).zip(&self.seats).filter_map(|(seat, player)| Some((seat, player.as_ref()?)))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (Seat, &mut Player)> {
        (0..).map(Seat).zip(&mut self.seats).filter_map(|(seat, player)| Some((seat, player.as_mut()?)))
    }

    /// Players and profiles apart, so that players can be worked on while all profiles are read.
    pub(crate) fn parts_mut(&mut self) -> (&mut [Option<Player>], &[Profile]) {
        (&mut self.seats, &self.profiles)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
