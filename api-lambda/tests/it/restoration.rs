//! Deleted characters: their list, their return and their end; and names that nobody may have.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::contract::boards::LeaderboardPage;
use domain::contract::hosts::BatchOutcome;
use domain::contract::matchmaking::{MatchTicket, TicketState};
use domain::contract::players::{Character, CharacterList, DeletedCharacterList, PurgedCharacters};
use domain::contract::possessions::{Inventory, WalletBalances};
use domain::ids::CharacterId;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::app::{App, Player, now, random};
use crate::instances::world;
use crate::possessions::hero;
use crate::rooms::kicks;

pub(crate) const KEPT_MILLIS: u64 = domain::limits::DELETED_CHARACTER_KEPT_MILLIS;

fn restore_path(id: CharacterId) -> String {
    format!("/v1/characters/{id}/restore")
}

async fn delete(player: &Player<'_>, id: CharacterId) {
    assert_eq!(player.delete(&format!("/v1/characters/{id}")).await.status, 204);
}

/// Makes it as if the character had been deleted `millis` ago.
pub(crate) async fn deleted_before(app: &App, id: CharacterId, millis: u64) {
    let client = app.engine.client();
    let table = |name: &str| format!("{}{name}", app.engine.table_prefix);
    let text = |text: String| AttributeValue::S(text);
    let key = text(id.to_string());
    let item = client.get_item().table_name(table("players")).key("pk", key.clone()).send().await;
    let item = item.expect("an answer").item.expect("it is there");
    let old: u64 = item["deleted_at"].as_n().expect("a number").parse().expect("a time");
    let new = now().as_millis() - millis;
    let update = client.update_item().table_name(table("players")).key("pk", key);
    let update = update.update_expression("SET deleted_at = :new");
    update
        .expression_attribute_values(":new", AttributeValue::N(new.to_string()))
        .send()
        .await
        .expect("stored");
    let shard = text(format!("graves#{}", id.as_u128() % 8));
    let grave = |at: u64| text(format!("{:016}#{id}", at + KEPT_MILLIS));
    let delete = client.delete_item().table_name(table("possessions"));
    delete.key("pk", shard.clone()).key("sk", grave(old)).send().await.expect("deleted");
    let put = client.put_item().table_name(table("possessions")).item("pk", shard).item("sk", grave(new));
    let put = put.item("v", AttributeValue::N("1".into())).item("character", text(id.to_string()));
    put.send().await.expect("stored");
}

/// Items of every table that name the character, wherever; but for answers to requests, of which none lasts.
pub(crate) async fn traces(app: &App, id: CharacterId) -> Vec<String> {
    let everything = app.engine.everything().await.into_iter().filter(|(table, _)| table != "requests");
    let all =
        everything.flat_map(|(table, items)| items.into_iter().map(move |item| format!("{table}: {item}")));
    all.filter(|item| item.contains(&id.to_string())).collect()
}

#[tokio::test]
async fn a_deleted_character_comes_back_with_all_that_it_had() {
    let app = App::start().await;
    let world = world(&app).await;
    let player = app.player().await;
    let ada = player.create("Ada").await;
    let event = json!({
        "sequence": 1, "character": ada.id, "xp": 150, "kills": 1, "deaths": 0,
        "items": [{ "item": "sword", "count": 1 }], "currencies": [{ "currency": "coin", "amount": 9 }],
    });
    world.events(world.epoch(), &[event]).await.ok::<BatchOutcome>(200);
    player.post(&restore_path(ada.id), &json!({})).await.problem(409, "not_deleted");
    delete(&player, ada.id).await;
    let list: DeletedCharacterList = player.get("/v1/characters/deleted").await.ok(200);
    assert_eq!((list.characters.len(), list.next), (1, None));
    let deleted = &list.characters[0];
    assert_eq!((deleted.character.id, deleted.character.name.as_str()), (ada.id, "Ada"));
    assert_eq!(deleted.restorable_until.millis_since(deleted.deleted_at), 30 * 24 * 3_600_000);
    player.get(&format!("/v1/characters/{}/inventory", ada.id)).await.problem(404, "no_character");

    let restored: Character = player.post(&restore_path(ada.id), &json!({})).await.ok(200);
    assert_eq!((restored.id, restored.xp, restored.name.as_str()), (ada.id, 150, "Ada"));
    let read: Character = player.get(&format!("/v1/characters/{}", ada.id)).await.ok(200);
    assert_eq!(read, restored);
    assert_eq!(player.get("/v1/characters").await.ok::<CharacterList>(200).characters, [restored]);
    let list: DeletedCharacterList = player.get("/v1/characters/deleted").await.ok(200);
    assert!(list.characters.is_empty());
    let inventory: Inventory = player.get(&format!("/v1/characters/{}/inventory", ada.id)).await.ok(200);
    assert_eq!(inventory.items.len(), 1);
    let wallet: WalletBalances = player.get(&format!("/v1/characters/{}/wallet", ada.id)).await.ok(200);
    assert_eq!(wallet.balances[0].balance, 9);
    // Its name is its own again, and it can go and come once more.
    let other = app.player().await;
    other.post("/v1/characters", &json!({ "name": "ADA" })).await.problem(409, "name_taken");
    delete(&player, ada.id).await;
    player.post(&restore_path(ada.id), &json!({})).await.ok::<Character>(200);
}

