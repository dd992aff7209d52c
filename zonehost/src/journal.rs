//! Carries what must last from an instance to the platform: gains, each stored once, and places. It retries
//! until the platform answers. What waits is summed up by character, so it is bounded by the players.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::catalogue::LOOT_ITEMS;
use domain::contract::hosts::{CharacterEvent, CharacterSave, EntryOutcome, EventBatch, SaveBatch};
use domain::contract::players::ItemStack;
use domain::ids::{CharacterId, Epoch, InstanceId};
use domain::limits::HOST_BATCH_MAX;
use sim::outbox::Gain;
use tokio::sync::Notify;

use crate::instance::{Command, InstanceHandle};
use crate::metrics::Metrics;
use crate::platform::{Platform, PlatformError};

/// What comes waits this long for more of the same character.
const GATHER: Duration = Duration::from_millis(200);
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

fn add_gain(gains: &mut BTreeMap<CharacterId, CharacterEvent>, gain: &Gain) {
    let event = gains.entry(gain.character).or_insert_with(|| CharacterEvent {
        sequence: 0,
        character: gain.character,
        xp: 0,
        kills: 0,
        deaths: 0,
        items: Vec::new(),
        scores: Vec::new(),
    });
    event.xp += gain.xp;
    event.kills += gain.kills;
    event.deaths += gain.deaths;
    let Some((archetype, count)) = gain.items else { return };
    let Some(name) = LOOT_ITEMS.get(usize::from(archetype)) else { return };
    match event.items.iter_mut().find(|stack| stack.item == *name) {
        Some(stack) => stack.count += count,
        None => event.items.push(ItemStack { item: (*name).to_owned(), count }),
    }
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
            let stored = self.store_all(&events, &saves).await;
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
    ) -> Result<(), PlatformError> {
        for chunk in events.chunks(HOST_BATCH_MAX) {
            let batch = EventBatch { epoch: self.epoch, events: chunk.to_vec() };
            self.until_answered(|| self.platform.store(self.instance, batch.clone())).await?;
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
