//! `/admin/v1/content`: versions of the catalogue. What they mean is told in `docs/CONTENT.md`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::catalogue::Catalogue;
use domain::contract::Problem;
use domain::contract::content::{
    ContentCheck, ContentDiff, ContentDocument, ContentPublished, ContentVersionList, PublishContent,
};
use domain::limits::CATALOGUE_BYTES_MAX;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::content::{Reader, Version};
use crate::error::{ApiError, Refusal, refusals};
use crate::extract::{Admin, Document, InPath, InQuery, Paging, Role};
use crate::state::Region;
use crate::store::Store;
use crate::store::content::CatalogueText;

pub(crate) mod flags;
pub(crate) mod pointer;
pub(crate) mod served;

/// Most characters of a note.
const NOTE_CHARS_MAX: usize = 200;
/// Most faults that an answer lists.
const FAULTS_TOLD_MAX: usize = 1_000;

/// A new version, for operators. It is checked as a whole and written once; nothing is in force by this. The same
/// catalogue again gives the version that it already is.
#[utoipa::path(
    post, path = "/admin/v1/content/versions", tag = "content", security(("admin_key" = [])),
    request_body = PublishContent,
    responses(
        (status = 201, body = ContentPublished),
        (status = 200, body = ContentPublished, description = "It was published before"),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn publish(
    admin: Admin,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Document(body): Document<PublishContent>,
) -> Result<(StatusCode, Json<ContentPublished>), ApiError> {
    admin.need(Role::Operator)?;
    let text = text_of(&body.catalogue);
    if text.len() > CATALOGUE_BYTES_MAX {
        return Err(too_large(text.len()).into());
    }
    let mut faults = body.catalogue.faults();
    faults.extend(note_fault(&body.note));
    demand_none(&faults)?;
    let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(&text));
    let catalogue = CatalogueText { text, digest, note: body.note };
    let (version, is_new) = store.publish_content(&catalogue, crate::clock::now()).await?;
    let changes = region.catalogue().diff(&body.catalogue);
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(ContentPublished { version, changes })))
}

/// Checks a catalogue as publishing would, and writes nothing. For operators.
#[utoipa::path(
    post, path = "/admin/v1/content/versions/validate", tag = "content", security(("admin_key" = [])),
    request_body = PublishContent,
    responses(
        (status = 200, body = ContentCheck),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn validate(
    admin: Admin,
    State(region): State<Arc<Region>>,
    Document(body): Document<PublishContent>,
) -> Result<Json<ContentCheck>, ApiError> {
    admin.need(Role::Operator)?;
    let bytes = text_of(&body.catalogue).len();
    let mut faults = body.catalogue.faults();
    faults.extend(note_fault(&body.note));
    if bytes > CATALOGUE_BYTES_MAX {
        faults.push(format!("catalogue: its text has {bytes} bytes, more than {CATALOGUE_BYTES_MAX}"));
    }
    let changes = region.catalogue().diff(&body.catalogue);
    Ok(Json(ContentCheck { faults, bytes: bytes as u64, changes }))
}

fn text_of(catalogue: &Catalogue) -> String {
    serde_json::to_string(catalogue).expect("a catalogue is plain data")
}

fn too_large(bytes: usize) -> Refusal {
    refusals::content::TOO_LARGE.because(format!(
        "the text of this catalogue has {bytes} bytes without white space, and at most {CATALOGUE_BYTES_MAX} are \
         stored: leave out what is not used"
    ))
}

fn note_fault(note: &str) -> Option<String> {
    let good = note.chars().count() <= NOTE_CHARS_MAX && !note.chars().any(char::is_control);
    (!good).then(|| format!("note: at most {NOTE_CHARS_MAX} characters on one line are allowed"))
}

/// Refuses what has faults, with all of them, each on a line of its own.
pub(super) fn demand_none(faults: &[String]) -> Result<(), ApiError> {
    if faults.is_empty() {
        return Ok(());
    }
    let told = faults.iter().take(FAULTS_TOLD_MAX).map(String::as_str).collect::<Vec<_>>().join("\n");
    let more = match faults.len().saturating_sub(FAULTS_TOLD_MAX) {
        0 => String::new(),
        more => format!("\nand {more} more"),
    };
    Err(refusals::content::FAULTS.because(format!("{} faults\n{told}{more}", faults.len())).into())
}

/// The versions, the newest first. For operators.
#[utoipa::path(
    get, path = "/admin/v1/content/versions", tag = "content", security(("admin_key" = [])),
    params(Paging),
    responses(
        (status = 200, body = ContentVersionList),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    admin: Admin,
    InQuery(paging): InQuery<Paging>,
    State(store): State<Store>,
) -> Result<Json<ContentVersionList>, ApiError> {
    admin.need(Role::Operator)?;
    let (limit, cursor) = paging.checked()?;
    let (versions, next) = store.content_versions(limit, cursor.as_ref()).await?;
    Ok(Json(ContentVersionList { versions, next: next.map(String::from) }))
}

/// A version with its catalogue. For operators.
#[utoipa::path(
    get, path = "/admin/v1/content/versions/{version}", tag = "content", security(("admin_key" = [])),
    params(("version" = u64, Path, description = "Its number")),
    responses(
        (status = 200, body = ContentDocument),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read(
    admin: Admin,
    InPath(version): InPath<u64>,
    State(reader): State<Reader>,
) -> Result<Json<ContentDocument>, ApiError> {
    admin.need(Role::Operator)?;
    let listed = reader.store.content_version(version).await?.ok_or(refusals::content::NO_VERSION)?;
    let catalogue = Catalogue::clone(&load(&reader, version).await?.catalogue);
    Ok(Json(ContentDocument { version: listed, catalogue }))
}

/// Which two versions to compare; 0 is the one that the program came with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FromTo {
    from: u64,
    to: u64,
}

/// How a version differs from another. For operators.
#[utoipa::path(
    get, path = "/admin/v1/content/diff", tag = "content", security(("admin_key" = [])),
    params(
        ("from" = u64, Query, description = "The one; 0 is the one that the program came with"),
        ("to" = u64, Query, description = "The other"),
    ),
    responses(
        (status = 200, body = ContentDiff),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn diff(
    admin: Admin,
    InQuery(FromTo { from, to }): InQuery<FromTo>,
    State(reader): State<Reader>,
) -> Result<Json<ContentDiff>, ApiError> {
    admin.need(Role::Operator)?;
    let (old, new) = (load(&reader, from).await?, load(&reader, to).await?);
    Ok(Json(ContentDiff { from, to, changes: old.catalogue.diff(&new.catalogue) }))
}

/// The version of this number, for requests that name one.
async fn load(reader: &Reader, number: u64) -> Result<Arc<Version>, ApiError> {
    match reader.version(number).await? {
        Some(Ok(version)) => Ok(version),
        Some(Err(error)) => Err(refusals::content::UNREADABLE
            .because(format!("{error}: use the program that wrote it"))
            .into()),
        None => Err(refusals::content::NO_VERSION.into()),
    }
}
