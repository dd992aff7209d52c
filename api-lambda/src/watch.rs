//! Who may play at this moment: bans and maintenance, as they were in the store two seconds ago at most. A ban of
//! which no access token can be left is not in here, so what is looked through stays small however many there are. It
//! knows no route.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::http::Method;
use domain::contract::bans::{Maintenance, ban_text};
use domain::ids::AccountId;

use crate::error::{ApiError, refusals};
use crate::store::admin::watch::{Watched, WatchedBan, pseudonym};
use crate::store::meter::unmetered;
use crate::store::{Store, StoreError};

/// Looked at again after this.
const FRESH: Duration = Duration::from_millis(1_500);
/// Too old to let anybody act upon while it is being looked at again, as in a function that was frozen.
const STALE: Duration = Duration::from_secs(3);
/// Between two tries while the store does not answer.
const RETRY: Duration = Duration::from_secs(1);

/// What was seen last.
pub(crate) struct Watch {
    store: Store,
    seen: RwLock<Option<Arc<Seen>>>,
    /// Held while looking, so that one request looks for all; when the last try began.
    looking: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Debug)]
struct Seen {
    at: Instant,
    maintenance: Option<Maintenance>,
    bans: HashMap<AccountId, WatchedBan>,
    erased: HashSet<String>,
}

impl Watch {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, seen: RwLock::default(), looking: tokio::sync::Mutex::default() }
    }

    /// Refuses players who are banned, and all who would change something during maintenance.
    pub(crate) async fn admit(&self, account: AccountId, method: &Method) -> Result<(), ApiError> {
        let seen = self.look().await?;
        let now = crate::clock::now();
        if let Some(ban) = seen.bans.get(&account).filter(|ban| ban.until > now) {
            return Err(refusals::admin::BANNED.because(ban_text(&ban.reason, ban.until)).into());
        }
        if !seen.erased.is_empty() && seen.erased.contains(&pseudonym(account)) {
            return Err(refusals::admin::ERASED.into());
        }
        match &seen.maintenance {
            Some(maintenance) if !matches!(*method, Method::GET | Method::HEAD) => {
                let refusal = refusals::admin::MAINTENANCE
                    .after(maintenance.retry_after_secs.map_or(60, u64::from))
                    .because(maintenance.message.clone().unwrap_or_default());
                Err(refusal.into())
            }
            _ => Ok(()),
        }
    }

    /// What was changed by this process is seen by it at once.
    pub(crate) fn forget(&self) {
        *self.seen.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn known(&self) -> Option<Arc<Seen>> {
        self.seen.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn look(&self) -> Result<Arc<Seen>, StoreError> {
        let known = self.known();
        let age = known.as_ref().map(|seen| seen.at.elapsed());
        match (known, age) {
            (Some(seen), Some(age)) if age < FRESH => Ok(seen),
            (Some(seen), Some(age)) if age < STALE => match self.looking.try_lock() {
                Ok(last_try) => self.look_again(last_try).await,
                // Another request is looking.
                Err(_) => Ok(seen),
            },
            _ => self.look_again(self.looking.lock().await).await,
        }
    }

    async fn look_again(
        &self,
        mut last_try: tokio::sync::MutexGuard<'_, Option<Instant>>,
    ) -> Result<Arc<Seen>, StoreError> {
        let known = self.known();
        if let Some(seen) = &known {
            let tried = last_try.is_some_and(|at| at.elapsed() < RETRY);
            if seen.at.elapsed() < FRESH || tried && seen.at.elapsed() >= STALE {
                return Ok(Arc::clone(seen));
            }
        }
        // From before the reading: what is read may be older than the moment at which it arrives.
        let at = Instant::now();
        *last_try = Some(at);
        match (unmetered(self.store.watched(crate::clock::now())).await, known) {
            (Ok(watched), _) => {
                let seen = Arc::new(Seen::new(at, watched));
                *self.seen.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&seen));
                Ok(seen)
            }
            (Err(error), Some(seen)) => {
                tracing::warn!(kind = error.kind(), %error, "bans were not looked at; the last ones stay in force");
                Ok(seen)
            }
            (Err(error), None) => Err(error),
        }
    }
}

impl Seen {
    fn new(at: Instant, watched: Watched) -> Self {
        Self {
            at,
            maintenance: watched.maintenance,
            bans: watched.bans.into_iter().collect(),
            erased: watched.erased.into_iter().collect(),
        }
    }
}
