//! The API against its own description: a fuzzer (schemathesis) makes requests of all kinds from the OpenAPI text,
//! good ones and bad ones, as a player, as a host and as an administrator. No answer may be a failure of the
//! server, and each must be as described.

use std::path::{Path, PathBuf};

use api_lambda::{ApiConfig, RateLimit};
use domain::contract::hosts::{Heartbeat, RegisterHost};
use domain::ids::{AccountId, HostId};
use domain::limits::HOST_HEARTBEAT_MILLIS;
use system_tests::platform::{SERVICE_TOKEN, Surroundings, listener, now};
use token::SecretKey;
use tokio::process::Command;

const OWNER_KEY: &str = "an-owner-key-of-the-tests-0123456789abc";

/// The fuzzer asks faster than any player.
const PLENTY: RateLimit = RateLimit { per_second: 10_000, burst: 10_000 };

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The fuzzer: installed by the test script, or on the PATH.
fn fuzzer() -> PathBuf {
    let installed = root().join(".tools/venv/bin/schemathesis");
    if installed.exists() { installed } else { "schemathesis".into() }
}

/// Runs the API in this process; the answer is its address.
async fn start_api(around: &Surroundings) -> String {
    let (socket, url) = listener().await;
    let config = ApiConfig {
        edge_jwks_url: around.edge_jwks_url.clone(),
        dynamodb_endpoint: Some(around.store.clone()),
        service_token: SERVICE_TOKEN.into(),
        owner_key: Some(OWNER_KEY.into()),
        ticket_keys: vec![SecretKey::from_seed("ticket-1", &[9; 32])],
        rate_limit_player: PLENTY,
        rate_limit_admin: PLENTY,
        rate_limit_address: PLENTY,
        ..ApiConfig::default()
    };
    tokio::spawn(api_lambda::serve(socket, config, std::future::pending()));
    url
}

/// A host that is there for as long as the test, so that players find a place.
async fn start_host(api: &str) {
    let http = system_tests::http_client();
    let host = HostId::new(now(), 1);
    let zones = ["hub", "forest"].map(|zone| zone.parse().expect("a zone"));
    let body = RegisterHost {
        host,
        region: "local".into(),
        url: "ws://127.0.0.1:7200".into(),
        wire_version: 2,
        zones: zones.to_vec(),
    };
    let post = |path: &str| http.post(format!("{api}/internal/v1/hosts{path}")).bearer_auth(SERVICE_TOKEN);
    let answer = post("").json(&body).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let beat = Heartbeat { instances: Vec::new(), tick_p99_us: 0, draining: false };
    let request = post(&format!("/{host}/heartbeat")).json(&beat);
    tokio::spawn(async move {
        while let Some(request) = request.try_clone() {
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 200);
            tokio::time::sleep(std::time::Duration::from_millis(HOST_HEARTBEAT_MILLIS)).await;
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_described_and_none_is_a_failure() {
    let around = Surroundings::start().await;
    let api = start_api(&around).await;
    start_host(&api).await;
    let seed = std::env::var("GRATICULE_TEST_SEED").unwrap_or_else(|_| "1".to_owned());
    let output = Command::new(fuzzer())
        .current_dir(root())
        .args(["--config-file", "tests/schemathesis.toml", "run", &format!("{api}/openapi.json")])
        .args(["--seed", &seed])
        .env("PLAYER_TOKEN", around.access_token(AccountId::new(now(), 2)))
        .env("SERVICE_TOKEN", SERVICE_TOKEN)
        .env("ADMIN_KEY", OWNER_KEY)
        .output()
        .await
        .expect("schemathesis starts: `pip install -r tests/requirements.txt` into .tools/venv brings it");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "again with: GRATICULE_TEST_SEED={seed} cargo test -p system-tests --features blackbox \\\n\
         --test api_description\n{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    println!("{text}");
}
