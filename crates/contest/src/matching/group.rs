//! A match in the making: who is in it, and who of the others it would take. Where candidates come from is
//! not known here.

use domain::ids::CharacterId;

use super::packing::{Goal, Packing, Piece, pack};
use super::pool::{Key, Kind, Slot};
use super::queue::{Micro, Queue};
use super::roles::{Roles, Tally};
use super::ticket::{Opening, Party, Space};

/// Placements tried to see whether a party has room. Few, since this is asked for each candidate.
const ROOM_NODES: u32 = 64;

/// Ratings that someone accepts, and where that one stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stand {
    pub(super) centre: Micro,
    pub(super) window: Micro,
}

impl Stand {
    pub(super) fn accepts(self, other: Self) -> bool {
        let distance = self.centre.abs_diff(other.centre);
        distance <= self.window.unsigned_abs() && distance <= other.window.unsigned_abs()
    }
}

/// Why a candidate is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It stands beyond what the members accept, and so do all behind it.
    Beyond,
    /// It does not accept a member.
    Window,
    /// It refuses a member or is refused by one.
    Blocked,
    /// There are too few places left for it, or its role is not among those that lack. So it is for all that
    /// bring the same.
    NoPlaces,
    /// There is no way to make teams with it.
    NoRoom,
}

/// One who is in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member<'a> {
    pub(super) slot: Slot,
    pub(super) party: &'a Party,
    stand: Stand,
    /// How many candidates were refused because of it.
    blame: u32,
}

/// A match in the making.
#[derive(Debug)]
pub(super) struct Group<'a> {
    queue: &'a Queue,
    opening: Option<&'a Opening>,
    spaces: &'a [Space],
    pub(super) members: Vec<Member<'a>>,
    /// Where the first member, or the instance, stands.
    pub(super) anchor: Stand,
    lowest: Micro,
    highest: Micro,
    /// Between these, all members accept whoever comes.
    floor: Micro,
    ceiling: Micro,
    capacity: u16,
    players: u16,
    tally: Tally,
    has_only_solos: bool,
}

impl<'a> Group<'a> {
    pub(super) fn new(
        queue: &'a Queue,
        opening: Option<&'a Opening>,
        spaces: &'a [Space],
        anchor: Stand,
    ) -> Self {
        Self {
            queue,
            opening,
            spaces,
            members: Vec::new(),
            anchor,
            lowest: anchor.centre,
            highest: anchor.centre,
            floor: anchor.centre.saturating_sub(anchor.window),
            ceiling: anchor.centre.saturating_add(anchor.window),
            capacity: spaces.iter().map(|space| u16::from(space.open)).sum(),
            players: 0,
            tally: Tally::new(&queue.needs),
            has_only_solos: true,
        }
    }

    pub(super) fn add(&mut self, slot: Slot, party: &'a Party, stand: Stand) {
        self.lowest = self.lowest.min(stand.centre);
        self.highest = self.highest.max(stand.centre);
        self.floor = self.floor.max(stand.centre.saturating_sub(stand.window));
        self.ceiling = self.ceiling.min(stand.centre.saturating_add(stand.window));
        self.players += u16::from(party.size);
        self.has_only_solos &= party.size == 1;
        party.roles.iter().for_each(|player| self.tally.add(*player));
        self.members.push(Member { slot, party, stand, blame: 0 });
    }

    pub(super) fn is_full(&self) -> bool {
        self.players >= self.capacity
    }

    /// Whether it is a new match of a queue with roles.
    pub(super) fn is_of_roles(&self) -> bool {
        self.opening.is_none() && !self.queue.needs.is_empty()
    }

    /// How far apart the members stand.
    pub(super) fn range(&self) -> Micro {
        self.highest - self.lowest
    }

    /// Whether the candidate and all members accept each other by rating. What is decided here needs no look
    /// at the candidate itself.
    pub(super) fn accepts(&mut self, key: &Key, stand: Stand) -> Result<(), Refusal> {
        if !(self.floor..=self.ceiling).contains(&key.centre) {
            self.blame_window(stand);
            return Err(Refusal::Beyond);
        }
        let reach = stand.centre.saturating_sub(stand.window)..=stand.centre.saturating_add(stand.window);
        if reach.contains(&self.lowest) && reach.contains(&self.highest) {
            return Ok(());
        }
        self.blame_window(stand);
        Err(Refusal::Window)
    }

    /// Blames the member that stands between the anchor and this candidate, if they accept each other.
    fn blame_window(&mut self, candidate: Stand) {
        if !self.anchor.accepts(candidate) {
            return;
        }
        if let Some(member) = self.members.iter_mut().find(|member| !member.stand.accepts(candidate)) {
            member.blame += 1;
        }
    }

