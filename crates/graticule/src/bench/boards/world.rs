//! The API, its store and its callers, in this process.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use api_lambda::{ApiConfig, RateLimit, migrations};
use client::services::{answer, http_client};
use domain::catalogue::boards::KILLS_BOARD;
use domain::contract::hosts::{BatchOutcome, HostRegistered, RegisterHost};
use domain::contract::players::Character;
use domain::ids::{AccountId, CharacterId, HostId, SessionId, ZoneId};
use domain::random::Random;
use domain::time::UnixMillis;
use domain::token::{ACCESS_AUDIENCE, ACCESS_ISSUER, AccessClaims};
use reqwest::RequestBuilder;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use token::{KeyRing, SecretKey};
use tokio::net::TcpListener;

use super::{BoardOptions, Question, SCORES, UPDATES, score_of};
use crate::exit::Fault;

const SERVICE_TOKEN: &str = "the-service-token-of-the-benchmark-000";
/// No limit that the benchmark meets, though every request is charged as always.
const NO_RATE_LIMIT: RateLimit = RateLimit { per_second: 1_000_000, burst: 1_000_000 };
/// Characters of one account.
const PER_ACCOUNT: u32 = 16;

pub(super) struct World {
    url: String,
    http: reqwest::Client,
    token: String,
    /// Those that were imported: they have entries, and no names.
    imported: Vec<CharacterId>,
    /// For each worker, an instance and those whose scores it changes.
    hosts: Vec<(HostRegistered, Vec<CharacterId>)>,
    seed: u64,
}

fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis::new(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

async fn ask<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, Fault> {
    answer(request).await.map_err(Fault::failed)
}

async fn listen() -> Result<(TcpListener, String), Fault> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Fault::failed)?;
    let url = format!("http://{}", listener.local_addr().map_err(Fault::failed)?);
    Ok((listener, url))
}

