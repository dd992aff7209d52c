//! The counting tree: which counts a change of entries moves, and which counts a rank is the sum of. Pure
//! arithmetic: it holds no count itself.

use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;

use super::key::{DIGIT_BITS, ESCAPE_LEVELS, KeySpace, Place, RankKey};

/// Most nodes of one read call: the limit of `TransactGetItems` and of `BatchGetItem`.
pub const CALL_NODES_MAX: u32 = 100;

/// The name of a node. Its text is the end of the item's key, behind the board and its season.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId {
    shard: u32,
    depth: u32,
    code: u64,
    tail: u128,
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{:x}.{:x}", self.shard, self.depth, self.code, self.tail)
    }
}

/// The counts of a node by child. A child without a count has none; a count of one shard may be negative, since
/// an entry can be counted in one shard and counted out in another: only the sum over the shards means
/// something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    counts: BTreeMap<u8, i64>,
}

/// Nodes as read. One that the store does not have is left out, or is empty.
pub type Nodes = BTreeMap<NodeId, Node>;

/// What is added to the counts of one node: one part of a transaction, an update without a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountUpdate {
    pub node: NodeId,
    /// Child and what is added to its count; never empty, no child twice, never 0.
    pub deltas: Vec<(u8, i64)>,
}

/// One entry that comes (`old` is none), goes (`new` is none) or moves. A banned entry has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    pub old: Option<RankKey>,
    pub new: Option<RankKey>,
}

/// Why a tree cannot have so many shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ShardsError {
    #[error("a tree has at least one shard")]
    None,
    #[error("a rank would take more nodes than one call can read")]
    TooMany,
}

/// The tree of one board and season. Neither the keys nor the number of shards change while it has entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountingTree {
    keys: KeySpace,
    shards: u32,
}

impl Node {
    pub fn count(&self, child: u8) -> i64 {
        self.counts.get(&child).copied().unwrap_or(0)
    }

    /// Whether the child ever had a count.
    pub fn has(&self, child: u8) -> bool {
        self.counts.contains_key(&child)
    }

    /// Adds to the count of a child; counts that cannot be are cut off, for a damaged store must not stop a
    /// reader.
    pub fn add(&mut self, child: u8, delta: i64) {
        let count = self.counts.entry(child).or_insert(0);
        *count = count.saturating_add(delta);
    }

    pub(super) fn counts(&self) -> impl Iterator<Item = (u8, i64)> {
        self.counts.iter().map(|(child, count)| (*child, *count))
    }
}

impl CountingTree {
    /// A tree of which `shards` writers can change any node at the same time. One is enough for a quiet board;
    /// each adds its nodes to every read.
    pub fn new(keys: KeySpace, shards: u32) -> Result<Self, ShardsError> {
        if shards == 0 {
            return Err(ShardsError::None);
        }
        let nodes = keys.levels().checked_mul(shards).and_then(|nodes| nodes.checked_add(ESCAPE_LEVELS));
        if nodes.is_none_or(|nodes| nodes > CALL_NODES_MAX) {
            return Err(ShardsError::TooMany);
        }
        Ok(Self { keys, shards })
    }

    pub const fn keys(&self) -> &KeySpace {
        &self.keys
    }

    pub const fn shards(&self) -> u32 {
        self.shards
    }

    /// The parts that belong into the transaction that changes the entry from `old` to `new`. The shard is the
    /// writer's own number, of any size.
    pub fn updates(&self, old: Option<RankKey>, new: Option<RankKey>, writer: u32) -> Vec<CountUpdate> {
        self.updates_of(&[Change { old, new }], writer)
    }

    /// The parts for several entries in one transaction. No node comes twice, which `TransactWriteItems` would
    /// refuse, and a node whose counts stay as they are does not come at all: a small step of a score leaves the
    /// upper nodes, which all writers share, untouched.
    pub fn updates_of(&self, changes: &[Change], writer: u32) -> Vec<CountUpdate> {
        let mut sums = Nodes::new();
        for change in changes {
            self.count(&mut sums, change.old, -1, writer);
            self.count(&mut sums, change.new, 1, writer);
        }
        into_updates(sums)
    }

    /// Most parts that [`Self::updates`] gives for one change within the expected ranges: two paths that share
    /// the root. Each path outside of them has [`ESCAPE_LEVELS`] more.
    pub const fn parts_max(&self) -> u32 {
        2 * self.keys.levels() - 1
    }

    /// The nodes that hold the rank of the key: all of them in one call of at most [`CALL_NODES_MAX`].
    pub fn reads(&self, key: RankKey) -> Vec<NodeId> {
        let places = self.keys.path(key);
        places.into_iter().flat_map(|place| self.shards_of(place)).collect()
    }

    /// 1 and the number of entries that are better than the key, which need not be an entry's.
    pub fn rank(&self, key: RankKey, nodes: &Nodes) -> u64 {
        let mut better = 0_i64;
        for place in self.keys.path(key) {
            for node in self.shards_of(place).filter_map(|id| nodes.get(&id)) {
                let counts = node.counts.range(..place.child).map(|(_, count)| *count);
                better = counts.fold(better, i64::saturating_add);
            }
        }
        u64::try_from(better).unwrap_or(0).saturating_add(1)
    }

    /// The node of every shard at the place.
    pub(super) fn shards_of(&self, place: Place) -> impl Iterator<Item = NodeId> + use<> {
        let Place { depth, code, tail, .. } = place;
        // Outliers are few: their nodes have one shard, so that those of a whole path fit one call.
        let shards = if depth < self.keys.levels() { self.shards } else { 1 };
        (0..shards).map(move |shard| NodeId { shard, depth, code, tail })
    }

    /// Where a child of a node is, unless it is a single key.
    pub(super) fn place_below(&self, node: NodeId, child: u8) -> Option<Place> {
        let NodeId { depth, code, tail, .. } = node;
        let levels = self.keys.levels();
        let digit = u64::from(child);
        if depth >= levels {
            let tail = tail << DIGIT_BITS | u128::from(child);
            return (depth + 1 < levels + ESCAPE_LEVELS).then_some(Place {
                depth: depth + 1,
                code,
                tail,
                child: 0,
            });
        }
        let below = Place { depth: depth + 1, code: code << DIGIT_BITS | digit, tail: 0, child: 0 };
        (below.depth < levels || self.keys.is_escape(below.code)).then_some(below)
    }

    /// Adds the key `delta` times to the nodes of its path.
    pub(super) fn count(&self, nodes: &mut Nodes, key: Option<RankKey>, delta: i64, writer: u32) {
        for place in key.into_iter().flat_map(|key| self.keys.path(key)) {
            let shard = if place.depth < self.keys.levels() { writer % self.shards } else { 0 };
            let id = NodeId { shard, depth: place.depth, code: place.code, tail: place.tail };
            nodes.entry(id).or_default().add(place.child, delta);
        }
    }
}

impl NodeId {
    /// The same place in the first shard.
    pub(super) const fn in_first_shard(self) -> Self {
        Self { shard: 0, ..self }
    }
}

/// What adds the counts, without those that are 0.
pub(super) fn into_updates(nodes: Nodes) -> Vec<CountUpdate> {
    let update = |(node, counts): (NodeId, Node)| CountUpdate {
        node,
        deltas: counts.counts().filter(|(_, delta)| *delta != 0).collect(),
    };
    nodes.into_iter().map(update).filter(|update| !update.deltas.is_empty()).collect()
}
