//! Reading a tournament: the newest snapshot, or what this process remembers, and the records after it. Writing
//! snapshots: they only shorten the reading, so that nothing is lost when one is not written.

use std::ops::RangeInclusive;
use std::sync::Arc;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ids::TournamentId;

use super::form::{read_body, read_part};
use super::{Head, Loaded, corrupt, key};
use crate::store::item::{self, Item, number, text};
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, if_held, sent};
use crate::tournament::{Live, Record, Setup, Tell};

/// A snapshot is written after so many records: a reader replays fewer.
pub(super) const RECORDS_PER_SNAPSHOT: u64 = 64;
/// Bytes of one part of a snapshot. An item takes 400 KB; smaller ones cost the same, and fail less often as a whole.
pub(super) const PART_BYTES: usize = 32 * 1024;

/// The key of a record; numbers sort as texts.
pub(super) fn event_key(number: u64) -> String {
    format!("event#{number:010}")
}

fn snapshot_key(version: u64, part: usize) -> String {
    format!("snapshot#{version:010}#{part:04}")
}

impl Store {
    /// The tournament as it is now, and its head.
    pub(crate) async fn tournament(
        &self,
        id: TournamentId,
    ) -> Result<Option<(Head, Arc<Loaded>)>, StoreError> {
        for attempt in 0..ATTEMPTS_MAX {
            let Some(head) = self.tournament_head(id).await? else { return Ok(None) };
            let version = head.summary.version;
            let base = match self.tournaments.get(id) {
                Some(known) if known.version == version => return Ok(Some((head, known))),
                Some(known) if (head.snapshot..version).contains(&known.version) => Some(known),
                _ => self.base(id, &head).await?,
            };
            // Another process has replaced the snapshot since the head was read.
            let Some(base) = base else {
                back_off(attempt).await;
                continue;
            };
            let mut live = base.live.clone();
            for (_, record, _) in self.records(id, base.version + 1, version).await? {
                let happened = live.after(&base.setup, &record);
                (live, _) = happened.map_err(|refusal| corrupt(id, format!("{refusal:?}")))?;
            }
            let loaded = Arc::new(Loaded::new(id, version, Arc::clone(&base.setup), live));
            self.tournaments.put(&loaded);
            return Ok(Some((head, loaded)));
        }
        Err(StoreError::Contended("a tournament"))
    }

    /// The newest snapshot, or the beginning. `None` if the snapshot is not there any more.
    async fn base(&self, id: TournamentId, head: &Head) -> Result<Option<Arc<Loaded>>, StoreError> {
        let call = self
            .client
            .get_item()
            .table_name(&self.tables.tournaments)
            .set_key(Some(key(id, "definition")))
            .consistent_read(true);
        let item = sent(call.send()).await?.item;
        let item = item.ok_or_else(|| corrupt(id, "it has no definition"))?;
        let setup: Setup = read_body(id, &item, "body")?;
        let live = if head.snapshot == 0 {
            setup.begin().map_err(|faults| corrupt(id, faults.join("; ")))?
        } else {
            match self.snapshot(id, head.snapshot).await? {
                Some(live) => live,
                None => return Ok(None),
            }
        };
        Ok(Some(Arc::new(Loaded::new(id, head.snapshot, Arc::new(setup), live))))
    }

    /// The items of a tournament from `first` to `last`, in order.
    pub(super) async fn tournament_items(
        &self,
        id: TournamentId,
        (first, last): (String, String),
    ) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let call = self
                .client
                .query()
                .table_name(&self.tables.tournaments)
                .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
                .expression_attribute_values(":pk", text(id))
                .expression_attribute_values(":first", text(&first))
                .expression_attribute_values(":last", text(&last))
                .consistent_read(true)
                .set_exclusive_start_key(start);
            let page = sent(call.send()).await?;
            items.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// The records from `first` to `last`, with what is to be told of each.
    pub(super) async fn records(
        &self,
        id: TournamentId,
        first: u64,
        last: u64,
    ) -> Result<Vec<(u64, Record, Vec<Tell>)>, StoreError> {
        if first > last {
            return Ok(Vec::new());
        }
        let items = self.tournament_items(id, (event_key(first), event_key(last))).await?;
        let mut records = Vec::with_capacity(items.len());
        for (expected, item) in (first..=last).zip(&items) {
            if item::read_number::<u64>(item, "number")? != expected {
                return Err(corrupt(id, format!("the record {expected} is missing")));
            }
            let tells = match item.get("tells") {
                Some(_) => read_body(id, item, "tells")?,
                None => Vec::new(),
            };
            records.push((expected, read_body(id, item, "body")?, tells));
        }
        if items.len() as u64 != last + 1 - first {
            return Err(corrupt(id, format!("records from {first} to {last} are missing")));
        }
        Ok(records)
    }

