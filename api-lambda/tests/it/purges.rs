//! Work that comes in heaps: what is due at once is done in as many calls as it takes, what cannot be done keeps nothing
//! else waiting; and what others know a purged character by.

use std::sync::atomic::Ordering;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::contract::market::{ExpiredListings, Listing};
use domain::contract::players::PurgedCharacters;
use domain::contract::social::AcquaintancePage;
use domain::ids::CharacterId;
use serde_json::json;

use crate::app::App;
use crate::friends::{counts, person};
use crate::instances::world;
use crate::market::let_end;
use crate::possessions::{Hero, coins, hero, items};
use crate::proxy::Proxy;
use crate::restoration::{KEPT_MILLIS, deleted_before, traces};

/// An API on the tables of `app` whose store takes its time, and whose requests do not have much of it.
pub(crate) async fn slow(app: &App, delay_ms: u64) -> App {
    let (proxy, url) = Proxy::start(&app.engine.url).await;
    proxy.delay_ms.store(delay_ms, Ordering::SeqCst);
    app.beside(|config| {
        config.dynamodb_endpoint = Some(url);
        config.request_timeout_ms = 2_000;
    })
    .await
}

/// Sets the version of the form of an item.
async fn set_version(app: &App, (table, pk, sk): (&str, String, Option<&str>), version: u32) {
    let table = format!("{}{table}", app.engine.table_prefix);
    let update = app.engine.client().update_item().table_name(table).key("pk", AttributeValue::S(pk));
    let update = match sk {
        Some(sk) => update.key("sk", AttributeValue::S(sk.to_owned())),
        None => update,
    };
    let update = update.update_expression("SET v = :v");
    let value = AttributeValue::N(version.to_string());
    update.expression_attribute_values(":v", value).send().await.expect("set");
}

#[tokio::test]
async fn more_lots_than_one_request_has_time_for_all_end() {
    let app = App::start().await;
    let world = world(&app).await;
    let heroes: [Hero; 2] = [hero(&app, &world, "Ada").await, hero(&app, &world, "Bob").await];
    let mut listings: Vec<Listing> = Vec::new();
    for (number, hero) in (1..).zip(&heroes) {
        world.gains(&[items(number, hero.id, "hide", 25), coins(number + 10, hero.id, 100)]).await;
        for _ in 0..25 {
            listings.push(hero.list_hides(1, 100).await);
        }
    }
    for listing in &listings {
        let_end(&app, listing.id).await;
    }
    // One that cannot be read, wherever in the heap it is.
    set_version(&app, ("market", listings[7].id.to_string(), Some("listing")), 99).await;
    let slow = slow(&app, 20).await;
    let (mut ended, mut calls, mut cursor) = (0, 0, json!({}));
    loop {
        let answer: ExpiredListings = slow.internal("/trade/expire", &cursor).await.ok(200);
        (ended, calls) = (ended + answer.expired, calls + 1);
        assert_eq!(answer.more, answer.next.is_some());
        let Some(next) = answer.next else { break };
        assert!(answer.expired > 0 && calls < 60, "each call gets on");
        cursor = json!({ "cursor": next });
    }
    assert_eq!(ended, 49);
    assert!(calls > 1, "there was too little to do");
    set_version(&app, ("market", listings[7].id.to_string(), Some("listing")), 1).await;
    assert_eq!(app.internal("/trade/expire", &json!({})).await.ok::<ExpiredListings>(200).expired, 1);
    assert_eq!(heroes[0].count("hide").await + heroes[1].count("hide").await, 50);
    app.internal("/trade/expire", &json!({ "cursor": "x" })).await.problem(400, "bad_body");
    app.internal("/trade/expire", &json!({ "from": "x" })).await.problem(400, "bad_body");
    let bare = app.request(reqwest::Method::POST, "/internal/v1/trade/expire");
    let bare = crate::app::send(bare.bearer_auth(crate::app::SERVICE_TOKEN)).await;
    assert_eq!(bare.ok::<ExpiredListings>(200).expired, 0);
}

