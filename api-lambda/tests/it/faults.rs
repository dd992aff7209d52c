//! The store fails in every way that it can: throttled, broken, silent, or with the answer lost on the way back.
//! Whatever a request meets, it is answered with 503 and Retry-After or it succeeds; the same request sent again
//! then gets what it would have got at once, and nothing is there half or twice.

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;

use crate::app::{Answer, App, SERVICE_TOKEN, http, random, send};

/// What befalls a call to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Refused for its rate, as DynamoDB does it when a partition is too hot.
    Throttled,
    /// An error inside the store; nothing was done.
    Failed,
    /// No answer within the time for one; nothing was done.
    Silent,
    /// Done, but the answer breaks off.
    ReplyLost,
}

const FAULTS: [Fault; 4] = [Fault::Throttled, Fault::Failed, Fault::Silent, Fault::ReplyLost];

/// Which calls meet the fault, counted from the arming.
#[derive(Debug, Clone, Copy)]
enum Reach {
    /// The one with this number alone: the client's own repetition gets through.
    One(u64),
    /// This one and all after it: the request cannot succeed.
    From(u64),
}

/// Stands between the API and the engine.
struct Proxy {
    engine: String,
    http: reqwest::Client,
    armed: AtomicBool,
    calls: AtomicU64,
    plan: std::sync::Mutex<(Fault, Reach)>,
}

impl Proxy {
    async fn start(engine: &str) -> (Arc<Self>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let proxy = Arc::new(Self {
            engine: engine.to_owned(),
            http: http(),
            armed: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            plan: std::sync::Mutex::new((Fault::Failed, Reach::One(0))),
        });
        let shared = Arc::clone(&proxy);
        let pass = move |headers: HeaderMap, body: Bytes| async move { shared.pass(headers, body).await };
        let router = axum::Router::new().fallback(pass);
        tokio::spawn(async move { axum::serve(listener, router).await });
        (proxy, url)
    }

    fn arm(&self, fault: Fault, reach: Reach) {
        *self.plan.lock().expect("not poisoned") = (fault, reach);
        self.calls.store(0, Ordering::SeqCst);
        self.armed.store(true, Ordering::SeqCst);
    }

    /// Ends the faults; the answer is how many calls were made since the arming.
    fn disarm(&self) -> u64 {
        self.armed.store(false, Ordering::SeqCst);
        self.calls.load(Ordering::SeqCst)
    }

    async fn pass(&self, mut headers: HeaderMap, body: Bytes) -> Response {
        let fault = self.fault();
        match fault {
            Some(Fault::Throttled) => {
                return refusal(StatusCode::BAD_REQUEST, "ProvisionedThroughputExceededException");
            }
            Some(Fault::Failed) => {
                return refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError");
            }
            Some(Fault::Silent) => std::future::pending().await,
            Some(Fault::ReplyLost) | None => {}
        }
        headers.remove(header::HOST);
        let forwarded = self.http.post(&self.engine).headers(headers).body(body).send().await;
        let forwarded = forwarded.expect("the engine answers");
        let status = forwarded.status();
        let headers = forwarded.headers().clone();
        let body = forwarded.bytes().await.expect("a body");
        if fault == Some(Fault::ReplyLost) {
            let broken = stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("cut off"))]);
            return axum::body::Body::from_stream(broken).into_response();
        }
        let mut response = (status, body).into_response();
        *response.headers_mut() = headers;
        response
    }

    /// What befalls the next call.
    fn fault(&self) -> Option<Fault> {
        if !self.armed.load(Ordering::SeqCst) {
            return None;
        }
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let (fault, reach) = *self.plan.lock().expect("not poisoned");
        let reached = match reach {
            Reach::One(only) => number == only,
            Reach::From(first) => number >= first,
        };
        reached.then_some(fault)
    }
}

fn refusal(status: StatusCode, kind: &str) -> Response {
    let body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": "made up" });
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], body.to_string()).into_response()
}

/// Another API on the store of `app`, whose calls fail on command, and its proxy.
async fn fragile(app: &App) -> (App, Arc<Proxy>) {
    let (proxy, url) = Proxy::start(&app.engine.url).await;
    let fragile = app
        .beside(|config| {
            config.dynamodb_endpoint = Some(url);
            config.store_attempt_timeout_ms = 250;
            config.store_timeout_ms = 1_500;
        })
        .await;
    (fragile, proxy)
}

/// A request that changes something, how it is sent, and what is there afterwards.
struct Scenario<'a> {
    /// Sent with the same idempotency key each time.
    request: Box<dyn Fn() -> reqwest::RequestBuilder + 'a>,
    /// The status of success.
    status: u16,
}

