//! Where those who wait are found: by region, by what they bring, and by rating. Whether they fit together is
//! not decided here.

use std::collections::BTreeMap;
use std::collections::btree_map::Range;
use std::iter::repeat_n;

use domain::time::UnixMillis;

use super::queue::{Micro, Queue, ROLES_MAX};
use super::roles::{Needs, Roles};
use super::ticket::{MatchTicketId, Party};

/// The place of a party in the slab.
pub(super) type Slot = u32;

/// The order within a pool: by rating, then by age. All that the first look at a candidate needs is in the
/// key, since the party itself is a cache miss away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) centre: Micro,
    pub(super) created_at: UnixMillis,
    pub(super) id: MatchTicketId,
}

impl Key {
    pub(super) fn of(party: &Party) -> Self {
        Self { centre: party.centre, created_at: party.created_at, id: party.id }
    }
}

/// What the parties of a pool have in common. Of several players only the roles are known that somebody among
/// them can take, since the pools would be too many if they were told apart by each member's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    pub(super) size: u8,
    pub(super) roles: Roles,
}

impl Kind {
    fn of(party: &Party) -> Self {
        Self { size: party.size, roles: party.roles.iter().fold(0, |all, player| all | player) }
    }

    /// Its players as if each could take what any of them can.
    pub(super) fn players(self) -> impl ExactSizeIterator<Item = Roles> {
        repeat_n(self.roles, usize::from(self.size))
    }
}

/// How many of a pool are passed over before it is left. Where so many are near but too new to accept anyone
/// at that distance, they age sooner than the search for an old one among them would pay.
const PASSED_OVER_MAX: u32 = 24;

type Pool = BTreeMap<Key, Slot>;

/// Those who play in one region.
#[derive(Debug, Default)]
struct Area {
    pools: BTreeMap<Kind, Pool>,
    /// For each role, how many players can take it.
    able: [u64; ROLES_MAX],
}

/// All pools. A party is in one of each region that it plays in.
#[derive(Debug, Default)]
pub(super) struct Pools {
    regions: BTreeMap<u8, Area>,
}

impl Pools {
    pub(super) fn insert(&mut self, party: &Party, slot: Slot) {
        for region in party.regions() {
            let area = self.regions.entry(region).or_default();
            area.pools.entry(Kind::of(party)).or_default().insert(Key::of(party), slot);
            count_able(party, &mut area.able, |count| *count += 1);
        }
    }

    pub(super) fn remove(&mut self, party: &Party) {
        for region in party.regions() {
            let area = self.regions.get_mut(&region).expect("a waiting party is in its regions");
            count_able(party, &mut area.able, |count| *count -= 1);
            let pools = &mut area.pools;
            let pool = pools.get_mut(&Kind::of(party)).expect("a waiting party is in its pools");
            pool.remove(&Key::of(party));
            if pool.is_empty() {
                pools.remove(&Kind::of(party));
            }
        }
    }

    /// The roles that need players, those first that the fewest in the region can take for each that a team
    /// needs.
    pub(super) fn scarcest(&self, region: u8, needs: &Needs) -> Vec<Roles> {
        let able = self.regions.get(&region).map_or([0; ROLES_MAX], |area| area.able);
        let roles = (0_u8..).zip(needs.counts()).zip(able).filter(|((_, count), _)| *count > 0);
        let mut roles: Vec<(u64, u8)> =
            roles.map(|((role, count), able)| (able * 1_000 / u64::from(count), role)).collect();
        roles.sort_unstable();
        roles.into_iter().map(|(_, role)| 1 << role).collect()
    }

    /// The scarcest role of each region; 0 where there are no roles.
    pub(super) fn scarcest_by_region(&self, queue: &Queue) -> Vec<Roles> {
        let regions = (0_u8..).zip(&queue.definition.regions);
        regions.map(|(region, _)| self.scarcest(region, &queue.needs).first().copied().unwrap_or(0)).collect()
    }

    /// Those who play in the region and are of a kind that is sought, the nearest to `centre` first.
    pub(super) fn walk(
        &self,
        region: u8,
        centre: Micro,
        direction: Direction,
        is_sought: impl Fn(Kind) -> bool,
    ) -> Walk<'_> {
        let mut lanes = Vec::new();
        // Whoever stands at the centre itself counts as above, so that no one is met twice.
        let middle = Key { centre, created_at: UnixMillis::new(0), id: MatchTicketId::from_u128(0) };
        let pools = self.regions.get(&region).into_iter().flat_map(|area| &area.pools);
        for (kind, pool) in pools.filter(|(kind, _)| is_sought(**kind)) {
            if direction != Direction::Down {
                Lane::open(&mut lanes, *kind, pool.range(middle..), true);
            }
            if direction != Direction::Up {
                Lane::open(&mut lanes, *kind, pool.range(..middle), false);
            }
        }
        Walk { centre, lanes }
    }
}

fn count_able(party: &Party, able: &mut [u64; ROLES_MAX], change: impl Fn(&mut u64)) {
    for player in &party.roles {
        let theirs = able.iter_mut().enumerate().filter(|(role, _)| player >> role & 1 == 1);
        theirs.for_each(|(_, count)| change(count));
    }
}

/// Which side of the centre is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Both,
    Up,
    Down,
}

/// One side of one pool.
#[derive(Debug)]
struct Lane<'a> {
    kind: Kind,
    rising: bool,
    /// How many were met in this pool and did not fit.
    passed_over: u32,
    next: (&'a Key, &'a Slot),
    rest: Range<'a, Key, Slot>,
}

impl<'a> Lane<'a> {
    fn open(lanes: &mut Vec<Self>, kind: Kind, mut rest: Range<'a, Key, Slot>, rising: bool) {
        if let Some(next) = if rising { rest.next() } else { rest.next_back() } {
            lanes.push(Self { kind, rising, passed_over: 0, next, rest });
        }
    }
}

/// A walk outwards over all pools of a region.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    centre: Micro,
    lanes: Vec<Lane<'a>>,
}

impl Walk<'_> {
    /// How many sides of pools are open: what one step of the walk costs.
    pub(super) fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// The next nearest, and what its pool has in common.
    pub(super) fn step(&mut self) -> Option<(Key, Slot, Kind)> {
        let order = |lane: &Lane<'_>| (lane.next.0.centre.abs_diff(self.centre), *lane.next.0);
        let nearest = (0..self.lanes.len()).min_by_key(|index| order(&self.lanes[*index]))?;
        let lane = &mut self.lanes[nearest];
        let found = (*lane.next.0, *lane.next.1, lane.kind);
        match if lane.rising { lane.rest.next() } else { lane.rest.next_back() } {
            Some(next) => lane.next = next,
            None => drop(self.lanes.swap_remove(nearest)),
        }
        Some(found)
    }

    /// Counts one of this kind that did not fit; after too many of them, meets no more.
    pub(super) fn pass_over(&mut self, kind: Kind, count: u32) {
        for lane in self.lanes.iter_mut().filter(|lane| lane.kind == kind) {
            lane.passed_over += count;
        }
        self.lanes.retain(|lane| lane.passed_over < PASSED_OVER_MAX);
    }

    /// Meets no one of this kind any more.
    pub(super) fn leave(&mut self, kind: Kind) {
        self.lanes.retain(|lane| lane.kind != kind);
    }

    /// Goes no further on the side where `centre` is.
    pub(super) fn turn_back(&mut self, centre: Micro) {
        let rising = centre >= self.centre;
        self.lanes.retain(|lane| lane.rising != rising);
    }
}
