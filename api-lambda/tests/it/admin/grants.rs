//! Giving and taking items and money: all or nothing, once, with the reason in the audit log.

use domain::contract::bans::BanState;
use domain::contract::possessions::{ActionOutcome, LedgerPage};
use domain::contract::support::Granted;
use domain::ids::{AccountId, CharacterId, ItemId};
use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{audit, key_of, with_key};
use crate::app::{Answer, App, now, random, send};
use crate::instances::world;
use crate::possessions::{Hero, coins, hero, items};
use crate::proxy::{Scenario, at_every_call, fresh_name, under_fault};

fn path(account: AccountId, character: CharacterId) -> String {
    format!("/players/{account}/characters/{character}/grants")
}

fn request(app: &App, hero: &Hero<'_>, key: &str, body: &Value) -> RequestBuilder {
    let request = app.owner(Method::POST, &path(hero.player.account, hero.id));
    request.header("idempotency-key", key).json(body)
}

async fn grant(app: &App, hero: &Hero<'_>, body: &Value) -> Answer {
    send(request(app, hero, &format!("{:032x}", random()), body)).await
}

#[tokio::test]
async fn items_and_money_are_given_and_taken_with_a_reason() {
    let app = App::start().await;
    let world = world(&app).await;
    let ada = hero(&app, &world, "Ada").await;
    let key = key_of(&app, "operator").await;
    let body = json!({
        "reason": "lost in a crash",
        "items": [
            { "item": "hide", "count": 5 }, { "item": "sword", "count": 2 }, { "item": "hide", "count": -2 },
            { "item": "fang", "count": 4 }, { "item": "fang", "count": -4 }, { "item": "crown", "count": 1 },
        ],
        "currencies": [{ "currency": "coin", "amount": 30 }, { "currency": "coin", "amount": -10 }],
    });
    let by_key = with_key(&app, &key.secret, Method::POST, &path(ada.player.account, ada.id));
    let granted: Granted = send(by_key.header("idempotency-key", "one").json(&body)).await.ok(200);
    assert_eq!((ada.count("hide").await, ada.count("fang").await, ada.coins().await), (3, 0, 20));
    let swords = ada.unique("sword").await;
    let made: Vec<ItemId> = granted.made.iter().map(|made| made.id).collect();
    assert_eq!((swords.len(), made.len()), (2, 3));
    assert!(swords.iter().all(|sword| made.contains(&sword.id)));
    let balance = &granted.balances[0];
    assert_eq!((granted.balances.len(), balance.balance, balance.entries), (1, 20, 2));
    let LedgerPage { entries, .. } = ada.ledger("").await;
    assert_eq!(entries.iter().map(|entry| entry.amount).collect::<Vec<_>>(), [-10, 30]);
    for entry in &entries {
        assert_eq!((entry.reason.as_str(), entry.cause.as_str()), ("grant", &*granted.audit.to_string()));
    }
    let entry = audit(&app, &format!("subject={}", ada.player.account)).await.entries.remove(0);
    assert_eq!((entry.id, entry.reason.as_deref()), (granted.audit, Some("lost in a crash")));
    assert_eq!((entry.effect.as_deref(), entry.admin_key), (Some("granted"), Some(key.key.id)));
    assert_eq!(entry.outcome.map(|outcome| outcome.status), Some(200));
    assert!(entry.body.is_some_and(|body| body.contains("sword")));

    // Worn and bound items are taken too, and nothing of them is left on the body.
    let crown = ada.unique("crown").await[0].id;
    let wear = json!({ "equip": { "item": swords[0].id, "slot": "hand" } });
    assert_eq!(world.act(&[ada.does(1, &wear)]).await, [ActionOutcome::Stored]);
    let body = json!({
        "reason": "a trick", "take_items": [swords[0].id, crown],
        "items": [{ "item": "hide", "count": -3 }], "currencies": [{ "currency": "coin", "amount": -20 }],
    });
    let taken: Granted = grant(&app, &ada, &body).await.ok(200);
    assert!(taken.made.is_empty());
    let inventory = ada.inventory().await;
    assert_eq!(inventory.items.iter().map(|item| item.id).collect::<Vec<_>>(), [swords[1].id]);
    assert_eq!((inventory.stacks.len(), inventory.equipment.len(), ada.coins().await), (0, 0, 0));
    let wear = json!({ "equip": { "item": swords[1].id, "slot": "hand" } });
    assert_eq!(world.act(&[ada.does(2, &wear)]).await, [ActionOutcome::Stored]);
}

