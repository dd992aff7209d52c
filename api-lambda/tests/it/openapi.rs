//! The description: the same as the one checked in, and the same as what is served.

use reqwest::Method;
use serde_json::Value;

use crate::app::{App, send};

const CHECKED_IN: &str = include_str!("../../openapi.json");

#[test]
fn the_description_checked_in_is_the_generated_one() {
    assert!(
        CHECKED_IN == api_lambda::openapi::text(),
        "openapi.json is old: cargo run -p api-lambda -- --describe > api-lambda/openapi.json"
    );
}

#[tokio::test]
async fn every_described_route_is_served() {
    let app = App::start().await;
    let described: Value = send(app.request(Method::GET, "/openapi.json")).await.ok(200);
    let mut served = 0;
    for (path, operations) in described["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            let answer = send(app.request(method.clone(), path)).await;
            // Without a token, only the routes that need none answer with something else than 401.
            let open = operation.get("security").is_none();
            assert_eq!(answer.status == 401, !open, "{method} {path}: {}", answer.text);
            assert!(answer.status != 404 && answer.status != 405, "{method} {path}: {}", answer.text);
            served += 1;
        }
    }
    assert!(served > 20, "routes were lost");
}

/// `routes!` makes a route and its description in one; nothing else may make routes.
#[test]
fn every_route_is_described() {
    let mut files = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).expect("a folder");
            files.extend(entries.map(|entry| entry.expect("an entry").path()));
        } else {
            let text = std::fs::read_to_string(&path).expect("a source file");
            for maker in [".route(", ".nest(", ".merge(", ".route_service("] {
                // Figment merges configurations; the groups of routes are of `routes!` themselves.
                let is_plain = maker == ".merge("
                    && ["config.rs", "src/routes.rs"].iter().any(|end| path.ends_with(end));
                assert!(is_plain || !text.contains(maker), "{} uses {maker}", path.display());
            }
        }
    }
}
