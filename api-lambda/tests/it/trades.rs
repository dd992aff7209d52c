//! `/v1/trades`: direct trades of two players in one instance.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::contract::mail::{Audience, HostOrder, Mailbox};
use domain::contract::trades::{Trade, TradeState};
use domain::ids::TradeId;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, SERVICE_TOKEN, now, random, send};
use crate::instances::{World, world};
use crate::possessions::{Hero, coins, hero, items};
use crate::proxy::{Fault, Proxy, Reach, Scenario, at_every_call, fresh_name, under_fault};

impl Hero<'_> {
    pub(crate) async fn ask(&self, with: &Hero<'_>) -> Answer {
        self.player.post("/v1/trades", &json!({ "character": self.id, "with": with.id })).await
    }

    pub(crate) async fn trade(&self, id: TradeId, what: &str, body: &Value) -> Answer {
        self.player.post(&format!("/v1/trades/{id}/{what}"), body).await
    }

    pub(crate) async fn offer(&self, id: TradeId, offer: &Value) -> Answer {
        send(self.player.request(Method::PUT, &format!("/v1/trades/{id}/offer")).json(offer)).await
    }

    async fn confirm(&self, id: TradeId, version: u64) -> Answer {
        self.trade(id, "confirm", &json!({ "version": version })).await
    }
}

/// Ada has 20 hides, a sword, a crown and 1,000 coins, Bob 5 hides and 1,000 coins.
async fn two<'a>(app: &'a App, world: &World<'a>) -> [Hero<'a>; 2] {
    let [ada, bob] = [hero(app, world, &fresh_name()).await, hero(app, world, &fresh_name()).await];
    let batch = [
        coins(1, ada.id, 1_000),
        coins(2, bob.id, 1_000),
        items(3, ada.id, "hide", 20),
        items(4, ada.id, "sword", 1),
        items(5, ada.id, "crown", 1),
        items(6, bob.id, "hide", 5),
    ];
    world.gains(&batch).await;
    [ada, bob]
}

async fn open(ada: &Hero<'_>, bob: &Hero<'_>) -> TradeId {
    let id = ada.ask(bob).await.ok::<Trade>(201).id;
    assert_eq!(bob.trade(id, "accept", &json!({})).await.ok::<Trade>(200).state, TradeState::Open);
    id
}

fn hides(count: u32) -> Value {
    json!([{ "item": "hide", "count": count }])
}

fn money(amount: u64) -> Value {
    json!([{ "currency": "coin", "amount": amount }])
}

#[tokio::test]
async fn what_both_have_confirmed_changes_hands_once() {
    let app = App::start().await;
    let world = world(&app).await;
    let [ada, bob] = two(&app, &world).await;
    let id = open(&ada, &bob).await;
    let sword = ada.unique("sword").await[0].id;
    let offer = json!({ "items": [sword], "stacks": hides(7), "currencies": money(10) });
    ada.offer(id, &offer).await.ok::<Trade>(200);
    let trade: Trade = bob.offer(id, &json!({ "stacks": hides(3), "currencies": money(250) })).await.ok(200);
    assert_eq!((trade.version, trade.from.offer.stacks[0].count), (3, 7));
    let same: Trade = ada.offer(id, &offer).await.ok(200);
    assert_eq!(same.version, 3, "the same offer again is no change");
    ada.confirm(id, 2).await.problem(409, "trade_changed");
    let both =
        join_all((0..10).map(|n| if n % 2 == 0 { ada.confirm(id, 3) } else { bob.confirm(id, 3) })).await;
    assert!(both.iter().all(|answer| answer.status == 200), "{both:?}");
    let trade: Trade = ada.player.get(&format!("/v1/trades/{id}")).await.ok(200);
    assert_eq!(trade.state, TradeState::Done);
    assert_eq!((ada.count("hide").await, ada.coins().await, ada.unique("sword").await.len()), (16, 1_240, 0));
    assert_eq!(
        (bob.count("hide").await, bob.coins().await, bob.unique("sword").await[0].id),
        (9, 760, sword)
    );
    ada.offer(id, &json!({})).await.problem(409, "trade_over");
    open(&bob, &ada).await;
}

#[tokio::test]
async fn a_changed_offer_clears_both_confirmations() {
    let app = App::start().await;
    let world = world(&app).await;
    let [ada, bob] = two(&app, &world).await;
    let id = open(&ada, &bob).await;
    let version = ada.offer(id, &json!({ "stacks": hides(7) })).await.ok::<Trade>(200).version;
    assert!(bob.confirm(id, version).await.ok::<Trade>(200).to.confirmed);
    let trade: Trade = ada.offer(id, &json!({ "stacks": hides(1) })).await.ok(200);
    assert!(!trade.to.confirmed && trade.version > version);
    bob.confirm(id, version).await.problem(409, "trade_changed");
    assert_eq!(ada.confirm(id, trade.version).await.ok::<Trade>(200).state, TradeState::Open);
    assert_eq!(ada.count("hide").await, 20);
    // What is offered is not held: it may be gone when both have confirmed.
    world.act(&[ada.does(1, &json!({ "consume": { "item": "hide", "count": 20 } }))]).await;
    bob.confirm(id, trade.version).await.problem(409, "trade_failed");
    let after: Trade = ada.player.get(&format!("/v1/trades/{id}")).await.ok(200);
    assert!(after.failure.is_some() && !after.from.confirmed && !after.to.confirmed, "{after:?}");
    ada.confirm(id, trade.version).await.problem(409, "trade_changed");
    assert_eq!(bob.count("hide").await, 5);
}

