//! Serves the page to play on. Its files are part of the program, so that the command needs nothing else.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::ids::ZoneId;
use tokio::net::TcpListener;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../web/", $name)))),*]
    };
}

/// The files of the folder `web`.
const FILES: &[(&str, &str)] = files![
    "actions.js",
    "brush.js",
    "chat.js",
    "clock.js",
    "coder.js",
    "effects.js",
    "index.html",
    "inputs.js",
    "link.js",
    "main.js",
    "messages.js",
    "movement.js",
    "msgpack.js",
    "notices.js",
    "panel.js",
    "player.js",
    "prediction.js",
    "services.js",
    "style.css",
    "terrain.js",
    "view.js",
    "world.js",
];

struct Page {
    config: String,
}

/// Serves until `shutdown`.
pub(crate) async fn serve(
    listener: TcpListener,
    edge_url: String,
    zones: Vec<ZoneId>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let config = serde_json::json!({ "edge_url": edge_url, "zones": zones }).to_string();
    let router = Router::new()
        .route("/", get(async || file("index.html")))
        .route("/config.json", get(config_json))
        .route("/{name}", get(async |Path(name): Path<String>| file(&name)))
        .with_state(Arc::new(Page { config }));
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await
}

async fn config_json(State(page): State<Arc<Page>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], page.config.clone())
}

fn file(name: &str) -> Response {
    let Some((name, text)) = FILES.iter().find(|(known, _)| *known == name) else {
        return (StatusCode::NOT_FOUND, "there is no such file\n").into_response();
    };
    let kind = match name.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        _ => "text/javascript; charset=utf-8",
    };
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], *text).into_response()
}
