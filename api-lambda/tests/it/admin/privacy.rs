//! Export and deletion of one player's data: all of it, and nobody else's.

use std::collections::{BTreeMap, BTreeSet};

use domain::contract::bans::BansStep;
use domain::contract::players::CharacterList;
use domain::contract::privacy::{Erasure, ErasureState};
use domain::ids::{AccountId, CharacterId};
use domain::names::CharacterName;
use domain::token::JWKS_PATH;
use reqwest::Method;
use serde_json::{Value, json};

use super::life::{live, others_go_on, play_together};
use super::platform::{Host, free_address, guest, sign_in, start_edge};
use super::{audit, key_of, post, with_key};
use crate::app::{App, SERVICE_TOKEN, now, random, send};
use crate::friends::Person;

/// Tables whose items end by themselves within a minute or so.
const FLEETING: [&str; 2] = ["mail", "fleet"];

/// An API and its edge, where a deletion settles soon.
async fn app_with_edge() -> (App, String) {
    let address = free_address().await;
    start_edge(address).await;
    let url = format!("http://{address}");
    let app = App::start_with(|config| {
        config.edge_jwks_url = format!("{url}{JWKS_PATH}");
        config.erase_settle_ms = 300;
    })
    .await;
    (app, url)
}

#[tokio::test]
async fn every_table_is_in_the_register() {
    let app = App::start().await;
    let register: BTreeMap<_, _> = api_lambda::personal_tables().collect();
    for (table, how) in &register {
        assert!(!how.is_empty(), "{table} says how it holds data of players");
    }
    let tables: BTreeSet<String> = app.engine.everything().await.into_keys().collect();
    assert!(tables.contains("players"), "the tables are found: {tables:?}");
    let missing: Vec<_> = tables.iter().filter(|table| !register.contains_key(table.as_str())).collect();
    assert!(missing.is_empty(), "say in store/personal.rs what these tables hold of players: {missing:?}");
}

/// The parts that ids and names leave in what is stored: ids without their prefix, since entrants have none.
fn traces_of(person: &Person<'_>, characters: &[CharacterId], names: [&str; 2]) -> Vec<String> {
    let ids = characters.iter().map(ToString::to_string).chain([person.player.account.to_string()]);
    let digits = ids.map(|id| id.split_once('_').expect("a prefix").1.to_owned());
    let small = names.map(str::to_lowercase);
    let looks = names.map(|name| name.parse::<CharacterName>().expect("a name").reservation_key());
    digits.chain(names.map(str::to_owned)).chain(small).chain(looks).collect()
}

/// The tables in which something has one of these traces, but for those in which nothing lasts.
async fn holding(app: &App, traces: &[String]) -> BTreeMap<String, Vec<String>> {
    let mut all = app.engine.everything().await;
    for items in all.values_mut() {
        items.retain(|item| traces.iter().any(|trace| item.contains(trace)));
    }
    all.retain(|table, items| !items.is_empty() && !FLEETING.contains(&table.as_str()));
    all
}

/// Every table that the register says holds data of players for longer than a minute.
fn personal() -> BTreeSet<String> {
    let nothing = ["content", "migrations"];
    let tables = api_lambda::personal_tables().map(|(table, _)| table.to_owned());
    tables.filter(|table| !nothing.contains(&table.as_str()) && !FLEETING.contains(&table.as_str())).collect()
}

