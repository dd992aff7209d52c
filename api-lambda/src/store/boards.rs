//! Leaderboards, in the table `boards`: boards and their seasons. Ranks are counted as `contest::rank` says; what
//! is stored and what it costs is in docs/LEADERBOARDS.md.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `chr_...` | `e#{board}#{season}` | an entry: score, subscore, when it was reached, its version, whether it is hidden |
//! | `chr_...` | `flag` | whether the character is banned or deleted, since when; `work` while its entries must follow |
//! | `i#{board}#{season}#{partition}` | `{key}#{when}#{character}` | the entries in the order of their ranks |
//! | `h#{board}#{season}#{partition}` | the same | the hidden ones, which no rank counts |
//! | `n#{board}#{season}#{node}` | `n` | a node of the counting tree |
//! | `s#{board}` | `{season}` | a season that has entries, and how its ranks are counted |
//! | `r#{board}#{copy}` | `r` | when an administrator last reset the board |
//! | `x#{board}#{season}` | `x` | how many repairs there were |
//! | `boards` | `{board}` | a board: its home, and since when the catalogue lacks it |

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use contest::rank::{CountingTree, KeySpace, Operator, Order};
use domain::catalogue::{BoardDefinition, BoardOperator, BoardOrder, BoardScope, ScoreRange};
use domain::ids::SeasonId;
use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::store::StoreError;
use crate::store::item::{self, Item, text};

mod check;
mod entries;
mod events;
mod hide;
mod homes;
mod import;
mod nodes;
mod pages;
mod resets;
mod seasons;
mod submit;
mod sweep;

pub(crate) use entries::StoredEntry;
pub(crate) use events::{EventBoards, log_lost, writer_of};
pub(crate) use hide::Hidden;
pub use import::{ImportError, import_board};
pub(crate) use pages::PageStart;
pub(crate) use submit::{Refusal, Submission};

/// How many copies of the time of a reset there are: every submit reads one of them.
const RESET_COPIES: u32 = 16;

/// Partitions of the order of ranks for each shard of a board with several: an entry that moves writes 4 units
/// there, and a transaction of counts that holds 8 entries some 60.
const PARTITIONS_PER_SHARD: u32 = 4;

/// Most seasons whose form is remembered; past that, they are read again.
const FORMS_MAX: usize = 4_096;

/// A board as one region sees it.
#[derive(Debug, Clone)]
pub(crate) struct Board {
    pub(crate) definition: BoardDefinition,
    /// Its name in keys. Tables are replicated, so the boards of regions bear their names.
    key: String,
    /// The region whose store changes its entries: a transaction ends at the region.
    home: String,
    /// Whether this region takes its scores.
    pub(crate) is_writable: bool,
}

impl Board {
    pub(crate) fn of(definition: &BoardDefinition, region: &str) -> Self {
        let board = &definition.board;
        let (key, home) = match &definition.scope {
            BoardScope::Region => (format!("{board}@{region}"), region.to_owned()),
            BoardScope::Global { home } => (board.to_string(), home.clone()),
        };
        let is_writable = home == region;
        Self { definition: definition.clone(), key, home, is_writable }
    }

    fn operator(&self) -> Operator {
        match self.definition.operator {
            BoardOperator::Best => Operator::Best,
            BoardOperator::Last => Operator::Last,
            BoardOperator::Sum => Operator::Sum,
            BoardOperator::Decrement => Operator::Decrement,
        }
    }
}

/// How the ranks of a season are counted: fixed when its first entry comes, whatever becomes of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Shape {
    order: BoardOrder,
    scores: ScoreRange,
    subscores: Option<ScoreRange>,
    shards: u32,
    partitions: u32,
}

impl Shape {
    fn of(definition: &BoardDefinition) -> Self {
        let shards = definition.shards;
        let partitions = if shards == 1 { 1 } else { shards.saturating_mul(PARTITIONS_PER_SHARD) };
        let BoardDefinition { order, scores, subscores, .. } = *definition;
        Self { order, scores, subscores, shards, partitions }
    }

    fn tree(&self) -> Option<CountingTree> {
        let order = match self.order {
            BoardOrder::Ascending => Order::Ascending,
            BoardOrder::Descending => Order::Descending,
        };
        let range = |range: ScoreRange| range.from..=range.to;
        let keys = KeySpace::new(order, &range(self.scores), self.subscores.map(range).as_ref()).ok()?;
        CountingTree::new(keys, self.shards).ok()
    }
}

