//! `/v1/characters`.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use domain::contract::players::{Character, CharacterList};
use domain::ids::CharacterId;
use futures_util::future::join_all;
use serde_json::json;

use crate::app::App;

#[tokio::test]
async fn a_character_is_made_read_renamed_and_deleted() {
    let app = App::start().await;
    let player = app.player().await;
    let made = player.create("Ada Lovelace").await;
    assert_eq!((made.version, made.level, made.xp), (1, 1, 0));
    let path = format!("/v1/characters/{}", made.id);
    assert_eq!(player.get(&path).await.ok::<Character>(200), made);
    let second = player.create("Grace").await;
    let list: CharacterList = player.get("/v1/characters").await.ok(200);
    assert_eq!(list.characters, [made.clone(), second]);

    let renamed: Character = player.patch(&path, &json!({ "name": "Ada L", "version": 1 })).await.ok(200);
    assert_eq!((renamed.name.as_str(), renamed.version), ("Ada L", 2));
    let stale = player.patch(&path, &json!({ "name": "Ada M", "version": 1 })).await;
    assert!(stale.problem(409, "version_conflict").detail.contains("version 2"));
    player.patch(&path, &json!({ "name": "GRACE", "version": 2 })).await.problem(409, "name_taken");
    // The same name in another spelling is one's own.
    let respelled: Character = player.patch(&path, &json!({ "name": "Ada-L", "version": 2 })).await.ok(200);
    assert_eq!(player.get(&path).await.ok::<Character>(200), respelled);
    // The old name is free.
    player.create("ada lovelace").await;

    assert_eq!(player.delete(&path).await.status, 204);
    player.delete(&path).await.problem(404, "no_character");
    player.get(&path).await.problem(404, "no_character");
    player.patch(&path, &json!({ "name": "Eve", "version": 3 })).await.problem(404, "no_character");
    assert_eq!(player.get("/v1/characters").await.ok::<CharacterList>(200).characters.len(), 2);
    player.create("Ada L").await;
}

#[tokio::test]
async fn a_name_that_looks_like_another_is_taken() {
    let app = App::start().await;
    let (ann, bob) = (app.player().await, app.player().await);
    let made = ann.create("Paypal").await;
    let path = format!("/v1/characters/{}", made.id);
    for name in ["Paypa1", "PaypaI", "Pаypal", "Pay-Pal"] {
        bob.post("/v1/characters", &json!({ "name": name })).await.problem(409, "name_taken");
    }
    let found = bob.get("/v1/names/Paypa1").await;
    assert_eq!(found.status, 200, "{}", found.text);
    // One's own name may be spelled so, and the old spelling is not free.
    let respelled = ann.patch(&path, &json!({ "name": "Paypa1", "version": 1 })).await.ok::<Character>(200);
    assert_eq!((respelled.name.as_str(), respelled.version), ("Paypa1", 2));
    bob.post("/v1/characters", &json!({ "name": "Paypal" })).await.problem(409, "name_taken");
    assert_eq!(ann.delete(&path).await.status, 204);
    bob.create("PaypaI").await;
    ann.post(&format!("{path}/restore"), &json!({})).await.problem(409, "name_taken");
}

/// Makes the character what it was before names were compared by their look: reserved by its spelling.
async fn spelled(app: &App, id: CharacterId, look: &str, spelling: &str) {
    let (client, table) = (app.engine.client(), format!("{}players", app.engine.table_prefix));
    let key = |text: &str| AttributeValue::S(text.to_owned());
    let update = client.update_item().table_name(&table).key("pk", key(&id.to_string()));
    update.update_expression("REMOVE look").send().await.expect("updated");
    let reservation = client.delete_item().table_name(&table).key("pk", key(&format!("name#{look}")));
    let reservation = reservation.return_values(ReturnValue::AllOld).send().await.expect("deleted");
    let mut item = reservation.attributes.expect("it was reserved");
    item.insert("pk".into(), key(&format!("name#{spelling}")));
    client.put_item().table_name(&table).set_item(Some(item)).send().await.expect("put");
}

#[tokio::test]
async fn names_from_before_looks_were_compared_are_kept_and_freed() {
    let app = App::start().await;
    let (ann, bob) = (app.player().await, app.player().await);
    let body = json!({ "name": "Paypal" });
    let first = ann.create("Paypal").await;
    spelled(&app, first.id, "paypai", "paypal").await;
    bob.post("/v1/characters", &body).await.problem(409, "name_taken");
    assert_eq!(bob.get("/v1/names/paypal").await.status, 200);
    assert_eq!(ann.delete(&format!("/v1/characters/{}", first.id)).await.status, 204);
    let second = bob.create("Paypal").await;
    spelled(&app, second.id, "paypai", "paypal").await;
    // With a rename it is reserved by its look.
    let path = format!("/v1/characters/{}", second.id);
    let renamed = bob.patch(&path, &json!({ "name": "PayPal", "version": 1 })).await;
    assert_eq!(renamed.status, 200, "{}", renamed.text);
    ann.post("/v1/characters", &json!({ "name": "Paypa1" })).await.problem(409, "name_taken");
    assert_eq!(bob.delete(&path).await.status, 204);
    ann.create("Paypal").await;
}

