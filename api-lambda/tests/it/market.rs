//! `/v1/market`: the trading post.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::catalogue::Catalogue;
use domain::contract::market::{
    Claim, ClaimPage, ExpiredListings, Listing, ListingPage, ListingState, MarketHistory,
};
use domain::ids::{CharacterId, ItemId, ListingId};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::app::{Answer, App, now, random};
use crate::content::{activate, publish};
use crate::instances::{World, world};
use crate::possessions::{Hero, coins, hero, items};

impl Hero<'_> {
    pub(crate) async fn list(&self, key: &str, lot: &Value, price: u64) -> Answer {
        let body =
            json!({ "character": self.id, "lot": lot, "currency": "coin", "price": price, "hours": 1 });
        self.player.post_keyed("/v1/market/listings", key, &body).await
    }

    pub(crate) async fn list_hides(&self, count: u32, price: u64) -> Listing {
        let key = ListingId::new(now(), random()).to_string();
        self.list(&key, &json!({ "stack": { "item": "hide", "count": count } }), price).await.ok(201)
    }

    pub(crate) async fn buy(&self, key: &str, listing: &Listing) -> Answer {
        let path = format!("/v1/market/listings/{}/buy", listing.id);
        let body = json!({ "character": self.id, "price": listing.price });
        self.player.post_keyed(&path, key, &body).await
    }

    pub(crate) async fn take_back(&self, listing: &Listing) -> Answer {
        self.player.post(&format!("/v1/market/listings/{}/cancel", listing.id), &json!({})).await
    }

    pub(crate) async fn waiting(&self) -> Vec<Claim> {
        self.player.get(&self.path("claims")).await.ok::<ClaimPage>(200).claims
    }

    pub(crate) async fn collect(&self, claim: ListingId, key: &str) -> Answer {
        self.player.post_keyed(&self.path(&format!("claims/{claim}/collect")), key, &json!({})).await
    }
}

/// Lets the time of a listing be over, if it is open.
pub(crate) async fn let_end(app: &App, id: ListingId) {
    let set = app
        .engine
        .client()
        .update_item()
        .table_name(format!("{}market", app.engine.table_prefix))
        .key("pk", AttributeValue::S(id.to_string()))
        .key("sk", AttributeValue::S("listing".into()))
        .update_expression("SET expires_at = :long_ago, due_at = :due_at")
        .condition_expression("#state = :open")
        .expression_attribute_names("#state", "state")
        .expression_attribute_values(":open", AttributeValue::S("open".into()))
        .expression_attribute_values(":long_ago", AttributeValue::N("1".into()))
        .expression_attribute_values(":due_at", AttributeValue::S(format!("{:016}#{id}", 1)));
    // Refused where it was closed meanwhile.
    let _ = set.send().await;
}

async fn expire(app: &App) -> ExpiredListings {
    app.internal("/trade/expire", &json!({})).await.ok(200)
}

/// Ada has 20 hides, a sword and a crown and 1,000 coins; Bob and Cid have 1,000 coins.
async fn three<'a>(app: &'a App, world: &World<'a>) -> [Hero<'a>; 3] {
    let [ada, bob, cid] =
        [hero(app, world, "Ada").await, hero(app, world, "Bob").await, hero(app, world, "Cid").await];
    let batch = [
        coins(1, ada.id, 1_000),
        coins(2, bob.id, 1_000),
        coins(3, cid.id, 1_000),
        items(4, ada.id, "hide", 20),
        items(5, ada.id, "sword", 1),
        items(6, ada.id, "crown", 1),
        items(7, ada.id, "token", 3),
        items(8, ada.id, "potion", 99),
    ];
    world.gains(&batch).await;
    [ada, bob, cid]
}