#[tokio::test]
async fn who_is_deleted_is_put_out_of_the_world_at_once() {
    let app = App::start().await;
    let world = world(&app).await;
    let ada = hero(&app, &world, "Ada Lark").await;
    let elsewhere = ada.player.create("Bea Lark").await;
    delete(&ada.player, elsewhere.id).await;
    assert_eq!(kicks(&app, world.host).await, []);
    delete(&ada.player, ada.id).await;
    assert_eq!(kicks(&app, world.host).await, [ada.id]);
}

#[tokio::test]
async fn a_name_that_is_taken_by_then_needs_another_one() {
    let app = App::start().await;
    let (ann, bob) = (app.player().await, app.player().await);
    let ada = ann.create("Ada").await;
    delete(&ann, ada.id).await;
    bob.create("Ada").await;
    let refused = ann.post(&restore_path(ada.id), &json!({})).await.problem(409, "name_taken");
    assert!(refused.detail.contains("field name"), "{}", refused.detail);
    ann.post(&restore_path(ada.id), &json!({ "name": "ada" })).await.problem(409, "name_taken");
    ann.post(&restore_path(ada.id), &json!({ "name": "Adm1n" })).await.problem(409, "name_reserved");
    let restored: Character = ann.post(&restore_path(ada.id), &json!({ "name": "Ada II" })).await.ok(200);
    assert_eq!(restored.name.as_str(), "Ada II");
    bob.post("/v1/characters", &json!({ "name": "Ada Ii" })).await.problem(409, "name_taken");
}