/// Sends the request once under a fault at the call `number`, then until it succeeds, and gives the last answer.
/// `None` when the request makes no such call.
async fn under_fault(proxy: &Proxy, scenario: &Scenario<'_>, fault: Fault, reach: Reach) -> Option<Answer> {
    proxy.arm(fault, reach);
    let first = send((scenario.request)()).await;
    let calls = proxy.disarm();
    let (Reach::One(number) | Reach::From(number)) = reach;
    if calls <= number {
        assert_eq!(first.status, scenario.status, "{}", first.text);
        return None;
    }
    if first.status == scenario.status {
        return Some(first);
    }
    assert_eq!(first.status, 503, "{fault:?} at {reach:?}: {}", first.text);
    assert!(first.headers.contains_key("retry-after"), "{fault:?} at {reach:?}");
    let again = send((scenario.request)()).await;
    assert_eq!(again.status, scenario.status, "{fault:?} at {reach:?}: {}", again.text);
    Some(again)
}

/// Runs `scenario` for every fault at every call that it makes. The kinds of faults are tried beside each other, since
/// most of the time is waiting; each has an API of its own on the one store, and each run has a player of its own.
async fn at_every_call<F>(scenario: F)
where
    F: AsyncFn(&App, &Proxy, Fault, Reach) -> bool,
{
    let world = App::start().await;
    let kinds = FAULTS.iter().flat_map(|fault| [(*fault, false), (*fault, true)]);
    let (world, scenario) = (&world, &scenario);
    futures_util::future::join_all(kinds.map(|(fault, lasting)| async move {
        let (app, proxy) = fragile(world).await;
        for number in 0.. {
            let reach = if lasting { Reach::From(number) } else { Reach::One(number) };
            if !scenario(&app, &proxy, fault, reach).await {
                assert!(number > 0, "the request calls the store");
                break;
            }
        }
    }))
    .await;
}

/// A name that no character has.
fn fresh_name() -> String {
    let letter = |number: u128| char::from(b'a' + u8::try_from(number % 26).expect("a letter"));
    let mut number = random();
    let letters = (0..14).map(|_| {
        number /= 26;
        letter(number)
    });
    format!("S{}", letters.collect::<String>())
}

#[tokio::test]
async fn a_character_is_made_once_whatever_befalls_the_store() {
    at_every_call(async |app, proxy, fault, reach| {
        let player = app.player().await;
        let name = fresh_name();
        let scenario = Scenario {
            request: Box::new(|| {
                player
                    .request(reqwest::Method::POST, "/v1/characters")
                    .header("idempotency-key", "one")
                    .json(&json!({ "name": name }))
            }),
            status: 201,
        };
        let Some(made) = under_fault(proxy, &scenario, fault, reach).await else { return false };
        let list: Value = player.get("/v1/characters").await.ok(200);
        let characters = list["characters"].as_array().expect("a list");
        assert_eq!(characters.len(), 1, "{fault:?} at {reach:?}");
        assert_eq!(characters[0], made.ok::<Value>(201), "{fault:?} at {reach:?}");
        true
    })
    .await;
}

#[tokio::test]
async fn gains_are_stored_once_whatever_befalls_the_store() {
    at_every_call(async |app, proxy, fault, reach| {
        let player = app.player().await;
        let character = player.create(&fresh_name()).await;
        let (_, registered) = app.host(&["forest"]).await;
        let own = &registered.instances[0];
        let body = json!({ "epoch": own.epoch, "events": [{
            "sequence": 1, "character": character.id, "xp": 7, "kills": 1, "deaths": 0, "items": [],
        }] });
        let path = format!("/internal/v1/instances/{}/events", own.instance);
        let scenario = Scenario {
            request: Box::new(|| {
                app.request(reqwest::Method::POST, &path).bearer_auth(SERVICE_TOKEN).json(&body)
            }),
            status: 200,
        };
        let Some(answer) = under_fault(proxy, &scenario, fault, reach).await else { return false };
        assert_eq!(answer.ok::<Value>(200)["outcomes"], json!(["stored"]));
        let now: Value = player.get(&format!("/v1/characters/{}", character.id)).await.ok(200);
        assert_eq!((&now["xp"], &now["kills"]), (&json!(7), &json!(1)), "{fault:?} at {reach:?}");
        true
    })
    .await;
}

#[tokio::test]
async fn a_seat_is_taken_once_whatever_befalls_the_store() {
    at_every_call(async |app, proxy, fault, reach| {
        let player = app.player().await;
        let character = player.create(&fresh_name()).await;
        app.host(&["forest"]).await;
        let scenario = Scenario {
            request: Box::new(|| {
                player
                    .request(reqwest::Method::POST, "/v1/zones/forest/join")
                    .header("idempotency-key", "one")
                    .json(&json!({ "character": character.id }))
            }),
            status: 200,
        };
        let Some(joined) = under_fault(proxy, &scenario, fault, reach).await else { return false };
        let again: Value = send((scenario.request)()).await.ok(200);
        assert_eq!(again, joined.ok::<Value>(200), "the same key gets the same ticket");
        true
    })
    .await;
}

