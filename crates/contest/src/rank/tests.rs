//! The counting tree against a sorted list: any history, any interleaving of writers and readers, any scores.

use proptest::prelude::*;
use proptest::sample::Index;

use super::model::{Board, Command, Transaction, any_command, any_score, any_tree, of};
use super::*;

fn rank_of(board: &Board, score: Score) -> u64 {
    let key = board.tree.keys().key(score);
    board.tree.rank(key, &board.read(&board.tree.reads(key)))
}

fn select(board: &Board, position: u64, enough: u64) -> (Option<Selected>, u32) {
    let mut query = SelectQuery::new(&board.tree, position, enough);
    let mut calls = 0;
    loop {
        match query.step() {
            Step::Done(selected) => return (selected, calls),
            Step::Read { nodes, .. } => query.answer(&board.read(&nodes)),
        }
        calls += 1;
    }
}

fn check_all(board: &Board) -> Result<(), TestCaseError> {
    let sorted = board.sorted();
    let keys: Vec<_> = board.keys().collect();
    let ranks: Vec<_> = sorted.iter().map(|score| board.rank(*score)).collect();
    prop_assert!(keys.is_sorted(), "keys sort otherwise than scores: {sorted:?}");
    prop_assert_eq!(&sorted.iter().map(|score| rank_of(board, *score)).collect::<Vec<_>>(), &ranks);
    prop_assert_eq!(differences(&board.tree, &board.nodes, board.keys()), vec![]);
    for (position, first) in (1..).zip(0..sorted.len()) {
        prop_assert_eq!(page_ranks(position, ranks[first], &keys[first..]), &ranks[first..]);
        let (selected, calls) = select(board, position, 4);
        prop_assert!(calls <= SELECT_CALLS_MAX);
        let Selected { from, to, skip, first_rank } = selected.expect("an entry at each position");
        let within: Vec<_> = (0..keys.len()).filter(|index| (from..=to).contains(&keys[*index])).collect();
        prop_assert_eq!(within.get(usize::try_from(skip).unwrap()), Some(&first));
        prop_assert_eq!(ranks[within[0]], first_rank);
    }
    let after = u64::try_from(sorted.len()).unwrap() + 1;
    prop_assert_eq!(select(board, after, 4).0, None);
    Ok(())
}

/// A writer that has read an entry and not yet committed; dropping the plan is its crash.
#[derive(Default)]
struct Writer {
    queue: Vec<Command>,
    plan: Option<Transaction>,
}

impl Writer {
    /// Reads, commits, tries again after a conflict, or crashes. True if a transaction was committed.
    fn act(&mut self, board: &mut Board, number: u32, crashes: bool) -> bool {
        if crashes {
            self.plan = None;
            return false;
        }
        let Some(command) = self.queue.last() else { return false };
        let Some(plan) = self.plan.take() else {
            self.plan = Some(board.plan(command, number));
            return false;
        };
        let is_committed = board.commit(&plan);
        if is_committed {
            self.queue.pop();
        }
        is_committed
    }
}

/// A rank as the store would be asked, where a plan holds its nodes as a transaction in flight does. All calls
/// fall into one moment here, so that even the last is exact.
fn ask(board: &Board, writers: &[Writer], score: Score) -> Rank {
    let mut query = RankQuery::new(&board.tree, board.tree.keys().key(score));
    loop {
        let (nodes, mode) = match query.step() {
            Step::Done(rank) => return rank,
            Step::Read { nodes, mode } => (nodes, mode),
        };
        let in_flight = writers.iter().filter_map(|writer| writer.plan.as_ref());
        let is_held = in_flight.flat_map(|plan| &plan.updates).any(|update| nodes.contains(&update.node));
        let read = board.read(&nodes);
        let is_refused = is_held && mode == ReadMode::AtOnce;
        query.answer(if is_refused { Reading::Conflict } else { Reading::Nodes(&read) });
    }
}

/// A rank read one node after the other, with what was true when it began.
struct Reader {
    key: RankKey,
    left: Vec<NodeId>,
    nodes: Nodes,
    rank_before: u64,
    commits: u64,
}