#[tokio::test]
async fn what_cannot_be_traded_is_refused() {
    let app = App::start().await;
    let world = world(&app).await;
    let [ada, bob] = two(&app, &world).await;
    let eve = hero(&app, &world, "Eve").await;
    let id = ada.ask(&bob).await.ok::<Trade>(201).id;
    ada.ask(&eve).await.problem(409, "already_trading");
    ada.trade(id, "accept", &json!({})).await.problem(409, "trade_not_open");
    ada.offer(id, &json!({})).await.problem(409, "trade_not_open");
    eve.player.get(&format!("/v1/trades/{id}")).await.problem(404, "no_trade");
    eve.trade(id, "cancel", &json!({})).await.problem(404, "no_trade");
    ada.trade(TradeId::new(now(), random()), "cancel", &json!({})).await.problem(404, "no_trade");
    bob.trade(id, "accept", &json!({})).await.ok::<Trade>(200);
    let (sword, crown) = (ada.unique("sword").await[0].id, ada.unique("crown").await[0].id);
    world.act(&[ada.does(1, &json!({ "equip": { "item": sword, "slot": "hand" } }))]).await;
    for (offer, status, code) in [
        (json!({ "items": [crown] }), 409, "item_bound"),
        (json!({ "items": [sword] }), 409, "item_worn"),
        (json!({ "stacks": hides(21) }), 409, "not_owned"),
        (json!({ "stacks": hides(0) }), 400, "bad_offer"),
        (json!({ "currencies": money(1_001) }), 409, "not_enough_money"),
        (json!({ "currencies": [{ "currency": "doubloon", "amount": 1 }] }), 404, "no_currency"),
        (json!({ "items": [crown, crown] }), 400, "bad_offer"),
        (json!({ "items": vec![crown; 13] }), 400, "bad_offer"),
        (json!({ "gold": 1 }), 400, "bad_body"),
    ] {
        ada.offer(id, &offer).await.problem(status, code);
    }
    ada.trade(id, "confirm", &json!({})).await.problem(400, "bad_body");
    ada.trade(id, "decline", &json!({})).await.problem(409, "trade_over");
    assert_eq!(bob.trade(id, "cancel", &json!({})).await.ok::<Trade>(200).state, TradeState::Cancelled);
    bob.trade(id, "cancel", &json!({})).await.ok::<Trade>(200);
    let second = ada.player.create("Second").await;
    let own = json!({ "character": ada.id, "with": second.id });
    ada.player.post("/v1/trades", &own).await.problem(409, "not_together");
    let id = ada.ask(&bob).await.ok::<Trade>(201).id;
    assert_eq!(bob.trade(id, "decline", &json!({})).await.ok::<Trade>(200).state, TradeState::Declined);
}

/// What a host was told about trades.
async fn told(app: &App, world: &World<'_>) -> usize {
    let path = format!("/internal/v1/hosts/{}/mail?since=0", world.host);
    let mail: Mailbox = send(app.request(Method::GET, &path).bearer_auth(SERVICE_TOKEN)).await.ok(200);
    let trade = |order: &HostOrder| match order {
        HostOrder::Notify { to: Audience::Characters(whom), notice } if notice.topic == "trade" => whom.len(),
        _ => 0,
    };
    mail.mail.iter().map(|mail| trade(&mail.order)).sum()
}

#[tokio::test]
async fn a_blocked_player_asks_as_if_nobody_answered() {
    let app = App::start().await;
    let world = world(&app).await;
    let [ada, bob] = two(&app, &world).await;
    let block = json!({ "whom": { "character": ada.id } });
    assert_eq!(bob.player.post("/v1/blocks", &block).await.status, 204);
    bob.ask(&ada).await.problem(409, "blocking");
    let trade: Trade = ada.ask(&bob).await.ok(201);
    assert_eq!(trade.state, TradeState::Invited, "as anybody else");
    assert_eq!(told(&app, &world).await, 1, "she alone");
    for what in ["accept", "decline", "cancel"] {
        bob.trade(trade.id, what, &json!({})).await.problem(404, "no_trade");
    }
    bob.player.get(&format!("/v1/trades/{}", trade.id)).await.problem(404, "no_trade");
    assert_eq!(ada.trade(trade.id, "cancel", &json!({})).await.ok::<Trade>(200).state, TradeState::Cancelled);
    let unblocked = bob.player.delete(&format!("/v1/blocks/{}", ada.id)).await;
    assert_eq!(unblocked.status, 204);
    open(&ada, &bob).await;
}

