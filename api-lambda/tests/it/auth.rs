//! Access tokens and the edge's keys.

use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ids::AccountId;
use domain::token::AccessClaims;
use futures_util::future::join_all;
use reqwest::Method;

use crate::app::{Answer, App, claims, now, random, ring, send};

async fn with_token(app: &App, token: &str) -> Answer {
    send(app.request(Method::GET, "/v1/characters").bearer_auth(token)).await
}

fn some_claims() -> AccessClaims {
    claims(AccountId::new(now(), random()))
}

#[tokio::test]
async fn only_good_tokens_are_taken() {
    let app = App::start().await;
    let edge = ring("edge-1", 1);
    let good = edge.sign(&some_claims());
    assert_eq!(with_token(&app, &good).await.status, 200);

    let parts: Vec<&str> = good.split('.').collect();
    let header = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let old = AccessClaims { iat: now().as_secs() - 1_000, exp: now().as_secs() - 100, ..some_claims() };
    let early = AccessClaims { iat: now().as_secs() + 100, ..some_claims() };
    let other_audience = AccessClaims { aud: "another-service".into(), ..some_claims() };
    let other_issuer = AccessClaims { iss: "graticule-api".into(), ..some_claims() };
    for (token, code) in [
        (edge.sign(&old), "token_expired"),
        (edge.sign(&early), "token_not_yet"),
        (edge.sign(&other_audience), "token_audience"),
        (edge.sign(&other_issuer), "token_audience"),
        (ring("edge-1", 66).sign(&some_claims()), "token_signature"),
        (ring("edge-9", 1).sign(&some_claims()), "token_unknown_key"),
        (format!("{}.{}.{}", header(r#"{"alg":"none"}"#), parts[1], parts[2]), "token_algorithm"),
        (format!("{}.{}.", header(r#"{"alg":"none"}"#), parts[1]), "token_algorithm"),
        (
            format!("{}.{}.{}", header(r#"{"alg":"HS256","kid":"edge-1"}"#), parts[1], parts[2]),
            "token_algorithm",
        ),
        (format!("{}.{}.{}", parts[0], header("{}"), parts[2]), "token_signature"),
        ("rubbish".into(), "token_malformed"),
        ("a".repeat(6_000), "token_malformed"),
    ] {
        let answer = with_token(&app, &token).await;
        answer.problem(401, code);
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
    for header in ["", "Bearer", "Basic YTpi", "Bearer\u{e9} x"] {
        let request = app.request(Method::GET, "/v1/characters").header("authorization", header);
        send(request).await.problem(401, "token_missing");
    }
    assert_eq!(app.metric("api_problems_total{code=\"token_expired\"} ").await, 1);
    assert_eq!(app.metric("api_problems_total{code=\"token_algorithm\"} ").await, 3);
}

#[tokio::test]
async fn unknown_keys_are_looked_up_no_faster_than_the_floor() {
    let app = App::start_with(|config| config.jwks_refresh_floor_secs = 1).await;
    let good = ring("edge-1", 1).sign(&some_claims());
    assert_eq!(app.edge.asked.load(Ordering::SeqCst), 0, "nothing is fetched before it is needed");
    let strange: Vec<_> = (0..50).map(|n| ring(&format!("strange-{n}"), 7).sign(&some_claims())).collect();
    assert_eq!(with_token(&app, &good).await.status, 200);
    for answer in join_all(strange.iter().map(|token| with_token(&app, token))).await {
        answer.problem(401, "token_unknown_key");
    }
    assert_eq!(app.edge.asked.load(Ordering::SeqCst), 1);

    // The edge rotates: within the floor the new key is not known, after it a token with it fetches it.
    *app.edge.ring.lock().await = ring("edge-2", 2);
    let rotated = ring("edge-2", 2).sign(&some_claims());
    with_token(&app, &rotated).await.problem(401, "token_unknown_key");
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    for answer in join_all((0..10).map(|_| with_token(&app, &rotated))).await {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    assert_eq!(app.edge.asked.load(Ordering::SeqCst), 2, "one of ten fetched for all");
    with_token(&app, &good).await.problem(401, "token_unknown_key");
}

#[tokio::test]
async fn the_last_keys_stay_while_the_edge_is_down() {
    let app = App::start_with(|config| {
        config.jwks_refresh_floor_secs = 1;
        config.jwks_age_secs_max = 1;
    })
    .await;
    let good = ring("edge-1", 1).sign(&some_claims());
    assert_eq!(with_token(&app, &good).await.status, 200);
    app.edge.broken.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(with_token(&app, &good).await.status, 200);
    assert_eq!(app.edge.asked.load(Ordering::SeqCst), 2, "it was asked again, in vain");
}

#[tokio::test]
async fn without_any_key_the_caller_is_told_to_come_back() {
    let app = App::start().await;
    app.edge.broken.store(true, Ordering::SeqCst);
    let good = ring("edge-1", 1).sign(&some_claims());
    with_token(&app, &good).await.problem(503, "access_keys_unavailable");
    app.edge.broken.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(with_token(&app, &good).await.status, 200, "the floor is short while there is no key");
}
