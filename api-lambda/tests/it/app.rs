//! The app under test: the API's router on loopback HTTP, over a DynamoDB engine in memory and an edge that
//! publishes real keys, all in this process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use api_lambda::{ApiConfig, migrations};
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::contract::hosts::{HostRegistered, RegisterHost};
use domain::contract::players::Character;
use domain::ids::{AccountId, HostId, SessionId};
use domain::limits::HOST_HEARTBEAT_MILLIS;
use domain::time::UnixMillis;
use domain::token::{ACCESS_AUDIENCE, ACCESS_ISSUER, AccessClaims};
use reqwest::{Method, RequestBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use token::{KeyRing, SecretKey};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, oneshot};

use crate::proxy::Proxy;

pub(crate) const SERVICE_TOKEN: &str = "a-service-token-of-the-tests-0123456789";
pub(crate) const OWNER_KEY: &str = "an-owner-key-of-the-tests-0123456789";

/// An edge that only publishes keys, and counts how often it is asked.
pub(crate) struct Edge {
    pub(crate) url: String,
    pub(crate) asked: AtomicU64,
    pub(crate) broken: AtomicBool,
    pub(crate) ring: Mutex<KeyRing>,
}

async fn keys(State(edge): State<Arc<Edge>>) -> Response {
    edge.asked.fetch_add(1, Ordering::SeqCst);
    if edge.broken.load(Ordering::SeqCst) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    Json(edge.ring.lock().await.public().clone()).into_response()
}

pub(crate) fn ring(kid: &str, seed: u8) -> KeyRing {
    KeyRing::new(&[SecretKey::from_seed(kid, &[seed; 32])]).expect("a good key")
}

impl Edge {
    async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/.well-known/jwks.json", listener.local_addr().expect("bound"));
        let edge = Arc::new(Self {
            url,
            asked: AtomicU64::new(0),
            broken: AtomicBool::new(false),
            ring: Mutex::new(ring("edge-1", 1)),
        });
        let router = axum::Router::new()
            .route("/.well-known/jwks.json", axum::routing::get(keys))
            .with_state(Arc::clone(&edge));
        tokio::spawn(async move { axum::serve(listener, router).await });
        edge
    }
}

/// A client whose TLS is ready, as that of every program of ours.
pub(crate) fn http() -> reqwest::Client {
    // An error means that another test has installed the provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    UnixMillis::new(u64::try_from(since.as_millis()).expect("before the end of time"))
}

pub(crate) fn random() -> u128 {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("random bytes");
    u128::from_le_bytes(bytes)
}

pub(crate) fn claims(account: AccountId) -> AccessClaims {
    AccessClaims {
        iss: ACCESS_ISSUER.into(),
        aud: ACCESS_AUDIENCE.into(),
        sub: account,
        sid: SessionId::new(now(), random()),
        iat: now().as_secs(),
        exp: now().as_secs() + 900,
    }
}

/// How many times as long random histories are than they need to be each time: `GRATICULE_TEST_ROUNDS`, else once.
pub(crate) fn rounds() -> u32 {
    std::env::var("GRATICULE_TEST_ROUNDS").map_or(1, |rounds| rounds.parse().expect("a number"))
}

/// A store engine: embedded and in memory, or the one that `GRATICULE_TEST_DYNAMODB_ENDPOINT` names, so that the
/// same tests check another engine. Each app has tables of its own there.
pub(crate) struct Engine {
    pub(crate) url: String,
    pub(crate) table_prefix: String,
    stop: Option<oneshot::Sender<()>>,
    ended: Option<tokio::task::JoinHandle<Result<(), String>>>,
}

impl Engine {
    pub(crate) async fn start() -> Self {
        match std::env::var("GRATICULE_TEST_DYNAMODB_ENDPOINT") {
            Ok(url) => {
                let table_prefix = format!("test-{:032x}-", random());
                Self { url, table_prefix, stop: None, ended: None }
            }
            Err(_) => Self::start_embedded().await,
        }
    }