#[tokio::test]
async fn a_full_account_has_no_place_for_a_return() {
    let app = App::start().await;
    let player = app.player().await;
    let ada = player.create("Ada").await;
    delete(&player, ada.id).await;
    for letter in "abcdefghijkmnopq".chars() {
        player.create(&format!("Clone {letter}")).await;
    }
    player.post(&restore_path(ada.id), &json!({})).await.problem(409, "too_many_characters");
    let list: CharacterList = player.get("/v1/characters").await.ok(200);
    // The name was not taken by the attempt.
    delete(&player, list.characters[3].id).await;
    let body = json!({ "name": "Ada" });
    let answers = join_all((0..4).map(|_| player.post("/v1/characters", &body))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
}

#[tokio::test]
async fn bad_restorations_are_refused() {
    let app = App::start().await;
    let (ann, bob) = (app.player().await, app.player().await);
    let ada = ann.create("Ada").await;
    delete(&ann, ada.id).await;
    bob.post(&restore_path(ada.id), &json!({})).await.problem(404, "no_character");
    let unknown = restore_path(CharacterId::new(now(), random()));
    ann.post(&unknown, &json!({})).await.problem(404, "no_character");
    for (body, code) in [
        (json!({ "name": "A" }), "bad_body"),
        (json!({ "name": 7 }), "bad_body"),
        (json!({ "names": "Ada" }), "bad_body"),
    ] {
        ann.post(&restore_path(ada.id), &body).await.problem(400, code);
    }
    ann.post("/v1/characters/deleted/restore", &json!({})).await.problem(400, "bad_path");
    assert!(bob.get("/v1/characters/deleted").await.ok::<DeletedCharacterList>(200).characters.is_empty());
    for query in ["limit=0", "limit=101", "cursor=x", "cursor=e30", "deleted=true"] {
        ann.get(&format!("/v1/characters/deleted?{query}")).await.problem(400, "bad_query");
    }
    ann.post(&restore_path(ada.id), &json!({ "name": null })).await.ok::<Character>(200);
}

#[tokio::test]
async fn a_restoration_happens_once_however_often_it_is_asked_for() {
    let app = App::start().await;
    let player = app.player().await;
    let ada = player.create("Ada").await;
    delete(&player, ada.id).await;
    let path = restore_path(ada.id);
    let body = json!({ "name": "Ada B" });
    let answers = join_all((0..10).map(|_| player.post_keyed(&path, "key-1", &body))).await;
    let restored: Vec<Character> = answers.iter().map(|answer| answer.ok(200)).collect();
    assert!(restored.iter().all(|one| *one == restored[0]), "{restored:?}");
    assert_eq!(restored[0].version, ada.version + 2);
    player.post_keyed(&path, "key-1", &json!({})).await.problem(422, "idempotency_mismatch");
    // Without keys one of many does it, and the others hear so.
    delete(&player, ada.id).await;
    let names = ["Ada C", "Ada D", "Ada E", "Ada F"].map(|name| json!({ "name": name }));
    let answers = join_all(names.iter().map(|body| player.post(&path, body))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.problem(409, "not_deleted");
    }
    // Only the winner's name is reserved.
    let mut free = 0;
    for body in &names {
        free += u32::from(player.post("/v1/characters", body).await.status == 201);
    }
    assert_eq!(free, 3);
}

#[tokio::test]
async fn the_list_of_the_deleted_is_paged() {
    let app = App::start().await;
    let player = app.player().await;
    let mut ids = Vec::new();
    for letter in 'a'..='g' {
        let made = player.create(&format!("Clone {letter}")).await;
        delete(&player, made.id).await;
        ids.push(made.id);
    }
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let page: DeletedCharacterList =
            player.get(&format!("/v1/characters/deleted?limit=3{next}")).await.ok(200);
        assert!(page.characters.len() <= 3);
        seen.extend(page.characters.iter().map(|deleted| deleted.character.id));
        let Some(cursor) = page.next else { break };
        next = format!("&cursor={cursor}");
    }
    assert_eq!(seen, ids, "the oldest first, each once");
}

#[tokio::test]
async fn what_was_deleted_long_ago_is_purged_completely_and_nothing_else() {
    let app = App::start().await;
    let world = world(&app).await;
    let player = app.player().await;
    let (old, young, living) =
        (player.create("Old One").await, player.create("Young").await, player.create("Living").await);
    // More possessions than are deleted with one call.
    let events: Vec<Value> = [(0, &old), (100, &young), (200, &living)]
        .into_iter()
        .flat_map(|(first, character)| {
            (first..first + 40).map(move |sequence| {
                json!({
                    "sequence": sequence, "character": character.id, "xp": 1, "kills": 1, "deaths": 0,
                    "items": [{ "item": "sword", "count": 1 }], "currencies": [{ "currency": "coin", "amount": 1 }],
                })
            })
        })
        .collect();
    world.events(world.epoch(), &events).await.ok::<BatchOutcome>(200);
    let bought: Inventory = player.get(&format!("/v1/characters/{}/inventory", old.id)).await.ok(200);
    let body = json!({
        "character": old.id, "lot": { "unique": bought.items[0].id }, "currency": "coin", "price": 9, "hours": 1,
    });
    player.post_keyed("/v1/market/listings", "one", &body).await.ok::<Value>(201);
    player.post("/v1/parties", &json!({ "character": old.id })).await.ok::<Value>(201);
    let body = json!({ "queue": "duel", "character": old.id, "round_trips_ms": { "local": 20 } });
    let ticket: MatchTicket = player.post("/v1/matchmaking/tickets", &body).await.ok(201);
    rate(&app, old.id).await;
    delete(&player, old.id).await;
    delete(&player, young.id).await;
    let empty = json!({});
    let purge = || app.internal("/characters/purge", &empty);
    let nothing: PurgedCharacters = purge().await.ok(200);
    assert_eq!(nothing, PurgedCharacters { characters: Vec::new(), more: false, next: None });
    deleted_before(&app, old.id, KEPT_MILLIS).await;
    deleted_before(&app, young.id, KEPT_MILLIS - 60_000).await;
    player.post(&restore_path(old.id), &json!({})).await.problem(410, "restore_expired");
    let list: DeletedCharacterList = player.get("/v1/characters/deleted").await.ok(200);
    assert_eq!(list.characters.iter().map(|one| one.character.id).collect::<Vec<_>>(), [young.id]);
    // Several at once, as if two coordinators did it.
    for answer in join_all((0..4).map(|_| purge())).await {
        assert!(!answer.ok::<PurgedCharacters>(200).more);
    }
    // The ticket is no character's: it is closed, and ends by itself.
    let left = traces(&app, old.id).await;
    assert!(left.iter().all(|item| item.contains(&ticket.id.to_string())), "{left:#?}");
    let ticket: MatchTicket = player.get(&format!("/v1/matchmaking/tickets/{}", ticket.id)).await.ok(200);
    assert_eq!(ticket.state, TicketState::Cancelled);
    player.post(&restore_path(old.id), &json!({})).await.problem(404, "no_character");
    for kept in [&young, &living] {
        if kept.id == young.id {
            player.post(&restore_path(young.id), &json!({})).await.ok::<Character>(200);
        }
        let path = format!("/v1/characters/{}/inventory?limit=100", kept.id);
        assert_eq!(player.get(&path).await.ok::<Inventory>(200).items.len(), 40);
    }
    let unkeyed = app.request(reqwest::Method::POST, "/internal/v1/characters/purge");
    crate::app::send(unkeyed).await.problem(401, "service_token");
}