#[tokio::test]
async fn a_lot_changes_hands_once_and_the_fees_are_kept() {
    let app = App::start().await;
    let world = world(&app).await;
    let [ada, bob, _] = three(&app, &world).await;
    let lot = json!({ "stack": { "item": "hide", "count": 8 } });
    let made = join_all((0..10).map(|_| ada.list("one", &lot, 400))).await;
    let made: Vec<Listing> = made.iter().map(|answer| answer.ok(201)).collect();
    assert!(made.iter().all(|listing| *listing == made[0]), "one listing, however often it was asked for");
    let listing = &made[0];
    assert_eq!((listing.listing_fee, listing.sale_fee, listing.state), (4, 20, ListingState::Open));
    assert_eq!((ada.count("hide").await, ada.coins().await), (12, 996));
    ada.list("one", &lot, 401).await.problem(422, "idempotency_mismatch");

    let sold: Vec<Listing> = join_all((0..10).map(|_| bob.buy("two", listing)))
        .await
        .iter()
        .map(|answer| answer.ok(200))
        .collect();
    assert!(sold.iter().all(|listing| *listing == sold[0] && listing.state == ListingState::Sold));
    assert_eq!((bob.count("hide").await, bob.coins().await), (8, 600));
    assert_eq!((ada.count("hide").await, ada.coins().await), (12, 1_376));
    let reasons: Vec<_> =
        ada.ledger("").await.entries.iter().map(|entry| (entry.reason.to_string(), entry.amount)).collect();
    assert_eq!(reasons[..3], [("sale-fee".into(), -20), ("sale".into(), 400), ("listing-fee".into(), -4)]);
    let read: Listing = bob.player.get(&format!("/v1/market/listings/{}", listing.id)).await.ok(200);
    assert_eq!(read, sold[0]);

    let sword = ada.unique("sword").await[0].id;
    let listing: Listing = ada.list("three", &json!({ "unique": sword }), 100).await.ok(201);
    assert_eq!((listing.unique, ada.unique("sword").await.len()), (Some(sword), 0));
    bob.buy("four", &listing).await.ok::<Listing>(200);
    assert_eq!(bob.unique("sword").await[0].id, sword, "it keeps its id");
    let history: MarketHistory = bob.player.get("/v1/market/history/hide?currency=coin").await.ok(200);
    let day = &history.days[0];
    assert_eq!((history.days.len(), day.sales, day.volume, day.turnover), (1, 1, 8, 400));
    assert_eq!((day.price_min_milli, day.price_max_milli, day.price_average_milli), (50_000, 50_000, 50_000));
}

#[tokio::test]
async fn one_of_many_buyers_gets_the_lot() {
    let app = App::start().await;
    let world = world(&app).await;
    let [ada, bob, cid] = three(&app, &world).await;
    let listing = ada.list_hides(5, 100).await;
    let keys: Vec<String> = (0..10).map(|number| format!("key-{number}")).collect();
    let buyers = [&bob, &cid];
    let answers =
        join_all(keys.iter().enumerate().map(|(number, key)| buyers[number % 2].buy(key, &listing))).await;
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    for lost in answers.iter().filter(|answer| answer.status != 200) {
        lost.problem(409, "listing_closed");
    }
    assert_eq!(won, 1);
    assert_eq!(bob.count("hide").await + cid.count("hide").await, 5);
    assert_eq!(bob.coins().await + cid.coins().await, 1_900);
    assert_eq!(ada.coins().await, 1_000 - 1 + 95);
}