    /// For tests that stop it.
    pub(crate) async fn start_embedded() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let database = dynoxide::Database::memory().expect("a database");
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let serving = dynoxide::server::serve_with_shutdown(listener, database, shutdown);
        Self { url, table_prefix: "graticule-".into(), stop: Some(stop), ended: Some(tokio::spawn(serving)) }
    }

    /// A client of its own, for what the API never writes.
    pub(crate) fn client(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(Region::new("eu-central-1"))
            .endpoint_url(&self.url)
            .credentials_provider(Credentials::new("local", "local", None, None, "test"));
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// Every item of every table of this app, as text, by the table's name without the prefix.
    pub(crate) async fn everything(&self) -> BTreeMap<String, Vec<String>> {
        let client = self.client();
        // An engine that several apps share has more tables than one page tells.
        let tables = client.list_tables().into_paginator().items().send().collect::<Result<Vec<_>, _>>();
        let mut found = BTreeMap::new();
        for table in tables.await.expect("tables") {
            let Some(name) = table.strip_prefix(&self.table_prefix) else { continue };
            let pages = client.scan().table_name(&table).into_paginator().items().send();
            let items: Vec<_> = pages.collect::<Result<Vec<_>, _>>().await.expect("items");
            found.insert(name.to_owned(), items.iter().map(|item| format!("{item:?}")).collect());
        }
        found
    }

    /// Ends the engine: nothing listens at its address any more.
    pub(crate) async fn stop(&mut self) {
        let _ = self.stop.take().expect("stopped once").send(());
        self.ended.take().expect("stopped once").await.expect("no panic").expect("a clean end");
    }
}

pub(crate) struct App {
    pub(crate) url: String,
    pub(crate) edge: Arc<Edge>,
    pub(crate) engine: Engine,
    pub(crate) http: reqwest::Client,
    /// The API that hosts tell that they live: the first on the store, whatever befalls the calls of another one.
    sound: String,
    /// Where this is, requests go to the sound API but while it says so.
    pub(crate) aside: Option<Arc<Proxy>>,
    living: Living,
}

/// The tasks that keep hosts alive.
#[derive(Default)]
struct Living(std::sync::Mutex<Vec<tokio::task::AbortHandle>>);

impl Living {
    fn end(&self) {
        self.0.lock().expect("not poisoned").drain(..).for_each(|task| task.abort());
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        self.end();
    }
}

/// The configuration of an app on this engine and edge.
pub(crate) fn config(engine: &Engine, edge: &str) -> ApiConfig {
    ApiConfig {
        edge_jwks_url: edge.to_owned(),
        dynamodb_endpoint: Some(engine.url.clone()),
        table_prefix: engine.table_prefix.clone(),
        service_token: SERVICE_TOKEN.into(),
        owner_key: Some(OWNER_KEY.into()),
        ticket_keys: vec![SecretKey::from_seed("ticket-1", &[9; 32])],
        allowed_origins: vec!["http://page.example:8080".into()],
        ..ApiConfig::default()
    }
}

