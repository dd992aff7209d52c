//! The audit log, and who gets near the admin routes at all.

use std::collections::BTreeSet;

use domain::contract::admin::{AuditEntry, Role};
use domain::ids::{AccountId, AdminKeyId, CharacterId, CorrelationId, HostId, InstanceId};
use reqwest::Method;
use serde_json::{Value, json};

use super::{audit, key_of, post, with_key};
use crate::app::{App, SERVICE_TOKEN, now, random, send};

#[tokio::test]
async fn every_call_is_in_the_log_with_its_outcome() {
    let app = App::start().await;
    let correlation = CorrelationId::new(now(), random());
    let body = json!({ "name": "Grace", "role": "support", "reason": "she is new", "pass_token": "s3cret" });
    let request = app.owner(Method::POST, "/keys").header("x-correlation-id", correlation.to_string());
    send(request.json(&body)).await.problem(400, "bad_body");
    let support = key_of(&app, "support").await;
    let victim = AdminKeyId::new(now(), random());
    let refused = with_key(&app, &support.secret, Method::DELETE, &format!("/keys/{victim}?reason=a%20test"));
    send(refused).await.problem(403, "role_too_low");
    send(with_key(&app, "no-key", Method::GET, "/keys")).await.problem(401, "admin_key");

    let page = audit(&app, &format!("day={}", now().utc_day())).await;
    let entries: Vec<&AuditEntry> = page.entries.iter().rev().collect();
    let [bad, good, low, this] = entries.as_slice() else { panic!("{entries:#?}") };
    assert_eq!((bad.admin_name.as_str(), bad.admin_key, bad.role), ("owner", None, Role::Owner));
    assert_eq!((bad.method.as_str(), bad.route.as_str()), ("POST", "/admin/v1/keys"));
    assert_eq!((bad.correlation_id, bad.reason.as_deref()), (correlation, Some("she is new")));
    let kept = bad.body.as_deref().expect("a body");
    assert!(kept.contains("Grace") && !kept.contains("s3cret"), "{kept}");
    let outcome = bad.outcome.as_ref().expect("it ended");
    assert_eq!((outcome.status, outcome.code.as_deref()), (400, Some("bad_body")));
    let outcome = good.outcome.as_ref().expect("it ended");
    assert_eq!((outcome.status, outcome.code.as_deref()), (201, None));
    assert!(
        outcome.at >= good.at && good.body.as_deref().is_some_and(|body| !body.contains(&support.secret))
    );
    assert_eq!((low.admin_key, low.role), (Some(support.key.id), Role::Support));
    assert_eq!(low.subject.as_deref(), Some(victim.to_string().as_str()));
    assert_eq!(
        (low.parameters["key"].as_str(), low.reason.as_deref()),
        (victim.to_string().as_str(), Some("a test"))
    );
    assert_eq!(low.outcome.as_ref().map(|outcome| outcome.status), Some(403));
    assert_eq!((this.route.as_str(), &this.outcome), ("/admin/v1/audit", &None), "this very call");

    let ids = |entries: &[AuditEntry]| entries.iter().map(|entry| entry.id).collect::<Vec<_>>();
    assert_eq!(ids(&audit(&app, &format!("subject={victim}")).await.entries), [low.id]);
    assert_eq!(ids(&audit(&app, &format!("key={}", support.key.id)).await.entries), [low.id]);
    assert!(ids(&audit(&app, "key=owner").await.entries).contains(&bad.id));
    assert!(audit(&app, "day=2001-01-01").await.entries.is_empty());
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = audit(&app, &format!("key=owner&limit=2{cursor}")).await;
        found.extend(page.entries.iter().filter(|entry| entry.id <= this.id).map(|entry| entry.id));
        match page.next {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found, [this.id, good.id, bad.id], "paged to the end");
    for query in ["day=today", "day=2026-1-1", "key=x", "subject=", "day=2026-01-01&key=owner", "limit=0"] {
        send(app.owner(Method::GET, &format!("/audit?{query}"))).await.problem(400, "bad_query");
    }
    let request = with_key(&app, &support.secret, Method::GET, "/audit");
    send(request).await.problem(403, "role_too_low");
}

#[tokio::test]
async fn a_call_that_cannot_be_written_down_has_no_effect() {
    let app = App::start().await;
    let client = app.engine.client();
    let table = format!("{}admin", app.engine.table_prefix);
    client.delete_table().table_name(&table).send().await.expect("deleted");
    post(&app, "/keys", &json!({ "name": "x", "role": "owner" })).await.problem(503, "store_unavailable");
}

/// A value for each parameter of a path that is described.
fn fill(path: &str) -> String {
    let (now, random) = (now(), random());
    path.replace("{account}", &AccountId::new(now, random).to_string())
        .replace("{character}", &CharacterId::new(now, random).to_string())
        .replace("{host}", &HostId::new(now, random).to_string())
        .replace("{instance}", &InstanceId::new(now, random).to_string())
        .replace("{key}", &AdminKeyId::new(now, random).to_string())
}

/// What is found here by reading the description holds for routes that nobody has written yet.
#[tokio::test]
async fn no_admin_route_is_open_to_players_or_services_and_none_is_missed() {
    let app = App::start().await;
    let player = app.player().await;
    let owner = key_of(&app, "owner").await;
    let described: Value = send(app.request(Method::GET, "/openapi.json")).await.ok(200);
    let mut called = BTreeSet::new();
    for (path, operations) in described["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let admins = operation["security"][0].get("admin_key").is_some();
            assert_eq!(admins, path.starts_with("/admin/v1/"), "{path} must be where the audit log sees it");
            if !admins {
                continue;
            }
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            let url = fill(path);
            for token in [player.token.as_str(), SERVICE_TOKEN, "rubbish"] {
                let request = app.request(method.clone(), &url).bearer_auth(token).json(&json!({}));
                send(request).await.problem(401, "admin_key");
            }
            let request = app.request(method.clone(), &url).bearer_auth(&owner.secret);
            let answer = send(request).await;
            assert!(answer.status != 401 && answer.status < 500, "{method} {path}: {}", answer.text);
            called.insert((method.to_string(), path.clone(), answer.status));
        }
    }
    assert!(called.len() >= 4, "routes were lost");
    let (mut logged, mut cursor) = (BTreeSet::new(), String::new());
    loop {
        let page = audit(&app, &format!("key={}&limit=100{cursor}", owner.key.id)).await;
        let ended = |entry: &AuditEntry| entry.outcome.as_ref().map_or(0, |outcome| outcome.status);
        logged.extend(
            page.entries.iter().map(|entry| (entry.method.clone(), entry.route.clone(), ended(entry))),
        );
        match page.next {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(called, logged, "every call is in the log, and nothing else");
}
