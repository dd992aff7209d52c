//! What comes out of a zone in a tick. The host keeps one and passes it in again, so that its memory is
//! used again.

use domain::contract::players::Place;
use domain::ids::{CharacterId, EntityId};
use wire::reason::ByeReason;

use crate::player::Seat;

/// Everything that a tick has to say.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Frames as the threads wrote them, in the order of seats.
    parts: Vec<Frames>,
    /// Characters that are in now.
    pub admissions: Vec<Admission>,
    /// Characters whose body is gone.
    pub departures: Vec<Departure>,
    /// Durable gains, to be stored before the player can rely on them.
    pub gains: Vec<Gain>,
    /// Players to be dropped for what they sent.
    pub drops: Vec<(Seat, ByeReason)>,
}

/// A character is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// Who.
    pub character: CharacterId,
    /// Its seat from now on.
    pub seat: Seat,
    /// Its body; [`crate::player::NO_BODY`] of a spectator.
    pub entity: EntityId,
}

/// A character is out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    /// Who.
    pub character: CharacterId,
    /// The seat that is free from now on.
    pub seat: Seat,
    /// Where it was; of a spectator nothing is to be kept.
    pub place: Option<Place>,
}

/// What a character gained and must not lose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gain {
    /// Who.
    pub character: CharacterId,
    /// Experience.
    pub xp: u32,
    /// Kills.
    pub kills: u32,
    /// Deaths.
    pub deaths: u32,
    /// Number of an item that lay on the ground, see [`domain::catalogue::LootDefinition`], and how many.
    pub items: Option<(u8, u32)>,
    /// A score for a leaderboard.
    pub score: Option<Score>,
}

/// A score for one of the boards that the rules know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score {
    /// Number of the board, see [`crate::rules::realm::RealmContent::board`].
    pub board: u8,
    /// In the unit of the board.
    pub score: i64,
    /// Decides between equal scores, if the board has subscores.
    pub subscore: i64,
}

impl Gain {
    /// Nothing yet.
    #[must_use]
    pub const fn of(character: CharacterId) -> Self {
        Self { character, xp: 0, kills: 0, deaths: 0, items: None, score: None }
    }
}

impl Outbox {
    /// Forgets all, keeping the memory.
    pub fn clear(&mut self) {
        self.parts.iter_mut().for_each(Frames::clear);
        self.admissions.clear();
        self.departures.clear();
        self.gains.clear();
        self.drops.clear();
    }

    /// Frames for players, in the order of seats.
    pub fn frames(&self) -> impl Iterator<Item = (Seat, &[u8])> {
        self.parts.iter().flat_map(Frames::iter)
    }

    /// Room for the frames of so many threads.
    pub(crate) fn parts_mut(&mut self, count: usize) -> &mut [Frames] {
        if self.parts.len() < count {
            self.parts.resize_with(count, Frames::default);
        }
        &mut self.parts[..count]
    }
}

/// Frames one after the other.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    bytes: Vec<u8>,
    ends: Vec<(Seat, usize)>,
}

impl Frames {
    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn iter(&self) -> impl Iterator<Item = (Seat, &[u8])> {
        let mut start = 0;
        self.ends.iter().map(move |(seat, end)| {
            let frame = &self.bytes[start..*end];
            start = *end;
            (*seat, frame)
        })
    }

    /// Adds the frame for `seat` that `write` appends; returns its length in bytes.
    pub(crate) fn add(&mut self, seat: Seat, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        let start = self.bytes.len();
        write(&mut self.bytes);
        self.ends.push((seat, self.bytes.len()));
        self.bytes.len() - start
    }
}
