//! Carries what must last from an instance to the platform: gains, each stored once, and places. It retries
//! until the platform answers. What waits is summed up by character, so it is bounded by the players.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::catalogue::{BoardDefinition, BoardOperator, BoardOrder, Loot};
use domain::contract::boards::BoardScore;
use domain::contract::hosts::{
    AssignedInstance, BatchOutcome, CharacterEvent, CharacterSave, EntryOutcome, EventBatch, SaveBatch,
};
use domain::contract::instances::{LeftBatch, LeftCharacter};
use domain::contract::players::ItemStack;
use domain::contract::possessions::Money;
use domain::ids::{CharacterId, InstanceId};
use domain::limits::{BODY_BYTES_MAX, EVENT_UNIQUE_MAX, HOST_BATCH_MAX};
use sim::outbox::{Gain, Score};
use sim::rules::realm::RealmContent;
use tokio::sync::Notify;

use crate::instance::{Command, InstanceHandle};
use crate::platform::{Platform, PlatformError};
use crate::shared::Shared;

/// What comes waits this long for more of the same character.
const GATHER: Duration = Duration::from_millis(200);
/// Events of one request, so that the platform answers in time.
const EVENTS_PER_REQUEST: usize = HOST_BATCH_MAX / 2;
/// Bytes of the events of one request; what is around them takes under 64. An event with all loot that a catalogue
/// can have is under 32 KiB.
const EVENT_BYTES_PER_REQUEST: usize = BODY_BYTES_MAX - 64;
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MOST: Duration = Duration::from_secs(2);

/// What waits to be stored.
#[derive(Default)]
pub(crate) struct JournalQueue {
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Default)]
struct Waiting {
    gains: BTreeMap<CharacterId, CharacterEvent>,
    saves: BTreeMap<CharacterId, CharacterSave>,
    /// Who is in the instance no more, by the claim, told after all that they did.
    left: BTreeMap<CharacterId, u64>,
    /// Characters in the batch that is on its way.
    sending: BTreeSet<CharacterId>,
    closed: bool,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.gains.is_empty() && self.saves.is_empty() && self.left.is_empty()
    }
}

/// What is sent at a time.
struct Batch {
    events: Vec<CharacterEvent>,
    saves: Vec<CharacterSave>,
    left: Vec<LeftCharacter>,
}

impl JournalQueue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what came out of a tick.
    pub(crate) fn add(
        &self,
        realm: &RealmContent,
        gains: &[Gain],
        saves: impl IntoIterator<Item = CharacterSave>,
        left: impl IntoIterator<Item = LeftCharacter>,
    ) {
        let mut waiting = self.lock();
        for gain in gains {
            add_gain(&mut waiting.gains, realm, gain);
        }
        waiting.saves.extend(saves.into_iter().map(|save| (save.character, save)));
        waiting.left.extend(left.into_iter().map(|left| (left.character, left.claim)));
        if !waiting.is_empty() {
            self.news.notify_one();
        }
    }

    /// No more will come.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.news.notify_one();
    }

    /// Whether nothing of this character is still on its way.
    pub(crate) fn is_settled(&self, character: CharacterId) -> bool {
        let waiting = self.lock();
        !(waiting.gains.contains_key(&character)
            || waiting.saves.contains_key(&character)
            || waiting.sending.contains(&character))
    }

    /// Whether nothing at all is on its way.
    pub(crate) fn is_idle(&self) -> bool {
        let waiting = self.lock();
        waiting.is_empty() && waiting.sending.is_empty()
    }

    /// Takes all that waits; `None` when closed and empty.
    fn take(&self) -> Option<Batch> {
        let mut waiting = self.lock();
        let gains: Vec<_> = std::mem::take(&mut waiting.gains).into_values().collect();
        let saves: Vec<_> = std::mem::take(&mut waiting.saves).into_values().collect();
        let left = std::mem::take(&mut waiting.left).into_iter();
        let left: Vec<_> = left.map(|(character, claim)| LeftCharacter { character, claim }).collect();
        let characters =
            gains.iter().map(|gain| gain.character).chain(saves.iter().map(|save| save.character));
        waiting.sending = characters.chain(left.iter().map(|left| left.character)).collect();
        let over = waiting.closed && waiting.sending.is_empty();
        (!over).then_some(Batch { events: gains, saves, left })
    }

    fn sent(&self) {
        self.lock().sending.clear();
    }
}

