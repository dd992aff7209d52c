//! Hosts and the real API over an embedded store engine: what the one orders, the others do.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use api_lambda::{ApiConfig, migrations};
use client::{ClientError, Connection, Incoming};
use domain::catalogue::Catalogue;
use domain::contract::players::Character;
use domain::contract::rooms::{Room, RoomJoined};
use domain::fixed::metres;
use domain::ids::{AccountId, InstanceId, SessionId};
use domain::time::UnixMillis;
use domain::token::{ACCESS_AUDIENCE, ACCESS_ISSUER, AccessClaims};
use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use token::{KeyRing, SecretKey};
use tokio::net::TcpListener;
use wire::message::{EventKind, PlayerInput};
use wire::reason::ByeReason;
use wire::state::EntityKind;
use zonehost::platform::api::ApiPlatform;
use zonehost::{HostConfig, RunningHost};

use crate::harness::{PATIENCE, end_of, keys, next_input, realm, wait_for_snapshot};

const SERVICE_TOKEN: &str = "a-service-token-of-the-tests-0123456789";

/// An API, and the keys that an edge would publish.
struct Region {
    api: String,
    ring: KeyRing,
    http: reqwest::Client,
}

async fn bind() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    (listener, address)
}

impl Region {
    async fn start() -> Self {
        let ring = keys(3);
        let public = ring.public().clone();
        let (edge, edge_address) = bind().await;
        let answer = move || std::future::ready(axum::Json(public.clone()));
        let router = axum::Router::new().route("/jwks.json", axum::routing::get(answer));
        tokio::spawn(async move { axum::serve(edge, router).await });
        let (store, store_address) = bind().await;
        let database = dynoxide::Database::memory().expect("a database");
        tokio::spawn(dynoxide::server::serve_with_shutdown(store, database, std::future::pending()));
        let config = ApiConfig {
            edge_jwks_url: format!("http://{edge_address}/jwks.json"),
            dynamodb_endpoint: Some(format!("http://{store_address}")),
            service_token: SERVICE_TOKEN.into(),
            ticket_keys: vec![SecretKey::from_seed("ticket-1", &[9; 32])],
            ..ApiConfig::default()
        };
        migrations::apply(&config).await.expect("a fresh store is migrated");
        let (api, api_address) = bind().await;
        tokio::spawn(api_lambda::serve(api, config, std::future::pending()));
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { api: format!("http://{api_address}"), ring, http: reqwest::Client::new() }
    }

    /// A host of a hub.
    async fn host(&self) -> RunningHost<ApiPlatform> {
        self.host_with(&Catalogue::builtin()).await
    }

    async fn host_with(&self, catalogue: &Catalogue) -> RunningHost<ApiPlatform> {
        let ((listener, address), (admin, _)) = (bind().await, bind().await);
        let figment = HostConfig::defaults()
            .merge(("service_token", SERVICE_TOKEN))
            .merge(("api_url", &self.api))
            .merge(("public_url", format!("ws://{address}")))
            .merge(("zones", ["hub"]))
            .merge(("empty_instance_secs", 1));
        let config = HostConfig::extract(&figment).expect("a good configuration");
        let platform = ApiPlatform::new(&config).expect("a client");
        let host = zonehost::start(config, catalogue, realm, platform, listener, admin).await;
        host.expect("it starts")
    }

    async fn player(&self, name: &str) -> Player<'_> {
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
        let now = UnixMillis::new(u64::try_from(millis).expect("before the end of time"));
        let mut random = [0; 16];
        getrandom::fill(&mut random).expect("random bytes");
        let claims = AccessClaims {
            iss: ACCESS_ISSUER.into(),
            aud: ACCESS_AUDIENCE.into(),
            sub: AccountId::new(now, u128::from_le_bytes(random)),
            sid: SessionId::new(now, u128::from_le_bytes(random)),
            iat: now.as_secs(),
            exp: now.as_secs() + 900,
        };
        let token = self.ring.sign(&claims);
        let request = self.http.post(format!("{}/v1/characters", self.api)).bearer_auth(&token);
        let character: Character = ok(request.json(&json!({ "name": name }))).await;
        Player { region: self, token, character }
    }
}

