//! Tournaments, in the table `tournaments`. What one is follows from its definition and its log: `event#...` items,
//! each written with the head in one transaction that only the next number passes. Snapshots in parts shorten the
//! reading; the head is what lists and schedules see. It knows no rule of tournaments.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aws_sdk_dynamodb::types::{AttributeValue, Put};
use domain::contract::tournaments::{TournamentState, TournamentSummary};
use domain::ids::{CharacterId, QueueId, TournamentId};
use domain::time::UnixMillis;

use crate::store::cursor::{Cursor, KeyPart};
use crate::store::item::{self, Item, number, text};
use crate::store::requests::StoredAnswer;
use crate::store::{Store, StoreError, sent, transact};
use crate::tournament::{Live, Setup};

pub(crate) mod commit;
pub(crate) mod credit;
mod forget;
mod form;
mod log;
pub(crate) mod prizes;
pub(crate) mod step;
mod tell;
#[cfg(test)]
mod tests;

use form::{head_item, read_head};

/// Tournaments that a process keeps between requests.
const CACHED_MAX: usize = 64;
/// Locks that keep the requests of one process from contending for the same tournament.
const LOCKS: usize = 64;
/// Partitions of the index of what is due: each takes 1,000 changes of a deadline per second.
const DUE_PARTITIONS: u128 = 8;

/// The head of a tournament.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) summary: TournamentSummary,
    /// The first record whose consequences have yet to be told.
    tell_from: Option<u64>,
    /// Records before it of which somebody could not be told yet.
    untold: tell::Untold,
    /// The version of the newest snapshot; 0 for none.
    snapshot: u64,
}

/// A tournament as of a version.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) id: TournamentId,
    pub(crate) version: u64,
    pub(crate) setup: Arc<Setup>,
    pub(crate) live: Live,
    bracket: OnceLock<String>,
}

impl Loaded {
    pub(crate) fn new(id: TournamentId, version: u64, setup: Arc<Setup>, live: Live) -> Self {
        Self { id, version, setup, live, bracket: OnceLock::new() }
    }

    /// The bracket as JSON, made once for a version.
    pub(crate) fn bracket(&self) -> &str {
        self.bracket.get_or_init(|| {
            let bracket = self.live.bracket(self.id, self.version, &self.setup);
            serde_json::to_string(&bracket).expect("a bracket is plain data")
        })
    }
}

/// What a process remembers. Nothing of it is ever trusted: the head's version tells whether it is still so.
#[derive(Debug)]
pub(crate) struct Cache {
    known: Mutex<Known>,
    locks: [tokio::sync::Mutex<()>; LOCKS],
}

/// The tournaments, each with when it was used last, counted in uses.
#[derive(Debug, Default)]
struct Known {
    uses: u64,
    tournaments: BTreeMap<TournamentId, (u64, Arc<Loaded>)>,
}

impl Default for Cache {
    fn default() -> Self {
        Self { known: Mutex::default(), locks: std::array::from_fn(|_| tokio::sync::Mutex::default()) }
    }
}

impl Cache {
    fn get(&self, id: TournamentId) -> Option<Arc<Loaded>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.uses += 1;
        let Known { uses, tournaments } = &mut *known;
        let (used, loaded) = tournaments.get_mut(&id)?;
        *used = *uses;
        Some(Arc::clone(loaded))
    }

    fn put(&self, loaded: &Arc<Loaded>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.uses += 1;
        let Known { uses, tournaments: map } = &mut *known;
        if map.get(&loaded.id).is_some_and(|(_, newer)| newer.version > loaded.version) {
            return;
        }
        map.insert(loaded.id, (*uses, Arc::clone(loaded)));
        if map.len() > CACHED_MAX {
            let oldest = map.iter().min_by_key(|(_, (used, _))| *used).map(|(id, _)| *id);
            oldest.map(|oldest| map.remove(&oldest));
        }
    }

    fn lock(&self, id: TournamentId) -> &tokio::sync::Mutex<()> {
        let index = usize::try_from(id.as_u128() % LOCKS as u128).unwrap_or(0);
        &self.locks[index]
    }
}

/// The partition of the index of what is due that a tournament is in.
fn due_partition(region: &str, id: TournamentId) -> String {
    format!("{region}#{}", id.as_u128() % DUE_PARTITIONS)
}

fn due_partitions(region: &str) -> impl Iterator<Item = String> {
    (0..DUE_PARTITIONS).map(move |number| format!("{region}#{number}"))
}

fn key(id: TournamentId, sk: &str) -> Item {
    Item::from([("pk".to_owned(), text(id)), ("sk".to_owned(), text(sk))])
}

