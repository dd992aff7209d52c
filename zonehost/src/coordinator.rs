//! The coordinator role: one host of a region holds a lease and does what must be done once. It forms matches, calls the
//! periodic work of the API, and tells the edge how the region is. Every host bids for the lease all the time, so that
//! the death of the coordinator costs no more than the rest of its lease. All that the coordinator does is safe to be
//! done by two at once; the lease only saves the work.

pub(crate) mod jobs;
mod matchmaking;
mod pool;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::contract::coordinator::{CoordinatorBid, RegionLoad};
use domain::contract::edge::RegionReport;
use domain::ids::Epoch;
use domain::limits::{COORDINATOR_BID_MILLIS, HOST_HEARTBEAT_MILLIS};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::platform::Platform;
use crate::platform::api::ApiPlatform;
use crate::shared::Shared;

/// The lease, while this host has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    /// Rises with each change of the coordinator.
    pub(crate) epoch: Epoch,
    /// By this host's clock, from before the question was sent.
    until: Instant,
}

/// The lease as the work sees it.
#[derive(Debug, Clone)]
pub(crate) struct Role(watch::Receiver<Option<Held>>);

impl Role {
    /// The lease, if this host has it now.
    pub(crate) fn held(&self) -> Option<Held> {
        self.0.borrow().filter(|held| Instant::now() < held.until)
    }

    /// Waits until the host has the lease.
    async fn gained(&mut self) {
        // Bidding ends together with the work, so the sender is never gone before.
        let _ = self.0.wait_for(Option::is_some).await;
    }
}

/// Bids for the role as long as the host lives, and does the work while it has it. A host without an API has nothing
/// to coordinate.
pub(crate) async fn run<P: Platform>(shared: Arc<Shared<P>>) {
    let Some(api) = shared.platform.coordination() else { return };
    let (held, receiver) = watch::channel(None);
    let role = Role(receiver);
    // They end with this task.
    let mut work = JoinSet::new();
    for job in jobs::JOBS {
        work.spawn(jobs::run(job, api.clone(), role.clone()));
    }
    work.spawn(matchmaking::run(api.clone(), role.clone()));
    work.spawn(report_region(api.clone(), role));
    let pause = Duration::from_millis(COORDINATOR_BID_MILLIS);
    let mut next = Instant::now();
    loop {
        tokio::time::sleep_until(next).await;
        next = Instant::now() + pause;
        // A host that drains, or is cut off from the platform, leaves the role to others.
        if shared.is_draining() || !shared.leased.load(Ordering::Relaxed) {
            continue;
        }
        let asked = Instant::now();
        match api.bid(CoordinatorBid { host: shared.host }).await {
            Ok(lease) => {
                let is_own = lease.host == shared.host;
                let until = asked + Duration::from_millis(lease.lease_ms);
                // Whoever waits for the lease asks the moment that it ends.
                next = if is_own { asked + pause } else { next.min(Instant::now().max(until)) };
                let now_held = is_own.then_some(Held { epoch: lease.epoch, until });
                let before = held.send_replace(now_held);
                if before.map(|held| held.epoch) != now_held.map(|held| held.epoch) {
                    tracing::info!(coordinator = %lease.host, epoch = lease.epoch.0, "the coordinator changed");
                }
            }
            Err(error) => {
                shared.metrics.error(error.kind());
                tracing::debug!(%error, "the bid for the coordinator's lease is tried again");
            }
        }
    }
}

/// Tells the edge how the region is: all of its hosts, from what they told the API.
async fn report_region(api: ApiPlatform, mut role: Role) {
    let mut pace = tokio::time::interval(Duration::from_millis(HOST_HEARTBEAT_MILLIS));
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        // At once after the lease is gained: until then players cannot be told of the region.
        role.gained().await;
        pace.tick().await;
        if role.held().is_none() {
            continue;
        }
        let told = async {
            let load: RegionLoad = api.region_load().await?;
            let hosts = u32::try_from(load.hosts.len()).unwrap_or(u32::MAX);
            let report = RegionReport { load_permille: load.load_permille, players: load.players, hosts };
            api.report_region(&report).await
        };
        if let Err(error) = told.await {
            tracing::warn!(%error, "the edge does not hear of the region");
        }
    }
}