/// Erases the player, and calls the job that goes on with it until nothing is left.
async fn erase(app: &App, account: AccountId) {
    let path = format!("/players/{account}/erase");
    let body = json!({ "reason": "asked for by the player" });
    let begun: ErasureState = post(app, &path, &body).await.ok(200);
    assert_eq!(begun.state, Erasure::Running);
    let mut steps = 0;
    loop {
        let step: BansStep = app.internal("/bans/step", &json!({})).await.ok(200);
        steps += 1;
        if step.erased == 1 {
            break;
        }
        assert!(step.erasing == 1 && steps < 200, "{step:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let again = post(app, &path, &body).await.ok::<ErasureState>(200);
    assert_eq!(again.state, Erasure::Done, "twice is as good");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_player_is_nowhere_and_nobody_else_is_touched() {
    let (app, edge) = app_with_edge().await;
    let host = Host::start(&app).await;
    let names = ["Zebulon", "Zacharias"];
    let gone = live(&app, &edge, &host, 1, names).await;
    let stays = live(&app, &edge, &host, 2, ["Wilhelmina", "Walburga"]).await;
    let cup = play_together(&app, &host, &gone, &stays).await;
    let ban = json!({ "reason": "Zebulon cheats" });
    let path = format!("/players/{}/ban", gone.player.account);
    assert_eq!(send(app.owner(Method::PUT, &path).json(&ban)).await.status, 200);
    assert_eq!(send(app.owner(Method::DELETE, &path)).await.status, 200);
    let characters = gone.player.get("/v1/characters").await.ok::<CharacterList>(200).characters;
    let characters: Vec<_> = characters.iter().map(|character| character.id).collect();
    let traces = traces_of(&gone, &characters, names);
    let held: BTreeSet<String> = holding(&app, &traces).await.into_keys().collect();
    assert_eq!(held, personal(), "every table that may hold something of a player does");

    erase(&app, gone.player.account).await;
    gone.player.get("/v1/characters").await.problem(403, "account_erased");
    let name = json!({ "name": "Zebulon" });
    gone.player.post("/v1/characters", &name).await.problem(403, "account_erased");
    assert!(host.kicked().await.iter().any(|(id, _)| *id == characters[0]));
    let left = holding(&app, &traces).await;
    assert!(left.is_empty(), "{left:#?}");
    others_go_on(&app, &stays, cup).await;

    // The edge knows nobody of this device any more.
    let (again, _) = guest(&app, &edge, 1).await;
    assert_ne!(again.account, gone.player.account);
    assert_eq!(send(sign_in(&app, &edge, 1)).await.status, 200);
    again.create("Zebulon").await;
    gone.player.get("/v1/characters").await.problem(403, "account_erased");

    let left = stays.player.get("/v1/characters").await.ok::<CharacterList>(200).characters;
    assert_eq!(left.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["Wilhelmina", "Walburga"]);
    let join = json!({ "character": left[1].id });
    assert_eq!(stays.player.post_keyed("/v1/zones/forest/join", "join", &join).await.status, 200);
    let erasures = audit(&app, "key=owner&limit=100").await.entries;
    let erasures: Vec<_> = erasures.iter().filter(|entry| entry.route.ends_with("/erase")).collect();
    assert_eq!(erasures.len(), 2);
    for entry in erasures {
        assert!(entry.subject.as_deref().is_some_and(|subject| subject.starts_with("erased#")), "{entry:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_that_wait_for_another_region_keep_no_other_waiting() {
    let (app, edge) = app_with_edge().await;
    let far = app.beside(|config| {
        config.region = "sgp".into();
        config.edge_jwks_url = format!("{edge}{JWKS_PATH}");
        config.erase_settle_ms = 300;
    });
    let far = far.await;
    let mut accounts = Vec::new();
    for letter in 'a'..='g' {
        let player = app.player().await;
        let id = player.create(&format!("Leaver {letter}")).await.id;
        accounts.push(player.account);
        // All but the last have an entry on a board that is the other region's to change.
        if letter < 'g' {
            let request = far.request(Method::POST, "/internal/v1/boards/kills/scores");
            let request = request.bearer_auth(SERVICE_TOKEN).header("idempotency-key", letter.to_string());
            let body = json!({ "scores": [{ "character": id, "score": 1 }] });
            assert_eq!(send(request.json(&body)).await.status, 200);
        }
    }
    for account in &accounts {
        let body = json!({ "reason": "asked for by the player" });
        let begun: ErasureState = post(&app, &format!("/players/{account}/erase"), &body).await.ok(200);
        assert_eq!(begun.state, Erasure::Running);
    }
    let erased_by = async |app: &App, wanted: u32| {
        let (mut erased, mut steps) = (0, 0);
        while erased < wanted {
            let step: BansStep = app.internal("/bans/step", &json!({})).await.ok(200);
            erased += step.erased;
            steps += 1;
            assert!(steps < 100, "{step:?}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        app.internal("/bans/step", &json!({})).await.ok::<BansStep>(200)
    };
    let step = erased_by(&app, 1).await;
    assert_eq!((step.erased, step.erasing), (0, 6), "the others wait");
    let state = post(&app, &format!("/players/{}/erase", accounts[6]), &json!({ "reason": "x" })).await;
    assert_eq!(state.ok::<ErasureState>(200).state, Erasure::Done);
    let step = erased_by(&far, 6).await;
    assert_eq!((step.erased, step.erasing), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_holds_all_of_a_player_and_nothing_of_others() {
    let (app, edge) = app_with_edge().await;
    let host = Host::start(&app).await;
    let own = live(&app, &edge, &host, 1, ["Zebulon", "Zacharias"]).await;
    let other = live(&app, &edge, &host, 2, ["Wilhelmina", "Walburga"]).await;
    play_together(&app, &host, &own, &other).await;
    let (player, other) = (&own.player, &other.player);
    let key = key_of(&app, "operator").await;
    let (mut text, mut tables, mut cursor) = (String::new(), BTreeSet::new(), String::new());
    let mut first = None;
    loop {
        let path = format!("/players/{}/export{cursor}", player.account);
        let answer = send(with_key(&app, &key.secret, Method::POST, &path)).await;
        let part: Value = answer.ok(200);
        if part["items"].as_array().is_some_and(|items| !items.is_empty()) {
            tables.insert(part["table"].as_str().expect("a table").to_owned());
        }
        first.get_or_insert(part["edge"].clone());
        text.push_str(&answer.text);
        match part["next"].as_str() {
            Some(next) => cursor = format!("?cursor={next}"),
            None => break,
        }
    }
    assert_eq!(first.expect("a part")["account"], json!(player.account));
    assert_eq!(tables, personal(), "every table has a part");
    // What is found by a key, through an index, and in items of others.
    for trace in [
        "Zebulon",
        "Zacharias",
        "is Zebulon",
        "pelt",
        "\"e#kills@",
        "\"rating#duel\"",
        "\"mch_",
        "\"ticket\"",
        "lst_",
        "claim#",
        "trd_",
        "said by Zebulon",
        "members",
        "enrol",
        "party#",
        "friend#",
    ] {
        assert!(text.contains(trace), "{trace} is missing: {text}");
    }
    for trace in ["Wilhelmina", "Walburga", &other.account.to_string()] {
        assert!(!text.contains(trace), "{trace} is somebody else's");
    }
    let stranger = AccountId::new(now(), random());
    let path = format!("/players/{stranger}/export");
    assert_eq!(send(app.owner(Method::POST, &path)).await.ok::<Value>(200)["edge"], Value::Null);
    for cursor in ["x", "1", "-1.", "1.%25"] {
        send(app.owner(Method::POST, &format!("{path}?cursor={cursor}"))).await.problem(400, "bad_query");
    }
    assert_eq!(send(app.owner(Method::POST, &format!("{path}?cursor=9999."))).await.status, 200);

    let erase = format!("/players/{}/erase", player.account);
    let body = json!({ "reason": "x" });
    let request = with_key(&app, &key.secret, Method::POST, &erase).json(&body);
    send(request).await.problem(403, "role_too_low");
    post(&app, &erase, &json!({})).await.problem(400, "bad_body");
    let support = key_of(&app, "support").await;
    let request = with_key(&app, &support.secret, Method::POST, &format!("/players/{stranger}/export"));
    send(request).await.problem(403, "role_too_low");
    assert_eq!(player.get("/v1/characters").await.status, 200, "nothing of this has deleted anything");
    let left = holding(&app, &traces_of(&own, &[own.id()], ["Zebulon", "Zacharias"])).await;
    assert_eq!(left.into_keys().collect::<BTreeSet<_>>(), personal());
}