impl App {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut ApiConfig)) -> Self {
        Self::start_on(Engine::start().await, change).await
    }

    pub(crate) async fn start_on(engine: Engine, change: impl FnOnce(&mut ApiConfig)) -> Self {
        let edge = Edge::start().await;
        let mut config = config(&engine, &edge.url);
        change(&mut config);
        // Short times are for requests: many tables at once take longer on a machine that has other work.
        let ApiConfig { store_attempt_timeout_ms, store_timeout_ms, .. } = ApiConfig::default();
        let patient = ApiConfig { store_attempt_timeout_ms, store_timeout_ms, ..config.clone() };
        migrations::apply(&patient).await.expect("a fresh store is migrated");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(api_lambda::serve(listener, config, std::future::pending()));
        Self { sound: url.clone(), url, edge, engine, http: http(), aside: None, living: Living::default() }
    }

    /// Another API on the same store, as another process of the same or another region would be.
    pub(crate) async fn beside(&self, change: impl FnOnce(&mut ApiConfig)) -> Self {
        let engine = Engine {
            url: self.engine.url.clone(),
            table_prefix: self.engine.table_prefix.clone(),
            stop: None,
            ended: None,
        };
        let mut config = config(&engine, &self.edge.url);
        change(&mut config);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(api_lambda::serve(listener, config, std::future::pending()));
        Self {
            url,
            edge: Arc::clone(&self.edge),
            engine,
            http: http(),
            sound: self.sound.clone(),
            aside: None,
            living: Living::default(),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let is_aside = self.aside.as_ref().is_some_and(|proxy| !proxy.is_on_trial());
        let url = if is_aside { &self.sound } else { &self.url };
        self.http.request(method, format!("{url}{path}"))
    }

    /// A player with a fresh account.
    pub(crate) async fn player(&self) -> Player<'_> {
        let account = AccountId::new(now(), random());
        let token = self.edge.ring.lock().await.sign(&claims(account));
        Player { app: self, account, token }
    }

    /// A request with the service token and a body.
    pub(crate) async fn internal(&self, path: &str, body: &impl Serialize) -> Answer {
        let request = self.request(Method::POST, &format!("/internal/v1{path}"));
        send(request.bearer_auth(SERVICE_TOKEN).json(body)).await
    }

    /// A request of the owner.
    pub(crate) fn owner(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, &format!("/admin/v1{path}")).bearer_auth(OWNER_KEY)
    }

    /// A host that runs these zones.
    pub(crate) async fn host(&self, zones: &[&str]) -> (HostId, HostRegistered) {
        let host = HostId::new(now(), random());
        let answer = self.internal("/hosts", &registration(host, zones)).await;
        (host, answer.ok(200))
    }

    /// A host that lives as long as the app does, however slow the test is.
    pub(crate) async fn living_host(&self, zones: &[&str]) -> (HostId, HostRegistered) {
        let (host, registered) = self.host(zones).await;
        let beat = serde_json::json!({ "instances": [], "tick_p99_us": 1, "draining": false });
        let url = format!("{}/internal/v1/hosts/{host}/heartbeat", self.sound);
        let request = self.http.post(url).bearer_auth(SERVICE_TOKEN).json(&beat);
        let task = tokio::spawn(async move {
            let mut pace = tokio::time::interval(Duration::from_millis(HOST_HEARTBEAT_MILLIS));
            loop {
                pace.tick().await;
                // One that is lost is followed by another.
                let _ = request.try_clone().expect("a body that is there").send().await;
            }
        });
        self.living.0.lock().expect("not poisoned").push(task.abort_handle());
        (host, registered)
    }

    /// Lets the living hosts die, so that a test that makes many is not busy with keeping them alive.
    pub(crate) fn let_hosts_die(&self) {
        self.living.end();
    }

    /// The value of a counter.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let text = send(self.request(Method::GET, "/metrics")).await.text;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map_or(0, |value| value.trim().parse().expect("a number"))
    }
}

pub(crate) fn registration(host: HostId, zones: &[&str]) -> RegisterHost {
    RegisterHost {
        host,
        region: "local".into(),
        url: "ws://127.0.0.1:7200".into(),
        wire_version: 1,
        zones: zones.iter().map(|zone| zone.parse().expect("a zone name")).collect(),
    }
}

pub(crate) struct Player<'a> {
    pub(crate) app: &'a App,
    pub(crate) account: AccountId,
    pub(crate) token: String,
}

impl Player<'_> {
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.app.request(method, path).bearer_auth(&self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &impl Serialize) -> Answer {
        send(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn post_keyed(&self, path: &str, key: &str, body: &impl Serialize) -> Answer {
        send(self.request(Method::POST, path).header("idempotency-key", key).json(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &impl Serialize) -> Answer {
        send(self.request(Method::PUT, path).json(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &impl Serialize) -> Answer {
        send(self.request(Method::PATCH, path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn create(&self, name: &str) -> Character {
        self.post("/v1/characters", &serde_json::json!({ "name": name })).await.ok(201)
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, text: response.text().await.expect("a body") }
}

impl Answer {
    /// The body of an answer with this status.
    #[track_caller]
    pub(crate) fn ok<T: DeserializeOwned>(&self, status: u16) -> T {
        assert_eq!(self.status, status, "{}", self.text);
        serde_json::from_str(&self.text).expect(&self.text)
    }

    /// Asserts that this is the problem `code`, in the form of every problem.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> domain::contract::Problem {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem: domain::contract::Problem = serde_json::from_str(&self.text).expect(&self.text);
        assert_eq!((problem.status, problem.code.as_str()), (status, code), "{}", problem.detail);
        let correlation = problem.correlation_id.expect("an id").to_string();
        assert_eq!(self.headers["x-correlation-id"], correlation.as_str());
        assert_eq!(matches!(status, 429 | 503), self.headers.contains_key("retry-after"), "{code}");
        problem
    }
}
