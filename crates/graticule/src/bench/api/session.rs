//! What players ask the API, and what the hosts ask that they play on, one request after another.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use domain::contract::IDEMPOTENCY_HEADER;
use domain::contract::hosts::{BatchOutcome, ClaimedCharacter, EntryOutcome};
use domain::contract::market::Listing;
use domain::contract::parties::Party;
use domain::contract::players::{Character, JoinResponse};
use domain::ids::{AccountId, CharacterId, ListingId, PartyId, SessionId};
use domain::time::UnixMillis;
use domain::token::{ACCESS_AUDIENCE, ACCESS_ISSUER, AccessClaims};
use reqwest::RequestBuilder;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::fleet::{Fleet, Stay};
use super::server::{Server, World};
use crate::exit::Fault;

/// A host asks for mail of so long ago, since clocks differ.
const MAIL_OVERLAP_MILLIS: u64 = 5_000;
/// What a lot costs, in coins.
const PRICE: u64 = 100;

/// One request of a session. Each has a name for people and the route under which the API counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Create,
    List,
    Join,
    Enter,
    Events,
    Save,
    ChatGlobal,
    ChatZone,
    ChatHistory,
    Inventory,
    Wallet,
    Sell,
    Browse,
    Buy,
    AskFriend,
    AcceptFriend,
    Friends,
    Top,
    Rank,
    Around,
    CreateParty,
    LeaveParty,
    CreateRoom,
    Heartbeat,
    Mail,
}

impl Step {
    /// In an order in which each can be taken.
    pub(super) const ALL: [Self; 25] = [
        Self::Create,
        Self::List,
        Self::Join,
        Self::Enter,
        Self::Events,
        Self::Save,
        Self::ChatGlobal,
        Self::ChatZone,
        Self::ChatHistory,
        Self::Inventory,
        Self::Wallet,
        Self::Sell,
        Self::Browse,
        Self::Buy,
        Self::AskFriend,
        Self::AcceptFriend,
        Self::Friends,
        Self::Top,
        Self::Rank,
        Self::Around,
        Self::CreateParty,
        Self::LeaveParty,
        Self::CreateRoom,
        Self::Heartbeat,
        Self::Mail,
    ];
    /// A session as players have it again and again: they come, play, look about, talk and trade.
    pub(super) const MIXED: [Self; 15] = [
        Self::List,
        Self::Join,
        Self::Enter,
        Self::Events,
        Self::Save,
        Self::ChatZone,
        Self::ChatHistory,
        Self::Inventory,
        Self::Browse,
        Self::Buy,
        Self::Sell,
        Self::Friends,
        Self::Rank,
        Self::Around,
        Self::CreateRoom,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Create => "create a character",
            Self::List => "list characters",
            Self::Join => "join a zone",
            Self::Enter => "enter an instance (host)",
            Self::Events => "event: loot, coins, score (host)",
            Self::Save => "save one character (host)",
            Self::ChatGlobal => "say to the region",
            Self::ChatZone => "say to the zone",
            Self::ChatHistory => "20 lines of chat",
            Self::Inventory => "inventory",
            Self::Wallet => "wallet",
            Self::Sell => "offer a lot for sale",
            Self::Browse => "20 offers of a kind",
            Self::Buy => "buy a lot",
            Self::AskFriend => "ask for friendship",
            Self::AcceptFriend => "accept a friend",
            Self::Friends => "list friends",
            Self::Top => "top of a leaderboard",
            Self::Rank => "rank of a character",
            Self::Around => "20 ranks around a character",
            Self::CreateParty => "create a party",
            Self::LeaveParty => "leave a party",
            Self::CreateRoom => "create a room",
            Self::Heartbeat => "heartbeat, 16 instances (host)",
            Self::Mail => "read mail (host)",
        }
    }

    /// The route that the API counts it under.
    pub(super) const fn route(self) -> &'static str {
        match self {
            Self::Create | Self::List => "/v1/characters",
            Self::Join => "/v1/zones/{zone}/join",
            Self::Enter => "/internal/v1/characters/{id}/claim",
            Self::Events => "/internal/v1/instances/{instance}/events",
            Self::Save => "/internal/v1/instances/{instance}/saves",
            Self::ChatGlobal | Self::ChatZone | Self::ChatHistory => "/v1/chat/{channel}/messages",
            Self::Inventory => "/v1/characters/{id}/inventory",
            Self::Wallet => "/v1/characters/{id}/wallet",
            Self::Sell | Self::Browse => "/v1/market/listings",
            Self::Buy => "/v1/market/listings/{id}/buy",
            Self::AskFriend => "/v1/friends/requests",
            Self::AcceptFriend => "/v1/friends/requests/{character}/accept",
            Self::Friends => "/v1/friends",
            Self::Top => "/v1/leaderboards/{board}",
            Self::Rank => "/v1/leaderboards/{board}/characters/{id}",
            Self::Around => "/v1/leaderboards/{board}/characters/{id}/around",
            Self::CreateParty => "/v1/parties",
            Self::LeaveParty => "/v1/parties/{party}/leave",
            Self::CreateRoom => "/v1/rooms",
            Self::Heartbeat => "/internal/v1/hosts/{host}/heartbeat",
            Self::Mail => "/internal/v1/hosts/{host}/mail",
        }
    }
}

