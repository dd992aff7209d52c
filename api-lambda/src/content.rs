//! The content in force, as this process knows it. It is read again on the way of requests, at most every 2 s, and
//! beside them: a request waits for it only where what is known is too old to be used, and never for long. Where the
//! store is slow, or holds what this program cannot read, what was known stays.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::extract::{FromRef, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::catalogue::{Catalogue, FlagSwitch};
use domain::contract::content::{ContentPointer, PlayerContent};
use domain::ids::FlagId;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use crate::state::{AppState, Region};
use crate::store::boards::EventBoards;
use crate::store::content::InForce;
use crate::store::{Store, StoreError};

/// What is older is read again, beside the requests.
const FRESH: Duration = Duration::from_secs(2);
/// What is older is not used if the store answers soon: a switch is in force everywhere within 5 s.
const USABLE: Duration = Duration::from_secs(4);
/// For so long a request waits then.
const LATE_WAIT: Duration = Duration::from_millis(300);
/// For so long the first requests of a process wait.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// Between two tries.
const RETRY: Duration = Duration::from_secs(1);

/// A version of the catalogue in memory.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) number: u64,
    pub(crate) catalogue: Arc<Catalogue>,
    public: OnceLock<PublicText>,
    boards: OnceLock<EventBoards>,
}

/// What players are sent of a version.
#[derive(Debug)]
pub(crate) struct PublicText {
    pub(crate) etag: String,
    pub(crate) text: String,
}

impl Version {
    fn new(number: u64, catalogue: Catalogue) -> Self {
        Self { number, catalogue: Arc::new(catalogue), public: OnceLock::new(), boards: OnceLock::new() }
    }

    /// Its boards for the events of hosts, as the region sees them: made once, since hosts send events all the time and
    /// a process serves one region.
    pub(crate) fn event_boards(&self, region: &str) -> &EventBoards {
        self.boards.get_or_init(|| EventBoards::of(&self.catalogue, region))
    }

    /// What players may know of it; written once.
    pub(crate) fn public(&self) -> &PublicText {
        self.public.get_or_init(|| {
            let content = PlayerContent::of(self.number, &self.catalogue);
            let text = serde_json::to_string(&content).expect("content is plain data");
            let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(&text));
            PublicText { etag: format!("\"{digest}\""), text }
        })
    }
}

/// The content in force.
#[derive(Debug, Clone)]
pub(crate) struct Current {
    pub(crate) pointer: ContentPointer,
    pub(crate) active: Arc<Version>,
    /// What a share of all has instead.
    pub(crate) trial: Option<Arc<Version>>,
    pub(crate) switches: BTreeMap<FlagId, FlagSwitch>,
}

impl Current {
    /// The version for an instance or an account.
    pub(crate) fn version_for(&self, id: u128) -> &Arc<Version> {
        let number = self.pointer.plan().version_for(id);
        self.trial.as_ref().filter(|trial| trial.number == number).unwrap_or(&self.active)
    }

    /// The version of this number, if it is in force for anyone.
    pub(crate) fn version(&self, number: u64) -> Option<&Arc<Version>> {
        [Some(&self.active), self.trial.as_ref()].into_iter().flatten().find(|one| one.number == number)
    }
}

