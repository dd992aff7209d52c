//! Players who are erased while a tournament goes on.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::contract::bans::BansStep;
use domain::contract::privacy::ErasureState;
use domain::contract::tournaments::{
    BracketSlot, MatchVerdict, MyEntries, TournamentBracket, TournamentState, WonBy,
};
use domain::token::JWKS_PATH;
use reqwest::Method;
use serde_json::json;

use super::{Contender, Cup, all_matches, create, definition, key, pair, ready, stored, with};
use crate::admin::platform::{free_address, guest, start_edge};
use crate::admin::post;
use crate::app::{App, SERVICE_TOKEN, send};

async fn enrol(cup: Cup, name: &str, team: &[Contender<'_>]) {
    let team_form = json!({ "name": name, "members": [team[1].character] });
    let body = json!({ "character": team[0].character, "team": team_form, "round_trips": { "local": 4 } });
    team[0].player.post_keyed(&cup.path("/register"), &key(), &body).await.ok::<MyEntries>(200);
}

async fn confirm(cup: Cup, team: &[Contender<'_>]) {
    let body = json!({ "entrant": team[0].character, "accept": true, "round_trips": { "local": 9 } });
    team[1].player.post(&cup.path("/confirm"), &body).await.ok::<MyEntries>(200);
}

async fn withdraw(cup: Cup, one: &Contender<'_>) {
    let request = one.player.request(Method::POST, &cup.path("/withdraw")).header("idempotency-key", key());
    send(request).await.ok::<MyEntries>(200);
}

/// Erases these players, and waits until nothing is left to do.
async fn erase(app: &App, people: &[&Contender<'_>]) {
    for one in people {
        let path = format!("/players/{}/erase", one.player.account);
        post(app, &path, &json!({ "reason": "asked for" })).await.ok::<ErasureState>(200);
    }
    let mut done = 0;
    for _ in 0..200 {
        let step: BansStep = app.internal("/bans/step", &json!({})).await.ok(200);
        done += step.erased;
        if step.erasing == 0 && usize::try_from(done).expect("few") == people.len() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("only {done} are erased");
}

/// What any table holds of these texts. Snapshots are read as the texts that they are.
async fn traces(app: &App, cup: Cup, texts: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let is_in = |text: &str| texts.iter().any(|trace| text.contains(trace.as_str()));
    for (table, items) in app.engine.everything().await {
        // Those end by themselves.
        if table != "mail" && table != "fleet" {
            found.extend(items.into_iter().filter(|item| is_in(item)).map(|item| format!("{table}: {item}")));
        }
    }
    let mut snapshot = Vec::new();
    for item in stored(app, cup, "snapshot#").await {
        let Some(AttributeValue::B(part)) = item.get("part") else { panic!("a part without bytes") };
        snapshot.extend_from_slice(part.as_ref());
    }
    let snapshot = String::from_utf8(snapshot).expect("JSON");
    assert!(!snapshot.is_empty(), "there is a snapshot");
    found.extend(Some(snapshot).filter(|snapshot| is_in(snapshot)));
    found
}

/// What tells of a player: its ids, its name, and the latter as a key.
fn traces_of(gone: &Contender<'_>, name: &str) -> Vec<String> {
    let ids = [gone.character.to_string(), gone.player.account.to_string()];
    // An entrant has the id of its captain, without what it begins with.
    let ids = ids.iter().map(|id| id.rsplit_once('_').expect("a prefix").1.to_owned());
    ids.chain([name.to_owned(), name.to_lowercase()]).collect()
}

/// A team for each two of them, and teams that form and dissolve for 63 records, so that the snapshot of 64 has one that
/// its member confirms after it.
async fn fill(cup: Cup, teams: &[&[Contender<'_>]]) {
    for _ in 0..7 {
        for team in &teams[..3] {
            enrol(cup, "Crew", team).await;
            confirm(cup, team).await;
            withdraw(cup, &team[0]).await;
        }
    }
    for (team, name) in teams.iter().zip(["Crew", "Friends of Wilhelmina", "Crew", "Crew"]) {
        enrol(cup, name, team).await;
    }
    for team in &teams[..3] {
        confirm(cup, team).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tournament_goes_on_without_those_who_are_erased() {
    let address = free_address().await;
    start_edge(address).await;
    let edge = format!("http://{address}");
    let app = App::start_with(|config| {
        config.edge_jwks_url = format!("{edge}{JWKS_PATH}");
        config.erase_settle_ms = 300;
    })
    .await;
    let names = ["Anna", "Zebulon", "Wilhelmina", "Bert", "Carl", "Cleo", "Quentin", "Dora"];
    let mut people = Vec::new();
    for (device, name) in (1..).zip(names) {
        let (player, _) = guest(&app, &edge, device).await;
        let character = player.create(name).await.id;
        people.push(Contender { player, character });
    }
    let teams: Vec<&[Contender<'_>]> = people.chunks(2).collect();
    let fields = [("team_size", json!(2)), ("best_of_final", json!(1))];
    let cup = create(&app, &with(definition(&json!("single_elimination")), &fields)).await;
    fill(cup, &teams).await;
    // A process that remembers the tournament as it was.
    let other = app.beside(|config| config.edge_jwks_url = format!("{edge}{JWKS_PATH}")).await;
    let read =
        |url: String| send(app.http.get(url + &cup.path("/bracket")).bearer_auth(&people[0].player.token));
    read(other.url.clone()).await.ok::<TournamentBracket>(200);

    // One whose team has yet to form: it leaves with its team.
    let (zebulon, wilhelmina, quentin) = (&people[1], &people[2], &people[6]);
    erase(&app, &[quentin]).await;
    let left: MyEntries = people[7].player.get(&cup.path("/entry")).await.ok(200);
    assert!(left.entries.is_empty(), "{left:?}");
    cup.start(&app).await;
    let ban = json!({ "entrant": people[4].character, "reason": "as Wilhelmina said" });
    let before = cup.bracket(&people[0].player).await;
    erase(&app, &[zebulon, wilhelmina]).await;

    let gone = [(zebulon, "Zebulon"), (wilhelmina, "Wilhelmina"), (quentin, "Quentin")];
    let texts: Vec<_> = gone.iter().flat_map(|(gone, name)| traces_of(gone, name)).collect();
    let left = traces(&app, cup, &texts).await;
    assert!(left.is_empty(), "{left:#?}");

    // Every process reads the same: one that remembered, and one that knows nothing.
    let fresh = app.beside(|config| config.edge_jwks_url = format!("{edge}{JWKS_PATH}")).await;
    let known = cup.bracket(&people[0].player).await;
    assert_eq!(known.entrants.len(), before.entrants.len());
    for url in [&other.url, &fresh.url] {
        assert_eq!(read(url.clone()).await.ok::<TournamentBracket>(200), known);
    }
    // And it is played to its end, by whichever.
    let first = ready(&known).remove(0);
    let masked = pair(&first).into_iter().find(|side| *side != people[4].character).expect("the other side");
    assert_ne!(masked, wilhelmina.character);
    let report = json!({ "games": [{ "game": 1, "winner": people[4].character }] });
    let url = format!("{}/internal/v1{}", other.url, cup.match_path(first.id, "report"));
    send(app.http.post(url).bearer_auth(SERVICE_TOKEN).json(&report)).await.ok::<MatchVerdict>(200);
    let bracket = cup.bracket(&people[0].player).await;
    let last = ready(&bracket).remove(0);
    let expected = [people[0].character, people[4].character].map(BracketSlot::Entrant);
    assert_eq!(last.slots, expected);
    cup.decide(&app, "/disqualify", &ban).await.ok::<domain::contract::tournaments::Tournament>(200);
    let bracket = cup.bracket(&people[0].player).await;
    assert_eq!(bracket.state, TournamentState::Finished);
    let last = all_matches(&bracket).find(|fixture| fixture.id == last.id).expect("it");
    assert_eq!((last.winner, last.won_by), (Some(people[0].character), Some(WonBy::Forfeit)));
}
