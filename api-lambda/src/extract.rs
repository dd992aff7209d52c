//! What handlers take out of a request: who asks, the path, the query, the idempotency key, the body. Every
//! refusal is an [`ApiError`] in words of our own.

use std::sync::Arc;

use axum::body::HttpBody as _;
use axum::extract::{FromRef, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{Extensions, header};
pub(crate) use domain::contract::admin::Role;
use domain::contract::{IDEMPOTENCY_HEADER, JobCall};
use domain::ids::AdminKeyId;
use domain::limits::{BODY_BYTES_MAX, CATALOGUE_BYTES_MAX};
use domain::token::AccessClaims;
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{ApiError, refusals};
use crate::keys::AccessKeys;
use crate::rate::{Caller, ChargeCell, Rates};
use crate::state::ServiceToken;
use crate::store::admin::audit::AuditKey;
use crate::store::cursor::Cursor;
use crate::watch::Watch;

/// Most characters of a detail that repeats what the caller sent.
const DETAIL_CHARS_MAX: usize = 300;

/// A body over the limit is read and thrown away up to this size, so that its sender gets to read the answer
/// instead of a broken connection.
const DISCARDED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The text of a catalogue with room for white space and for numbers written long.
const DOCUMENT_BYTES_MAX: usize = 4 * CATALOGUE_BYTES_MAX;

/// The player behind a checked access token.
pub(crate) struct Player(pub(crate) AccessClaims);

impl<S> FromRequestParts<S> for Player
where
    S: Send + Sync,
    Arc<AccessKeys>: FromRef<S>,
    Arc<Watch>: FromRef<S>,
    Arc<Rates>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let token = bearer(parts).ok_or(refusals::NO_TOKEN)?;
        let keys = Arc::<AccessKeys>::from_ref(state);
        let claims = keys.verify(token, crate::clock::now()).await?;
        charge(&Arc::<Rates>::from_ref(state), Caller::Player(claims.sub), &parts.extensions)?;
        Arc::<Watch>::from_ref(state).admit(claims.sub, &parts.method).await?;
        Ok(Self(claims))
    }
}

/// Takes one request out of the bucket of the caller, and leaves word of it for the headers of the answer.
pub(crate) fn charge(rates: &Rates, caller: Caller, extensions: &Extensions) -> Result<(), ApiError> {
    let charge = rates.charge(caller);
    if let Some(cell) = extensions.get::<ChargeCell>() {
        // One request has one caller; an extractor that is run twice finds the first charge here.
        let _ = cell.set(charge);
    }
    match charge.retry_after_secs {
        Some(secs) => Err(refusals::RATE_LIMITED.after(secs).into()),
        None => Ok(()),
    }
}

/// A service that has shown the service token.
pub(crate) struct Service;

impl<S> FromRequestParts<S> for Service
where
    S: Send + Sync,
    ServiceToken: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let shown = bearer(parts).ok_or(refusals::NO_SERVICE)?;
        if ServiceToken::from_ref(state).0.is(shown) { Ok(Self) } else { Err(refusals::NO_SERVICE.into()) }
    }
}

/// An administrator who has shown a key. Only the layer around the admin routes makes one, and that layer has
/// written the call to the audit log by then.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    pub(crate) role: Role,
    /// The key; none for the one of the configuration.
    pub(crate) key: Option<AdminKeyId>,
    pub(crate) name: Arc<str>,
    /// This call in the audit log.
    pub(crate) audit: AuditKey,
}

impl Admin {
    /// Refuses administrators below `role`.
    pub(crate) fn need(&self, role: Role) -> Result<(), ApiError> {
        if self.role >= role { Ok(()) } else { Err(refusals::ROLE_TOO_LOW.into()) }
    }

    /// Who asks, as the owner of an idempotency key.
    pub(crate) fn actor(&self) -> String {
        actor_of(self.key)
    }
}

/// The name of a key where keys are told apart.
pub(crate) fn actor_of(key: Option<AdminKeyId>) -> String {
    key.map_or_else(|| "owner".to_owned(), |key| key.to_string())
}

impl<S: Send + Sync> FromRequestParts<S> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| refusals::NO_ADMIN.into())
    }
}

/// Which page of a list: `?limit=` and `?cursor=`, the latter as the page before gave it.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// Entries, 20 unless told
    #[serde(default = "Paging::default_limit")]
    #[param(required = false, minimum = 1, maximum = 100)]
    limit: i32,
    /// `next` of the page before
    #[param(value_type = String, required = false)]
    cursor: Option<Cursor>,
}

impl Paging {
    /// For queries that hold more than a page: serde cannot flatten numbers out of a query.
    pub(crate) fn of(limit: Option<i32>, cursor: Option<Cursor>) -> Self {
        Self { limit: limit.unwrap_or_else(Self::default_limit), cursor }
    }
}

/// Most entries of a page.
pub(crate) const PAGE_MAX: i32 = 100;

impl Paging {
    const fn default_limit() -> i32 {
        20
    }

    /// Entries and start of the page.
    pub(crate) fn checked(self) -> Result<(i32, Option<Cursor>), ApiError> {
        if (1..=PAGE_MAX).contains(&self.limit) {
            return Ok((self.limit, self.cursor));
        }
        Err(ApiError::BadQuery(format!("limit: {} is not from 1 to {PAGE_MAX}", self.limit)))
    }
}

