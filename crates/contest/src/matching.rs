//! The matchmaker of one queue: parties wait, and the best matches are made of them first. It knows neither
//! the clock nor who keeps the tickets; what it is told in the same order gives the same matches.
//!
//! Each step, those whose turn it is look outwards from their rating, in the pools of the regions that they
//! play in, for the nearest with whom they make a match; of all matches so found, the best are made. Work is
//! done for who came and for who has waited a while longer, never for all who wait.

mod explain;
mod group;
mod packing;
mod pool;
mod quality;
mod queue;
mod roles;
#[cfg(any(test, feature = "test-util"))]
pub mod sample;
mod search;
mod slab;
mod step;
#[cfg(test)]
mod tests;
mod ticket;
mod turns;

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::{CharacterId, InstanceId};
use domain::time::UnixMillis;

pub use self::explain::{WaitExplanation, WaitReason};
pub use self::quality::{Explanation, Match, MatchPlayer, MatchTeam};
pub use self::queue::{
    MATCH_PLAYERS_MAX, QueueDefinition, QueueError, REGIONS_MAX, ROLES_MAX, RoleCount, TEAM_PLAYERS_MAX,
    TEAMS_MAX,
};
pub use self::ticket::{
    BLOCKS_MAX, BackfillRequest, BackfillTeam, InsertError, MatchTicketId, Player, Ticket, check_party_roles,
};

use self::pool::{Pools, Slot};
use self::queue::Queue;
use self::search::Seeker;
use self::slab::Slab;
use self::ticket::{Opening, Party, Space};

/// The matchmaker of one queue.
#[derive(Debug)]
pub struct Matcher {
    queue: Queue,
    /// The teams of a new match.
    spaces: Vec<Space>,
    slab: Slab,
    pools: Pools,
    tickets: BTreeMap<MatchTicketId, Slot>,
    players: BTreeSet<CharacterId>,
    openings: BTreeMap<InstanceId, Opening>,
    /// Whose turn comes when; of those at the same time, the oldest first.
    due: BTreeSet<(UnixMillis, UnixMillis, Seeker)>,
}

impl Matcher {
    /// A matchmaker for whom nobody waits yet; or all that is wrong with the definition.
    pub fn new(definition: QueueDefinition) -> Result<Self, Vec<QueueError>> {
        let faults = definition.faults();
        if !faults.is_empty() {
            return Err(faults);
        }
        let queue = Queue::new(definition);
        Ok(Self {
            spaces: vec![Space::empty(&queue); usize::from(queue.definition.teams)],
            queue,
            slab: Slab::default(),
            pools: Pools::default(),
            tickets: BTreeMap::new(),
            players: BTreeSet::new(),
            openings: BTreeMap::new(),
            due: BTreeSet::new(),
        })
    }

    /// The queue's definition.
    #[must_use]
    pub fn definition(&self) -> &QueueDefinition {
        &self.queue.definition
    }

    /// How many tickets wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tickets.len()
    }

    /// Whether no ticket waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tickets.is_empty()
    }

    /// Whether this ticket waits.
    #[must_use]
    pub fn contains(&self, ticket: MatchTicketId) -> bool {
        self.tickets.contains_key(&ticket)
    }

    /// Lets a party wait. A ticket whose match came to nothing may come back with the time of its first.
    pub fn insert(&mut self, ticket: Ticket) -> Result<(), InsertError> {
        if self.contains(ticket.id) {
            return Err(InsertError::Waiting);
        }
        let party = Party::of(ticket, &self.queue)?;
        let mut players = party.players.clone();
        players.sort_unstable();
        let twice = players.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        let waiting = players.iter().copied().find(|player| self.players.contains(player));
        if let Some(player) = twice.or(waiting) {
            return Err(InsertError::PlayerWaiting(player));
        }
        self.players.extend(players);
        let slot = self.slab.insert(party);
        let party = self.slab.get(slot).expect("it was just put there");
        self.pools.insert(party, slot);
        self.tickets.insert(party.id, slot);
        self.due.insert((party.due, party.created_at, Seeker::Ticket(party.id, slot)));
        Ok(())
    }

    /// Lets a party wait no longer. False if it did not wait: never, no longer, or matched already, which its
    /// owner has to undo where matches are kept.
    pub fn cancel(&mut self, ticket: MatchTicketId) -> bool {
        let slot = self.tickets.get(&ticket).copied();
        slot.and_then(|slot| self.remove(slot)).is_some()
    }

    /// Lets an instance wait for players until it is full or cancels. It may get them in several matches.
    pub fn insert_backfill(&mut self, request: BackfillRequest) -> Result<(), InsertError> {
        if self.openings.contains_key(&request.instance) {
            return Err(InsertError::Waiting);
        }
        let opening = Opening::of(request, &self.queue)?;
        self.due.insert((opening.due, opening.created_at, Seeker::Instance(opening.instance)));
        self.openings.insert(opening.instance, opening);
        Ok(())
    }

    /// Lets an instance wait no longer. False if it did not wait.
    pub fn cancel_backfill(&mut self, instance: InstanceId) -> bool {
        let Some(opening) = self.openings.remove(&instance) else { return false };
        self.due.remove(&(opening.due, opening.created_at, Seeker::Instance(instance)));
        true
    }

    /// Makes matches, those of backfills that have waited longer than a new match's tickets before it, and new
    /// matches by quality. Looks at about `budget` candidates and leaves the rest to the next step; called a
    /// few times a second with at least 100,000, so that no turn is put off for long.
    pub fn step(&mut self, now: UnixMillis, budget: u32) -> Vec<Match> {
        self.make_matches(now, budget)
    }

    /// Why the ticket still waits; none if it does not.
    #[must_use]
    pub fn explain(&self, ticket: MatchTicketId, now: UnixMillis) -> Option<WaitExplanation> {
        self.explain_wait(ticket, now)
    }

    fn remove(&mut self, slot: Slot) -> Option<Party> {
        let party = self.slab.remove(slot)?;
        self.pools.remove(&party);
        self.tickets.remove(&party.id);
        for player in &party.players {
            self.players.remove(player);
        }
        self.due.remove(&(party.due, party.created_at, Seeker::Ticket(party.id, slot)));
        Some(party)
    }

    /// Gives the seeker its next turn, if it still waits.
    fn schedule(&mut self, seeker: Seeker, at: UnixMillis) {
        let waiting = match seeker {
            Seeker::Instance(instance) => {
                self.openings.get_mut(&instance).map(|opening| (&mut opening.due, opening.created_at))
            }
            Seeker::Ticket(_, slot) => {
                self.slab.get_mut(slot).map(|party| (&mut party.due, party.created_at))
            }
        };
        if let Some((due, created_at)) = waiting {
            *due = at;
            self.due.insert((at, created_at, seeker));
        }
    }
}