#[tokio::test]
async fn what_cannot_be_listed_or_bought_is_refused() {
    let app = App::start().await;
    let world = world(&app).await;
    let [ada, bob, cid] = three(&app, &world).await;
    let (sword, crown) = (ada.unique("sword").await[0].id, ada.unique("crown").await[0].id);
    world.act(&[ada.does(1, &json!({ "equip": { "item": sword, "slot": "hand" } }))]).await;
    let stack = |item: &str, count: u32| json!({ "stack": { "item": item, "count": count } });
    for (number, (lot, price, status, code)) in [
        (json!({ "unique": sword }), 1, 409, "item_worn"),
        (json!({ "unique": crown }), 1, 409, "item_bound"),
        (json!({ "unique": ItemId::new(now(), random()) }), 1, 409, "not_owned"),
        (stack("token", 1), 1, 409, "item_bound"),
        (stack("hide", 21), 1, 409, "not_owned"),
        (stack("hide", 0), 1, 400, "bad_request"),
        (stack("sword", 1), 1, 400, "bad_request"),
        (stack("unobtainium", 1), 1, 404, "no_item_kind"),
        (stack("hide", 1), 0, 400, "bad_request"),
        (stack("hide", 1), 1 << 53, 400, "bad_request"),
        (stack("hide", 1), 200_000, 409, "not_enough_money"),
        (json!({ "box": 1 }), 1, 400, "bad_body"),
    ]
    .into_iter()
    .enumerate()
    {
        ada.list(&format!("key-{number}"), &lot, price).await.problem(status, code);
    }
    let listing = ada.list_hides(5, 100).await;
    let path = format!("/v1/market/listings/{}", listing.id);
    let body = json!({ "character": bob.id, "price": 100 });
    bob.player.post(&format!("{path}/buy"), &body).await.problem(400, "idempotency_key_missing");
    let other = json!({ "character": bob.id, "price": 99 });
    bob.player.post_keyed(&format!("{path}/buy"), "a", &other).await.problem(409, "other_price");
    let foreign = json!({ "character": cid.id, "price": 100 });
    bob.player.post_keyed(&format!("{path}/buy"), "b", &foreign).await.problem(404, "no_character");
    ada.buy("c", &listing).await.problem(409, "own_listing");
    bob.take_back(&listing).await.problem(404, "no_listing");
    let nothing = Listing { id: ListingId::new(now(), random()), ..listing.clone() };
    bob.buy("d", &nothing).await.problem(404, "no_listing");
    bob.player.get("/v1/market/listings/rubbish").await.problem(400, "bad_path");
    bob.player.get(&ada.path("listings")).await.problem(404, "no_character");
    bob.player.get(&ada.path("claims")).await.problem(404, "no_character");
    ada.collect(listing.id, "e").await.problem(404, "no_claim");
    let dear = ada.list_hides(1, 1_001).await;
    bob.buy("f", &dear).await.problem(409, "not_enough_money");
    assert_eq!(bob.coins().await, 1_000);
    for query in [
        "order=price",
        "order=price&item=hide",
        "order=best",
        "limit=0",
        "max_price=-1",
        "cursor=x",
        "page=2",
    ] {
        let path = format!("/v1/market/listings?{query}");
        bob.player.get(&path).await.problem(400, "bad_query");
    }
    for (path, status, code) in [
        ("hide", 400, "bad_query"),
        ("hide?currency=coin&days=0", 400, "bad_query"),
        ("hide?currency=coin&days=91", 400, "bad_query"),
        ("hide?currency=doubloon", 404, "no_currency"),
        ("unobtainium?currency=coin", 404, "no_item_kind"),
    ] {
        bob.player.get(&format!("/v1/market/history/{path}")).await.problem(status, code);
    }
}

#[tokio::test]
async fn lots_come_back_and_what_finds_no_room_waits() {
    let app = App::start().await;
    let world = world(&app).await;
    let [ada, bob, _] = three(&app, &world).await;
    let listing = ada.list_hides(5, 100).await;
    for answer in join_all((0..5).map(|_| ada.take_back(&listing))).await {
        assert_eq!(answer.ok::<Listing>(200).state, ListingState::Cancelled);
    }
    bob.buy("a", &listing).await.problem(409, "listing_closed");
    assert_eq!((ada.count("hide").await, ada.coins().await), (20, 999), "the fee is not given back");

    let potions = json!({ "stack": { "item": "potion", "count": 10 } });
    let potions: Listing = ada.list("potions", &potions, 50).await.ok(201);
    let sword = ada.unique("sword").await[0].id;
    let sword_lot: Listing = ada.list("sword", &json!({ "unique": sword }), 70).await.ok(201);
    world.gains(&[items(20, ada.id, "potion", 5), items(21, bob.id, "potion", 95)]).await;
    bob.buy("b", &potions).await.problem(409, "no_room");
    assert_eq!(expire(&app).await.expired, 0);
    let_end(&app, potions.id).await;
    let_end(&app, sword_lot.id).await;
    bob.buy("c", &sword_lot).await.problem(409, "listing_closed");
    let both = join_all((0..4).map(|_| expire(&app))).await;
    assert_eq!(both.iter().map(|expired| expired.expired).sum::<u32>(), 2);
    assert_eq!(ada.unique("sword").await[0].id, sword);
    let waiting = ada.waiting().await;
    assert_eq!((waiting.len(), waiting[0].id, ada.count("potion").await), (1, potions.id, 94));
    let drink = async |number: u64, count: u32| {
        world.act(&[ada.does(number, &json!({ "consume": { "item": "potion", "count": count } }))]).await;
    };
    drink(2, 5).await;
    for answer in join_all((0..5).map(|_| ada.collect(potions.id, "e"))).await {
        assert_eq!(answer.ok::<Claim>(200), waiting[0]);
    }
    assert_eq!((ada.count("potion").await, ada.waiting().await.len()), (99, 0));
    ada.collect(potions.id, "f").await.problem(404, "no_claim");
    ada.take_back(&potions).await.problem(409, "listing_closed");
}

