//! Walks over the stored nodes of a tree, from the root down: for a check or a deletion that goes section by section.

use super::key::{DIGIT_BITS, Place, RankKey};
use super::tree::{CountingTree, NodeId, Nodes};

impl CountingTree {
    /// Sections of a tree, numbered from 0, the best keys first: one for each child of the root.
    pub const SECTIONS: u8 = 1 << DIGIT_BITS;

    /// The first and the last key of a section; `None` if no key can be there.
    pub fn section(&self, section: u8) -> Option<(RankKey, RankKey)> {
        let (from, to) = self.keys().keys_below(1, u64::from(section));
        let is_of_section = self.keys().path(from).first().is_some_and(|place| place.child == section);
        is_of_section.then_some((from, to))
    }

    /// The root of every shard.
    pub fn roots(&self) -> Vec<NodeId> {
        self.shards_of(Place { depth: 0, code: 0, tail: 0, child: 0 }).collect()
    }

    /// The nodes right below those given, of every shard: all that can be stored, since a node is written in one
    /// transaction with a count of it in the node above, where it stays though it fall to 0.
    pub fn below(&self, nodes: &Nodes) -> Vec<NodeId> {
        let mut places = std::collections::BTreeSet::new();
        for (id, node) in nodes {
            places.extend(node.counts().filter_map(|(child, _)| self.place_below(*id, child)));
        }
        places.into_iter().flat_map(|place| self.shards_of(place)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::*;

    #[test]
    fn a_walk_finds_every_node_and_sections_part_the_keys() {
        for (subscore, shards) in [(None, 1), (Some(-1..=5), 3)] {
            let keys = KeySpace::new(Order::Descending, &(0..=100_000), subscore.as_ref()).unwrap();
            let tree = CountingTree::new(keys, shards).unwrap();
            let mut nodes = Nodes::new();
            let mut all = Vec::new();
            for writer in 0..400_u32 {
                let value = i64::from(writer) * 7_919 % 120_000 - 9_000;
                let key = tree.keys().key(Score { score: value, subscore: value % 11 - 3 });
                let old = (writer % 3 == 0).then_some(key);
                // Some go again, through another shard.
                let came = tree.updates(None, Some(key), writer).into_iter();
                for update in came.chain(tree.updates(old, None, writer + 1)) {
                    let node = nodes.entry(update.node).or_default();
                    update.deltas.iter().for_each(|(child, delta)| node.add(*child, *delta));
                }
                all.push(key);
            }
            let mut level = tree.roots();
            let mut found = Nodes::new();
            while !level.is_empty() {
                let stored: Nodes =
                    level.iter().filter_map(|id| Some((*id, nodes.get(id)?.clone()))).collect();
                level = tree.below(&stored);
                found.extend(stored);
            }
            assert_eq!(found, nodes);
            for key in all {
                let sections = (0..CountingTree::SECTIONS).filter_map(|section| tree.section(section));
                assert_eq!(sections.filter(|(from, to)| (*from..=*to).contains(&key)).count(), 1, "{key}");
                assert_eq!(key.to_string().parse(), Ok(key));
            }
        }
        assert!("0".parse::<RankKey>().is_err() && "+".repeat(32).parse::<RankKey>().is_err());
    }
}
