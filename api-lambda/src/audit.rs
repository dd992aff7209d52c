//! The layer around all admin routes. Nobody gets past it without an admin key, and no call goes past it before it
//! is in the audit log: the entry is written first, and gets its outcome afterwards. An entry in the transaction of
//! each effect alone would depend on every handler, those that are still to be written too, and would miss what only
//! reads or is refused; this way a call can be missed by nobody, and one that was cut short is seen by its missing
//! outcome. It knows no route.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use domain::contract::Problem;
use domain::contract::admin::{AuditEntry, AuditOutcome};
use domain::ids::{AuditId, CorrelationId};
use domain::limits::BODY_BYTES_MAX;
use futures_util::StreamExt as _;

use crate::admin_keys::{AdminKeys, Holder};
use crate::error::{ApiError, refusals};
use crate::extract::{Admin, bearer};
use crate::store::Store;

mod summary;

/// What every address for administrators starts with.
pub(crate) const ADMIN_PATHS: &str = "/admin/";

/// What the layer needs.
#[derive(Clone)]
pub(crate) struct Auditor {
    pub(crate) store: Store,
    pub(crate) keys: Arc<AdminKeys>,
}

/// The layer.
pub(crate) async fn watch(
    State(auditor): State<Auditor>,
    parameters: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Response {
    if !request.uri().path().starts_with(ADMIN_PATHS) {
        return next.run(request).await;
    }
    match let_in(&auditor, parameters.ok(), request).await {
        Ok((request, admin)) => {
            let response = next.run(request).await;
            end(&auditor, &admin, outcome_of(&response)).await;
            response
        }
        Err(error) => error.into_response(),
    }
}

/// The request with its administrator, written to the log.
async fn let_in(
    auditor: &Auditor,
    parameters: Option<RawPathParams>,
    request: Request,
) -> Result<(Request, Admin), ApiError> {
    let now = crate::clock::now();
    let (parts, body) = request.into_parts();
    let holder = match bearer(&parts) {
        Some(shown) => auditor.keys.holder(shown, now).await?,
        None => None,
    };
    let holder = holder.ok_or(refusals::NO_ADMIN)?;
    let (beginning, body) = peek(body).await;
    let entry = entry_of(&holder, &parts, parameters.as_ref(), &beginning, now);
    let audit = auditor.store.begin_audit(&entry).await?;
    let admin = Admin { role: holder.role, key: holder.key, name: holder.name, audit };
    let mut request = Request::from_parts(parts, body);
    request.extensions_mut().insert(admin.clone());
    Ok((request, admin))
}

fn entry_of(
    holder: &Holder,
    parts: &Parts,
    parameters: Option<&RawPathParams>,
    body: &[u8],
    now: domain::time::UnixMillis,
) -> AuditEntry {
    let random = crate::clock::random_u128();
    let pairs: Vec<(&str, &str)> = parameters.map(|found| found.iter().collect()).unwrap_or_default();
    let route = parts.extensions.get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    let correlation = parts.extensions.get::<CorrelationId>().copied();
    let query = parts.uri.query().filter(|query| !query.is_empty());
    AuditEntry {
        id: AuditId::new(now, random),
        at: now,
        admin_key: holder.key,
        admin_name: holder.name.to_string(),
        role: holder.role,
        method: parts.method.to_string(),
        route: route.to_owned(),
        parameters: pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), summary::shorten(value)))
            .collect::<BTreeMap<_, _>>(),
        subject: pairs.first().map(|(_, value)| summary::shorten(value)).filter(|value| !value.is_empty()),
        query: query.map(summary::shorten),
        body: summary::of_body(body),
        reason: summary::reason(body, query),
        correlation_id: correlation.unwrap_or_else(|| CorrelationId::new(now, random)),
        effect: None,
        outcome: None,
    }
}

/// Reads the body, or the beginning of a large one, and gives it back as it was.
async fn peek(body: Body) -> (Vec<u8>, Body) {
    let mut stream = body.into_data_stream();
    let mut chunks = Vec::new();
    let mut beginning = Vec::new();
    while beginning.len() <= BODY_BYTES_MAX {
        let Some(chunk) = stream.next().await else { break };
        if let Ok(bytes) = &chunk {
            beginning.extend_from_slice(bytes);
        }
        let broken = chunk.is_err();
        chunks.push(chunk);
        if broken {
            break;
        }
    }
    let body = match chunks.len() {
        0 => Body::empty(),
        _ => Body::from_stream(futures_util::stream::iter(chunks).chain(stream)),
    };
    (beginning, body)
}

fn outcome_of(response: &Response) -> AuditOutcome {
    AuditOutcome {
        status: response.status().as_u16(),
        code: response.extensions().get::<Problem>().map(|problem| problem.code.clone()),
        at: crate::clock::now(),
    }
}

/// Writes how the call ended. The effect stands whether that succeeds or not, so the caller gets its answer.
async fn end(auditor: &Auditor, admin: &Admin, outcome: AuditOutcome) {
    if let Err(error) = auditor.store.end_audit(admin.audit, &outcome).await {
        let id = admin.audit.id;
        tracing::error!(kind = error.kind(), %error, audit.id = %id, "the audit log lacks an outcome");
    }
}
