//! The regional API: characters, zones, leaderboards and the fleet of zone hosts, over DynamoDB. One axum router
//! that a plain server or AWS Lambda runs. It knows no simulation and holds nothing between two requests but
//! caches, so any number of it may run.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::FromRef as _;
use axum::http::HeaderValue;
use axum::serve::ListenerExt as _;
use token::KeyRing;
use tokio::net::TcpListener;

mod admin_keys;
mod audit;
mod bans;
mod clock;
pub mod config;
mod content;
mod edge;
mod erasure;
mod error;
mod extract;
mod idempotency;
mod keys;
mod metrics;
mod middleware;
pub mod migrations;
mod notices;
pub mod openapi;
mod overview;
mod party;
mod placement;
mod rate;
mod relation;
mod rooms;
mod roster;
mod routes;
mod state;
mod store;
mod tickets;
mod tournament;
mod watch;

pub use config::{ApiConfig, ConfigError};
pub use migrations::MigrationError;
pub use rate::RateLimit;
pub use store::boards::{ImportError, import_board};
pub use store::personal::personal_tables;
pub use store::{StoreError, connect as store_client};

use admin_keys::AdminKeys;
use audit::Auditor;
use content::Reader;
use edge::EdgeClient;
use erasure::SettleMillis;
use keys::AccessKeys;
use metrics::Metrics;
use middleware::Surroundings;
use overview::Overview;
use rate::{Limits, Rates};
use state::{AppState, Region, ServiceToken, SharedSecret};
use store::Store;
use watch::Watch;

/// How long requests may go on after the server was told to stop.
const DRAIN_SECS_MAX: u64 = 15;

/// Why the API does not start, or stops.
#[derive(Debug, thiserror::Error)]
pub enum ApiStartError {
    /// The configuration has faults.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The listener failed.
    #[error("the listener failed: {0}")]
    Listener(#[from] std::io::Error),
}

impl ApiStartError {
    /// The kind as a metric label.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Config(error) => error.kind(),
            Self::Listener(_) => "listener",
        }
    }
}

/// The API, ready to be run by a server.
#[derive(Debug, Clone)]
pub struct Api {
    router: Router,
}

impl Api {
    /// Builds the API. Nothing is called yet: the store and the edge are called when a request needs them, so
    /// the parts of a region may start in any order.
    pub async fn connect(config: ApiConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        let tickets = KeyRing::new(&config.ticket_keys)
            .map_err(|error| ConfigError { faults: vec![format!("ticket_keys: {error}")] })?;
        let client = store::connect(&config).await;
        let metrics = Arc::new(Metrics::default());
        let store = Store::new(client, &config);
        let owner = config.owner_key.as_deref().map(SharedSecret::new);
        let rates = Arc::new(Rates::new(Limits {
            player: config.rate_limit_player,
            admin: config.rate_limit_admin,
            address: config.rate_limit_address,
        }));
        let keys = Arc::new(AdminKeys::new(store.clone(), owner));
        let auditor = Auditor { store: store.clone(), keys, rates: Arc::clone(&rates) };
        let state = AppState {
            settle: SettleMillis(config.erase_settle_ms),
            rates: Arc::clone(&rates),
            watch: Arc::new(Watch::new(store.clone())),
            overview: Arc::new(Overview::new(store.clone())),
            edge: Arc::new(EdgeClient::new(&config.edge_url(), &config.service_token)),
            store,
            access: Arc::new(AccessKeys::new(
                &config.edge_jwks_url,
                Duration::from_secs(config.jwks_refresh_floor_secs),
                Duration::from_secs(config.jwks_age_secs_max),
            )),
            tickets: Arc::new(tickets),
            service: ServiceToken(SharedSecret::new(&config.service_token)),
            region: Arc::new(Region::new(config.region, config.catalogue)),
            metrics: Arc::clone(&metrics),
        };
        let origins = config.allowed_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
        let around = Surroundings {
            allowed_origins: origins.collect(),
            request_timeout: Duration::from_millis(config.request_timeout_ms),
            metrics,
            processor_times: config.processor_times,
            rates,
            address_header: config.client_address_header.as_deref().and_then(|name| name.parse().ok()),
        };
        let (router, _description) = routes::all();
        let reader = Reader::from_ref(&state);
        let router = router
            .with_state(state)
            .layer(axum::middleware::from_fn_with_state(reader, content::keep_current))
            .layer(axum::middleware::from_fn_with_state(auditor, audit::watch))
            .layer(axum::middleware::from_fn_with_state(around, middleware::surround));
        Ok(Self { router })
    }

    /// The routes with everything around them.
    pub fn router(&self) -> Router {
        self.router.clone()
    }
}

/// Serves the API on `listener` until `shutdown`, then lets running requests end within 15 s.
pub async fn serve(
    listener: TcpListener,
    config: ApiConfig,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ApiStartError> {
    let router = Api::connect(config).await?.router();
    // Answers are small and complete: waiting to fill a packet would only delay them.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
    });
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let shutdown = async move {
        shutdown.await;
        // The receiver is gone only if serving has ended already.
        let _ = stopping.send(());
    };
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(shutdown);
    let deadline = async {
        if stopped.await.is_ok() {
            tokio::time::sleep(Duration::from_secs(DRAIN_SECS_MAX)).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        served = serving => Ok(served?),
        () = deadline => {
            tracing::warn!("connections were cut off at the end of the drain");
            Ok(())
        }
    }
}
