//! Finding players, what is known of one, notes, kicks.

use domain::contract::bans::EdgeState;
use domain::contract::edge::SessionResponse;
use domain::contract::support::{FoundPlayers, Kicked, Note, NoteList, PlayerRecord};
use domain::ids::{AccountId, CharacterId};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use super::platform::{Host, app_with_edge, guest};
use super::{audit, key_of, post, with_key};
use crate::app::{App, now, random, send};

async fn search(app: &App, query: &str) -> FoundPlayers {
    send(app.owner(Method::GET, &format!("/players?{query}"))).await.ok(200)
}

async fn names(app: &App, query: &str) -> Vec<String> {
    search(app, query).await.players.into_iter().filter_map(|found| found.name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn players_are_found_by_name_beginning_ids_and_email() {
    let (app, edge) = app_with_edge().await;
    let (player, _) = guest(&app, &edge, 1).await;
    let jean = player.create("Jean-Luc").await;
    for name in ["Jeanne", "Jebediah", "Åsa Öberg"] {
        player.create(name).await;
    }
    for query in ["name=jean%20luc", "name=JeanLuc", &format!("character={}", jean.id)] {
        let found = search(&app, query).await;
        let [one] = found.players.as_slice() else { panic!("{query}: {found:?}") };
        assert_eq!(
            (one.account, one.character, one.name.as_deref()),
            (player.account, Some(jean.id), Some("Jean-Luc"))
        );
    }
    assert_eq!(names(&app, "prefix=je").await, ["Jean-Luc", "Jeanne", "Jebediah"]);
    assert_eq!(names(&app, "prefix=Jean").await, ["Jean-Luc", "Jeanne"]);
    assert_eq!(names(&app, "prefix=%C3%A5S").await, ["Åsa Öberg"]);
    assert!(names(&app, "prefix=xy").await.is_empty() && names(&app, "name=Jean").await.is_empty());
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = search(&app, &format!("prefix=je&limit=1{cursor}")).await;
        paged.extend(page.players.into_iter().filter_map(|found| found.name));
        match page.next {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, ["Jean-Luc", "Jeanne", "Jebediah"]);

    let renamed = json!({ "name": "Picard", "version": jean.version });
    assert_eq!(player.patch(&format!("/v1/characters/{}", jean.id), &renamed).await.status, 200);
    assert_eq!(names(&app, "prefix=je").await, ["Jeanne", "Jebediah"]);
    assert_eq!(names(&app, "name=picard").await, ["Picard"]);
    assert_eq!(player.delete(&format!("/v1/characters/{}", jean.id)).await.status, 204);
    assert!(names(&app, "name=picard").await.is_empty());

    assert_eq!(search(&app, &format!("account={}", player.account)).await.players[0].account, player.account);
    let stranger = AccountId::new(now(), random());
    assert!(search(&app, &format!("account={stranger}")).await.players.is_empty());
    let register = app.http.post(format!("{edge}/v1/accounts"));
    let body = json!({ "email": "grace+1@example.org", "password": "a password of the tests" });
    let made: SessionResponse = send(register.json(&body)).await.ok(201);
    let found = search(&app, "email=Grace%2B1%40example.org").await.players;
    assert_eq!(found.iter().map(|found| found.account).collect::<Vec<_>>(), [made.account]);
    assert!(search(&app, "email=nobody@example.org").await.players.is_empty());
    for query in [
        "",
        "name=a",
        "prefix=%20-",
        "prefix=j",
        "email=x",
        "name=ada&prefix=ada",
        "account=x",
        "limit=0&name=ada",
        "colour=red",
    ] {
        send(app.owner(Method::GET, &format!("/players?{query}"))).await.problem(400, "bad_query");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_is_shown_whole() {
    let (app, edge) = app_with_edge().await;
    let (player, _) = guest(&app, &edge, 1).await;
    let (ada, eve) = (player.create("Ada").await, player.create("Eve").await);
    let host = Host::start(&app).await;
    assert_eq!(host.claim(&player, &ada).await.status, 200);
    let path = format!("/players/{}", player.account);
    post(&app, &format!("{path}/notes"), &json!({ "text": "asks politely" })).await.ok::<Note>(201);
    let key = key_of(&app, "support").await;
    let record: PlayerRecord = send(with_key(&app, &key.secret, Method::GET, &path)).await.ok(200);
    assert_eq!(record.characters.iter().map(|c| c.character.id).collect::<Vec<_>>(), [ada.id, eve.id]);
    let stay = record.characters[0].online.as_ref().expect("it is in the world");
    assert_eq!((stay.host, stay.zone.as_str()), (host.id, "forest"));
    assert!(
        record.characters[1].online.is_none() && !record.ban.banned && record.ban.edge == EdgeState::Told
    );
    assert_eq!(record.notes[0].text.as_str(), "asks politely");
    let known = record.edge.expect("the edge knows it");
    assert_eq!((known.account, known.credentials[0].kind.as_str()), (player.account, "guest"));

    // Without an edge the rest is shown, and said so.
    let app = App::start().await;
    let player = app.player().await;
    player.create("Ada").await;
    let path = format!("/players/{}", player.account);
    let record: PlayerRecord = send(app.owner(Method::GET, &path)).await.ok(200);
    assert_eq!((record.characters.len(), record.edge, record.edge_asked), (1, None, true), "it says 404");
    let app = App::start_with(|config| config.edge_url = Some("http://127.0.0.1:1".into())).await;
    let path = format!("/players/{}", player.account);
    let record: PlayerRecord = send(app.owner(Method::GET, &path)).await.ok(200);
    assert_eq!((record.edge, record.edge_asked), (None, false));
    let request = app.owner(Method::GET, "/players?email=ada@example.org");
    send(request).await.problem(503, "edge_unreachable");
}

#[tokio::test]
async fn notes_are_added_once_and_paged() {
    let app = App::start().await;
    let player = app.player().await;
    player.create("Ada").await;
    let account = player.account;
    let path = format!("/players/{account}/notes");
    let add = |key: &str, text: &str| {
        send(app.owner(Method::POST, &path).header("idempotency-key", key).json(&json!({ "text": text })))
    };
    let answers = join_all((0..10).map(|_| add("k", "once"))).await;
    let notes: Vec<Note> = answers.iter().map(|answer| answer.ok(201)).collect();
    assert!(notes.iter().all(|note| note == &notes[0]));
    add("k", "another").await.problem(422, "idempotency_mismatch");
    for n in 0..4 {
        add(&format!("k{n}"), &format!("number {n}")).await.ok::<Note>(201);
    }
    let (mut texts, mut cursor) = (Vec::new(), String::new());
    loop {
        let page: NoteList = send(app.owner(Method::GET, &format!("{path}?limit=2{cursor}"))).await.ok(200);
        texts.extend(page.notes.into_iter().map(|note| note.text.to_string()));
        match page.next {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(texts, ["number 3", "number 2", "number 1", "number 0", "once"]);
    // A note is the call that added it.
    let entries = audit(&app, &format!("subject={account}&limit=100")).await.entries;
    let effects = entries.iter().filter(|entry| entry.effect.as_deref() == Some("noted"));
    assert_eq!(effects.count(), 5);
    for body in [
        json!({}),
        json!({ "text": "" }),
        json!({ "text": "x".repeat(2_001) }),
        json!({ "text": "x", "by": "y" }),
    ] {
        post(&app, &path, &body).await.problem(400, "bad_body");
    }
}

#[tokio::test]
async fn a_kick_reaches_who_is_in_the_world() {
    let app = App::start().await;
    let (player, other) = (app.player().await, app.player().await);
    let (ada, eve) = (player.create("Ada").await, player.create("Eve").await);
    let foreign = other.create("Bob").await;
    let host = Host::start(&app).await;
    host.claim(&player, &ada).await;
    host.claim(&player, &eve).await;
    let path = format!("/players/{}/kick", player.account);
    let kicked: Kicked = post(&app, &path, &json!({ "reason": "afk", "character": eve.id })).await.ok(200);
    assert_eq!(kicked.characters, [eve.id]);
    assert_eq!(host.kicked().await, [(eve.id, "afk".to_owned())]);
    let kicked: Kicked = post(&app, &path, &json!({ "reason": "afk" })).await.ok(200);
    assert_eq!(kicked.characters, [ada.id, eve.id]);
    assert_eq!(host.claim(&player, &ada).await.status, 200, "a kick is no ban");
    for character in [foreign.id, CharacterId::new(now(), random())] {
        let body = json!({ "reason": "afk", "character": character });
        post(&app, &path, &body).await.problem(404, "no_character");
    }
    let absent = format!("/players/{}/kick", other.account);
    assert!(post(&app, &absent, &json!({ "reason": "afk" })).await.ok::<Kicked>(200).characters.is_empty());
    post(&app, &path, &json!({})).await.problem(400, "bad_body");
    post(&app, &path, &json!({ "reason": "x", "character": "ada" })).await.problem(400, "bad_body");
}

/// What an administrator can do about an account, with a good body.
fn deeds(account: AccountId) -> [(Method, String, serde_json::Value); 5] {
    let path = |what: &str| format!("/players/{account}/{what}");
    let why = json!({ "reason": "x" });
    [
        (Method::PUT, path("ban"), why.clone()),
        (Method::PUT, path("mute"), json!({ "seconds": 60, "reason": "x" })),
        (Method::POST, path("notes"), json!({ "text": "x" })),
        (Method::POST, path("kick"), why.clone()),
        (Method::POST, path("erase"), why),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_done_about_players_who_never_were() {
    let (app, edge) = app_with_edge().await;
    let stranger = AccountId::new(now(), random());
    for (method, path, body) in deeds(stranger) {
        let problem = send(app.owner(method, &path).json(&body)).await.problem(404, "no_player");
        assert!(problem.detail.contains("check it"), "{}", problem.detail);
    }
    assert!(search(&app, &format!("account={stranger}")).await.players.is_empty(), "nothing was stored");
    send(app.owner(Method::GET, &format!("/players/{stranger}/mute"))).await.problem(404, "not_muted");
    let nobody = format!("/boards/hidden/{}", CharacterId::new(now(), random()));
    send(app.owner(Method::PUT, &nobody)).await.problem(404, "no_character");

    // Who has only signed in is known to the edge alone.
    for (device, deed) in (1..).zip(0..5) {
        let (player, _) = guest(&app, &edge, device).await;
        let (method, path, body) = deeds(player.account)[deed].clone();
        let answer = send(app.owner(method, &path).json(&body)).await;
        assert!(matches!(answer.status, 200 | 201), "{path}: {}", answer.text);
    }
    // Whose characters are all deleted is known here, and so is a deleted character.
    let app = App::start().await;
    let player = app.player().await;
    let ada = player.create("Ada").await;
    assert_eq!(player.delete(&format!("/v1/characters/{}", ada.id)).await.status, 204);
    let hidden = format!("/boards/hidden/{}", ada.id);
    assert_eq!(send(app.owner(Method::PUT, &hidden)).await.status, 200);
    for (method, path, body) in deeds(player.account) {
        let answer = send(app.owner(method, &path).json(&body)).await;
        assert!(matches!(answer.status, 200 | 201), "{path}: {}", answer.text);
    }
    // An edge that is away keeps nobody from acting.
    let app = App::start_with(|config| config.edge_url = Some("http://127.0.0.1:1".into())).await;
    for (method, path, body) in deeds(stranger) {
        let answer = send(app.owner(method, &path).json(&body)).await;
        assert!(matches!(answer.status, 200 | 201), "{path}: {}", answer.text);
    }
}
