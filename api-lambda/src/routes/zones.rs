//! `/v1/zones`: what there is to play in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::contract::Problem;
use domain::contract::players::ZoneList;

use crate::error::ApiError;
use crate::extract::Player;
use crate::overview::Overview;
use crate::state::Region;

pub(crate) mod join;

/// Every zone of the catalogue and how busy it is. The figures may be two seconds old.
#[utoipa::path(
    get, path = "/v1/zones", tag = "zones", security(("access_token" = [])),
    responses(
        (status = 200, body = ZoneList),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    _: Player,
    State(overview): State<Arc<Overview>>,
    State(region): State<Arc<Region>>,
) -> Result<Json<ZoneList>, ApiError> {
    let zones = overview.zones(&region.catalogue()).await?;
    Ok(Json(ZoneList::clone(&zones)))
}