#[tokio::test]
async fn possessions_change_once_whatever_befalls_the_store() {
    at_every_call(async |app, proxy, fault, reach| {
        let player = app.player().await;
        let character = player.create(&fresh_name()).await;
        let (host, registered) = app.host(&["forest"]).await;
        let own = &registered.instances[0];
        let claim =
            json!({ "account": player.account, "host": host, "instance": own.instance, "epoch": own.epoch });
        app.internal(&format!("/characters/{}/claim", character.id), &claim).await.ok::<Value>(200);
        let gains = json!({ "epoch": own.epoch, "events": [{
            "sequence": 1, "character": character.id, "xp": 7, "kills": 0, "deaths": 0,
            "items": [{ "item": "hide", "count": 3 }, { "item": "sword", "count": 2 }],
            "currencies": [{ "currency": "coin", "amount": 9 }],
        }] });
        let spend = json!({ "epoch": own.epoch, "actions": [{
            "sequence": 1, "character": character.id, "claim": 1,
            "action": { "spend": { "currency": "coin", "amount": 5, "reason": "toll" } },
        }] });
        for (what, body) in [("events", gains), ("actions", spend)] {
            let path = format!("/internal/v1/instances/{}/{what}", own.instance);
            let scenario = Scenario {
                request: Box::new(|| {
                    app.request(reqwest::Method::POST, &path).bearer_auth(SERVICE_TOKEN).json(&body)
                }),
                status: 200,
            };
            let Some(answer) = under_fault(proxy, &scenario, fault, reach).await else { return false };
            assert_eq!(answer.ok::<Value>(200)["outcomes"], json!(["stored"]));
        }
        let path = format!("/v1/characters/{}", character.id);
        let inventory: Value = player.get(&format!("{path}/inventory")).await.ok(200);
        assert_eq!(inventory["items"].as_array().map(Vec::len), Some(2), "{fault:?} at {reach:?}");
        assert_eq!(inventory["stacks"], json!([{ "item": "hide", "count": 3 }]), "{fault:?} at {reach:?}");
        let ledger: Value = player.get(&format!("{path}/wallet/coin/entries")).await.ok(200);
        let balances: Vec<_> =
            ledger["entries"].as_array().expect("a list").iter().map(|e| &e["balance"]).collect();
        assert_eq!(balances, [&json!(4), &json!(9)], "{fault:?} at {reach:?}");
        true
    })
    .await;
}

#[tokio::test]
async fn a_character_is_restored_once_whatever_befalls_the_store() {
    at_every_call(async |app, proxy, fault, reach| {
        let player = app.player().await;
        let character = player.create(&fresh_name()).await;
        let path = format!("/v1/characters/{}", character.id);
        assert_eq!(player.delete(&path).await.status, 204);
        let name = fresh_name();
        let scenario = Scenario {
            request: Box::new(|| {
                player
                    .request(reqwest::Method::POST, &format!("{path}/restore"))
                    .header("idempotency-key", "one")
                    .json(&json!({ "name": name }))
            }),
            status: 200,
        };
        let Some(restored) = under_fault(proxy, &scenario, fault, reach).await else { return false };
        assert_eq!(
            player.get(&path).await.ok::<Value>(200),
            restored.ok::<Value>(200),
            "{fault:?} at {reach:?}"
        );
        let deleted: Value = player.get("/v1/characters/deleted").await.ok(200);
        assert_eq!(deleted["characters"], json!([]), "{fault:?} at {reach:?}");
        true
    })
    .await;
}

#[tokio::test]
async fn a_store_that_is_silent_costs_a_request_its_time_and_no_more() {
    let world = App::start().await;
    let (app, proxy) = fragile(&world).await;
    let player = app.player().await;
    player.create("Patient").await;
    proxy.arm(Fault::Silent, Reach::From(0));
    let answers = futures_util::future::join_all((0..20).map(|_| player.get("/v1/characters"))).await;
    for answer in &answers {
        answer.problem(503, "store_unavailable");
    }
    proxy.disarm();
    // Nothing is left over of them: the API answers at once again.
    let list: Value = tokio::time::timeout(Duration::from_secs(5), player.get("/v1/characters"))
        .await
        .expect("an answer in time")
        .ok(200);
    assert_eq!(list["characters"].as_array().map(Vec::len), Some(1));
}
