//! `/admin/v1/flags` and `/v1/flags`: features that are switched outside of versions.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::catalogue::FlagSwitch;
use domain::contract::Problem;
use domain::contract::content::{FlagState, FlagStateList, PlayerFlag, PlayerFlags, SwitchFlag};
use domain::ids::FlagId;

use crate::content::Reader;
use crate::error::{ApiError, refusals};
use crate::extract::{Admin, Body, InPath, Player, Role};
use crate::state::Region;

/// Every flag of the active version, and what is set in its place. For operators.
#[utoipa::path(
    get, path = "/admin/v1/flags", tag = "content", security(("admin_key" = [])),
    responses(
        (status = 200, body = FlagStateList),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    admin: Admin,
    State(reader): State<Reader>,
) -> Result<Json<FlagStateList>, ApiError> {
    admin.need(Role::Operator)?;
    let switches = reader.store.content_in_force(&reader.region.name).await?.switches;
    let catalogue = reader.region.catalogue();
    let flags = catalogue.flags.iter().map(|definition| FlagState {
        flag: definition.flag.clone(),
        catalogue: FlagSwitch { enabled: definition.enabled, percent: definition.percent },
        switched: switches.get(&definition.flag).copied(),
    });
    Ok(Json(FlagStateList { flags: flags.collect() }))
}

/// Switches a flag, whatever the version of the catalogue says; in force everywhere within 5 s. For operators.
#[utoipa::path(
    put, path = "/admin/v1/flags/{flag}", tag = "content", security(("admin_key" = [])),
    params(("flag" = FlagId, Path, description = "The flag")),
    request_body = SwitchFlag,
    responses(
        (status = 200, body = FlagState),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn switch(
    admin: Admin,
    InPath(flag): InPath<FlagId>,
    State(reader): State<Reader>,
    Body(body): Body<SwitchFlag>,
) -> Result<Json<FlagState>, ApiError> {
    admin.need(Role::Operator)?;
    if body.percent > 100 {
        return Err(ApiError::BadRequest(format!("percent: {} is not from 0 to 100", body.percent)));
    }
    set(&reader, flag, Some(FlagSwitch { enabled: body.enabled, percent: body.percent })).await
}

/// Leaves a flag to the catalogue again. For operators.
#[utoipa::path(
    delete, path = "/admin/v1/flags/{flag}", tag = "content", security(("admin_key" = [])),
    params(("flag" = FlagId, Path, description = "The flag")),
    responses(
        (status = 200, body = FlagState),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn reset(
    admin: Admin,
    InPath(flag): InPath<FlagId>,
    State(reader): State<Reader>,
) -> Result<Json<FlagState>, ApiError> {
    admin.need(Role::Operator)?;
    set(&reader, flag, None).await
}

async fn set(
    reader: &Reader,
    flag: FlagId,
    switched: Option<FlagSwitch>,
) -> Result<Json<FlagState>, ApiError> {
    let catalogue = reader.region.catalogue();
    let definition = catalogue.flag(&flag).ok_or(refusals::content::NO_FLAG)?;
    reader.store.switch_flag(&reader.region.name, &flag, switched).await?;
    reader.read().await;
    let catalogue = FlagSwitch { enabled: definition.enabled, percent: definition.percent };
    Ok(Json(FlagState { flag, catalogue, switched }))
}

/// Every flag as it is for the player's account. An account that has a feature keeps it while its share grows.
#[utoipa::path(
    get, path = "/v1/flags", tag = "content", security(("access_token" = [])),
    responses(
        (status = 200, body = PlayerFlags),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn own(
    Player(claims): Player,
    State(region): State<Arc<Region>>,
) -> Result<Json<PlayerFlags>, ApiError> {
    let current = region.content.current();
    let catalogue = &current.version_for(claims.sub.as_u128()).catalogue;
    let flags = catalogue.flags.iter().map(|definition| {
        let switched = current.switches.get(&definition.flag).copied();
        let (enabled, variant) = definition.value(claims.sub, switched);
        PlayerFlag { flag: definition.flag.clone(), enabled, variant: variant.cloned() }
    });
    Ok(Json(PlayerFlags { flags: flags.collect() }))
}