impl World {
    /// Everything, with the entries imported; how long that took.
    pub(super) async fn start(options: &BoardOptions) -> Result<(Self, Duration), Fault> {
        let (listener, store) = listen().await?;
        let database = dynoxide::Database::memory().map_err(Fault::failed)?;
        tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, std::future::pending()));
        let edge = KeyRing::new(&[SecretKey::from_seed("edge", &[1; 32])]).map_err(Fault::failed)?;
        let (listener, jwks_url) = listen().await?;
        let keys = edge.public().clone();
        let router = axum::Router::new().fallback(move || async move { axum::Json(keys) });
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut config = ApiConfig {
            dynamodb_endpoint: Some(store),
            edge_jwks_url: jwks_url,
            service_token: SERVICE_TOKEN.into(),
            ticket_keys: vec![SecretKey::from_seed("ticket", &[9; 32])],
            rate_limit_player: NO_RATE_LIMIT,
            rate_limit_address: NO_RATE_LIMIT,
            ..ApiConfig::default()
        };
        for board in &mut config.catalogue.boards {
            board.shards = options.shards;
        }
        migrations::apply(&config).await.map_err(Fault::failed)?;
        let (imported, loaded) = import(&config, options).await?;
        let (listener, url) = listen().await?;
        tokio::spawn(api_lambda::serve(listener, config, std::future::pending()));
        let mut world = Self {
            url,
            http: http_client(),
            token: String::new(),
            imported,
            hosts: Vec::new(),
            seed: options.seed,
        };
        for worker in 0..options.at_once {
            world.token = sign_in(&edge, worker);
            let host = world.host(worker).await?;
            world.hosts.push(host);
        }
        Ok((world, loaded))
    }

    /// A host of one instance, and characters who play there, with scores.
    async fn host(&self, worker: u32) -> Result<(HostRegistered, Vec<CharacterId>), Fault> {
        let mut characters = Vec::new();
        for number in 0..PER_ACCOUNT {
            let letters = (worker * PER_ACCOUNT + number).to_string();
            let letters: String = letters.bytes().map(|digit| char::from(digit - b'0' + b'a')).collect();
            let body = json!({ "name": format!("Hero {letters}") });
            let request = self.http.post(format!("{}/v1/characters", self.url)).bearer_auth(&self.token);
            characters.push(ask::<Character>(request.json(&body)).await?.id);
        }
        let zone: ZoneId = "forest".parse().map_err(Fault::failed)?;
        let body = RegisterHost {
            host: HostId::new(now(), u128::from(worker)),
            region: "local".into(),
            url: "ws://127.0.0.1:7200".into(),
            wire_version: wire::WIRE_VERSION,
            zones: vec![zone],
        };
        Ok((ask(self.internal("/hosts").json(&body)).await?, characters))
    }

    fn internal(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("{}/internal/v1{path}", self.url)).bearer_auth(SERVICE_TOKEN)
    }

    /// Asks once.
    pub(super) async fn ask(&self, question: Question, worker: u32, number: u32) -> Result<(), Fault> {
        let stream = u64::from(worker) << 32 | u64::from(number);
        let mut random = Random::of_stream(self.seed ^ 0x5eed, stream);
        let any = |random: &mut Random| {
            let count = u32::try_from(self.imported.len()).unwrap_or(u32::MAX);
            self.imported[usize::try_from(random.below(count)).unwrap_or(0)]
        };
        let path = match question {
            Question::Rank => format!("/characters/{}", any(&mut random)),
            Question::Top => String::new(),
            Question::Around => format!("/characters/{}/around", any(&mut random)),
            Question::Friends => {
                let ids: Vec<_> = (0..20).map(|_| any(&mut random).to_string()).collect();
                format!("/friends?characters={}", ids.join(","))
            }
            Question::StepUpdate | Question::FarUpdate => {
                return self.update(question, worker, number).await;
            }
        };
        let url = format!("{}/v1/leaderboards/{KILLS_BOARD}{path}", self.url);
        ask::<Value>(self.http.get(url).bearer_auth(&self.token)).await.map(drop)
    }

    async fn update(&self, question: Question, worker: u32, number: u32) -> Result<(), Fault> {
        let (registered, characters) = &self.hosts[usize::try_from(worker).unwrap_or(0)];
        let own = &registered.instances[0];
        let is_far = question == Question::FarUpdate;
        // There and back again by the same way, for the same characters: every second batch is of others.
        let is_back = number / 2 % 2 == 1;
        let way = u64::from(number - if is_back { 2 } else { 0 });
        let mut random = Random::of_stream(self.seed ^ 0xfa4, u64::from(worker) << 32 | way);
        let event = |index: u32, random: &mut Random| {
            let sequence =
                (u64::from(number) * 2 + u64::from(is_far)) * u64::from(UPDATES) + u64::from(index);
            let character = characters[usize::try_from(index + number % 2 * UPDATES).unwrap_or(0)];
            let far = i64::from(random.below(SCORES)) * if is_back { -1 } else { 1 };
            let score = if is_far { far } else { 1 };
            json!({ "sequence": sequence, "character": character, "xp": 0, "kills": 0, "deaths": 0,
                "items": [], "scores": [{ "board": KILLS_BOARD, "score": score }] })
        };
        let events: Vec<_> = (0..UPDATES).map(|index| event(index, &mut random)).collect();
        let request = self.internal(&format!("/instances/{}/events", own.instance));
        let body = json!({ "epoch": own.epoch, "events": events });
        ask::<BatchOutcome>(request.json(&body)).await.map(drop)
    }

    pub(super) async fn metrics(&self) -> Result<String, Fault> {
        let answer = self.http.get(format!("{}/metrics", self.url)).send().await.map_err(Fault::failed)?;
        answer.text().await.map_err(Fault::failed)
    }
}

async fn import(config: &ApiConfig, options: &BoardOptions) -> Result<(Vec<CharacterId>, Duration), Fault> {
    let made = now();
    let id = |index: u32| CharacterId::new(made, u128::from(index));
    let entries: Vec<_> =
        (0..options.entries).map(|index| (id(index), score_of(options.seed, index), 0)).collect();
    let board = KILLS_BOARD.parse().map_err(Fault::failed)?;
    let started = Instant::now();
    api_lambda::import_board(config, &board, &entries, made).await.map_err(Fault::failed)?;
    Ok((entries.into_iter().map(|(character, _, _)| character).collect(), started.elapsed()))
}

fn sign_in(edge: &KeyRing, worker: u32) -> String {
    let now = now();
    edge.sign(&AccessClaims {
        iss: ACCESS_ISSUER.into(),
        aud: ACCESS_AUDIENCE.into(),
        sub: AccountId::new(now, u128::from(worker)),
        sid: SessionId::new(now, u128::from(worker)),
        iat: now.as_secs(),
        exp: now.as_secs() + 24 * 3_600,
    })
}
