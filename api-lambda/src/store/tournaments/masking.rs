//! Writing a tournament anew without somebody who took part: others go on with it, and nobody knows who that was. The
//! state as it is becomes a snapshot with other ids and names, so that no record from before is played again; what
//! processes remember of it, and what they are about to write, is refused from then on.

use aws_sdk_dynamodb::types::Update;
use domain::ids::TournamentId;

use super::key;
use super::log::{PART_BYTES, SAME_WRITING};
use crate::store::item::number;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, transact};

impl Store {
    /// Makes a snapshot of the tournament in which `hide` has changed ids and names. Records may be changed in the
    /// same way afterwards.
    pub(crate) async fn mask_tournament(
        &self,
        id: TournamentId,
        hide: impl Fn(&str) -> String,
    ) -> Result<(), StoreError> {
        for attempt in 0..ATTEMPTS_MAX {
            let Some((head, loaded)) = self.tournament(id).await? else { return Ok(()) };
            let version = loaded.version;
            let live = serde_json::to_string(&loaded.live).expect("a tournament is plain data");
            let hidden = hide(&live);
            if version == 0 || hidden == live {
                return Ok(());
            }
            let hidden = hidden.into_bytes();
            self.write_snapshot(id, version, &hidden).await?;
            let update = Update::builder()
                .table_name(&self.tables.tournaments)
                .set_key(Some(key(id, "head")))
                .update_expression("SET #snapshot = :version, rewritten = :next")
                .condition_expression(format!(
                    "#version = :version AND #snapshot = :before AND {SAME_WRITING}"
                ))
                .expression_attribute_names("#snapshot", "snapshot")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":version", number(version))
                .expression_attribute_values(":before", number(head.snapshot))
                .expression_attribute_values(":rewritten", number(head.rewritten))
                .expression_attribute_values(":next", number(head.rewritten + 1))
                .expression_attribute_values(":none", number(0));
            if self.transact(vec![transact::update(update)]).await?.is_ok() {
                if head.snapshot == version {
                    return self.delete_snapshot(id, version, hidden.len().div_ceil(PART_BYTES)).await;
                }
                return self.delete_snapshot(id, head.snapshot, 0).await;
            }
            back_off(attempt).await;
        }
        Err(StoreError::Contended("a tournament"))
    }
}
