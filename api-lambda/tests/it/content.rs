//! Content: versions, what is in force, flags.

use domain::catalogue::{Catalogue, ChangeEffect};
use domain::contract::content::{
    ContentCheck, ContentDiff, ContentDocument, ContentPlan, ContentPointer, ContentPublished,
    ContentVersionList, FlagState, FlagStateList, PlayerContent, PlayerFlags,
};
use domain::contract::hosts::{Heartbeat, HeartbeatAnswer, InstanceLoad};
use domain::fixed::metres;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, send};

/// The builtin catalogue with a forest of this many monsters.
fn catalogue(monsters: u32) -> Catalogue {
    let mut catalogue = Catalogue::builtin();
    catalogue.zones_mut().iter_mut().for_each(|zone| zone.monsters = monsters);
    catalogue
}

async fn post(app: &App, path: &str, body: &impl serde::Serialize) -> Answer {
    send(app.owner(Method::POST, path).json(body)).await
}

async fn get(app: &App, path: &str) -> Answer {
    send(app.owner(Method::GET, path)).await
}

pub(crate) async fn publish(app: &App, catalogue: &Catalogue) -> u64 {
    let body = json!({ "note": "a test", "catalogue": catalogue });
    let answer = post(app, "/content/versions", &body).await;
    assert!([200, 201].contains(&answer.status), "{}", answer.text);
    answer.ok::<ContentPublished>(answer.status).version.version
}

pub(crate) async fn activate(app: &App, version: u64, percent: u8) -> ContentPointer {
    let revision = get(app, "/content").await.ok::<ContentPointer>(200).revision;
    let body = json!({ "version": version, "percent": percent, "revision": revision });
    post(app, "/content/activate", &body).await.ok(200)
}

#[tokio::test]
async fn a_version_is_published_compared_and_read_again() {
    let app = App::start().await;
    assert_eq!(get(&app, "/content").await.ok::<ContentPointer>(200), ContentPointer::default());
    let body = json!({ "note": "more wolves", "catalogue": catalogue(50) });
    let check: ContentCheck = post(&app, "/content/versions/validate", &body).await.ok(200);
    assert_eq!((check.faults.len(), check.changes.len()), (0, 3));
    assert!(get(&app, "/content/versions").await.ok::<ContentVersionList>(200).versions.is_empty());
    let published: ContentPublished = post(&app, "/content/versions", &body).await.ok(201);
    assert_eq!((published.version.version, published.version.note.as_str()), (1, "more wolves"));
    assert_eq!(published.version.bytes, check.bytes);
    assert_eq!(published.changes, check.changes);
    let paths: Vec<_> = published.changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(paths, ["zones[arena].monsters", "zones[forest].monsters", "zones[hub].monsters"]);
    // The same catalogue again is the same version.
    let again: ContentPublished = post(&app, "/content/versions", &body).await.ok(200);
    assert_eq!(again.version, published.version);
    let mut larger = catalogue(50);
    larger.zones_mut()[0].size = metres(300);
    assert_eq!(publish(&app, &larger).await, 2);
    let read: ContentDocument = get(&app, "/content/versions/2").await.ok(200);
    assert_eq!((read.version.version, &read.catalogue), (2, &larger));
    let diff: ContentDiff = get(&app, "/content/diff?from=1&to=2").await.ok(200);
    assert_eq!(diff.changes.len(), 1);
    assert_eq!(
        (diff.changes[0].path.as_str(), diff.changes[0].effect),
        ("zones[hub].size", ChangeEffect::Restart)
    );
    assert_eq!(get(&app, "/content/diff?from=2&to=0").await.ok::<ContentDiff>(200).changes.len(), 4);
    for path in ["/content/versions/3", "/content/versions/0", "/content/diff?from=0&to=9"] {
        get(&app, path).await.problem(404, "no_content_version");
    }
    get(&app, "/content/versions/x").await.problem(400, "bad_path");
    get(&app, "/content/diff?from=0").await.problem(400, "bad_query");
}

