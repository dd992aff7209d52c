//! Forgetting a player in the tournaments that mention it. A record changes the state, as any other does, so that every
//! process hears of it; a snapshot makes the records before it needless; then what is older is removed or written anew.
//! The records are last and go backwards: until all is done, one of them still mentions the player.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use contest::tournament::RequestId;
use domain::ids::TournamentId;

use super::commit::{Change, ChangeRefusal};
use super::log::event_key;
use super::prizes::paid_key;
use super::{Loaded, corrupt, key};
use crate::store::item::{self, Item, text};
use crate::store::personal::Subject;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, sent};
use crate::tournament::Live;
use crate::tournament::forget::Forgotten;

fn text_of(value: &AttributeValue) -> Option<&str> {
    value.as_s().ok().map(String::as_str)
}

impl Store {
    /// Forgets the player in the tournaments of which one of these items mentions it. An error where another region
    /// runs one of them: that region has to do it.
    pub(in crate::store) async fn forget_in_tournaments(
        &self,
        region: &str,
        subject: &Subject,
        items: &[Item],
    ) -> Result<(), StoreError> {
        let mut ids = BTreeSet::new();
        for item in items {
            let id: TournamentId = item::read_parsed(item, "pk")?;
            let forgotten = Forgotten::new(id, subject.account, &subject.characters, &subject.names);
            if item.values().filter_map(text_of).any(|text| forgotten.is_in(text)) {
                ids.insert(id);
            }
        }
        let mut elsewhere = false;
        for id in ids {
            elsewhere |= !self.forget_in_tournament(region, subject, id).await?;
        }
        if elsewhere { Err(StoreError::Contended("a tournament of another region")) } else { Ok(()) }
    }

    /// False if another region runs the tournament.
    async fn forget_in_tournament(
        &self,
        region: &str,
        subject: &Subject,
        id: TournamentId,
    ) -> Result<bool, StoreError> {
        let forgotten = Forgotten::new(id, subject.account, &subject.characters, &subject.names);
        let request = RequestId::from_u128(crate::clock::random_u128());
        let asked = Change { id, now: crate::clock::now(), region, fence: None };
        let steps = |live: &Live| Ok(live.forget_steps(subject.account, &forgotten, request));
        let loaded = match self.change_tournament(asked, steps, |_| None).await? {
            Ok(loaded) => loaded,
            Err(ChangeRefusal::Missing) => return Ok(true),
            Err(ChangeRefusal::Elsewhere(_)) => return Ok(false),
            Err(refusal) => return Err(corrupt(id, format!("{refusal:?}"))),
        };
        self.leave_only_snapshots_from(id, loaded.version).await?;
        self.forget_in_markers(id, &forgotten).await?;
        self.forget_in_records(&loaded, &forgotten).await?;
        Ok(true)
    }

    /// Has a snapshot of this version or a later one, and none of an earlier.
    async fn leave_only_snapshots_from(&self, id: TournamentId, version: u64) -> Result<(), StoreError> {
        for attempt in 0..ATTEMPTS_MAX {
            let Some((head, loaded)) = self.tournament(id).await? else { return Ok(()) };
            if head.snapshot >= version {
                return self.remove_snapshots(id, 0..=head.snapshot.saturating_sub(1)).await;
            }
            if !self.write_snapshot(&loaded, head.snapshot).await? {
                back_off(attempt).await;
            }
        }
        Err(StoreError::Contended("the snapshot of a tournament"))
    }

    /// What was paid stays known, as paid to nobody.
    async fn forget_in_markers(&self, id: TournamentId, forgotten: &Forgotten) -> Result<(), StoreError> {
        for item in self.tournament_items(id, (paid_key(""), paid_key("~"))).await? {
            let sk = item::read_text(&item, "sk")?;
            if !forgotten.is_in(sk) {
                continue;
            }
            let hidden = item.iter().map(|(name, value)| match text_of(value) {
                Some(known) => (name.clone(), text(forgotten.hide(known))),
                None => (name.clone(), value.clone()),
            });
            let put = self.client.put_item().table_name(&self.tables.tournaments);
            sent(put.set_item(Some(hidden.collect())).send()).await?;
            let delete = self.client.delete_item().table_name(&self.tables.tournaments);
            sent(delete.set_key(Some(key(id, sk))).send()).await?;
        }
        Ok(())
    }

    /// Writes the records anew that mention the player. The snapshot has made them needless for reading; players are
    /// told of some yet.
    async fn forget_in_records(&self, loaded: &Loaded, forgotten: &Forgotten) -> Result<(), StoreError> {
        let entrants = forgotten.entrants(&loaded.live);
        for (number, record, tells) in self.records(loaded.id, 1, loaded.version).await?.into_iter().rev() {
            let hidden = forgotten.hide_in_record(&record, &entrants);
            let hidden_tells = forgotten.hide_in_tells(&tells);
            if hidden == record && hidden_tells == tells {
                continue;
            }
            let body = serde_json::to_string(&hidden).expect("a record is plain data");
            let mut set = "SET body = :body".to_owned();
            let mut call = self
                .client
                .update_item()
                .table_name(&self.tables.tournaments)
                .set_key(Some(key(loaded.id, &event_key(number))))
                .condition_expression("attribute_exists(pk)")
                .expression_attribute_values(":body", text(body));
            if !hidden_tells.is_empty() {
                let words = serde_json::to_string(&hidden_tells).expect("words are plain data");
                set.push_str(", tells = :tells");
                call = call.expression_attribute_values(":tells", text(words));
            }
            sent(call.update_expression(set).send()).await?;
        }
        Ok(())
    }
}