/// The content of a region.
#[derive(Debug)]
pub(crate) struct Content {
    /// What the program came with.
    base: Arc<Version>,
    current: RwLock<Arc<Current>>,
    reading: Mutex<Reading>,
    /// One reads at a time, so that what was read later is not replaced by what was read before.
    gate: tokio::sync::Mutex<()>,
    done: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Reading {
    running: bool,
    read_at: Option<Instant>,
    tried_at: Option<Instant>,
    /// The last version that could not be read, so that it is told once.
    unreadable: Option<u64>,
}

impl Reading {
    /// Whether to read now, and until when the request waits for what is being read.
    fn plan(&self, now: Instant) -> (bool, Option<Instant>) {
        let age = self.read_at.map(|at| now.duration_since(at));
        let tried = self.tried_at.is_some_and(|at| now.duration_since(at) < RETRY);
        let starts = !self.running && !tried && age.is_none_or(|age| age >= FRESH);
        let wait = match age {
            None => FIRST_WAIT,
            Some(age) if age >= USABLE => LATE_WAIT,
            Some(_) => return (starts, None),
        };
        let began = if starts { Some(now) } else { self.tried_at.filter(|_| self.running) };
        (starts, began.map(|began| began + wait).filter(|until| *until > now))
    }
}

impl Content {
    pub(crate) fn new(base: Catalogue) -> Self {
        let base = Arc::new(Version::new(0, base));
        let current = Current {
            pointer: ContentPointer::default(),
            active: Arc::clone(&base),
            trial: None,
            switches: BTreeMap::new(),
        };
        Self {
            base,
            current: RwLock::new(Arc::new(current)),
            reading: Mutex::default(),
            gate: tokio::sync::Mutex::default(),
            done: watch::Sender::new(()),
        }
    }

    /// What is in force, all of one moment.
    pub(crate) fn current(&self) -> Arc<Current> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The version of this number, if this process has it.
    pub(crate) fn known(&self, number: u64) -> Option<Arc<Version>> {
        if number == 0 {
            return Some(Arc::clone(&self.base));
        }
        self.current().version(number).cloned()
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A text that is no catalogue of a form that this program knows.
#[derive(Debug, thiserror::Error)]
#[error("the version {number} of the content cannot be read: {reason}")]
pub(crate) struct Unreadable {
    number: u64,
    reason: String,
}

/// Reads the content of a region.
#[derive(Clone)]
pub(crate) struct Reader {
    pub(crate) region: Arc<Region>,
    pub(crate) store: Store,
}

impl FromRef<AppState> for Reader {
    fn from_ref(state: &AppState) -> Self {
        Self { region: Arc::clone(&state.region), store: state.store.clone() }
    }
}

/// The layer around all routes that are about a region.
pub(crate) async fn keep_current(State(reader): State<Reader>, request: Request, next: Next) -> Response {
    if ["/v1/", "/internal/", "/admin/"].iter().any(|start| request.uri().path().starts_with(start)) {
        reader.keep_current().await;
    }
    next.run(request).await
}

impl Reader {
    async fn keep_current(&self) {
        let content = &self.region.content;
        let mut done = content.done.subscribe();
        let (starts, until) = {
            let mut reading = content.reading();
            let now = Instant::now();
            let plan = reading.plan(now);
            if plan.0 {
                reading.running = true;
                reading.tried_at = Some(now);
            }
            plan
        };
        if starts {
            let reader = self.clone();
            tokio::spawn(async move { reader.read().await });
        }
        if let Some(until) = until {
            // An error means that what is known has to do.
            let _ = tokio::time::timeout_at(until.into(), done.changed()).await;
        }
    }

    /// Reads what is in force now; what is known stays where that fails.
    pub(crate) async fn read(&self) {
        let content = &self.region.content;
        let _end = End(content);
        let _turn = content.gate.lock().await;
        match self.store.content_in_force(&self.region.name).await {
            Ok(in_force) => match self.take(in_force).await {
                Ok(()) => content.reading().read_at = Some(Instant::now()),
                Err(error) => tracing::warn!(kind = error.kind(), %error, "the content stays as it was"),
            },
            Err(error @ StoreError::Corrupt { .. }) => {
                tracing::error!(kind = error.kind(), %error, "the content stays as it was");
                content.reading().read_at = Some(Instant::now());
            }
            Err(error) => tracing::warn!(kind = error.kind(), %error, "the content stays as it was"),
        }
    }

    async fn take(&self, in_force: InForce) -> Result<(), StoreError> {
        let content = &self.region.content;
        let InForce { pointer, switches } = in_force;
        let before = content.current();
        let mut next = Current { switches, ..Current::clone(&before) };
        if let Some(active) = self.readable(pointer.active).await? {
            next.active = active;
            next.trial = match &pointer.rollout {
                Some(trial) => self.readable(trial.version).await?,
                None => None,
            };
            next.pointer = pointer;
            if next.active.number != before.active.number {
                tracing::info!(content.version = next.active.number, "another version of the content");
            }
        }
        *content.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(())
    }

    /// The version, unless this program cannot read it.
    async fn readable(&self, number: u64) -> Result<Option<Arc<Version>>, StoreError> {
        let content = &self.region.content;
        if content.reading().unreadable == Some(number) {
            return Ok(None);
        }
        match self.version(number).await? {
            Some(Ok(version)) => Ok(Some(version)),
            Some(Err(error)) => {
                tracing::error!(%error, "the content stays as it was");
                content.reading().unreadable = Some(number);
                Ok(None)
            }
            None => {
                // Its text may still be on the way from another region.
                tracing::warn!(content.version = number, "the version in force is not there yet");
                Ok(None)
            }
        }
    }

    /// The version of this number; `None` if there is none.
    pub(crate) async fn version(
        &self,
        number: u64,
    ) -> Result<Option<Result<Arc<Version>, Unreadable>>, StoreError> {
        if let Some(known) = self.region.content.known(number) {
            return Ok(Some(Ok(known)));
        }
        let Some(text) = self.store.content_text(number).await? else { return Ok(None) };
        let catalogue = serde_json::from_str(&text);
        Ok(Some(match catalogue {
            Ok(catalogue) => Ok(Arc::new(Version::new(number, catalogue))),
            Err(error) => Err(Unreadable { number, reason: error.to_string() }),
        }))
    }
}

/// Tells those who wait that reading has ended, however it did.
struct End<'a>(&'a Content);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.reading().running = false;
        self.0.done.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use domain::contract::hosts::CharacterEvent;
    use domain::ids::CharacterId;

