//! What is over: seasons that are not kept any more and boards that left the catalogue are deleted in pages, entries are
//! deleted by administrators, and hiding that was cut short is finished. Each step can be repeated.

use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
use contest::rank::NodeId;
use domain::contract::boards::BoardsSwept;
use domain::ids::{CharacterId, SeasonId};
use domain::time::UnixMillis;

use crate::store::item::{Item, text};
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, sent};

use super::entries::Placed;
use super::homes::is_of;
use super::nodes::node_key;
use super::resets::reset_keys;
use super::seasons::season_item_key;
use super::{Board, SeasonForm, key_of};

/// Items that one call deletes at the most, about: some seconds of work.
const SWEEP_ITEMS_MAX: u64 = 2_000;

/// Most requests of one `BatchWriteItem`.
pub(super) const BATCH_WRITES_MAX: usize = 25;

/// A season is not deleted before it has been over for this long: a submit may still be on its way to it, from a
/// process whose clock is behind.
pub(super) const SEASON_REST_MILLIS: u64 = 10 * 60 * 1_000;

/// A board that the catalogue has no more is deleted after 30 days: until then the catalogue can be rolled back.
const LEFT_BOARD_KEPT_MILLIS: u64 = 30 * 24 * 60 * 60 * 1_000;

/// After every season: their keys have so many digits.
const SEASON_MAX: SeasonId = SeasonId(9_999_999_999_999);

/// Seasons that a call looks at for one board.
const SEASONS_LISTED: i32 = 100;

impl Store {
    /// Deletes the entry of a character. False if there is none.
    pub(crate) async fn delete_board_entry(
        &self,
        board: &Board,
        season: Option<SeasonId>,
        character: CharacterId,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        for attempt in 0..ATTEMPTS_MAX {
            let standings = self.board_entries_of(board, season, &[character], now).await?;
            let Some((form, entry)) = standings.entry(character) else { return Ok(false) };
            if self.change_entry(form, character, entry, None).await? {
                return Ok(true);
            }
            back_off(attempt).await;
        }
        Err(StoreError::Contended("an entry of a board"))
    }

    /// Finishes what was cut short, deletes old seasons of these boards, and what is left of boards that are not among
    /// them any more, as much as one call can: each region for its own.
    pub(crate) async fn sweep_boards(
        &self,
        boards: &[Board],
        now: UnixMillis,
    ) -> Result<BoardsSwept, StoreError> {
        let deadline = self.step_deadline();
        let mut swept = BoardsSwept { deleted: 0, settled: 0, more: false };
        let mut register = self.board_register().await?;
        self.keep_register(boards, &mut register, now).await?;
        for character in self.unsettled_characters().await? {
            // One that cannot be settled must not keep the others waiting.
            match self.settle_boards(character).await {
                Ok(changed) => swept.settled += u64::from(changed > 0),
                Err(error) => tracing::error!(character.id = %character, %error, "boards are not settled"),
            }
            if deadline.is_over() {
                // Where nothing was to be done here, the others can wait for the next second.
                swept.more = swept.settled > 0;
                break;
            }
        }
        for board in boards.iter().filter(|board| board.is_writable) {
            for season in self.old_seasons(board, now).await? {
                swept.more |= !self.delete_season(&board.key, season, &mut swept.deleted).await?;
                if swept.deleted >= SWEEP_ITEMS_MAX || deadline.is_over() {
                    return Ok(BoardsSwept { more: true, ..swept });
                }
            }
        }
        for (key, left_at) in register.iter().filter_map(|(key, known)| Some((key, known.left_at?))) {
            if is_of(&self.region, key, &register) && now.millis_since(left_at) > LEFT_BOARD_KEPT_MILLIS {
                swept.more |= !self.delete_board(key, left_at, &mut swept.deleted).await?;
                if swept.deleted >= SWEEP_ITEMS_MAX || deadline.is_over() {
                    return Ok(BoardsSwept { more: true, ..swept });
                }
            }
        }
        Ok(swept)
    }

    /// Deletes all that is left of a board that the catalogue has no more. True if nothing is left.
    async fn delete_board(
        &self,
        key: &str,
        left_at: UnixMillis,
        deleted: &mut u64,
    ) -> Result<bool, StoreError> {
        let seasons = self.seasons_by_key(key, SEASON_MAX, SEASONS_LISTED).await?;
        for season in &seasons {
            if !self.delete_season(key, *season, deleted).await? {
                return Ok(false);
            }
        }
        if !seasons.is_empty() {
            // There may be more than are listed at once.
            return Ok(false);
        }
        *deleted += self.delete_items(reset_keys(key)).await?;
        self.unregister_board(key, left_at).await?;
        Ok(true)
    }