#[tokio::test]
async fn claims_are_paged_to_their_end() {
    let app = App::start().await;
    let world = world(&app).await;
    let [ada, bob, _] = three(&app, &world).await;
    let mut owed = Vec::new();
    for number in 0..5 {
        let lot = json!({ "stack": { "item": "potion", "count": 1 } });
        owed.push(ada.list(&format!("lot-{number}"), &lot, 10).await.ok::<Listing>(201));
    }
    world.gains(&[items(20, ada.id, "potion", 5)]).await;
    for listing in &owed {
        ada.take_back(listing).await.ok::<Listing>(200);
    }
    let (mut seen, mut pages, mut next) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page: ClaimPage = ada.player.get(&ada.path(&format!("claims?limit=2{next}"))).await.ok(200);
        pages.push(page.claims.len());
        seen.extend(page.claims.iter().map(|claim| claim.id));
        let Some(cursor) = page.next else { break };
        next = format!("&cursor={cursor}");
    }
    assert_eq!(seen, owed.iter().map(|listing| listing.id).collect::<Vec<_>>(), "in their order, each once");
    assert!(pages.iter().all(|count| *count <= 2), "{pages:?}");
    for query in ["limit=0", "limit=101", "cursor=x", "page=2"] {
        ada.player.get(&ada.path(&format!("claims?{query}"))).await.problem(400, "bad_query");
    }
    bob.player.get(&bob.path(&format!("claims?limit=2{next}"))).await.ok::<ClaimPage>(200);
}

#[tokio::test]
async fn more_than_anyone_can_carry_is_collected_bit_by_bit() {
    let app = App::start().await;
    let world = world(&app).await;
    let [ada, ..] = three(&app, &world).await;
    let potions = json!({ "stack": { "item": "potion", "count": 10 } });
    let lot: Listing = ada.list("potions", &potions, 50).await.ok(201);
    world.gains(&[items(20, ada.id, "potion", 7)]).await;
    let_end(&app, lot.id).await;
    assert_eq!(expire(&app).await.expired, 1);
    // As if the catalogue had allowed larger stacks then.
    let set = app.engine.client().update_item();
    let set = set
        .table_name(format!("{}market", app.engine.table_prefix))
        .key("pk", AttributeValue::S(ada.id.to_string()))
        .key("sk", AttributeValue::S(format!("claim#{}", lot.id)))
        .update_expression("SET #count = :count")
        .condition_expression("attribute_exists(pk)")
        .expression_attribute_names("#count", "count")
        .expression_attribute_values(":count", AttributeValue::N("150".into()));
    set.send().await.expect("it waits");
    let collect = async |key: &str| {
        let given: Claim = ada.collect(lot.id, key).await.ok(200);
        let left = ada.waiting().await.first().map(|claim| claim.stack.as_ref().expect("a stack").count);
        (given.stack.expect("a stack").count, left, ada.count("potion").await)
    };
    let drink = async |number: u64, count: u32| {
        world.act(&[ada.does(number, &json!({ "consume": { "item": "potion", "count": count } }))]).await;
    };
    assert_eq!(collect("a").await, (3, Some(147), 99));
    ada.collect(lot.id, "b").await.problem(409, "no_room");
    assert_eq!(collect("a").await, (3, Some(147), 99), "the same request gets the same answer");
    drink(2, 99).await;
    for answer in join_all((0..5).map(|_| ada.collect(lot.id, "c"))).await {
        assert_eq!(answer.ok::<Claim>(200).stack.expect("a stack").count, 99);
    }
    drink(3, 60).await;
    assert_eq!(collect("d").await, (48, None, 87));
    ada.collect(lot.id, "e").await.problem(404, "no_claim");
}

