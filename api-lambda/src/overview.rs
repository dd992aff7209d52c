//! How busy the zones are, read once a second for all who ask: every player does at the start, and the answer is the
//! same for each. It knows no route.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::catalogue::{Catalogue, ZoneDefinition};
use domain::contract::players::{ZoneList, ZoneSummary};
use futures_util::future::try_join_all;

use crate::store::{Store, StoreError};

/// Read again after this, whether the last reading worked or not.
const FRESH: Duration = Duration::from_secs(1);
/// What is older is not shown, even if the store does not answer.
const USABLE: Duration = Duration::from_secs(10);
/// Versions of the catalogue that are in force at a time: the active one and one on trial.
const VERSIONS: usize = 2;

/// What was read last.
pub(crate) struct Overview {
    store: Store,
    /// Of each version of the catalogue, since another one has other zones; the latest last.
    readings: Mutex<Vec<Reading>>,
    /// Held while reading, so that one request reads for all who have nothing yet.
    gate: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Reading {
    catalogue: Arc<Catalogue>,
    ended_at: Instant,
    /// What the last reading that worked has found, and when it began.
    found: Option<(Instant, Arc<ZoneList>)>,
}

impl Reading {
    fn usable(&self) -> Option<Arc<ZoneList>> {
        self.found.as_ref().filter(|(at, _)| at.elapsed() < USABLE).map(|(_, zones)| Arc::clone(zones))
    }

    /// The answer, if it is not yet time to read again.
    fn fresh(&self) -> Option<Result<Arc<ZoneList>, StoreError>> {
        let failed = || StoreError::Unavailable("the zones were asked for a moment ago, in vain".into());
        (self.ended_at.elapsed() < FRESH).then(|| self.usable().ok_or_else(failed))
    }
}

impl Overview {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, readings: Mutex::default(), gate: tokio::sync::Mutex::default() }
    }

    /// Every zone of the catalogue and how busy it was a second ago, and while the store is slow or does not answer,
    /// ten.
    pub(crate) async fn zones(&self, catalogue: &Arc<Catalogue>) -> Result<Arc<ZoneList>, StoreError> {
        let known = self.known(catalogue);
        if let Some(answer) = known.as_ref().and_then(Reading::fresh) {
            return answer;
        }
        let _reading = match (self.gate.try_lock(), known.as_ref().and_then(Reading::usable)) {
            (Ok(reading), _) => reading,
            (Err(_), Some(zones)) => return Ok(zones),
            (Err(_), None) => self.gate.lock().await,
        };
        // Whoever held the gate before may have read it.
        let known = self.known(catalogue);
        if let Some(answer) = known.as_ref().and_then(Reading::fresh) {
            return answer;
        }
        let began_at = Instant::now();
        let read = self.read(catalogue).await.map(Arc::new);
        let found = match &read {
            Ok(zones) => Some((began_at, Arc::clone(zones))),
            Err(_) => known.and_then(|known| known.found),
        };
        let reading = Reading { catalogue: Arc::clone(catalogue), ended_at: Instant::now(), found };
        let usable = reading.usable();
        self.note(reading);
        read.or_else(|error| {
            tracing::warn!(kind = error.kind(), %error, "the zones could not be read: they are shown as they were");
            usable.ok_or(error)
        })
    }

    fn known(&self, catalogue: &Arc<Catalogue>) -> Option<Reading> {
        let readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        readings.iter().find(|reading| Arc::ptr_eq(&reading.catalogue, catalogue)).cloned()
    }

    fn note(&self, reading: Reading) {
        let mut readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        readings.retain(|known| !Arc::ptr_eq(&known.catalogue, &reading.catalogue));
        readings.push(reading);
        if readings.len() > VERSIONS {
            readings.remove(0);
        }
    }

    async fn read(&self, catalogue: &Catalogue) -> Result<ZoneList, StoreError> {
        let now = crate::clock::now();
        let summaries = catalogue.zones().iter().map(|definition| async {
            let open = self.store.open_instances(&definition.zone, now).await?;
            let ZoneDefinition { zone, title, capacity, .. } = definition.clone();
            Ok::<_, StoreError>(ZoneSummary {
                zone,
                title,
                instances: u32::try_from(open.len()).unwrap_or(u32::MAX),
                players: open.iter().map(|instance| instance.players).sum(),
                instance_capacity: capacity,
            })
        });
        Ok(ZoneList { zones: try_join_all(summaries).await? })
    }
}
