//! Requests that are not as they should be, and what browsers need.

use reqwest::Method;
use serde_json::json;

use super::{Edge, ORIGIN, refused};

pub(super) async fn bad_bodies_are_refused(edge: &Edge) {
    let secret = "x".repeat(40);
    for body in [
        json!({}),
        json!([]),
        json!("guest"),
        json!({ "kind": "guest" }),
        json!({ "kind": "wizard", "device_secret": secret }),
        json!({ "kind": "guest", "device_secret": secret, "admin": true }),
        json!({ "kind": "guest", "device_secret": "short" }),
        json!({ "kind": "guest", "device_secret": "x".repeat(10_000) }),
        json!({ "kind": "guest", "device_secret": 7 }),
    ] {
        refused(edge.post("/v1/sessions", &body), 400, "bad_request").await;
    }
    let raw = |kind: &str, body: Vec<u8>| {
        edge.request(Method::POST, "/v1/sessions").header("content-type", kind).body(body)
    };
    refused(raw("application/json", b"{\"kind\":".to_vec()), 400, "bad_request").await;
    // serde would read an array of the values of the fields as the object.
    for body in [json!(["guest", secret]).to_string(), format!(" \n{}", json!(["guest", secret]))] {
        let sent = raw("application/json", body.into_bytes()).send().await.expect("an answer");
        assert_eq!(sent.status(), 400);
        let problem: domain::contract::Problem = sent.json().await.expect("a problem");
        assert!(problem.detail.contains("an object, not an array"), "{}", problem.detail);
    }
    refused(raw("application/json", vec![0xff, 0xfe]), 400, "bad_request").await;
    refused(raw("text/plain", b"{}".to_vec()), 415, "media_type").await;
    refused(raw("application/json", vec![b' '; 70_000]), 413, "too_large").await;
    refused(raw("application/json", vec![b' '; 10_000_000]), 413, "too_large").await;
}

pub(super) async fn paths_and_methods(edge: &Edge) {
    for path in ["/", "/v1", "/v1/sessions/", "/v1/regions//health/x", "/admin"] {
        refused(edge.request(Method::GET, path), 404, "not_found").await;
    }
    for (method, path, allowed) in [
        (Method::GET, "/v1/sessions", "POST"),
        (Method::POST, "/v1/resolve", "GET"),
        (Method::GET, "/v1/sessions/current", "DELETE"),
        (Method::DELETE, "/v1/regions/fra/health", "PUT"),
        (Method::DELETE, "/v1/accounts", "GET, POST"),
        (Method::POST, "/v1/accounts/x", "GET, DELETE"),
        (Method::POST, "/v1/bans/x", "PUT, DELETE"),
    ] {
        let answer = edge.request(method.clone(), path).send().await.expect("an answer");
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["allow"]),
            (405, &allowed.parse().expect("a header"))
        );
        refused(edge.request(method, path), 405, "method_not_allowed").await;
    }
}

pub(super) async fn origins_and_correlation(edge: &Edge) {
    let answer =
        edge.request(Method::GET, "/health").header("origin", ORIGIN).send().await.expect("an answer");
    assert_eq!(answer.headers()["access-control-allow-origin"], ORIGIN);
    let correlation = answer.headers()["x-correlation-id"].to_str().expect("a text").to_owned();
    let answer = edge.request(Method::GET, "/health").header("x-correlation-id", &correlation).send().await;
    assert_eq!(answer.expect("an answer").headers()["x-correlation-id"], correlation.as_str(), "is kept");
    let answer = edge.request(Method::GET, "/health").header("x-correlation-id", "<script>").send().await;
    let replaced =
        answer.expect("an answer").headers()["x-correlation-id"].to_str().expect("a text").to_owned();
    assert!(replaced.starts_with("cor_"), "{replaced}");
    let preflight = edge.request(Method::OPTIONS, "/v1/sessions").header("origin", ORIGIN);
    let answer = preflight.header("access-control-request-method", "POST").send().await.expect("an answer");
    assert_eq!(answer.status(), 204);
    assert!(
        answer.headers()["access-control-allow-headers"].to_str().expect("a text").contains("content-type")
    );
    let foreign = edge.request(Method::GET, "/health").header("origin", "https://evil.example");
    let answer = foreign.send().await.expect("an answer");
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
}
