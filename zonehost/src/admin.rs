//! What operators ask a host: is it alive, does it take players, how is it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;

use crate::platform::Platform;
use crate::shared::Shared;

pub(crate) fn router<P: Platform>(shared: Arc<Shared<P>>) -> Router {
    Router::new()
        .route("/health", get(async || "ok\n"))
        .route("/ready", get(ready::<P>))
        .route("/metrics", get(metrics::<P>))
        .with_state(shared)
}

async fn ready<P: Platform>(State(shared): State<Arc<Shared<P>>>) -> impl IntoResponse {
    if shared.is_draining() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining: no new players are taken in\n")
    } else if !shared.leased.load(Ordering::Relaxed) {
        (StatusCode::SERVICE_UNAVAILABLE, "the lease is not renewed: the API cannot be reached\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}

async fn metrics<P: Platform>(State(shared): State<Arc<Shared<P>>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], shared.metrics.render(shared.directory.connections()))
}
