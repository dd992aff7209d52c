//! Listing, buying, taking back and collecting under every fault at every call to the store: once, or not at all and
//! then once when asked again.

use domain::contract::market::Listing;
use serde_json::{Value, json};

use crate::app::App;
use crate::instances::world;
use crate::possessions::{Hero, coins, hero, items};
use crate::proxy::{Fault, Proxy, Reach, Scenario, at_every_call, fresh_name, under_fault};

/// Two heroes in one instance, the first with 9 hides, and 100 coins each.
async fn two(app: &App) -> [Hero<'_>; 2] {
    let world = world(app).await;
    let [ada, bob] = [hero(app, &world, &fresh_name()).await, hero(app, &world, &fresh_name()).await];
    world.gains(&[items(1, ada.id, "hide", 9), coins(2, ada.id, 100), coins(3, bob.id, 100)]).await;
    [ada, bob]
}

fn post<'a>(hero: &'a Hero<'_>, path: String, body: Value, status: u16) -> Scenario<'a> {
    let request = move || {
        let request = hero.player.request(reqwest::Method::POST, &path);
        request.header("idempotency-key", "one").json(&body)
    };
    Scenario { request: Box::new(request), status }
}

async fn holdings(ada: &Hero<'_>, bob: &Hero<'_>) -> [u64; 4] {
    [
        u64::from(ada.count("hide").await),
        ada.coins().await,
        u64::from(bob.count("hide").await),
        bob.coins().await,
    ]
}

#[tokio::test]
async fn a_lot_is_listed_once_whatever_befalls_the_store() {
    at_every_call(async |app: &App, proxy: &Proxy, fault: Fault, reach: Reach| {
        let [ada, bob] = two(app).await;
        let lot = json!({ "stack": { "item": "hide", "count": 4 } });
        let body = json!({ "character": ada.id, "lot": lot, "currency": "coin", "price": 100, "hours": 1 });
        let scenario = post(&ada, "/v1/market/listings".into(), body, 201);
        let Some(made) = under_fault(proxy, &scenario, fault, reach).await else { return false };
        let listing: Listing = made.ok(201);
        assert_eq!(holdings(&ada, &bob).await, [5, 99, 0, 100], "{fault:?} at {reach:?}");
        let own: Value = ada.player.get(&ada.path("listings")).await.ok(200);
        assert_eq!(own["listings"], json!([listing]), "{fault:?} at {reach:?}");
        true
    })
    .await;
}

#[tokio::test]
async fn a_lot_is_bought_once_whatever_befalls_the_store() {
    at_every_call(async |app: &App, proxy: &Proxy, fault: Fault, reach: Reach| {
        let [ada, bob] = two(app).await;
        let listing = ada.list_hides(4, 100).await;
        let body = json!({ "character": bob.id, "price": 100 });
        let scenario = post(&bob, format!("/v1/market/listings/{}/buy", listing.id), body, 200);
        let bought = under_fault(proxy, &scenario, fault, reach).await;
        assert_eq!(holdings(&ada, &bob).await, [5, 194, 4, 0], "{fault:?} at {reach:?}");
        bought.is_some()
    })
    .await;
}

#[tokio::test]
async fn a_lot_is_taken_back_once_whatever_befalls_the_store() {
    at_every_call(async |app: &App, proxy: &Proxy, fault: Fault, reach: Reach| {
        let [ada, bob] = two(app).await;
        let listing = ada.list_hides(4, 100).await;
        let scenario = post(&ada, format!("/v1/market/listings/{}/cancel", listing.id), json!({}), 200);
        let closed = under_fault(proxy, &scenario, fault, reach).await;
        assert_eq!(holdings(&ada, &bob).await, [9, 99, 0, 100], "{fault:?} at {reach:?}");
        assert!(ada.waiting().await.is_empty());
        closed.is_some()
    })
    .await;
}

#[tokio::test]
async fn a_claim_is_collected_once_whatever_befalls_the_store() {
    at_every_call(async |app: &App, proxy: &Proxy, fault: Fault, reach: Reach| {
        let world = world(app).await;
        let ada = hero(app, &world, &fresh_name()).await;
        world.gains(&[items(1, ada.id, "potion", 99), coins(2, ada.id, 100)]).await;
        let lot = json!({ "stack": { "item": "potion", "count": 4 } });
        let listing: Listing = ada.list("lot", &lot, 100).await.ok(201);
        world.gains(&[items(3, ada.id, "potion", 4)]).await;
        ada.take_back(&listing).await.ok::<Listing>(200);
        let use_up = json!({ "consume": { "item": "potion", "count": 9 } });
        world.act(&[ada.does(1, &use_up)]).await;
        let path = ada.path(&format!("claims/{}/collect", listing.id));
        let scenario = post(&ada, path, json!({}), 200);
        let collected = under_fault(proxy, &scenario, fault, reach).await;
        assert_eq!(ada.count("potion").await, 94, "{fault:?} at {reach:?}");
        assert!(ada.waiting().await.is_empty(), "{fault:?} at {reach:?}");
        collected.is_some()
    })
    .await;
}
