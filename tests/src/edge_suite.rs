//! The tests of an edge, whichever it is: the native one and the Worker must pass the same list.

mod accounts;
mod bodies;
mod regions;
mod sessions;

use domain::contract::Problem;
use domain::contract::edge::{RegionReport, SessionResponse};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use token::{KeyRing, SecretKey};

/// The edge under test must be configured with this.
pub const SERVICE_TOKEN: &str = "a-service-token-of-the-edge-suite";
/// The edge under test must allow this origin.
pub const ORIGIN: &str = "https://play.example";
/// The regions of the edge under test.
pub const REGIONS: [(&str, f64, f64, &[&str]); 3] = [
    ("fra", 50.1, 8.7, &["EU", "AF"]),
    ("sgp", 1.35, 103.8, &["AS", "OC"]),
    ("sfo", 37.8, -122.4, &["NA", "SA"]),
];

/// The keys of the edge under test, the signing one first.
#[must_use]
pub fn signing_keys() -> Vec<SecretKey> {
    vec![SecretKey::from_seed("suite-1", &[1; 32]), SecretKey::from_seed("suite-2", &[2; 32])]
}

/// Where the edge under test takes its players to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// 52.5 north, 13.4 east.
    Berlin,
    /// In Asia; nothing more is known.
    Asia,
}

/// The edge under test.
pub struct Edge {
    /// Without a slash at the end.
    pub url: String,
    /// Where its players are.
    pub place: Place,
    http: Client,
}

impl Edge {
    /// An edge that answers at `url`.
    #[must_use]
    pub fn new(url: &str, place: Place) -> Self {
        Self { url: url.trim_end_matches('/').to_owned(), place, http: crate::http_client() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> T {
        good(self.request(Method::GET, path), 200).await
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, path).json(body)
    }

    async fn report(&self, region: &str, load_permille: u16) {
        let report = RegionReport { load_permille, players: 1, hosts: 1 };
        let request = self.request(Method::PUT, &format!("/v1/regions/{region}/health"));
        let response = request.bearer_auth(SERVICE_TOKEN).json(&report).send().await.expect("an answer");
        assert_eq!(response.status(), 204);
    }

    async fn report_all(&self) {
        for (region, ..) in REGIONS {
            self.report(region, 100).await;
        }
    }

    async fn guest(&self, device: u32) -> SessionResponse {
        let secret = format!("a-device-secret-of-the-suite-{device:010}");
        good(self.post("/v1/sessions", &json!({ "kind": "guest", "device_secret": secret })), 200).await
    }

    async fn sign_out(&self, token: &str) -> Response {
        self.request(Method::DELETE, "/v1/sessions/current")
            .bearer_auth(token)
            .send()
            .await
            .expect("an answer")
    }
}

async fn good<T: DeserializeOwned>(request: RequestBuilder, status: u16) -> T {
    let response = request.send().await.expect("an answer");
    let found = response.status().as_u16();
    let text = response.text().await.expect("a body");
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Demands a problem with this status and code, in the right form.
async fn refused(request: RequestBuilder, status: u16, code: &str) -> Problem {
    let response = request.send().await.expect("an answer");
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let correlation = response.headers()["x-correlation-id"].to_str().expect("a text").to_owned();
    let found = response.status().as_u16();
    let problem: Problem = response.json().await.expect("a problem");
    assert_eq!((found, problem.status, problem.code.as_str()), (status, status, code), "{problem:?}");
    assert_eq!(problem.correlation_id.map(|id| id.to_string()), Some(correlation));
    assert!(!problem.detail.is_empty());
    problem
}

fn keys() -> KeyRing {
    KeyRing::new(&signing_keys()).expect("good keys")
}

/// Runs every test of the list; a panic names the test in the output before it.
pub async fn run(edge: &Edge) {
    macro_rules! cases {
        ($($module:ident::$case:ident),* $(,)?) => {$(
            println!("edge suite: {}", stringify!($case));
            $module::$case(edge).await;
        )*};
    }
    cases! {
        regions::no_region_takes_players_at_first,
        regions::the_order_follows_the_place,
        regions::round_trips_and_pins_beat_the_place,
        regions::a_forged_place_counts_for_nothing,
        regions::full_regions_are_left_out,
        regions::a_region_without_hosts_takes_nobody,
        regions::only_regions_report,
        regions::keys_are_published,
        sessions::a_guest_is_known_by_the_device,
        sessions::a_password_opens_an_account,
        sessions::a_refresh_token_works_once,
        sessions::a_session_ends,
        sessions::forged_tokens_end_nothing,
        sessions::tries_are_limited,
        accounts::a_ban_keeps_out_at_once_and_ends,
        accounts::orders_that_come_late_change_nothing,
        accounts::only_services_ask_about_accounts,
        accounts::an_account_is_shown_and_deleted_whole,
        bodies::bad_bodies_are_refused,
        bodies::paths_and_methods,
        bodies::origins_and_correlation,
        regions::a_silent_region_leaves_within_ten_seconds,
    }
}