impl Reader {
    fn new(board: &Board, score: Score) -> Self {
        let key = board.tree.keys().key(score);
        let left = board.tree.reads(key);
        Self { key, left, nodes: Nodes::new(), rank_before: board.rank(score), commits: 0 }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn any_history_ranks_as_a_sorted_list(
        tree in any_tree(),
        commands in prop::collection::vec((any_command(), any::<u32>()), 1..60),
        strangers in prop::collection::vec(any_score(), 8),
    ) {
        let mut board = Board::new(tree);
        for (index, (command, writer)) in commands.iter().enumerate() {
            let plan = board.plan(command, *writer);
            prop_assert!(board.commit(&plan));
            if index % 16 == 0 {
                check_all(&board)?;
            }
        }
        check_all(&board)?;
        for score in strangers {
            prop_assert_eq!(rank_of(&board, score), board.rank(score), "a score without an entry: {:?}", score);
        }
    }

    #[test]
    fn any_interleaving_is_exact_at_once_and_near_one_by_one(
        tree in any_tree(),
        queues in prop::collection::vec(prop::collection::vec(any_command(), 0..12), 3),
        score in any_score(),
        turns in prop::collection::vec((0..5_usize, any::<Index>()), 1..160),
    ) {
        let mut board = Board::new(tree);
        let mut writers: Vec<_> =
            queues.into_iter().map(|queue| Writer { queue, plan: None }).collect();
        let mut reader = Reader::new(&board, score);
        for (actor, chance) in turns {
            if let Some(writer) = writers.get_mut(actor) {
                let number = u32::try_from(actor).unwrap();
                // A reset is another season, with nodes of other names: readers of the old one are unmoved.
                let resets = matches!(writer.queue.last(), Some(Command::Reset));
                if writer.act(&mut board, number, chance.index(8) == 0) {
                    reader.commits += 1;
                    reader = if resets { Reader::new(&board, score) } else { reader };
                }
                prop_assert_eq!(differences(&board.tree, &board.nodes, board.keys()), vec![]);
            } else if actor == 3 {
                let rank = ask(&board, &writers, score);
                prop_assert_eq!(rank.rank, board.rank(score));
                let is_quiet = writers.iter().all(|writer| writer.plan.is_none());
                prop_assert!(rank.is_exact || !is_quiet, "a quiet board must be read at once");
            } else if reader.left.is_empty() {
                let rank = board.tree.rank(reader.key, &reader.nodes);
                let apart = rank.abs_diff(reader.rank_before);
                prop_assert!(apart <= reader.commits, "{apart} apart after {} commits", reader.commits);
                reader = Reader::new(&board, score);
            } else {
                let id = reader.left.swap_remove(chance.index(reader.left.len()));
                reader.nodes.extend(board.read(&[id]));
            }
        }
        check_all(&board)?;
    }

    #[test]
    fn repair_mends_any_damage(
        tree in any_tree(),
        commands in prop::collection::vec((any_command(), any::<u32>()), 1..40),
        damage in prop::collection::vec((any::<Index>(), 0..128_u8, any::<i32>()), 0..6),
        lost in any::<Index>(),
    ) {
        let mut board = Board::new(tree);
        for (command, writer) in &commands {
            let plan = board.plan(command, *writer);
            board.commit(&plan);
        }
        let ids: Vec<_> = board.nodes.keys().copied().collect();
        if !ids.is_empty() {
            for (index, child, delta) in damage {
                board.nodes.entry(*index.get(&ids)).or_default().add(child, i64::from(delta));
            }
            board.nodes.remove(lost.get(&ids));
        }
        for score in board.sorted() {
            // Wrong, but without a panic.
            rank_of(&board, score);
            select(&board, board.rank(score), 1);
        }
        for update in differences(&board.tree, &board.nodes, board.keys()) {
            let node = board.nodes.entry(update.node).or_default();
            update.deltas.iter().for_each(|(child, delta)| node.add(*child, *delta));
        }
        check_all(&board)?;
    }

    #[test]
    fn a_transaction_has_each_node_once_and_few(
        tree in any_tree(),
        scores in prop::collection::vec((prop::option::of(any_score()), prop::option::of(any_score())), 1..10),
        writer in any::<u32>(),
    ) {
        let key = |score: Option<Score>| score.map(|score| tree.keys().key(score));
        let changes: Vec<_> = scores.iter().map(|(old, new)| Change { old: key(*old), new: key(*new) }).collect();
        let updates = tree.updates_of(&changes, writer);
        let distinct: std::collections::BTreeSet<_> = updates.iter().map(|update| update.node).collect();
        prop_assert_eq!(distinct.len(), updates.len());
        prop_assert!(updates.iter().all(|update| update.deltas.iter().all(|(_, delta)| *delta != 0)));
        let (old, new) = (changes[0].old, changes[0].new);
        let parts = u32::try_from(tree.updates(old, new, writer).len()).unwrap();
        prop_assert!(parts <= tree.parts_max() + 2 * ESCAPE_LEVELS);
        prop_assert!(tree.updates(new, new, writer).is_empty());
        let reads = tree.reads(tree.keys().key(of(0, 0))).len();
        prop_assert!(reads <= usize::try_from(CALL_NODES_MAX).unwrap());
    }

    #[test]
    fn keys_sort_as_scores_and_turn_back(one in any_score(), other in any_score(), tree in any_tree()) {
        let keys = tree.keys();
        let place = |score: Score| (score.score, if keys.has_subscores() { score.subscore } else { 0 });
        let ascending = keys.key(one).cmp(&keys.key(other));
        let expected = match keys.order() {
            Order::Ascending => place(one).cmp(&place(other)),
            Order::Descending => place(other).cmp(&place(one)),
        };
        prop_assert_eq!(ascending, expected);
        prop_assert_eq!(keys.key(one).to_string().cmp(&keys.key(other).to_string()), expected);
        prop_assert_eq!(place(keys.score(keys.key(one))), place(one));
    }

    #[test]
    fn the_keys_below_a_node_are_all_of_those_that_pass_it(score in any_score(), tree in any_tree()) {
        let keys = tree.keys();
        let key = keys.key(score);
        let passes = |key: u128, depth: usize| {
            let place = keys.path(RankKey(key))[depth];
            (place.code, place.child)
        };
        for (depth, below) in (0..usize::try_from(keys.levels()).unwrap()).zip(1..) {
            let (code, child) = passes(key.0, depth);
            let (from, to) = keys.keys_below(below, code << DIGIT_BITS | u64::from(child));
            prop_assert!((from..=to).contains(&key));
            prop_assert_eq!((passes(from.0, depth), passes(to.0, depth)), ((code, child), (code, child)));
            let outside = [from.0.checked_sub(1), to.0.checked_add(1)];
            prop_assert!(outside.into_iter().flatten().all(|key| passes(key, depth) != (code, child)));
        }
    }
}
