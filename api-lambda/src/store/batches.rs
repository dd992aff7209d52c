//! Batches of zone hosts. Entries about different characters share a transaction with one check of the
//! instance's epoch: separate transactions would contend for that check. Where a condition of an entry does not
//! hold, its outcome is known, and the others are tried again without it.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use domain::catalogue::PossessionRules;
use domain::contract::hosts::{CharacterEvent, CharacterSave, EntryOutcome, EventBatch, SaveBatch};
use domain::ids::{CharacterId, Epoch, InstanceId};
use domain::time::UnixMillis;

use crate::store::boards::{EventBoards, Submission};
use crate::store::characters::form::{place_value, read_living};
use crate::store::item::{number, text};
use crate::store::possessions::gains::{CREDIT_PARTS, Credit, Source};
use crate::store::transact::Part;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, boards, transact};

/// Most parts of a transaction: DynamoDB's limit is 100.
pub(crate) const TRANSACTION_PARTS_MAX: usize = 100;

/// Parts of a transaction that a score takes at least: its entry, its old and its new place, and a count.
const SCORE_PARTS: usize = 4;

/// The host does not own the instance (any more).
#[derive(Debug)]
pub(crate) struct Fenced;

/// The writes of one entry.
pub(super) struct Entry {
    pub(super) index: usize,
    pub(super) character: CharacterId,
    pub(super) parts: Vec<TransactWriteItem>,
    /// Which of the parts are stacks that grow, and which are unique items that come into being.
    stacks: Range<usize>,
    items: Range<usize>,
    /// Money: its parts come after the others, from wallets read just before.
    credits: Vec<Credit>,
    scores: Vec<Submission>,
    /// Known before the store is asked, unless the entry was stored before.
    verdict: Option<EntryOutcome>,
}

impl Entry {
    pub(super) const fn new(index: usize, character: CharacterId, parts: Vec<TransactWriteItem>) -> Self {
        Self {
            index,
            character,
            parts,
            stacks: 0..0,
            items: 0..0,
            credits: Vec::new(),
            scores: Vec::new(),
            verdict: None,
        }
    }

    /// Parts of a transaction, about: scores share the counts of their boards, so how many parts they need is known
    /// only when their entries are read.
    fn weight(&self) -> usize {
        self.parts.len() + self.credits.len() * CREDIT_PARTS + self.scores.len() * SCORE_PARTS
    }
}

impl Store {
    /// Applies each event once for its (instance, epoch, sequence), with the scores that it brings, on the boards
    /// given.
    pub(crate) async fn apply_events(
        &self,
        rules: &PossessionRules,
        instance: InstanceId,
        batch: &EventBatch,
        boards: &EventBoards,
        now: UnixMillis,
    ) -> Result<Result<Vec<EntryOutcome>, Fenced>, StoreError> {
        let entries = batch.events.iter().enumerate().map(|(index, event)| {
            let source = Source { instance, epoch: batch.epoch, sequence: event.sequence };
            let entry = self.event_entry(index, rules, source, event, now);
            match boards.scores_of(event) {
                Some(scores) => Entry { scores, ..entry },
                None if entry.verdict.is_some() => entry,
                None => self.refused_entry(entry, EntryOutcome::Unknown),
            }
        });
        let refused = |entry: &Entry, parts: &[Part]| {
            let among = |range: &Range<usize>| {
                parts.get(range.clone()).is_some_and(|parts| parts.iter().any(Part::is_refused))
            };
            Ok(match parts {
                [once, ..] if once.is_refused() => Some(EntryOutcome::Stored),
                [_, character, ..] if character.is_refused() => Some(EntryOutcome::Gone),
                // Only this very event makes these items, so long ago that it is not remembered.
                _ if among(&entry.items) => Some(EntryOutcome::Stored),
                _ if among(&entry.stacks) => Some(EntryOutcome::Full),
                _ => entry.verdict,
            })
        };
        self.apply_batch(instance, batch.epoch, entries.collect(), now, refused).await
    }