async fn ok<T: DeserializeOwned>(request: RequestBuilder) -> T {
    let response = request.send().await.expect("an answer");
    let (status, text) = (response.status(), response.text().await.expect("a body"));
    assert!(status.is_success(), "{status}: {text}");
    serde_json::from_str(&text).expect(&text)
}

struct Player<'a> {
    region: &'a Region,
    token: String,
    character: Character,
}

impl Player<'_> {
    fn ask(&self, method: Method, path: &str, body: &Value) -> RequestBuilder {
        let request = self.region.http.request(method, format!("{}{path}", self.region.api));
        request.bearer_auth(&self.token).header("idempotency-key", "one").json(body)
    }

    fn me(&self) -> Value {
        json!({ "character": self.character.id })
    }

    async fn open_room(&self) -> Room {
        let body = json!({ "character": self.character.id, "zone": "forest", "members_max": 4, "spectators_max": 1 });
        ok(self.ask(Method::POST, "/v1/rooms", &body)).await
    }

    async fn join(&self, room: &Room) -> RoomJoined {
        ok(self.ask(Method::POST, &format!("/v1/rooms/{}/join", room.code), &self.me())).await
    }

    /// Comes in to play or to look on.
    async fn enter_as(&self, room: &Room, spectate: bool) -> Connection {
        let body = json!({ "character": self.character.id, "spectate": spectate });
        let path = format!("/v1/rooms/{}/join", room.code);
        let RoomJoined { join, .. } = ok(self.ask(Method::POST, &path, &body)).await;
        Connection::enter(&join.url, join.ticket).await.expect("enters")
    }

    /// The character as it is stored.
    async fn stored(&self) -> Character {
        let mut list: Value = ok(self.ask(Method::GET, "/v1/characters", &json!({}))).await;
        serde_json::from_value(list["characters"][0].take()).expect("a character")
    }

    async fn enter(&self, room: &Room) -> (Connection, InstanceId) {
        let joined = self.join(room).await;
        let connection = Connection::enter(&joined.join.url, joined.join.ticket).await.expect("enters");
        (connection, joined.join.instance)
    }
}

