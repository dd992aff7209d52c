//! What players ask the API, one request after another.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::contract::IDEMPOTENCY_HEADER;
use domain::contract::hosts::{Heartbeat, HostRegistered, RegisterHost};
use domain::contract::players::{Character, CharacterList, JoinResponse};
use domain::ids::{AccountId, CharacterId, HostId, SessionId, ZoneId};
use domain::limits::HOST_HEARTBEAT_MILLIS;
use domain::time::UnixMillis;
use domain::token::{ACCESS_AUDIENCE, ACCESS_ISSUER, AccessClaims};
use reqwest::RequestBuilder;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::server::{SERVICE_TOKEN, Server, World};
use crate::exit::Fault;

/// Instances of each host.
const INSTANCES_PER_HOST: u32 = 16;

/// One request of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Create,
    List,
    Join,
    Rank,
}

impl Step {
    /// In an order in which each can be taken.
    pub(super) const ALL: [Self; 4] = [Self::Create, Self::List, Self::Join, Self::Rank];
    /// What a player asks for again and again.
    pub(super) const MIXED: [Self; 3] = [Self::List, Self::Join, Self::Rank];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Create => "create a character",
            Self::List => "list characters",
            Self::Join => "join a zone",
            Self::Rank => "top of a leaderboard",
        }
    }
}

/// A player.
pub(super) struct Visitor {
    number: u32,
    token: String,
    url: String,
    http: reqwest::Client,
    character: OnceLock<CharacterId>,
    /// Makes idempotency keys.
    requests: AtomicU64,
}

/// Players with accounts.
pub(super) fn visitors(count: u32, world: &World, server: &Server) -> Vec<Visitor> {
    let now = now();
    let visitors = (0..count).map(|number| {
        let claims = AccessClaims {
            iss: ACCESS_ISSUER.into(),
            aud: ACCESS_AUDIENCE.into(),
            sub: AccountId::new(now, u128::from(number)),
            sid: SessionId::new(now, u128::from(number)),
            iat: now.as_secs(),
            exp: now.as_secs() + 900,
        };
        Visitor {
            number,
            token: world.edge.sign(&claims),
            url: server.url.clone(),
            http: server.http.clone(),
            character: OnceLock::new(),
            requests: AtomicU64::new(0),
        }
    });
    visitors.collect()
}

fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis::new(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

impl Visitor {
    /// Sends the request of `step`, and checks that it succeeds.
    pub(super) async fn take(&self, step: Step) -> Result<(), Fault> {
        match step {
            Step::Create => {
                let name = format!("Visitor {}", letters(self.number));
                let request = self.keyed("/v1/characters").json(&json!({ "name": name }));
                let character: Character = answer(request).await?;
                self.character.set(character.id).map_err(|_| Fault::failed("a visitor was made twice"))
            }
            Step::List => answer::<CharacterList>(self.get("/v1/characters")).await.map(drop),
            Step::Join => {
                let character = self.character()?;
                let request = self.keyed("/v1/zones/forest/join").json(&json!({ "character": character }));
                answer::<JoinResponse>(request).await.map(drop)
            }
            Step::Rank => answer::<Value>(self.get("/v1/leaderboards/kills")).await.map(drop),
        }
    }

    fn character(&self) -> Result<CharacterId, Fault> {
        self.character.get().copied().ok_or_else(|| Fault::failed("a visitor has no character yet"))
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    /// A new request under an idempotency key of its own.
    fn keyed(&self, path: &str) -> RequestBuilder {
        let key = self.requests.fetch_add(1, Ordering::Relaxed).to_string();
        self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.token).header(IDEMPOTENCY_HEADER, key)
    }
}

async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, Fault> {
    let response = request.send().await.map_err(Fault::failed)?;
    let status = response.status();
    if status.is_success() {
        return response.json().await.map_err(Fault::failed);
    }
    let text = response.text().await.unwrap_or_default();
    Err(Fault::failed(format!("the API answered {status}: {text}")))
}

/// A number in letters, since names have no digits at will.
fn letters(number: u32) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

/// Hosts that have room for everybody. They keep their leases until this is dropped.
pub(super) struct Fleet {
    _beats: JoinSet<()>,
}

impl Fleet {
    /// Registers hosts with an instance of the forest for each 400 of `players`.
    pub(super) async fn start(players: u32, server: &Server) -> Result<Self, Fault> {
        let mut beats = JoinSet::new();
        for number in 0..players.div_ceil(400 * INSTANCES_PER_HOST) {
            let host = HostId::new(now(), u128::from(number));
            let zone: ZoneId = "forest".parse().map_err(Fault::failed)?;
            let body = RegisterHost {
                host,
                region: "local".into(),
                url: "ws://127.0.0.1:7200".into(),
                wire_version: wire::WIRE_VERSION,
                zones: vec![zone; usize::try_from(INSTANCES_PER_HOST).unwrap_or(1)],
            };
            let post = |path: &str| {
                let url = format!("{}/internal/v1/hosts{path}", server.url);
                server.http.post(url).bearer_auth(SERVICE_TOKEN)
            };
            answer::<HostRegistered>(post("").json(&body)).await?;
            let beat = Heartbeat { instances: Vec::new(), tick_p99_us: 0, draining: false };
            let request = post(&format!("/{host}/heartbeat")).json(&beat);
            beats.spawn(async move {
                while let Some(request) = request.try_clone() {
                    if let Err(fault) = answer::<Value>(request).await {
                        tracing::warn!(?fault, "a heartbeat failed");
                    }
                    tokio::time::sleep(Duration::from_millis(HOST_HEARTBEAT_MILLIS)).await;
                }
            });
        }
        Ok(Self { _beats: beats })
    }
}
