//! From a request to an answer: paths, bodies, origins, correlation ids and errors.

use domain::contract::edge::RegionReport;
use domain::contract::{CORRELATION_HEADER, PROBLEM_MEDIA_TYPE};
use domain::ids::CorrelationId;
use domain::limits::BODY_BYTES_MAX;
use domain::time::UnixMillis;
use domain::token::JWKS_PATH;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::accounts;
use crate::config::EdgeConfig;
use crate::error::EdgeError;
use crate::request::{EdgeRequest, EdgeResponse};
use crate::resolve::{ResolveQuery, resolve};
use crate::sessions;
use crate::store::{Database, Store};

/// Seconds for which verifiers may keep the published keys.
const JWKS_CACHE_SECS: u32 = 300;

/// What a handler has beside the request.
pub struct Context<'a, D> {
    /// What the edge was told.
    pub config: &'a EdgeConfig,
    /// Where it keeps things.
    pub database: &'a D,
    /// The time.
    pub now: UnixMillis,
    /// Fills bytes that nobody can guess.
    pub entropy: fn(&mut [u8]),
    /// The address that the request came from.
    pub client_address: &'a str,
    /// Where faults of our own are told.
    pub log: fn(&str),
}

impl<'a, D> Context<'a, D> {
    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.entropy)(&mut bytes);
        bytes
    }

    pub(crate) fn store(&self) -> Store<'a, D> {
        Store { database: self.database }
    }
}

/// Answers a request. It never fails: what goes wrong is an answer too.
pub async fn handle<D: Database>(context: &Context<'_, D>, request: &EdgeRequest) -> EdgeResponse {
    let correlation = request.headers.correlation.as_deref().and_then(|text| text.parse().ok());
    let correlation: CorrelationId =
        correlation.unwrap_or_else(|| CorrelationId::new(context.now, u128::from_le_bytes(context.random())));
    let mut response = if request.method == "OPTIONS" {
        EdgeResponse { status: 204, headers: Vec::new(), body: Vec::new() }
    } else {
        route(context, request).await.unwrap_or_else(|error| {
            if error.parts().0 >= 500 {
                (context.log)(&format!("{correlation} {} {}: {error}", request.method, request.path));
            }
            refuse(&error, correlation)
        })
    };
    response.headers.push((CORRELATION_HEADER, correlation.to_string()));
    allow_origin(context.config, request, &mut response);
    response
}

async fn route<D: Database>(
    context: &Context<'_, D>,
    request: &EdgeRequest,
) -> Result<EdgeResponse, EdgeError> {
    let method = request.method.as_str();
    match (method, request.path.as_str()) {
        ("GET", "/health") => {
            context.store().region_health().await?;
            json(200, &serde_json::json!({ "status": "ok" }))
        }
        ("GET", "/v1/resolve") => {
            let query = ResolveQuery::parse(&request.query)?;
            let health = context.store().region_health().await?;
            let geo = request.geo.clone().unwrap_or_default();
            let answer = resolve(&context.config.regions, &health, &geo, &query, context.now)?;
            let cache = format!("private, max-age={}", answer.cache_secs);
            json(200, &answer).map(|response| with_header(response, "cache-control", cache))
        }
        ("POST", "/v1/accounts") => secret(201, &sessions::register(context, body(request)?).await?),
        ("POST", "/v1/sessions") => secret(200, &sessions::sign_in(context, body(request)?).await?),
        ("POST", "/v1/sessions/refresh") => secret(200, &sessions::refresh(context, body(request)?).await?),
        ("DELETE", "/v1/sessions/current") => {
            check_size(request)?;
            sessions::sign_out(context, request.headers.authorization.as_deref()).await?;
            Ok(EdgeResponse { status: 204, headers: Vec::new(), body: Vec::new() })
        }
        ("GET", JWKS_PATH) => {
            let cache = format!("public, max-age={JWKS_CACHE_SECS}");
            json(200, context.config.keys.public())
                .map(|response| with_header(response, "cache-control", cache))
        }
        ("PUT", path) if region_of(path).is_some() => {
            let region = region_of(path).expect("just seen");
            report_region(context, request, region).await
        }
        (method, path) if accounts::serves(method, path) => {
            demand_service(context, request)?;
            accounts::answer(context, request).await
        }
        (_, path) => {
            Err(methods_of(path).map_or_else(|| EdgeError::NotFound(path.to_owned()), EdgeError::Method))
        }
    }
}

fn region_of(path: &str) -> Option<&str> {
    path.strip_prefix("/v1/regions/")?.strip_suffix("/health")
}