async fn next_notice(connection: &mut Connection) -> (String, Value) {
    let read = async {
        loop {
            let mut incoming = Vec::new();
            connection.receive(&mut incoming).await.expect("plays");
            for incoming in incoming {
                if let Incoming::Notice(notice) = incoming {
                    return (notice.topic, serde_json::from_str(&notice.body).expect("JSON"));
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("a notice comes")
}

async fn until(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let give_up = Instant::now() + PATIENCE;
    while !check().await {
        assert!(Instant::now() < give_up, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn runs(host: &RunningHost<ApiPlatform>, instance: InstanceId) -> bool {
    host.metrics().zones().iter().any(|(id, _)| *id == instance)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_played_in_from_its_opening_to_its_end() {
    let region = Region::start().await;
    let host = region.host().await;
    let (ada, bob) = (region.player("Ada").await, region.player("Bob").await);
    let room = ada.open_room().await;
    let (mut adas, instance) = ada.enter(&room).await;
    let (bobs, same) = bob.enter(&room).await;
    assert_eq!(instance, same);
    assert_eq!(adas.welcome().zone, "forest");
    wait_for_snapshot(&mut adas).await.expect("plays");
    // The others hear of each change.
    let path = format!("/v1/rooms/{}", room.code);
    let locked: Room = ok(ada.ask(Method::PATCH, &path, &json!({ "locked": true }))).await;
    loop {
        let (topic, body) = next_notice(&mut adas).await;
        assert_eq!((topic.as_str(), &body["code"]), ("room", &json!(room.code)));
        if body["version"] == json!(locked.version) {
            break;
        }
    }
    // Who is put out is out.
    let _: Room = ok(ada.ask(Method::POST, &format!("{path}/kick"), &bob.me())).await;
    let end = end_of(bobs).await;
    assert!(matches!(end, ClientError::Bye { reason: ByeReason::Kicked, .. }), "{end}");
    wait_for_snapshot(&mut adas).await.expect("plays on");
    // When all have left, the instance goes, and the next who comes gets another one.
    adas.leave().await.expect("leaves");
    until("the instance is gone", async || !runs(&host, instance)).await;
    until("there is another one", async || {
        let (connection, next) = ada.enter(&room).await;
        connection.leave().await.expect("leaves");
        next != instance
    })
    .await;
    let stored: Value = ok(ada.ask(Method::GET, "/v1/characters", &json!({}))).await;
    assert_eq!(
        stored["characters"][0]["place"]["zone"],
        json!("forest"),
        "the place was stored before the end"
    );
    assert!(host.drain(Duration::from_secs(10)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_goes_on_at_another_host_when_its_own_dies() {
    let region = Region::start().await;
    let first = region.host().await;
    let ada = region.player("Ada").await;
    let room = ada.open_room().await;
    let (adas, instance) = ada.enter(&room).await;
    let second = region.host().await;
    assert!(runs(&first, instance) && !runs(&second, instance));
    // It dies without a word: no heartbeat, no farewell to the platform.
    drop(first);
    end_of(adas).await;
    let give_up = Instant::now() + PATIENCE;
    let mut back = loop {
        assert!(Instant::now() < give_up, "the room does not come back");
        let joined = ada.join(&room).await;
        match Connection::enter(&joined.join.url, joined.join.ticket).await {
            Ok(connection) => break connection,
            // The platform takes the dead one for living until its lease ends.
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    };
    wait_for_snapshot(&mut back).await.expect("plays");
    assert!(runs(&second, instance), "the same instance, elsewhere");
    assert!(second.drain(Duration::from_secs(10)).await);
}

/// A small forest full of monsters that die of one blow.
fn crowded_forest() -> Catalogue {
    let mut catalogue = Catalogue::builtin();
    for zone in catalogue.zones_mut().iter_mut().filter(|zone| zone.zone.as_str() == "forest") {
        (zone.size, zone.monsters) = (metres(60), 40);
    }
    for archetype in &mut catalogue.archetypes {
        (archetype.health_max, archetype.health_per_level) = (1, 0);
    }
    catalogue
}

/// What a player who strikes around itself has won.
#[derive(Default)]
struct Lives {
    xp: u64,
    before: u64,
    best: u64,
}

impl Lives {
    fn end(&mut self) {
        self.best = self.best.max(self.xp - self.before);
        self.before = self.xp;
    }

    async fn act(&mut self, connection: &mut Connection, sequence: u32, action: u8) {
        let own = connection.welcome().entity;
        let (snapshot, seen) = (connection.view().sequence(), connection.view().header().tick);
        let aim = u16::try_from(sequence * 9_000 % 65_536).expect("a remainder");
        let input = PlayerInput { sequence, snapshot, seen, aim, action, ..PlayerInput::default() };
        connection.send(&input).await.expect("sent");
        let mut incoming = Vec::new();
        connection.receive(&mut incoming).await.expect("plays");
        for event in incoming {
            match event {
                Incoming::Event(event) if event.kind == EventKind::Experience as u8 => self.xp = event.value,
                Incoming::Event(event) if event.kind == EventKind::Death as u8 && event.subject == own => {
                    self.end();
                }
                _ => {}
            }
        }
    }
}

fn names(connection: &Connection) -> Vec<String> {
    let players = connection.view().entities().filter(|visible| visible.kind == EntityKind::Player);
    players.map(|visible| visible.name.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spectator_sees_a_fight_and_nobody_sees_it() {
    let region = Region::start().await;
    let host = region.host_with(&crowded_forest()).await;
    let (ada, eve) = (region.player("Ada").await, region.player("Eve").await);
    let room = ada.open_room().await;
    let before = eve.stored().await;
    let mut adas = ada.enter_as(&room, false).await;
    let mut eves = eve.enter_as(&room, true).await;
    assert_eq!((eves.welcome().entity, eves.welcome().radius), (0, 0), "she has no body");
    let looking = tokio::spawn(async move {
        let (mut blows, mut sees_ada) = (0, false);
        while blows < 3 || !sees_ada {
            eves.send(&next_input(&eves)).await.expect("sent");
            let mut incoming = Vec::new();
            eves.receive(&mut incoming).await.expect("looks on");
            let blow = |one: &&Incoming| matches!(one, Incoming::Event(event) if event.kind == EventKind::Damage as u8);
            blows += incoming.iter().filter(blow).count();
            sees_ada |= names(&eves) == ["Ada"];
        }
        eves
    });
    let (mut lives, mut sequence) = (Lives::default(), 0);
    while lives.xp == 0 || !looking.is_finished() {
        sequence += 1;
        lives.act(&mut adas, sequence, 1).await;
        assert!(names(&adas).is_empty(), "Ada sees {:?}", names(&adas));
    }
    // She hears of what her last blows have won.
    for _ in 0..10 {
        sequence += 1;
        lives.act(&mut adas, sequence, 0).await;
    }
    let room_now: Room = ok(ada.ask(Method::GET, &format!("/v1/rooms/{}", room.code), &json!({}))).await;
    assert_eq!(room_now.members.iter().map(|member| member.spectates).collect::<Vec<_>>(), [false, true]);
    looking.await.expect("no panic").leave().await.expect("leaves");
    adas.leave().await.expect("leaves");
    lives.end();
    // What her best life has won is on its board, and every kill on the other.
    let rank = format!("/v1/leaderboards/best-life/characters/{}", ada.character.id);
    until("the score is on the board", async || {
        let answer = ada.ask(Method::GET, &rank, &json!({})).send().await.expect("an answer");
        answer.status().is_success()
            && answer.json::<Value>().await.expect("JSON")["score"] == json!(lives.best)
    })
    .await;
    assert!(host.drain(Duration::from_secs(10)).await);
    let kept = ada.stored().await;
    assert_eq!(kept.xp, lives.xp);
    let kills = format!("/v1/leaderboards/kills/characters/{}", ada.character.id);
    let kills: Value = ok(ada.ask(Method::GET, &kills, &json!({}))).await;
    assert_eq!(kills["score"], json!(kept.kills));
    assert_eq!(eve.stored().await, before, "who only looked on is as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spectator_comes_to_play_and_a_player_to_look_on() {
    let region = Region::start().await;
    let host = region.host().await;
    let (ada, eve) = (region.player("Ada").await, region.player("Eve").await);
    let room = ada.open_room().await;
    let mut adas = ada.enter_as(&room, false).await;
    let looks_on = eve.enter_as(&room, true).await;
    let plays = eve.enter_as(&room, false).await;
    let end = end_of(looks_on).await;
    let reasons = [ByeReason::Replaced, ByeReason::Kicked];
    assert!(matches!(end, ClientError::Bye { reason, .. } if reasons.contains(&reason)), "{end}");
    assert_ne!(plays.welcome().entity, 0);
    until("Ada sees her", async || {
        adas.send(&next_input(&adas)).await.expect("sent");
        wait_for_snapshot(&mut adas).await.expect("plays");
        names(&adas) == ["Eve"]
    })
    .await;
    let path = format!("/v1/rooms/{}/members/{}", room.code, eve.character.id);
    let _: Room = ok(ada.ask(Method::PUT, &path, &json!({ "spectates": true }))).await;
    let end = end_of(plays).await;
    assert!(matches!(end, ClientError::Bye { reason: ByeReason::Kicked, .. }), "{end}");
    let (looks_on, _) = eve.enter(&room).await;
    assert_eq!(looks_on.welcome().entity, 0);
    until("Ada sees her no more", async || {
        adas.send(&next_input(&adas)).await.expect("sent");
        wait_for_snapshot(&mut adas).await.expect("plays");
        names(&adas).is_empty()
    })
    .await;
    // The instance lives as long as somebody looks on.
    adas.leave().await.expect("leaves");
    let watching = tokio::spawn(end_of(looks_on));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!watching.is_finished());
    assert!(eve.stored().await.place.is_some(), "her body's place was saved");
    assert!(host.drain(Duration::from_secs(10)).await);
}
