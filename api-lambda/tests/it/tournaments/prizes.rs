//! Prizes: each once, whatever is repeated or cut short.

use std::collections::BTreeMap;

use domain::contract::mail::{HostOrder, Mailbox};
use domain::contract::possessions::{Inventory, WalletBalances};
use domain::contract::tournaments::{MatchVerdict, MyEntries, TournamentState};
use domain::ids::CharacterId;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Cup, contenders, create, definition, key, ready, step, stored, with};
use crate::app::{App, Player, SERVICE_TOKEN, send};

fn prizes() -> Value {
    json!([
        { "place": 1, "reward": { "currency": "coin" }, "amount": 1_000 },
        { "place": 1, "reward": { "item": "potion" }, "amount": 3 },
        { "place": 2, "reward": { "currency": "coin" }, "amount": 501 },
        { "place": 3, "reward": { "currency": "coin" }, "amount": 101 },
        { "place": 4, "reward": { "currency": "coin" }, "amount": 100 },
    ])
}

/// What the character has of a reward.
async fn holding(player: &Player<'_>, character: CharacterId, name: &str) -> u64 {
    let wallet: WalletBalances = player.get(&format!("/v1/characters/{character}/wallet")).await.ok(200);
    let money = wallet.balances.iter().find(|money| money.currency.as_str() == name);
    let bag: Inventory = player.get(&format!("/v1/characters/{character}/inventory")).await.ok(200);
    let stack = bag.stacks.iter().find(|stack| stack.item.as_str() == name);
    money.map_or(0, |money| money.balance) + stack.map_or(0, |stack| u64::from(stack.count))
}

async fn played(app: &App, cup: Cup, reader: &Player<'_>) {
    loop {
        let bracket = cup.bracket(reader).await;
        let Some(next) = ready(&bracket).into_iter().next() else {
            assert_eq!(bracket.state, TournamentState::Finished);
            return;
        };
        let winner = super::pair(&next)[0];
        cup.win(app, &next, winner).await;
    }
}

#[tokio::test]
async fn each_prize_is_paid_once_by_ten_steps_at_once_and_again() {
    let app = App::start().await;
    let people = contenders(&app, 4).await;
    let fields = [("prizes", prizes())];
    let cup = create(&app, &with(definition(&json!("single_elimination")), &fields)).await;
    cup.fill(&people).await;
    cup.start(&app).await;
    played(&app, cup, &people[0].player).await;
    // Two processes that know nothing of each other, five calls each at once.
    let url = format!("{}/internal/v1/tournaments/step", app.beside(|_| {}).await.url);
    let body = json!({ "limit": 10 });
    let there = (0..5).map(|_| send(app.http.post(&url).bearer_auth(SERVICE_TOKEN).json(&body)));
    let here = (0..5).map(|_| app.internal("/tournaments/step", &body));
    let (there, here) = futures_util::future::join(join_all(there), join_all(here)).await;
    let outcomes: Vec<Value> = there.iter().chain(&here).map(|answer| answer.ok(200)).collect();
    let paid: u64 = outcomes.iter().map(|outcome| outcome["paid"].as_u64().expect("a number")).sum();
    assert_eq!(paid, 5, "{outcomes:?}");
    step(&app).await;
    let mut coins = BTreeMap::new();
    for contender in &people {
        coins.insert(contender.character, holding(&contender.player, contender.character, "coin").await);
    }
    let standings = cup.standings(&people[0].player).await;
    let won: Vec<_> = standings.iter().map(|line| coins[&line.entrant]).collect();
    // The two who lost the semifinals share what the third and the fourth place give, and the odd one.
    assert_eq!(won, [1_000, 501, 101, 100]);
    let champion = people.iter().find(|one| one.character == standings[0].entrant).expect("one of them");
    assert_eq!(holding(&champion.player, champion.character, "potion").await, 3);
    assert_eq!(stored(&app, cup, "paid#").await.len(), 5);
}

/// A crash after any call: the head says again that prizes are owed, and the step begins anew.
#[tokio::test]
async fn a_step_that_was_cut_short_anywhere_is_begun_again_without_harm() {
    let app = App::start().await;
    let people = contenders(&app, 2).await;
    let fields = [("prizes", prizes()), ("best_of_final", json!(1))];
    let cup = create(&app, &with(definition(&json!("single_elimination")), &fields)).await;
    cup.fill(&people).await;
    cup.start(&app).await;
    played(&app, cup, &people[0].player).await;
    let (client, table) = (app.engine.client(), format!("{}tournaments", app.engine.table_prefix));
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let key = |sk: &str| {
        std::collections::HashMap::from([("pk".into(), text(&cup.id.to_string())), ("sk".into(), text(sk))])
    };
    let head = client.get_item().table_name(&table).set_key(Some(key("head"))).send().await;
    let head = head.expect("an answer").item.expect("a head");
    assert!(head.contains_key("due_at") && head.contains_key("tell_from"), "{head:?}");
    for _ in 0..3 {
        step(&app).await;
        // The last call of the step was lost: the head is as it was before it.
        client.put_item().table_name(&table).set_item(Some(head.clone())).send().await.expect("written");
    }
    step(&app).await;
    let coins = [
        holding(&people[0].player, people[0].character, "coin").await,
        holding(&people[1].player, people[1].character, "coin").await,
    ];
    assert_eq!(coins.iter().sum::<u64>(), 1_501, "{coins:?}");
    assert_eq!(step(&app).await.due, 0);
}

