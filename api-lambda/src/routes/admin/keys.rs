//! `/admin/v1/keys`: who is an administrator.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::contract::Problem;
use domain::contract::admin::{AdminKey, AdminKeyList, AdminKeyMade, CreateAdminKey};
use domain::ids::AdminKeyId;

use crate::admin_keys::{hash_of, new_text};
use crate::error::{ApiError, refusals};
use crate::extract::{Admin, Body, IdempotencyKey, InPath, InQuery, Paging, Role};
use crate::idempotency::OptionalKey;
use crate::store::Store;
use crate::store::admin::keys::StoredKey;

/// Makes a key. Its text is in this answer and nowhere else: a repetition under the same `Idempotency-Key` is told
/// that the key exists, not what it is. For owners.
#[utoipa::path(
    post, path = "/admin/v1/keys", tag = "admin", security(("admin_key" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters")),
    request_body = CreateAdminKey,
    responses(
        (status = 201, body = AdminKeyMade),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(
    admin: Admin,
    IdempotencyKey(idempotency): IdempotencyKey,
    State(store): State<Store>,
    Body(body): Body<CreateAdminKey>,
) -> Result<(StatusCode, Json<AdminKeyMade>), ApiError> {
    admin.need(Role::Owner)?;
    let now = crate::clock::now();
    if body.expires_at.is_some_and(|end| end <= now) {
        return Err(refusals::admin::EXPIRES_IN_THE_PAST.into());
    }
    let keyed = OptionalKey::of(&admin.actor(), "admin keys", idempotency.as_deref(), &body);
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Err(shown(&earlier));
    }
    let id = AdminKeyId::new(now, crate::clock::random_u128());
    let secret = new_text(id);
    let key = AdminKey {
        id,
        name: body.name,
        role: body.role,
        created_at: now,
        created_by: admin.name.to_string(),
        last_used_at: None,
        expires_at: body.expires_at,
        revoked_at: None,
    };
    // The stored answer is the key without its text.
    let answer = keyed.answer(&key, now);
    let stored = StoredKey { key, hash: hash_of(&secret) };
    if !store.create_admin_key(&stored, answer.as_ref()).await? {
        // The same request, sent twice at once: the other one has made its key.
        let earlier = keyed.earlier(&store, now).await?;
        return Err(earlier.as_ref().map_or(ApiError::Internal, shown));
    }
    Ok((StatusCode::CREATED, Json(AdminKeyMade { key: stored.key, secret })))
}

fn shown(earlier: &AdminKey) -> ApiError {
    let text = format!(
        "this request has made the key {} before, and its text is shown only once: revoke it and make another one",
        earlier.id
    );
    refusals::admin::KEY_SHOWN.because(text).into()
}

/// The keys, the newest first, without their texts. For owners.
#[utoipa::path(
    get, path = "/admin/v1/keys", tag = "admin", security(("admin_key" = [])),
    params(Paging),
    responses(
        (status = 200, body = AdminKeyList),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    admin: Admin,
    InQuery(paging): InQuery<Paging>,
    State(store): State<Store>,
) -> Result<Json<AdminKeyList>, ApiError> {
    admin.need(Role::Owner)?;
    let (limit, cursor) = paging.checked()?;
    let (keys, next) = store.admin_keys(limit, cursor.as_ref()).await?;
    Ok(Json(AdminKeyList { keys, next: next.map(String::from) }))
}

/// Revokes a key: it is of no use within 5 s. Once revoked it stays so. For owners.
#[utoipa::path(
    delete, path = "/admin/v1/keys/{key}", tag = "admin", security(("admin_key" = [])),
    params(("key" = AdminKeyId, Path, description = "The key")),
    responses(
        (status = 204),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn revoke(
    admin: Admin,
    InPath(key): InPath<AdminKeyId>,
    State(store): State<Store>,
) -> Result<StatusCode, ApiError> {
    admin.need(Role::Owner)?;
    if store.revoke_admin_key(key, crate::clock::now()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(refusals::admin::NO_KEY.into())
    }
}
