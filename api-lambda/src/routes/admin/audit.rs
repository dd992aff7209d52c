//! `/admin/v1/audit`: what administrators did.

use axum::Json;
use axum::extract::State;
use domain::contract::Problem;
use domain::contract::admin::AuditPage;
use domain::ids::AdminKeyId;
use serde::Deserialize;

use crate::error::ApiError;
use crate::extract::{Admin, InQuery, Paging, Role};
use crate::store::Store;
use crate::store::admin::audit::AuditOf;
use crate::store::cursor::Cursor;

/// Most characters of a subject: ids have 30.
const SUBJECT_CHARS_MAX: usize = 200;

/// Which calls are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditQuery {
    day: Option<String>,
    key: Option<String>,
    subject: Option<String>,
    limit: Option<i32>,
    cursor: Option<Cursor>,
}

/// Calls of administrators, the newest first: those of a day (today by default), of a key, or about a player, host or
/// instance. For operators.
#[utoipa::path(
    get, path = "/admin/v1/audit", tag = "admin", security(("admin_key" = [])),
    params(
        ("day" = Option<String>, Query, description = "A day in UTC, as 2026-11-21"),
        ("key" = Option<String>, Query, description = "The id of a key, or `owner` for the configured one"),
        ("subject" = Option<String>, Query, description = "The id of an account, a host, an instance and so on"),
        Paging,
    ),
    responses(
        (status = 200, body = AuditPage),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    admin: Admin,
    InQuery(query): InQuery<AuditQuery>,
    State(store): State<Store>,
) -> Result<Json<AuditPage>, ApiError> {
    admin.need(Role::Operator)?;
    let (limit, cursor) = Paging::of(query.limit, query.cursor).checked()?;
    let of = wanted(query.day, query.key, query.subject)?;
    let (entries, next) = store.audit(&of, limit, cursor.as_ref()).await?;
    Ok(Json(AuditPage { entries, next: next.map(String::from) }))
}

fn wanted(day: Option<String>, key: Option<String>, subject: Option<String>) -> Result<AuditOf, ApiError> {
    let refuse = |fault: &str| Err(ApiError::BadQuery(fault.to_owned()));
    match (day, key, subject) {
        (None, None, None) => Ok(AuditOf::Day(crate::clock::now().utc_day())),
        (Some(day), None, None) if is_day(&day) => Ok(AuditOf::Day(day)),
        (Some(_), None, None) => refuse("day: a day as 2026-11-21 is needed"),
        (None, Some(key), None) if key == "owner" => Ok(AuditOf::Key(None)),
        (None, Some(key), None) => match key.parse::<AdminKeyId>() {
            Ok(key) => Ok(AuditOf::Key(Some(key))),
            Err(error) => refuse(&format!("key: {error}")),
        },
        (None, None, Some(subject)) if (1..=SUBJECT_CHARS_MAX).contains(&subject.len()) => {
            Ok(AuditOf::Subject(subject))
        }
        (None, None, Some(_)) => refuse("subject: an id is needed"),
        _ => refuse("one of day, key and subject is allowed"),
    }
}

fn is_day(text: &str) -> bool {
    let digits = |text: &str, range| {
        text.get(range).is_some_and(|part: &str| part.bytes().all(|b| b.is_ascii_digit()))
    };
    text.len() == 10
        && digits(text, 0..4)
        && digits(text, 5..7)
        && digits(text, 8..10)
        && text.as_bytes()[4] == b'-'
        && text.as_bytes()[7] == b'-'
}
