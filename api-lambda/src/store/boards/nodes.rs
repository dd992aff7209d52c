//! Nodes of counting trees in the store, and ranks from them.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::types::{Get, TransactGetItem, TransactWriteItem, Update};
use contest::rank::{
    CALL_NODES_MAX, CountUpdate, Node, NodeId, Nodes, Rank, RankKey, RankQuery, ReadMode, Reading, Step,
};

use crate::store::item::{self, Item, number};
use crate::store::meter::processor::outside;
use crate::store::{ITEM_VERSION, Store, StoreError, transact, unavailable};

use super::{SeasonForm, key_of, new_item};

const NODE_SORT_KEY: &str = "n";

/// The attribute of a child's count.
fn child_name(child: u8) -> String {
    format!("{child:02x}")
}

pub(super) fn node_key(form: &SeasonForm, node: NodeId) -> Item {
    key_of(format!("n#{}#{node}", form.key), NODE_SORT_KEY)
}

/// A node that nobody writes to yet, with these counts.
pub(super) fn node_item(form: &SeasonForm, update: &CountUpdate) -> Item {
    let mut item = new_item(format!("n#{}#{}", form.key, update.node), NODE_SORT_KEY);
    item.extend(update.deltas.iter().map(|(child, count)| (child_name(*child), number(count))));
    item
}

fn read_node(item: &Item) -> Result<Node, StoreError> {
    item::check_version(item)?;
    let mut node = Node::default();
    for name in item.keys().filter(|name| name.len() == 2 && !matches!(name.as_str(), "pk" | "sk")) {
        let Ok(child) = u8::from_str_radix(name, 16) else { continue };
        node.add(child, item::read_number(item, name)?);
    }
    Ok(node)
}

impl Store {
    /// The addition to the counts of a node as part of a transaction; it has no condition.
    pub(super) fn count_part(&self, form: &SeasonForm, update: &CountUpdate) -> TransactWriteItem {
        let adds: Vec<_> = update.deltas.iter().map(|(child, _)| format!("#c{child} :c{child}")).collect();
        let mut part = Update::builder()
            .table_name(&self.tables.boards)
            .set_key(Some(node_key(form, update.node)))
            .update_expression(format!("SET v = :v ADD {}", adds.join(", ")))
            .expression_attribute_values(":v", number(ITEM_VERSION));
        for (child, delta) in &update.deltas {
            part = part
                .expression_attribute_names(format!("#c{child}"), child_name(*child))
                .expression_attribute_values(format!(":c{child}"), number(delta));
        }
        transact::update(part)
    }

    /// The nodes that the store has of these, each as of its own moment.
    pub(super) async fn nodes(&self, form: &SeasonForm, ids: &[NodeId]) -> Result<Nodes, StoreError> {
        let names: HashMap<String, NodeId> =
            ids.iter().map(|id| (format!("n#{}#{id}", form.key), *id)).collect();
        let keys = ids.iter().map(|id| node_key(form, *id)).collect();
        let (items, _) = self.board_items(keys, &[]).await?;
        let mut nodes = Nodes::new();
        for item in &items {
            if let Some(id) = names.get(item::read_text(item, "pk")?) {
                nodes.insert(*id, read_node(item)?);
            }
        }
        Ok(nodes)
    }

    /// The nodes that the store has of these, at most 100, all as of one moment; `None` if one of them was just
    /// being written.
    async fn nodes_at_once(&self, form: &SeasonForm, ids: &[NodeId]) -> Result<Option<Nodes>, StoreError> {
        let get = |id: &NodeId| {
            let get = Get::builder().table_name(&self.tables.boards).set_key(Some(node_key(form, *id)));
            TransactGetItem::builder().get(get.build().expect("table and key are given")).build()
        };
        let call = self.client.transact_get_items().set_transact_items(Some(ids.iter().map(get).collect()));
        let answer = match outside(call.send()).await {
            Ok(answer) => answer,
            Err(error) => {
                return match error.as_service_error() {
                    Some(TransactGetItemsError::TransactionCanceledException(cancelled))
                        if cancelled
                            .cancellation_reasons()
                            .iter()
                            .any(|reason| reason.code() == Some("TransactionConflict")) =>
                    {
                        Ok(None)
                    }
                    _ => Err(unavailable(error)),
                };
            }
        };
        let mut nodes = Nodes::new();
        for (id, response) in ids.iter().zip(answer.responses.unwrap_or_default()) {
            if let Some(item) = response.item.filter(|item| !item.is_empty()) {
                nodes.insert(*id, read_node(&item)?);
            }
        }
        Ok(Some(nodes))
    }

