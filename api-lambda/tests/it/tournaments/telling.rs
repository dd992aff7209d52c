//! Telling: who cannot be told keeps nobody else from it, and is told later.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::contract::mail::{Audience, HostOrder, Mailbox};
use domain::contract::tournaments::StepOutcome;
use domain::ids::{CharacterId, HostId};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Cup, contenders, create, definition, key, stored};
use crate::app::{App, SERVICE_TOKEN, send};
use crate::proxy::fragile;
use crate::purges::slow;

/// Whom the host was told about matches that can be played, and by which ids.
async fn told(app: &App, host: HostId) -> BTreeSet<(CharacterId, String)> {
    told_of(app, host, None).await
}

/// The same of one tournament.
async fn told_of(app: &App, host: HostId, cup: Option<Cup>) -> BTreeSet<(CharacterId, String)> {
    let path = format!("/internal/v1/hosts/{host}/mail?since=0");
    let mailbox = send(app.request(Method::GET, &path).bearer_auth(SERVICE_TOKEN)).await.ok::<Mailbox>(200);
    let mut told = BTreeSet::new();
    for mail in mailbox.mail {
        let HostOrder::Notify { to: Audience::Characters(characters), notice } = mail.order else { continue };
        let body: Value = serde_json::from_str(&notice.body).expect("JSON");
        let is_of = cup.is_none_or(|cup| body["tournament"] == json!(cup.id));
        if is_of && body["kind"] == "match_ready" {
            let id = body["id"].as_str().expect("an id");
            told.extend(characters.into_iter().map(|character| (character, id.to_owned())));
        }
    }
    told
}

#[tokio::test]
async fn who_cannot_be_told_keeps_nobody_else_from_it_and_is_told_later() {
    let world = App::start().await;
    let (app, proxy) = fragile(&world).await;
    let people = contenders(&world, 6).await;
    let hosts = [world.living_host(&["hub"]).await, world.living_host(&["hub"]).await];
    for (number, one) in people.iter().enumerate() {
        let (host, registered) = &hosts[number % 2];
        let own = &registered.instances[0];
        let body = json!({ "account": one.player.account, "host": host, "instance": own.instance, "epoch": own.epoch });
        world.internal(&format!("/characters/{}/claim", one.character), &body).await.ok::<Value>(200);
    }
    let cup = create(&world, &definition(&json!("single_elimination"))).await;
    cup.fill(&people).await;
    // Where one of them is cannot be read, for good, and the mail of the first host cannot be written for now.
    let broken = world.engine.client().update_item();
    let broken = broken.table_name(format!("{}players", world.engine.table_prefix));
    let broken = broken.key("pk", AttributeValue::S(people[5].character.to_string()));
    let broken = broken.update_expression("SET instance = :rubbish");
    let broken = broken.expression_attribute_values(":rubbish", AttributeValue::S("rubbish".into()));
    broken.send().await.expect("written");
    let mail = format!("{}mail", world.engine.table_prefix);
    proxy.refuse(&[mail, hosts[0].0.to_string()]);
    cup.start(&world).await;
    let step =
        async || -> StepOutcome { app.internal("/tournaments/step", &json!({ "limit": 100 })).await.ok(200) };
    step().await;
    assert_eq!(told(&world, hosts[0].0).await, BTreeSet::new());
    let known = told(&world, hosts[1].0).await;
    // Of six the first two have byes: 3 against 6 and 4 against 5 can be played.
    let there: Vec<_> = known.iter().map(|(character, _)| *character).collect();
    assert_eq!(there, [people[3].character], "{known:?}");
    assert_eq!(step().await.due, 0, "not again at once");
    // Another change goes on meanwhile, and is told of.
    let body = json!({ "entrant": people[1].character, "reason": "he did" });
    super::admin(&world, &format!("/{}/disqualify", cup.id), &key(), &body).await.ok::<Value>(200);
    step().await;
    assert!(stored(&world, cup, "head").await[0].contains_key("untold"), "it is noted");
    proxy.refuse(&[]);
    for _ in 0..50 {
        step().await;
        if !told(&world, hosts[0].0).await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let late = told(&world, hosts[0].0).await;
    let here: BTreeSet<_> = late.iter().map(|(character, _)| *character).collect();
    assert_eq!(here, BTreeSet::from([people[2].character, people[4].character]));
    assert_eq!(told(&world, hosts[1].0).await, known, "whoever heard it twice knows it by its id");
    step().await;
    let head = stored(&world, cup, "head").await.remove(0);
    assert!(!head.contains_key("untold") && !head.contains_key("tell_from"), "{head:?}");
}

#[tokio::test]
async fn tournaments_that_one_call_has_no_time_for_are_stepped_by_the_next() {
    let app = App::start().await;
    let people = contenders(&app, 4).await;
    let (host, registered) = app.living_host(&["hub"]).await;
    let own = &registered.instances[0];
    for one in &people {
        let body = json!({ "account": one.player.account, "host": host, "instance": own.instance, "epoch": own.epoch });
        app.internal(&format!("/characters/{}/claim", one.character), &body).await.ok::<Value>(200);
    }
    let mut cups = Vec::new();
    for _ in 0..3 {
        let cup = create(&app, &definition(&json!("single_elimination"))).await;
        cup.fill(&people).await;
        cup.start(&app).await;
        cups.push(cup);
    }
    let slow = slow(&app, 60).await;
    let (mut due, mut calls, mut cursor) = (0, 0, None);
    loop {
        let body = json!({ "limit": 100, "cursor": cursor });
        let outcome: StepOutcome = slow.internal("/tournaments/step", &body).await.ok(200);
        calls += 1;
        due += outcome.due;
        let Some(next) = outcome.next else { break };
        assert!(outcome.due > 0 && calls < 5, "each call gets on");
        cursor = Some(next);
    }
    assert_eq!(due, 3, "each once");
    assert!(calls > 1, "there was too little to do");
    // What they had no time to tell is told later: all can play in each.
    for cup in cups {
        for _ in 0..50 {
            let head = stored(&app, cup, "head").await.remove(0);
            if !head.contains_key("untold") && !head.contains_key("tell_from") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            app.internal("/tournaments/step", &json!({ "limit": 100 })).await.ok::<StepOutcome>(200);
        }
        assert_eq!(told_of(&app, host, Some(cup)).await.len(), 4);
    }
}
