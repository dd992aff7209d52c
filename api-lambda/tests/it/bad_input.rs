//! Bad input and bad weather: each has its status and its words, and disturbs nobody else.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::contract::players::CharacterList;
use domain::ids::CorrelationId;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::app::{App, Engine, now, random, send};

#[tokio::test]
async fn bad_bodies_are_refused_in_our_words() {
    let app = App::start().await;
    let player = app.player().await;
    let post = |body: &str| {
        let request = player.request(Method::POST, "/v1/characters");
        send(request.header("content-type", "application/json; charset=utf-8").body(body.to_owned()))
    };
    for (body, words) in [
        ("", "the body is not JSON"),
        ("{", "the body is not JSON"),
        ("\u{0}\u{1}", "the body is not JSON"),
        ("[]", "an object, not an array"),
        // The fields of a character in their order.
        (r#"["Ada"]"#, "an object, not an array"),
        (" \t\r\n[\"Ada\"]", "an object, not an array"),
        ("\"Ada\"", "the body does not have the form"),
        ("null", "the body does not have the form"),
        ("{}", "missing field `name`"),
        (r#"{"name":7}"#, "expected a string"),
        (r#"{"name":"Ada","title":"Dr"}"#, "unknown field `title`"),
        (r#"{"name":"Ada","name":"Eve"}"#, "duplicate field `name`"),
        (r#"{"name":"Al"}"#, "a name has 3 to 20 characters"),
        (r#"{"name":"A\u0007da"}"#, "a name has only letters"),
        (r#"{"name":"\u0000da"}"#, "a name has only letters"),
        (r#"{"name":"A\u202eda"}"#, "a name has only letters"),
        (r#"{"name":"<script>"}"#, "a name starts with a letter"),
    ] {
        let problem = post(body).await.problem(400, "bad_body");
        assert!(problem.detail.contains(words), "{body}: {}", problem.detail);
    }
    let long = post(&json!({ "name": "a".repeat(10_000) }).to_string()).await.problem(400, "bad_body");
    assert!(long.detail.contains("a name has 3 to 20 characters"), "{}", long.detail);
    let field = post(&format!("{{\"{}\":1}}", "x".repeat(50_000))).await.problem(400, "bad_body");
    assert!(field.detail.len() < 400, "what strangers send is not sent back at length");
    let deep = post(&"[".repeat(20_000)).await;
    assert_eq!(deep.status, 400);
    let request = player.request(Method::POST, "/v1/characters").body(r#"{"name":"Ada"}"#);
    send(request).await.problem(415, "body_type");
    assert!(player.get("/v1/characters").await.ok::<CharacterList>(200).characters.is_empty());
}

#[tokio::test]
async fn arrays_are_no_objects_wherever_they_stand() {
    let app = App::start().await;
    let player = app.player().await;
    let hero = player.create("Ada").await.id;
    let listing = |lot| json!({ "character": hero, "lot": lot, "currency": "coin", "price": 9, "hours": 1 });
    let place = "lot.stack must be an object, not an array";
    let refused = player.post("/v1/market/listings", &listing(json!({ "stack": ["hide", 1] }))).await;
    let detail = refused.problem(400, "bad_body").detail;
    assert!(detail.contains(place), "{detail}");
    let whole = listing(json!({ "stack": { "item": "hide", "count": 1 } }));
    let understood = player.post_keyed("/v1/market/listings", "k", &whole).await;
    assert_ne!(understood.status, 400, "{}", understood.text);
}

#[tokio::test]
async fn a_huge_body_is_refused_and_the_sender_gets_to_know() {
    let app = App::start().await;
    let player = app.player().await;
    for size in [65_537, 10 * 1024 * 1024] {
        let request = player.request(Method::POST, "/v1/characters");
        let request = request.header("content-type", "application/json").body(vec![b' '; size]);
        send(request).await.problem(413, "body_too_large");
    }
    let largest = format!("{{\"name\":\"Ada\"}}{}", " ".repeat(65_536 - 14));
    let request = player.request(Method::POST, "/v1/characters").header("content-type", "application/json");
    assert_eq!(send(request.body(largest)).await.status, 201);
    assert_eq!(app.metric("api_problems_total{code=\"body_too_large\"} ").await, 2);
}

#[tokio::test]
async fn addresses_and_methods_that_are_not_there_are_problems_too() {
    let app = App::start().await;
    let player = app.player().await;
    player.get("/v1/nothing").await.problem(404, "no_route");
    player.get("/v1/characters/").await.problem(404, "no_route");
    let answer = send(player.request(Method::PUT, "/v1/characters")).await;
    answer.problem(405, "method");
    assert_eq!(answer.headers["allow"], "GET,HEAD,POST");
    for id in
        ["x", "chr_", "acc_01j00000000000000000000000", "chr_01J00000000000000000000000", "%00", "..%2f"]
    {
        player.get(&format!("/v1/characters/{id}")).await.problem(400, "bad_path");
    }
    let huge = format!("/v1/characters/{}", "a".repeat(5_000));
    player.get(&huge).await.problem(400, "bad_path");
}

#[tokio::test]
async fn correlation_ids_are_taken_over_or_made() {
    let app = App::start().await;
    let id = CorrelationId::new(now(), random()).to_string();
    let request = || app.request(Method::GET, "/v1/nothing");
    let answer = send(request().header("x-correlation-id", &id)).await;
    assert_eq!(answer.headers["x-correlation-id"], id.as_str());
    assert_eq!(answer.problem(404, "no_route").correlation_id.map(|id| id.to_string()), Some(id));
    let answer = send(request().header("x-correlation-id", "forged\tline")).await;
    assert!(answer.headers["x-correlation-id"].to_str().expect("ASCII").parse::<CorrelationId>().is_ok());
    let answer = send(app.request(Method::GET, "/health")).await;
    assert!(answer.status == 200 && answer.headers.contains_key("x-correlation-id"));
}

#[tokio::test]
async fn pages_of_allowed_origins_may_read_answers() {
    let app = App::start().await;
    let preflight = |origin: &'static str| {
        let request = app.request(Method::OPTIONS, "/v1/zones/forest/join").header("origin", origin);
        send(request.header("access-control-request-method", "POST"))
    };
    let allowed = preflight("http://page.example:8080").await;
    assert_eq!(allowed.status, 204);
    assert_eq!(allowed.headers["access-control-allow-origin"], "http://page.example:8080");
    let headers = allowed.headers["access-control-allow-headers"].to_str().expect("ASCII");
    assert!(headers.contains("authorization") && headers.contains("idempotency-key"));
    let refused = preflight("http://evil.example").await;
    assert!(!refused.headers.contains_key("access-control-allow-origin"));
    // Errors are readable too.
    let request = app.request(Method::GET, "/v1/zones").header("origin", "http://page.example:8080");
    let answer = send(request).await;
    answer.problem(401, "token_missing");
    assert_eq!(answer.headers["access-control-allow-origin"], "http://page.example:8080");
    assert_eq!(answer.headers["vary"], "Origin");
}

#[tokio::test]
async fn a_body_that_never_comes_ends_with_the_time_limit() {
    let app = App::start_with(|config| config.request_timeout_ms = 300).await;
    let player = app.player().await;
    let address = app.url.strip_prefix("http://").expect("an address");
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let head = format!(
        "POST /v1/characters HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{{",
        player.token
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = vec![0; 4_096];
    let read = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut answer)).await;
    let length = read.expect("an answer in time").expect("an answer");
    let answer = String::from_utf8_lossy(&answer[..length]);
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("timed_out"), "{answer}");
}

#[tokio::test]
async fn a_store_that_is_down_is_not_the_callers_fault() {
    let mut app = App::start_on(Engine::start_embedded().await, |config| {
        config.store_timeout_ms = 1_500;
        config.store_attempt_timeout_ms = 500;
    })
    .await;
    assert_eq!(send(app.request(Method::GET, "/ready")).await.status, 200);
    app.engine.stop().await;
    let player = app.player().await;
    let started = Instant::now();
    player.get("/v1/characters").await.problem(503, "store_unavailable");
    player.post("/v1/characters", &json!({ "name": "Ada" })).await.problem(503, "store_unavailable");
    let problem = send(app.request(Method::GET, "/ready")).await.problem(503, "store_unavailable");
    assert!(!problem.detail.contains("127.0.0.1"), "what is inside stays inside: {}", problem.detail);
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(send(app.request(Method::GET, "/health")).await.status, 200);
}

#[tokio::test]
async fn an_item_of_an_unknown_form_is_left_alone() {
    let app = App::start().await;
    let player = app.player().await;
    let id = player.create("Ada").await.id;
    let update = app.engine.client().update_item().table_name(format!("{}players", app.engine.table_prefix));
    let update = update.key("pk", AttributeValue::S(id.to_string())).update_expression("SET v = :v");
    let newer = AttributeValue::N("99".into());
    update.expression_attribute_values(":v", newer).send().await.expect("written");
    let problem = player.get(&format!("/v1/characters/{id}")).await.problem(500, "internal");
    assert!(!problem.detail.contains("99"), "what is inside is for the log: {}", problem.detail);
    player.delete(&format!("/v1/characters/{id}")).await.problem(500, "internal");
}