#[tokio::test]
async fn time_ends_a_trade_and_frees_both() {
    let app = App::start().await;
    let world = world(&app).await;
    let [ada, bob] = two(&app, &world).await;
    let invited = ada.ask(&bob).await.ok::<Trade>(201).id;
    let_end(&app, invited).await;
    let read = async |id: TradeId| ada.player.get(&format!("/v1/trades/{id}")).await.ok::<Trade>(200).state;
    assert_eq!(read(invited).await, TradeState::Expired);
    bob.trade(invited, "accept", &json!({})).await.problem(409, "trade_over");
    let id = open(&ada, &bob).await;
    let version = ada.offer(id, &json!({ "stacks": hides(7) })).await.ok::<Trade>(200).version;
    ada.confirm(id, version).await.ok::<Trade>(200);
    let_end(&app, id).await;
    bob.confirm(id, version).await.problem(409, "trade_over");
    bob.offer(id, &json!({})).await.problem(409, "trade_over");
    assert_eq!((read(id).await, ada.count("hide").await), (TradeState::Expired, 20));
    open(&bob, &ada).await;
}

/// Lets the time of a trade be over, and of the locks that it has.
async fn let_end(app: &App, id: TradeId) {
    let client = app.engine.client();
    let table = format!("{}market", app.engine.table_prefix);
    let pages = client.scan().table_name(&table).into_paginator().items().send();
    for item in pages.collect::<Result<Vec<_>, _>>().await.expect("items") {
        let names = |name: &str| item.get(name).and_then(|value| value.as_s().ok()) == Some(&id.to_string());
        if !(names("pk") || names("trade")) || !item.contains_key("expires_at") {
            continue;
        }
        let set = client.update_item().table_name(&table).key("pk", item["pk"].clone());
        let set = set.key("sk", item["sk"].clone()).update_expression("SET expires_at = :past");
        set.expression_attribute_values(":past", AttributeValue::N("1".into())).send().await.expect("set");
    }
}

#[tokio::test]
async fn who_leaves_the_instance_ends_the_trade() {
    let app = App::start().await;
    let world = world(&app).await;
    let [ada, bob] = two(&app, &world).await;
    let id = open(&ada, &bob).await;
    let version = ada.offer(id, &json!({ "stacks": hides(7) })).await.ok::<Trade>(200).version;
    ada.confirm(id, version).await.ok::<Trade>(200);
    let left = json!({ "epoch": world.epoch(), "characters": [{ "character": ada.id, "claim": ada.claim }] });
    app.internal(&world.path("left"), &left).await.ok::<Value>(200);
    bob.confirm(id, version).await.problem(409, "trade_failed");
    let trade: Trade = bob.player.get(&format!("/v1/trades/{id}")).await.ok(200);
    assert_eq!((trade.state, bob.count("hide").await), (TradeState::Cancelled, 5));
    bob.ask(&ada).await.problem(409, "not_together");
}

#[tokio::test]
async fn a_swap_happens_once_whatever_befalls_the_store() {
    at_every_call(async |app: &App, proxy: &Proxy, fault: Fault, reach: Reach| {
        let world = world(app).await;
        let [ada, bob] = two(app, &world).await;
        let id = open(&ada, &bob).await;
        ada.offer(id, &json!({ "stacks": hides(7) })).await.ok::<Trade>(200);
        bob.offer(id, &json!({ "currencies": money(30) })).await.ok::<Trade>(200);
        ada.confirm(id, 3).await.ok::<Trade>(200);
        let path = format!("/v1/trades/{id}/confirm");
        let request = || bob.player.request(Method::POST, &path).json(&json!({ "version": 3 }));
        let scenario = Scenario { request: Box::new(request), status: 200 };
        let done = under_fault(proxy, &scenario, fault, reach).await;
        let all = (ada.count("hide").await, ada.coins().await, bob.count("hide").await, bob.coins().await);
        assert_eq!(all, (13, 1_030, 12, 970), "{fault:?} at {reach:?}");
        done.is_some()
    })
    .await;
}

#[tokio::test]
async fn who_only_looks_on_does_not_trade() {
    let app = App::start().await;
    let world = world(&app).await;
    let [ada, bob] = two(&app, &world).await;
    let claim = async |who: &Hero<'_>, spectates: bool| {
        let own = &world.registered.instances[0];
        let body = json!({
            "account": who.player.account, "host": world.host, "instance": own.instance, "epoch": own.epoch,
            "spectates": spectates,
        });
        app.internal(&format!("/characters/{}/claim", who.id), &body).await.ok::<Value>(200);
    };
    claim(&ada, true).await;
    ada.ask(&bob).await.problem(409, "not_together");
    bob.ask(&ada).await.problem(409, "not_together");
    claim(&ada, false).await;
    // Who becomes a spectator while they talk gives and gets nothing.
    let id = open(&ada, &bob).await;
    let version = ada.offer(id, &json!({ "stacks": hides(7) })).await.ok::<Trade>(200).version;
    ada.confirm(id, version).await.ok::<Trade>(200);
    claim(&bob, true).await;
    bob.confirm(id, version).await.problem(409, "trade_failed");
    assert_eq!((ada.count("hide").await, bob.count("hide").await), (20, 5));
    claim(&bob, false).await;
    open(&bob, &ada).await;
}
