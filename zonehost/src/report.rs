//! The host's regular word to the platform: it renews the lease and tells how busy the host is.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::contract::hosts::{Heartbeat, InstanceLoad};
use domain::limits::HOST_HEARTBEAT_MILLIS;

use crate::instance::InstanceHandle;
use crate::instances;
use crate::platform::{Platform, PlatformError};
use crate::shared::Shared;

/// Renews the lease until the host loses it for good.
pub(crate) async fn keep_lease<P: Platform>(shared: Arc<Shared<P>>) -> PlatformError {
    let mut pace = tokio::time::interval(Duration::from_millis(HOST_HEARTBEAT_MILLIS));
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        let beat = heartbeat(&shared);
        let reported = beat.instances.clone();
        match shared.platform.heartbeat(shared.host, beat).await {
            Ok(answer) => {
                shared.set_ticket_keys(answer.lease.ticket_keys);
                shared.leased.store(true, Ordering::Relaxed);
                instances::reconcile(&shared, &reported, answer.instances);
            }
            Err(PlatformError::Fenced) => return PlatformError::Fenced,
            Err(error) => {
                shared.leased.store(false, Ordering::Relaxed);
                shared.metrics.error(error.kind());
                tracing::warn!(%error, "the heartbeat is tried again");
            }
        }
    }
}

/// Tells the edge how the region is, as long as the lease holds.
pub(crate) async fn report_region<P: Platform>(shared: Arc<Shared<P>>) {
    let mut pace = tokio::time::interval(Duration::from_millis(HOST_HEARTBEAT_MILLIS));
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        if !shared.leased.load(Ordering::Relaxed) {
            continue;
        }
        let instances = shared.instances.all();
        let players: u32 = instances.iter().map(|instance| instance.players()).sum();
        let capacity: u32 = instances.iter().map(|instance| instance.capacity).sum();
        let load = u16::try_from(u64::from(players) * 1_000 / u64::from(capacity.max(1))).unwrap_or(1_000);
        if let Err(error) = shared.platform.report_region(players, load.min(1_000)).await {
            shared.metrics.error(error.kind());
            tracing::warn!(%error, "the edge does not hear of the region");
        }
    }
}

fn heartbeat<P>(shared: &Shared<P>) -> Heartbeat {
    let load = |instance: &Arc<InstanceHandle>| InstanceLoad {
        instance: instance.assigned.instance,
        players: instance.players(),
    };
    let instances = shared.instances.all().iter().map(load).collect();
    let tick_p99_us = shared.metrics.zones().iter().map(|(_, zone)| zone.percentiles().p99_us).max();
    Heartbeat { instances, tick_p99_us: tick_p99_us.unwrap_or(0), draining: shared.is_draining() }
}
