//! Carries what must last from an instance to the platform: gains, each stored once, and places. It retries
//! until the platform answers. What waits is summed up by character, so it is bounded by the players.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::catalogue::{Loot, loot};
use domain::contract::hosts::{
    BatchOutcome, CharacterEvent, CharacterSave, EntryOutcome, EventBatch, SaveBatch,
};
use domain::contract::players::ItemStack;
use domain::contract::possessions::Money;
use domain::ids::{CharacterId, Epoch, InstanceId};
use domain::limits::HOST_BATCH_MAX;
use sim::outbox::Gain;
use tokio::sync::Notify;

use crate::instance::{Command, InstanceHandle};
use crate::metrics::Metrics;
use crate::platform::{Platform, PlatformError};

/// What comes waits this long for more of the same character.
const GATHER: Duration = Duration::from_millis(200);
/// Events of one request: with all loot and the largest numbers they are under 300 bytes each, far under
/// [`domain::limits::BODY_BYTES_MAX`].
const EVENTS_PER_REQUEST: usize = HOST_BATCH_MAX / 2;
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
    /// Characters in the batch that is on its way.
    sending: BTreeSet<CharacterId>,
    closed: bool,
}

impl JournalQueue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what came out of a tick.
    pub(crate) fn add(&self, gains: &[Gain], saves: impl IntoIterator<Item = CharacterSave>) {
        let mut waiting = self.lock();
        for gain in gains {
            add_gain(&mut waiting.gains, gain);
        }
        waiting.saves.extend(saves.into_iter().map(|save| (save.character, save)));
        if !(waiting.gains.is_empty() && waiting.saves.is_empty()) {
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

    /// Takes all that waits; `None` when closed and empty.
    fn take(&self) -> Option<(Vec<CharacterEvent>, Vec<CharacterSave>)> {
        let mut waiting = self.lock();
        let gains: Vec<_> = std::mem::take(&mut waiting.gains).into_values().collect();
        let saves: Vec<_> = std::mem::take(&mut waiting.saves).into_values().collect();
        let characters =
            gains.iter().map(|gain| gain.character).chain(saves.iter().map(|save| save.character));
        waiting.sending = characters.collect();
        let over = waiting.closed && waiting.sending.is_empty();
        (!over).then_some((gains, saves))
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

fn add_gain(gains: &mut BTreeMap<CharacterId, CharacterEvent>, gain: &Gain) {
    let event = gains.entry(gain.character).or_insert_with(|| empty_event(gain.character));
    event.xp += gain.xp;
    event.kills += gain.kills;
    event.deaths += gain.deaths;
    let Some((archetype, count)) = gain.items else { return };
    match loot(archetype) {
        Some(Loot::Item(item)) => match event.items.iter_mut().find(|stack| stack.item == item) {
            Some(stack) => stack.count += count,
            None => event.items.push(ItemStack { item, count }),
        },
        Some(Loot::Currency(currency)) => {
            let amount = u64::from(count);
            match event.currencies.iter_mut().find(|money| money.currency == currency) {
                Some(money) => money.amount += amount,
                None => event.currencies.push(Money { currency, amount }),
            }
        }
        None => {}
    }
}

/// The parts of an event of which nothing was stored since one of its possessions was refused: the event without
/// them under its own number, which is still free, and then each of them alone.
fn pieces(event: &CharacterEvent) -> Vec<CharacterEvent> {
    let alone = empty_event(event.character);
    let items =
        event.items.iter().map(|stack| CharacterEvent { items: vec![stack.clone()], ..alone.clone() });
    let currencies = event
        .currencies
        .iter()
        .map(|money| CharacterEvent { currencies: vec![money.clone()], ..alone.clone() });
    let possessions: Vec<_> = items.chain(currencies).collect();
    let rest = CharacterEvent { items: Vec::new(), currencies: Vec::new(), ..event.clone() };
    std::iter::once(rest).chain(possessions).collect()
}

/// Writes one instance's queue to the platform.
pub(crate) struct Journal<P> {
    pub(crate) platform: P,
    pub(crate) instance: InstanceId,
    pub(crate) epoch: Epoch,
    pub(crate) metrics: Metrics,
    pub(crate) queue: Arc<JournalQueue>,
    /// Hears of characters that another host has claimed.
    pub(crate) zone: Arc<InstanceHandle>,
}

impl<P: Platform> Journal<P> {
    /// Stores what comes until the queue is closed and all is stored, or the instance is lost to the host.
    pub(crate) async fn run(self) {
        let mut sequence = 0;
        loop {
            self.queue.news.notified().await;
            tokio::time::sleep(GATHER).await;
            let Some((mut events, saves)) = self.queue.take() else { return };
            for event in &mut events {
                sequence += 1;
                event.sequence = sequence;
            }
            let stored = self.store_all(&events, &saves, &mut sequence).await;
            self.queue.sent();
            if stored.is_err() {
                tracing::error!(instance.id = %self.instance, "the instance belongs to another host now");
                self.zone.send(Command::Fenced(None));
                return;
            }
            if self.queue.lock().closed {
                self.queue.news.notify_one();
            }
        }
    }

    async fn store_all(
        &self,
        events: &[CharacterEvent],
        saves: &[CharacterSave],
        sequence: &mut u64,
    ) -> Result<(), PlatformError> {
        for refused in self.store_events(events).await? {
            let mut parts = pieces(&refused);
            for part in parts.iter_mut().skip(1) {
                *sequence += 1;
                part.sequence = *sequence;
            }
            for lost in self.store_events(&parts).await? {
                self.metrics.error("possession_refused");
                tracing::error!(
                    instance.id = %self.instance, event = ?lost, "the platform has no place for what was found"
                );
            }
        }
        for chunk in saves.chunks(HOST_BATCH_MAX) {
            let batch = SaveBatch { epoch: self.epoch, saves: chunk.to_vec() };
            let answer = self.until_answered(|| self.platform.save(self.instance, batch.clone())).await?;
            for (save, outcome) in chunk.iter().zip(answer.into_iter().flat_map(|answer| answer.outcomes)) {
                if outcome != EntryOutcome::Stored {
                    self.zone.send(Command::Fenced(Some((save.character, save.claim))));
                }
            }
        }
        Ok(())
    }

    /// Stores events, and gives back those of which nothing was stored since a possession was refused.
    async fn store_events(&self, events: &[CharacterEvent]) -> Result<Vec<CharacterEvent>, PlatformError> {
        let mut refused = Vec::new();
        for chunk in events.chunks(EVENTS_PER_REQUEST) {
            let batch = EventBatch { epoch: self.epoch, events: chunk.to_vec() };
            let answer = self.until_answered(|| self.platform.store(self.instance, batch.clone())).await?;
            let BatchOutcome { outcomes } = answer.unwrap_or(BatchOutcome { outcomes: Vec::new() });
            let possessions = |outcome: &EntryOutcome| {
                matches!(outcome, EntryOutcome::Unknown | EntryOutcome::Full | EntryOutcome::TooMany)
            };
            let entries = chunk.iter().zip(outcomes).filter(|(_, outcome)| possessions(outcome));
            refused.extend(entries.map(|(event, _)| event.clone()));
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
            self.metrics.error(error.kind());
            match error {
                PlatformError::Fenced => return Err(error),
                PlatformError::Rejected(_) => {
                    tracing::error!(instance.id = %self.instance, %error, "a batch is refused and given up");
                    return Ok(None);
                }
                PlatformError::Retryable(_) => {
                    tracing::warn!(instance.id = %self.instance, %error, "storing is tried again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(RETRY_MOST);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loot_becomes_items_and_money_and_can_be_sent_piece_by_piece() {
        let character = CharacterId::from_u128(1);
        let mut gains = BTreeMap::new();
        for (archetype, count) in [(0, 3), (1, 1), (0, 4), (2, 2), (9, 1)] {
            let items = Some((archetype, count));
            add_gain(&mut gains, &Gain { character, xp: 1, kills: 0, deaths: 0, items });
        }
        let mut event = gains.remove(&character).expect("gains");
        event.sequence = 7;
        assert_eq!((event.xp, event.items.len(), event.currencies[0].amount), (5, 2, 7));
        let parts = pieces(&event);
        assert_eq!((parts.len(), parts[0].sequence, parts[0].xp), (4, 7, 5));
        assert!(parts[0].items.is_empty() && parts[0].currencies.is_empty());
        assert!(parts[1..].iter().all(|part| part.xp == 0));
        let items: Vec<_> = parts.iter().flat_map(|part| part.items.clone()).collect();
        let money: Vec<_> = parts.iter().flat_map(|part| part.currencies.clone()).collect();
        assert_eq!((items, money), (event.items, event.currencies));
    }
}
