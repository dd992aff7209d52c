//! Matchmaking from end to end: edge, API, store and two zone hosts, of which one is the coordinator. It forms matches,
//! players enter the instance, and when it dies the other host goes on.

use std::time::{Duration, Instant};

use api_lambda::{ApiConfig, migrations};
use client::Connection;
use domain::catalogue::{Catalogue, ZoneDefinition};
use domain::contract::coordinator::CoordinatorLease;
use domain::contract::matchmaking::{MatchTicket, TicketState};
use domain::contract::players::{Character, JoinResponse};
use edge::config::{RateLimits, Region};
use edge::native::NativeConfig;
use reqwest::Method;
use serde_json::json;
use sim::rules::Rules;
use sim::rules::realm::Realm;
use system_tests::edge_suite::{SERVICE_TOKEN, signing_keys};
use tokio::net::TcpListener;
use zonehost::platform::api::ApiPlatform;
use zonehost::{HostConfig, RunningHost};

/// How long anything may take before the test gives up; it says nothing about how long it should take.
const PATIENCE: Duration = Duration::from_secs(40);

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    (listener, address)
}

/// Edge, API and store.
struct Platform {
    edge: String,
    api: String,
    http: reqwest::Client,
}

impl Platform {
    async fn start() -> Self {
        let (store_listener, store) = listener().await;
        let database = dynoxide::Database::memory().expect("a database");
        let pending = std::future::pending::<()>();
        tokio::spawn(dynoxide::server::serve_with_shutdown(store_listener, database, pending));
        let (edge_listener, edge) = listener().await;
        let (api_listener, api) = listener().await;
        let region = Region {
            region: "local".into(),
            api_url: format!("http://{api}"),
            latitude: 0.0,
            longitude: 0.0,
            continents: Vec::new(),
        };
        let config = NativeConfig {
            regions: vec![region],
            allowed_origins: Vec::new(),
            service_token: SERVICE_TOKEN.to_owned(),
            signing_keys: signing_keys(),
            database: None,
            rate_limits: RateLimits { per_address: 10_000, ..RateLimits::default() },
            geo: None,
        };
        tokio::spawn(edge::native::serve(edge_listener, config, std::future::pending()));
        let config = ApiConfig {
            edge_jwks_url: format!("http://{edge}{}", domain::token::JWKS_PATH),
            dynamodb_endpoint: Some(format!("http://{store}")),
            service_token: SERVICE_TOKEN.to_owned(),
            ticket_keys: vec![token::SecretKey::from_seed("ticket-1", &[9; 32])],
            ..ApiConfig::default()
        };
        let http = client::services::http_client();
        migrations::apply(&config).await.expect("a fresh store is migrated");
        tokio::spawn(api_lambda::serve(api_listener, config, std::future::pending()));
        Self { edge: format!("http://{edge}"), api: format!("http://{api}"), http }
    }

    async fn host(&self) -> RunningHost<ApiPlatform> {
        let (players, address) = listener().await;
        let (admin, _) = listener().await;
        let figment = HostConfig::defaults()
            .merge(("public_url", format!("ws://{address}")))
            .merge(("api_url", &self.api))
            .merge(("edge_url", &self.edge))
            .merge(("service_token", SERVICE_TOKEN))
            .merge(("zones", vec!["hub"]));
        let config = HostConfig::extract(&figment).expect("a good configuration");
        let platform = ApiPlatform::new(&config).expect("a client");
        let rules = |_: &ZoneDefinition| Box::new(Realm) as Box<dyn Rules>;
        let catalogue = Catalogue::builtin();
        zonehost::start(config, &catalogue, rules, platform, players, admin).await.expect("it starts")
    }

    /// Who is the coordinator.
    async fn coordinator(&self) -> CoordinatorLease {
        let request = self.http.get(format!("{}/internal/v1/coordinator/lease", self.api));
        request.bearer_auth(SERVICE_TOKEN).send().await.expect("an answer").json().await.expect("a lease")
    }

