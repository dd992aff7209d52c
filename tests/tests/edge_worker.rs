//! The real Worker, in workerd with D1, against the suite of the edge.

use std::process::Stdio;

use serde_json::{Value, json};
use system_tests::edge_suite::{Edge, ORIGIN, Place, REGIONS, SERVICE_TOKEN, run, signing_keys};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

async fn check(place: Place, cf: Value) {
    let regions: Vec<Value> = REGIONS
        .iter()
        .map(|(region, latitude, longitude, continents)| {
            let api_url = format!("https://{region}.example");
            json!({ "region": region, "api_url": api_url, "latitude": latitude, "longitude": longitude, "continents": continents })
        })
        .collect();
    let bindings = json!({
        "REGIONS": json!(regions).to_string(),
        "ALLOWED_ORIGINS": ORIGIN,
        "SERVICE_TOKEN": SERVICE_TOKEN,
        "SIGNING_KEYS": json!(signing_keys()).to_string(),
    });
    let config = json!({ "cf": cf, "bindings": bindings });
    let mut worker = Command::new("node")
        .args([concat!(env!("CARGO_MANIFEST_DIR"), "/worker/run.mjs"), &config.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("node runs");
    let mut lines = BufReader::new(worker.stdout.take().expect("piped")).lines();
    let url = lines.next_line().await.expect("readable").expect("the Worker starts and prints its address");
    // On a task of its own, so that the Worker is ended well when a case fails too.
    let suite = tokio::spawn(async move { run(&Edge::new(&url, place)).await }).await;
    drop(worker.stdin.take());
    assert!(worker.wait().await.expect("it ends").success());
    suite.expect("the suite passes");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_passes_the_suite_in_berlin() {
    check(Place::Berlin, json!({ "latitude": "52.5", "longitude": "13.4", "continent": "EU" })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_passes_the_suite_in_asia() {
    check(Place::Asia, json!({ "continent": "AS" })).await;
}
