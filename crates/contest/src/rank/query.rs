//! Questions to a store, step by step: the rank of a key, and the entries at a rank. Each says what to read next
//! and when it is done; the store's calls are made elsewhere.

use super::key::{Place, RankKey};
use super::tree::{CountingTree, Node, NodeId, Nodes};

/// Most calls of a [`RankQuery`]: with the read of the entry itself, a player's rank takes at most 4.
pub const RANK_CALLS_MAX: u32 = 3;

/// Most calls of a [`SelectQuery`]; the entries found are one further call.
pub const SELECT_CALLS_MAX: u32 = 4;

/// What a query needs next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<T> {
    /// One call.
    Read {
        nodes: Vec<NodeId>,
        mode: ReadMode,
    },
    Done(T),
}

/// How the nodes of one call are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadMode {
    /// All as of one moment (`TransactGetItems`): refused while one of them is being written.
    AtOnce,
    /// Each as of its own moment (`BatchGetItem`, consistent): never refused.
    OneByOne,
}

/// What came of a read.
#[derive(Debug, Clone, Copy)]
pub enum Reading<'a> {
    Nodes(&'a Nodes),
    /// A writer was at one of them.
    Conflict,
}

/// A rank, and whether it is known to be that of one moment within the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rank {
    pub rank: u64,
    /// False if the nodes had to be read one by one. Then each transaction that was being committed meanwhile
    /// may have been seen in part, which moves the rank by at most 1 for each of its entries.
    pub is_exact: bool,
}

/// Asks for the rank of a key: at once as often as calls are left, then one by one.
#[derive(Debug, Clone)]
pub struct RankQuery<'a> {
    tree: &'a CountingTree,
    key: RankKey,
    calls: u32,
    rank: Option<Rank>,
}

/// Where the entries at a rank are: in the order of keys (and any order among equal ones), the entry that was
/// asked for is the one after `skip` others whose keys are in `from..=to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selected {
    pub from: RankKey,
    pub to: RankKey,
    pub skip: u64,
    /// The rank of the first entry of these keys.
    pub first_rank: u64,
}

/// Asks for the entries at a position, counted from 1: a level of the tree with each call. It ends early where a
/// node has few enough entries to read them, and always after [`SELECT_CALLS_MAX`]. Exact while nobody writes;
/// otherwise the levels are of different moments, and the position is off by at most 1 for each entry that
/// moved meanwhile.
#[derive(Debug, Clone)]
pub struct SelectQuery<'a> {
    tree: &'a CountingTree,
    position: u64,
    enough: u64,
    skip: u64,
    depth: u32,
    code: u64,
    is_done: bool,
    found: Option<Selected>,
}

impl<'a> RankQuery<'a> {
    pub const fn new(tree: &'a CountingTree, key: RankKey) -> Self {
        Self { tree, key, calls: 0, rank: None }
    }

    pub fn step(&self) -> Step<Rank> {
        if let Some(rank) = self.rank {
            return Step::Done(rank);
        }
        let mode = if self.calls + 1 < RANK_CALLS_MAX { ReadMode::AtOnce } else { ReadMode::OneByOne };
        Step::Read { nodes: self.tree.reads(self.key), mode }
    }

    /// Takes what came of the last step. One call follows another only after a conflict.
    pub fn answer(&mut self, reading: Reading<'_>) {
        let is_exact = self.calls + 1 < RANK_CALLS_MAX;
        match reading {
            Reading::Nodes(nodes) => {
                self.rank = Some(Rank { rank: self.tree.rank(self.key, nodes), is_exact });
            }
            Reading::Conflict => self.calls = (self.calls + 1).min(RANK_CALLS_MAX - 1),
        }
    }
}

impl<'a> SelectQuery<'a> {
    /// The entry at `position`, or a range with it of at most `enough` entries where four calls can find one.
    pub const fn new(tree: &'a CountingTree, position: u64, enough: u64) -> Self {
        let skip = position.saturating_sub(1);
        Self { tree, position: skip + 1, enough, skip, depth: 0, code: 0, is_done: false, found: None }
    }

    /// `None` in the end: there are fewer entries than that.
    pub fn step(&self) -> Step<Option<Selected>> {
        if self.is_done {
            return Step::Done(self.found);
        }
        Step::Read { nodes: self.nodes(), mode: ReadMode::OneByOne }
    }

    /// Takes the nodes of the last step.
    pub fn answer(&mut self, nodes: &Nodes) {
        let mut sum = Node::default();
        for node in self.nodes().iter().filter_map(|id| nodes.get(id)) {
            node.counts().for_each(|(child, count)| sum.add(child, count));
        }
        let mut skip = self.skip;
        for (child, count) in sum.counts() {
            let count = u64::try_from(count).unwrap_or(0);
            let Some(left) = skip.checked_sub(count) else {
                self.skip = skip;
                self.depth += 1;
                self.code = self.code << super::key::DIGIT_BITS | u64::from(child);
                let is_last = self.depth == self.tree.keys().levels() || self.depth == SELECT_CALLS_MAX;
                if is_last || count <= self.enough {
                    (self.is_done, self.found) = (true, Some(self.selected()));
                }
                return;
            };
            skip = left;
        }
        // Past the last entry, or it left between two calls: then those below the node are the nearest.
        (self.is_done, self.found) = (true, (self.depth > 0).then(|| self.selected()));
    }

    fn nodes(&self) -> Vec<NodeId> {
        let place = Place { depth: self.depth, code: self.code, tail: 0, child: 0 };
        self.tree.shards_of(place).collect()
    }

    fn selected(&self) -> Selected {
        let (from, to) = self.tree.keys().keys_below(self.depth, self.code);
        Selected { from, to, skip: self.skip, first_rank: self.position - self.skip }
    }
}

/// The ranks of consecutive entries, where the first is at `position` (from 1) and has the rank `first_rank`,
/// which is smaller if others with its key come before it.
pub fn page_ranks(position: u64, first_rank: u64, keys: &[RankKey]) -> Vec<u64> {
    let mut ranks: Vec<u64> = Vec::with_capacity(keys.len());
    for (index, key) in keys.iter().enumerate() {
        let rank = match ranks.last() {
            None => first_rank,
            Some(last) if keys[index - 1] == *key => *last,
            Some(_) => position.saturating_add(u64::try_from(index).unwrap_or(u64::MAX)),
        };
        ranks.push(rank);
    }
    ranks
}
