//! Who sits where in an instance: the host's table beside the zone's own.

use std::time::Instant;

use bytes::Bytes;
use domain::contract::players::Place;
use domain::ids::{CharacterId, ConnectionId};
use sim::player::Seat;
use tokio::sync::oneshot;
use wire::reason::ByeReason;

use crate::instance::{Farewell, Outlet};
use crate::shared::ResumeToken;

/// A player of the instance, with or without a connection.
pub(super) struct Seated {
    pub(super) character: CharacterId,
    pub(super) claim: u64,
    pub(super) token: ResumeToken,
    /// The place that was saved last.
    pub(super) saved: Option<Place>,
    outlet: Option<Outlet>,
    /// Since when there has been no connection.
    pub(super) detached_at: Option<Instant>,
    /// Since when the connection has taken nothing.
    pub(super) blocked_since: Option<Instant>,
    /// Answered when the character is out.
    pub(super) evicted: Vec<oneshot::Sender<()>>,
    /// Whether it leaves its seat for one of the other sort: the character stays in the instance.
    pub(super) recast: bool,
}

impl Seated {
    pub(super) fn new(character: CharacterId, claim: u64, token: ResumeToken, outlet: Outlet) -> Self {
        Self {
            character,
            claim,
            token,
            saved: None,
            outlet: Some(outlet),
            detached_at: None,
            blocked_since: None,
            evicted: Vec::new(),
            recast: false,
        }
    }

    /// Takes a new connection; the one before is told why it ends.
    pub(super) fn attach(&mut self, outlet: Outlet, token: ResumeToken) {
        self.close(ByeReason::Replaced);
        self.outlet = Some(outlet);
        self.token = token;
        self.detached_at = None;
        self.blocked_since = None;
    }

    /// The connection is gone.
    pub(super) fn detach(&mut self, now: Instant) {
        self.outlet = None;
        self.detached_at = Some(now);
        self.blocked_since = None;
    }

    /// Ends the connection, if there is one.
    pub(super) fn close(&mut self, farewell: impl Into<Farewell>) {
        if let Some(outlet) = self.outlet.take() {
            // If the connection has just ended by itself, nobody is left to be told.
            let _ = outlet.close.send(farewell.into());
        }
    }

    pub(super) fn is_connection(&self, connection: ConnectionId) -> bool {
        self.outlet.as_ref().is_some_and(|outlet| outlet.connection == connection)
    }

    /// Whether the connection is there and can take no more frames now.
    pub(super) fn is_full(&self) -> bool {
        self.outlet.as_ref().is_some_and(|outlet| outlet.frames.capacity() == 0)
    }

    /// Whether nobody takes frames out any more.
    pub(super) fn is_closed(&self) -> bool {
        self.outlet.as_ref().is_some_and(|outlet| outlet.frames.is_closed())
    }

    /// Hands a frame over; false if it found no room.
    pub(super) fn send(&mut self, frame: &[u8]) -> bool {
        match &self.outlet {
            Some(outlet) => outlet.frames.try_send(Bytes::copy_from_slice(frame)).is_ok(),
            None => true,
        }
    }
}

/// The players of an instance by their seat in the zone, and its spectators by theirs.
#[derive(Default)]
pub(super) struct Seats {
    playing: Vec<Option<Seated>>,
    watching: Vec<Option<Seated>>,
}

impl Seats {
    const fn table_mut(&mut self, seat: Seat) -> &mut Vec<Option<Seated>> {
        if seat.spectates() { &mut self.watching } else { &mut self.playing }
    }

    pub(super) fn insert(&mut self, seat: Seat, seated: Seated) {
        let table = self.table_mut(seat);
        if table.len() <= seat.index() {
            table.resize_with(seat.index() + 1, || None);
        }
        table[seat.index()] = Some(seated);
    }

    pub(super) fn take(&mut self, seat: Seat) -> Option<Seated> {
        self.table_mut(seat).get_mut(seat.index())?.take()
    }

    pub(super) fn get_mut(&mut self, seat: Seat) -> Option<&mut Seated> {
        self.table_mut(seat).get_mut(seat.index())?.as_mut()
    }

    /// The player on `seat`, if the connection is still theirs: what an older one sent late is not.
    pub(super) fn of_connection(&mut self, seat: Seat, connection: ConnectionId) -> Option<&mut Seated> {
        self.get_mut(seat).filter(|seated| seated.is_connection(connection))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (Seat, &mut Seated)> {
        let Self { playing, watching } = self;
        let players = (0..).map(Seat).zip(playing);
        let all = players.chain((Seat::SPECTATES..).map(Seat).zip(watching));
        all.filter_map(|(seat, seated)| Some((seat, seated.as_mut()?)))
    }

    pub(super) fn find(&mut self, fits: impl Fn(&Seated) -> bool) -> Option<(Seat, &mut Seated)> {
        self.iter_mut().find(|(_, seated)| fits(seated))
    }

    /// How many play.
    pub(super) fn playing(&self) -> u32 {
        count(&self.playing)
    }

    /// How many look on.
    pub(super) fn watching(&self) -> u32 {
        count(&self.watching)
    }
}

fn count(seats: &[Option<Seated>]) -> u32 {
    u32::try_from(seats.iter().flatten().count()).expect("seats are few")
}