/// A player, and the part of a host that serves it.
pub(super) struct Visitor {
    number: u32,
    token: String,
    url: String,
    http: reqwest::Client,
    fleet: Arc<Fleet>,
    /// The characters of all visitors, by their numbers.
    characters: Arc<Vec<OnceLock<CharacterId>>>,
    /// Lots that all visitors have put up for sale, with the numbers of their sellers, the oldest first.
    lots: Arc<Mutex<VecDeque<(u32, ListingId)>>>,
    party: RwLock<Option<PartyId>>,
    /// Where the last join leads.
    destination: RwLock<Option<JoinResponse>>,
    /// The account's own id, which hosts show when they claim.
    account: AccountId,
    /// Makes idempotency keys.
    requests: AtomicU64,
}

/// Players with accounts.
pub(super) fn visitors(count: u32, world: &World, server: &Server, fleet: &Arc<Fleet>) -> Vec<Visitor> {
    let now = now();
    let characters: Arc<Vec<OnceLock<CharacterId>>> = Arc::new((0..count).map(|_| OnceLock::new()).collect());
    let lots = Arc::default();
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
            fleet: Arc::clone(fleet),
            characters: Arc::clone(&characters),
            lots: Arc::clone(&lots),
            party: RwLock::new(None),
            destination: RwLock::new(None),
            account: claims.sub,
            requests: AtomicU64::new(0),
        }
    });
    visitors.collect()
}