#[tokio::test]
async fn what_does_not_go_changes_nothing() {
    let app = App::start().await;
    let world = world(&app).await;
    let ada = hero(&app, &world, "Ada").await;
    world.gains(&[items(1, ada.id, "hide", 3), items(2, ada.id, "sword", 1), coins(3, ada.id, 10)]).await;
    let sword = ada.unique("sword").await[0].id;
    let stranger = ItemId::new(now(), random());
    let good = |items: Value, taken: Value, money: Value| json!({ "reason": "x", "items": items, "take_items": taken, "currencies": money });
    let coin = |amount: i64| json!([{ "currency": "coin", "amount": amount }]);
    let of = |kind: &str, count: i64| json!([{ "item": kind, "count": count }]);
    let all: Vec<Value> = (0..98).map(|_| json!({ "item": "hide", "count": 1 })).collect();
    for (body, status, code, word) in [
        (good(of("hide", -4), json!([sword]), coin(5)), 409, "not_owned", "it has 3 hide"),
        (good(of("fang", -1), json!([]), coin(5)), 409, "not_owned", "it has 0 fang"),
        (good(of("hide", -1), json!([sword, stranger]), coin(5)), 409, "not_owned", &*stranger.to_string()),
        (good(of("hide", 1), json!([sword]), coin(-11)), 409, "not_enough_money", "it has 10 coin"),
        (good(of("hide", 1), json!([sword]), coin(i64::MIN)), 409, "not_enough_money", "10 coin"),
        (good(of("hide", 1), json!([]), coin(i64::MAX)), 409, "no_room", "10 coin"),
        (good(of("potion", 100), json!([sword]), coin(5)), 409, "no_room", "99"),
        (good(of("hide", i64::MAX), json!([sword]), coin(5)), 409, "no_room", "it has 3 hide"),
        (good(of("hide", i64::MIN), json!([sword]), coin(5)), 409, "not_owned", "it has 3 hide"),
        (good(of("unobtainium", 1), json!([sword]), coin(5)), 422, "unknown_kind", "unobtainium"),
        (good(of("unobtainium", -1), json!([sword]), coin(5)), 422, "unknown_kind", "unobtainium"),
        (
            good(of("hide", 1), json!([sword]), json!([{ "currency": "doubloon", "amount": 1 }])),
            422,
            "unknown_kind",
            "doubloon",
        ),
        (good(of("sword", -1), json!([]), coin(5)), 400, "bad_request", "take_items"),
        (good(of("sword", 96), json!([]), coin(5)), 400, "bad_request", "in parts"),
        (good(of("sword", i64::MAX), json!([]), coin(5)), 400, "bad_request", "in parts"),
        (good(json!(all), json!([]), coin(5)), 400, "bad_request", "in parts"),
        (good(json!([]), json!([]), json!([])), 400, "bad_request", "nothing"),
        (good(of("hide", 0), json!([]), coin(5)), 400, "bad_request", "0"),
        (good(of("hide", 1), json!([]), coin(0)), 400, "bad_request", "0"),
        (good(json!([]), json!([sword, sword]), coin(5)), 400, "bad_request", "twice"),
        (json!({ "items": of("hide", 1) }), 400, "bad_body", "reason"),
        (json!({ "reason": "", "items": of("hide", 1) }), 400, "bad_body", "characters"),
        (json!({ "reason": "x", "items": [{ "item": "hide", "count": 1.5 }] }), 400, "bad_body", "1.5"),
        (json!({ "reason": "x", "gems": 1 }), 400, "bad_body", "gems"),
    ] {
        let problem = grant(&app, &ada, &body).await.problem(status, code);
        assert!(problem.detail.contains(word), "{body}: {}", problem.detail);
    }
    // All that is missing is told at once.
    let much = good(of("hide", -9), json!([stranger]), coin(-99));
    let detail = grant(&app, &ada, &much).await.problem(409, "not_owned").detail;
    assert!(["hide", "coin", &*stranger.to_string()].iter().all(|word| detail.contains(word)), "{detail}");
    assert_eq!((ada.count("hide").await, ada.coins().await), (3, 10));
    assert_eq!(ada.unique("sword").await[0].id, sword);
    assert_eq!(ada.ledger("").await.entries.len(), 1);
    // As much as one call can do.
    let most = good(of("sword", 95), json!([]), coin(5));
    assert_eq!(grant(&app, &ada, &most).await.ok::<Granted>(200).made.len(), 95);
}

