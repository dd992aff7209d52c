//! `/admin/v1/maintenance`: nobody changes anything until it is over.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::contract::Problem;
use domain::contract::bans::{BeginMaintenance, Maintenance};

use crate::error::ApiError;
use crate::extract::{Admin, Body, Role};
use crate::store::Store;
use crate::watch::Watch;

/// Seconds after which clients try again, unless told otherwise.
const RETRY_AFTER_SECS: u32 = 60;

const OVER: Maintenance =
    Maintenance { on: false, message: None, retry_after_secs: None, since: None, by: None };

/// Whether the region is under maintenance. For support.
#[utoipa::path(
    get, path = "/admin/v1/maintenance", tag = "admin", security(("admin_key" = [])),
    responses(
        (status = 200, body = Maintenance),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read(admin: Admin, State(store): State<Store>) -> Result<Json<Maintenance>, ApiError> {
    admin.need(Role::Support)?;
    let watched = store.watched(crate::clock::now()).await?;
    Ok(Json(watched.maintenance.unwrap_or(OVER)))
}

/// Begins maintenance, or changes its message: within 2 s, what players would change or join is refused with 503, code
/// `maintenance`, the message and `Retry-After`. Who is in the world stays there. For operators.
#[utoipa::path(
    put, path = "/admin/v1/maintenance", tag = "admin", security(("admin_key" = [])),
    request_body = BeginMaintenance,
    responses(
        (status = 200, body = Maintenance),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn begin(
    admin: Admin,
    State(store): State<Store>,
    State(watch): State<Arc<Watch>>,
    Body(body): Body<BeginMaintenance>,
) -> Result<Json<Maintenance>, ApiError> {
    admin.need(Role::Operator)?;
    let secs = body.retry_after_secs.unwrap_or(RETRY_AFTER_SECS);
    if !(1..=3_600).contains(&secs) {
        return Err(ApiError::BadRequest("retry_after_secs: 1 to 3600 are allowed".into()));
    }
    let begun = Maintenance {
        on: true,
        message: Some(body.message.into()),
        retry_after_secs: Some(secs),
        since: Some(crate::clock::now()),
        by: Some(admin.name.to_string()),
    };
    store.set_maintenance(Some(&begun)).await?;
    watch.forget();
    Ok(Json(begun))
}

/// Ends maintenance. For operators.
#[utoipa::path(
    delete, path = "/admin/v1/maintenance", tag = "admin", security(("admin_key" = [])),
    responses(
        (status = 200, body = Maintenance),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn end(
    admin: Admin,
    State(store): State<Store>,
    State(watch): State<Arc<Watch>>,
) -> Result<Json<Maintenance>, ApiError> {
    admin.need(Role::Operator)?;
    store.set_maintenance(None).await?;
    watch.forget();
    Ok(Json(OVER))
}
