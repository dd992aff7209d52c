//! Scores, in the table `leaderboards`. There is one board yet.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Select, TransactWriteItem, Update};
use domain::contract::players::LeaderboardEntry;
use domain::ids::CharacterId;

use crate::store::item::{self, number, text};
use crate::store::{ITEM_VERSION, Store, StoreError, characters, transact, unavailable};

/// The board of kills.
pub(crate) const KILLS: &str = "kills";

impl Store {
    /// The best `limit` (1 to 100) entries; equal scores by age of the character.
    pub(crate) async fn board_top(
        &self,
        board: &str,
        limit: i32,
    ) -> Result<Vec<LeaderboardEntry>, StoreError> {
        let call = self
            .client
            .query()
            .table_name(&self.tables.leaderboards)
            .index_name("by_score")
            .key_condition_expression("board = :board")
            .expression_attribute_values(":board", text(board))
            .scan_index_forward(false)
            .limit(limit);
        let mut scores = Vec::new();
        for item in call.send().await.map_err(unavailable)?.items.unwrap_or_default() {
            let character: CharacterId = item::read_parsed(&item, "character")?;
            scores.push((character, item::read_number::<u64>(&item, "score")?));
        }
        scores.sort_by_key(|(character, score)| (std::cmp::Reverse(*score), *character));
        let keys: Vec<_> = scores.iter().map(|(character, _)| character.to_string()).collect();
        // Names are read where they are kept, so that a rename needs no write here.
        let mut names = std::collections::HashMap::new();
        for item in self.player_items(&keys).await? {
            if let Some(stored) = characters::form::read_living(&item)? {
                names.insert(stored.character.id, stored.character.name.to_string());
            }
        }
        let mut entries: Vec<LeaderboardEntry> = Vec::new();
        for (position, (character, score)) in (1..).zip(scores) {
            let rank = entries.last().filter(|last| last.score == score).map_or(position, |last| last.rank);
            // A character deleted since is missing from the page; the ranks of the others stand.
            let Some(name) = names.remove(&character) else { continue };
            entries.push(LeaderboardEntry { rank, character, name, score });
        }
        Ok(entries)
    }

    /// The score of the character on the board and 1 plus the number of better ones.
    pub(crate) async fn board_rank(
        &self,
        board: &str,
        character: CharacterId,
    ) -> Result<Option<(u64, u64)>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.leaderboards);
        let call = call.key("board", text(board)).key("character", text(character)).consistent_read(true);
        let Some(item) = call.send().await.map_err(unavailable)?.item else { return Ok(None) };
        item::check_version(&item)?;
        let score: u64 = item::read_number(&item, "score")?;
        let mut better = 0;
        let mut start = None;
        loop {
            let call = self
                .client
                .query()
                .table_name(&self.tables.leaderboards)
                .index_name("by_score")
                .select(Select::Count)
                .key_condition_expression("board = :board AND score > :score")
                .expression_attribute_values(":board", text(board))
                .expression_attribute_values(":score", number(score))
                .set_exclusive_start_key(start);
            let page = call.send().await.map_err(unavailable)?;
            better += u64::from(page.count.unsigned_abs());
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(Some((score, better + 1)));
            }
        }
    }

    /// The addition of `points` to a score as part of a transaction.
    pub(crate) fn score_part(&self, board: &str, character: CharacterId, points: u32) -> TransactWriteItem {
        transact::update(
            Update::builder()
                .table_name(&self.tables.leaderboards)
                .key("board", text(board))
                .key("character", text(character))
                .update_expression("SET v = :v ADD score :points")
                .expression_attribute_values(":v", number(ITEM_VERSION))
                .expression_attribute_values(":points", AttributeValue::N(points.to_string())),
        )
    }

    /// The removal from a board as part of a transaction.
    pub(crate) fn leave_board_part(&self, board: &str, character: CharacterId) -> TransactWriteItem {
        transact::delete(
            Delete::builder()
                .table_name(&self.tables.leaderboards)
                .key("board", text(board))
                .key("character", text(character)),
        )
    }
}