    /// Stores where characters are, for those whose newest claim is the host's.
    pub(crate) async fn apply_saves(
        &self,
        instance: InstanceId,
        batch: &SaveBatch,
        now: UnixMillis,
    ) -> Result<Result<Vec<EntryOutcome>, Fenced>, StoreError> {
        let entries = batch
            .saves
            .iter()
            .enumerate()
            .map(|(index, save)| Entry::new(index, save.character, vec![self.save_part(save, now)]));
        let refused = |_: &Entry, parts: &[Part]| match parts {
            [Part::Refused(Some(item))] if read_living(item)?.is_some() => Ok(Some(EntryOutcome::Fenced)),
            [Part::Refused(_)] => Ok(Some(EntryOutcome::Gone)),
            _ => Ok(None),
        };
        self.apply_batch(instance, batch.epoch, entries.collect(), now, refused).await
    }

    /// Writes the entries; `refused` says what became of one of which a condition did not hold, `None` if it is to be
    /// tried again.
    pub(super) async fn apply_batch(
        &self,
        instance: InstanceId,
        epoch: Epoch,
        entries: Vec<Entry>,
        now: UnixMillis,
        refused: impl Fn(&Entry, &[Part]) -> Result<Option<EntryOutcome>, StoreError>,
    ) -> Result<Result<Vec<EntryOutcome>, Fenced>, StoreError> {
        let mut outcomes = vec![EntryOutcome::Stored; entries.len()];
        let mut groups = VecDeque::from(in_groups(entries, |entry| (entry.character, entry.weight())));
        while let Some(mut group) = groups.pop_front() {
            let mut attempt = 0;
            while !group.is_empty() {
                let parts_of = self.parts_of(&mut group, now).await?;
                let scores: Vec<_> = group.iter().flat_map(|entry| &entry.scores).collect();
                let planned = self.plan_scores(&scores, now, boards::writer_of(instance)).await?;
                let parts: Vec<_> = std::iter::once(self.fence_part(instance, epoch))
                    .chain(parts_of.iter().flatten().cloned())
                    .chain(planned.parts)
                    .collect();
                if parts.len() > TRANSACTION_PARTS_MAX {
                    match split(&mut group) {
                        // The second half comes next, so that the entries of a character keep their order.
                        Some(half) => groups.push_front(half),
                        None => {
                            for entry in group.drain(..) {
                                outcomes[entry.index] = EntryOutcome::TooMany;
                            }
                        }
                    }
                    continue;
                }
                let Err(parts) = self.transact(parts).await? else { break };
                let Some((fence, mut rest)) = parts.split_first() else { break };
                if fence.is_refused() {
                    return Ok(Err(Fenced));
                }
                let before = group.len();
                let mut left = Vec::new();
                for (entry, parts) in group.into_iter().zip(&parts_of) {
                    let (own, others) = rest.split_at(parts.len().min(rest.len()));
                    rest = others;
                    match refused(&entry, own)? {
                        Some(outcome) => outcomes[entry.index] = outcome,
                        None => left.push(entry),
                    }
                }
                // What is left of the parts are those of the scores. Where nothing else was refused for good, somebody
                // was faster at a score or a wallet.
                if left.len() == before || rest.iter().any(Part::is_refused) {
                    attempt += 1;
                    if attempt == ATTEMPTS_MAX {
                        return Err(StoreError::Contended("a batch"));
                    }
                    back_off(attempt).await;
                }
                group = left;
            }
        }
        Ok(Ok(outcomes))
    }

    /// All parts of each entry. Wallets are read for this try; where one has no room, the verdict says so.
    async fn parts_of(
        &self,
        group: &mut [Entry],
        now: UnixMillis,
    ) -> Result<Vec<Vec<TransactWriteItem>>, StoreError> {
        let credits: Vec<_> = group
            .iter()
            .flat_map(|entry| entry.credits.iter().map(|credit| (entry.character, credit)))
            .collect();
        let mut made = self.credit_parts(&credits, now).await?.into_iter();
        let mut parts_of = Vec::with_capacity(group.len());
        for entry in group {
            let mut parts = entry.parts.clone();
            let mut full = false;
            for credit in made.by_ref().take(entry.credits.len()) {
                match credit {
                    Ok(credit) => parts.extend(credit),
                    Err(_) if full => {}
                    Err(impossible) => {
                        full = true;
                        parts.push(impossible);
                    }
                }
            }
            if !entry.credits.is_empty() {
                entry.verdict = full.then_some(EntryOutcome::Full);
            }
            parts_of.push(parts);
        }
        Ok(parts_of)
    }