#[tokio::test]
async fn a_lot_that_is_more_than_a_stack_by_now_is_bought_and_the_rest_waits() {
    let app = App::start().await;
    let world = world(&app).await;
    let [ada, bob, cid] = three(&app, &world).await;
    let lot = json!({ "stack": { "item": "potion", "count": 40 } });
    let lots: [Listing; 2] = [ada.list("a", &lot, 100).await.ok(201), ada.list("b", &lot, 100).await.ok(201)];
    world.gains(&[items(20, bob.id, "potion", 4), items(21, cid.id, "potion", 10)]).await;
    let mut catalogue = Catalogue::builtin();
    let potion = catalogue.possessions.items.iter_mut().find(|item| item.item.as_str() == "potion");
    potion.expect("a kind").stack_max = 10;
    let version = publish(&app, &catalogue).await;
    activate(&app, version, 100).await;
    cid.buy("c", &lots[0]).await.problem(409, "no_room");
    let sold = join_all((0..5).map(|_| bob.buy("d", &lots[0]))).await;
    assert!(sold.iter().all(|answer| answer.ok::<Listing>(200).state == ListingState::Sold), "{sold:?}");
    cid.buy("e", &lots[0]).await.problem(409, "listing_closed");
    assert_eq!((bob.count("potion").await, bob.coins().await), (10, 900));
    assert_eq!((ada.coins().await, ada.waiting().await.len()), (1_000 - 2 + 95, 0));
    let left = async || bob.waiting().await.first().map(|claim| claim.stack.as_ref().expect("a stack").count);
    assert_eq!(left().await, Some(34));
    let drink = json!({ "consume": { "item": "potion", "count": 10 } });
    for (number, expected) in [(2, Some(24)), (3, Some(14)), (4, Some(4)), (5, None)] {
        bob.collect(lots[0].id, "f").await.problem(409, "no_room");
        world.act(&[bob.does(number, &drink)]).await;
        bob.collect(lots[0].id, &format!("g-{number}")).await.ok::<Claim>(200);
        assert_eq!(left().await, expected);
    }
    assert_eq!(bob.count("potion").await, 4);
    // The seller takes the other one back, and it waits too.
    ada.take_back(&lots[1]).await.ok::<Listing>(200);
    assert_eq!(ada.waiting().await[0].stack.as_ref().map(|stack| stack.count), Some(40));
}

#[tokio::test]
async fn what_a_deleted_character_sells_waits_until_it_is_restored() {
    let app = App::start().await;
    let world = world(&app).await;
    let [ada, bob, _] = three(&app, &world).await;
    let (sold, kept) = (ada.list_hides(5, 100).await, ada.list_hides(6, 100).await);
    ada.player.delete(&format!("/v1/characters/{}", ada.id)).await;
    bob.buy("a", &sold).await.ok::<Listing>(200);
    let_end(&app, kept.id).await;
    assert_eq!(expire(&app).await.expired, 1);
    let body = json!({ "character": ada.id, "lot": { "stack": { "item": "hide", "count": 1 } }, "currency": "coin", "price": 1, "hours": 1 });
    ada.player.post_keyed("/v1/market/listings", "b", &body).await.problem(404, "no_character");
    ada.player.post(&ada.path("restore"), &json!({})).await.ok::<Value>(200);
    let waiting = ada.waiting().await;
    assert_eq!(waiting.len(), 2);
    assert_eq!(waiting[0].money.as_ref().map(|money| money.amount), Some(95));
    assert_eq!(waiting[1].stack.as_ref().map(|stack| stack.count), Some(6));
    for claim in waiting {
        ada.collect(claim.id, &claim.id.to_string()).await.ok::<Claim>(200);
    }
    assert_eq!((ada.count("hide").await, ada.coins().await), (15, 1_000 - 2 + 95));
}

#[tokio::test]
async fn a_full_purse_of_the_seller_does_not_stop_a_sale() {
    let app = App::start().await;
    let world = world(&app).await;
    let [ada, bob, _] = three(&app, &world).await;
    let listing = ada.list_hides(5, 100).await;
    world.gains(&[coins(30, ada.id, 1_000_000_000_000 - 999)]).await;
    bob.buy("a", &listing).await.ok::<Listing>(200);
    assert_eq!(ada.coins().await, 1_000_000_000_000);
    ada.collect(listing.id, "b").await.problem(409, "no_room");
    let spend = |amount: u64| json!({ "spend": { "currency": "coin", "amount": amount, "reason": "test" } });
    world.act(&[ada.does(9, &spend(25))]).await;
    let some: Claim = ada.collect(listing.id, "c").await.ok(200);
    assert_eq!(some.money.map(|money| money.amount), Some(25));
    world.act(&[ada.does(10, &spend(70))]).await;
    let rest: Claim = ada.collect(listing.id, "d").await.ok(200);
    assert_eq!(rest.money.map(|money| money.amount), Some(70));
    assert!(ada.waiting().await.is_empty());
    assert_eq!(ada.coins().await, 1_000_000_000_000);
}

