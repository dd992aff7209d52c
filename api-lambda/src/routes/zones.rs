//! `/v1/zones`: what there is to play in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::catalogue::ZoneDefinition;
use domain::contract::Problem;
use domain::contract::players::{ZoneList, ZoneSummary};
use futures_util::future::try_join_all;

use crate::error::ApiError;
use crate::extract::Player;
use crate::state::Region;
use crate::store::Store;

pub(crate) mod join;

/// Every zone of the catalogue and how busy it is.
#[utoipa::path(
    get, path = "/v1/zones", tag = "zones", security(("access_token" = [])),
    responses(
        (status = 200, body = ZoneList),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    _: Player,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
) -> Result<Json<ZoneList>, ApiError> {
    let now = crate::clock::now();
    let catalogue = region.catalogue();
    let summaries = catalogue.zones().iter().map(|definition| async {
        let open = store.open_instances(&definition.zone, now).await?;
        let ZoneDefinition { zone, title, capacity, .. } = definition.clone();
        Ok::<_, ApiError>(ZoneSummary {
            zone,
            title,
            instances: u32::try_from(open.len()).unwrap_or(u32::MAX),
            players: open.iter().map(|instance| instance.players).sum(),
            instance_capacity: capacity,
        })
    });
    Ok(Json(ZoneList { zones: try_join_all(summaries).await? }))
}