/// An event in which nothing happened.
const fn empty_event(character: CharacterId) -> CharacterEvent {
    CharacterEvent {
        sequence: 0,
        character,
        xp: 0,
        kills: 0,
        deaths: 0,
        items: Vec::new(),
        currencies: Vec::new(),
        scores: Vec::new(),
    }
}

fn add_gain(gains: &mut BTreeMap<CharacterId, CharacterEvent>, realm: &RealmContent, gain: &Gain) {
    let event = gains.entry(gain.character).or_insert_with(|| empty_event(gain.character));
    event.xp += gain.xp;
    event.kills += gain.kills;
    event.deaths += gain.deaths;
    if let Some(Score { board, score, subscore }) = gain.score
        && let Some(definition) = realm.board(board)
    {
        let board = definition.board.clone();
        add_score(&mut event.scores, definition, BoardScore { board, score, subscore });
    }
    let Some((number, count)) = gain.items else { return };
    match realm.loot(number) {
        Some(Loot::Item(item)) => match event.items.iter_mut().find(|stack| stack.item == *item) {
            Some(stack) => stack.count += count,
            None => event.items.push(ItemStack { item: item.clone(), count }),
        },
        Some(Loot::Currency(currency)) => {
            let amount = u64::from(count);
            match event.currencies.iter_mut().find(|money| money.currency == *currency) {
                Some(money) => money.amount += amount,
                None => event.currencies.push(Money { currency: currency.clone(), amount }),
            }
        }
        None => {}
    }
}

/// Adds a score to those of an event, of which the rules know at most as many boards as it holds. Two for one board
/// become one that does to the board what both would do.
fn add_score(scores: &mut Vec<BoardScore>, definition: &BoardDefinition, new: BoardScore) {
    let Some(old) = scores.iter_mut().find(|score| score.board == new.board) else {
        scores.push(new);
        return;
    };
    let (now, before) = ((new.score, new.subscore), (old.score, old.subscore));
    (old.score, old.subscore) = match definition.operator {
        BoardOperator::Last => now,
        BoardOperator::Best if definition.order == BoardOrder::Ascending => now.min(before),
        BoardOperator::Best => now.max(before),
        // Both are added up, or taken away one after the other.
        BoardOperator::Sum | BoardOperator::Decrement => {
            (now.0.saturating_add(before.0), now.1.saturating_add(before.1))
        }
    };
}

/// The parts of an event of which nothing was stored since one of its possessions or scores was refused: the event without
/// them under its own number, which is still free, and then each of them alone. Of one that is alone already and too
/// many, parts that are not; otherwise there is nothing left to try.
fn pieces(event: &CharacterEvent, outcome: EntryOutcome) -> Vec<CharacterEvent> {
    let alone = empty_event(event.character);
    let CharacterEvent { sequence, items, currencies, scores, .. } = event;
    let (sequence, items, currencies, scores) =
        (*sequence, items.clone(), currencies.clone(), scores.clone());
    if items.len() + currencies.len() + scores.len() == 1
        && *event == (CharacterEvent { sequence, items, currencies, scores, ..alone.clone() })
    {
        return match event.items.as_slice() {
            [stack] if outcome == EntryOutcome::TooMany => parts_of(stack)
                .map(|part| CharacterEvent { sequence, items: vec![part], ..alone.clone() })
                .collect(),
            _ => Vec::new(),
        };
    }
    let items =
        event.items.iter().map(|stack| CharacterEvent { items: vec![stack.clone()], ..alone.clone() });
    let currencies = event
        .currencies
        .iter()
        .map(|money| CharacterEvent { currencies: vec![money.clone()], ..alone.clone() });
    let scores =
        event.scores.iter().map(|score| CharacterEvent { scores: vec![score.clone()], ..alone.clone() });
    let single: Vec<_> = items.chain(currencies).chain(scores).collect();
    let (items, currencies, scores) = Default::default();
    let rest = CharacterEvent { items, currencies, scores, ..event.clone() };
    std::iter::once(rest).chain(single).collect()
}