#[tokio::test]
async fn more_characters_than_one_request_has_time_for_are_all_purged() {
    let app = App::start().await;
    let player = app.player().await;
    let mut ids: Vec<CharacterId> = Vec::new();
    for letter in 'a'..='l' {
        let id = player.create(&format!("Clone {letter}")).await.id;
        assert_eq!(player.delete(&format!("/v1/characters/{id}")).await.status, 204);
        deleted_before(&app, id, KEPT_MILLIS).await;
        ids.push(id);
    }
    // The oldest cannot be read; it neither ends the call nor comes again and again.
    set_version(&app, ("players", ids[0].to_string(), None), 99).await;
    let slow = slow(&app, 20).await;
    let (mut purged, mut calls, mut cursor) = (Vec::new(), 0, json!({}));
    loop {
        let answer: PurgedCharacters = slow.internal("/characters/purge", &cursor).await.ok(200);
        purged.extend(answer.characters);
        calls += 1;
        let Some(next) = answer.next else { break };
        assert!(calls < 60, "the calls end");
        cursor = json!({ "cursor": next });
    }
    assert!(calls > 1, "there was too little to do");
    purged.sort_unstable();
    assert_eq!(purged, ids[1..]);
    assert!(!traces(&app, ids[0]).await.is_empty(), "it is not lost");
    set_version(&app, ("players", ids[0].to_string(), None), 1).await;
    let last: PurgedCharacters = app.internal("/characters/purge", &json!({})).await.ok(200);
    assert_eq!((last.characters, last.next), (vec![ids[0]], None));
    for id in ids {
        assert_eq!(traces(&app, id).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn nobody_knows_a_purged_character_any_more_and_blocks_stay() {
    let app = App::start().await;
    let ann = person(&app, "Ann").await;
    let second = ann.player.create("Ann Two").await.id;
    let (friend, asker, asked) =
        (person(&app, "Bob").await, person(&app, "Cid").await, person(&app, "Dan").await);
    let (blocker, other_blocker) = (person(&app, "Eve").await, person(&app, "Fay").await);
    let (kept, gone) = (person(&app, "Gil").await, ann.id());
    ann.befriend(&friend).await;
    assert_eq!(asker.ask(&ann).await.status, 200);
    assert_eq!(ann.ask(&asked).await.status, 200);
    blocker.block(gone).await;
    other_blocker.block(gone).await;
    let body = json!({ "from": second, "to": { "character": kept.id() } });
    assert_eq!(ann.player.post("/v1/friends/requests", &body).await.status, 200);
    assert_eq!(ann.player.delete(&format!("/v1/characters/{gone}")).await.status, 204);
    assert_eq!(friend.friends().await, [gone], "it can come back yet");
    deleted_before(&app, gone, KEPT_MILLIS).await;
    let purged: PurgedCharacters = app.internal("/characters/purge", &json!({})).await.ok(200);
    assert_eq!(purged.characters, [gone]);

    assert_eq!(traces(&app, gone).await, Vec::<String>::new());
    assert!(friend.friends().await.is_empty() && ann.friends().await.is_empty());
    assert!(asker.outgoing().await.is_empty() && asked.incoming().await.is_empty());
    assert_eq!(counts(&app, &friend).await, (0, 0, 0, 0));
    // What goes by another character of the account stays.
    assert_eq!((ann.outgoing().await, kept.incoming().await), (vec![kept.id()], vec![second]));
    assert_eq!(counts(&app, &ann).await, (0, 1, 0, 0));
    // The account is blocked as it was, by a character that is nobody's.
    let body = json!({ "from": second, "to": { "character": blocker.id() } });
    assert_eq!(ann.player.post("/v1/friends/requests", &body).await.status, 200);
    assert!(blocker.incoming().await.is_empty());
    let blocks: AcquaintancePage = blocker.player.get("/v1/blocks").await.ok(200);
    assert_eq!((blocks.entries.len(), &blocks.entries[0].name), (1, &None));
    let path = format!("/v1/blocks/{}", blocks.entries[0].character);
    assert_eq!(blocker.player.delete(&path).await.status, 204);
    assert!(blocker.list("/v1/blocks").await.is_empty());
    assert_eq!(other_blocker.list("/v1/blocks").await.len(), 1);
}