#[tokio::test]
async fn versions_are_listed_to_the_end_and_numbered_without_gaps() {
    let app = App::start().await;
    let publishing = (1..=12).map(|monsters| {
        let app = &app;
        async move { publish(app, &catalogue(monsters)).await }
    });
    let mut numbers = join_all(publishing).await;
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=12).collect::<Vec<u64>>(), "at once");
    let one = catalogue(100);
    let same = join_all((0..6).map(|_| publish(&app, &one))).await;
    assert_eq!(same, [13; 6], "the same one at once");
    let (mut listed, mut query) = (Vec::new(), "?limit=5".to_owned());
    loop {
        let page: ContentVersionList = get(&app, &format!("/content/versions{query}")).await.ok(200);
        listed.extend(page.versions.iter().map(|version| version.version));
        let Some(next) = page.next else { break };
        query = format!("?limit=5&cursor={next}");
    }
    assert_eq!(listed, (1..=13).rev().collect::<Vec<u64>>());
    get(&app, "/content/versions?limit=101").await.problem(400, "bad_query");
    get(&app, "/content/versions?cursor=rubbish").await.problem(400, "bad_query");
}

#[tokio::test]
async fn what_is_wrong_is_refused_as_a_whole() {
    let app = App::start().await;
    let mut bad = catalogue(1);
    for zone in bad.zones_mut() {
        (zone.budget, zone.capacity, zone.tick_rate_hz) = (0, 0, 1);
    }
    let flag = bad.flags[0].clone();
    bad.flags = vec![domain::catalogue::FlagDefinition { percent: 101, ..flag }; 300];
    let body = json!({ "catalogue": bad });
    let check: ContentCheck = post(&app, "/content/versions/validate", &body).await.ok(200);
    assert!(check.faults.len() > 600, "{}", check.faults.len());
    let problem = post(&app, "/content/versions", &body).await.problem(422, "content_faults");
    for fault in &check.faults {
        assert!(problem.detail.contains(fault), "{fault}");
    }
    let mut unknown = serde_json::to_value(catalogue(1)).expect("plain");
    unknown["dragons"] = json!([]);
    post(&app, "/content/versions", &json!({ "catalogue": unknown })).await.problem(400, "bad_body");
    for body in
        [json!({}), json!([]), json!({ "catalogue": {}, "extra": 1 }), json!({ "catalogue": { "zones": 7 } })]
    {
        post(&app, "/content/versions", &body).await.problem(400, "bad_body");
    }
    let note = json!({ "note": "x".repeat(201), "catalogue": {} });
    post(&app, "/content/versions", &note).await.problem(422, "content_faults");
    let text = app.owner(Method::POST, "/content/versions").body("{}");
    send(text).await.problem(415, "body_type");
    assert!(get(&app, "/content/versions").await.ok::<ContentVersionList>(200).versions.is_empty());
}

#[tokio::test]
async fn a_catalogue_is_as_large_as_the_store_takes_and_no_larger() {
    let app = App::start().await;
    let mut large = catalogue(1);
    let zone = large.zones()[0].clone();
    let add = |large: &mut Catalogue, count: usize| {
        for number in 0..count {
            let zone = domain::catalogue::ZoneDefinition {
                zone: format!("zone-{number}").parse().expect("a name"),
                ..zone.clone()
            };
            large.zones_mut().push(zone);
        }
    };
    add(&mut large, 800);
    let bytes = serde_json::to_string(&large).expect("plain").len();
    assert!((250_000..350 * 1_024).contains(&bytes), "{bytes}");
    let version = publish(&app, &large).await;
    assert_eq!(activate(&app, version, 100).await.active, version);
    let player = app.player().await;
    assert_eq!(player.get("/v1/content").await.ok::<PlayerContent>(200).zones.len(), 803);
    let mut too_large = catalogue(1);
    add(&mut too_large, 1_000);
    let body = json!({ "catalogue": too_large });
    let problem = post(&app, "/content/versions", &body).await.problem(413, "content_too_large");
    assert!(problem.detail.contains("358400"), "{}", problem.detail);
    let padded = json!({ "note": "x".repeat(2_000_000), "catalogue": {} });
    post(&app, "/content/versions", &padded).await.problem(413, "content_too_large");
}

