//! Maintenance: players look and wait, everybody else works.

use domain::contract::bans::Maintenance;
use domain::contract::players::{Character, CharacterList};
use reqwest::Method;
use serde_json::json;

use super::{key_of, with_key};
use crate::app::{App, send};

#[tokio::test]
async fn players_change_nothing_during_maintenance() {
    let app = App::start().await;
    let player = app.player().await;
    let ada = player.create("Ada").await;
    let (host, _) = app.host(&["forest"]).await;
    let body = json!({ "message": "Back at noon: new maps", "retry_after_secs": 90 });
    let begun: Maintenance = send(app.owner(Method::PUT, "/maintenance").json(&body)).await.ok(200);
    assert!(begun.on && begun.since.is_some() && begun.by.as_deref() == Some("owner"));
    assert_eq!(send(app.owner(Method::GET, "/maintenance")).await.ok::<Maintenance>(200), begun);

    let join = json!({ "character": ada.id });
    for answer in [
        player.post("/v1/characters", &json!({ "name": "Eve" })).await,
        player.post_keyed("/v1/zones/forest/join", "k", &join).await,
        player.delete(&format!("/v1/characters/{}", ada.id)).await,
    ] {
        let problem = answer.problem(503, "maintenance");
        assert_eq!(problem.detail, "Back at noon: new maps");
        assert_eq!(answer.headers["retry-after"], "90");
    }
    assert_eq!(player.get("/v1/characters").await.ok::<CharacterList>(200).characters, [ada]);
    // Services and administrators go on.
    let beat = json!({ "instances": [], "tick_p99_us": 0, "draining": false });
    assert_eq!(app.internal(&format!("/hosts/{host}/heartbeat"), &beat).await.status, 200);
    let key = key_of(&app, "operator").await;

    let over: Maintenance = send(with_key(&app, &key.secret, Method::DELETE, "/maintenance")).await.ok(200);
    assert!(!over.on);
    let _: Character = player.post("/v1/characters", &json!({ "name": "Eve" })).await.ok(201);
    assert_eq!(send(app.owner(Method::DELETE, "/maintenance")).await.status, 200, "twice is as good as once");
    assert_eq!(send(app.owner(Method::GET, "/maintenance")).await.ok::<Maintenance>(200), over);

    for body in [json!({}), json!({ "message": "" }), json!({ "message": "x", "on": true })] {
        send(app.owner(Method::PUT, "/maintenance").json(&body)).await.problem(400, "bad_body");
    }
    for secs in [0, 3_601] {
        let body = json!({ "message": "x", "retry_after_secs": secs });
        send(app.owner(Method::PUT, "/maintenance").json(&body)).await.problem(400, "bad_request");
    }
    let support = key_of(&app, "support").await;
    let request = with_key(&app, &support.secret, Method::PUT, "/maintenance");
    send(request.json(&json!({ "message": "x" }))).await.problem(403, "role_too_low");
}
