//! Hosts, instances and broadcasts.

use domain::contract::mail::{Audience, HostOrder, Notice};
use domain::contract::support::{BroadcastSent, HostList};
use domain::ids::{HostId, InstanceId};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::platform::Host;
use super::{key_of, post, with_key};
use crate::app::{Answer, App, now, random, send};

async fn broadcast(app: &App, key: &str, body: &Value) -> Answer {
    send(app.owner(Method::POST, "/broadcasts").header("idempotency-key", key).json(body)).await
}

/// The notices in the mail of a host, without repetitions of the same piece.
async fn notices(host: &Host<'_>) -> Vec<(Audience, Notice)> {
    let notices = host.mail().await.into_iter().filter_map(|mail| match mail.order {
        HostOrder::Notify { to, notice } => Some((to, notice)),
        _ => None,
    });
    notices.collect()
}

#[tokio::test]
async fn a_broadcast_reaches_every_host_once() {
    let app = App::start().await;
    let (one, two) = (Host::start(&app).await, Host::start(&app).await);
    let body = json!({ "message": "Restart at noon", "to": "region" });
    let answers = join_all((0..10).map(|_| broadcast(&app, "noon", &body))).await;
    let sent: Vec<BroadcastSent> = answers.iter().map(|answer| answer.ok(200)).collect();
    assert!(sent.iter().all(|answer| answer == &sent[0]));
    for host in [&one, &two] {
        let notices = notices(host).await;
        let [(to, notice)] = notices.as_slice() else { panic!("{notices:?}") };
        assert_eq!((to, notice.topic.as_str()), (&Audience::Everyone, "announcement"));
        let told: Value = serde_json::from_str(&notice.body).expect("JSON");
        assert_eq!((told["text"].as_str(), &told["id"]), (Some("Restart at noon"), &json!(sent[0].id)));
    }
    broadcast(&app, "noon", &json!({ "message": "x", "to": "region" }))
        .await
        .problem(422, "idempotency_mismatch");

    let instance = two.registered.instances[0].instance;
    let body = json!({ "message": "You there", "to": { "instance": instance } });
    broadcast(&app, "there", &body).await.ok::<BroadcastSent>(200);
    assert_eq!((notices(&one).await.len(), notices(&two).await.len()), (1, 2));
    assert_eq!(notices(&two).await[1].0, Audience::Instance(instance));
    let body = json!({ "message": "Foresters", "to": { "zone": "forest" } });
    broadcast(&app, "zone", &body).await.ok::<BroadcastSent>(200);
    assert_eq!((notices(&one).await.len(), notices(&two).await.len()), (2, 3));
    let body = json!({ "message": "Nobody", "to": { "zone": "hub" } });
    broadcast(&app, "hub", &body).await.ok::<BroadcastSent>(200);
    assert_eq!((notices(&one).await.len(), notices(&two).await.len()), (2, 3));

    let gone = json!({ "message": "x", "to": { "instance": InstanceId::new(now(), random()) } });
    broadcast(&app, "gone", &gone).await.problem(404, "no_instance");
    let nowhere = json!({ "message": "x", "to": { "zone": "atlantis" } });
    broadcast(&app, "nowhere", &nowhere).await.problem(404, "no_zone");
    for body in [
        json!({}),
        json!({ "message": "x" }),
        json!({ "message": "", "to": "region" }),
        json!({ "message": "x", "to": "moon" }),
        json!({ "message": "x", "to": { "instance": "x" } }),
        json!({ "message": "x".repeat(501), "to": "region" }),
    ] {
        broadcast(&app, "bad", &body).await.problem(400, "bad_body");
    }
    let unkeyed = post(&app, "/broadcasts", &json!({ "message": "x", "to": "region" })).await;
    unkeyed.problem(400, "idempotency_key_missing");
}

#[tokio::test]
async fn hosts_are_listed_and_drained_and_instances_closed() {
    let app = App::start().await;
    let mut hosts = Vec::new();
    for _ in 0..3 {
        hosts.push(Host::start(&app).await);
    }
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page: HostList = send(app.owner(Method::GET, &format!("/hosts?limit=1{cursor}"))).await.ok(200);
        found.extend(page.hosts);
        match page.next {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let mut ids: Vec<HostId> = hosts.iter().map(|host| host.id).collect();
    ids.sort();
    assert_eq!(found.iter().map(|host| host.host).collect::<Vec<_>>(), ids);
    assert!(found.iter().all(|host| host.instances.len() == 1 && !host.draining));

    let why = json!({ "reason": "a new version" });
    assert_eq!(post(&app, &format!("/hosts/{}/drain", hosts[0].id), &why).await.status, 204);
    assert!(hosts[0].mail().await.iter().any(|mail| mail.order == HostOrder::Drain));
    assert!(hosts[1].mail().await.is_empty());
    let unknown = HostId::new(now(), random());
    post(&app, &format!("/hosts/{unknown}/drain"), &why).await.problem(404, "no_host");

    let instance = hosts[1].registered.instances[0].instance;
    let path = format!("/instances/{instance}/close");
    let answers = join_all((0..10).map(|_| post(&app, &path, &why))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 204).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 204) {
        answer.problem(404, "no_instance");
    }
    let close = HostOrder::Close { instance, reason: "a new version".into() };
    assert_eq!(hosts[1].mail().await.iter().filter(|mail| mail.order == close).count(), 1);

    for path in [format!("/hosts/{unknown}/drain"), path] {
        post(&app, &path, &json!({})).await.problem(400, "bad_body");
        let support = key_of(&app, "support").await.secret;
        let request = with_key(&app, &support, Method::POST, &path).json(&why);
        send(request).await.problem(403, "role_too_low");
    }
}
