//! Routes about the API itself: health, readiness, counters, its description and its keys.

use std::sync::{Arc, LazyLock};

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use domain::contract::Problem;
use domain::token::Jwks;
use token::KeyRing;

use crate::error::ApiError;
use crate::metrics::Metrics;
use crate::store::Store;

/// Whether the process runs.
#[utoipa::path(get, path = "/health", tag = "operational", responses((status = 200, body = String)))]
pub(crate) async fn health() -> &'static str {
    "ok"
}

/// Whether requests can be served: the store answers and its tables are there.
#[utoipa::path(
    get, path = "/ready", tag = "operational",
    responses(
        (status = 200, body = String),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn ready(State(store): State<Store>) -> Result<&'static str, ApiError> {
    store.ping().await?;
    Ok("ready")
}

/// Counters in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operational", responses((status = 200, body = String)))]
pub(crate) async fn metrics(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], metrics.render())
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "operational", responses((status = 200, body = String)))]
pub(crate) async fn description() -> impl IntoResponse {
    static TEXT: LazyLock<String> = LazyLock::new(crate::openapi::text);
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str())
}

/// The public keys that tickets are signed with.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "operational",
    responses((status = 200, body = Jwks))
)]
pub(crate) async fn ticket_keys(State(tickets): State<Arc<KeyRing>>) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(tickets.public().clone()))
}