    async fn player(&self, name: &str) -> Player<'_> {
        let secret = format!("a device that plays {name}, and nobody else has");
        // The region is known to the edge as soon as a coordinator reports it.
        let give_up = Instant::now() + PATIENCE;
        let services = loop {
            match client::services::Services::sign_in_guest(self.http.clone(), &self.edge, secret.clone())
                .await
            {
                Ok(services) => break services,
                Err(error) => assert!(Instant::now() < give_up, "no region: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        let character = services.create_character(name.parse().expect("a name")).await.expect("made");
        Player { platform: self, token: services.session().access_token.clone(), character }
    }
}

struct Player<'a> {
    platform: &'a Platform,
    token: String,
    character: Character,
}

impl Player<'_> {
    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}/v1/matchmaking/tickets{path}", self.platform.api);
        self.platform.http.request(method, url).bearer_auth(&self.token)
    }

    async fn wait(&self) -> MatchTicket {
        let body =
            json!({ "queue": "duel", "character": self.character.id, "round_trips_ms": { "local": 5 } });
        let answer = self.request(Method::POST, "").json(&body).send().await.expect("an answer");
        answer.json().await.expect("a ticket")
    }

    /// Waits for a match, and enters it. A host that has died meanwhile is replaced when its lease is over.
    async fn play(&self, ticket: &MatchTicket) -> (JoinResponse, Connection) {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let path = format!("/{}?wait_ms=2000", ticket.id);
            let answer = self.request(Method::GET, &path).send().await.expect("an answer");
            let seen: MatchTicket = answer.json().await.expect("a ticket");
            let join = seen.assignment.as_ref().and_then(|assignment| assignment.join.clone());
            if let Some(join) = join
                && let Ok(connection) = Connection::enter(&join.url, join.ticket.clone()).await
            {
                assert_eq!(seen.state, TicketState::Matched);
                return (join, connection);
            }
            assert!(Instant::now() < give_up, "no match: {seen:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

async fn duel(platform: &Platform, names: [&str; 2]) {
    let players = [platform.player(names[0]).await, platform.player(names[1]).await];
    let tickets = [players[0].wait().await, players[1].wait().await];
    let (one, other) = tokio::join!(players[0].play(&tickets[0]), players[1].play(&tickets[1]));
    assert_eq!((one.0.instance, one.0.zone.as_str()), (other.0.instance, "arena"));
}

#[tokio::test(flavor = "multi_thread")]
async fn matches_are_made_whoever_is_the_coordinator() {
    let platform = Platform::start().await;
    let hosts = [platform.host().await, platform.host().await];
    Box::pin(duel(&platform, ["Ada", "Bob"])).await;
    let lease = platform.coordinator().await;
    let is_first = lease.host == hosts[0].id();
    let [first, second] = hosts;
    let (coordinator, other) = if is_first { (first, second) } else { (second, first) };
    assert_eq!(lease.host, coordinator.id());
    // Those who wait when it dies are matched by its successor, who reads who waits.
    let late = platform.player("Cleo").await;
    let waiting = late.wait().await;
    drop(coordinator);
    let died = Instant::now();
    let next = loop {
        let next = platform.coordinator().await;
        if next.host == other.id() {
            break next;
        }
        assert!(died.elapsed() < PATIENCE, "nobody takes over");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    println!("the coordinator was replaced after {:?}", died.elapsed());
    assert_eq!(next.epoch.0, lease.epoch.0 + 1);
    let rival = platform.player("Dora").await;
    let against = rival.wait().await;
    let (one, two) = tokio::join!(late.play(&waiting), rival.play(&against));
    assert_eq!(one.0.instance, two.0.instance);
    assert_eq!(one.0.host, other.id(), "the host that lives");
    Box::pin(duel(&platform, ["Emil", "Fay"])).await;
}
