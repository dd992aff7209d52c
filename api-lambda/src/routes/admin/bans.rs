//! `/admin/v1/players/{account}/ban` and `/internal/v1/bans/step`: who may not play.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::contract::Problem;
use domain::contract::bans::{BAN_SECS_MAX, BanPlayer, BanState, BansStep, EdgeState};
use domain::ids::AccountId;
use domain::time::UnixMillis;
use serde::Deserialize;

use crate::bans;
use crate::edge::EdgeClient;
use crate::erasure::{self, SettleMillis};
use crate::error::{ApiError, refusals};
use crate::extract::{Admin, Body, InPath, InQuery, Role, Service};
use crate::routes::admin::players::need_known;
use crate::state::Region;
use crate::store::Store;
use crate::store::admin::bans::{BanChange, BanRecord};
use crate::watch::Watch;

/// The ban as it is told.
pub(crate) fn state_of(account: AccountId, ban: Option<BanRecord>, edge: EdgeState) -> BanState {
    let now = crate::clock::now();
    let Some(ban) = ban else {
        return BanState { account, banned: false, reason: None, since: None, until: None, by: None, edge };
    };
    let until = ban.lifted_at.unwrap_or(ban.until);
    BanState {
        account,
        banned: ban.holds(now),
        until: (until < UnixMillis::FOREVER).then_some(until),
        reason: Some(ban.reason),
        since: Some(ban.since),
        by: Some(ban.by),
        edge,
    }
}

/// Bans an account, or changes its ban: it is refused at the edge and by the API at once, and out of the world within
/// 5 s. If the edge cannot be reached, it is told again each second (`edge` in the answer). For support.
#[utoipa::path(
    put, path = "/admin/v1/players/{account}/ban", tag = "admin", security(("admin_key" = [])),
    params(("account" = AccountId, Path, description = "The account")),
    request_body = BanPlayer,
    responses(
        (status = 200, body = BanState),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn ban(
    admin: Admin,
    InPath(account): InPath<AccountId>,
    State(store): State<Store>,
    State(edge): State<Arc<EdgeClient>>,
    State(watch): State<Arc<Watch>>,
    Body(body): Body<BanPlayer>,
) -> Result<Json<BanState>, ApiError> {
    admin.need(Role::Support)?;
    let now = crate::clock::now();
    let until = match body.duration_secs {
        Some(secs) if (1..=BAN_SECS_MAX).contains(&secs) => now.plus_millis(secs * 1_000),
        Some(_) => {
            return Err(ApiError::BadRequest(format!("duration_secs: 1 to {BAN_SECS_MAX} are allowed")));
        }
        None => UnixMillis::FOREVER,
    };
    need_known(&store, &edge, account).await?;
    let change = BanChange::Ban { reason: body.reason.as_str(), until };
    let ban = store.change_ban(account, &change, &admin.name, admin.audit, now).await?;
    watch.forget();
    let ban = ban.ok_or(ApiError::Internal)?;
    let told = bans::tell(&store, &edge, account, &ban).await;
    Ok(Json(state_of(account, Some(ban), told)))
}

/// Why a ban is lifted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Why {
    #[serde(rename = "reason")]
    _reason: Option<String>,
}

/// Lifts the ban of an account. For support.
#[utoipa::path(
    delete, path = "/admin/v1/players/{account}/ban", tag = "admin", security(("admin_key" = [])),
    params(
        ("account" = AccountId, Path, description = "The account"),
        ("reason" = Option<String>, Query, description = "For the audit log"),
    ),
    responses(
        (status = 200, body = BanState),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn unban(
    admin: Admin,
    InPath(account): InPath<AccountId>,
    InQuery(_): InQuery<Why>,
    State(store): State<Store>,
    State(edge): State<Arc<EdgeClient>>,
    State(watch): State<Arc<Watch>>,
) -> Result<Json<BanState>, ApiError> {
    admin.need(Role::Support)?;
    let now = crate::clock::now();
    let lifted = store.change_ban(account, &BanChange::Lift, &admin.name, admin.audit, now).await?;
    let ban = lifted.ok_or(refusals::admin::NOT_BANNED)?;
    watch.forget();
    let told = bans::tell(&store, &edge, account, &ban).await;
    Ok(Json(state_of(account, Some(ban), told)))
}

/// Goes on with what could not be finished at once: bans that the edge has not been told, players whose data is being
/// deleted. The coordinator calls it each second; more often, or twice at once, does no harm.
#[utoipa::path(
    post, path = "/internal/v1/bans/step", tag = "internal", security(("service_token" = [])),
    responses(
        (status = 200, body = BansStep),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn step(
    _: Service,
    State(store): State<Store>,
    State(edge): State<Arc<EdgeClient>>,
    State(settle): State<SettleMillis>,
    State(region): State<Arc<Region>>,
) -> Result<Json<BansStep>, ApiError> {
    // For both, so that together they end in time; a deletion goes on a little in each call.
    let deadline = store.step_deadline();
    let (told, pending) = bans::step(&store, &edge).await?;
    let (erased, erasing) = erasure::step(&store, (&edge, &region), settle, deadline).await?;
    Ok(Json(BansStep { told, pending, erased, erasing }))
}
