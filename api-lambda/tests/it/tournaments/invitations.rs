//! Invitations to teams: what blocks, mutes and limits make of them.

use domain::catalogue::Catalogue;
use domain::contract::chat::Mute;
use domain::contract::tournaments::{EntryState, MyEntries, Tournament};
use reqwest::Method;
use serde_json::json;

use super::{Contender, Cup, contenders, create, definition, key, with};
use crate::app::{Answer, App, Player, send};

async fn invite(cup: Cup, captain: &Contender<'_>, name: &str, members: &[&Contender<'_>]) -> Answer {
    let members: Vec<_> = members.iter().map(|member| member.character).collect();
    let body = json!({ "character": captain.character, "team": { "name": name, "members": members } });
    captain.player.post_keyed(&cup.path("/register"), &key(), &body).await
}

async fn block(player: &Player<'_>, other: &Contender<'_>) {
    let body = json!({ "whom": { "character": other.character } });
    assert_eq!(player.post("/v1/blocks", &body).await.status, 204);
}

#[tokio::test]
async fn who_blocks_the_captain_is_not_shown_the_invitation() {
    let app = App::start_with(|config| {
        let mut catalogue = Catalogue::builtin();
        catalogue.chat.blocked_words = vec!["darn".into()];
        config.catalogue = catalogue;
    })
    .await;
    let people = contenders(&app, 3).await;
    let [ann, bob, cid] = &people[..] else { panic!("three") };
    let team = with(definition(&json!("single_elimination")), &[("team_size", json!(2))]);
    let cup = create(&app, &team).await;
    block(&bob.player, ann).await;
    let made: MyEntries = invite(cup, ann, "Darn them", &[bob]).await.ok(200);
    assert_eq!((made.entries[0].state, made.entries[0].name.as_str()), (EntryState::Forming, "**** them"));
    assert!(bob.player.get(&cup.path("/entry")).await.ok::<MyEntries>(200).entries.is_empty());
    let accept = json!({ "entrant": ann.character, "accept": true });
    bob.player.post(&cup.path("/confirm"), &accept).await.problem(404, "no_entry");
    // The other way round it is no secret.
    invite(cup, bob, "Two", &[ann]).await.problem(409, "blocking");
    invite(cup, bob, "Two", &[cid]).await.ok::<MyEntries>(200);
    let accept = json!({ "entrant": bob.character, "accept": true });
    cid.player.post(&cup.path("/confirm"), &accept).await.ok::<MyEntries>(200);
}

#[tokio::test]
async fn invitations_are_few_and_not_for_the_muted() {
    let app = App::start().await;
    let people = contenders(&app, 2).await;
    let [ann, bob] = &people[..] else { panic!("two") };
    let team = with(definition(&json!("single_elimination")), &[("team_size", json!(2))]);
    let cup = create(&app, &team).await;
    let decline = json!({ "entrant": ann.character, "accept": false });
    for _ in 0..8 {
        invite(cup, ann, "Again", &[bob]).await.ok::<MyEntries>(200);
        bob.player.post(&cup.path("/confirm"), &decline).await.ok::<MyEntries>(200);
    }
    invite(cup, ann, "Again", &[bob]).await.problem(409, "tournament_full");
    let path = format!("/players/{}/mute", bob.player.account);
    let mute = json!({ "seconds": 600, "reason": "shouting" });
    send(app.owner(Method::PUT, &path).json(&mute)).await.ok::<Mute>(200);
    let told = invite(cup, bob, "Loud", &[ann]).await.problem(403, "muted");
    assert!(told.detail.contains("shouting"), "{}", told.detail);
    // A single player names nothing.
    let single = create(&app, &definition(&json!("single_elimination"))).await;
    single.register(bob).await.ok::<MyEntries>(200);
}

#[tokio::test]
async fn a_member_who_is_named_twice_is_refused_whatever_the_seeding() {
    let app = App::start().await;
    let people = contenders(&app, 2).await;
    let [ann, bob] = &people[..] else { panic!("two") };
    for seeding in [json!("registration"), json!({ "rating": { "queue": "duel" } })] {
        let fields = [("team_size", json!(3)), ("seeding", seeding)];
        let cup = create(&app, &with(definition(&json!("single_elimination")), &fields)).await;
        invite(cup, ann, "Three", &[bob, bob]).await.problem(422, "team_twice");
        invite(cup, ann, "Three", &[ann, bob]).await.problem(422, "team_twice");
    }
}

#[tokio::test]
async fn a_ban_does_not_reach_whom_a_captain_merely_named() {
    let app = App::start().await;
    let people = contenders(&app, 3).await;
    let [ann, bob, cid] = &people[..] else { panic!("three") };
    let team = with(definition(&json!("single_elimination")), &[("team_size", json!(2))]);
    let cup = create(&app, &team).await;
    invite(cup, ann, "Two", &[bob]).await.ok::<MyEntries>(200);
    let body = json!({ "entrant": ann.character, "reason": "aims by machine" });
    cup.decide(&app, "/disqualify", &body).await.ok::<Tournament>(200);
    invite(cup, ann, "Two", &[cid]).await.problem(403, "disqualified");
    invite(cup, bob, "Two", &[cid]).await.ok::<MyEntries>(200);
}
