//! `/internal/v1/coordinator` and `/internal/v1/region`: which host coordinates the region, and how the region is.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::contract::Problem;
use domain::contract::coordinator::{CoordinatorBid, CoordinatorLease, HostLoad, RegionLoad};
use domain::ids::HostId;

use crate::error::ApiError;
use crate::error::refusals::matchmaking as refusals;
use crate::extract::{Body, Service};
use crate::state::Region;
use crate::store::Store;

/// A host would be the coordinator, or stay it. The answer is who is; a repetition renews the lease.
#[utoipa::path(
    post, path = "/internal/v1/coordinator/lease", tag = "internal", security(("service_token" = [])),
    request_body = CoordinatorBid,
    responses(
        (status = 200, body = CoordinatorLease),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn lease(
    _: Service,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<CoordinatorBid>,
) -> Result<Json<CoordinatorLease>, ApiError> {
    Ok(Json(store.bid_for_coordinator(&region.name, body.host, crate::clock::now()).await?))
}

/// Which host is the coordinator, or was last: the lease may be over.
#[utoipa::path(
    get, path = "/internal/v1/coordinator/lease", tag = "internal", security(("service_token" = [])),
    responses(
        (status = 200, body = CoordinatorLease),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn holder(
    _: Service,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
) -> Result<Json<CoordinatorLease>, ApiError> {
    let lease = store.coordinator(&region.name, crate::clock::now()).await?;
    Ok(Json(lease.ok_or(refusals::NO_COORDINATOR)?))
}

/// How the region is: its hosts and how busy they are, from their heartbeats.
#[utoipa::path(
    get, path = "/internal/v1/region/load", tag = "internal", security(("service_token" = [])),
    responses(
        (status = 200, body = RegionLoad),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn load(
    _: Service,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
) -> Result<Json<RegionLoad>, ApiError> {
    let now = crate::clock::now();
    let mut hosts = BTreeMap::<HostId, HostLoad>::new();
    let (mut players, mut capacity) = (0_u32, 0_u32);
    for zone in region.catalogue().zones() {
        for open in store.open_instances(&zone.zone, now).await? {
            let host =
                hosts.entry(open.host).or_insert(HostLoad { host: open.host, instances: 0, players: 0 });
            host.instances += 1;
            host.players = host.players.saturating_add(open.occupied());
            players = players.saturating_add(open.occupied());
            capacity = capacity.saturating_add(zone.capacity);
        }
    }
    Ok(Json(RegionLoad {
        players,
        load_permille: load_permille(players, capacity),
        hosts: hosts.into_values().collect(),
    }))
}

/// How full a region is; one without places is full.
fn load_permille(players: u32, capacity: u32) -> u16 {
    let load = (u64::from(players) * 1_000).checked_div(u64::from(capacity)).unwrap_or(1_000);
    u16::try_from(load.min(1_000)).unwrap_or(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_as_full_as_its_places() {
        for (players, capacity, expected) in [(0, 0, 1_000), (0, 10, 0), (5, 10, 500), (20, 10, 1_000)] {
            assert_eq!(load_permille(players, capacity), expected);
        }
    }
}