/// A season that has entries.
#[derive(Debug)]
pub(crate) struct SeasonForm {
    /// The board's name in keys, and the season.
    key: String,
    pub(crate) season: SeasonId,
    tree: CountingTree,
    partitions: u32,
}

impl SeasonForm {
    fn new(board_key: &str, season: SeasonId, shape: &Shape) -> Result<Self, StoreError> {
        let key = season_key(board_key, season);
        let Some(tree) = shape.tree() else {
            let reason = "its ranges and shards make no tree".to_owned();
            return Err(StoreError::Corrupt { pk: key, reason });
        };
        Ok(Self { key, season, tree, partitions: shape.partitions.max(1) })
    }

    /// The key of an entry within those of its character.
    fn entry_sort_key(&self) -> String {
        entry_sort_key(&self.key)
    }
}

/// The key of an entry of this season within those of its character.
fn entry_sort_key(season_key: &str) -> String {
    format!("e#{season_key}")
}

/// The board's name in keys, and the season, padded so that seasons sort by age.
fn season_key(board_key: &str, season: SeasonId) -> String {
    format!("{board_key}#{:013}", season.0)
}

/// A key of the table.
fn key_of(pk: impl ToString, sk: impl ToString) -> Item {
    Item::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

/// A new item of the table.
fn new_item(pk: impl ToString, sk: impl ToString) -> Item {
    let mut item = item::new_item(pk);
    item.insert("sk".to_owned(), text(sk));
    item
}

/// What a process remembers of boards: seasons never change their form, and the time of the last reset is a guess
/// that every use checks.
#[derive(Debug, Default)]
pub(crate) struct Known {
    forms: Mutex<BTreeMap<String, Arc<SeasonForm>>>,
    resets: Mutex<BTreeMap<String, UnixMillis>>,
}

impl Known {
    fn form(&self, key: &str) -> Option<Arc<SeasonForm>> {
        self.forms.lock().unwrap_or_else(PoisonError::into_inner).get(key).map(Arc::clone)
    }

    fn keep_form(&self, form: &Arc<SeasonForm>) {
        let mut forms = self.forms.lock().unwrap_or_else(PoisonError::into_inner);
        if forms.len() >= FORMS_MAX {
            forms.clear();
        }
        forms.insert(form.key.clone(), Arc::clone(form));
    }

    fn forget_form(&self, key: &str) {
        self.forms.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    fn reset(&self, board_key: &str) -> UnixMillis {
        let resets = self.resets.lock().unwrap_or_else(PoisonError::into_inner);
        resets.get(board_key).copied().unwrap_or_default()
    }

    fn keep_reset(&self, board_key: &str, at: UnixMillis) {
        let mut resets = self.resets.lock().unwrap_or_else(PoisonError::into_inner);
        let known = resets.entry(board_key.to_owned()).or_default();
        *known = at.max(*known);
    }
}

#[cfg(test)]
mod tests {
    use domain::catalogue::Catalogue;

    use super::*;

    #[test]
    fn every_board_without_faults_has_a_tree() {
        let mut board = Catalogue::builtin().boards.swap_remove(0);
        for to in [0, 1, 125, 126, 16_381, 2_097_149, 2_097_150, (1 << 42) - 3, (1 << 42) - 2] {
            board.scores = ScoreRange { from: 0, to };
            for shards in [1, 13, 14, 20, 21, 27, 28, 40, 41, 81, 82] {
                board.shards = shards;
                let has_tree = Shape::of(&board).tree().is_some();
                assert_eq!(board.faults().is_empty(), has_tree, "to {to} with {shards} shards");
            }
        }
    }

    #[test]
    fn regions_have_boards_of_their_own_and_share_the_global_ones() {
        let mut board = Catalogue::builtin().boards.swap_remove(0);
        assert_eq!(Board::of(&board, "fra").key, "kills@fra");
        board.scope = BoardScope::Global { home: "fra".into() };
        assert_eq!(
            (Board::of(&board, "fra").key, Board::of(&board, "fra").is_writable),
            ("kills".into(), true)
        );
        assert!(!Board::of(&board, "sgp").is_writable);
    }
}