#[tokio::test]
async fn versions_come_into_force_and_go_back() {
    let app = App::start().await;
    let player = app.player().await;
    let before = player.get("/v1/content").await;
    let etag = before.headers["etag"].to_str().expect("text").to_owned();
    assert_eq!(before.ok::<PlayerContent>(200).version, 0);
    let known = player.request(Method::GET, "/v1/content").header("if-none-match", &etag);
    let unchanged = send(known).await;
    assert_eq!((unchanged.status, unchanged.text.as_str()), (304, ""));
    let mut named = catalogue(1);
    named.zones_mut()[0].title = "The Market".into();
    let version = publish(&app, &named).await;
    assert_eq!(player.get("/v1/content").await.ok::<PlayerContent>(200).version, 0, "not in force yet");
    let pointer = activate(&app, version, 100).await;
    assert_eq!((pointer.revision, pointer.active, pointer.earlier.as_slice()), (1, 1, &[0][..]));
    let known = player.request(Method::GET, "/v1/content").header("if-none-match", &etag);
    let changed = send(known).await.ok::<PlayerContent>(200);
    assert_eq!((changed.version, changed.zones[0].title.as_str()), (1, "The Market"));
    assert!(player.get("/v1/zones").await.text.contains("The Market"));
    // A repeated request finds its effect, an old one learns of the change.
    let body = json!({ "version": 1, "revision": 0 });
    assert_eq!(post(&app, "/content/activate", &body).await.ok::<ContentPointer>(200), pointer);
    post(&app, "/content/activate", &json!({ "version": 0, "revision": 0 }))
        .await
        .problem(409, "content_moved");
    let back = json!({ "revision": 1 });
    let pointer: ContentPointer = post(&app, "/content/rollback", &back).await.ok(200);
    assert_eq!((pointer.revision, pointer.active), (2, 0));
    assert_eq!(post(&app, "/content/rollback", &back).await.ok::<ContentPointer>(200), pointer);
    assert_eq!(player.get("/v1/content").await.ok::<PlayerContent>(200).version, 0);
    post(&app, "/content/rollback", &json!({ "revision": 2 })).await.problem(409, "content_first");
    post(&app, "/content/activate", &json!({ "version": 9, "revision": 2 }))
        .await
        .problem(404, "no_content_version");
    let trial = |percent: i32| json!({ "version": 0, "percent": percent, "revision": 2 });
    post(&app, "/content/activate", &trial(10)).await.problem(409, "content_active");
    for percent in [0, 101] {
        post(&app, "/content/activate", &trial(percent)).await.problem(400, "bad_request");
    }
    post(&app, "/content/activate", &trial(-1)).await.problem(400, "bad_body");
}

#[tokio::test]
async fn of_administrators_at_once_one_decides() {
    let app = App::start().await;
    let mut versions = Vec::new();
    for monsters in 1..=6 {
        versions.push(publish(&app, &catalogue(monsters)).await);
    }
    let changes = versions.iter().map(|version| {
        let body = json!({ "version": version, "revision": 0 });
        let app = &app;
        async move { (*version, post(app, "/content/activate", &body).await) }
    });
    let answers = join_all(changes).await;
    let won: Vec<_> = answers.iter().filter(|(_, answer)| answer.status == 200).collect();
    assert_eq!(won.len(), 1);
    for (_, answer) in answers.iter().filter(|(_, answer)| answer.status != 200) {
        answer.problem(409, "content_moved");
    }
    let pointer: ContentPointer = get(&app, "/content").await.ok(200);
    assert_eq!((pointer.revision, pointer.active), (1, won[0].0));
    // The same rollback ten times at once goes back once.
    let back = join_all((0..10).map(|_| async {
        let body = json!({ "revision": 1 });
        post(&app, "/content/rollback", &body).await.ok::<ContentPointer>(200)
    }));
    assert!(back.await.iter().all(|pointer| (pointer.revision, pointer.active) == (2, 0)));
}

