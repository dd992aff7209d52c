//! Which season of a board is on: by its schedule and the time alone, unless an administrator has reset it since.

use aws_sdk_dynamodb::types::Update;
use domain::ids::SeasonId;
use domain::time::UnixMillis;

use crate::store::item::{self, Item, number};
use crate::store::requests::StoredAnswer;
use crate::store::{ATTEMPTS_MAX, ITEM_VERSION, Store, StoreError, back_off, transact};

use super::{Board, RESET_COPIES, key_of};

const RESET_SORT_KEY: &str = "r";

fn reset_key(board_key: &str, copy: u32) -> Item {
    key_of(format!("r#{board_key}#{copy}"), RESET_SORT_KEY)
}

/// The keys of all copies.
pub(super) fn reset_keys(board_key: &str) -> Vec<Item> {
    (0..RESET_COPIES).map(|copy| reset_key(board_key, copy)).collect()
}

/// Any of the copies: all are written in one transaction.
pub(super) fn any_reset_key(board: &Board) -> Item {
    let copy = crate::clock::random_u128() % u128::from(RESET_COPIES);
    reset_key(&board.key, u32::try_from(copy).expect("less than the number of copies"))
}

/// Why a board was not reset.
#[derive(Debug)]
pub(crate) struct Repeated;

impl Store {
    /// The season that is on, as far as this process knows.
    pub(super) fn season_guess(&self, board: &Board, now: UnixMillis) -> SeasonId {
        let reset = SeasonId(self.boards.reset(&board.key).as_millis());
        board.definition.reset.season_at(now).max(reset)
    }

    /// Learns from an item of [`any_reset_key`], or from there being none.
    pub(super) fn note_reset(&self, board: &Board, item: Option<&Item>) -> Result<(), StoreError> {
        if let Some(item) = item {
            item::check_version(item)?;
            self.boards.keep_reset(&board.key, UnixMillis::new(item::read_number(item, "reset_at")?));
        }
        Ok(())
    }

    /// The season that is on.
    pub(crate) async fn current_season(
        &self,
        board: &Board,
        now: UnixMillis,
    ) -> Result<SeasonId, StoreError> {
        let (items, _) = self.board_items(vec![any_reset_key(board)], &[]).await?;
        self.note_reset(board, items.first())?;
        Ok(self.season_guess(board, now))
    }

    /// Begins a new season. Submits that are on their way land in the one or the other: each has decided which by
    /// what it read.
    pub(crate) async fn reset_board(
        &self,
        board: &Board,
        now: UnixMillis,
        answer: impl Fn(SeasonId) -> StoredAnswer,
    ) -> Result<Result<SeasonId, Repeated>, StoreError> {
        for attempt in 0..ATTEMPTS_MAX {
            let current = self.current_season(board, now).await?;
            let season = SeasonId(now.as_millis().max(current.0 + 1));
            let copy = |copy| {
                transact::update(
                    Update::builder()
                        .table_name(&self.tables.boards)
                        .set_key(Some(reset_key(&board.key, copy)))
                        .update_expression("SET v = :v, reset_at = :season")
                        .condition_expression("attribute_not_exists(pk) OR reset_at < :season")
                        .expression_attribute_values(":v", number(ITEM_VERSION))
                        .expression_attribute_values(":season", number(season)),
                )
            };
            let parts = std::iter::once(self.answer_part(&answer(season))).chain((0..RESET_COPIES).map(copy));
            match self.transact(parts.collect()).await? {
                Ok(()) => {
                    self.boards.keep_reset(&board.key, UnixMillis::new(season.0));
                    return Ok(Ok(season));
                }
                Err(parts) if parts[0].is_refused() => return Ok(Err(Repeated)),
                // Another reset was faster.
                Err(_) => back_off(attempt).await,
            }
        }
        Err(StoreError::Contended("the reset of a board"))
    }
}