/// The stack in parts of as many as unique items can be stored at once; none if it is not more.
fn parts_of(stack: &ItemStack) -> impl Iterator<Item = ItemStack> {
    let of = |count| ItemStack { item: stack.item.clone(), count };
    let parts = if stack.count > EVENT_UNIQUE_MAX { stack.count.div_ceil(EVENT_UNIQUE_MAX) } else { 0 };
    (0..parts).map(move |part| of(EVENT_UNIQUE_MAX.min(stack.count - part * EVENT_UNIQUE_MAX)))
}

/// Parts events into requests that the platform takes.
fn requests(events: &[CharacterEvent]) -> Vec<&[CharacterEvent]> {
    let mut requests = Vec::new();
    let (mut first, mut bytes) = (0, 0);
    for (index, event) in events.iter().enumerate() {
        let size = serde_json::to_string(event).expect("an event is plain data").len() + ",".len();
        let full = bytes + size > EVENT_BYTES_PER_REQUEST || index - first == EVENTS_PER_REQUEST;
        if index > first && full {
            requests.push(&events[first..index]);
            (first, bytes) = (index, 0);
        }
        bytes += size;
    }
    requests.extend(events.get(first..).filter(|rest| !rest.is_empty()));
    requests
}

/// Writes one instance's queue to the platform. The instance hears of characters that another host has claimed.
pub(crate) struct Journal<P> {
    pub(crate) shared: Arc<Shared<P>>,
    pub(crate) handle: Arc<InstanceHandle>,
}

impl<P: Platform> Journal<P> {
    /// Stores what comes until the queue is closed and all is stored, or the instance is lost to the host.
    pub(crate) async fn run(self) -> Result<(), PlatformError> {
        let queue = &self.handle.journal;
        let mut sequence = 0;
        loop {
            queue.news.notified().await;
            tokio::time::sleep(GATHER).await;
            let Some(mut batch) = queue.take() else { return Ok(()) };
            for event in &mut batch.events {
                sequence += 1;
                event.sequence = sequence;
            }
            let stored = self.store_all(&batch, &mut sequence).await;
            queue.sent();
            if let Err(error) = stored {
                tracing::error!(instance.id = %self.instance(), "the instance belongs to another host now");
                self.handle.send(Command::Fenced(None));
                return Err(error);
            }
            if queue.lock().closed {
                queue.news.notify_one();
            }
        }
    }

    fn instance(&self) -> InstanceId {
        self.handle.assigned.instance
    }

    async fn store_all(&self, batch: &Batch, sequence: &mut u64) -> Result<(), PlatformError> {
        let AssignedInstance { instance, epoch, .. } = self.handle.assigned;
        let platform = &self.shared.platform;
        let mut refused = self.store_events(&batch.events).await?;
        while !refused.is_empty() {
            let mut parts = Vec::new();
            for (event, outcome) in refused {
                let mut pieces = pieces(&event, outcome);
                if pieces.is_empty() {
                    let kind = if event.scores.is_empty() { "possession_refused" } else { "score_refused" };
                    self.shared.metrics.error(kind);
                    tracing::error!(
                        instance.id = %instance, kind, ?event, ?outcome, "the platform has no place for this"
                    );
                }
                for piece in pieces.iter_mut().skip(1) {
                    *sequence += 1;
                    piece.sequence = *sequence;
                }
                parts.append(&mut pieces);
            }
            refused = self.store_events(&parts).await?;
        }
        for chunk in batch.saves.chunks(HOST_BATCH_MAX) {
            let batch = SaveBatch { epoch, saves: chunk.to_vec() };
            let answer = self.until_answered(|| platform.save(instance, batch.clone())).await?;
            for (save, outcome) in chunk.iter().zip(answer.into_iter().flat_map(|answer| answer.outcomes)) {
                if outcome != EntryOutcome::Stored {
                    self.handle.send(Command::Fenced(Some((save.character, save.claim))));
                }
            }
        }
        for chunk in batch.left.chunks(HOST_BATCH_MAX) {
            let batch = LeftBatch { epoch, characters: chunk.to_vec() };
            // Who has gone in elsewhere meanwhile is there, and this says nothing against it.
            self.until_answered(|| platform.left(instance, batch.clone())).await?;
        }
        Ok(())
    }

