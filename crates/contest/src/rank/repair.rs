//! The check of counts against the entries themselves, and what mends them.

use super::key::RankKey;
use super::tree::{CountUpdate, CountingTree, Nodes, into_updates};

/// What must be added for the counts to be those of the entries that count: nothing, if they are right. `keys`
/// is a scan of all entries that are not banned, `stored` one of all nodes of the tree.
///
/// Both must be of one moment: no submission may be accepted while they are read and while the updates are
/// written, which can be done in transactions of any size. It takes memory for all nodes.
pub fn differences(
    tree: &CountingTree,
    stored: &Nodes,
    keys: impl IntoIterator<Item = RankKey>,
) -> Vec<CountUpdate> {
    let mut missing = Nodes::new();
    for key in keys {
        tree.count(&mut missing, Some(key), 1, 0);
    }
    for (id, node) in stored {
        // Shards matter only as a sum, so the first takes what is missing in any.
        let sum = missing.entry(id.in_first_shard()).or_default();
        node.counts().for_each(|(child, count)| sum.add(child, count.saturating_neg()));
    }
    into_updates(missing)
}
