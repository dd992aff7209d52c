//! Matches: joining, results by rivals and repeats, no-shows, disputes and rulings, brackets that are known.

use domain::contract::hosts::HeartbeatAnswer;
use domain::contract::players::JoinResponse;
use domain::contract::tournaments::{
    MatchStatus, MatchVerdict, MyEntries, Tournament, TournamentMatch, TournamentState, WonBy,
};
use domain::ids::{CharacterId, HostId};
use futures_util::future::join_all;
use reqwest::Method;
use reqwest::header::{ETAG, IF_NONE_MATCH};
use serde_json::{Value, json};

use super::{
    Contender, Cup, admin, contenders, create, definition, key, pair, ready, service_get, step, stored, with,
};
use crate::app::{Answer, App, send};

async fn running<'a>(app: &'a App, count: usize, fields: &[(&str, Value)]) -> (Cup, Vec<Contender<'a>>) {
    let people = contenders(app, count).await;
    let cup = create(app, &with(definition(&json!("single_elimination")), fields)).await;
    cup.fill(&people).await;
    cup.start(app).await;
    (cup, people)
}

async fn join(cup: Cup, contender: &Contender<'_>, number: u16) -> Answer {
    send(contender.player.request(Method::POST, &cup.path(&format!("/matches/{number}/join")))).await
}

/// The epoch of an instance of the host.
async fn epoch_of(app: &App, host: HostId, joined: &JoinResponse) -> u64 {
    let body = json!({ "instances": [], "tick_p99_us": 0, "draining": false });
    let answer: HeartbeatAnswer = app.internal(&format!("/hosts/{host}/heartbeat"), &body).await.ok(200);
    let own = answer.instances.iter().find(|own| own.instance == joined.instance).expect("it was told");
    own.epoch.0
}

fn reports(joined: &JoinResponse, epoch: u64, winner: CharacterId) -> Value {
    let games = json!([{ "game": 1, "winner": winner }]);
    json!({ "instance": joined.instance, "epoch": epoch, "games": games })
}

#[tokio::test]
async fn both_come_to_one_instance_and_its_host_alone_reports() {
    let app = App::start().await;
    let (host, _) = app.living_host(&["hub"]).await;
    let (cup, people) = running(&app, 4, &[]).await;
    let reader = &people[0].player;
    let bracket = cup.bracket(reader).await;
    let first = ready(&bracket).remove(0);
    let two = pair(&first);
    let [ann, bob] = two.map(|side| people.iter().find(|one| one.character == side).expect("one of them"));
    let other = people.iter().find(|one| !two.contains(&one.character)).expect("another one");
    join(cup, other, first.id).await.problem(403, "not_in_match");
    // All at once: one instance.
    let answers = join_all([ann, bob, ann, bob, ann].map(|one| join(cup, one, first.id))).await;
    let joined: Vec<JoinResponse> = answers.iter().map(|answer| answer.ok(200)).collect();
    assert!(joined.iter().all(|one| one.instance == joined[0].instance && one.host == host), "{joined:?}");
    assert_eq!(joined[0].zone.as_str(), "forest");
    let joined = &joined[0];
    let epoch = epoch_of(&app, host, joined).await;

    let path = cup.match_path(first.id, "report");
    let start = json!({ "instance": joined.instance, "epoch": epoch });
    app.internal(&cup.match_path(first.id, "start"), &start).await.ok::<MatchVerdict>(200);
    assert_eq!(cup.match_of(reader, first.id).await.instance, Some(joined.instance));
    // Not from outside, not from another instance, not under an old epoch.
    let outside = json!({ "games": [{ "game": 1, "winner": two[0] }] });
    app.internal(&path, &outside).await.problem(409, "other_instance");
    let (_, elsewhere) = app.host(&["forest"]).await;
    let elsewhere = &elsewhere.instances[0];
    let rival = json!({
        "instance": elsewhere.instance, "epoch": elsewhere.epoch, "games": [{ "game": 1, "winner": two[1] }],
    });
    app.internal(&path, &rival).await.problem(409, "other_instance");
    app.internal(&path, &reports(joined, epoch + 1, two[0])).await.problem(409, "fenced");
    assert_eq!(cup.match_of(reader, first.id).await.status, MatchStatus::InProgress);
    // The same result ten times counts once; another one is refused.
    let report = reports(joined, epoch, two[0]);
    let answers = join_all((0..10).map(|_| app.internal(&path, &report))).await;
    let verdicts: Vec<MatchVerdict> = answers.iter().map(|answer| answer.ok(200)).collect();
    assert!(verdicts.iter().all(|verdict| verdict.winner == Some(two[0]) && verdict.games == [1, 0]));
    app.internal(&path, &reports(joined, epoch, two[1])).await.problem(409, "tournament_conflict");
    let read: TournamentMatch =
        service_get(&app, cup.match_path(first.id, "").trim_end_matches('/')).await.ok(200);
    assert_eq!((read.games.len(), read.entrants.len()), (1, 2));
    join(cup, ann, first.id).await.problem(409, "match_not_joinable");
}

