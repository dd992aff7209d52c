//! The edge without a Worker: the same handlers on axum and SQLite, for a laptop and for tests.

mod database;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use domain::contract::CORRELATION_HEADER;
use domain::limits::BODY_BYTES_MAX;
use domain::time::UnixMillis;
use futures_util::StreamExt as _;
use token::SecretKey;
use tokio::net::TcpListener;

use crate::config::{EdgeConfig, RateLimits, Region};
use crate::handle::{Context, handle};
use crate::request::{EdgeRequest, EdgeResponse, Geo, Headers};

pub use database::{MigrationError, SqliteDatabase};

/// A body that is too large is read up to this, and thrown away, so that its sender gets the answer.
const BODY_READ_MAX: usize = 16 * 1024 * 1024;

/// How the native edge runs.
#[derive(Debug, Clone)]
pub struct NativeConfig {
    /// The regions.
    pub regions: Vec<Region>,
    /// Web origins whose pages may call the edge.
    pub allowed_origins: Vec<String>,
    /// What regions show when they report.
    pub service_token: String,
    /// Keys that sign access tokens, the first one at present.
    pub signing_keys: Vec<SecretKey>,
    /// The SQLite file; in memory without one.
    pub database: Option<PathBuf>,
    /// How often something may be tried.
    pub rate_limits: RateLimits,
    /// Where every player is taken to be, since nothing tells here.
    pub geo: Option<Geo>,
}

/// Why the native edge cannot run.
#[derive(Debug, thiserror::Error)]
pub enum EdgeStartError {
    /// The configuration is wrong; all its faults.
    #[error("the configuration of the edge is wrong:\n  {}", .0.join("\n  "))]
    Config(Vec<String>),
    /// The database is not one of ours, or of another version.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// The socket failed.
    #[error("the edge cannot serve: {0}")]
    Io(#[from] std::io::Error),
}

struct Shell {
    config: EdgeConfig,
    database: SqliteDatabase,
    geo: Option<Geo>,
}

/// Serves until `shutdown`, on a runtime of several threads.
pub async fn serve(
    listener: TcpListener,
    config: NativeConfig,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), EdgeStartError> {
    let database = SqliteDatabase::open(config.database.as_deref())?;
    let geo = config.geo;
    let config = EdgeConfig::new(
        config.regions,
        config.allowed_origins,
        config.service_token,
        &config.signing_keys,
        config.rate_limits,
    )
    .map_err(EdgeStartError::Config)?;
    let shell = Arc::new(Shell { config, database, geo });
    let router = Router::new().fallback(answer).with_state(shell);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(shutdown).await?;
    Ok(())
}

async fn answer(
    State(shell): State<Arc<Shell>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = read_body(body).await;
    let request = EdgeRequest {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: read_headers(&parts.headers),
        body,
        geo: shell.geo.clone(),
        client_address: peer.ip().to_string(),
    };
    let context = Context {
        config: &shell.config,
        database: &shell.database,
        now: unix_now(),
        entropy: |bytes| getrandom::fill(bytes).expect("the system has random bytes"),
        client_address: &request.client_address,
        log: |text| tracing::error!("{text}"),
    };
    if request.method == "POST" {
        // Hashing a password takes tens of milliseconds, for which the other requests must not wait.
        let runtime = tokio::runtime::Handle::current();
        into_axum(tokio::task::block_in_place(|| runtime.block_on(handle(&context, &request))))
    } else {
        into_axum(handle(&context, &request).await)
    }
}

/// The body, and of one that is too large only enough to know.
async fn read_body(body: Body) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut read = 0;
    let mut frames = body.into_data_stream();
    while let Some(Ok(frame)) = frames.next().await {
        read += frame.len();
        let room = (BODY_BYTES_MAX + 1).saturating_sub(kept.len());
        kept.extend_from_slice(&frame[..frame.len().min(room)]);
        if read > BODY_READ_MAX {
            break;
        }
    }
    kept
}

fn read_headers(headers: &HeaderMap) -> Headers {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Headers {
        authorization: text("authorization"),
        content_type: text("content-type"),
        origin: text("origin"),
        correlation: text(CORRELATION_HEADER),
    }
}

fn into_axum(answer: EdgeResponse) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

fn unix_now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis::new(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
