//! Bans: in force at the edge and here at once, and at the hosts with their next mail.

use std::time::{Duration, Instant};

use domain::contract::admin::AuditEntry;
use domain::contract::bans::{BanState, BansStep, EdgeState};
use domain::contract::edge::SessionResponse;
use domain::ids::AccountId;
use domain::token::JWKS_PATH;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::platform::{Host, app_with_edge, free_address, guest, sign_in, start_edge};
use super::{audit, key_of, with_key};
use crate::app::{Answer, App, Player, now, random, send};

async fn ban(app: &App, account: AccountId, body: &Value) -> Answer {
    send(app.owner(Method::PUT, &format!("/players/{account}/ban")).json(body)).await
}

async fn unban(app: &App, account: AccountId) -> Answer {
    send(app.owner(Method::DELETE, &format!("/players/{account}/ban?reason=a+mistake"))).await
}

async fn step(app: &App) -> BansStep {
    app.internal("/bans/step", &json!({})).await.ok(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_is_in_force_everywhere_and_ends() {
    let (app, edge) = app_with_edge().await;
    let (player, session) = guest(&app, &edge, 1).await;
    let (other, _) = guest(&app, &edge, 2).await;
    let (ada, eve) = (player.create("Ada").await, player.create("Eve").await);
    let grace = other.create("Grace").await;
    let host = Host::start(&app).await;
    assert_eq!(host.claim(&player, &ada).await.status, 200);
    assert_eq!(host.claim(&other, &grace).await.status, 200);

    let key = key_of(&app, "support").await;
    let path = format!("/players/{}/ban", player.account);
    let body = json!({ "reason": "cheats", "duration_secs": 3_600 });
    let banned: BanState = send(with_key(&app, &key.secret, Method::PUT, &path).json(&body)).await.ok(200);
    assert_eq!(
        (banned.banned, banned.edge, banned.by.as_deref()),
        (true, EdgeState::Told, Some("a support key"))
    );
    let until = banned.until.expect("an end");
    assert_eq!(until.millis_since(banned.since.expect("a beginning")), 3_600_000);
    let words = format!("the account is banned until {}: cheats", until.utc_text());

    let problem = send(sign_in(&app, &edge, 1)).await.problem(403, "account_banned");
    assert_eq!(problem.detail, words);
    let refresh = app.http.post(format!("{edge}/v1/sessions/refresh"));
    let refresh = refresh.json(&json!({ "refresh_token": session.refresh_token }));
    send(refresh).await.problem(403, "account_banned");
    let problem = player.get("/v1/characters").await.problem(403, "account_banned");
    assert_eq!(problem.detail, words);
    assert_eq!(host.kicked().await, [(ada.id, words)], "only who is in the world");
    for character in [&ada, &eve] {
        host.claim(&player, character).await.problem(403, "account_banned");
    }
    assert_eq!(other.get("/v1/characters").await.status, 200);
    assert_eq!(host.claim(&other, &grace).await.status, 200);
    assert_eq!(step(&app).await, BansStep { told: 0, pending: 0, erased: 0, erasing: 0 });

    let lifted: BanState = unban(&app, player.account).await.ok(200);
    assert_eq!((lifted.banned, lifted.edge, lifted.by.as_deref()), (false, EdgeState::Told, Some("owner")));
    assert_eq!(player.get("/v1/characters").await.status, 200);
    assert_eq!(host.claim(&player, &ada).await.status, 200);
    assert_eq!(send(sign_in(&app, &edge, 1)).await.ok::<SessionResponse>(200).account, player.account);
    unban(&app, player.account).await.problem(404, "not_banned");

    let entries = audit(&app, &format!("subject={}", player.account)).await.entries;
    let told = |entry: &AuditEntry| (entry.method.clone(), entry.reason.clone(), entry.effect.clone());
    let text = |text: &str| Some(text.to_owned());
    let told: Vec<_> = entries.iter().rev().map(told).collect();
    assert_eq!(
        told,
        [
            ("PUT".into(), text("cheats"), text("banned")),
            ("DELETE".into(), text("a mistake"), text("unbanned")),
            ("DELETE".into(), text("a mistake"), None),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_that_the_edge_missed_is_told_again() {
    let address = free_address().await;
    let url = format!("http://{address}");
    // Keys come from the edge of the tests, so that players are known while the real one is down.
    let app = App::start_with(|config| config.edge_url = Some(url.clone())).await;
    let player = app.player().await;
    let banned: BanState = ban(&app, player.account, &json!({ "reason": "x" })).await.ok(200);
    assert_eq!((banned.banned, banned.edge, banned.until), (true, EdgeState::Pending, None));
    player.get("/v1/characters").await.problem(403, "account_banned");
    let stepped = step(&app).await;
    assert_eq!((stepped.told, stepped.pending), (0, 1));
    start_edge(address).await;
    let steps = join_all((0..5).map(|_| step(&app))).await;
    assert!(
        steps.iter().any(|step| step.told == 1) && steps.iter().all(|step| step.pending == 0),
        "{steps:?}"
    );
    assert_eq!(step(&app).await.told, 0, "told once");
    player.get("/v1/characters").await.problem(403, "account_banned");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lifting_overtakes_the_ban_that_waits() {
    let address = free_address().await;
    let app = App::start_with(|config| config.edge_url = Some(format!("http://{address}"))).await;
    let player = app.player().await;
    let _: BanState = ban(&app, player.account, &json!({ "reason": "x" })).await.ok(200);
    let lifted: BanState = unban(&app, player.account).await.ok(200);
    assert_eq!((lifted.banned, lifted.edge), (false, EdgeState::Pending));
    assert_eq!(player.get("/v1/characters").await.status, 200);
    start_edge(address).await;
    assert_eq!(step(&app).await.told, 1);
    assert_eq!(step(&app).await.told, 0);
}

/// Another process of the API learns of a ban by looking, not from the call.
#[tokio::test(flavor = "multi_thread")]
async fn other_processes_refuse_a_banned_player_within_five_seconds() {
    let (app, edge) = app_with_edge().await;
    let (player, _) = guest(&app, &edge, 1).await;
    let second = app.beside(|config| config.edge_jwks_url = format!("{edge}{JWKS_PATH}")).await;
    let there = Player { app: &second, account: player.account, token: player.token.clone() };
    assert_eq!(there.get("/v1/characters").await.status, 200);
    let _: BanState = ban(&app, player.account, &json!({ "reason": "x" })).await.ok(200);
    let banned = Instant::now();
    loop {
        let answer = there.get("/v1/characters").await;
        if answer.status != 200 {
            answer.problem(403, "account_banned");
            break;
        }
        assert!(banned.elapsed() < Duration::from_secs(5), "it is let in for too long");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Whoever is fast: after the ban is stored nobody of the account gets in, and who got in before is kicked.
#[tokio::test(flavor = "multi_thread")]
async fn no_claim_slips_past_a_ban() {
    let (app, edge) = app_with_edge().await;
    for device in 0..8 {
        // Each round has a host of its own: nobody is on one whose lease has run out meanwhile.
        let host = Host::start(&app).await;
        let (player, _) = guest(&app, &edge, device).await;
        let name =
            format!("Racer {}", ["Ada", "Eve", "Bob", "Kay", "Lee", "Max", "Ida", "Una"][device as usize]);
        let character = player.create(&name).await;
        let body = json!({ "reason": "x" });
        let (claimed, banned) =
            tokio::join!(host.claim(&player, &character), ban(&app, player.account, &body));
        assert!(banned.ok::<BanState>(200).banned);
        let kicked = host.kicked().await.iter().any(|(id, _)| *id == character.id);
        assert_eq!(kicked, claimed.status == 200, "{}", claimed.text);
        host.claim(&player, &character).await.problem(403, "account_banned");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_bans_at_once_are_one_and_bad_input_is_refused() {
    let (app, edge) = app_with_edge().await;
    let (player, _) = guest(&app, &edge, 1).await;
    let body = json!({ "reason": "x", "duration_secs": 60 });
    let answers = join_all((0..10).map(|_| ban(&app, player.account, &body))).await;
    assert!(answers.iter().all(|answer| answer.ok::<BanState>(200).banned));
    let lifted = join_all((0..10).map(|_| unban(&app, player.account))).await;
    assert_eq!(lifted.iter().filter(|answer| answer.status == 200).count(), 1);
    for answer in lifted.iter().filter(|answer| answer.status != 200) {
        answer.problem(404, "not_banned");
    }
    for _ in 0..3 {
        step(&app).await;
    }
    assert_eq!(send(sign_in(&app, &edge, 1)).await.status, 200, "the lifting was last, and the edge knows");

    for body in [
        json!({}),
        json!({ "reason": "" }),
        json!({ "reason": "x".repeat(501) }),
        json!({ "reason": "x", "duration_secs": -1 }),
        json!({ "reason": "x", "until": 5 }),
        json!({ "reason": 5 }),
    ] {
        ban(&app, player.account, &body).await.problem(400, "bad_body");
    }
    for secs in [0_u64, 315_360_001, u64::MAX] {
        ban(&app, player.account, &json!({ "reason": "x", "duration_secs": secs }))
            .await
            .problem(400, "bad_request");
    }
    let stranger = AccountId::new(now(), random());
    unban(&app, stranger).await.problem(404, "not_banned");
    ban(&app, stranger, &json!({ "reason": "mistyped" })).await.problem(404, "no_player");
    send(app.owner(Method::PUT, "/players/rubbish/ban").json(&body)).await.problem(400, "bad_path");
    let path = format!("/players/{stranger}/ban?colour=red");
    send(app.owner(Method::DELETE, &path)).await.problem(400, "bad_query");
}