    /// Stores events, and gives back those of which nothing was stored since a possession or a score was refused.
    async fn store_events(
        &self,
        events: &[CharacterEvent],
    ) -> Result<Vec<(CharacterEvent, EntryOutcome)>, PlatformError> {
        let AssignedInstance { instance, epoch, .. } = self.handle.assigned;
        let platform = &self.shared.platform;
        let mut refused = Vec::new();
        for chunk in requests(events) {
            let batch = EventBatch { epoch, events: chunk.to_vec() };
            let answer = self.until_answered(|| platform.store(instance, batch.clone())).await?;
            let BatchOutcome { outcomes } = answer.unwrap_or(BatchOutcome { outcomes: Vec::new() });
            let possessions = |outcome: &EntryOutcome| {
                matches!(outcome, EntryOutcome::Unknown | EntryOutcome::Full | EntryOutcome::TooMany)
            };
            let entries = chunk.iter().zip(outcomes).filter(|(_, outcome)| possessions(outcome));
            refused.extend(entries.map(|(event, outcome)| (event.clone(), outcome)));
        }
        Ok(refused)
    }

    /// Asks until the platform does it or refuses. `None` for a request that it will never take.
    async fn until_answered<T, F>(&self, mut request: impl FnMut() -> F) -> Result<Option<T>, PlatformError>
    where
        F: Future<Output = Result<T, PlatformError>>,
    {
        let mut pause = RETRY_FIRST;
        loop {
            let error = match request().await {
                Ok(answer) => return Ok(Some(answer)),
                Err(error) => error,
            };
            self.shared.metrics.error(error.kind());
            match error {
                PlatformError::Fenced => return Err(error),
                PlatformError::Rejected(_) => {
                    tracing::error!(instance.id = %self.instance(), %error, "a batch is refused and given up");
                    return Ok(None);
                }
                PlatformError::Retryable(_) => {
                    tracing::warn!(instance.id = %self.instance(), %error, "storing is tried again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(RETRY_MOST);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::catalogue::Catalogue;

    use super::*;

    #[test]
    fn scores_for_one_board_become_one() {
        let definition =
            |operator, order| BoardDefinition { operator, order, ..Catalogue::builtin().boards[0].clone() };
        let score = |score, subscore| BoardScore { board: "kills".parse().expect("a name"), score, subscore };
        for (operator, order, expected) in [
            (BoardOperator::Best, BoardOrder::Descending, (7, 2)),
            (BoardOperator::Best, BoardOrder::Ascending, (5, 9)),
            (BoardOperator::Last, BoardOrder::Descending, (7, 1)),
            (BoardOperator::Sum, BoardOrder::Descending, (19, 12)),
            (BoardOperator::Decrement, BoardOrder::Descending, (19, 12)),
        ] {
            let mut scores = Vec::new();
            for new in [score(5, 9), score(7, 2), score(7, 1)] {
                add_score(&mut scores, &definition(operator, order), new);
            }
            let sums: Vec<_> = scores.iter().map(|score| (score.score, score.subscore)).collect();
            assert_eq!(sums, [expected], "{operator:?} {order:?}");
        }
    }

    #[test]
    fn loot_becomes_items_and_money_and_can_be_sent_piece_by_piece() {
        let catalogue = Catalogue::builtin();
        let realm = RealmContent::compile(&catalogue, &catalogue.zones()[0]);
        let character = CharacterId::from_u128(1);
        let mut gains = BTreeMap::new();
        for (archetype, count) in [(0, 3), (1, 1), (0, 4), (2, 2), (9, 1)] {
            let items = Some((archetype, count));
            add_gain(&mut gains, &realm, &Gain { xp: 1, items, ..Gain::of(character) });
        }
        for (board, score) in [(0, 30), (0, 50), (0, 40), (9, 1)] {
            let score = Some(Score { board, score, subscore: 0 });
            add_gain(&mut gains, &realm, &Gain { score, ..Gain::of(character) });
        }
        let mut event = gains.remove(&character).expect("gains");
        event.sequence = 7;
        assert_eq!((event.xp, event.items.len(), event.currencies[0].amount), (5, 2, 7));
        let parts = pieces(&event, EntryOutcome::Full);
        assert_eq!((parts.len(), parts[0].sequence, parts[0].xp), (5, 7, 5));
        assert!(parts[0].items.is_empty() && parts[0].currencies.is_empty() && parts[0].scores.is_empty());
        let scores: Vec<_> =
            parts[4].scores.iter().map(|score| (score.board.as_str(), score.score)).collect();
        assert_eq!(scores, [("best-life", 50)], "the best of the lives that ended at about one time");
        assert!(parts[1..].iter().all(|part| part.xp == 0));
        let items: Vec<_> = parts.iter().flat_map(|part| part.items.clone()).collect();
        let money: Vec<_> = parts.iter().flat_map(|part| part.currencies.clone()).collect();
        assert_eq!((items, money), (event.items, event.currencies));
        for outcome in [EntryOutcome::Full, EntryOutcome::Unknown, EntryOutcome::TooMany] {
            assert!(parts[1..].iter().all(|part| pieces(part, outcome).is_empty()), "nothing is left to try");
        }
    }

    #[test]
    fn many_unique_items_are_sent_in_as_many_as_are_taken_at_once() {
        let character = CharacterId::from_u128(1);
        let swords = |count| vec![ItemStack { item: "sword".parse().expect("a kind"), count }];
        let event = |xp, count| CharacterEvent { xp, items: swords(count), ..empty_event(character) };
        let counts = |event: &CharacterEvent, outcome| {
            let pieces = pieces(event, outcome);
            pieces.iter().map(|piece| piece.items.first().map_or(0, |stack| stack.count)).collect::<Vec<_>>()
        };
        assert_eq!(counts(&event(5, 70), EntryOutcome::TooMany), [0, 70]);
        assert_eq!(counts(&event(0, 70), EntryOutcome::TooMany), [32, 32, 6]);
        assert_eq!(counts(&event(0, 33), EntryOutcome::TooMany), [32, 1]);
        assert_eq!(counts(&event(0, 64), EntryOutcome::TooMany), [32, 32]);
        assert_eq!(counts(&event(0, 70), EntryOutcome::Full), [0; 0], "a bag is full of fewer too");
    }

    #[test]
    fn requests_are_small_enough_for_the_platform_and_hold_all_events_in_order() {
        let big = |sequence| {
            let kind = |n: u32| format!("{}{n:04}", "a".repeat(28)).parse().expect("a kind");
            let items = (0..256).map(|n| ItemStack { item: kind(n), count: u32::MAX }).collect();
            CharacterEvent { sequence, items, ..empty_event(CharacterId::from_u128(sequence.into())) }
        };
        let small = |sequence| CharacterEvent { sequence, ..empty_event(CharacterId::from_u128(1)) };
        let events: Vec<_> = (0..8).map(big).chain((8..400).map(small)).collect();
        let requests = requests(&events);
        assert_eq!(requests.concat(), events);
        for events in requests {
            let batch = EventBatch { epoch: domain::ids::Epoch(u64::MAX), events: events.to_vec() };
            let bytes = serde_json::to_string(&batch).expect("plain data").len();
            assert!(bytes <= BODY_BYTES_MAX && events.len() <= EVENTS_PER_REQUEST, "{bytes}");
        }
        assert!(super::requests(&[]).is_empty());
    }
}
