//! The API under test as a process, and what it needs around it: a store engine in memory and the edge's keys.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use api_lambda::{ApiConfig, migrations};
use client::services::http_client;
use token::{KeyRing, SecretKey};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use super::{API_CORE, OTHER_CORE, Usages};
use crate::bench::machine::pin_to_core;
use crate::exit::Fault;

pub(super) const SERVICE_TOKEN: &str = "the-service-token-of-the-benchmark-000";
/// The seed of the ticket key: 32 bytes of 0x09 in base64url.
const TICKET_SEED: &str = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk";
/// How often the start is measured.
const STARTS: usize = 9;
/// How long the program may take to answer first.
const START_MAX: Duration = Duration::from_secs(20);
/// No limit that the benchmark meets, though every request is charged as always.
const NO_RATE_LIMIT: &str = "{per_second=1000000,burst=1000000}";

/// What the API talks to.
pub(super) struct World {
    pub(super) store: String,
    jwks_url: String,
    pub(super) edge: KeyRing,
}

impl World {
    pub(super) async fn start() -> Result<Self, Fault> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Fault::failed)?;
        let store = format!("http://{}", listener.local_addr().map_err(Fault::failed)?);
        let database = dynoxide::Database::memory().map_err(Fault::failed)?;
        tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, std::future::pending()));
        let edge = KeyRing::new(&[SecretKey::from_seed("edge", &[1; 32])]).map_err(Fault::failed)?;
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Fault::failed)?;
        let jwks_url = format!("http://{}/jwks.json", listener.local_addr().map_err(Fault::failed)?);
        let keys = edge.public().clone();
        let answer = move || async move { axum::Json(keys) };
        let router = axum::Router::new().route("/jwks.json", axum::routing::get(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let config = ApiConfig { dynamodb_endpoint: Some(store.clone()), ..ApiConfig::default() };
        migrations::apply(&config).await.map_err(Fault::failed)?;
        Ok(Self { store, jwks_url, edge })
    }
}

/// The running API. It ends when this is dropped.
pub(super) struct Server {
    child: Child,
    pub(super) url: String,
    pub(super) http: reqwest::Client,
    /// From its start to the first answer.
    start: Duration,
}

impl Server {
    pub(super) async fn start(program: &Path, world: &World) -> Result<Self, Fault> {
        let probe = TcpListener::bind("127.0.0.1:0").await.map_err(Fault::failed)?;
        let address = probe.local_addr().map_err(Fault::failed)?;
        drop(probe);
        let mut command = Command::new(program);
        command
            .env("GRATICULE_API_LISTEN", address.to_string())
            .env("GRATICULE_API_LOG_FILTER", "warn")
            .env("GRATICULE_API_PROCESSOR_TIMES", "true")
            .env("GRATICULE_API_EDGE_JWKS_URL", &world.jwks_url)
            .env("GRATICULE_API_DYNAMODB_ENDPOINT", &world.store)
            .env("GRATICULE_API_SERVICE_TOKEN", SERVICE_TOKEN)
            .env("GRATICULE_API_TICKET_KEYS", format!("[{{kid=\"ticket\",d=\"{TICKET_SEED}\"}}]"))
            .env("GRATICULE_API_RATE_LIMIT_PLAYER", NO_RATE_LIMIT)
            .env("GRATICULE_API_RATE_LIMIT_ADDRESS", NO_RATE_LIMIT)
            .stdout(Stdio::null())
            .kill_on_drop(true);
        // The child inherits the core of this thread.
        pin_to_core(API_CORE);
        let started = Instant::now();
        let child = command.spawn();
        pin_to_core(OTHER_CORE);
        let mut server = Self {
            child: child.map_err(Fault::failed)?,
            url: format!("http://{address}"),
            http: http_client(),
            start: Duration::ZERO,
        };
        server.wait(started).await?;
        Ok(server)
    }

    async fn wait(&mut self, started: Instant) -> Result<(), Fault> {
        loop {
            match self.http.get(format!("{}/health", self.url)).send().await {
                Ok(answer) if answer.status().is_success() => {
                    self.start = started.elapsed();
                    return Ok(());
                }
                _ if started.elapsed() > START_MAX => {
                    return Err(Fault::failed("the program of the API does not answer"));
                }
                _ => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    }

    /// The number of the process.
    pub(super) fn process(&self) -> String {
        self.child.id().map_or_else(String::new, |id| id.to_string())
    }

    /// What it has used of the store since its start.
    pub(super) async fn usage(&self) -> Result<Usages, Fault> {
        let answer = self.http.get(format!("{}/metrics", self.url)).send().await.map_err(Fault::failed)?;
        Ok(Usages::parse(&answer.text().await.map_err(Fault::failed)?))
    }
}

/// The median time from the start of the program to its first answer.
pub(super) async fn median_start_ms(program: &Path, world: &World) -> Result<f64, Fault> {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(Server::start(program, world).await?.start);
    }
    starts.sort_unstable();
    Ok(starts[STARTS / 2].as_secs_f64() * 1_000.0)
}
