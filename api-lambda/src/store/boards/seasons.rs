//! Seasons that have entries: how their ranks are counted, written once before their first entry, with the board's home.

use std::sync::Arc;

use domain::ids::SeasonId;

use crate::store::item::{self, Item, text};
use crate::store::{Store, StoreError, sent, transact};

use super::{Board, SeasonForm, Shape, key_of, new_item, season_key};

fn board_seasons_key(board_key: &str) -> String {
    format!("s#{board_key}")
}

fn season_sort_key(season: SeasonId) -> String {
    format!("{:013}", season.0)
}

pub(super) fn season_item_key(board_key: &str, season: SeasonId) -> Item {
    key_of(board_seasons_key(board_key), season_sort_key(season))
}

fn read_shape(item: &Item) -> Result<Shape, StoreError> {
    item::check_version(item)?;
    let shape = item::read_text(item, "shape")?;
    serde_json::from_str(shape).map_err(|error| StoreError::Corrupt {
        pk: item::read_text(item, "pk").unwrap_or_default().to_owned(),
        reason: format!("the shape of a season is malformed: {error}"),
    })
}

impl Store {
    /// The season as it is counted; `None` if it has no entries (any more).
    pub(crate) async fn season_form(
        &self,
        board: &Board,
        season: SeasonId,
    ) -> Result<Option<Arc<SeasonForm>>, StoreError> {
        self.season_form_by_key(&board.key, season).await
    }

    pub(super) async fn season_form_by_key(
        &self,
        board_key: &str,
        season: SeasonId,
    ) -> Result<Option<Arc<SeasonForm>>, StoreError> {
        if let Some(form) = self.boards.form(&season_key(board_key, season)) {
            return Ok(Some(form));
        }
        let (items, _) = self.board_items(vec![season_item_key(board_key, season)], &[]).await?;
        let Some(item) = items.first() else { return Ok(None) };
        let form = Arc::new(SeasonForm::new(board_key, season, &read_shape(item)?)?);
        self.boards.keep_form(&form);
        Ok(Some(form))
    }

    /// The season as it is counted, from now on if it has no entries yet.
    pub(super) async fn season_form_or_new(
        &self,
        board: &Board,
        season: SeasonId,
    ) -> Result<Arc<SeasonForm>, StoreError> {
        loop {
            if let Some(form) = self.season_form(board, season).await? {
                return Ok(form);
            }
            let shape = serde_json::to_string(&Shape::of(&board.definition)).expect("a shape is plain data");
            let mut item = new_item(board_seasons_key(&board.key), season_sort_key(season));
            item.insert("shape".to_owned(), text(shape));
            let put = aws_sdk_dynamodb::types::Put::builder()
                .table_name(&self.tables.boards)
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(pk)");
            // Refused where another process was faster: its shape is read then.
            let _ = self.transact(vec![transact::put(put), self.register_part(board)]).await?;
        }
    }

    /// Seasons of the board that have entries and began before `before`, the newest first.
    pub(crate) async fn seasons_before(
        &self,
        board: &Board,
        before: SeasonId,
        limit: i32,
    ) -> Result<Vec<SeasonId>, StoreError> {
        self.seasons_by_key(&board.key, before, limit).await
    }

    pub(super) async fn seasons_by_key(
        &self,
        board_key: &str,
        before: SeasonId,
        limit: i32,
    ) -> Result<Vec<SeasonId>, StoreError> {
        let call = self
            .client
            .query()
            .table_name(&self.tables.boards)
            .key_condition_expression("pk = :board AND sk < :before")
            .expression_attribute_values(":board", text(board_seasons_key(board_key)))
            .expression_attribute_values(":before", text(season_sort_key(before)))
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(limit);
        let answer = sent(call.send()).await?;
        let season = |item: &Item| Ok(SeasonId(item::read_parsed(item, "sk")?));
        answer.items.unwrap_or_default().iter().map(season).collect()
    }
}
