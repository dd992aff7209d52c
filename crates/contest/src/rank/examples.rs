//! Single cases that say what the module promises: operators, limits, conflicts, and the costs of its table.

use super::model::of;
use super::*;

fn tree(values: i64, shards: u32) -> CountingTree {
    let keys = KeySpace::new(Order::Descending, &(0..=values - 1), None).unwrap();
    CountingTree::new(keys, shards).unwrap()
}

#[test]
fn operators_change_what_stands() {
    let check = |operator: Operator, old, submitted, expected| {
        assert_eq!(operator.apply(Order::Descending, old, submitted), Ok(expected), "{operator:?}");
    };
    let old = Some(of(10, 5));
    check(Operator::Best, old, of(10, 4), of(10, 5));
    check(Operator::Best, old, of(10, 6), of(10, 6));
    check(Operator::Best, old, of(9, 9), of(10, 5));
    check(Operator::Best, None, of(-9, 0), of(-9, 0));
    check(Operator::Last, old, of(1, 1), of(1, 1));
    check(Operator::Set, old, of(1, 1), of(1, 1));
    check(Operator::Sum, old, of(-3, 2), of(7, 7));
    check(Operator::Decrement, old, of(3, 2), of(7, 3));
    check(Operator::Decrement, None, of(3, 2), of(-3, -2));
    assert_eq!(Operator::Best.apply(Order::Ascending, old, of(9, 9)), Ok(of(9, 9)));
}

#[test]
fn sums_past_the_end_are_refused() {
    let apply = |operator: Operator, old, submitted| operator.apply(Order::Ascending, Some(old), submitted);
    assert_eq!(apply(Operator::Sum, of(i64::MAX, 0), of(1, 0)), Err(ScoreOverflow));
    assert_eq!(apply(Operator::Sum, of(0, i64::MIN), of(1, -1)), Err(ScoreOverflow));
    assert_eq!(apply(Operator::Decrement, of(i64::MIN, 0), of(1, 0)), Err(ScoreOverflow));
    assert_eq!(apply(Operator::Decrement, of(0, 0), of(i64::MIN, 0)), Err(ScoreOverflow));
}

#[test]
fn the_costs_are_those_of_the_table() {
    let check = |values: i64, shards, levels: usize, rank_nodes: usize| {
        let tree = tree(values, shards);
        let key = |score| Some(tree.keys().key(of(score, 0)));
        let parts = |old, new| tree.updates(old, new, 0).len();
        assert_eq!(tree.reads(tree.keys().key(of(7, 0))).len(), rank_nodes);
        assert_eq!(parts(None, key(7)), levels);
        assert_eq!(parts(key(7), None), levels);
        assert_eq!(parts(key(7), key(values - 7)), 2 * levels - 1);
        assert_eq!(usize::try_from(tree.parts_max()).unwrap(), 2 * levels - 1);
        assert_eq!(parts(key(values - 7), key(values - 8)), 1, "a small step stays in a leaf");
    };
    check(16_000, 1, 2, 2);
    check(2_000_000, 1, 3, 3);
    check(268_000_000, 1, 4, 4);
    check(268_000_000, 16, 4, 64);
    check(34_000_000_000, 16, 5, 80);
    check(4_398_000_000_000, 13, 6, 78);
}

#[test]
fn ten_far_submits_fit_a_transaction() {
    let tree = tree(268_000_000, 16);
    let key = |score: i64| Some(tree.keys().key(of(score, 0)));
    let far =
        |index: i64| Change { old: key(index * 12_000_000), new: key(150_000_000 + index * 11_000_000) };
    let changes: Vec<_> = (0..10).map(far).collect();
    let nodes = tree.updates_of(&changes, 3).len();
    assert!(nodes <= 61 && nodes + 2 * 10 < 100, "{nodes} nodes");
}

#[test]
fn ranges_and_shards_have_limits() {
    let space = |first, last| KeySpace::new(Order::Ascending, &(first..=last), None).err();
    assert_eq!(space(1, 0), Some(KeySpaceError::Empty));
    assert_eq!(space(i64::MIN, i64::MAX), Some(KeySpaceError::TooWide));
    assert_eq!(space(0, (1 << 42) - 3), None);
    assert_eq!(space(0, (1 << 42) - 2), Some(KeySpaceError::TooWide));
    let both = 0..=i64::MAX;
    assert_eq!(KeySpace::new(Order::Ascending, &both, Some(&both)).err(), Some(KeySpaceError::TooWide));
    let shards = |shards| CountingTree::new(tree(268_000_000, 1).keys().clone(), shards).err();
    assert_eq!(shards(0), Some(ShardsError::None));
    assert_eq!(shards(20), None);
    assert_eq!(shards(21), Some(ShardsError::TooMany));
    assert_eq!(shards(u32::MAX), Some(ShardsError::TooMany));
}

#[test]
fn a_rank_takes_three_calls_at_most() {
    let tree = tree(1_000, 2);
    let key = tree.keys().key(of(10, 0));
    let mut query = RankQuery::new(&tree, key);
    for mode in [ReadMode::AtOnce, ReadMode::AtOnce, ReadMode::OneByOne] {
        assert_eq!(query.step(), Step::Read { nodes: tree.reads(key), mode });
        query.answer(Reading::Conflict);
    }
    query.answer(Reading::Nodes(&Nodes::new()));
    assert_eq!(query.step(), Step::Done(Rank { rank: 1, is_exact: false }));
    let mut query = RankQuery::new(&tree, key);
    query.answer(Reading::Nodes(&Nodes::new()));
    assert_eq!(query.step(), Step::Done(Rank { rank: 1, is_exact: true }));
}

#[test]
fn nodes_have_stable_names() {
    let keys = KeySpace::new(Order::Ascending, &(0..=1_000), Some(&(0..=9))).unwrap();
    let tree = CountingTree::new(keys, 2).unwrap();
    let names = |score| {
        let reads = tree.reads(tree.keys().key(score));
        reads.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(of(500, 3)), "0.0.0.0 1.0.0.0 0.1.2f.0 1.1.2f.0");
    let escaped = names(of(-1, 0));
    assert!(escaped.starts_with("0.0.0.0 1.0.0.0 0.1.0.0 1.1.0.0 0.2.0.0 0.3.0.1 0.4.0.ff "), "{escaped}");
}

#[test]
fn full_nodes_rank_as_a_sorted_list() {
    let tree = tree(2_000_000, 3);
    let mut nodes = Nodes::new();
    // A narrow range and a wide one, many equal and some outside; the numbers are those of a fixed sequence.
    let score = |index: i64| match index % 4 {
        0 => index * 7_919 % 300,
        1 => 1_999_000 + index * 31 % 2_000,
        _ => index * 104_729 % 2_000_000,
    };
    let mut keys: Vec<_> = (0..20_000).map(|index| tree.keys().key(of(score(index), 0))).collect();
    for (writer, key) in (0..).zip(&keys) {
        for update in tree.updates(None, Some(*key), writer) {
            let node = nodes.entry(update.node).or_default();
            update.deltas.iter().for_each(|(child, delta)| node.add(*child, *delta));
        }
    }
    keys.sort();
    let ranks: Vec<_> = keys.iter().map(|key| tree.rank(*key, &nodes)).collect();
    assert_eq!(ranks, page_ranks(1, 1, &keys));
    assert_eq!(differences(&tree, &nodes, keys), vec![]);
}
