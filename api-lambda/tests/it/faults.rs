//! The store fails in every way that it can: throttled, broken, silent, or with the answer lost on the way back.
//! Whatever a request meets, it is answered with 503 and Retry-After or it succeeds; the same request sent again
//! then gets what it would have got at once, and nothing is there half or twice.

use serde_json::{Value, json};
use std::time::Duration;

use crate::app::{App, Player, SERVICE_TOKEN, send};
use crate::proxy::{Fault, Reach, Scenario, at_every_call, fragile, fresh_name, under_fault};

/// A request of a player under a key.
fn keyed(player: &Player<'_>, path: &str, body: &Value) -> reqwest::RequestBuilder {
    player.request(reqwest::Method::POST, path).header("idempotency-key", "one").json(body)
}

#[tokio::test]
async fn a_character_is_made_once_whatever_befalls_the_store() {
    at_every_call(async |app, proxy, fault, reach| {
        let player = app.player().await;
        let name = fresh_name();
        let scenario = Scenario {
            request: Box::new(|| keyed(&player, "/v1/characters", &json!({ "name": name }))),
            status: 201,
        };
        let Some(made) = under_fault(proxy, &scenario, fault, reach).await else { return false };
        let list: Value = player.get("/v1/characters").await.ok(200);
        let characters = list["characters"].as_array().expect("a list");
        assert_eq!(characters.len(), 1, "{fault:?} at {reach:?}");
        assert_eq!(characters[0], made.ok::<Value>(201), "{fault:?} at {reach:?}");
        true
    })
    .await;
}

#[tokio::test]
async fn gains_are_stored_once_whatever_befalls_the_store() {
    at_every_call(async |app, proxy, fault, reach| {
        let player = app.player().await;
        let character = player.create(&fresh_name()).await;
        let (_, registered) = app.living_host(&["forest"]).await;
        let own = &registered.instances[0];
        let body = json!({ "epoch": own.epoch, "events": [{
            "sequence": 1, "character": character.id, "xp": 7, "kills": 1, "deaths": 0, "items": [],
        }] });
        let path = format!("/internal/v1/instances/{}/events", own.instance);
        let scenario = Scenario {
            request: Box::new(|| {
                app.request(reqwest::Method::POST, &path).bearer_auth(SERVICE_TOKEN).json(&body)
            }),
            status: 200,
        };
        let Some(answer) = under_fault(proxy, &scenario, fault, reach).await else { return false };
        assert_eq!(answer.ok::<Value>(200)["outcomes"], json!(["stored"]));
        let now: Value = player.get(&format!("/v1/characters/{}", character.id)).await.ok(200);
        assert_eq!((&now["xp"], &now["kills"]), (&json!(7), &json!(1)), "{fault:?} at {reach:?}");
        true
    })
    .await;
}

#[tokio::test]
async fn a_seat_is_taken_once_whatever_befalls_the_store() {
    at_every_call(async |app, proxy, fault, reach| {
        let player = app.player().await;
        let character = player.create(&fresh_name()).await;
        app.living_host(&["forest"]).await;
        let scenario = Scenario {
            request: Box::new(|| {
                keyed(&player, "/v1/zones/forest/join", &json!({ "character": character.id }))
            }),
            status: 200,
        };
        let Some(joined) = under_fault(proxy, &scenario, fault, reach).await else { return false };
        let again: Value = send((scenario.request)()).await.ok(200);
        assert_eq!(again, joined.ok::<Value>(200), "the same key gets the same ticket");
        true
    })
    .await;
}

