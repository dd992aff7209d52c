//! A store in memory, for tests: entries and nodes that change only by whole transactions, and the ranks that a
//! sorted list has. Also the boards, scores and commands to try.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) score: Score,
    pub(super) is_banned: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Command {
    Submit { player: u32, operator: Operator, score: Score },
    Delete { player: u32 },
    Ban { player: u32, is_banned: bool },
    Reset,
}

/// All or nothing, and nothing if the season or one of the entries is no longer what was read.
#[derive(Debug, Clone)]
pub(super) struct Transaction {
    season: u32,
    next_season: u32,
    entry: Option<(u32, Option<Entry>, Option<Entry>)>,
    pub(super) updates: Vec<CountUpdate>,
}

#[derive(Debug, Clone)]
pub(super) struct Board {
    pub(super) tree: CountingTree,
    season: u32,
    pub(super) entries: BTreeMap<u32, Entry>,
    pub(super) nodes: Nodes,
}

impl Board {
    pub(super) fn new(tree: CountingTree) -> Self {
        Self { tree, season: 0, entries: BTreeMap::new(), nodes: Nodes::new() }
    }

    /// What a writer does after its read of the entry.
    pub(super) fn plan(&self, command: &Command, writer: u32) -> Transaction {
        let order = self.tree.keys().order();
        let entry = |player: &u32| self.entries.get(player).copied();
        let (player, new) = match command {
            Command::Reset => {
                let next_season = self.season + 1;
                return Transaction { season: self.season, next_season, entry: None, updates: Vec::new() };
            }
            Command::Submit { player, operator, score } => {
                let old = entry(player);
                let is_banned = old.is_some_and(|old| old.is_banned);
                let applied = operator.apply(order, old.map(|old| old.score), *score);
                (player, applied.map(|score| Entry { score, is_banned }).ok().or(old))
            }
            Command::Delete { player } => (player, None),
            Command::Ban { player, is_banned } => {
                (player, entry(player).map(|old| Entry { is_banned: *is_banned, ..old }))
            }
        };
        let old = entry(player);
        let updates = self.tree.updates(self.counted(old), self.counted(new), writer);
        Transaction {
            season: self.season,
            next_season: self.season,
            entry: Some((*player, old, new)),
            updates,
        }
    }

    pub(super) fn commit(&mut self, transaction: &Transaction) -> bool {
        if transaction.season != self.season {
            return false;
        }
        if transaction.next_season != self.season {
            self.season = transaction.next_season;
            self.entries.clear();
            self.nodes.clear();
        }
        if let Some((player, old, new)) = transaction.entry {
            if self.entries.get(&player).copied() != old {
                return false;
            }
            match new {
                Some(new) => self.entries.insert(player, new),
                None => self.entries.remove(&player),
            };
        }
        for update in &transaction.updates {
            let node = self.nodes.entry(update.node).or_default();
            update.deltas.iter().for_each(|(child, delta)| node.add(*child, *delta));
        }
        true
    }

    fn counted(&self, entry: Option<Entry>) -> Option<RankKey> {
        entry.filter(|entry| !entry.is_banned).map(|entry| self.tree.keys().key(entry.score))
    }

    /// Those that count, in the order of their keys.
    pub(super) fn sorted(&self) -> Vec<Score> {
        let counted = self.entries.values().filter(|entry| !entry.is_banned);
        let mut scores: Vec<_> = counted.map(|entry| entry.score).collect();
        scores.sort_by(|one, other| self.compare(*one, *other));
        scores
    }

    /// The rank by definition: 1 and the number of better ones.
    pub(super) fn rank(&self, score: Score) -> u64 {
        let better = self.sorted().into_iter().filter(|other| self.compare(*other, score) == Ordering::Less);
        1 + u64::try_from(better.count()).unwrap()
    }

    /// Less is better; it does not go through keys.
    fn compare(&self, one: Score, other: Score) -> Ordering {
        let has_subscores = self.tree.keys().has_subscores();
        let pair = |score: Score| (score.score, if has_subscores { score.subscore } else { 0 });
        match self.tree.keys().order() {
            Order::Ascending => pair(one).cmp(&pair(other)),
            Order::Descending => pair(other).cmp(&pair(one)),
        }
    }

    pub(super) fn read(&self, nodes: &[NodeId]) -> Nodes {
        nodes.iter().filter_map(|id| Some((*id, self.nodes.get(id)?.clone()))).collect()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = RankKey> {
        self.sorted().into_iter().map(|score| self.tree.keys().key(score))
    }
}

pub(super) const fn of(score: i64, subscore: i64) -> Score {
    Score { score, subscore }
}

fn tree(order: Order, score: (i64, i64), subscore: Option<(i64, i64)>, shards: u32) -> CountingTree {
    let subscore = subscore.map(|(first, last)| first..=last);
    let keys = KeySpace::new(order, &(score.0..=score.1), subscore.as_ref()).expect("a range that fits");
    CountingTree::new(keys, shards).expect("shards that fit")
}

pub(super) fn any_tree() -> impl Strategy<Value = CountingTree> {
    let order = prop::sample::select(vec![Order::Ascending, Order::Descending]);
    let score = prop::sample::select(vec![
        (0, 0),
        (0, 50),
        (-40, 1_000_000),
        (i64::MIN, i64::MIN + 3),
        (i64::MAX - 300, i64::MAX),
        (999_999_990, 1_000_200_000),
    ]);
    let subscore = prop::sample::select(vec![
        None,
        Some((0, 0)),
        Some((-3, 3)),
        Some((i64::MIN, i64::MIN + 9)),
        Some((i64::MAX - 900, i64::MAX)),
    ]);
    (order, score, subscore, 1..5_u32).prop_map(|(order, score, sub, shards)| tree(order, score, sub, shards))
}

/// Skewed as boards are: all equal, few values, a narrow range far out, the ends of the integers.
fn any_value() -> impl Strategy<Value = i64> {
    prop_oneof![
        2 => Just(0),
        4 => -5..60_i64,
        4 => 999_999_980..1_000_000_020_i64,
        1 => prop::sample::select(vec![i64::MIN, i64::MIN + 1, i64::MIN + 4, -1, i64::MAX - 301, i64::MAX]),
        1 => any::<i64>(),
    ]
}

pub(super) fn any_score() -> impl Strategy<Value = Score> {
    (any_value(), prop_oneof![3 => -4..5_i64, 1 => any_value()]).prop_map(|(score, sub)| of(score, sub))
}

pub(super) fn any_command() -> impl Strategy<Value = Command> {
    let operator = prop::sample::select(vec![
        Operator::Best,
        Operator::Last,
        Operator::Sum,
        Operator::Decrement,
        Operator::Set,
    ]);
    let player = 0..24_u32;
    prop_oneof![
        20 => (player.clone(), operator, any_score())
            .prop_map(|(player, operator, score)| Command::Submit { player, operator, score }),
        3 => player.clone().prop_map(|player| Command::Delete { player }),
        4 => (player, any::<bool>()).prop_map(|(player, is_banned)| Command::Ban { player, is_banned }),
        1 => Just(Command::Reset),
    ]
}
