//! A proxy between the API and the store that makes calls fail in every way that they can: throttled, broken, silent,
//! or with the answer lost on the way back; and sweeps that let every call of a request meet every fault.

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::random::Random;
use futures_util::stream;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::app::{Answer, App, http, random, send};

/// What befalls a call to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Refused for its rate, as DynamoDB does it when a partition is too hot.
    Throttled,
    /// An error inside the store; nothing was done.
    Failed,
    /// No answer within the time for one; nothing was done.
    Silent,
    /// Done, but the answer breaks off.
    ReplyLost,
    /// A transaction meets another one at its first item, and says of all others that their conditions did not hold:
    /// that is so while the same request, sent twice, is just being done. Other calls pass.
    Outrun,
}

pub(crate) const FAULTS: [Fault; 5] =
    [Fault::Throttled, Fault::Failed, Fault::Silent, Fault::ReplyLost, Fault::Outrun];

/// Which calls meet the fault, counted from the arming.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reach {
    /// The one with this number alone: the client's own repetition gets through.
    One(u64),
    /// This one and all after it: the request cannot succeed.
    From(u64),
    /// So many of a thousand, any of the faults: drawn by a stream of this seed.
    Some { permille: u32, seed: u64 },
}

/// Stands between the API and the engine.
pub(crate) struct Proxy {
    engine: String,
    http: reqwest::Client,
    armed: AtomicBool,
    on_trial: AtomicBool,
    calls: AtomicU64,
    plan: std::sync::Mutex<(Fault, Reach)>,
    /// Milliseconds that each call takes longer.
    pub(crate) delay_ms: AtomicU64,
    held: std::sync::Mutex<Option<Held>>,
    refused: std::sync::Mutex<Vec<String>>,
}

/// A call that is to be held: what its body has in it, who is told that it came, and who lets it go on.
struct Held {
    text: String,
    came: oneshot::Sender<()>,
    go_on: oneshot::Receiver<()>,
}

impl Proxy {
    pub(crate) async fn start(engine: &str) -> (Arc<Self>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let proxy = Arc::new(Self {
            engine: engine.to_owned(),
            http: http(),
            armed: AtomicBool::new(false),
            on_trial: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            plan: std::sync::Mutex::new((Fault::Failed, Reach::One(0))),
            delay_ms: AtomicU64::new(0),
            held: std::sync::Mutex::new(None),
            refused: std::sync::Mutex::default(),
        });
        let shared = Arc::clone(&proxy);
        let pass = move |headers: HeaderMap, body: Bytes| async move { shared.pass(headers, body).await };
        let router = axum::Router::new().fallback(pass);
        tokio::spawn(async move { axum::serve(listener, router).await });
        (proxy, url)
    }

    pub(crate) fn arm(&self, fault: Fault, reach: Reach) {
        *self.plan.lock().expect("not poisoned") = (fault, reach);
        self.calls.store(0, Ordering::SeqCst);
        self.armed.store(true, Ordering::SeqCst);
    }

    /// Ends the faults; the answer is how many calls were made since the arming.
    pub(crate) fn disarm(&self) -> u64 {
        self.armed.store(false, Ordering::SeqCst);
        self.calls.load(Ordering::SeqCst)
    }

    /// Whether a request is on its way that is meant to meet a fault.
    pub(crate) fn is_on_trial(&self) -> bool {
        self.armed.load(Ordering::SeqCst) || self.on_trial.load(Ordering::SeqCst)
    }

    /// Holds the next call with this text in its body before it reaches the engine. The answer says when it came, and
    /// lets it go on.
    pub(crate) fn hold(&self, text: &str) -> (oneshot::Receiver<()>, oneshot::Sender<()>) {
        let ((came, told), (release, go_on)) = (oneshot::channel(), oneshot::channel());
        *self.held.lock().expect("not poisoned") = Some(Held { text: text.to_owned(), came, go_on });
        (told, release)
    }

    /// Refuses every call with all of these texts in its body, until the next such order; none ends it.
    pub(crate) fn refuse(&self, texts: &[String]) {
        *self.refused.lock().expect("not poisoned") = texts.to_vec();
    }

    fn is_refused(&self, body: &[u8]) -> bool {
        let (texts, body) = (self.refused.lock().expect("not poisoned"), String::from_utf8_lossy(body));
        !texts.is_empty() && texts.iter().all(|text| body.contains(text))
    }

    /// The hold, if it is for this call.
    fn held(&self, body: &[u8]) -> Option<Held> {
        let is_meant = |held: &mut Held| String::from_utf8_lossy(body).contains(&held.text);
        self.held.lock().expect("not poisoned").take_if(is_meant)
    }