#[tokio::test]
async fn a_grant_is_done_once_for_its_key_and_many_at_once_are_all_done() {
    let app = App::start().await;
    let world = world(&app).await;
    let ada = hero(&app, &world, "Ada").await;
    let body = json!({
        "reason": "x", "items": [{ "item": "hide", "count": 2 }, { "item": "sword", "count": 1 }],
        "currencies": [{ "currency": "coin", "amount": 7 }],
    });
    let answers = join_all((0..10).map(|_| send(request(&app, &ada, "same", &body)))).await;
    let first: Granted = answers[0].ok(200);
    assert!(answers.iter().all(|answer| answer.ok::<Granted>(200) == first));
    assert_eq!(send(request(&app, &ada, "same", &body)).await.ok::<Granted>(200), first);
    assert_eq!((ada.count("hide").await, ada.coins().await, ada.unique("sword").await.len()), (2, 7, 1));
    let other = json!({ "reason": "y", "items": [{ "item": "hide", "count": 2 }] });
    send(request(&app, &ada, "same", &other)).await.problem(422, "idempotency_mismatch");
    let log = audit(&app, &format!("subject={}", ada.player.account)).await.entries;
    assert_eq!(log.iter().filter(|entry| entry.effect.is_some()).count(), 1);

    // Ten that take what is there for four.
    let take = json!({
        "reason": "x", "items": [{ "item": "hide", "count": 1 }],
        "currencies": [{ "currency": "coin", "amount": -2 }],
    });
    let more = json!({ "reason": "x", "currencies": [{ "currency": "coin", "amount": 1 }] });
    grant(&app, &ada, &more).await.ok::<Granted>(200);
    let mut done = 0;
    for answer in join_all((0..10).map(|_| grant(&app, &ada, &take))).await {
        match answer.status {
            200 => done += 1,
            // So many at once may also be told to come back.
            503 => drop(answer.problem(503, "store_contended")),
            _ => drop(answer.problem(409, "not_enough_money")),
        }
    }
    assert!((1..=4).contains(&done), "{done}");
    assert_eq!((ada.count("hide").await, ada.coins().await), (2 + done, 8 - 2 * u64::from(done)));
}

#[tokio::test]
async fn operators_alone_grant_to_whoever_has_a_character() {
    let app = App::start().await;
    let world = world(&app).await;
    let (ada, bob) = (hero(&app, &world, "Ada").await, hero(&app, &world, "Bob").await);
    let body = json!({ "reason": "x", "items": [{ "item": "hide", "count": 1 }] });
    let support = key_of(&app, "support").await;
    let own = path(ada.player.account, ada.id);
    let as_support = with_key(&app, &support.secret, Method::POST, &own).header("idempotency-key", "k");
    send(as_support.json(&body)).await.problem(403, "role_too_low");
    for token in [ada.player.token.as_str(), crate::app::SERVICE_TOKEN] {
        let request = with_key(&app, token, Method::POST, &own).header("idempotency-key", "k").json(&body);
        send(request).await.problem(401, "admin_key");
    }
    send(app.owner(Method::POST, &own).json(&body)).await.problem(400, "idempotency_key_missing");
    let post = async |path: String| {
        let key = format!("{:032x}", random());
        send(app.owner(Method::POST, &path).header("idempotency-key", key).json(&body)).await
    };
    post(path(bob.player.account, ada.id)).await.problem(404, "no_character");
    post("/players/rubbish/characters/rubbish/grants".into()).await.problem(400, "bad_path");
    assert_eq!(ada.count("hide").await, 0);

    // A player who was never in the world, one who is banned, and a character that is no more.
    let offline = app.player().await;
    let eve = offline.create("Eve").await;
    assert_eq!(post(path(offline.account, eve.id)).await.status, 200);
    let ban = format!("/players/{}/ban", bob.player.account);
    let banned = send(app.owner(Method::PUT, &ban).json(&json!({ "reason": "x" }))).await;
    assert!(banned.ok::<BanState>(200).banned);
    assert_eq!(post(path(bob.player.account, bob.id)).await.status, 200);
    assert_eq!(send(app.owner(Method::DELETE, &ban)).await.status, 200);
    assert_eq!(bob.count("hide").await, 1);
    assert_eq!(offline.delete(&format!("/v1/characters/{}", eve.id)).await.status, 204);
    post(path(offline.account, eve.id)).await.problem(404, "no_character");
}

#[tokio::test]
async fn a_grant_is_done_once_whatever_befalls_the_store() {
    at_every_call(async |app, proxy, fault, reach| {
        let world = world(app).await;
        let ada = hero(app, &world, &fresh_name()).await;
        world.gains(&[items(1, ada.id, "hide", 3)]).await;
        let body = json!({
            "reason": "x", "items": [{ "item": "hide", "count": -2 }, { "item": "sword", "count": 1 }],
            "currencies": [{ "currency": "coin", "amount": 7 }],
        });
        let scenario =
            Scenario { request: Box::new(|| request(app, &ada, &ada.id.to_string(), &body)), status: 200 };
        let done = under_fault(proxy, &scenario, fault, reach).await;
        let swords = ada.unique("sword").await.len();
        assert_eq!((ada.count("hide").await, ada.coins().await, swords), (1, 7, 1), "{fault:?} at {reach:?}");
        done.is_some()
    })
    .await;
}