    /// The item that remembers the event first, then the character, then what it gained.
    fn event_entry(
        &self,
        index: usize,
        rules: &PossessionRules,
        source: Source,
        event: &CharacterEvent,
        now: UnixMillis,
    ) -> Entry {
        let character = Update::builder()
            .table_name(&self.tables.players)
            .key("pk", text(event.character))
            .update_expression(
                "SET updated_at = :now ADD xp :xp, kills :kills, deaths :deaths, #version :one",
            )
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(deleted_at)")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":now", number(now.as_millis()))
            .expression_attribute_values(":xp", number(event.xp))
            .expression_attribute_values(":kills", number(event.kills))
            .expression_attribute_values(":deaths", number(event.deaths));
        let mut parts = vec![self.once_part(source, now), transact::update(character)];
        let gains = match self.gains(rules, source, event, now) {
            Ok(gains) => gains,
            Err(verdict) => {
                return self.refused_entry(Entry::new(index, event.character, parts), verdict);
            }
        };
        let stacks = parts.len()..parts.len() + gains.stacks.len();
        let items = stacks.end..stacks.end + gains.items.len();
        parts.extend(gains.stacks);
        parts.extend(gains.items);
        Entry { stacks, items, credits: gains.credits, ..Entry::new(index, event.character, parts) }
    }

    /// An entry of which nothing is stored, unless it was stored before or its character is gone.
    fn refused_entry(&self, entry: Entry, verdict: EntryOutcome) -> Entry {
        let Entry { index, character, mut parts, .. } = entry;
        parts.truncate(2);
        parts.push(self.impossible_part(character));
        Entry { verdict: Some(verdict), ..Entry::new(index, character, parts) }
    }

    fn save_part(&self, save: &CharacterSave, now: UnixMillis) -> TransactWriteItem {
        transact::update(
            Update::builder()
                .table_name(&self.tables.players)
                .key("pk", text(save.character))
                .update_expression("SET place = :place, updated_at = :now ADD #version :one")
                .condition_expression("attribute_not_exists(deleted_at) AND claim = :claim")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":place", place_value(&save.place))
                .expression_attribute_values(":claim", number(save.claim))
                .expression_attribute_values(":one", number(1))
                .expression_attribute_values(":now", number(now.as_millis())),
        )
    }
}

/// Puts entries into groups for one transaction each: no character twice, at most 99 parts beside the fence, and the
/// entries of one character in their order. `about` is the character of an entry, and how many parts it has.
pub(super) fn in_groups<E>(
    entries: impl IntoIterator<Item = E>,
    about: impl Fn(&E) -> (CharacterId, usize),
) -> Vec<Vec<E>> {
    let mut groups: Vec<(usize, Vec<E>)> = Vec::new();
    let mut group_after: HashMap<CharacterId, usize> = HashMap::new();
    for entry in entries {
        let (character, weight) = about(&entry);
        let first = group_after.get(&character).copied().unwrap_or(0);
        let fits = |parts: usize| parts + weight < TRANSACTION_PARTS_MAX;
        let index = (first..groups.len()).find(|index| fits(groups[*index].0)).unwrap_or(groups.len());
        if index == groups.len() {
            groups.push((0, Vec::new()));
        }
        group_after.insert(character, index + 1);
        groups[index].0 += weight;
        groups[index].1.push(entry);
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// Parts a group whose scores need more than was thought: its second half is returned. A single entry loses its last
/// score instead; `None` if it has none to lose.
fn split(group: &mut Vec<Entry>) -> Option<Vec<Entry>> {
    if group.len() > 1 {
        return Some(group.split_off(group.len() / 2));
    }
    let lost = group.first_mut()?.scores.pop()?;
    boards::log_lost(&lost, "its scores are so far out of range that no transaction holds them");
    Some(Vec::new())
}
