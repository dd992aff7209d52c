//! `/v1/zones`.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::catalogue::Catalogue;
use domain::contract::players::{JoinResponse, ZoneList};
use domain::ids::{HostId, InstanceId};
use futures_util::future::join_all;
use serde_json::json;
use token::{KeyRing, SecretKey, TokenError, verify_ticket};

use crate::app::{App, Player, now};
use crate::proxy::{Fault, Reach, fragile};

async fn join(player: &Player<'_>, name: &str, key: &str) -> crate::app::Answer {
    let character = player.create(name).await;
    player.post_keyed("/v1/zones/forest/join", key, &json!({ "character": character.id })).await
}

async fn beat(app: &App, host: HostId, instance: InstanceId, players: u32, draining: bool) {
    let load = json!([{ "instance": instance, "players": players }]);
    let body = json!({ "instances": load, "tick_p99_us": 1, "draining": draining });
    let answer = app.internal(&format!("/hosts/{host}/heartbeat"), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

/// An app whose zones take 20 players: 15 gather, 19 are the most.
async fn small() -> App {
    App::start_with(|config| {
        let mut zones = Catalogue::builtin().zones().to_vec();
        for zone in &mut zones {
            zone.capacity = 20;
        }
        config.catalogue = Catalogue::of(zones);
    })
    .await
}

#[tokio::test]
async fn a_join_gives_a_ticket_that_its_host_takes() {
    let app = App::start().await;
    let (host, registered) = app.host(&["hub", "forest"]).await;
    let player = app.player().await;
    let character = player.create("Ada").await;
    let answer: JoinResponse =
        player.post_keyed("/v1/zones/forest/join", "k1", &json!({ "character": character.id })).await.ok(200);
    assert_eq!((answer.host, answer.instance), (host, registered.instances[1].instance));
    assert_eq!(answer.url, "ws://127.0.0.1:7200");
    let claims =
        verify_ticket(&answer.ticket, &registered.lease.ticket_keys, host, now()).expect("a good ticket");
    assert_eq!((claims.sub, claims.character), (player.account, character.id));
    assert_eq!((claims.instance, &claims.zone), (answer.instance, &answer.zone));
    assert_eq!(claims.exp - claims.iat, 30);
    assert_eq!(answer.expires_at.as_secs(), claims.exp);
    let elsewhere = HostId::from_u128(1);
    let refused = verify_ticket(&answer.ticket, &registered.lease.ticket_keys, elsewhere, now());
    assert_eq!(refused, Err(TokenError::Audience));
    let forger = KeyRing::new(&[SecretKey::from_seed("ticket-1", &[8; 32])]).expect("a key");
    let forged = verify_ticket(&answer.ticket, forger.public(), host, now());
    assert_eq!(forged, Err(TokenError::Signature));

    beat(&app, host, answer.instance, 7, false).await;
    let list: ZoneList = player.get("/v1/zones").await.ok(200);
    let forest = list.zones.iter().find(|zone| zone.zone == answer.zone).expect("in the list");
    assert_eq!((forest.instances, forest.players, forest.instance_capacity), (1, 7, 500));
}

#[tokio::test]
async fn however_many_ask_for_the_zones_they_are_read_once_a_second() {
    let app = App::start().await;
    let (host, registered) = app.living_host(&["forest"]).await;
    let player = app.player().await;
    let forest = async || {
        let list: ZoneList = player.get("/v1/zones").await.ok(200);
        list.zones.into_iter().find(|zone| zone.zone.as_str() == "forest").expect("in the list")
    };
    let began = std::time::Instant::now();
    assert_eq!(forest().await.instances, 1);
    let once = cost(&app, "/v1/zones").await[0];
    let lists = join_all((0..150).map(|_| player.get("/v1/zones"))).await;
    assert!(lists.iter().all(|list| list.status == 200), "{}", lists[0].text);
    let reads = cost(&app, "/v1/zones").await[0];
    let seconds = began.elapsed().as_secs() + 1;
    assert!(once > 0 && reads <= once * seconds, "{reads} calls in {seconds} s, {once} at a time");
    beat(&app, host, registered.instances[0].instance, 7, false).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(forest().await.players, 7);
}

#[tokio::test]
async fn zones_that_were_read_are_shown_while_the_store_is_away() {
    let world = App::start().await;
    let (app, proxy) = fragile(&world).await;
    world.living_host(&["forest"]).await;
    let player = app.player().await;
    let known: ZoneList = player.get("/v1/zones").await.ok(200);
    proxy.arm(Fault::Failed, Reach::From(0));
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    for answer in join_all((0..20).map(|_| player.get("/v1/zones"))).await {
        assert_eq!(answer.ok::<ZoneList>(200), known);
    }
    proxy.disarm();
}

#[tokio::test]
async fn a_repeated_join_has_the_effect_of_one() {
    let app = App::start().await;
    app.living_host(&["forest"]).await;
    app.living_host(&["forest"]).await;
    let player = app.player().await;
    let character = player.create("Echo").await;
    let body = json!({ "character": character.id });
    let answers = join_all((0..6).map(|_| player.post_keyed("/v1/zones/forest/join", "key", &body))).await;
    let first: JoinResponse = answers[0].ok(200);
    assert!(answers.iter().all(|answer| answer.ok::<JoinResponse>(200) == first));
    let other = player.create("Other").await;
    let body = json!({ "character": other.id });
    player.post_keyed("/v1/zones/forest/join", "key", &body).await.problem(422, "idempotency_mismatch");
    player.post_keyed("/v1/zones/hub/join", "key", &body).await.problem(422, "idempotency_mismatch");
}

#[tokio::test]
async fn a_key_is_free_again_when_its_ticket_has_expired() {
    let app = App::start().await;
    app.living_host(&["forest"]).await;
    let player = app.player().await;
    // An answer of the past, as it stays until the store sweeps it.
    let put = app.engine.client().put_item().table_name(format!("{}requests", app.engine.table_prefix));
    let put = put.item("pk", AttributeValue::S(format!("{}#join#k", player.account)));
    let put = put.item("v", AttributeValue::N("1".into())).item("body", AttributeValue::S("{}".into()));
    let put = put.item("fingerprint", AttributeValue::S("another".into()));
    put.item("expires_at", AttributeValue::N("1000".into())).send().await.expect("written");
    let first: JoinResponse = join(&player, "Ada", "k").await.ok(200);
    let body = json!({ "character": player.create("Other").await.id });
    player.post_keyed("/v1/zones/forest/join", "k", &body).await.problem(422, "idempotency_mismatch");
    assert!(first.expires_at > now());
}

#[tokio::test]
async fn joins_that_make_no_sense_are_refused() {
    let app = App::start().await;
    let (player, stranger) = (app.player().await, app.player().await);
    let character = player.create("Ada").await;
    let body = json!({ "character": character.id });
    player.post("/v1/zones/forest/join", &body).await.problem(400, "idempotency_key_missing");
    player.post_keyed("/v1/zones/forest/join", "", &body).await.problem(400, "idempotency_key_bad");
    player.post_keyed("/v1/zones/nowhere/join", "k", &body).await.problem(404, "no_zone");
    player.post_keyed("/v1/zones/No%20Where/join", "k", &body).await.problem(400, "bad_path");
    stranger.post_keyed("/v1/zones/forest/join", "k", &body).await.problem(404, "no_character");
    player.post_keyed("/v1/zones/forest/join", "k", &body).await.problem(503, "zone_unavailable");
}

#[tokio::test]
async fn a_burst_of_joins_between_heartbeats_fills_no_instance_too_far() {
    let app = small().await;
    let (first, one) = app.living_host(&["forest"]).await;
    let (second, two) = app.living_host(&["forest"]).await;
    let players = join_all((0..42).map(|_| app.player())).await;
    let joined = join_all(
        players
            .iter()
            .enumerate()
            .map(|(n, player)| async move { join(player, &format!("Pal {n}"), "k").await }),
    )
    .await;
    let mut seats = std::collections::BTreeMap::<InstanceId, u32>::new();
    for answer in joined.iter().filter(|answer| answer.status == 200) {
        *seats.entry(answer.ok::<JoinResponse>(200).instance).or_default() += 1;
    }
    assert_eq!(seats.values().copied().collect::<Vec<_>>(), [19, 19], "95 % of 20, in both");
    for answer in joined.iter().filter(|answer| answer.status != 200) {
        answer.problem(503, "zone_full");
    }
    // Players counted and players on their way add up.
    beat(&app, first, one.instances[0].instance, 1, false).await;
    beat(&app, second, two.instances[0].instance, 0, false).await;
    let late = app.player().await;
    join(&late, "Late", "k").await.problem(503, "zone_full");
}

/// What the requests of a route have cost so far: read calls, write calls, write units.
async fn cost(app: &App, route: &str) -> [u64; 3] {
    let mut cost = [0; 3];
    for (cost, name) in cost.iter_mut().zip(["reads", "writes", "write_units"]) {
        *cost = app.metric(&format!("api_store_{name}_total{{route=\"{route}\"}} ")).await;
    }
    cost
}

#[tokio::test]
async fn a_join_costs_the_same_with_no_seat_and_with_many() {
    let app = App::start().await;
    let players = join_all((0..24).map(|_| app.player())).await;
    let mut pals = Vec::new();
    for (n, player) in players.iter().enumerate() {
        pals.push((player, player.create(&format!("Pal {n}")).await));
    }
    let (host, registered) = app.host(&["forest"]).await;
    let mut before = [0; 3];
    let mut costs = Vec::new();
    for (n, (player, pal)) in pals.iter().enumerate() {
        beat(&app, host, registered.instances[0].instance, 20, false).await;
        let body = json!({ "character": pal.id });
        player.post_keyed("/v1/zones/forest/join", "k", &body).await.ok::<JoinResponse>(200);
        let now = cost(&app, "/v1/zones/{zone}/join").await;
        if n == 0 || n == 23 {
            costs.push([0, 1, 2].map(|index| now[index] - before[index]));
        }
        before = now;
    }
    assert_eq!(costs[0], costs[1]);
    assert_eq!(costs[0][..2], [5, 3], "the seat and the answer are written");
    if std::env::var_os("GRATICULE_TEST_DYNAMODB_ENDPOINT").is_none() {
        // The answer, with its ticket, takes two units.
        assert_eq!(costs[0][2], 4);
    }
}

#[tokio::test]
async fn who_arrives_leaves_the_seat_to_others() {
    let app = small().await;
    let (host, registered) = app.host(&["forest"]).await;
    let own = &registered.instances[0];
    let players = join_all((0..19).map(|_| app.player())).await;
    for (n, player) in players.iter().enumerate() {
        let answer = join(player, &format!("Pal {n}"), "k").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        if n % 4 == 0 {
            beat(&app, host, own.instance, 0, false).await;
        }
    }
    let late = app.player().await;
    let character = late.create("Late").await;
    let body = json!({ "character": character.id });
    late.post_keyed("/v1/zones/forest/join", "k", &body).await.problem(503, "zone_full");
    // One arrives, and goes again: its seat counts until the host has had time to count it.
    let list = players[0].get("/v1/characters").await.ok::<serde_json::Value>(200);
    let id = list["characters"][0]["id"].as_str().expect("an id").to_owned();
    let claim =
        json!({ "account": players[0].account, "host": host, "instance": own.instance, "epoch": own.epoch });
    assert_eq!(app.internal(&format!("/characters/{id}/claim"), &claim).await.status, 200);
    beat(&app, host, own.instance, 0, false).await;
    late.post_keyed("/v1/zones/forest/join", "k", &body).await.problem(503, "zone_full");
    tokio::time::sleep(std::time::Duration::from_millis(3_100)).await;
    beat(&app, host, own.instance, 0, false).await;
    late.post_keyed("/v1/zones/forest/join", "k", &body).await.ok::<JoinResponse>(200);
}

#[tokio::test]
async fn players_go_to_the_fullest_host_that_lives_and_takes_them() {
    let app = small().await;
    let (empty, zero) = app.host(&["forest"]).await;
    let (busy, some) = app.host(&["forest"]).await;
    let (leaving, draining) = app.host(&["forest"]).await;
    let instance = |registered: &domain::contract::hosts::HostRegistered| registered.instances[0].instance;
    beat(&app, empty, instance(&zero), 0, false).await;
    beat(&app, busy, instance(&some), 10, false).await;
    beat(&app, leaving, instance(&draining), 12, true).await;
    let player = app.player().await;
    assert_eq!(join(&player, "One", "k1").await.ok::<JoinResponse>(200).host, busy);
    beat(&app, busy, instance(&some), 15, false).await;
    assert_eq!(join(&player, "Two", "k2").await.ok::<JoinResponse>(200).host, empty);
    // Without a heartbeat the leases end, and nobody is sent there.
    tokio::time::sleep(std::time::Duration::from_millis(3_100)).await;
    join(&player, "Three", "k3").await.problem(503, "zone_unavailable");
    beat(&app, empty, instance(&zero), 0, false).await;
    assert_eq!(join(&player, "Four", "k4").await.ok::<JoinResponse>(200).host, empty);
}

#[tokio::test]
async fn many_hosts_that_died_at_once_keep_nobody_from_one_that_lives() {
    let app = App::start().await;
    let player = app.player().await;
    let character = player.create("Ada").await;
    app.host(&["forest"; 32]).await;
    app.host(&["forest"; 32]).await;
    // Their leases are over, and nothing has told so yet.
    tokio::time::sleep(std::time::Duration::from_millis(3_100)).await;
    let (alive, _) = app.host(&["forest"]).await;
    let body = json!({ "character": character.id });
    let answer = player.post_keyed("/v1/zones/forest/join", "k", &body).await;
    assert_eq!(answer.ok::<JoinResponse>(200).host, alive);
}