pub(super) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis::new(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

impl Visitor {
    /// Sends the request of `step`, and checks that it succeeds.
    pub(super) async fn take(&self, step: Step) -> Result<(), Fault> {
        match step {
            Step::Create => self.create().await,
            Step::List => self.read("/v1/characters").await,
            Step::Join => self.join().await,
            Step::Enter => self.enter().await,
            Step::Events => self.events().await,
            Step::Save => self.save().await,
            Step::ChatGlobal => self.say("global").await,
            Step::ChatZone => self.say(&self.zone_channel()?).await,
            Step::ChatHistory => {
                let (channel, character) = (self.zone_channel()?, self.character()?);
                self.read(&format!("/v1/chat/{channel}/messages?limit=20&character={character}")).await
            }
            Step::Inventory => self.read(&format!("/v1/characters/{}/inventory", self.character()?)).await,
            Step::Wallet => self.read(&format!("/v1/characters/{}/wallet", self.character()?)).await,
            Step::Sell => self.sell().await,
            Step::Browse => self.read("/v1/market/listings?item=hide&limit=20").await,
            Step::Buy => self.buy().await,
            Step::AskFriend => {
                let body = json!({ "from": self.character()?, "to": { "character": self.neighbour(1)? } });
                self.change("/v1/friends/requests", &body).await.map(drop)
            }
            Step::AcceptFriend => {
                let asked_by = self.neighbour(self.characters.len() - 1)?;
                self.change(&format!("/v1/friends/requests/{asked_by}/accept"), &Value::Null).await.map(drop)
            }
            Step::Friends => self.read("/v1/friends").await,
            Step::Top => self.read("/v1/leaderboards/kills?limit=20").await,
            Step::Rank => {
                self.read(&format!("/v1/leaderboards/kills/characters/{}", self.character()?)).await
            }
            Step::Around => {
                let path = format!("/v1/leaderboards/kills/characters/{}/around?limit=20", self.character()?);
                self.read(&path).await
            }
            Step::CreateParty | Step::LeaveParty => self.party(step).await,
            Step::CreateRoom => {
                let body = json!({ "character": self.character()?, "zone": "forest", "members_max": 8 });
                self.change("/v1/rooms", &body).await.map(drop)
            }
            Step::Heartbeat => self.fleet.beat(usize::try_from(self.number).unwrap_or(0)).await,
            Step::Mail => {
                let host = self.fleet.stay_of(self.character()?)?.host;
                let since = now().as_millis() - MAIL_OVERLAP_MILLIS;
                let request = self.fleet.get(&format!("/hosts/{host}/mail?since={since}"));
                answer::<Value>(request).await.map(drop)
            }
        }
    }

    async fn create(&self) -> Result<(), Fault> {
        let body = json!({ "name": format!("Visitor {}", letters(self.number)) });
        let character: Character = answer(self.keyed("/v1/characters").json(&body)).await?;
        let place = &self.characters[usize::try_from(self.number).unwrap_or(0)];
        place.set(character.id).map_err(|_| Fault::failed("a visitor was made twice"))
    }

    async fn join(&self) -> Result<(), Fault> {
        let body = json!({ "character": self.character()? });
        let destination: JoinResponse = answer(self.keyed("/v1/zones/forest/join").json(&body)).await?;
        *self.destination.write().unwrap_or_else(PoisonError::into_inner) = Some(destination);
        Ok(())
    }

    async fn enter(&self) -> Result<(), Fault> {
        let destination = self.destination.write().unwrap_or_else(PoisonError::into_inner).take();
        let destination = destination.ok_or_else(|| Fault::failed("a visitor has not joined yet"))?;
        let (character, instance, host) = (self.character()?, destination.instance, destination.host);
        let epoch = self.fleet.epoch_of(instance)?;
        let body = json!({ "account": self.account, "host": host, "instance": instance, "epoch": epoch });
        let request = self.fleet.post(&format!("/characters/{character}/claim")).json(&body);
        let claimed: ClaimedCharacter = answer(request).await?;
        self.fleet.stays(character, Stay { host, instance, epoch, claim: claimed.claim });
        Ok(())
    }

    /// What a monster leaves: a stack that grows, coins, and a kill, which counts on a board.
    async fn events(&self) -> Result<(), Fault> {
        let character = self.character()?;
        let event = json!({
            "sequence": self.fleet.next_sequence(), "character": character,
            "xp": 10, "kills": 1, "deaths": 0,
            "items": [{ "item": "hide", "count": 1 }],
            "currencies": [{ "currency": "coin", "amount": 2 * PRICE }],
        });
        self.batch("events", &json!([event])).await
    }

    async fn save(&self) -> Result<(), Fault> {
        let character = self.character()?;
        let claim = self.fleet.stay_of(character)?.claim;
        let place = json!({ "zone": "forest", "position": { "x": 256, "y": 256 }, "health": 100 });
        self.batch("saves", &json!([{ "character": character, "claim": claim, "place": place }])).await
    }

    /// A batch of the host that the character is on; each entry must be stored.
    async fn batch(&self, kind: &str, entries: &Value) -> Result<(), Fault> {
        let Stay { instance, epoch, .. } = self.fleet.stay_of(self.character()?)?;
        let request = self.fleet.post(&format!("/instances/{instance}/{kind}"));
        let done: BatchOutcome = answer(request.json(&json!({ "epoch": epoch, kind: entries }))).await?;
        if done.outcomes.iter().all(|outcome| *outcome == EntryOutcome::Stored) {
            return Ok(());
        }
        Err(Fault::failed(format!("a batch of {kind} was not stored: {:?}", done.outcomes)))
    }

    async fn say(&self, channel: &str) -> Result<(), Fault> {
        let body = json!({ "character": self.character()?, "text": "Who comes along to the old tower?" });
        self.change(&format!("/v1/chat/{channel}/messages"), &body).await.map(drop)
    }

    async fn sell(&self) -> Result<(), Fault> {
        let lot = json!({ "stack": { "item": "hide", "count": 1 } });
        let body = json!({
            "character": self.character()?, "lot": lot, "currency": "coin", "price": PRICE, "hours": 1,
        });
        let listing: Listing = answer(self.keyed("/v1/market/listings").json(&body)).await?;
        self.lots.lock().unwrap_or_else(PoisonError::into_inner).push_back((self.number, listing.id));
        Ok(())
    }

    /// The oldest lot of the next visitor: each has one whenever all have offered as many.
    async fn buy(&self) -> Result<(), Fault> {
        let lot = {
            let mut lots = self.lots.lock().unwrap_or_else(PoisonError::into_inner);
            let visitors = u32::try_from(self.characters.len()).unwrap_or(u32::MAX);
            let next = (self.number + 1) % visitors;
            let place = lots.iter().position(|(seller, _)| *seller == next);
            place.and_then(|place| lots.remove(place)).ok_or_else(|| Fault::failed("nothing is for sale"))?
        };
        let body = json!({ "character": self.character()?, "price": PRICE });
        self.change(&format!("/v1/market/listings/{}/buy", lot.1), &body).await.map(drop)
    }

    async fn party(&self, step: Step) -> Result<(), Fault> {
        let body = json!({ "character": self.character()? });
        if step == Step::CreateParty {
            let party: Party = answer(self.keyed("/v1/parties").json(&body)).await?;
            *self.party.write().unwrap_or_else(PoisonError::into_inner) = Some(party.id);
            return Ok(());
        }
        let party = self.party.write().unwrap_or_else(PoisonError::into_inner).take();
        let party = party.ok_or_else(|| Fault::failed("a visitor has no party"))?;
        self.change(&format!("/v1/parties/{party}/leave"), &body).await.map(drop)
    }

    fn zone_channel(&self) -> Result<String, Fault> {
        Ok(format!("zone:{}", self.fleet.stay_of(self.character()?)?.instance))
    }

    fn character(&self) -> Result<CharacterId, Fault> {
        self.neighbour(0)
    }

    /// The character of the visitor so many places on, around the end.
    fn neighbour(&self, places: usize) -> Result<CharacterId, Fault> {
        let own = usize::try_from(self.number).unwrap_or(0);
        let place = &self.characters[(own + places) % self.characters.len()];
        place.get().copied().ok_or_else(|| Fault::failed("a visitor has no character yet"))
    }

    async fn read(&self, path: &str) -> Result<(), Fault> {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        answer::<Value>(request).await.map(drop)
    }

    async fn change(&self, path: &str, body: &Value) -> Result<(), Fault> {
        let request = self.keyed(path);
        let request = if body.is_null() { request } else { request.json(body) };
        succeed(request).await.map(drop)
    }

    /// A new request under an idempotency key of its own.
    fn keyed(&self, path: &str) -> RequestBuilder {
        let key = self.requests.fetch_add(1, Ordering::Relaxed).to_string();
        self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.token).header(IDEMPOTENCY_HEADER, key)
    }
}

pub(super) async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, Fault> {
    succeed(request).await?.json().await.map_err(Fault::failed)
}

async fn succeed(request: RequestBuilder) -> Result<reqwest::Response, Fault> {
    let response = request.send().await.map_err(Fault::failed)?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let url = response.url().path().to_owned();
    let text = response.text().await.unwrap_or_default();
    Err(Fault::failed(format!("the API answered {status} to {url}: {text}")))
}

/// A number in letters, since names have no digits at will.
fn letters(number: u32) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}
