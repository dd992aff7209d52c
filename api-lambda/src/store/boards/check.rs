//! The check of counts against the entries, section by section, and the repair. A wrong count stays wrong by the same
//! number while scores come and go, since those change entries and counts together: so a live board can be checked
//! and mended, where two readings in a row agree.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::Update;
use contest::rank::{CountUpdate, CountingTree, NodeId, Nodes, RankKey, differences};
use domain::contract::boards::{BoardChecked, WrongCount};
use futures_util::future::try_join_all;

use crate::store::item::{self, number, text};
use crate::store::{ITEM_VERSION, Store, StoreError, back_off, sent, transact};

use super::entries::Placed;
use super::{SeasonForm, key_of};

/// Readings of a section before it counts as unsteady.
const READINGS_MAX: u32 = 4;

/// Nodes that one transaction mends.
const REPAIRED_NODES_MAX: usize = 90;

/// Wrong counts that an answer names.
const WRONG_NAMED_MAX: usize = 100;

struct Reading {
    entries: u64,
    updates: Vec<CountUpdate>,
}

impl Store {
    /// Compares the counts of one section with a scan of its entries, and mends them if `is_repair`.
    pub(crate) async fn check_board(
        &self,
        form: &SeasonForm,
        section: u8,
        is_repair: bool,
    ) -> Result<BoardChecked, StoreError> {
        let sections = (section..CountingTree::SECTIONS).skip(1);
        let next = sections.into_iter().find(|section| form.tree.section(*section).is_some());
        let mut checked = BoardChecked {
            season: form.season,
            section,
            entries: 0,
            wrong: Vec::new(),
            wrong_total: 0,
            is_steady: true,
            repaired: 0,
            next,
        };
        let repairs = self.repairs(form).await?;
        let mut last: Option<Reading> = None;
        for attempt in 0..READINGS_MAX {
            let reading = self.read_section(form, section).await?;
            checked.is_steady = reading.updates.is_empty()
                || last.as_ref().is_some_and(|last| last.updates == reading.updates);
            last = Some(reading);
            if checked.is_steady {
                break;
            }
            back_off(attempt).await;
        }
        let Some(Reading { entries, mut updates }) = last else { return Ok(checked) };
        checked.entries = entries;
        checked.wrong_total = u64::try_from(updates.iter().map(|update| update.deltas.len()).sum::<usize>())
            .unwrap_or(u64::MAX);
        checked.wrong = named(&updates);
        if is_repair && checked.is_steady && !updates.is_empty() {
            if updates.len() > REPAIRED_NODES_MAX {
                // The rest of the section is for the next call.
                updates.truncate(REPAIRED_NODES_MAX);
                checked.next = Some(section);
            }
            if self.repair(form, &updates, repairs).await? {
                checked.repaired = u64::try_from(updates.len()).unwrap_or(u64::MAX);
            } else {
                checked.is_steady = false;
            }
        }
        Ok(checked)
    }

    async fn read_section(&self, form: &SeasonForm, section: u8) -> Result<Reading, StoreError> {
        let nothing = Reading { entries: 0, updates: Vec::new() };
        let Some((from, to)) = form.tree.section(section) else { return Ok(nothing) };
        // Of the root only this section's child.
        let mut stored = Nodes::new();
        for (id, node) in self.nodes(form, &form.tree.roots()).await? {
            if node.has(section) {
                stored.entry(id).or_default().add(section, node.count(section));
            }
        }
        let mut asked: BTreeSet<NodeId> = form.tree.roots().into_iter().collect();
        let mut below = form.tree.below(&stored);
        while !below.is_empty() {
            let nodes = self.nodes(form, &below).await?;
            asked.extend(below);
            below = form.tree.below(&nodes);
            stored.extend(nodes);
        }
        let reads = (0..form.partitions).map(|partition| self.keys_between(form, partition, from, to));
        let keys = try_join_all(reads).await?.concat();
        // What a lost node no longer leads to must not be counted a second time.
        let paths: BTreeSet<NodeId> = keys.iter().flat_map(|key| form.tree.reads(*key)).collect();
        let led_to: Vec<_> = paths.difference(&asked).copied().collect();
        stored.extend(self.nodes(form, &led_to).await?);
        let entries = u64::try_from(keys.len()).unwrap_or(u64::MAX);
        Ok(Reading { entries, updates: differences(&form.tree, &stored, keys) })
    }

    async fn keys_between(
        &self,
        form: &SeasonForm,
        partition: u32,
        from: RankKey,
        to: RankKey,
    ) -> Result<Vec<RankKey>, StoreError> {
        let mut keys = Vec::new();
        let mut start = None;
        loop {
            let call = self
                .client
                .query()
                .table_name(&self.tables.boards)
                .key_condition_expression("pk = :order AND sk BETWEEN :from AND :to")
                .expression_attribute_values(":order", text(form.order_key(false, partition)))
                .expression_attribute_values(":from", text(from))
                // '~' sorts after what follows a key.
                .expression_attribute_values(":to", text(format!("{to}~")))
                .consistent_read(true)
                .set_exclusive_start_key(start);
            let page = sent(call.send()).await?;
            for item in page.items.unwrap_or_default() {
                keys.push(Placed::read(&item)?.key);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(keys);
            }
        }
    }

    /// How many repairs there were.
    async fn repairs(&self, form: &SeasonForm) -> Result<u64, StoreError> {
        let (items, _) = self.board_items(vec![key_of(format!("x#{}", form.key), "x")], &[]).await?;
        items.first().map_or(Ok(0), |item| item::read_number(item, "repairs"))
    }

    /// Adds what is missing, unless somebody else has repaired since it was read.
    async fn repair(
        &self,
        form: &SeasonForm,
        updates: &[CountUpdate],
        repairs: u64,
    ) -> Result<bool, StoreError> {
        let once = transact::update(
            Update::builder()
                .table_name(&self.tables.boards)
                .set_key(Some(key_of(format!("x#{}", form.key), "x")))
                .update_expression("SET v = :v, repairs = :next")
                .condition_expression("attribute_not_exists(pk) OR repairs = :repairs")
                .expression_attribute_values(":v", number(ITEM_VERSION))
                .expression_attribute_values(":repairs", number(repairs))
                .expression_attribute_values(":next", number(repairs + 1)),
        );
        let parts = std::iter::once(once).chain(updates.iter().map(|update| self.count_part(form, update)));
        Ok(self.transact(parts.collect()).await?.is_ok())
    }
}

/// The first of the wrong counts.
fn named(updates: &[CountUpdate]) -> Vec<WrongCount> {
    let mut wrong = Vec::new();
    for update in updates {
        for (child, missing) in &update.deltas {
            if wrong.len() == WRONG_NAMED_MAX {
                return wrong;
            }
            wrong.push(WrongCount { node: update.node.to_string(), child: *child, missing: *missing });
        }
    }
    wrong
}