#[tokio::test]
async fn possessions_change_once_whatever_befalls_the_store() {
    at_every_call(async |app, proxy, fault, reach| {
        let player = app.player().await;
        let character = player.create(&fresh_name()).await;
        let (host, registered) = app.living_host(&["forest"]).await;
        let own = &registered.instances[0];
        let claim =
            json!({ "account": player.account, "host": host, "instance": own.instance, "epoch": own.epoch });
        app.internal(&format!("/characters/{}/claim", character.id), &claim).await.ok::<Value>(200);
        let gains = json!({ "epoch": own.epoch, "events": [{
            "sequence": 1, "character": character.id, "xp": 7, "kills": 0, "deaths": 0,
            "items": [{ "item": "hide", "count": 3 }, { "item": "sword", "count": 2 }],
            "currencies": [{ "currency": "coin", "amount": 9 }],
        }] });
        let spend = json!({ "epoch": own.epoch, "actions": [{
            "sequence": 1, "character": character.id, "claim": 1,
            "action": { "spend": { "currency": "coin", "amount": 5, "reason": "toll" } },
        }] });
        for (what, body) in [("events", gains), ("actions", spend)] {
            let path = format!("/internal/v1/instances/{}/{what}", own.instance);
            let scenario = Scenario {
                request: Box::new(|| {
                    app.request(reqwest::Method::POST, &path).bearer_auth(SERVICE_TOKEN).json(&body)
                }),
                status: 200,
            };
            let Some(answer) = under_fault(proxy, &scenario, fault, reach).await else { return false };
            assert_eq!(answer.ok::<Value>(200)["outcomes"], json!(["stored"]));
        }
        let path = format!("/v1/characters/{}", character.id);
        let inventory: Value = player.get(&format!("{path}/inventory")).await.ok(200);
        assert_eq!(inventory["items"].as_array().map(Vec::len), Some(2), "{fault:?} at {reach:?}");
        assert_eq!(inventory["stacks"], json!([{ "item": "hide", "count": 3 }]), "{fault:?} at {reach:?}");
        let ledger: Value = player.get(&format!("{path}/wallet/coin/entries")).await.ok(200);
        let balances: Vec<_> =
            ledger["entries"].as_array().expect("a list").iter().map(|e| &e["balance"]).collect();
        assert_eq!(balances, [&json!(4), &json!(9)], "{fault:?} at {reach:?}");
        true
    })
    .await;
}

#[tokio::test]
async fn a_character_is_restored_once_whatever_befalls_the_store() {
    at_every_call(async |app, proxy, fault, reach| {
        let player = app.player().await;
        let character = player.create(&fresh_name()).await;
        let path = format!("/v1/characters/{}", character.id);
        assert_eq!(player.delete(&path).await.status, 204);
        let name = fresh_name();
        let scenario = Scenario {
            request: Box::new(|| {
                player
                    .request(reqwest::Method::POST, &format!("{path}/restore"))
                    .header("idempotency-key", "one")
                    .json(&json!({ "name": name }))
            }),
            status: 200,
        };
        let Some(restored) = under_fault(proxy, &scenario, fault, reach).await else { return false };
        assert_eq!(
            player.get(&path).await.ok::<Value>(200),
            restored.ok::<Value>(200),
            "{fault:?} at {reach:?}"
        );
        let deleted: Value = player.get("/v1/characters/deleted").await.ok(200);
        assert_eq!(deleted["characters"], json!([]), "{fault:?} at {reach:?}");
        true
    })
    .await;
}

#[tokio::test]
async fn a_store_that_is_silent_costs_a_request_its_time_and_no_more() {
    let world = App::start().await;
    let (app, proxy) = fragile(&world).await;
    let player = app.player().await;
    player.create("Patient").await;
    proxy.arm(Fault::Silent, Reach::From(0));
    let answers = futures_util::future::join_all((0..20).map(|_| player.get("/v1/characters"))).await;
    for answer in &answers {
        answer.problem(503, "store_unavailable");
    }
    proxy.disarm();
    // Nothing is left over of them: the API answers at once again.
    let list: Value = tokio::time::timeout(Duration::from_secs(5), player.get("/v1/characters"))
        .await
        .expect("an answer in time")
        .ok(200);
    assert_eq!(list["characters"].as_array().map(Vec::len), Some(1));
}
