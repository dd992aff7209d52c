//! Cursors, on every route that has one: what a page has not given leads nowhere and is never a fault of the store.

use std::collections::{BTreeMap, BTreeSet};

use api_lambda::RateLimit;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ids::TournamentId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, SERVICE_TOKEN, send};
use crate::friends::person;
use crate::instances::{World, world};
use crate::possessions::{Hero, coins, hero, items};
use crate::tournaments::{create, definition};

/// What cursors are made of, by the names of their parts.
const SHAPES: &[&[&str]] = &[
    &[],
    &["sk"],
    &["pk"],
    &["pk", "sk"],
    &["pk", "starts_at"],
    &["due", "due_at", "pk"],
    &["message"],
    &["listing"],
    &["price"],
    &["place"],
    &["season"],
    &["position"],
    &["nothing"],
];

/// What a forged part may be: the edges of what queries take, and what is far outside.
const PARTS: &[&str] = &[
    "",
    "\u{0}",
    "~",
    "0",
    "-1",
    "18446744073709551615",
    "99999999999999999999999999999999999999999999999999",
    "00000000000000000001",
    "head",
    "item#~",
    "stack#",
    "ledger#coin#~",
    "deleted#",
    "claim#~",
    "friends#chr_00000000000000000000000000",
    "lst_00000000000000000000000000",
    "9999999999999999#lst_00000000000000000000000000",
    "18446744073709551615#~",
    "msg_7zzzzzzzzzzzzzzzzzzzzzzzzz",
    "trn_7zzzzzzzzzzzzzzzzzzzzzzzzz",
    "hst_7zzzzzzzzzzzzzzzzzzzzzzzzz",
];

fn forged(parts: &BTreeMap<&str, &str>) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(parts).expect("plain data"))
}

/// Somebody with two or more of all that is listed.
struct Owner<'a> {
    hero: Hero<'a>,
    tournament: TournamentId,
}

async fn owner<'a>(app: &'a App, world: &World<'a>, name: &str, sequence: u64) -> Owner<'a> {
    let hero = hero(app, world, name).await;
    let id = hero.id;
    let mut kill = coins(sequence, id, 1_000);
    kill["kills"] = json!(1);
    let events = [
        kill,
        coins(sequence + 1, id, 1_000),
        items(sequence + 2, id, "sword", 2),
        items(sequence + 3, id, "hide", 20),
        items(sequence + 4, id, "token", 3),
    ];
    world.gains(&events).await;
    for _ in 0..2 {
        hero.list_hides(2, 10).await;
    }
    for number in 0..2 {
        let text = json!({ "character": id, "text": format!("{name} says {number}") });
        let answer =
            hero.player.post_keyed("/v1/chat/global/messages", &format!("say-{number}"), &text).await;
        assert!(answer.status < 300, "{}", answer.text);
        let deleted = hero.player.create(&format!("{name} gone {}", ["first", "second"][number])).await;
        assert_eq!(hero.player.delete(&format!("/v1/characters/{}", deleted.id)).await.status, 204);
    }
    let account = hero.player.account;
    for other in ["one", "two", "three", "four"] {
        let other = person(app, &format!("{name} {other}")).await;
        let whom = json!({ "from": id, "to": { "character": other.id() } });
        assert_eq!(hero.player.post("/v1/friends/requests", &whom).await.status, 200);
        if other.character.name.to_string().ends_with('e') {
            let path = format!("/v1/friends/requests/{id}/accept");
            assert_eq!(other.player.post(&path, &()).await.status, 200);
        }
        let blocked = person(app, &format!("{name} not {}", &other.character.name.to_string()[4..])).await;
        let whom = json!({ "whom": { "character": blocked.id() } });
        assert_eq!(hero.player.post("/v1/blocks", &whom).await.status, 204);
        let note = json!({ "text": "a note" });
        let note = app.owner(Method::POST, &format!("/players/{account}/notes")).json(&note);
        assert_eq!(send(note).await.status, 201);
    }
    let tournament = create(app, &definition(&json!("single_elimination"))).await.id;
    Owner { hero, tournament }
}