#[tokio::test]
async fn a_character_offers_so_many_lots_and_no_more() {
    let app = App::start().await;
    let world = world(&app).await;
    let ada = hero(&app, &world, "Ada").await;
    world.gains(&[items(1, ada.id, "hide", 50)]).await;
    let lot = json!({ "stack": { "item": "hide", "count": 1 } });
    let keys: Vec<String> = (0..40).map(|number| format!("key-{number}")).collect();
    let answers = join_all(keys.iter().map(|key| ada.list(key, &lot, 1))).await;
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!((made.len(), ada.count("hide").await), (30, 20));
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        refused.problem(409, "too_many_listings");
    }
    ada.take_back(&made[0].ok(201)).await.ok::<Listing>(200);
    ada.list("later", &lot, 1).await.ok::<Listing>(201);
    ada.list("too late", &lot, 1).await.problem(400, "idempotency_key_bad");
}

/// Every page of a list.
async fn every(hero: &Hero<'_>, path: &str) -> Vec<Listing> {
    let (mut all, mut next) = (Vec::new(), String::new());
    for _ in 0..200 {
        let page: ListingPage = hero.player.get(&format!("{path}{next}")).await.ok(200);
        all.extend(page.listings);
        let Some(cursor) = page.next else { return all };
        next = format!("&cursor={cursor}");
    }
    panic!("the pages of {path} do not end");
}

#[tokio::test]
async fn lists_are_paged_to_their_end_in_their_order() {
    let app = App::start().await;
    let world = world(&app).await;
    let [ada, bob, _] = three(&app, &world).await;
    let mut made = Vec::new();
    for number in 0..24_u64 {
        let item = if number % 3 == 0 { "potion" } else { "hide" };
        let lot = json!({ "stack": { "item": item, "count": 1 } });
        // Some of one price, and others with more digits.
        let price = if number % 2 == 0 { 7 } else { number * 11 };
        made.push(ada.list(&format!("key-{number}"), &lot, price).await.ok::<Listing>(201));
    }
    made.sort_by_key(|listing| std::cmp::Reverse(listing.id));
    for limit in [1, 3, 7, 100] {
        let all = every(&bob, &format!("/v1/market/listings?limit={limit}")).await;
        assert_eq!(all, made, "overall, {limit}");
        let hides = every(&bob, &format!("/v1/market/listings?item=hide&currency=coin&limit={limit}")).await;
        let expected: Vec<_> = made.iter().filter(|l| l.item.as_str() == "hide").cloned().collect();
        assert_eq!(hides, expected);
        let cheap = every(&bob, &format!("/v1/market/listings?max_price=99&limit={limit}")).await;
        let expected: Vec<_> = made.iter().filter(|l| l.price <= 99).cloned().collect();
        assert_eq!(cheap, expected);
        let own = every(&ada, &format!("{}?limit={limit}", ada.path("listings"))).await;
        assert_eq!(own, made);
        let by_price =
            every(&bob, &format!("/v1/market/listings?order=price&item=hide&currency=coin&limit={limit}"))
                .await;
        let mut expected: Vec<_> = made.iter().filter(|l| l.item.as_str() == "hide").cloned().collect();
        expected.sort_by_key(|listing| (listing.price, listing.id));
        assert_eq!(by_price, expected);
        let query = format!("order=price&item=hide&currency=coin&max_price=77&limit={limit}");
        let cheap = every(&bob, &format!("/v1/market/listings?{query}")).await;
        expected.retain(|listing| listing.price <= 77);
        assert_eq!(cheap, expected);
    }
    let none = every(&bob, "/v1/market/listings?currency=doubloon&limit=2").await;
    assert!(none.is_empty());
    ada.take_back(&made[0]).await.ok::<Listing>(200);
    assert_eq!(every(&bob, "/v1/market/listings?limit=50").await, made[1..]);
    let states: BTreeSet<_> = every(&ada, &format!("{}?limit=50", ada.path("listings")))
        .await
        .iter()
        .map(|listing| format!("{:?}", listing.state))
        .collect();
    assert_eq!(states.len(), 2, "one's own are shown in every state");
    let foreign = CharacterId::new(now(), random());
    bob.player.get(&format!("/v1/characters/{foreign}/listings")).await.problem(404, "no_character");
}
