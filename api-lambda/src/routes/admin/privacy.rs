//! `/admin/v1/players/{account}/export` and `erase`: what a player may ask for by law.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::contract::Problem;
use domain::contract::admin::Reason;
use domain::contract::edge::AccountRecord;
use domain::contract::privacy::{Erasure, ErasureState};
use domain::ids::AccountId;
use serde::{Deserialize, Serialize};

use crate::edge::EdgeClient;
use crate::erasure::{self, SettleMillis};
use crate::error::{ApiError, refusals};
use crate::extract::{Admin, Body, InPath, InQuery, Role};
use crate::routes::admin::players::need_known;
use crate::state::Region;
use crate::store::Store;
use crate::store::cursor::Cursor;
use crate::watch::Watch;

/// Which part of an export is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartQuery {
    cursor: Option<String>,
}

/// A part of what is stored of a player.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ExportPart {
    /// The account.
    account: AccountId,
    /// The table that the items are of.
    table: String,
    /// The items as they are stored, each a JSON object.
    #[schema(value_type = Vec<Object>)]
    items: Vec<serde_json::Value>,
    /// What the edge has, in the first part.
    edge: Option<AccountRecord>,
    /// For the next part, if there is one. A part may be empty.
    next: Option<String>,
}

/// What is stored of a player: ask for the next part until there is none. For operators.
#[utoipa::path(
    post, path = "/admin/v1/players/{account}/export", tag = "admin", security(("admin_key" = [])),
    params(
        ("account" = AccountId, Path, description = "The account"),
        ("cursor" = Option<String>, Query, description = "`next` of the part before"),
    ),
    responses(
        (status = 200, body = ExportPart),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn export(
    admin: Admin,
    InPath(account): InPath<AccountId>,
    InQuery(query): InQuery<PartQuery>,
    State(store): State<Store>,
    State(edge): State<Arc<EdgeClient>>,
) -> Result<Json<ExportPart>, ApiError> {
    admin.need(Role::Operator)?;
    let (number, cursor) = match &query.cursor {
        None => (0, None),
        Some(text) => read_cursor(text).ok_or_else(|| {
            ApiError::BadQuery("cursor: it is not one that a part has given: start again without it".into())
        })?,
    };
    let record = if query.cursor.is_none() {
        let unreachable = |_| ApiError::from(refusals::admin::EDGE_UNREACHABLE);
        edge.account(account).await.map_err(unreachable)?
    } else {
        None
    };
    let subject = store.subject(account).await?;
    let part = store.export_part(&subject, number, cursor.as_ref()).await?;
    let Some(part) = part else {
        return Ok(Json(ExportPart {
            account,
            table: String::new(),
            items: Vec::new(),
            edge: record,
            next: None,
        }));
    };
    let next = part
        .next
        .map(|(number, cursor)| format!("{number}.{}", cursor.map(String::from).unwrap_or_default()));
    Ok(Json(ExportPart { account, table: part.table.into(), items: part.items, edge: record, next }))
}

fn read_cursor(text: &str) -> Option<(usize, Option<Cursor>)> {
    let (number, cursor) = text.split_once('.')?;
    let cursor = if cursor.is_empty() { None } else { Some(Cursor::try_from(cursor.to_owned()).ok()?) };
    Some((number.parse().ok()?, cursor))
}

/// Why a player is deleted.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErasePlayer {
    /// For the audit log, which names the player by a pseudonym: name nobody here.
    #[serde(rename = "reason")]
    _reason: Reason,
}

/// Deletes everything that is stored of a player, here and at the edge; nothing brings it back. The player is out at
/// once, the data a moment later: it goes on by itself, and asking again tells how far it is. For owners.
#[utoipa::path(
    post, path = "/admin/v1/players/{account}/erase", tag = "admin", security(("admin_key" = [])),
    params(("account" = AccountId, Path, description = "The account")),
    request_body = ErasePlayer,
    responses(
        (status = 200, body = ErasureState),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
#[expect(clippy::too_many_arguments, reason = "each argument is a part of the request or of the state")]
pub(crate) async fn erase(
    admin: Admin,
    InPath(account): InPath<AccountId>,
    State(store): State<Store>,
    State(edge): State<Arc<EdgeClient>>,
    State(watch): State<Arc<Watch>>,
    State(settle): State<SettleMillis>,
    State(region): State<Arc<Region>>,
    Body(_): Body<ErasePlayer>,
) -> Result<Json<ErasureState>, ApiError> {
    admin.need(Role::Owner)?;
    if store.erasure(account).await?.is_none() {
        if store.is_erased(account).await? {
            return Ok(Json(ErasureState { state: Erasure::Done, begun_at: None }));
        }
        need_known(&store, &edge, account).await?;
    }
    let job = store.begin_erasure(account, admin.audit, crate::clock::now()).await?;
    watch.forget();
    let running = ErasureState { state: Erasure::Running, begun_at: Some(job.begun_at) };
    let state = erasure::go_on(&store, (&edge, &region), job, settle, store.step_deadline()).await;
    Ok(Json(state.unwrap_or_else(|error| {
        tracing::warn!(%error, "a deletion goes on later");
        running
    })))
}