/// A rating, as matches leave it.
async fn rate(app: &App, id: CharacterId) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = app.engine.client().put_item().table_name(format!("{}matchmaking", app.engine.table_prefix));
    let put = put.item("pk", text(&id.to_string())).item("sk", text("rating#duel"));
    put.item("v", AttributeValue::N("1".into())).send().await.expect("stored");
}

#[tokio::test]
async fn a_restored_character_is_on_its_boards_again() {
    let app = App::start().await;
    let world = world(&app).await;
    let player = app.player().await;
    let (ada, bob) = (player.create("Ada").await, player.create("Bob").await);
    let kills = |sequence: u64, character: &Character, kills: u32| json!({ "sequence": sequence, "character": character.id, "xp": 0, "kills": kills, "deaths": 0, "items": [] });
    world.events(world.epoch(), &[kills(1, &ada, 9), kills(2, &bob, 4)]).await.ok::<BatchOutcome>(200);
    let shown = async || {
        let page: LeaderboardPage = player.get("/v1/leaderboards/kills").await.ok(200);
        page.entries.iter().map(|entry| (entry.character, entry.rank, entry.score)).collect::<Vec<_>>()
    };
    let both = [(ada.id, 1, 9), (bob.id, 2, 4)];
    assert_eq!(shown().await, both);
    delete(&player, ada.id).await;
    assert_eq!(shown().await, [(bob.id, 1, 4)]);
    player.post(&restore_path(ada.id), &json!({})).await.ok::<Character>(200);
    assert_eq!(shown().await, both);
    // It goes on from where it was.
    world.events(world.epoch(), &[kills(3, &ada, 1)]).await.ok::<BatchOutcome>(200);
    assert_eq!(shown().await[0], (ada.id, 1, 10));
}

#[tokio::test]
async fn names_of_those_who_run_the_game_are_not_for_players() {
    let app = App::start_with(|config| config.catalogue.names.forbidden.push("boogie".into())).await;
    let player = app.player().await;
    let ada = player.create("Ada").await;
    for name in ["Admin", "adm1n", "G-M", "GM Ada", "M0derator", "Graticu1e", "System 7", "xXb00gieXx"] {
        let refused = player.post("/v1/characters", &json!({ "name": name })).await;
        refused.problem(409, "name_reserved");
        let rename = json!({ "name": name, "version": 1 });
        player.patch(&format!("/v1/characters/{}", ada.id), &rename).await.problem(409, "name_reserved");
    }
    player.create("Badminton").await;
}
