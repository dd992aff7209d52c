//! `/admin/v1/reports` and `/admin/v1/players/{account}/mute`: what moderators read and do.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::contract::Problem;
use domain::contract::chat::{Mute, MutePlayer, ReportPage};
use domain::ids::AccountId;

use crate::edge::EdgeClient;
use crate::error::{ApiError, refusals};
use crate::extract::{Admin, Body, InPath, InQuery, Paging, Role};
use crate::routes::admin::players::need_known;
use crate::store::Store;

/// Longest mute: a year.
const MUTE_SECS_MAX: u32 = 365 * 24 * 60 * 60;

/// The reports of players, the newest first, with what was said. For support.
#[utoipa::path(
    get, path = "/admin/v1/reports", tag = "admin", security(("admin_key" = [])),
    params(Paging),
    responses(
        (status = 200, body = ReportPage),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn reports(
    admin: Admin,
    InQuery(paging): InQuery<Paging>,
    State(store): State<Store>,
) -> Result<Json<ReportPage>, ApiError> {
    admin.need(Role::Support)?;
    let (limit, cursor) = paging.checked()?;
    let (reports, next) = store.reports(limit, cursor.as_ref()).await?;
    Ok(Json(ReportPage { reports, next: next.map(String::from) }))
}

/// The mute of an account. For support.
#[utoipa::path(
    get, path = "/admin/v1/players/{account}/mute", tag = "admin", security(("admin_key" = [])),
    params(("account" = AccountId, Path, description = "The account")),
    responses(
        (status = 200, body = Mute),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read_mute(
    admin: Admin,
    InPath(account): InPath<AccountId>,
    State(store): State<Store>,
) -> Result<Json<Mute>, ApiError> {
    admin.need(Role::Support)?;
    let mute = store.muted(account, crate::clock::now()).await?;
    Ok(Json(mute.ok_or(refusals::chat::NOT_MUTED)?))
}

/// Mutes an account, instead of any mute before: it says nothing in any channel until the mute ends. For support.
#[utoipa::path(
    put, path = "/admin/v1/players/{account}/mute", tag = "admin", security(("admin_key" = [])),
    params(("account" = AccountId, Path, description = "The account")),
    request_body = MutePlayer,
    responses(
        (status = 200, body = Mute),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn mute(
    admin: Admin,
    InPath(account): InPath<AccountId>,
    State(store): State<Store>,
    State(edge): State<Arc<EdgeClient>>,
    Body(body): Body<MutePlayer>,
) -> Result<Json<Mute>, ApiError> {
    admin.need(Role::Support)?;
    if !(1..=MUTE_SECS_MAX).contains(&body.seconds) {
        return Err(ApiError::BadRequest(format!("seconds: 1 to {MUTE_SECS_MAX} are needed")));
    }
    need_known(&store, &edge, account).await?;
    let until = crate::clock::now().plus_millis(u64::from(body.seconds) * 1_000);
    let mute = Mute { account, until, reason: body.reason.into(), by: admin.actor() };
    store.mute(&mute).await?;
    Ok(Json(mute))
}

/// Ends a mute. For support.
#[utoipa::path(
    delete, path = "/admin/v1/players/{account}/mute", tag = "admin", security(("admin_key" = [])),
    params(("account" = AccountId, Path, description = "The account")),
    responses(
        (status = 204),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn unmute(
    admin: Admin,
    InPath(account): InPath<AccountId>,
    State(store): State<Store>,
) -> Result<StatusCode, ApiError> {
    admin.need(Role::Support)?;
    store.unmute(account).await?;
    Ok(StatusCode::NO_CONTENT)
}