#[tokio::test]
async fn of_two_that_contradict_each_other_the_first_counts() {
    let app = App::start().await;
    let (cup, people) = running(&app, 2, &[("best_of_final", json!(1))]).await;
    let winners = [people[0].character, people[1].character];
    let api = &app;
    let answers = join_all((0..8).map(|number: usize| {
        let winner = winners[number % 2];
        async move { (winner, cup.report(api, 1, &[winner]).await) }
    }))
    .await;
    let won = cup.match_of(&people[0].player, 1).await.winner.expect("one won");
    for (winner, answer) in &answers {
        if *winner == won {
            answer.ok::<MatchVerdict>(200);
        } else {
            let problem = answer.problem(409, "tournament_conflict");
            assert!(problem.detail.contains("another result"), "{}", problem.detail);
        }
    }
    assert_eq!(stored(&app, cup, "event#").await.len(), 4, "two registrations, the start, one result");
}

#[tokio::test]
async fn an_instance_that_is_over_is_replaced() {
    let app = App::start().await;
    let (host, _) = app.host(&["hub"]).await;
    let (cup, people) = running(&app, 2, &[]).await;
    let before: JoinResponse = join(cup, &people[0], 1).await.ok(200);
    let epoch = epoch_of(&app, host, &before).await;
    let start = json!({ "instance": before.instance, "epoch": epoch });
    app.internal(&cup.match_path(1, "start"), &start).await.ok::<MatchVerdict>(200);
    send(
        app.request(Method::DELETE, &format!("/internal/v1/hosts/{host}"))
            .bearer_auth(crate::app::SERVICE_TOKEN),
    )
    .await;
    // Nobody could open another one.
    join(cup, &people[0], 1).await.problem(503, "zone_unavailable");
    let (other, _) = app.host(&["hub"]).await;
    let after: JoinResponse = join(cup, &people[1], 1).await.ok(200);
    assert_eq!(after.host, other);
    let again: JoinResponse = join(cup, &people[0], 1).await.ok(200);
    assert_eq!(again.instance, after.instance);
}