    use super::*;

    #[test]
    fn the_boards_of_events_are_made_once_for_a_version_and_anew_for_the_next() {
        let event = CharacterEvent {
            sequence: 1,
            character: CharacterId::from_u128(1),
            xp: 0,
            kills: 1,
            deaths: 0,
            items: Vec::new(),
            currencies: Vec::new(),
            scores: Vec::new(),
        };
        let board = |version: &Version| {
            let scores = version.event_boards("local").scores_of(&event).expect("boards that there are");
            Arc::clone(&scores.first().expect("kills count").board)
        };
        let content = Content::new(Catalogue::builtin());
        let version = Arc::clone(&content.current().active);
        let first = board(&version);
        assert!(Arc::ptr_eq(&first, &board(&content.current().active)), "no request makes them again");
        let mut catalogue = Catalogue::builtin();
        catalogue.boards.retain(|board| board.board == first.definition.board);
        catalogue.boards[0].title = "Another".into();
        assert_eq!(board(&Version::new(1, catalogue)).definition.title, "Another");
    }

    #[test]
    fn requests_wait_only_for_what_is_needed_and_never_long() {
        let start = Instant::now();
        let at = |millis: u64| start + Duration::from_millis(millis);
        let reading = |running, read: bool, tried| Reading {
            running,
            read_at: read.then_some(start),
            tried_at: tried,
            unreadable: None,
        };
        let first = reading(false, false, None);
        assert_eq!(first.plan(start), (true, Some(at(2_000))), "the first one waits");
        let joined = reading(true, false, Some(start));
        assert_eq!(joined.plan(at(500)), (false, Some(at(2_000))), "the others wait with it");
        assert_eq!(joined.plan(at(2_500)), (false, None), "but not for ever");
        assert_eq!(reading(false, false, Some(start)).plan(at(500)), (false, None), "it has just failed");
        let known = reading(false, true, Some(start));
        assert_eq!(known.plan(at(1_999)), (false, None));
        assert_eq!(known.plan(at(2_000)), (true, None), "beside the request");
        assert_eq!(known.plan(at(60_000)), (true, Some(at(60_300))), "too old");
        let slow = reading(true, true, Some(at(60_000)));
        assert_eq!(slow.plan(at(60_400)), (false, None), "a slow store delays nobody");
    }
}
