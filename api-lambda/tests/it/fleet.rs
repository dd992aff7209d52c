//! `/internal/v1/hosts` and claims.

use domain::contract::hosts::{ClaimedCharacter, HeartbeatAnswer, HostLease, HostRegistered};
use domain::contract::mail::{HostOrder, Mailbox};
use domain::ids::{HostId, InstanceId};
use domain::token::Jwks;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::app::{App, SERVICE_TOKEN, now, random, registration, send};

#[tokio::test]
async fn a_host_gets_its_instances_once() {
    let app = App::start().await;
    let host = HostId::new(now(), random());
    let body = registration(host, &["hub", "forest"]);
    let answers = join_all((0..4).map(|_| app.internal("/hosts", &body))).await;
    let registered: Vec<HostRegistered> = answers.iter().map(|answer| answer.ok(200)).collect();
    let first = &registered[0];
    assert!(registered.iter().all(|other| other.instances == first.instances));
    assert_eq!(first.instances.iter().map(|i| i.zone.as_str()).collect::<Vec<_>>(), ["hub", "forest"]);
    assert_eq!(first.lease.heartbeat_in_ms, 1_000);
    let left = first.lease.expires_at.millis_since(now());
    assert!((1_000..=3_000).contains(&left), "{left}");

    let (_, other) = app.host(&["hub"]).await;
    assert!(other.instances[0].epoch > first.instances[1].epoch, "epochs rise");
    let keys: Jwks = send(app.request(Method::GET, "/.well-known/jwks.json")).await.ok(200);
    assert_eq!(first.lease.ticket_keys, keys);
}

#[tokio::test]
async fn a_lease_is_renewed_by_its_host_only() {
    let app = App::start().await;
    let (host, registered) = app.host(&["hub"]).await;
    let (_, other) = app.host(&["hub"]).await;
    let beat = |instance: InstanceId| json!({ "instances": [{ "instance": instance, "players": 3 }], "tick_p99_us": 900, "draining": false });
    let path = format!("/hosts/{host}/heartbeat");
    let lease: HostLease = app.internal(&path, &beat(registered.instances[0].instance)).await.ok(200);
    assert!(lease.expires_at >= registered.lease.expires_at);
    // A lease that has merely lapsed can be renewed.
    tokio::time::sleep(std::time::Duration::from_millis(3_200)).await;
    app.internal(&path, &beat(registered.instances[0].instance)).await.ok::<HostLease>(200);
    // What is not its own is passed over, and the answer says what it is to run.
    let answer: HeartbeatAnswer = app.internal(&path, &beat(other.instances[0].instance)).await.ok(200);
    assert_eq!(answer.instances, registered.instances);
    let unknown = format!("/hosts/{}/heartbeat", HostId::new(now(), random()));
    app.internal(&unknown, &beat(registered.instances[0].instance)).await.problem(409, "lease_lost");

    let delete =
        || app.request(Method::DELETE, &format!("/internal/v1/hosts/{host}")).bearer_auth(SERVICE_TOKEN);
    assert_eq!(send(delete()).await.status, 204);
    assert_eq!(send(delete()).await.status, 204);
    app.internal(&path, &beat(registered.instances[0].instance)).await.problem(409, "lease_lost");
}

#[tokio::test]
async fn the_newest_claim_counts() {
    let app = App::start().await;
    let player = app.player().await;
    let character = player.create("Claimed").await;
    let (host, registered) = app.host(&["forest"]).await;
    let own = &registered.instances[0];
    let path = format!("/characters/{}/claim", character.id);
    let claim = |epoch: u64| json!({ "account": player.account, "host": host, "instance": own.instance, "epoch": epoch });
    let current = claim(own.epoch.0);
    let claims = join_all((0..5).map(|_| app.internal(&path, &current))).await;
    let mut numbers: Vec<u64> =
        claims.iter().map(|answer| answer.ok::<ClaimedCharacter>(200).claim).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4, 5], "each claim has a number of its own");
    assert_eq!(claims[0].ok::<ClaimedCharacter>(200).character, character);

    app.internal(&path, &claim(own.epoch.0 + 1)).await.problem(409, "fenced");
    app.internal(&path, &claim(own.epoch.0 - 1)).await.problem(409, "fenced");
    // Another host hears of none of this, until one more has the character.
    let (other, elsewhere) = app.host(&["forest"]).await;
    let there = &elsewhere.instances[0];
    let moved = json!({
        "account": player.account, "host": other, "instance": there.instance, "epoch": there.epoch,
    });
    let mail = async || {
        let request = app.request(Method::GET, &format!("/internal/v1/hosts/{host}/mail?since=0"));
        send(request.bearer_auth(SERVICE_TOKEN)).await.ok::<Mailbox>(200).mail
    };
    assert!(mail().await.is_empty());
    assert_eq!(app.internal(&path, &moved).await.ok::<ClaimedCharacter>(200).claim, 6);
    let release = HostOrder::Release { instance: own.instance, character: character.id, claim: 5 };
    assert_eq!(mail().await.into_iter().map(|mail| mail.order).collect::<Vec<_>>(), [release]);
    let stranger = app.player().await;
    let body =
        json!({ "account": stranger.account, "host": host, "instance": own.instance, "epoch": own.epoch });
    app.internal(&path, &body).await.problem(404, "no_character");
    player.delete(&format!("/v1/characters/{}", character.id)).await;
    app.internal(&path, &current).await.problem(404, "no_character");
}

#[tokio::test]
async fn registrations_that_make_no_sense_are_refused() {
    let app = App::start().await;
    let good =
        serde_json::to_value(registration(HostId::new(now(), random()), &["hub"])).expect("plain data");
    for (field, value, fault) in [
        ("region", json!("elsewhere"), "region:"),
        ("url", json!("http://host"), "url:"),
        ("url", json!("ws://"), "url:"),
        ("url", json!(format!("ws://{}", "a".repeat(300))), "url:"),
        ("zones", json!([]), "zones:"),
        ("zones", json!(["nowhere"]), "zones:"),
        ("zones", json!(vec!["hub"; 33]), "zones:"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let problem = app.internal("/hosts", &body).await.problem(400, "bad_request");
        assert!(problem.detail.starts_with(fault), "{}", problem.detail);
    }
}

#[tokio::test]
async fn internal_routes_need_the_service_token() {
    let app = App::start().await;
    let player = app.player().await;
    let body = registration(HostId::new(now(), random()), &["hub"]);
    let request = || app.request(Method::POST, "/internal/v1/hosts").json(&body);
    send(request()).await.problem(401, "service_token");
    send(request().bearer_auth("wrong")).await.problem(401, "service_token");
    send(request().bearer_auth(&player.token)).await.problem(401, "service_token");
}
