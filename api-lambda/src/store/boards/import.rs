//! The import of many entries into an empty season, without transactions: the counts are summed up in memory and
//! written once. For boards that come from elsewhere, and for benchmarks.

use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use contest::rank::{Nodes, Score, differences};
use domain::ids::{BoardId, CharacterId};
use domain::time::UnixMillis;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::config::ApiConfig;
use crate::store::item::Item;
use crate::store::{Store, StoreError, connect};

use super::nodes::node_item;
use super::sweep::BATCH_WRITES_MAX;
use super::{Board, StoredEntry};

/// Batches on their way at a time.
const WRITERS: usize = 4;

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The catalogue has no such board.
    #[error("the catalogue has no board {0}")]
    NoBoard(BoardId),
    /// The season has entries already, perhaps of an import that was cut short: reset the board first.
    #[error("the current season of the board {0} has entries already: reset it first")]
    NotEmpty(BoardId),
    /// The store does not do its part.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ImportError {
    /// The kind as a metric label.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NoBoard(_) => "no_board",
            Self::NotEmpty(_) => "board_not_empty",
            Self::Store(error) => error.kind(),
        }
    }
}

/// Writes entries (character, score, subscore) into the current season of a board, which must have none. Nobody may
/// submit meanwhile: the counts come last. No character may be there twice. The number of items written.
pub async fn import_board(
    config: &ApiConfig,
    board: &BoardId,
    entries: &[(CharacterId, i64, i64)],
    reached_at: UnixMillis,
) -> Result<u64, ImportError> {
    let definition = config.catalogue.board(board).ok_or_else(|| ImportError::NoBoard(board.clone()))?;
    let store = Store::new(connect(config).await, config);
    let board_here = Board::of(definition, &config.region);
    let season = store.current_season(&board_here, reached_at).await?;
    if store.season_form(&board_here, season).await?.is_some() {
        return Err(ImportError::NotEmpty(board.clone()));
    }
    let form = store.season_form_or_new(&board_here, season).await?;
    let entry = |score: i64, subscore: i64| {
        let subscore = if form.tree.keys().has_subscores() { subscore } else { 0 };
        StoredEntry { score: Score { score, subscore }, reached_at, is_hidden: false, version: 1 }
    };
    let items = entries.iter().flat_map(|(character, score, subscore)| {
        let entry = entry(*score, *subscore);
        [entry.item(&form, *character), form.order_item(&entry, *character)]
    });
    let mut written = store.import_items(items).await?;
    let keys = entries.iter().filter_map(|(_, score, subscore)| entry(*score, *subscore).counted(&form));
    let counts = differences(&form.tree, &Nodes::new(), keys);
    written += store.import_items(counts.iter().map(|update| node_item(&form, update))).await?;
    Ok(written)
}

impl Store {
    async fn import_items(&self, items: impl Iterator<Item = Item>) -> Result<u64, StoreError> {
        let put = |item| {
            let request = PutRequest::builder().set_item(Some(item)).build().expect("the item is given");
            WriteRequest::builder().put_request(request).build()
        };
        let mut items = items.map(put);
        let batches = std::iter::from_fn(|| {
            let batch: Vec<_> = items.by_ref().take(BATCH_WRITES_MAX).collect();
            (!batch.is_empty()).then_some(batch)
        });
        let write = |batch: Vec<WriteRequest>| async move {
            let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
            self.write_items(batch).await.map(|()| count)
        };
        let written = stream::iter(batches).map(write).buffer_unordered(WRITERS);
        written.try_fold(0, |sum, count| async move { Ok(sum + count) }).await
    }
}
