//! Which region a player is sent to.

use std::time::{Duration, Instant};

use domain::contract::edge::{ResolveBasis, ResolveResponse};
use domain::token::Jwks;
use reqwest::Method;
use serde_json::json;

use super::{Edge, Place, keys, refused};

fn order(answer: &ResolveResponse) -> String {
    let names: Vec<&str> = answer.candidates.iter().map(|candidate| candidate.region.as_str()).collect();
    names.join(" ")
}

pub(super) async fn no_region_takes_players_at_first(edge: &Edge) {
    refused(edge.request(Method::GET, "/v1/resolve"), 503, "region_unavailable").await;
}

pub(super) async fn the_order_follows_the_place(edge: &Edge) {
    edge.report_all().await;
    let answer: ResolveResponse = edge.get("/v1/resolve").await;
    match edge.place {
        Place::Berlin => {
            assert_eq!((order(&answer).as_str(), answer.basis), ("fra sfo sgp", ResolveBasis::Distance));
            let km = answer.candidates[0].distance_km.expect("is known");
            assert!((400..450).contains(&km), "{km}");
        }
        Place::Asia => {
            assert_eq!((order(&answer).as_str(), answer.basis), ("sgp fra sfo", ResolveBasis::Continent));
        }
    }
    assert!(answer.cache_secs > 0 && answer.candidates[0].api_url.starts_with("http"));
}

pub(super) async fn round_trips_and_pins_beat_the_place(edge: &Edge) {
    edge.report_all().await;
    let answer: ResolveResponse = edge.get("/v1/resolve?rtt=sfo:31,fra:180").await;
    assert!(order(&answer).starts_with("sfo fra"), "{}", order(&answer));
    assert_eq!((answer.basis, answer.candidates[0].rtt_ms), (ResolveBasis::RoundTrip, Some(31)));
    let answer: ResolveResponse = edge.get("/v1/resolve?region=sgp").await;
    assert_eq!((order(&answer).as_str(), answer.basis), ("sgp", ResolveBasis::Pinned));
    for query in ["rtt=x", "rtt=fra:-1", "region=mars", "colour=red"] {
        refused(edge.request(Method::GET, &format!("/v1/resolve?{query}")), 400, "bad_request").await;
    }
}

pub(super) async fn a_forged_place_counts_for_nothing(edge: &Edge) {
    edge.report_all().await;
    let honest: ResolveResponse = edge.get("/v1/resolve").await;
    let mut request = edge.request(Method::GET, "/v1/resolve");
    for (name, value) in [
        ("cf-ipcountry", "US"),
        ("cf-ipcontinent", "NA"),
        ("cf-iplatitude", "37.8"),
        ("cf-iplongitude", "-122.4"),
        ("x-geo", "37.8,-122.4"),
        ("cf-connecting-ip", "192.0.2.1"),
        ("x-forwarded-for", "192.0.2.1"),
    ] {
        request = request.header(name, value);
    }
    let forged: ResolveResponse = super::good(request, 200).await;
    assert_eq!(forged, honest);
}

pub(super) async fn full_regions_are_left_out(edge: &Edge) {
    edge.report_all().await;
    edge.report("fra", 1_000).await;
    let answer: ResolveResponse = edge.get("/v1/resolve").await;
    assert!(!order(&answer).contains("fra"), "{}", order(&answer));
    refused(edge.request(Method::GET, "/v1/resolve?region=fra"), 503, "region_unavailable").await;
}

pub(super) async fn a_region_without_hosts_takes_nobody(edge: &Edge) {
    edge.report_all().await;
    let empty = json!({ "load_permille": 0, "players": 0, "hosts": 0 });
    let report =
        edge.request(Method::PUT, "/v1/regions/sgp/health").bearer_auth(super::SERVICE_TOKEN).json(&empty);
    assert_eq!(report.send().await.expect("an answer").status(), 204);
    let answer: ResolveResponse = edge.get("/v1/resolve").await;
    assert!(!order(&answer).contains("sgp"), "{}", order(&answer));
}

pub(super) async fn only_regions_report(edge: &Edge) {
    let report = || {
        let body = json!({ "load_permille": 1, "players": 0, "hosts": 1 });
        edge.request(Method::PUT, "/v1/regions/fra/health").json(&body)
    };
    refused(report(), 401, "service_token").await;
    refused(report().bearer_auth("wrong"), 401, "service_token").await;
    let elsewhere = edge.request(Method::PUT, "/v1/regions/mars/health").json(&json!({}));
    refused(elsewhere.bearer_auth(super::SERVICE_TOKEN), 404, "not_found").await;
    let rubbish = edge.request(Method::PUT, "/v1/regions/fra/health").json(&json!({ "load_permille": -1 }));
    refused(rubbish.bearer_auth(super::SERVICE_TOKEN), 400, "bad_request").await;
}

pub(super) async fn keys_are_published(edge: &Edge) {
    let published: Jwks = edge.get("/.well-known/jwks.json").await;
    assert_eq!(published, *keys().public());
    assert_eq!(published.keys.len(), 2, "the next key is known before it signs");
}

pub(super) async fn a_silent_region_leaves_within_ten_seconds(edge: &Edge) {
    edge.report_all().await;
    let silent_since = Instant::now();
    loop {
        edge.report("sgp", 100).await;
        edge.report("sfo", 100).await;
        let answer: ResolveResponse = edge.get("/v1/resolve").await;
        let kept_until = silent_since.elapsed() + Duration::from_secs(answer.cache_secs.into());
        if !order(&answer).contains("fra") {
            break;
        }
        assert!(
            kept_until <= Duration::from_secs(11),
            "a silent region is in answers kept for {kept_until:?}"
        );
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    assert!(silent_since.elapsed() > Duration::from_secs(5), "one lost report is no silence");
}