    async fn read_step(
        &self,
        form: &SeasonForm,
        ids: &[NodeId],
        mode: ReadMode,
    ) -> Result<Option<Nodes>, StoreError> {
        match mode {
            ReadMode::AtOnce => self.nodes_at_once(form, ids).await,
            ReadMode::OneByOne => self.nodes(form, ids).await.map(Some),
        }
    }

    /// The rank of a key, by at most 3 calls; one less after `spent` calls for something else.
    pub(super) async fn rank_of_key(
        &self,
        form: &SeasonForm,
        key: RankKey,
        spent: u32,
    ) -> Result<Rank, StoreError> {
        let mut query = RankQuery::new(&form.tree, key);
        (0..spent).for_each(|_| query.answer(Reading::Conflict));
        loop {
            let (ids, mode) = match query.step() {
                Step::Done(rank) => return Ok(rank),
                Step::Read { nodes, mode } => (nodes, mode),
            };
            match self.read_step(form, &ids, mode).await? {
                Some(nodes) => query.answer(Reading::Nodes(&nodes)),
                None => query.answer(Reading::Conflict),
            }
        }
    }

    /// The ranks of several keys; those whose nodes fit one call are of one moment.
    pub(super) async fn ranks_of_keys(
        &self,
        form: &SeasonForm,
        keys: &[RankKey],
    ) -> Result<BTreeMap<RankKey, Rank>, StoreError> {
        let mut ranks = BTreeMap::new();
        for (keys, ids) in calls_for(form, keys) {
            let (nodes, is_exact) = match self.nodes_at_least_once(form, &ids).await? {
                Some(nodes) => (nodes, true),
                None => (self.nodes(form, &ids).await?, false),
            };
            let rank = |key: &RankKey| Rank { rank: form.tree.rank(*key, &nodes), is_exact };
            ranks.extend(keys.iter().map(|key| (*key, rank(key))));
        }
        Ok(ranks)
    }

    /// Two tries at once, as a [`RankQuery`] makes them.
    async fn nodes_at_least_once(
        &self,
        form: &SeasonForm,
        ids: &[NodeId],
    ) -> Result<Option<Nodes>, StoreError> {
        match self.nodes_at_once(form, ids).await? {
            Some(nodes) => Ok(Some(nodes)),
            None => self.nodes_at_once(form, ids).await,
        }
    }
}

/// Packs the paths of the keys, each whole, into as few calls as their order allows.
fn calls_for(form: &SeasonForm, keys: &[RankKey]) -> Vec<(Vec<RankKey>, Vec<NodeId>)> {
    let most = usize::try_from(CALL_NODES_MAX).unwrap_or(usize::MAX);
    let mut calls: Vec<(Vec<RankKey>, std::collections::BTreeSet<NodeId>)> = Vec::new();
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    for key in sorted {
        let path = form.tree.reads(key);
        let fits = |ids: &std::collections::BTreeSet<NodeId>| {
            ids.len() + path.iter().filter(|id| !ids.contains(id)).count() <= most
        };
        match calls.last_mut() {
            Some((keys, ids)) if fits(ids) => {
                keys.push(key);
                ids.extend(path);
            }
            _ => calls.push((vec![key], path.into_iter().collect())),
        }
    }
    calls.into_iter().map(|(keys, ids)| (keys, ids.into_iter().collect())).collect()
}