#[tokio::test]
async fn a_share_of_instances_tries_a_version_and_hosts_learn_of_it() {
    let app = App::start().await;
    let (host, registered) = app.host(&["forest"; 20]).await;
    assert_eq!(registered.lease.content, ContentPlan::default());
    let version = publish(&app, &catalogue(7)).await;
    let instances = registered.instances.iter().map(|own| own.instance);
    let beat = Heartbeat {
        instances: instances.clone().map(|instance| InstanceLoad { instance, players: 0 }).collect(),
        tick_p99_us: 0,
        draining: false,
    };
    let path = format!("/hosts/{host}/heartbeat");
    let mut before = Vec::new();
    for percent in [30, 60, 100] {
        activate(&app, version, percent).await;
        let answer: HeartbeatAnswer = app.internal(&path, &beat).await.ok(200);
        let plan = answer.lease.content;
        let trying: Vec<_> =
            instances.clone().filter(|one| plan.version_for(one.as_u128()) == version).collect();
        assert!(before.iter().all(|one| trying.contains(one)), "{percent}");
        before = trying;
    }
    assert_eq!(before.len(), 20);
    let request = app.request(Method::GET, "/internal/v1/content/1").bearer_auth(crate::app::SERVICE_TOKEN);
    assert_eq!(send(request).await.ok::<Catalogue>(200), catalogue(7));
    let request = app.request(Method::GET, "/internal/v1/content/2").bearer_auth(crate::app::SERVICE_TOKEN);
    send(request).await.problem(404, "no_content_version");
    let request = app.request(Method::GET, "/internal/v1/content/0").bearer_auth(crate::app::SERVICE_TOKEN);
    assert_eq!(send(request).await.ok::<Catalogue>(200), Catalogue::builtin());
}

#[tokio::test]
async fn an_account_keeps_the_version_that_it_tries() {
    let app = App::start().await;
    let players = join_all((0..30).map(|_| app.player())).await;
    let version = publish(&app, &catalogue(7)).await;
    let mut before = vec![false; players.len()];
    for percent in [40, 80] {
        activate(&app, version, percent).await;
        let now = join_all(players.iter().map(|player| async {
            player.get("/v1/content").await.ok::<PlayerContent>(200).version == version
        }));
        let now = now.await;
        assert!(before.iter().zip(&now).all(|(before, now)| *now || !before), "{percent}");
        assert!(now.contains(&true), "{percent}");
        before = now;
    }
    assert!(before.contains(&false));
    // Who plays in an instance of either version can ask for it.
    for wanted in [0, version] {
        let path = format!("/v1/content?version={wanted}");
        assert_eq!(players[0].get(&path).await.ok::<PlayerContent>(200).version, wanted);
    }
    players[0].get("/v1/content?version=77").await.problem(404, "no_content_version");
}

async fn flags(player: &crate::app::Player<'_>) -> Vec<bool> {
    player.get("/v1/flags").await.ok::<PlayerFlags>(200).flags.iter().map(|flag| flag.enabled).collect()
}

#[tokio::test]
async fn flags_are_switched_at_once_and_left_to_the_catalogue_again() {
    let app = App::start().await;
    let player = app.player().await;
    assert_eq!(flags(&player).await, [false]);
    let put = |flag: &str, body: Value| {
        let request = app.owner(Method::PUT, &format!("/flags/{flag}")).json(&body);
        async move { send(request).await }
    };
    put("double-xp", json!({ "enabled": true })).await.ok::<FlagState>(200);
    assert_eq!(flags(&player).await, [true]);
    put("double-xp", json!({ "enabled": true, "percent": 0 })).await.ok::<FlagState>(200);
    assert_eq!(flags(&player).await, [false]);
    let list: FlagStateList = get(&app, "/flags").await.ok(200);
    assert_eq!(list.flags[0].switched.map(|switch| (switch.enabled, switch.percent)), Some((true, 0)));
    let reset = send(app.owner(Method::DELETE, "/flags/double-xp")).await.ok::<FlagState>(200);
    assert_eq!((reset.switched, reset.catalogue.enabled), (None, false));
    put("no-such", json!({ "enabled": true })).await.problem(404, "no_flag");
    put("No Such", json!({ "enabled": true })).await.problem(400, "bad_path");
    put("double-xp", json!({ "enabled": true, "percent": 101 })).await.problem(400, "bad_request");
    put("double-xp", json!({ "enabled": 1 })).await.problem(400, "bad_body");
    put("double-xp", json!({ "enabled": true, "colour": 1 })).await.problem(400, "bad_body");
}

