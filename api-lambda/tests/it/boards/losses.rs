//! Lost calls and lost replies between the API and the store: whatever is cut off, entries and counts change together
//! or not at all, and what a caller repeats counts once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use domain::contract::boards::BoardsSwept;
use domain::contract::hosts::BatchOutcome;
use domain::random::Random;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use super::World;
use crate::app::{Engine, random, send};

/// Stands between the API and the store.
struct Link {
    target: String,
    http: reqwest::Client,
    /// Of 100 calls that write, so many are lost: half of them before the store gets them, half after it.
    lost_percent: AtomicU32,
    lost: AtomicU32,
    chance: Mutex<Random>,
}

/// An answer that breaks off before its body.
fn broken() -> Response {
    let end = futures_util::stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut off")) });
    let mut answer = Response::new(Body::from_stream(end));
    *answer.status_mut() = StatusCode::OK;
    answer
}

async fn forward(State(link): State<Arc<Link>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let writes = ["TransactWriteItems", "PutItem", "UpdateItem", "BatchWriteItem"];
    let is_write = writes.iter().any(|write| target.ends_with(write));
    let dice = link.chance.lock().await.below(200);
    let is_lost = is_write && dice < 2 * link.lost_percent.load(Ordering::SeqCst);
    if is_lost {
        link.lost.fetch_add(1, Ordering::SeqCst);
    }
    if is_lost && dice % 2 == 0 {
        return broken();
    }
    let mut request = link.http.post(&link.target).body(body);
    for (name, value) in
        headers.iter().filter(|(name, _)| !["host", "content-length"].contains(&name.as_str()))
    {
        request = request.header(name, value);
    }
    let answer = request.send().await.expect("the store answers");
    if is_lost {
        return broken();
    }
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers().iter().filter(|(name, _)| name.as_str() != "transfer-encoding") {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.bytes().await.expect("a body"))).expect("an answer")
}

async fn link(engine: &Engine, seed: u64) -> (Arc<Link>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let link = Arc::new(Link {
        target: engine.url.clone(),
        http: crate::app::http(),
        lost_percent: AtomicU32::new(0),
        lost: AtomicU32::new(0),
        chance: Mutex::new(Random::new(seed)),
    });
    let router = axum::Router::new().fallback(forward).with_state(Arc::clone(&link));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (link, url)
}

#[tokio::test]
async fn whatever_is_cut_off_boards_stay_right() {
    let engine = Engine::start().await;
    let (link, url) = link(&engine, 7).await;
    let world = World::start_on(engine, Some(url), 12).await;
    let (_, registered) = world.app.living_host(&["forest"]).await;
    let own = &registered.instances[0];
    let events_path = format!("/instances/{}/events", own.instance);
    link.lost_percent.store(40, Ordering::SeqCst);
    // A host that repeats each batch until it is answered.
    let host = async {
        for batch in 0..15_u64 {
            let event = |index: usize| {
                json!({ "sequence": batch * 100 + u64::try_from(index).expect("small"),
                    "character": world.id(index), "xp": 0, "kills": 1, "deaths": 0, "items": [],
                    "scores": [{ "board": "points", "score": index * 700 }] })
            };
            let events: Vec<_> = (0..12).map(event).collect();
            let body = json!({ "epoch": own.epoch, "events": events });
            loop {
                let answer = world.app.internal(&events_path, &body).await;
                if answer.status == 200 {
                    answer.ok::<BatchOutcome>(200);
                    break;
                }
                assert_eq!(answer.status, 503, "{}", answer.text);
            }
        }
    };
    // A service that does so too, and an administrator who does not.
    let service = async {
        for score in 0..15 {
            let key = format!("{:032x}", random());
            let body = json!({ "scores": [{ "character": world.id(score % 12), "score": 3 }] });
            while world.submit_as("points", &key, &body).await.status != 200 {}
        }
    };
    let admin = async {
        for index in 0..12 {
            let path = format!("/boards/hidden/{}", world.id(index));
            send(world.app.owner(Method::PUT, &path)).await;
            if index % 2 == 0 {
                send(world.app.owner(Method::DELETE, &path)).await;
            }
        }
    };
    futures_util::future::join3(host, service, admin).await;
    link.lost_percent.store(0, Ordering::SeqCst);
    assert!(link.lost.load(Ordering::SeqCst) > 20, "hardly anything was lost");
    for board in ["points", "kills"] {
        world.assert_clean(board).await;
    }
    // What the administrator's cut-off calls left is finished.
    let swept: BoardsSwept = world.app.internal("/boards/sweep", &json!({})).await.ok(200);
    assert!(!swept.more);
    // Whatever the last word was, it is in force on every board, and saying it again changes nothing but who counts.
    let shown = join_all((0..12).map(|index| {
        let request = world.app.owner(Method::DELETE, &format!("/boards/hidden/{}", world.id(index)));
        async move { send(request).await.status }
    }));
    assert!(shown.await.iter().all(|status| *status == 200));
    assert_eq!(world.assert_clean("points").await, 12);
    assert_eq!(world.assert_clean("kills").await, 12);
    assert_all_counted_once(&world).await;
}

/// What the host and the service have sent is there once.
async fn assert_all_counted_once(world: &World) {
    for entry in world.all("kills", 100, None).await {
        assert_eq!((entry.score, entry.rank), (15, 1));
    }
    let mut expected: Vec<_> =
        (0..12).map(|index| 15 * index * 700 + if index < 3 { 6 } else { 3 }).collect();
    expected.sort_unstable_by(|one, other| other.cmp(one));
    let points = world.all("points", 5, None).await;
    assert_eq!(points.iter().map(|entry| entry.score).collect::<Vec<i64>>(), expected);
}
