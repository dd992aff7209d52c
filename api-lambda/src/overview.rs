//! How busy the zones are, read once a second for all who ask: every player does at the start, and the answer is the
//! same for each. It knows no route.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::catalogue::{Catalogue, ZoneDefinition};
use domain::contract::players::{ZoneList, ZoneSummary};
use futures_util::future::try_join_all;

use crate::store::{Store, StoreError};

/// Read again after this, whether the last reading worked or not.
const FRESH: Duration = Duration::from_secs(1);
/// What is older is not shown, even if the store does not answer.
const USABLE: Duration = Duration::from_secs(10);

/// What was read last.
pub(crate) struct Overview {
    store: Store,
    /// Held while reading, so that one request reads for all who wait.
    last: tokio::sync::Mutex<Option<Reading>>,
}

struct Reading {
    tried_at: Instant,
    catalogue: Arc<Catalogue>,
    read: Option<(Instant, Arc<ZoneList>)>,
}

impl Overview {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, last: tokio::sync::Mutex::default() }
    }

    /// Every zone of the catalogue and how busy it was a second ago at most; while the store does not answer, ten.
    pub(crate) async fn zones(&self, catalogue: &Arc<Catalogue>) -> Result<Arc<ZoneList>, StoreError> {
        let mut last = self.last.lock().await;
        // Another version of the catalogue has other zones.
        let known = last.as_ref().filter(|reading| Arc::ptr_eq(&reading.catalogue, catalogue));
        let read = known.and_then(|reading| reading.read.clone());
        if known.is_some_and(|reading| reading.tried_at.elapsed() < FRESH) {
            let failed = || StoreError::Unavailable("the zones were asked for a moment ago, in vain".into());
            return read.map(|(_, zones)| zones).ok_or_else(failed);
        }
        let tried_at = Instant::now();
        let (read, failure) = match self.read(catalogue).await {
            Ok(zones) => (Some((tried_at, Arc::new(zones))), None),
            Err(error) => (read.filter(|(at, _)| at.elapsed() < USABLE), Some(error)),
        };
        *last = Some(Reading { tried_at, catalogue: Arc::clone(catalogue), read: read.clone() });
        if let (Some(error), Some(_)) = (&failure, &read) {
            tracing::warn!(kind = error.kind(), %error, "the zones are shown as they were");
        }
        read.map(|(_, zones)| zones).ok_or_else(|| failure.unwrap_or(StoreError::Contended("the zones")))
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
