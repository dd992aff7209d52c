//! Bans and leaderboards: who is banned is counted out, and counted again when the ban is over.

use std::time::Duration;

use domain::contract::bans::{BanState, BansStep, EdgeState};
use domain::contract::boards::{BoardChecked, LeaderboardEntry};
use domain::ids::{AccountId, CharacterId};
use reqwest::Method;
use serde_json::{Value, json};

use super::platform::{free_address, start_edge};
use crate::app::{Answer, App, Player, SERVICE_TOKEN, now, random, send};
use crate::friends::{Person, person};
use crate::proxy::{Reach, at_every_call, fresh_name};

async fn score(app: &App, character: CharacterId, score: i64) {
    let body = json!({ "scores": [{ "character": character, "score": score }] });
    let request = app.request(Method::POST, "/internal/v1/boards/kills/scores").bearer_auth(SERVICE_TOKEN);
    let key = format!("{:032x}", random());
    assert_eq!(send(request.header("idempotency-key", key).json(&body)).await.status, 200);
}

/// The rank as `reader` sees it; none of one who is on no board.
async fn rank(reader: &Player<'_>, character: CharacterId) -> Option<u64> {
    let answer = reader.get(&format!("/v1/leaderboards/kills/characters/{character}")).await;
    if answer.status == 404 {
        answer.problem(404, "no_score");
        return None;
    }
    Some(answer.ok::<LeaderboardEntry>(200).rank)
}

async fn ban(app: &App, account: AccountId, body: &Value) -> Answer {
    send(app.owner(Method::PUT, &format!("/players/{account}/ban")).json(body)).await
}

async fn lift(app: &App, account: AccountId) -> Answer {
    send(app.owner(Method::DELETE, &format!("/players/{account}/ban"))).await
}

async fn step(app: &App) -> BansStep {
    app.internal("/bans/step", &json!({})).await.ok(200)
}

/// That no count of the board is wrong.
async fn assert_clean(app: &App) {
    let mut section = Some(0);
    while let Some(next) = section {
        let path = format!("/boards/kills/check?section={next}");
        let checked: BoardChecked = send(app.owner(Method::POST, &path)).await.ok(200);
        assert_eq!(checked.wrong_total, 0, "{checked:?}");
        section = checked.next;
    }
}

/// Ann with two characters ahead of Bob with one.
async fn three(app: &App) -> (Person<'_>, CharacterId, Person<'_>) {
    let (ann, bob) = (person(app, &fresh_name()).await, person(app, &fresh_name()).await);
    let second = ann.player.create(&fresh_name()).await.id;
    for (character, points) in [(ann.id(), 30), (second, 20), (bob.id(), 10)] {
        score(app, character, points).await;
    }
    (ann, second, bob)
}

#[tokio::test]
async fn the_banned_are_counted_out_until_the_ban_is_lifted() {
    let app = App::start().await;
    let (ann, second, bob) = three(&app).await;
    let of_all = async || {
        [
            rank(&bob.player, ann.id()).await,
            rank(&bob.player, second).await,
            rank(&bob.player, bob.id()).await,
        ]
    };
    assert_eq!(of_all().await, [Some(1), Some(2), Some(3)]);
    let body = json!({ "reason": "cheats" });
    for _ in 0..2 {
        assert!(ban(&app, ann.player.account, &body).await.ok::<BanState>(200).banned);
        assert_eq!(of_all().await, [None, None, Some(1)]);
    }
    assert_eq!(step(&app).await.pending, 0);
    assert_clean(&app).await;
    // Whoever is hidden by hand stays so when the ban ends.
    let hidden = format!("/boards/hidden/{second}");
    assert_eq!(send(app.owner(Method::PUT, &hidden)).await.status, 200);
    assert_eq!(lift(&app, ann.player.account).await.status, 200);
    assert_eq!(of_all().await, [Some(1), None, Some(2)]);
    assert_eq!(send(app.owner(Method::DELETE, &hidden)).await.status, 200);
    assert_eq!(of_all().await, [Some(1), Some(2), Some(3)]);
    assert_clean(&app).await;
}

#[tokio::test]
async fn the_banned_are_counted_again_when_the_ban_has_run_out() {
    let app = App::start().await;
    let (ann, second, bob) = three(&app).await;
    let account = ann.player.account;
    // The end of a ban is that of the last change: the first end is past when the second ban still holds.
    let mut until = now();
    for secs in [1, 3] {
        let banned: BanState =
            ban(&app, account, &json!({ "reason": "x", "duration_secs": secs })).await.ok(200);
        until = banned.until.expect("an end");
    }
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    step(&app).await;
    if now() < until {
        assert_eq!(rank(&bob.player, bob.id()).await, Some(1));
    }
    tokio::time::sleep(Duration::from_millis(until.millis_since(now()) + 50)).await;
    let steps = futures_util::future::join_all((0..5).map(|_| step(&app))).await;
    assert!(steps.iter().all(|step| step.pending == 0), "{steps:?}");
    assert_eq!(step(&app).await, BansStep { told: 0, pending: 0, erased: 0, erasing: 0 });
    assert_eq!(rank(&bob.player, bob.id()).await, Some(3));
    assert_eq!(rank(&bob.player, second).await, Some(2));
    assert_clean(&app).await;
    lift(&app, account).await.problem(404, "not_banned");
    let record: Value = send(app.owner(Method::GET, &format!("/players/{account}"))).await.ok(200);
    assert_eq!((&record["ban"]["banned"], &record["ban"]["until"]), (&json!(false), &json!(until)));
    // A later ban is one like any other, and one that is lifted does not end again.
    ban(&app, account, &json!({ "reason": "x", "duration_secs": 1 })).await.ok::<BanState>(200);
    assert_eq!(rank(&bob.player, bob.id()).await, Some(1));
    assert_eq!(lift(&app, account).await.status, 200);
    assert_eq!(rank(&bob.player, bob.id()).await, Some(3));
    let ends = &app.engine.everything().await["admin"];
    assert!(!ends.iter().any(|item| item.contains("ban-ends")), "a note is left");
}

