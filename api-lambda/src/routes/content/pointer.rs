//! `/admin/v1/content`: which version is in force. Each change names the revision of the pointer that it was decided
//! on, so that of two administrators at once one learns of the other.

use axum::Json;
use axum::extract::State;
use domain::contract::Problem;
use domain::contract::content::{
    ActivateContent, ContentPointer, PointerChange, PointerRefusal, RollBackContent,
};

use super::{demand_none, load};
use crate::content::Reader;
use crate::error::{ApiError, refusals};
use crate::extract::{Admin, Body, Role};

/// Which versions are in force. For operators.
#[utoipa::path(
    get, path = "/admin/v1/content", tag = "content", security(("admin_key" = [])),
    responses(
        (status = 200, body = ContentPointer),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read(
    admin: Admin,
    State(reader): State<Reader>,
) -> Result<Json<ContentPointer>, ApiError> {
    admin.need(Role::Operator)?;
    Ok(Json(reader.store.content_in_force(&reader.region.name).await?.pointer))
}

/// Brings a version into force, for all or for a share. For operators. The same request again has the effect of one.
#[utoipa::path(
    post, path = "/admin/v1/content/activate", tag = "content", security(("admin_key" = [])),
    request_body = ActivateContent,
    responses(
        (status = 200, body = ContentPointer),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn activate(
    admin: Admin,
    State(reader): State<Reader>,
    Body(body): Body<ActivateContent>,
) -> Result<Json<ContentPointer>, ApiError> {
    admin.need(Role::Operator)?;
    if !(1..=100).contains(&body.percent) {
        return Err(ApiError::BadRequest(format!("percent: {} is not from 1 to 100", body.percent)));
    }
    // What an older program let pass is checked by the rules of today.
    demand_none(&load(&reader, body.version).await?.catalogue.faults())?;
    let change = PointerChange::Activated { version: body.version, percent: body.percent };
    change_pointer(&reader, body.revision, &change).await
}

/// Ends a trial, or brings the version back that was active before. For operators. The same request again has the
/// effect of one.
#[utoipa::path(
    post, path = "/admin/v1/content/rollback", tag = "content", security(("admin_key" = [])),
    request_body = RollBackContent,
    responses(
        (status = 200, body = ContentPointer),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn roll_back(
    admin: Admin,
    State(reader): State<Reader>,
    Body(body): Body<RollBackContent>,
) -> Result<Json<ContentPointer>, ApiError> {
    admin.need(Role::Operator)?;
    change_pointer(&reader, body.revision, &PointerChange::RolledBack).await
}

async fn change_pointer(
    reader: &Reader,
    seen: u64,
    change: &PointerChange,
) -> Result<Json<ContentPointer>, ApiError> {
    let (store, region) = (&reader.store, &reader.region.name);
    let pointer = store.content_in_force(region).await?.pointer;
    if pointer.is_after(seen, change) {
        return Ok(Json(pointer));
    }
    if pointer.revision != seen {
        return Err(moved(&pointer));
    }
    let next = pointer.after(change).map_err(|refusal| match refusal {
        PointerRefusal::Active => refusals::content::ALREADY_ACTIVE,
        PointerRefusal::First => refusals::content::NOTHING_BEFORE,
    })?;
    let next = if store.move_pointer(region, &next).await? {
        next
    } else {
        let other = store.content_in_force(region).await?.pointer;
        if !other.is_after(seen, change) {
            return Err(moved(&other));
        }
        other
    };
    // This process need not wait for its next look.
    reader.read().await;
    Ok(Json(next))
}

fn moved(pointer: &ContentPointer) -> ApiError {
    let detail = format!(
        "somebody else has changed which content is in force: the pointer has revision {} now; read it again and \
         decide anew",
        pointer.revision
    );
    refusals::content::MOVED.because(detail).into()
}