    /// Seasons beyond those that the board keeps.
    async fn old_seasons(&self, board: &Board, now: UnixMillis) -> Result<Vec<SeasonId>, StoreError> {
        let current = self.current_season(board, now).await?;
        let kept = usize::try_from(board.definition.seasons_kept).unwrap_or(usize::MAX).saturating_add(1);
        let mut seasons = vec![current];
        let mut before = current;
        loop {
            let page = self.seasons_before(board, before, SEASONS_LISTED).await?;
            let Some(last) = page.last() else { break };
            before = *last;
            seasons.extend(page);
        }
        // Each ended when the one after it began.
        let pairs = seasons.windows(2).skip(kept - 1);
        let rested = pairs.filter(|pair| now.millis_since(UnixMillis::new(pair[0].0)) > SEASON_REST_MILLIS);
        Ok(rested.map(|pair| pair[1]).collect())
    }

    /// Entries first, then nodes from the leaves up, then the season itself, so that what is left can always be
    /// found again. True if nothing is left.
    async fn delete_season(
        &self,
        board_key: &str,
        season: SeasonId,
        deleted: &mut u64,
    ) -> Result<bool, StoreError> {
        let Some(form) = self.season_form_by_key(board_key, season).await? else { return Ok(true) };
        let form = &form;
        for (is_hidden, partition) in
            [false, true].into_iter().flat_map(|hidden| (0..form.partitions).map(move |part| (hidden, part)))
        {
            let order = form.order_key(is_hidden, partition);
            loop {
                if *deleted >= SWEEP_ITEMS_MAX {
                    return Ok(false);
                }
                let call = self
                    .client
                    .query()
                    .table_name(&self.tables.boards)
                    .key_condition_expression("pk = :order")
                    .expression_attribute_values(":order", text(&order))
                    .consistent_read(true)
                    .limit(200);
                let items = sent(call.send()).await?.items.unwrap_or_default();
                if items.is_empty() {
                    break;
                }
                let placed = items.iter().map(Placed::read).collect::<Result<Vec<_>, _>>()?;
                // An entry goes before its place, which leads to it.
                let entries = placed.iter().map(|placed| key_of(placed.character, form.entry_sort_key()));
                *deleted += self.delete_items(entries.collect()).await?;
                *deleted += self.delete_items(placed.iter().map(|at| key_of(&order, at)).collect()).await?;
            }
        }
        if !self.delete_nodes(form, form.tree.roots(), deleted).await? {
            return Ok(false);
        }
        *deleted += self.delete_items(vec![key_of(format!("x#{}", form.key), "x")]).await?;
        *deleted += self.delete_items(vec![season_item_key(board_key, season)]).await?;
        self.boards.forget_form(&form.key);
        Ok(true)
    }

    /// Deletes these nodes and all below them, depth first: memory is for one path, and a node that was deleted
    /// has nothing below.
    async fn delete_nodes(
        &self,
        form: &SeasonForm,
        roots: Vec<NodeId>,
        deleted: &mut u64,
    ) -> Result<bool, StoreError> {
        let mut levels: Vec<(Vec<NodeId>, Vec<NodeId>)> = Vec::new();
        let mut ids = roots;
        loop {
            let nodes = self.nodes(form, &ids).await?;
            let stored: Vec<NodeId> = nodes.keys().copied().collect();
            levels.push((form.tree.below(&nodes), stored));
            loop {
                let Some((below, stored)) = levels.last_mut() else { return Ok(true) };
                if !below.is_empty() {
                    // A handful of nodes at a time, so that a level is not read whole.
                    ids = below.split_off(below.len().saturating_sub(BATCH_WRITES_MAX));
                    break;
                }
                let keys = stored.iter().map(|id| node_key(form, *id)).collect();
                levels.pop();
                *deleted += self.delete_items(keys).await?;
                if *deleted >= SWEEP_ITEMS_MAX && !levels.is_empty() {
                    return Ok(false);
                }
            }
        }
    }

    async fn delete_items(&self, keys: Vec<Item>) -> Result<u64, StoreError> {
        let delete = |key| {
            let request = DeleteRequest::builder().set_key(Some(key)).build().expect("the key is given");
            WriteRequest::builder().delete_request(request).build()
        };
        let count = u64::try_from(keys.len()).unwrap_or(u64::MAX);
        self.write_items(keys.into_iter().map(delete).collect()).await?;
        Ok(count)
    }

    /// Writes without conditions, in batches.
    pub(super) async fn write_items(&self, mut requests: Vec<WriteRequest>) -> Result<(), StoreError> {
        let mut attempt = 0;
        while !requests.is_empty() {
            let rest = requests.split_off(requests.len().min(BATCH_WRITES_MAX));
            let call = self.client.batch_write_item().request_items(&self.tables.boards, requests);
            let answer = sent(call.send()).await?;
            let left: Vec<_> = answer.unprocessed_items.unwrap_or_default().into_values().flatten().collect();
            if left.is_empty() {
                attempt = 0;
            } else {
                back_off(attempt).await;
                attempt += 1;
            }
            if attempt == ATTEMPTS_MAX {
                return Err(StoreError::Contended("a batch of board items"));
            }
            requests = left;
            requests.extend(rest);
        }
        Ok(())
    }
}