pub(crate) fn bearer(parts: &Parts) -> Option<&str> {
    let (scheme, token) = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// Parameters of the path.
pub(crate) struct InPath<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for InPath<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(refusal) => Err(ApiError::BadPath(shorten(&refusal.body_text()))),
        }
    }
}

/// Parameters of the query.
pub(crate) struct InQuery<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for InQuery<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(refusal) => Err(ApiError::BadQuery(shorten(&refusal.body_text()))),
        }
    }
}

/// The idempotency key, where one was sent.
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get(IDEMPOTENCY_HEADER) else { return Ok(Self(None)) };
        let visible =
            |key: &&str| (1..=128).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
        let key = value.to_str().ok().filter(visible).ok_or(refusals::BAD_IDEMPOTENCY_KEY)?;
        Ok(Self(Some(key.to_owned())))
    }
}

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T, S> FromRequest<S> for Body<T>
where
    T: DeserializeOwned + Serialize,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        read(request, BODY_BYTES_MAX, refusals::BODY_TOO_LARGE.into()).await.map(Self)
    }
}

/// Where a job goes on: the JSON body of its call, which may be left out.
pub(crate) struct Job(pub(crate) Option<Cursor>);

impl<S: Send + Sync> FromRequest<S> for Job {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if request.body().is_end_stream() {
            return Ok(Self(None));
        }
        let Body(call) = Body::<Option<JobCall>>::from_request(request, state).await?;
        let cursor = call.and_then(|call| call.cursor).map(Cursor::try_from).transpose();
        cursor.map(Self).map_err(|error| ApiError::BadBody(error.to_string()))
    }
}

/// A JSON body that may be larger than others: a catalogue, laid out for people.
pub(crate) struct Document<T>(pub(crate) T);

impl<T, S> FromRequest<S> for Document<T>
where
    T: DeserializeOwned + Serialize,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        read(request, DOCUMENT_BYTES_MAX, refusals::content::TOO_LARGE.into()).await.map(Self)
    }
}

fn is_json(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// The body, unless it has more than `bytes_max`.
async fn read_bytes(request: Request, bytes_max: usize) -> Result<Option<Vec<u8>>, ApiError> {
    let mut stream = request.into_body().into_data_stream();
    let mut bytes = Vec::new();
    let mut total = 0_usize;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| ApiError::BadBody("the body broke off".into()))?;
        total = total.saturating_add(chunk.len());
        if total > DISCARDED_BYTES_MAX {
            break;
        }
        if total <= bytes_max {
            bytes.extend_from_slice(&chunk);
        }
    }
    Ok((total <= bytes_max).then_some(bytes))
}

/// Reads a body, which is an object in all routes. serde would take an array of the values in the order of the fields
/// for any object as well, and the description does not tell of that.
async fn read<T: DeserializeOwned + Serialize>(
    request: Request,
    bytes_max: usize,
    too_large: ApiError,
) -> Result<T, ApiError> {
    let is_json = is_json(&request);
    let bytes = read_bytes(request, bytes_max).await?.ok_or(too_large)?;
    if !is_json {
        return Err(refusals::BODY_TYPE.into());
    }
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(not_an_object("it"));
    }
    let body: T = serde_json::from_slice(&bytes).map_err(|error| ApiError::BadBody(describe(&error)))?;
    if bytes.contains(&b'[')
        && let (Ok(sent), Ok(read)) = (serde_json::from_slice(&bytes), serde_json::to_value(&body))
        && let Some(place) = array_for_object(&sent, &read)
    {
        return Err(not_an_object(place.trim_start_matches('.')));
    }
    Ok(body)
}

fn not_an_object(what: &str) -> ApiError {
    let form = "the body does not have the form that this address takes";
    ApiError::BadBody(shorten(&format!("{form}: {what} must be an object, not an array")))
}

/// Where an array was sent that was read as an object: what was read tells so, written again.
fn array_for_object(sent: &Value, read: &Value) -> Option<String> {
    match (sent, read) {
        (Value::Array(_), Value::Object(_)) => Some(String::new()),
        (Value::Array(sent), Value::Array(read)) => sent
            .iter()
            .zip(read)
            .enumerate()
            .find_map(|(at, (sent, read))| Some(format!("[{at}]{}", array_for_object(sent, read)?))),
        (Value::Object(sent), Value::Object(read)) => sent
            .iter()
            .find_map(|(name, sent)| Some(format!(".{name}{}", array_for_object(sent, read.get(name)?)?))),
        _ => None,
    }
}

fn describe(error: &serde_json::Error) -> String {
    let text = if error.is_data() {
        format!("the body does not have the form that this address takes: {error}")
    } else {
        format!("the body is not JSON: {error}")
    };
    shorten(&text)
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= DETAIL_CHARS_MAX {
        return text.to_owned();
    }
    // The end says where, the beginning what.
    let head: String = text.chars().take(DETAIL_CHARS_MAX - 60).collect();
    let tail: Vec<char> = text.chars().rev().take(50).collect();
    format!("{head} ... {}", tail.into_iter().rev().collect::<String>())
}