#[tokio::test]
async fn players_and_hosts_cannot_change_content() {
    let app = App::start().await;
    let player = app.player().await;
    for token in [player.token.as_str(), crate::app::SERVICE_TOKEN] {
        let request = app.request(Method::POST, "/admin/v1/content/rollback").bearer_auth(token);
        send(request.json(&json!({ "revision": 0 }))).await.problem(401, "admin_key");
    }
    player.get("/internal/v1/content/0").await.problem(401, "service_token");
}

/// Another process of the API learns of a change by itself, and keeps what it knows of a version that it cannot
/// read.
#[tokio::test]
async fn every_process_follows_the_pointer_and_keeps_what_it_can_read() {
    let app = App::start().await;
    let version = publish(&app, &catalogue(3)).await;
    activate(&app, version, 100).await;
    let other = app.beside(|_| {}).await.url;
    let content = || async {
        let player = app.player().await;
        let request = app.http.get(format!("{other}/v1/content")).bearer_auth(&player.token);
        send(request).await.ok::<PlayerContent>(200).version
    };
    assert_eq!(content().await, version, "the first request of a process waits for it");
    // A newer program has written a form that this one does not know.
    let newer = publish(&app, &catalogue(4)).await;
    let client = app.engine.client();
    let text = |text: String| aws_sdk_dynamodb::types::AttributeValue::S(text);
    let update = client
        .update_item()
        .table_name(format!("{}content", app.engine.table_prefix))
        .key("pk", text(format!("version#{newer}")))
        .key("sk", text("text".into()))
        .update_expression("SET #text = :text")
        .expression_attribute_names("#text", "text")
        .expression_attribute_values(":text", text(r#"{"dragons":[]}"#.into()));
    update.send().await.expect("written");
    let revision = get(&app, "/content").await.ok::<ContentPointer>(200).revision;
    let body = json!({ "version": newer, "revision": revision });
    post(&app, "/content/activate", &body).await.problem(409, "content_unreadable");
    get(&app, &format!("/content/versions/{newer}")).await.problem(409, "content_unreadable");
    // Hosts get it as it is: they may know it.
    let request = app.request(Method::GET, &format!("/internal/v1/content/{newer}"));
    assert_eq!(send(request.bearer_auth(crate::app::SERVICE_TOKEN)).await.text, r#"{"dragons":[]}"#);
    let pointer = json!({ "revision": revision + 1, "active": newer, "earlier": [] }).to_string();
    let update = client
        .update_item()
        .table_name(format!("{}content", app.engine.table_prefix))
        .key("pk", text("region#local".into()))
        .key("sk", text("pointer".into()))
        .update_expression("SET #body = :body")
        .expression_attribute_names("#body", "body")
        .expression_attribute_values(":body", text(pointer));
    update.send().await.expect("written");
    // Longer than what is known stays fresh.
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    assert_eq!(content().await, version);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(content().await, version, "it was read meanwhile, and is not used");
}

#[tokio::test]
async fn a_store_that_is_gone_leaves_what_is_known() {
    let engine = crate::app::Engine::start_embedded().await;
    let mut app = App::start_on(engine, |_| {}).await;
    let version = publish(&app, &catalogue(3)).await;
    activate(&app, version, 100).await;
    let token = app.player().await.token;
    // A process that has never seen who is banned admits nobody.
    let request = app.request(Method::GET, "/v1/content").bearer_auth(&token);
    assert_eq!(send(request).await.ok::<PlayerContent>(200).version, version);
    app.engine.stop().await;
    // Longer than what is known stays fresh.
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    for _ in 0..3 {
        let request = app.request(Method::GET, "/v1/content").bearer_auth(&token);
        assert_eq!(send(request).await.ok::<PlayerContent>(200).version, version);
    }
}