    /// Whether a candidate that is accepted by rating can join.
    pub(super) fn admits(&mut self, party: &Party) -> Result<(), Refusal> {
        let opening = self.opening;
        if opening.is_some_and(|opening| are_blocked(party, &opening.players, &opening.blocks)) {
            return Err(Refusal::Blocked);
        }
        let blocks = |member: &Member<'_>| are_blocked(party, &member.party.players, &member.party.blocks);
        if let Some(member) = self.members.iter_mut().find(|member| blocks(member)) {
            member.blame += 1;
            return Err(Refusal::Blocked);
        }
        if party.size > 1 && !self.can_seat(&mut party.roles.iter().copied()) {
            return Err(Refusal::NoRoom);
        }
        let is_simple = self.has_only_solos && party.size == 1 && self.opening.is_none();
        if is_simple || self.pack_with(Some(party), Goal::Room, ROOM_NODES).is_some() {
            return Ok(());
        }
        self.blame_largest();
        Err(Refusal::NoRoom)
    }

    /// Whether there are places, and roles left for what lacks, if members could be moved freely. For solo
    /// players in a new match that is all there is to ask.
    pub(super) fn has_places(&mut self, kind: Kind) -> Result<(), Refusal> {
        if self.can_seat(&mut kind.players()) {
            return Ok(());
        }
        self.blame_largest();
        Err(Refusal::NoPlaces)
    }

    /// Whether these players find places with roles left for what lacks, if members could be moved freely.
    fn can_seat(&self, players: &mut dyn ExactSizeIterator<Item = Roles>) -> bool {
        let count = self.players + u16::try_from(players.len()).unwrap_or(u16::MAX);
        if count > self.capacity || self.opening.is_some() || self.queue.needs.is_empty() {
            return count <= self.capacity;
        }
        self.tally_with(players).lack(&self.queue.needs, self.teams()) <= self.capacity - count
    }

    fn tally_with(&self, players: &mut dyn ExactSizeIterator<Item = Roles>) -> Tally {
        let mut tally = self.tally;
        players.for_each(|player| tally.add(player));
        tally
    }

    fn teams(&self) -> u16 {
        u16::from(self.queue.definition.teams)
    }

    /// How many players the members of a new match lack in these roles.
    pub(super) fn lack_of(&self, roles: Roles) -> u16 {
        self.tally.lack_of(roles, &self.queue.needs, self.teams())
    }

    /// Whether fewer would lack in these roles with one of this kind.
    pub(super) fn would_lack_less(&self, roles: Roles, kind: Kind) -> bool {
        let tally = self.tally_with(&mut kind.players());
        tally.lack_of(roles, &self.queue.needs, self.teams()) < self.lack_of(roles)
    }

    /// Large parties are what keeps others out of teams with places left. Not so where roles are: there it is
    /// nearly always a role that nobody around has, and to leave out a party would only be more work.
    fn blame_largest(&mut self) {
        if !self.queue.needs.is_empty() {
            return;
        }
        let groups = self.members.iter_mut().filter(|member| member.party.size > 1);
        if let Some(member) = groups.max_by_key(|member| member.party.size) {
            member.blame += 1;
        }
    }

    /// The member that kept out the most candidates, but not the one that it is all about.
    pub(super) fn most_blamed(&self) -> Option<Slot> {
        let first = usize::from(self.opening.is_none());
        let members = self.members.iter().skip(first).filter(|member| member.blame > 0);
        members.max_by_key(|member| member.blame).map(|member| member.slot)
    }

    /// The teams, if the members make a match.
    pub(super) fn pack(&self, nodes: u32) -> Option<Packing> {
        if self.opening.is_some() {
            return (!self.members.is_empty()).then(|| self.pack_with(None, Goal::Filled, nodes))?;
        }
        if self.players < self.queue.definition.players_min() {
            return None;
        }
        self.pack_with(None, self.queue.goal(), nodes)
    }

    fn pack_with(&self, candidate: Option<&Party>, goal: Goal, nodes: u32) -> Option<Packing> {
        let parties = self.members.iter().map(|member| member.party).chain(candidate);
        let pieces: Vec<Piece<'_>> = parties.map(Piece::of).collect();
        pack(self.spaces, &pieces, goal, nodes)
    }
}

/// Whether the party refuses one of these players, or one of its own is refused.
pub(super) fn are_blocked(party: &Party, players: &[CharacterId], blocks: &[CharacterId]) -> bool {
    let refuses = |blocks: &[CharacterId], players: &[CharacterId]| {
        !blocks.is_empty() && players.iter().any(|player| blocks.binary_search(player).is_ok())
    };
    refuses(&party.blocks, players) || refuses(blocks, &party.players)
}
