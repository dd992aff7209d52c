//! What the API needs around it, in this process: a store engine in memory with its tables, and an edge that
//! publishes the keys of access tokens.

use api_lambda::{ApiConfig, migrations};
use domain::ids::{AccountId, SessionId};
use domain::time::UnixMillis;
use domain::token::{ACCESS_AUDIENCE, ACCESS_ISSUER, AccessClaims};
use token::{KeyRing, SecretKey};
use tokio::net::TcpListener;

/// The service token of the tests.
pub const SERVICE_TOKEN: &str = "a-service-token-of-the-tests-0123456789";

/// A listener on a free port, and its address as HTTP names it.
pub async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    (listener, url)
}

/// The time now.
#[must_use]
pub fn now() -> UnixMillis {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    UnixMillis::new(u64::try_from(now.as_millis()).expect("before the end of time"))
}

/// The parts around the API.
pub struct Surroundings {
    /// Address of the store engine, whose tables are made.
    pub store: String,
    /// Where the keys of access tokens are published.
    pub edge_jwks_url: String,
    edge: KeyRing,
}

impl Surroundings {
    /// Starts them. They end with the runtime.
    pub async fn start() -> Self {
        let edge = KeyRing::new(&[SecretKey::from_seed("edge-1", &[1; 32])]).expect("a key");
        let (socket, store) = listener().await;
        let database = dynoxide::Database::memory().expect("a database");
        tokio::spawn(dynoxide::server::serve_with_shutdown(socket, database, std::future::pending()));
        let config = ApiConfig { dynamodb_endpoint: Some(store.clone()), ..ApiConfig::default() };
        migrations::apply(&config).await.expect("a fresh store is migrated");
        let (socket, url) = listener().await;
        let keys = edge.public().clone();
        let answer = move || async move { axum::Json(keys) };
        let router = axum::Router::new().route("/.well-known/jwks.json", axum::routing::get(answer));
        tokio::spawn(async move { axum::serve(socket, router).await });
        Self { store, edge_jwks_url: format!("{url}/.well-known/jwks.json"), edge }
    }

    /// An access token of `account`, good for 15 minutes.
    #[must_use]
    pub fn access_token(&self, account: AccountId) -> String {
        let now = now();
        self.edge.sign(&AccessClaims {
            iss: ACCESS_ISSUER.into(),
            aud: ACCESS_AUDIENCE.into(),
            sub: account,
            sid: SessionId::new(now, 3),
            iat: now.as_secs(),
            exp: now.as_secs() + 900,
        })
    }
}
