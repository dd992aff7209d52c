//! Exact ranks from a counting tree on a key-value store: the arithmetic alone. Who stores the counts is not
//! known here.
//!
//! # Scheme
//! - A [`RankKey`] is a number that sorts as the board ranks. Equal score and subscore share a rank, and the next
//!   entry's rank counts all before it (1, 2, 2, 4).
//! - A board expects its scores (and subscores) in a range. A pair within it has a short code, written in digits
//!   of 7 bits; a node is an item with the counts of up to 128 children, so a code of 2, 3, 4, 5 or 6 digits has
//!   as many nodes on its path, and room for 16 thousand, 2 million, 268 million, 3.4e10 or 4.4e12 pairs.
//!   Anything outside is exact too, behind an escape of 19 more nodes: dear, so the range should hold what is
//!   usual.
//! - The names of all nodes of a path follow from the key alone. So a rank is the sum over the path of the counts
//!   before it, all read in one call at one moment (`TransactGetItems`); and an update is made of `ADD`s without
//!   conditions, in the transaction that changes the entry under the condition that it is still the old one.
//!   Nothing splits or is balanced, and no writer needs to have read a node.
//! - A change that stays below a child leaves its count: only nodes from where the old and the new path part are
//!   written. Scores that move by small steps seldom touch the root.
//! - Each writer adds to the nodes of its own shard; a read sums the shards. Every level is sharded, since with
//!   skewed scores (a new season: all at 0) a leaf is as hot as the root.
//! - A reset begins a new season: other node names, no write to the old ones, which stay to be read. A ban counts
//!   out and an unban counts in.
//!
//! # Cost
//! L is the number of levels, S of shards. Units are DynamoDB's: a transactional read of up to 4 KB is 2, a
//! transactional write is 2 for each KB; a partition gives 3,000 reads and 1,000 writes a second. A full node is
//! 128 * (2 bytes of name + 1 + 4 of a number of 8 digits) = 896 bytes and its key of up to 120: 1 KB; shards of
//! a board with more than 1e8 entries in one child would need 2.
//!
//! | entries (range, L, S)             | rank: calls, units | submit, first | submit, far  | submit, near |
//! |-----------------------------------|--------------------|---------------|--------------|--------------|
//! | 1e3 (16 thousand, 2, 1)           | 1, 4               | 2 nodes, 4    | 3 nodes, 6   | 1 node, 2    |
//! | 1e6 (2 million, 3, 1)             | 1, 6               | 3 nodes, 6    | 5 nodes, 10  | 1 node, 2    |
//! | 1e8 (268 million, 4, 1)           | 1, 8               | 4 nodes, 8    | 7 nodes, 14  | 1 node, 2    |
//! | 1e8, 10,000 submits/s (same, 4, 16) | 1, 128           | 4 nodes, 8    | 7 nodes, 14  | 1 node, 2    |
//!
//! In general a rank reads L * S nodes (2 units each, 1 if one by one) and nothing depends on the number of
//! entries, but the range that a board needs for its ties to be few. To each the entry adds 1 call and 1 unit of
//! a consistent read, and 2 units of its write (once more for an index). A removal costs what a first submission
//! does. [`SelectQuery`] takes a call of S nodes for each level, at most 4, and one query of the entries.
//!
//! # 10,000 submits a second
//! Transactions that share an item refuse each other, so the rate of a shard is that of one writer's transactions
//! one after the other: at 16 ms each, 62 a second. 16 writers with a shard each, and 10 submits to a transaction
//! (at most 10 entries, 10 idempotency items, 1 fence and 1 + 3 * 20 nodes: 82 of 100 parts), are 10,000/s. The
//! root of a shard takes at most 62 * 2 = 124 units a second of its partition's 1,000; the board takes at worst
//! 10,000 * (2 + 2) + 1,000 * 61 * 2 = 162,000 units a second over all partitions, and 60,000 where steps are
//! near. A writer that shares a shard is right as well, and slower. The 16 ms and the 5 ms below are assumed, not
//! measured.
//!
//! # What a reader sees
//! A read at once is refused while a transaction holds one of its nodes; p = exp(-t) of them are not, where t is
//! the mean number of transactions in flight on nodes of that path. [`RankQuery`] tries twice, then reads one by
//! one and says that it did: the rank is then off by at most 1 for each entry that was changed during that call
//! (50 of 1e8 at 10,000/s and 5 ms). Comparing two such reads would prove nothing, since DynamoDB shows the items
//! of a committing transaction one after the other to all but transactional reads. With 100 transactions a second
//! on a path and 5 ms each, t is 0.5: 61 % of first reads hold and 85 % of two. A quiet board is exact always;
//! at 1,000 transactions a second that all touch the root (a new season), t is 5 and 99 % are read one by one.
//! A position found by [`SelectQuery`] is of several moments, and exact when quiet.
//!
//! # Limits
//! - The range is chosen when the board is made; only a new season can choose another. Where most scores fall
//!   outside, the 19 nodes of the escape, which have no shards, bound the board to what one writer can do.
//! - Every rank reads the root of every shard, so a board gives 3,000 / 2 = 1,500 exact ranks a second (3,000 one
//!   by one): beyond that, a page must rank from its first entry ([`page_ranks`]) or be cached.
//! - Global tables keep the last write of an item, and a transaction ends at the region: a board is written in
//!   its home region only.
//! - L * S + 19 nodes must fit one call of 100: S is at most 20 for 4 levels, 16 for 5, 13 for 6.
//! - A count that falls to 0 stays in its node (4 bytes), and an empty node in the store, until the season is
//!   dropped: a node must not be deleted beside an `ADD` to it.
//! - A wide range over few entries has nodes with one entry each: up to L - 2 items of 0.1 KB for an entry.

mod key;
mod query;
mod repair;
mod score;
mod tree;
mod walk;

pub use key::{DIGIT_BITS, ESCAPE_LEVELS, InvalidKey, KeySpace, KeySpaceError, LEVELS_MAX, RankKey};
pub use query::{
    RANK_CALLS_MAX, Rank, RankQuery, ReadMode, Reading, SELECT_CALLS_MAX, SelectQuery, Selected, Step,
    page_ranks,
};
pub use repair::differences;
pub use score::{Operator, Order, Score, ScoreOverflow};
pub use tree::{CALL_NODES_MAX, Change, CountUpdate, CountingTree, Node, NodeId, Nodes, ShardsError};

#[cfg(test)]
mod examples;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