#[tokio::test]
async fn the_characters_of_others_are_not_there() {
    let app = App::start().await;
    let (ann, bob) = (app.player().await, app.player().await);
    let path = format!("/v1/characters/{}", ann.create("Ann").await.id);
    bob.get(&path).await.problem(404, "no_character");
    bob.delete(&path).await.problem(404, "no_character");
    bob.patch(&path, &json!({ "name": "Bob", "version": 1 })).await.problem(404, "no_character");
    assert_eq!(ann.get(&path).await.ok::<Character>(200).name.as_str(), "Ann");
    assert!(bob.get("/v1/characters").await.ok::<CharacterList>(200).characters.is_empty());
}

#[tokio::test]
async fn one_of_many_gets_a_name() {
    let app = App::start().await;
    let players = join_all((0..8).map(|_| app.player())).await;
    let body = json!({ "name": "Highlander" });
    let answers = join_all(players.iter().map(|player| player.post("/v1/characters", &body))).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.problem(409, "name_taken");
    }
}

#[tokio::test]
async fn an_account_has_sixteen_characters_however_fast_they_are_made() {
    let app = App::start().await;
    let player = app.player().await;
    let bodies: Vec<_> =
        "abcdefghijkmnopqrstu".chars().map(|letter| json!({ "name": format!("Clone {letter}") })).collect();
    let answers = join_all(bodies.iter().map(|body| player.post("/v1/characters", body))).await;
    assert_eq!(answers.len(), 20);
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status != 201).collect();
    assert_eq!(refused.len(), 4);
    for answer in refused {
        answer.problem(409, "too_many_characters");
    }
    let list: CharacterList = player.get("/v1/characters").await.ok(200);
    assert_eq!(list.characters.len(), 16);
    // A deleted one makes room, and a refused one has left no name behind.
    player.delete(&format!("/v1/characters/{}", list.characters[0].id)).await;
    let free = answers.iter().position(|answer| answer.status != 201).expect("four");
    assert_eq!(player.post("/v1/characters", &bodies[free]).await.status, 201);
    player.post("/v1/characters", &json!({ "name": "One More" })).await.problem(409, "too_many_characters");
}

#[tokio::test]
async fn renames_at_once_lose_nothing() {
    let app = App::start().await;
    let player = app.player().await;
    let made = player.create("Start").await;
    let path = format!("/v1/characters/{}", made.id);
    let bodies: Vec<_> = ('a'..='f').map(|c| json!({ "name": format!("End {c}"), "version": 1 })).collect();
    let answers = join_all(bodies.iter().map(|body| player.patch(&path, body))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    // Only the winner's name is reserved.
    let mut free = 0;
    for name in ('a'..='f').map(|c| format!("End {c}")).chain(["Start".into()]) {
        free += u32::from(player.post("/v1/characters", &json!({ "name": name })).await.status == 201);
    }
    assert_eq!(free, 6);
}

#[tokio::test]
async fn a_repeated_creation_has_the_effect_of_one() {
    let app = App::start().await;
    let player = app.player().await;
    let body = json!({ "name": "Echo" });
    let answers = join_all((0..5).map(|_| player.post_keyed("/v1/characters", "key-1", &body))).await;
    let ids: Vec<CharacterId> = answers.iter().map(|answer| answer.ok::<Character>(201).id).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let other = player.post_keyed("/v1/characters", "key-1", &json!({ "name": "Other" })).await;
    other.problem(422, "idempotency_mismatch");
    // Keys belong to accounts.
    let stranger = app.player().await;
    let body = json!({ "name": "Other" });
    assert_eq!(stranger.post_keyed("/v1/characters", "key-1", &body).await.status, 201);
    player.post_keyed("/v1/characters", "two words", &body).await.problem(400, "idempotency_key_bad");
}

#[tokio::test]
async fn what_a_request_costs_in_the_store_is_counted() {
    let app = App::start().await;
    let player = app.player().await;
    let character = player.create("Dear").await;
    player.get(&format!("/v1/characters/{}", character.id)).await;
    assert_eq!(app.metric("api_store_writes_total{route=\"/v1/characters\"} ").await, 1);
    assert_eq!(app.metric("api_store_reads_total{route=\"/v1/characters\"} ").await, 0);
    assert_eq!(app.metric("api_store_reads_total{route=\"/v1/characters/{id}\"} ").await, 1);
    // How transactions are told and counted is the engine's: this is the embedded one's way.
    if std::env::var_os("GRATICULE_TEST_DYNAMODB_ENDPOINT").is_none() {
        // Four items in one transaction, two units for each: the place in the account, the name's reservation, the
        // character, and the name as administrators find it. Two more for looking whether the account is banned.
        assert_eq!(app.metric("api_store_write_units_total{route=\"/v1/characters\"} ").await, 10);
        // A consistent read of one item.
        assert_eq!(app.metric("api_store_read_units_total{route=\"/v1/characters/{id}\"} ").await, 1);
    }
}