#[tokio::test]
async fn who_does_not_come_loses() {
    let app = App::start().await;
    app.host(&["hub"]).await;
    let (cup, people) =
        running(&app, 2, &[("no_show_after_ms", json!(1_500)), ("best_of_final", json!(1))]).await;
    join(cup, &people[1], 1).await.ok::<JoinResponse>(200);
    loop {
        let outcome = step(&app).await;
        assert_eq!(outcome.failed, 0);
        if cup.read(&people[0].player).await.summary.state == TournamentState::Finished {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let fixture = cup.match_of(&people[0].player, 1).await;
    assert_eq!((fixture.winner, fixture.won_by), (Some(people[1].character), Some(WonBy::Forfeit)));
}

#[tokio::test]
async fn a_host_says_who_did_not_come() {
    let app = App::start().await;
    let (cup, people) = running(&app, 4, &[]).await;
    let first = ready(&cup.bracket(&people[0].player).await).remove(0);
    let two = pair(&first);
    let path = cup.match_path(first.id, "no-show");
    let stranger = people.iter().find(|one| !two.contains(&one.character)).expect("one").character;
    let body = |attempt: u16, absent| json!({ "attempt": attempt, "absent": absent });
    app.internal(&path, &body(1, stranger)).await.problem(403, "not_in_match");
    app.internal(&path, &body(7, two[0])).await.problem(409, "tournament_not_yet");
    for _ in 0..2 {
        let verdict: MatchVerdict = app.internal(&path, &body(1, two[0])).await.ok(200);
        assert_eq!((verdict.status, verdict.winner), (MatchStatus::Final, Some(two[1])));
    }
    app.internal(&path, &body(1, two[1])).await.problem(409, "tournament_conflict");
}

async fn dispute(cup: Cup, contender: &Contender<'_>, number: u16, key: &str, reason: &str) -> Answer {
    let path = cup.path(&format!("/matches/{number}/dispute"));
    contender.player.post_keyed(&path, key, &json!({ "reason": reason })).await
}

#[tokio::test]
async fn a_disputed_match_waits_for_an_administrator() {
    let app = App::start().await;
    let (cup, people) = running(&app, 4, &[("dispute_window_ms", json!(3_600_000))]).await;
    let reader = &people[0].player;
    let first = ready(&cup.bracket(reader).await).remove(0);
    let two = pair(&first);
    let [ann, bob] = two.map(|side| people.iter().find(|one| one.character == side).expect("one of them"));
    let other = people.iter().find(|one| !two.contains(&one.character)).expect("another one");
    dispute(cup, ann, first.id, &key(), "early").await.problem(409, "tournament_not_yet");
    cup.win(&app, &first, ann.character).await;
    assert_eq!(cup.match_of(reader, first.id).await.status, MatchStatus::Decided);
    dispute(cup, other, first.id, &key(), "envy").await.problem(403, "not_in_match");
    dispute(cup, bob, first.id, &key(), " ").await.problem(422, "tournament_invalid");
    dispute(cup, bob, first.id, &key(), &"x".repeat(501)).await.problem(422, "tournament_invalid");
    let same = key();
    for _ in 0..3 {
        dispute(cup, bob, first.id, &same, "he cheated").await.ok::<MatchVerdict>(200);
    }
    let path = format!("/admin/v1/tournaments/{}/matches/{}", cup.id, first.id);
    let shown = send(app.request(Method::GET, &path).bearer_auth(crate::app::OWNER_KEY)).await;
    let shown: TournamentMatch = shown.ok(200);
    assert_eq!((shown.fixture.status, shown.disputes.len()), (MatchStatus::Disputed, 1));
    assert_eq!((shown.disputes[0].entrant, shown.disputes[0].reason.as_str()), (bob.character, "he cheated"));

    // A replay, twice asked for, is one.
    let rule = format!("/{}/matches/{}/rule", cup.id, first.id);
    let (same, body) = (key(), json!({ "ruling": "replay", "reason": "unclear" }));
    for _ in 0..2 {
        let verdict: MatchVerdict = admin(&app, &rule, &same, &body).await.ok(200);
        assert_eq!((verdict.status, verdict.games), (MatchStatus::Ready, [0, 0]));
    }
    let fixture = cup.match_of(reader, first.id).await;
    assert_eq!(fixture.attempt, 2);
    cup.win(&app, &fixture, ann.character).await;
    dispute(cup, bob, first.id, &key(), "again").await.ok::<MatchVerdict>(200);
    let stranger = json!({ "ruling": { "winner": other.character }, "reason": "x" });
    admin(&app, &rule, &key(), &stranger).await.problem(403, "not_in_match");
    let out = json!({ "ruling": { "disqualify": ann.character }, "reason": "he did" });
    let verdict: MatchVerdict = admin(&app, &rule, &key(), &out).await.ok(200);
    assert_eq!((verdict.status, verdict.winner), (MatchStatus::Final, Some(bob.character)));
    admin(&app, &rule, &key(), &body).await.problem(409, "tournament_too_late");
    dispute(cup, bob, first.id, &key(), "more").await.problem(409, "tournament_too_late");
    let entries: MyEntries = ann.player.get(&cup.path("/entry")).await.ok(200);
    assert_eq!(entries.entries[0].state, domain::contract::tournaments::EntryState::Withdrawn);
}

#[tokio::test]
async fn a_match_without_a_result_comes_before_an_administrator() {
    let app = App::start().await;
    app.host(&["hub"]).await;
    let (cup, people) =
        running(&app, 2, &[("match_max_ms", json!(1_000)), ("best_of_final", json!(1))]).await;
    for contender in &people {
        join(cup, contender, 1).await.ok::<JoinResponse>(200);
    }
    let reader = &people[0].player;
    while cup.match_of(reader, 1).await.status != MatchStatus::Disputed {
        assert_eq!(step(&app).await.failed, 0);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(cup.read(reader).await.summary.state, TournamentState::Running);
    let rule = format!("/{}/matches/1/rule", cup.id);
    let winner = json!({ "ruling": { "winner": people[1].character }, "reason": "the host was lost" });
    let verdict: MatchVerdict = admin(&app, &rule, &key(), &winner).await.ok(200);
    assert_eq!((verdict.status, verdict.winner), (MatchStatus::Final, Some(people[1].character)));
    assert_eq!(cup.read(reader).await.summary.state, TournamentState::Finished);
}

#[tokio::test]
async fn who_loses_the_last_match_can_be_disqualified_for_it() {
    let app = App::start().await;
    let fields = [("dispute_window_ms", json!(3_600_000)), ("best_of_final", json!(1))];
    let (cup, people) = running(&app, 2, &fields).await;
    cup.report(&app, 1, &[people[0].character]).await.ok::<MatchVerdict>(200);
    let rule = format!("/{}/matches/1/rule", cup.id);
    let out = json!({ "ruling": { "disqualify": people[0].character }, "reason": "he did" });
    let verdict: MatchVerdict = admin(&app, &rule, &key(), &out).await.ok(200);
    assert_eq!((verdict.status, verdict.winner), (MatchStatus::Final, Some(people[1].character)));
    assert_eq!(cup.read(&people[0].player).await.summary.state, TournamentState::Finished);
    let second = people[0].player.create("Second Ann").await;
    let body = json!({ "character": second.id });
    people[0].player.post_keyed(&cup.path("/register"), &key(), &body).await.problem(403, "disqualified");
}

#[tokio::test]
async fn a_bracket_that_is_known_is_not_sent_again() {
    let app = App::start().await;
    let (cup, people) = running(&app, 2, &[("best_of_final", json!(1))]).await;
    let stranger = app.player().await;
    let answer = stranger.get(&cup.path("/bracket")).await;
    assert_eq!(answer.status, 200, "anybody may read it");
    let tag = answer.headers[ETAG].to_str().expect("text").to_owned();
    let ask = |tag: &str| {
        send(stranger.request(Method::GET, &cup.path("/bracket")).header(IF_NONE_MATCH, tag.to_owned()))
    };
    let known = ask(&tag).await;
    assert_eq!((known.status, known.text.as_str()), (304, ""));
    assert_eq!(ask(&format!("\"0\", W/{tag}")).await.status, 304);
    cup.report(&app, 1, &[people[0].character]).await.ok::<MatchVerdict>(200);
    let fresh = ask(&tag).await;
    assert_eq!(fresh.status, 200);
    assert_ne!(fresh.headers[ETAG].to_str().expect("text"), tag);
    let cancelled = cup.decide(&app, "/cancel", &json!({ "reason": "late" })).await;
    cancelled.problem(409, "tournament_too_late");
}

#[tokio::test]
async fn another_region_reads_and_does_not_write() {
    let app = App::start().await;
    let (host, _) = app.host(&["hub"]).await;
    let people = contenders(&app, 2).await;
    let regions = [("regions", json!(["local", "far"]))];
    let cup = create(&app, &with(definition(&json!("single_elimination")), &regions)).await;
    let far = app.beside(|config| config.region = "far".into()).await.url;
    let ask = |contender: usize, method: Method, what: &str, body: Value| {
        let url = format!("{far}{}", cup.path(what));
        let request = app.http.request(method, url).bearer_auth(&people[contender].player.token);
        send(request.header("idempotency-key", key()).json(&body))
    };
    let body = json!({ "character": people[0].character });
    ask(0, Method::POST, "/register", body).await.problem(421, "tournament_elsewhere");
    // Both are near the other region: the match is played there.
    for contender in &people {
        let body = json!({ "character": contender.character, "round_trips": { "local": 200, "far": 10 } });
        contender.player.post_keyed(&cup.path("/register"), &key(), &body).await.ok::<MyEntries>(200);
    }
    cup.start(&app).await;
    ask(0, Method::GET, "", json!({})).await.ok::<Tournament>(200);
    ask(0, Method::POST, "/matches/1/join", json!({})).await.problem(421, "tournament_elsewhere");
    let problem = join(cup, &people[0], 1).await.problem(421, "match_elsewhere");
    assert!(problem.detail.contains("far"), "{}", problem.detail);
    let before: JoinResponse = ask(0, Method::POST, "/matches/1/join", json!({})).await.ok(200);
    // Its instance is over: the region of the tournament alone can have it played on another one.
    let path = format!("/instances/{}/close", before.instance);
    let closed = crate::admin::post(&app, &path, &json!({ "reason": "it hangs" })).await;
    assert!(closed.status < 300, "{}", closed.text);
    ask(0, Method::POST, "/matches/1/join", json!({})).await.problem(421, "tournament_elsewhere");
    join(cup, &people[0], 1).await.problem(421, "match_elsewhere");
    let alive = json!({ "instances": [], "tick_p99_us": 0, "draining": false });
    app.internal(&format!("/hosts/{host}/heartbeat"), &alive).await.ok::<HeartbeatAnswer>(200);
    let after: JoinResponse = ask(0, Method::POST, "/matches/1/join", json!({})).await.ok(200);
    assert_ne!(after.instance, before.instance);
}