impl Owner<'_> {
    /// A described path with all that it needs but the page.
    fn filled(&self, path: &str) -> String {
        let id =
            if path.contains("tournaments") { self.tournament.to_string() } else { self.hero.id.to_string() };
        let query = match path {
            "/v1/chat/{channel}/messages" => format!("?character={id}&"),
            "/v1/tournaments" => "?state=registration&".to_owned(),
            "/v1/friends/requests" => "?direction=outgoing&".to_owned(),
            "/admin/v1/players" => "?prefix=ad&".to_owned(),
            "/admin/v1/audit" => "?key=owner&".to_owned(),
            "/internal/v1/matchmaking/changes" => "?after=0&".to_owned(),
            _ => "?".to_owned(),
        };
        let filled = path
            .replace("{id}", &id)
            .replace("{account}", &self.hero.player.account.to_string())
            .replace("{currency}", "coin")
            .replace("{board}", "kills")
            .replace("{channel}", "global");
        assert!(!filled.contains('{'), "say here what {path} needs");
        format!("{filled}{query}")
    }

    async fn get(&self, app: &App, path: &str, page: &str) -> Answer {
        // This one page is as long as it is.
        let page = if path.contains("changes") {
            page.trim_start_matches("limit=1&").trim_start_matches("limit=1")
        } else {
            page
        };
        let path = format!("{}{page}", self.filled(path));
        if path.starts_with("/admin/v1") {
            send(app.owner(Method::GET, path.trim_start_matches("/admin/v1"))).await
        } else if path.starts_with("/internal") {
            send(app.request(Method::GET, &path).bearer_auth(SERVICE_TOKEN)).await
        } else {
            self.hero.player.get(&path).await
        }
    }
}

/// Every described GET with a cursor.
async fn paged(app: &App) -> Vec<String> {
    let described: Value = send(app.request(Method::GET, "/openapi.json")).await.ok(200);
    let has_cursor = |operation: &Value| {
        let parameters = operation["get"]["parameters"].as_array();
        parameters.is_some_and(|all| all.iter().any(|parameter| parameter["name"] == "cursor"))
    };
    let paths = described["paths"].as_object().expect("paths");
    paths.iter().filter(|(_, operation)| has_cursor(operation)).map(|(path, _)| path.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_list_or_of_nobody_is_no_fault_of_the_store() {
    let app = App::start_with(|config| {
        let all = RateLimit { per_second: 1_000_000, burst: 1_000_000 };
        (config.rate_limit_player, config.rate_limit_admin, config.rate_limit_address) = (all, all, all);
    })
    .await;
    let world = world(&app).await;
    app.host(&["forest"]).await;
    let (ada, eve) = (owner(&app, &world, "Ada", 1).await, owner(&app, &world, "Eve", 11).await);
    let paths = paged(&app).await;
    assert!(paths.len() >= 22, "routes were lost: {paths:?}");

    let (mut cursors, mut unpaged) = (BTreeSet::new(), BTreeSet::new());
    for path in &paths {
        for who in [&ada, &eve] {
            let first: Value = who.get(&app, path, "limit=1").await.ok(200);
            let Some(next) = first["next"].as_str() else {
                unpaged.insert(path.as_str());
                continue;
            };
            let second = who.get(&app, path, &format!("limit=1&cursor={next}")).await;
            let second: Value = second.ok(200);
            assert_ne!(first, second, "{path} goes on");
            cursors.insert(next.to_owned());
        }
    }
    // These have one page here.
    let single = [
        "/admin/v1/content/versions",
        "/admin/v1/keys",
        "/admin/v1/reports",
        "/internal/v1/matchmaking/changes",
        "/v1/characters/{id}/claims",
        "/v1/tournaments/{id}/standings",
    ];
    assert_eq!(unpaged, BTreeSet::from(single));

    cursors.extend([String::new(), "%".into(), "%00".into(), "e30x".into(), "a".repeat(5_000)]);
    cursors.extend(cursors.iter().map(|cursor| cursor[..cursor.len() / 2].to_owned()).collect::<Vec<_>>());
    for shape in SHAPES {
        cursors.extend(PARTS.iter().map(|part| forged(&shape.iter().map(|name| (*name, *part)).collect())));
    }
    let asked = paths.iter().map(|path| refuse_or_answer(&app, path, (&ada, &eve), &cursors));
    let refused: usize = futures_util::future::join_all(asked).await.into_iter().sum();
    assert!(refused * 2 > paths.len() * cursors.len(), "most lead nowhere: {refused}");
}

/// How many of the cursors were refused for one who asks for a list.
async fn refuse_or_answer(
    app: &App,
    path: &str,
    (ada, eve): (&Owner<'_>, &Owner<'_>),
    cursors: &BTreeSet<String>,
) -> usize {
    let mut refused = 0;
    for cursor in cursors {
        let answer = ada.get(app, path, &format!("cursor={cursor}")).await;
        match answer.status {
            200 if path.starts_with("/v1/characters") => {
                assert!(!answer.text.contains(&eve.hero.id.to_string()), "{path} {cursor}: {}", answer.text);
            }
            200 => {}
            // Another season than any.
            404 => drop(answer.problem(404, "no_season")),
            _ => {
                let problem = answer.problem(400, "bad_query");
                assert!(problem.detail.contains("cursor"), "{path} {cursor}: {}", problem.detail);
                refused += 1;
            }
        }
    }
    refused
}