#[tokio::test]
async fn boards_follow_a_ban_while_the_edge_is_down() {
    let address = free_address().await;
    let app = App::start_with(|config| config.edge_url = Some(format!("http://{address}"))).await;
    let (ann, _, bob) = three(&app).await;
    let banned: BanState = ban(&app, ann.player.account, &json!({ "reason": "x" })).await.ok(200);
    assert_eq!((banned.edge, rank(&bob.player, bob.id()).await), (EdgeState::Pending, Some(1)));
    let lifted: BanState = lift(&app, ann.player.account).await.ok(200);
    assert_eq!((lifted.edge, rank(&bob.player, bob.id()).await), (EdgeState::Pending, Some(3)));
    start_edge(address).await;
    assert_eq!(step(&app).await.told, 1);
    assert_eq!(rank(&bob.player, bob.id()).await, Some(3));
}

/// What was deleted, restored or made around a ban is as hidden as all else, and no longer.
#[tokio::test]
async fn no_character_slips_past_a_ban() {
    let app = App::start().await;
    let beside = app.beside(|_| {}).await;
    let reader = app.player().await;
    for _ in 0..4 {
        let player = app.player().await;
        let (kept, gone) = (player.create(&fresh_name()).await, player.create(&fresh_name()).await);
        for character in [&kept, &gone] {
            score(&app, character.id, 5).await;
        }
        let path = format!("/v1/characters/{}", gone.id);
        assert_eq!(player.delete(&path).await.status, 204);
        // Another process, which learns of the ban a moment later.
        let there = Player { app: &beside, account: player.account, token: player.token.clone() };
        there.get("/v1/characters").await;
        let (body, name) = (json!({ "reason": "x" }), json!({ "name": fresh_name() }));
        let nothing = json!({});
        let (restore, own) = (format!("{path}/restore"), format!("/v1/characters/{}", kept.id));
        let (made, restored, deleted, banned) = tokio::join!(
            there.post("/v1/characters", &name),
            there.post(&restore, &nothing),
            there.delete(&own),
            ban(&app, player.account, &body),
        );
        assert_eq!(banned.status, 200, "{}", banned.text);
        assert_eq!(rank(&reader, kept.id).await, None);
        assert_eq!(rank(&reader, gone.id).await, None);
        let made = if made.status == 201 {
            let made: CharacterId =
                made.ok::<Value>(201)["id"].as_str().expect("an id").parse().expect("an id");
            score(&app, made, 5).await;
            assert_eq!(rank(&reader, made).await, None);
            Some(made)
        } else {
            made.problem(403, "account_banned");
            None
        };
        assert_eq!(lift(&app, player.account).await.status, 200);
        if let Some(made) = made {
            assert!(rank(&reader, made).await.is_some());
        }
        // Whatever came first: what is there again counts again.
        for (character, is_deleted) in [(&gone, restored.status != 200), (&kept, deleted.status == 204)] {
            if is_deleted {
                let path = format!("/v1/characters/{}/restore", character.id);
                assert_eq!(player.post(&path, &nothing).await.status, 200);
            }
            assert!(rank(&reader, character.id).await.is_some());
        }
    }
    assert_clean(&app).await;
}

/// After a fault between any two calls to the store, the steps make boards follow.
#[tokio::test]
async fn what_a_fault_has_cut_off_of_a_ban_is_made_good_by_the_next_step() {
    at_every_call(async |app, proxy, fault, reach| {
        let ann = person(app, &fresh_name()).await;
        score(app, ann.id(), 5).await;
        let reader = app.player().await;
        let account = ann.player.account;
        let body = json!({ "reason": "x" });
        proxy.arm(fault, reach);
        let first = ban(app, account, &body).await;
        let calls = proxy.disarm();
        let (Reach::One(number) | Reach::From(number)) = reach else { panic!("a sweep is about one call") };
        for _ in 0..2 {
            step(app).await;
        }
        if rank(&reader, ann.id()).await.is_some() {
            // Then there is no ban: neither was it answered, nor is it stored.
            assert_eq!(first.status, 503, "{fault:?} at {reach:?}: {}", first.text);
            lift(app, account).await.problem(404, "not_banned");
            assert_eq!(ban(app, account, &body).await.status, 200);
            assert_eq!(rank(&reader, ann.id()).await, None, "{fault:?} at {reach:?}");
        }
        calls > number
    })
    .await;
}
