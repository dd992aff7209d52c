//! Keys of administrators.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use domain::contract::admin::{AdminKeyList, AdminKeyMade};
use domain::ids::AdminKeyId;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use super::{key_of, post, with_key};
use crate::app::{App, now, random, send};

#[tokio::test]
async fn a_key_is_shown_once_and_stored_as_its_hash() {
    let app = App::start().await;
    let request = || {
        let body = json!({ "name": "Grace", "role": "support" });
        app.owner(Method::POST, "/keys").header("idempotency-key", "k1").json(&body)
    };
    let made: AdminKeyMade = send(request()).await.ok(201);
    assert!(
        made.secret.starts_with(&format!("{}.", made.key.id)) && made.secret.len() > 70,
        "{}",
        made.secret
    );
    let again = send(request()).await;
    let problem = again.problem(409, "key_shown");
    assert!(problem.detail.contains(&made.key.id.to_string()), "{}", problem.detail);
    assert!(!again.text.contains(&made.secret));
    let other = app.owner(Method::POST, "/keys").header("idempotency-key", "k1");
    send(other.json(&json!({ "name": "Eve", "role": "owner" }))).await.problem(422, "idempotency_mismatch");

    let list = send(app.owner(Method::GET, "/keys")).await;
    let secret = made.secret.split_once('.').expect("a dot").1;
    assert!(!list.text.contains(secret));
    assert_eq!(list.ok::<AdminKeyList>(200).keys.as_slice(), std::slice::from_ref(&made.key));
    let tables = app.engine.everything().await;
    assert!(!tables["admin"].is_empty(), "keys are kept here");
    for (table, items) in tables {
        assert!(items.iter().all(|item| !item.contains(secret)), "{table} holds the key itself");
    }
    // Its use is noted.
    send(with_key(&app, &made.secret, Method::GET, "/keys")).await.problem(403, "role_too_low");
    let list: AdminKeyList = send(app.owner(Method::GET, "/keys")).await.ok(200);
    assert!(list.keys[0].last_used_at.is_some_and(|at| at >= made.key.created_at));
}

#[tokio::test]
async fn ten_equal_requests_at_once_make_one_key() {
    let app = App::start().await;
    let requests = (0..10).map(|_| {
        let body = json!({ "name": "Grace", "role": "operator" });
        send(app.owner(Method::POST, "/keys").header("idempotency-key", "once").json(&body))
    });
    let answers = join_all(requests).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.problem(409, "key_shown");
    }
    assert_eq!(send(app.owner(Method::GET, "/keys")).await.ok::<AdminKeyList>(200).keys.len(), 1);
}

#[tokio::test]
async fn a_revoked_key_stops_within_five_seconds_and_an_expired_one_at_once() {
    let app = App::start().await;
    let made = key_of(&app, "operator").await;
    let try_key = |secret: String| {
        let request = with_key(&app, &secret, Method::GET, "/audit");
        async move { send(request).await }
    };
    assert_eq!(try_key(made.secret.clone()).await.status, 200);
    let path = format!("/keys/{}", made.key.id);
    assert_eq!(send(app.owner(Method::DELETE, &path)).await.status, 204);
    let revoked = Instant::now();
    loop {
        let answer = try_key(made.secret.clone()).await;
        if answer.status != 200 {
            answer.problem(401, "admin_key");
            break;
        }
        assert!(revoked.elapsed() < Duration::from_secs(5), "it is good for too long");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let list: AdminKeyList = send(app.owner(Method::GET, "/keys")).await.ok(200);
    let first = list.keys[0].revoked_at.expect("revoked");
    assert_eq!(send(app.owner(Method::DELETE, &path)).await.status, 204, "twice is as good as once");
    let list: AdminKeyList = send(app.owner(Method::GET, "/keys")).await.ok(200);
    assert_eq!(list.keys[0].revoked_at, Some(first));
    let unknown = format!("/keys/{}", AdminKeyId::new(now(), random()));
    send(app.owner(Method::DELETE, &unknown)).await.problem(404, "no_admin_key");

    let end = now().plus_millis(700);
    let body = json!({ "name": "brief", "role": "operator", "expires_at": end });
    let brief: AdminKeyMade = post(&app, "/keys", &body).await.ok(201);
    assert_eq!(try_key(brief.secret.clone()).await.status, 200);
    while now() <= end {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    try_key(brief.secret).await.problem(401, "admin_key");
}

#[tokio::test]
async fn only_owners_make_keys_and_bad_input_is_refused() {
    let app = App::start().await;
    for role in ["support", "operator"] {
        let key = key_of(&app, role).await.secret;
        let body = json!({ "name": "mine", "role": "owner" });
        send(with_key(&app, &key, Method::POST, "/keys").json(&body)).await.problem(403, "role_too_low");
        send(with_key(&app, &key, Method::GET, "/keys")).await.problem(403, "role_too_low");
        let path = format!("/keys/{}", key.split_once('.').expect("a dot").0);
        send(with_key(&app, &key, Method::DELETE, &path)).await.problem(403, "role_too_low");
    }
    let owner = key_of(&app, "owner").await.secret;
    let body = json!({ "name": "mine", "role": "owner" });
    assert_eq!(send(with_key(&app, &owner, Method::POST, "/keys").json(&body)).await.status, 201);
    for body in [
        json!({}),
        json!({ "name": "x" }),
        json!({ "name": "", "role": "owner" }),
        json!({ "name": "x".repeat(65), "role": "owner" }),
        json!({ "name": "a\u{7}b", "role": "owner" }),
        json!({ "name": "x", "role": "king" }),
        json!({ "name": "x", "role": "owner", "id": 1 }),
        json!({ "name": "x", "role": "owner", "expires_at": "soon" }),
    ] {
        post(&app, "/keys", &body).await.problem(400, "bad_body");
    }
    let past = json!({ "name": "x", "role": "owner", "expires_at": 1 });
    post(&app, "/keys", &past).await.problem(400, "expires_in_the_past");
    let long = app.owner(Method::POST, "/keys").header("idempotency-key", "x".repeat(129));
    send(long.json(&body)).await.problem(400, "idempotency_key_bad");
    send(app.owner(Method::DELETE, "/keys/rubbish")).await.problem(400, "bad_path");
    let forged = format!("{}.{}", owner.split_once('.').expect("a dot").0, "A".repeat(43));
    for key in ["x", ".", "adk_x.y", &forged, &"a".repeat(5_000), &owner[..owner.len() - 1]] {
        send(with_key(&app, key, Method::GET, "/keys")).await.problem(401, "admin_key");
    }
    send(app.request(Method::GET, "/admin/v1/keys")).await.problem(401, "admin_key");
}

#[tokio::test]
async fn keys_are_paged_to_the_end() {
    let app = App::start().await;
    let mut made = BTreeSet::new();
    for _ in 0..7 {
        made.insert(key_of(&app, "support").await.key.id);
    }
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page: AdminKeyList =
            send(app.owner(Method::GET, &format!("/keys?limit=3{cursor}"))).await.ok(200);
        found.extend(page.keys.iter().map(|key| key.id));
        match page.next {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert!(found.is_sorted_by(|a, b| a > b), "the newest first");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), made);
    for query in ["limit=0", "limit=101", "limit=x", "cursor=%25", "colour=red"] {
        send(app.owner(Method::GET, &format!("/keys?{query}"))).await.problem(400, "bad_query");
    }
}