    async fn snapshot(&self, id: TournamentId, version: u64) -> Result<Option<Live>, StoreError> {
        let range = (snapshot_key(version, 0), snapshot_key(version, 9_999));
        let items = self.tournament_items(id, range).await?;
        let mut bytes = Vec::new();
        for item in &items {
            bytes.extend_from_slice(read_part(id, item)?);
        }
        // Parts are removed from the first on, so that what is left of a removed one has no beginning and no
        // length that fits.
        let Some(first) = items.first() else { return Ok(None) };
        if !first.contains_key("length") || item::read_number::<usize>(first, "length")? != bytes.len() {
            return Ok(None);
        }
        serde_json::from_slice(&bytes).map(Some).map_err(|error| corrupt(id, error.to_string()))
    }

    /// Writes a snapshot where one is due.
    pub(super) async fn snapshot_if_due(&self, loaded: &Loaded, before: u64) -> Result<(), StoreError> {
        if loaded.version < before + RECORDS_PER_SNAPSHOT {
            return Ok(());
        }
        self.write_snapshot(loaded, before).await.map(drop)
    }

    /// Writes a snapshot: its parts, then the head that names it, then away with the one before. False if the head
    /// named another one meanwhile.
    pub(super) async fn write_snapshot(&self, loaded: &Loaded, before: u64) -> Result<bool, StoreError> {
        let (id, version) = (loaded.id, loaded.version);
        let bytes = serde_json::to_vec(&loaded.live).expect("a tournament is plain data");
        for (part, chunk) in bytes.chunks(PART_BYTES).enumerate() {
            let mut item = item::new_item(id);
            item.insert("sk".into(), text(snapshot_key(version, part)));
            item.insert("part".into(), AttributeValue::B(Blob::new(chunk)));
            if part == 0 {
                item.insert("length".into(), number(bytes.len()));
            }
            let call = self.client.put_item().table_name(&self.tables.tournaments).set_item(Some(item));
            sent(call.send()).await?;
        }
        let call = self
            .client
            .update_item()
            .table_name(&self.tables.tournaments)
            .set_key(Some(key(id, "head")))
            .update_expression("SET #snapshot = :version")
            .condition_expression("#snapshot = :before")
            .expression_attribute_names("#snapshot", "snapshot")
            .expression_attribute_values(":version", number(version))
            .expression_attribute_values(":before", number(before));
        if if_held(call.send()).await?.is_none() {
            // What nobody names stays for ever, and may tell of a player who is to be forgotten.
            if self.tournament_head(id).await?.is_some_and(|head| head.snapshot != version) {
                self.remove_snapshots(id, version..=version).await?;
            }
            return Ok(false);
        }
        if before > 0 {
            self.remove_snapshots(id, before..=before).await?;
        }
        Ok(true)
    }

    /// Removes the snapshots of these versions.
    pub(super) async fn remove_snapshots(
        &self,
        id: TournamentId,
        versions: RangeInclusive<u64>,
    ) -> Result<(), StoreError> {
        let range = (snapshot_key(*versions.start(), 0), snapshot_key(*versions.end(), 9_999));
        for item in self.tournament_items(id, range).await? {
            let sk = item::read_text(&item, "sk")?;
            let call = self.client.delete_item().table_name(&self.tables.tournaments);
            sent(call.set_key(Some(key(id, sk))).send()).await?;
        }
        Ok(())
    }
}
