//! What a zone keeps for each player beside the body: the last input, and what the player has in view.

use domain::ids::{CharacterId, EntityId};
use domain::movement::Motion;
use domain::time::Tick;
use wire::encoder::ViewEncoder;
use wire::message::{ActionConfirm, ErrorNotice, HeartbeatAck, PlayerInput};

use crate::budget::Budget;

/// A player's place in the tables of a zone and its host: a small number, used again after the player left. Spectators
/// sit in tables of their own, under numbers with [`Seat::SPECTATES`]: no player's number depends on who looks on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seat(pub u32);

impl Seat {
    /// The bit that the seats of spectators have.
    pub const SPECTATES: u32 = 1 << 31;

    /// The seat as an index into the table of its sort.
    #[must_use]
    pub const fn index(self) -> usize {
        (self.0 & !Self::SPECTATES) as usize
    }

    /// Whether it is a spectator's.
    #[must_use]
    pub const fn spectates(self) -> bool {
        self.0 & Self::SPECTATES != 0
    }
}

/// Bytes of an update that a new connection plans with; it is learned soon.
const UPDATE_BYTES_FIRST: u32 = 5;
/// A wish to move is held this long without a new input.
const INTENT_SECS: u32 = 1;
/// Whom a player fights with is remembered for so many.
const FOES: usize = 8;
/// Send times that are remembered; a client that is farther behind is very far behind.
const IN_FLIGHT: usize = 32;

/// A player in a zone, or a spectator of it.
#[derive(Debug)]
pub struct Player {
    /// Who.
    pub character: CharacterId,
    /// Its experience.
    pub xp: u64,
    /// Experience won since its body came to life or into the zone, for the rules to count.
    pub life_xp: u64,
    /// Its body; [`NO_BODY`] of a spectator.
    pub entity: EntityId,
    /// What a spectator looks with.
    pub(crate) eye: Option<Eye>,
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

/// The id that no entity has.
pub const NO_BODY: EntityId = EntityId(0);

/// What a spectator looks with: it moves, but is in no table of entities, so nobody sees it and nothing touches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Eye {
    pub(crate) motion: Motion,
    /// The player's body that it goes with.
    pub(crate) follows: Option<EntityId>,
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
            life_xp: 0,
            entity,
            eye: None,
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

    /// Whether its wish to move still holds.
    pub(crate) fn is_heard(&self, now: Tick, rate_hz: u32) -> bool {
        self.attached && now.since(self.input_at) <= rate_hz * INTENT_SECS
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

/// The players of a zone by seat, and its spectators.
#[derive(Debug, Default)]
pub struct Players {
    playing: Table,
    watching: Table,
}

#[derive(Debug, Default)]
struct Table {
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

impl Table {
    /// Gives `player` the lowest free place.
    fn seat(&mut self, player: Player, profile: Profile) -> u32 {
        let index = self.seats.iter().position(Option::is_none).unwrap_or(self.seats.len());
        if index == self.seats.len() {
            self.seats.push(None);
            self.profiles.push(Profile::default());
        }
        self.seats[index] = Some(player);
        self.count += 1;
        self.profiles[index] = profile;
        u32::try_from(index).expect("seats are few")
    }

    fn take(&mut self, index: usize) -> Option<Player> {
        let player = self.seats.get_mut(index)?.take()?;
        self.count -= 1;
        Some(player)
    }

    /// All, with their seats: the first one has the number `first`.
    fn iter(&self, first: u32) -> impl Iterator<Item = (Seat, &Player)> {
        (first..).map(Seat).zip(&self.seats).filter_map(|(seat, player)| Some((seat, player.as_ref()?)))
    }

    fn iter_mut(&mut self, first: u32) -> impl Iterator<Item = (Seat, &mut Player)> {
        (first..).map(Seat).zip(&mut self.seats).filter_map(|(seat, player)| Some((seat, player.as_mut()?)))
    }
}

/// All who sit in a zone, apart, so that some can be worked on while others are read.
pub(crate) struct PlayersMut<'a> {
    pub(crate) playing: &'a mut [Option<Player>],
    pub(crate) watching: &'a mut [Option<Player>],
    /// Of those who play.
    pub(crate) profiles: &'a [Profile],
}

impl Players {
    const fn table(&self, seat: Seat) -> &Table {
        if seat.spectates() { &self.watching } else { &self.playing }
    }

    const fn table_mut(&mut self, seat: Seat) -> &mut Table {
        if seat.spectates() { &mut self.watching } else { &mut self.playing }
    }

    /// Gives `player` the lowest free seat, among spectators if it is one.
    pub(crate) fn seat(&mut self, player: Player, profile: Profile) -> Seat {
        match player.eye {
            None => Seat(self.playing.seat(player, profile)),
            Some(_) => Seat(Seat::SPECTATES | self.watching.seat(player, profile)),
        }
    }

    pub(crate) fn take(&mut self, seat: Seat) -> Option<Player> {
        self.table_mut(seat).take(seat.index())
    }

    /// The player or spectator on a seat.
    #[must_use]
    pub fn get(&self, seat: Seat) -> Option<&Player> {
        self.table(seat).seats.get(seat.index())?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, seat: Seat) -> Option<&mut Player> {
        self.table_mut(seat).seats.get_mut(seat.index())?.as_mut()
    }

    /// What others may know of the player on a seat.
    #[must_use]
    pub fn profile(&self, seat: Seat) -> &Profile {
        &self.table(seat).profiles[seat.index()]
    }

    #[cfg(test)]
    pub(crate) fn profile_mut(&mut self, seat: Seat) -> &mut Profile {
        &mut self.table_mut(seat).profiles[seat.index()]
    }

    /// All players, by seat; no spectators.
    pub fn iter(&self) -> impl Iterator<Item = (Seat, &Player)> {
        self.playing.iter(0)
    }

    /// All spectators, by seat.
    pub fn spectators(&self) -> impl Iterator<Item = (Seat, &Player)> {
        self.watching.iter(Seat::SPECTATES)
    }

    pub(crate) fn spectators_mut(&mut self) -> impl Iterator<Item = (Seat, &mut Player)> {
        self.watching.iter_mut(Seat::SPECTATES)
    }

    /// All who may have a connection: players, then spectators.
    pub(crate) fn everyone(&self) -> impl Iterator<Item = (Seat, &Player)> {
        self.iter().chain(self.spectators())
    }

    pub(crate) fn everyone_mut(&mut self) -> impl Iterator<Item = (Seat, &mut Player)> {
        let Self { playing, watching } = self;
        playing.iter_mut(0).chain(watching.iter_mut(Seat::SPECTATES))
    }

    pub(crate) fn parts_mut(&mut self) -> PlayersMut<'_> {
        let Self { playing, watching } = self;
        PlayersMut { playing: &mut playing.seats, watching: &mut watching.seats, profiles: &playing.profiles }
    }

    /// How many players there are; spectators are not counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.playing.count
    }

    /// How many only look on.
    #[must_use]
    pub fn watching(&self) -> usize {
        self.watching.count
    }

    /// Whether there are no players.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
