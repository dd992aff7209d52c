//! `/v1/content` and `/internal/v1/content`: the content for players and for hosts.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::catalogue::Catalogue;
use domain::contract::Problem;
use domain::contract::content::PlayerContent;
use serde::Deserialize;

use crate::content::Reader;
use crate::error::{ApiError, refusals};
use crate::extract::{InPath, InQuery, Player, Service};
use crate::state::Region;

/// Which version is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    version: Option<u64>,
}

/// What players may know of the content in force for their account, or of the version that the instance runs which
/// they play in.
#[utoipa::path(
    get, path = "/v1/content", tag = "content", security(("access_token" = [])),
    params(
        ("version" = Option<u64>, Query, description = "A version in force; by default the one for this account"),
        ("if-none-match" = Option<String>, Header, description = "The ETag of what the client has"),
    ),
    responses(
        (status = 200, body = PlayerContent, headers(("etag" = String, description = "Changes with the content"))),
        (status = 304, description = "The client has it"),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn own(
    Player(claims): Player,
    InQuery(wanted): InQuery<Wanted>,
    headers: HeaderMap,
    State(region): State<Arc<Region>>,
) -> Result<Response, ApiError> {
    let current = region.content.current();
    let version = match wanted.version {
        None => current.version_for(claims.sub.as_u128()),
        Some(number) => current.version(number).ok_or(refusals::content::NO_VERSION)?,
    };
    let public = version.public();
    let has = |known: &str| known.split(',').any(|one| [public.etag.as_str(), "*"].contains(&one.trim()));
    let known =
        headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|known| known.to_str().ok()).any(has);
    let caching = [(header::ETAG, public.etag.as_str()), (header::CACHE_CONTROL, "private, no-cache")];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    Ok((caching, [(header::CONTENT_TYPE, "application/json")], public.text.clone()).into_response())
}

/// The catalogue of a version, as it was written: a host may know more forms than this program.
#[utoipa::path(
    get, path = "/internal/v1/content/{version}", tag = "internal", security(("service_token" = [])),
    params(("version" = u64, Path, description = "Its number; 0 is the one that the program came with")),
    responses(
        (status = 200, body = Catalogue),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn internal(
    _: Service,
    InPath(version): InPath<u64>,
    State(reader): State<Reader>,
) -> Result<Response, ApiError> {
    let text = match reader.region.content.known(version) {
        Some(known) => serde_json::to_string(&*known.catalogue).expect("a catalogue is plain data"),
        None => reader.store.content_text(version).await?.ok_or(refusals::content::NO_VERSION)?,
    };
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}