#[tokio::test]
async fn a_winner_who_is_deleted_holds_nothing_up_and_loses_nothing() {
    let app = App::start().await;
    let people = contenders(&app, 2).await;
    let fields = [("prizes", prizes()), ("best_of_final", json!(1))];
    let cup = create(&app, &with(definition(&json!("single_elimination")), &fields)).await;
    cup.fill(&people).await;
    cup.start(&app).await;
    played(&app, cup, &people[0].player).await;
    let champion = cup.standings(&people[0].player).await[0].entrant;
    let champion = people.iter().find(|one| one.character == champion).expect("one of them");
    let path = format!("/v1/characters/{}", champion.character);
    assert_eq!(champion.player.delete(&path).await.status, 204);
    let outcome = step(&app).await;
    assert_eq!((outcome.paid, outcome.failed), (1, 0), "the second place");
    assert_eq!(step(&app).await.due, 0);
    assert_eq!(stored(&app, cup, "paid#").await.len(), 1);
    // It can be restored yet, and then it gets them: a minute later, which is over here.
    let path = format!("{path}/restore");
    champion.player.post(&path, &json!({})).await.ok::<domain::contract::players::Character>(200);
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let call =
        app.engine.client().update_item().table_name(format!("{}tournaments", app.engine.table_prefix));
    let call = call.key("pk", text(&cup.id.to_string())).key("sk", text("head"));
    let over = aws_sdk_dynamodb::types::AttributeValue::N("1".to_owned());
    let call = call.update_expression("SET due_at = :over").expression_attribute_values(":over", over);
    call.send().await.expect("written");
    assert_eq!(step(&app).await.paid, 2);
    assert_eq!(holding(&champion.player, champion.character, "coin").await, 1_000);
    assert_eq!(stored(&app, cup, "paid#").await.len(), 3);
}

#[tokio::test]
async fn members_share_and_are_told() {
    let app = App::start().await;
    let (host, registered) = app.living_host(&["hub"]).await;
    let people = contenders(&app, 4).await;
    let fields = [("prizes", prizes()), ("best_of_final", json!(1)), ("team_size", json!(2))];
    let cup = create(&app, &with(definition(&json!("single_elimination")), &fields)).await;
    for team in people.chunks(2) {
        let form = json!({ "name": "Duo", "members": [team[1].character] });
        let body = json!({ "character": team[0].character, "team": form });
        team[0].player.post_keyed(&cup.path("/register"), &key(), &body).await.ok::<MyEntries>(200);
        let body = json!({ "entrant": team[0].character, "accept": true });
        team[1].player.post(&cup.path("/confirm"), &body).await.ok::<MyEntries>(200);
    }
    for one in &people {
        let own = &registered.instances[0];
        let body = json!({ "account": one.player.account, "host": host, "instance": own.instance, "epoch": own.epoch });
        app.internal(&format!("/characters/{}/claim", one.character), &body).await.ok::<Value>(200);
    }
    cup.start(&app).await;
    step(&app).await;
    let mailbox = || async {
        let path = format!("/internal/v1/hosts/{host}/mail?since=0");
        send(app.request(Method::GET, &path).bearer_auth(SERVICE_TOKEN)).await.ok::<Mailbox>(200)
    };
    let kinds = |mailbox: &Mailbox| -> Vec<String> {
        let notices = mailbox.mail.iter().filter_map(|mail| match &mail.order {
            HostOrder::Notify { notice, .. } if notice.topic == "tournament" => Some(&notice.body),
            _ => None,
        });
        let body = notices.map(|body| serde_json::from_str::<Value>(body).expect("JSON"));
        body.map(|body| body["kind"].as_str().expect("a kind").to_owned()).collect()
    };
    let told = kinds(&mailbox().await);
    assert_eq!(told.iter().filter(|kind| *kind == "match_ready").count(), 1, "{told:?}");
    assert_eq!(told.iter().filter(|kind| *kind == "invited").count(), 2, "{told:?}");
    played(&app, cup, &people[0].player).await;
    step(&app).await;
    let mut coins = Vec::new();
    for one in &people {
        coins.push(holding(&one.player, one.character, "coin").await);
    }
    coins.sort_unstable();
    // What does not divide goes to the captain.
    assert_eq!(coins, [250, 251, 500, 500]);
    let told = kinds(&mailbox().await);
    assert!(
        told.iter().any(|kind| kind == "finished") && told.iter().any(|kind| kind == "prize"),
        "{told:?}"
    );
}

/// The second is disqualified by the ruling on the last match: the two of the semifinals move up.
#[tokio::test]
async fn who_is_disqualified_for_the_last_match_gets_no_prize() {
    let app = App::start().await;
    let people = contenders(&app, 4).await;
    let fields = [("prizes", prizes()), ("best_of_final", json!(1))];
    let cup = create(&app, &with(definition(&json!("single_elimination")), &fields)).await;
    cup.fill(&people).await;
    cup.start(&app).await;
    let reader = &people[0].player;
    for fixture in ready(&cup.bracket(reader).await) {
        cup.win(&app, &fixture, super::pair(&fixture)[0]).await;
    }
    let last = ready(&cup.bracket(reader).await).into_iter().next().expect("the final");
    let [winner, foul] = super::pair(&last);
    let body = json!({ "ruling": { "disqualify": foul }, "reason": "he did" });
    cup.decide(&app, &format!("/matches/{}/rule", last.id), &body).await.ok::<MatchVerdict>(200);
    assert_eq!(step(&app).await.paid, 4);
    let mut coins = Vec::new();
    for one in &people {
        let others = one.character != winner && one.character != foul;
        let coin = holding(&one.player, one.character, "coin").await;
        coins.push((one.character == foul, others, coin));
    }
    coins.sort_unstable();
    // 501 and 101 together; nobody is left for what the fourth place gives.
    assert_eq!(coins, [(false, false, 1_000), (false, true, 301), (false, true, 301), (true, false, 0)]);
    let standings = cup.standings(reader).await;
    assert_eq!((standings[0].entrant, standings[3].entrant), (winner, foul));
}