impl Store {
    /// Keeps a new tournament: head, definition and answer, all or none. False if the request was answered before.
    pub(crate) async fn create_tournament(
        &self,
        id: TournamentId,
        setup: &Setup,
        live: &Live,
        answer: &StoredAnswer,
    ) -> Result<bool, StoreError> {
        let mut definition = item::new_item(id);
        definition.insert("sk".into(), text("definition"));
        let body = serde_json::to_string(setup).expect("a definition is plain data");
        definition.insert("body".into(), text(body));
        let put = |item: Item| {
            transact::put(
                Put::builder()
                    .table_name(&self.tables.tournaments)
                    .set_item(Some(item))
                    .condition_expression("attribute_not_exists(pk)"),
            )
        };
        let head = head_item(id, setup, live);
        let parts = vec![put(head), put(definition), self.answer_part(answer)];
        Ok(self.transact(parts).await?.is_ok())
    }

    /// The head of a tournament.
    pub(crate) async fn tournament_head(&self, id: TournamentId) -> Result<Option<Head>, StoreError> {
        let call = self
            .client
            .get_item()
            .table_name(&self.tables.tournaments)
            .set_key(Some(key(id, "head")))
            .consistent_read(true);
        let item = sent(call.send()).await?.item;
        item.as_ref().map(read_head).transpose()
    }

    /// A page of the tournaments of a state: the next to start first, of those that are over the last.
    pub(crate) async fn tournaments_of(
        &self,
        state: TournamentState,
        limit: i32,
        cursor: Option<&Cursor>,
    ) -> Result<(Vec<TournamentSummary>, Option<Cursor>), StoreError> {
        let over = matches!(state, TournamentState::Finished | TournamentState::Cancelled);
        let form = [
            ("state", KeyPart::Fixed(form::state_name(state))),
            ("starts_at", KeyPart::Number(u64::MAX)),
            ("pk", KeyPart::Text(TournamentId::PREFIX)),
            ("sk", KeyPart::Fixed("head")),
        ];
        let start = cursor.map(|cursor| cursor.start(&form)).transpose()?;
        let call = self
            .client
            .query()
            .table_name(&self.tables.tournaments)
            .index_name("by_state")
            .key_condition_expression("#state = :state")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", text(form::state_name(state)))
            .scan_index_forward(!over)
            .limit(limit)
            .set_exclusive_start_key(start);
        let page = sent(call.send()).await?;
        let next = Cursor::after(page.last_evaluated_key.as_ref(), &form);
        let ids = page.items.unwrap_or_default();
        let ids: Vec<TournamentId> =
            ids.iter().map(|item| item::read_parsed(item, "pk")).collect::<Result<_, _>>()?;
        let mut heads: BTreeMap<_, _> =
            self.tournament_heads(&ids).await?.into_iter().map(|head| (head.summary.id, head)).collect();
        // The index is a moment behind: what has gone on since is of another state.
        let summaries = ids.iter().filter_map(|id| heads.remove(id)).map(|head| head.summary);
        Ok((summaries.filter(|summary| summary.state == state).collect(), next))
    }

    async fn tournament_heads(&self, ids: &[TournamentId]) -> Result<Vec<Head>, StoreError> {
        let keys = ids.iter().map(|id| key(*id, "head")).collect();
        self.batch_get(&self.tables.tournaments, keys).await?.iter().map(read_head).collect()
    }

    /// Tournaments of one partition that are due, the longest due first.
    async fn due_tournaments(
        &self,
        partition: &str,
        now: UnixMillis,
        limit: i32,
        start: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let call = self
            .client
            .query()
            .table_name(&self.tables.tournaments)
            .index_name("by_due")
            .key_condition_expression("due = :due AND due_at <= :now")
            .expression_attribute_values(":due", text(partition))
            .expression_attribute_values(":now", AttributeValue::N(now.as_millis().to_string()))
            .limit(limit)
            .set_exclusive_start_key(start);
        let page = sent(call.send()).await?;
        Ok((page.items.unwrap_or_default(), page.last_evaluated_key))
    }
}

impl Store {
    /// How strong these characters are in a queue, for seeds: ratings less what is uncertain of them, in hundredths.
    pub(crate) async fn ratings_for_seeding(
        &self,
        queue: &QueueId,
        characters: &[CharacterId],
    ) -> Result<Vec<i32>, StoreError> {
        let ratings = self.ratings(queue, characters).await?;
        Ok(ratings.iter().map(|stored| hundredths(stored.rating.ordinal())).collect())
    }
}

/// A number in whole hundredths, at most a million of them away from 0.
fn hundredths(value: f64) -> i32 {
    let text = format!("{:.0}", (value * 100.0).clamp(-1_000_000.0, 1_000_000.0));
    // What is no number stands in the middle.
    text.parse().unwrap_or(0)
}

fn corrupt(id: TournamentId, reason: impl Into<String>) -> StoreError {
    StoreError::Corrupt { pk: id.to_string(), reason: reason.into() }
}

fn version_number(version: u64) -> AttributeValue {
    number(version)
}
