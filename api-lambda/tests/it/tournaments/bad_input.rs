//! What cannot be asked for, and who may not ask.

use domain::contract::tournaments::Tournament;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{admin, contenders, create, definition, key, service_get, with};
use crate::app::{App, send};

#[tokio::test]
async fn a_definition_names_all_its_faults() {
    let app = App::start().await;
    let good = definition(&json!("single_elimination"));
    let fields = [
        ("title", json!(" ")),
        ("best_of", json!(2)),
        ("entrants_max", json!(2_000)),
        ("team_size", json!(9)),
        ("zone", json!("nowhere")),
        ("regions", json!(["local", "local"])),
        ("entry", json!({ "level_min": 5, "level_max": 4 })),
        ("no_show_after_ms", json!(0)),
    ];
    let bad = with(good.clone(), &fields);
    let problem = admin(&app, "", &key(), &bad).await.problem(422, "tournament_definition");
    for word in ["title", "best of 2", "entrants", "4096", "zone", "named twice", "level_min", "no_show"] {
        assert!(problem.detail.contains(word), "{word}: {}", problem.detail);
    }
    let other = with(good.clone(), &[("regions", json!(["far"]))]);
    admin(&app, "", &key(), &other).await.problem(422, "tournament_definition");
    for (field, value) in [
        ("colour", json!("red")),
        ("format", json!("knockout")),
        ("format", json!({ "swiss": {} })),
        ("prizes", json!([{ "place": 1, "reward": { "gold": "x" }, "amount": 1 }])),
        ("prizes", json!([{ "place": 1, "reward": { "currency": "No Name" }, "amount": 1 }])),
        ("prizes", json!([{ "place": 1, "reward": { "currency": "coin" }, "amount": -1 }])),
        ("entrants_max", json!(70_000)),
        ("registration", json!({ "opens_at": 1 })),
    ] {
        let body = with(good.clone(), &[(field, value)]);
        admin(&app, "", &key(), &body).await.problem(400, "bad_body");
    }
    // The same key is the same tournament, however often and fast.
    let same = key();
    let answers = join_all((0..10).map(|_| admin(&app, "", &same, &good))).await;
    let made: Tournament = answers[0].ok(201);
    assert!(answers.iter().all(|answer| answer.ok::<Tournament>(201) == made));
    let request = app.request(Method::POST, "/admin/v1/tournaments").bearer_auth(crate::app::OWNER_KEY);
    send(request.json(&good)).await.problem(400, "idempotency_key_missing");
}

#[tokio::test]
async fn each_route_is_for_those_it_is_for() {
    let app = App::start().await;
    let [ann] = &contenders(&app, 1).await[..] else { panic!("one") };
    let cup = create(&app, &definition(&json!("single_elimination"))).await;
    let reason = json!({ "reason": "x" });
    for what in ["/cancel", "/start", "/disqualify", "/matches/1/rule"] {
        let path = format!("/admin/v1/tournaments/{}{what}", cup.id);
        ann.player.post(&path, &reason).await.problem(401, "admin_key");
    }
    for what in ["start", "report", "no-show"] {
        let path = format!("/internal/v1{}", cup.match_path(1, what));
        ann.player.post(&path, &reason).await.problem(401, "service_token");
    }
    let answer = ann.player.post("/internal/v1/tournaments/step", &json!({ "limit": 1 })).await;
    answer.problem(401, "service_token");
    send(app.request(Method::GET, &cup.path("/bracket"))).await.problem(401, "token_missing");
}

#[tokio::test]
async fn rubbish_is_refused_in_our_words() {
    let app = App::start().await;
    let [ann] = &contenders(&app, 1).await[..] else { panic!("one") };
    let cup = create(&app, &definition(&json!("single_elimination"))).await;
    let other = "tnm_01j00000000000000000000000";
    for path in ["", "/bracket", "/standings", "/entry"] {
        ann.player.get(&format!("/v1/tournaments/{other}{path}")).await.problem(404, "no_tournament");
        ann.player.get(&format!("/v1/tournaments/x{path}")).await.problem(400, "bad_path");
    }
    for query in [
        "?state=open",
        "?state=running&limit=0",
        "?state=running&limit=101",
        "?state=running&cursor=%00",
        "?state=running&cursor=x",
        "?state=running&colour=red",
    ] {
        ann.player.get(&format!("/v1/tournaments{query}")).await.problem(400, "bad_query");
    }
    let register = cup.path("/register");
    let body = json!({ "character": ann.character });
    ann.player.post(&register, &body).await.problem(400, "idempotency_key_missing");
    for body in [
        json!({}),
        json!({ "character": "chr_" }),
        json!({ "character": ann.character, "colour": "red" }),
        json!({ "character": ann.character, "round_trips": { "local": -1 } }),
    ] {
        ann.player.post_keyed(&register, &key(), &body).await.problem(400, "bad_body");
    }
    let trips = json!({ "character": ann.character, "round_trips": { "Über all": 1 } });
    ann.player.post_keyed(&register, &key(), &trips).await.problem(400, "bad_request");
    let team = json!({ "character": ann.character, "team": { "name": "X", "members": [] } });
    ann.player.post_keyed(&register, &key(), &team).await.problem(422, "team_size");
    for number in ["0", "1", "65535"] {
        service_get(&app, &format!("/tournaments/{}/matches/{number}", cup.id))
            .await
            .problem(404, "tournament_unknown");
    }
    service_get(&app, &format!("/tournaments/{}/matches/65536", cup.id)).await.problem(400, "bad_path");
    let report = cup.match_path(1, "report");
    for (body, status, code) in [
        (json!({ "games": [] }), 400, "bad_request"),
        (json!({ "games": [{ "game": 1, "winner": ann.character }], "epoch": 1 }), 400, "bad_request"),
        (json!({ "games": [{ "game": 300, "winner": ann.character }] }), 400, "bad_body"),
        (json!({ "games": [{ "game": 1, "winner": ann.character }] }), 404, "tournament_unknown"),
    ] {
        app.internal(&report, &body).await.problem(status, code);
    }
    for body in [json!({ "limit": 0 }), json!({ "limit": 101 }), json!({ "limit": 1, "cursor": "x" })] {
        app.internal("/tournaments/step", &body).await.problem(400, "bad_request");
    }
    app.internal("/tournaments/step", &json!({ "limit": "all" })).await.problem(400, "bad_body");
    let reason = json!({ "reason": "" });
    cup.decide(&app, "/cancel", &reason).await.problem(422, "tournament_invalid");
    cup.decide(&app, "/start", &json!({ "reason": "alone" })).await.problem(409, "tournament_not_yet");
    let read: Value = ann.player.get(&cup.path("")).await.ok(200);
    assert_eq!(read["summary"]["version"], 0, "nothing of it left a trace");
}