fn methods_of(path: &str) -> Option<&'static str> {
    match path {
        "/health" | "/v1/resolve" | JWKS_PATH => Some("GET"),
        "/v1/accounts" => Some("GET, POST"),
        "/v1/sessions" | "/v1/sessions/refresh" => Some("POST"),
        "/v1/sessions/current" => Some("DELETE"),
        _ => region_of(path).map(|_| "PUT").or_else(|| accounts::methods_of(path)),
    }
}

fn demand_service<D>(context: &Context<'_, D>, request: &EdgeRequest) -> Result<(), EdgeError> {
    let shown = request.headers.authorization.as_deref().and_then(bearer);
    if shown.is_some_and(|shown| equal_in_constant_time(shown, &context.config.service_token)) {
        Ok(())
    } else {
        Err(EdgeError::ServiceToken)
    }
}

async fn report_region<D: Database>(
    context: &Context<'_, D>,
    request: &EdgeRequest,
    region: &str,
) -> Result<EdgeResponse, EdgeError> {
    demand_service(context, request)?;
    if !context.config.regions.iter().any(|known| known.region == region) {
        return Err(EdgeError::NotFound(request.path.clone()));
    }
    let report: RegionReport = body(request)?;
    context.store().report_region(region, &report, context.now).await?;
    Ok(EdgeResponse { status: 204, headers: Vec::new(), body: Vec::new() })
}

/// The token of an Authorization header (RFC 6750); the word before it counts without case.
pub(crate) fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Compares without telling by the time where the texts differ.
fn equal_in_constant_time(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let differences = one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && differences == 0
}

fn check_size(request: &EdgeRequest) -> Result<(), EdgeError> {
    if request.body.len() > BODY_BYTES_MAX { Err(EdgeError::TooLarge(BODY_BYTES_MAX)) } else { Ok(()) }
}

/// Reads a body, which is an object in all routes. serde would take an array of the values in the order of the fields
/// for it as well.
pub(crate) fn body<T: DeserializeOwned>(request: &EdgeRequest) -> Result<T, EdgeError> {
    check_size(request)?;
    let media = request.headers.content_type.as_deref().and_then(|value| value.split(';').next());
    if !media.is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json")) {
        return Err(EdgeError::MediaType);
    }
    if request.body.trim_ascii_start().starts_with(b"[") {
        let text = "the body is not what is asked for here: it must be an object, not an array";
        return Err(EdgeError::BadRequest(text.to_owned()));
    }
    serde_json::from_slice(&request.body)
        .map_err(|error| EdgeError::BadRequest(format!("the body is not what is asked for here: {error}")))
}

fn json(status: u16, value: &impl Serialize) -> Result<EdgeResponse, EdgeError> {
    let body = serde_json::to_vec(value).map_err(|error| EdgeError::BadRequest(error.to_string()))?;
    let headers = vec![("content-type", "application/json".to_owned())];
    Ok(EdgeResponse { status, headers, body })
}

/// An answer that nobody on the way may keep.
pub(crate) fn secret(status: u16, value: &impl Serialize) -> Result<EdgeResponse, EdgeError> {
    json(status, value).map(|response| with_header(response, "cache-control", "no-store".to_owned()))
}

fn with_header(mut response: EdgeResponse, name: &'static str, value: String) -> EdgeResponse {
    response.headers.push((name, value));
    response
}

fn refuse(error: &EdgeError, correlation: CorrelationId) -> EdgeResponse {
    let mut problem = error.problem();
    problem.correlation_id = Some(correlation);
    let mut headers = vec![("content-type", PROBLEM_MEDIA_TYPE.to_owned())];
    if let Some(secs) = error.retry_after_secs() {
        headers.push(("retry-after", secs.to_string()));
    }
    if let EdgeError::Method(methods) = error {
        headers.push(("allow", (*methods).to_owned()));
    }
    let body = serde_json::to_vec(&problem).expect("a problem is plain JSON");
    EdgeResponse { status: problem.status, headers, body }
}

/// Lets pages of the allowed origins read the answer.
fn allow_origin(config: &EdgeConfig, request: &EdgeRequest, response: &mut EdgeResponse) {
    response.headers.push(("vary", "origin".to_owned()));
    let Some(origin) = &request.headers.origin else { return };
    if !config.allowed_origins.iter().any(|allowed| allowed == origin) {
        return;
    }
    let mut add = |name, value: &str| response.headers.push((name, value.to_owned()));
    add("access-control-allow-origin", origin);
    add("access-control-expose-headers", "x-correlation-id, retry-after");
    if request.method == "OPTIONS" {
        add("access-control-allow-methods", "GET, POST, DELETE");
        add("access-control-allow-headers", "authorization, content-type, x-correlation-id");
        add("access-control-max-age", "600");
    }
}