    async fn pass(&self, mut headers: HeaderMap, body: Bytes) -> Response {
        if let Some(Held { came, go_on, .. }) = self.held(&body) {
            // Who gave up on either side ends the hold.
            let _ = came.send(());
            let _ = go_on.await;
        }
        let delay = std::time::Duration::from_millis(self.delay_ms.load(Ordering::SeqCst));
        tokio::time::sleep(delay).await;
        let fault = if self.is_refused(&body) { Some(Fault::Failed) } else { self.fault() };
        match fault {
            Some(Fault::Throttled) => {
                return refusal(StatusCode::BAD_REQUEST, "ProvisionedThroughputExceededException");
            }
            Some(Fault::Failed) => {
                return refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError");
            }
            Some(Fault::Silent) => std::future::pending().await,
            Some(Fault::Outrun) if is_transaction(&headers) => return outrun(&body),
            Some(Fault::ReplyLost | Fault::Outrun) | None => {}
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
            Reach::Some { permille, seed } => {
                let mut random = Random::of_stream(seed, number);
                return (random.below(1_000) < permille).then(|| match random.below(16) {
                    // It costs time.
                    0 => Fault::Silent,
                    1..5 => Fault::Throttled,
                    5..9 => Fault::Failed,
                    _ => Fault::ReplyLost,
                });
            }
        };
        reached.then_some(fault)
    }
}

fn refusal(status: StatusCode, kind: &str) -> Response {
    let body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": "made up" });
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], body.to_string()).into_response()
}

fn is_transaction(headers: &HeaderMap) -> bool {
    headers["x-amz-target"].as_bytes().ends_with(b".TransactWriteItems")
}

fn outrun(body: &[u8]) -> Response {
    let request: Value = serde_json::from_slice(body).expect("a request");
    let parts = request["TransactItems"].as_array().expect("parts").len();
    let reasons: Vec<_> = std::iter::once("TransactionConflict")
        .chain(std::iter::repeat_n("ConditionalCheckFailed", parts - 1))
        .map(|code| json!({ "Code": code, "Message": "made up" }))
        .collect();
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "made up", "CancellationReasons": reasons,
    });
    let kind = [(header::CONTENT_TYPE, "application/x-amz-json-1.0")];
    (StatusCode::BAD_REQUEST, kind, body.to_string()).into_response()
}

/// Another API on the store of `app`, whose calls fail on command, and its proxy.
pub(crate) async fn fragile(app: &App) -> (App, Arc<Proxy>) {
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

/// How often a request may meet the short time limits of a fragile API where no fault befalls it: the machine is busy.
const BUSY_MAX: u32 = 4;

/// A request that changes something, how it is sent, and what is there afterwards.
pub(crate) struct Scenario<'a> {
    /// Sent with the same idempotency key each time.
    pub(crate) request: Box<dyn Fn() -> reqwest::RequestBuilder + 'a>,
    /// The status of success.
    pub(crate) status: u16,
}

/// Sends the request once under a fault at the call `number`, then until it succeeds, and gives the last answer.
/// `None` when the request makes no such call.
pub(crate) async fn under_fault(
    proxy: &Proxy,
    scenario: &Scenario<'_>,
    fault: Fault,
    reach: Reach,
) -> Option<Answer> {
    let (Reach::One(number) | Reach::From(number)) = reach else { panic!("a sweep is about one call") };
    proxy.on_trial.store(true, Ordering::SeqCst);
    let met = meet(proxy, scenario, fault, reach, number).await;
    proxy.on_trial.store(false, Ordering::SeqCst);
    met
}

async fn meet(
    proxy: &Proxy,
    scenario: &Scenario<'_>,
    fault: Fault,
    reach: Reach,
    number: u64,
) -> Option<Answer> {
    proxy.arm(fault, reach);
    let first = send((scenario.request)()).await;
    let calls = proxy.disarm();
    if calls <= number && first.status == scenario.status {
        return None;
    }
    if first.status == scenario.status {
        return Some(first);
    }
    assert_eq!(first.status, 503, "{fault:?} at {reach:?}: {}", first.text);
    assert!(first.headers.contains_key("retry-after"), "{fault:?} at {reach:?}");
    let mut again = send((scenario.request)()).await;
    for _ in 0..BUSY_MAX {
        if again.status != 503 {
            break;
        }
        again = send((scenario.request)()).await;
    }
    assert_eq!(again.status, scenario.status, "{fault:?} at {reach:?}: {}", again.text);
    Some(again)
}

/// Runs `scenario` for every fault at every call that it makes. The kinds of faults are tried beside each other, since
/// most of the time is waiting; each has an API of its own on the one store, and each run has a player of its own.
pub(crate) async fn at_every_call<F>(scenario: F)
where
    F: AsyncFn(&App, &Proxy, Fault, Reach) -> bool,
{
    let world = App::start().await;
    let kinds = FAULTS.iter().flat_map(|fault| [(*fault, false), (*fault, true)]);
    let (world, scenario) = (&world, &scenario);
    futures_util::future::join_all(kinds.map(|(fault, lasting)| async move {
        let (mut app, proxy) = fragile(world).await;
        // What is not on trial does not meet its short time limits either.
        app.aside = Some(Arc::clone(&proxy));
        for number in 0.. {
            let reach = if lasting { Reach::From(number) } else { Reach::One(number) };
            let goes_on = scenario(&app, &proxy, fault, reach).await;
            app.let_hosts_die();
            if !goes_on {
                assert!(number > 0, "the request calls the store");
                break;
            }
        }
    }))
    .await;
}

/// A name that no character has.
pub(crate) fn fresh_name() -> String {
    let letter = |number: u128| char::from(b'a' + u8::try_from(number % 26).expect("a letter"));
    let mut number = random();
    let letters = (0..14).map(|_| {
        number /= 26;
        letter(number)
    });
    format!("S{}", letters.collect::<String>())
}
