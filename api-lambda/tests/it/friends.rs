//! `/v1/friends` and `/v1/blocks`.

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use domain::contract::players::Character;
use domain::contract::social::{
    AcquaintancePage, FriendAnswer, FriendPage, FriendState, NamedCharacter, Presence,
};
use domain::ids::CharacterId;
use domain::names::CharacterName;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::app::{Answer, App, Player};

/// A player with a character.
pub(crate) struct Person<'a> {
    pub(crate) player: Player<'a>,
    pub(crate) character: Character,
}

pub(crate) async fn person<'a>(app: &'a App, name: &str) -> Person<'a> {
    let player = app.player().await;
    let character = player.create(name).await;
    Person { player, character }
}

impl Person<'_> {
    pub(crate) fn id(&self) -> CharacterId {
        self.character.id
    }

    pub(crate) async fn ask(&self, other: &Person<'_>) -> Answer {
        let body = json!({ "from": self.id(), "to": { "character": other.id() } });
        self.player.post("/v1/friends/requests", &body).await
    }

    async fn accept(&self, other: CharacterId) -> Answer {
        self.player.post(&format!("/v1/friends/requests/{other}/accept"), &()).await
    }

    pub(crate) async fn befriend(&self, other: &Person<'_>) {
        assert_eq!(self.ask(other).await.status, 200);
        assert_eq!(other.accept(self.id()).await.status, 200);
    }

    pub(crate) async fn block(&self, other: CharacterId) {
        let body = json!({ "whom": { "character": other } });
        let answer = self.player.post("/v1/blocks", &body).await;
        assert_eq!(answer.status, 204, "{}", answer.text);
    }

    pub(crate) async fn list(&self, path: &str) -> Vec<CharacterId> {
        let page: AcquaintancePage = self.player.get(path).await.ok(200);
        assert!(page.next.is_none());
        page.entries.into_iter().map(|entry| entry.character).collect()
    }

    pub(crate) async fn friends(&self) -> Vec<CharacterId> {
        let page: FriendPage = self.player.get("/v1/friends").await.ok(200);
        page.friends.into_iter().map(|friend| friend.character).collect()
    }

    pub(crate) async fn incoming(&self) -> Vec<CharacterId> {
        let incoming = self.list("/v1/friends/requests?direction=incoming").await;
        assert_eq!(self.list("/v1/friends/requests").await, incoming, "unless told otherwise");
        incoming
    }

    pub(crate) async fn outgoing(&self) -> Vec<CharacterId> {
        self.list("/v1/friends/requests?direction=outgoing").await
    }
}

/// What the store counts of an account, beside what is listed.
pub(crate) async fn counts(app: &App, person: &Person<'_>) -> (u64, u64, u64, u64) {
    let key = |text: &str| AttributeValue::S(text.to_owned());
    let table = format!("{}social", app.engine.table_prefix);
    let call = app.engine.client().get_item().table_name(table).consistent_read(true);
    let call = call.key("pk", key(&person.player.account.to_string())).key("sk", key("count"));
    let item = call.send().await.expect("an answer").item.unwrap_or_default();
    let count = |name: &str| match item.get(name) {
        Some(AttributeValue::N(digits)) => digits.parse().expect("not below 0"),
        _ => 0,
    };
    (count("friend"), count("out"), count("in"), count("block"))
}

#[tokio::test]
async fn strangers_become_friends_and_strangers_again() {
    let app = App::start().await;
    let (ann, bob) = (person(&app, "Ann").await, person(&app, "Bob Bee").await);
    let body = json!({ "from": ann.id(), "to": { "name": "bob-bee" } });
    let answer: FriendAnswer = ann.player.post("/v1/friends/requests", &body).await.ok(200);
    assert_eq!((answer.character, answer.state), (bob.id(), FriendState::Pending));
    assert_eq!((ann.outgoing().await, bob.incoming().await), (vec![bob.id()], vec![ann.id()]));
    assert!(ann.incoming().await.is_empty() && bob.outgoing().await.is_empty());
    assert!(ann.friends().await.is_empty());
    // Asked again, nothing changes.
    assert_eq!(ann.ask(&bob).await.ok::<FriendAnswer>(200).state, FriendState::Pending);
    assert_eq!(counts(&app, &ann).await, (0, 1, 0, 0));

    let accepted: FriendAnswer = bob.accept(ann.id()).await.ok(200);
    assert_eq!((accepted.character, accepted.state), (ann.id(), FriendState::Friends));
    let page: FriendPage = ann.player.get("/v1/friends").await.ok(200);
    assert_eq!(page.friends[0].character, bob.id());
    assert_eq!(page.friends[0].name.as_ref().map(CharacterName::as_str), Some("Bob Bee"));
    assert_eq!(page.friends[0].presence, Presence::default());
    assert_eq!(bob.friends().await, [ann.id()]);
    assert!(ann.outgoing().await.is_empty() && bob.incoming().await.is_empty());
    assert_eq!((counts(&app, &ann).await, counts(&app, &bob).await), ((1, 0, 0, 0), (1, 0, 0, 0)));
    assert_eq!(ann.ask(&bob).await.ok::<FriendAnswer>(200).state, FriendState::Friends);

    assert_eq!(ann.player.delete(&format!("/v1/friends/{}", bob.id())).await.status, 204);
    ann.player.delete(&format!("/v1/friends/{}", bob.id())).await.problem(404, "no_friend");
    assert!(ann.friends().await.is_empty() && bob.friends().await.is_empty());
    assert_eq!((counts(&app, &ann).await, counts(&app, &bob).await), ((0, 0, 0, 0), (0, 0, 0, 0)));
    bob.accept(ann.id()).await.problem(404, "no_request");
}

#[tokio::test]
async fn requests_are_declined_and_withdrawn() {
    let app = App::start().await;
    let (ann, bob) = (person(&app, "Ann").await, person(&app, "Bob").await);
    ann.ask(&bob).await;
    let decline = format!("/v1/friends/requests/{}/decline", ann.id());
    assert_eq!(bob.player.post_keyed(&decline, "key", &()).await.status, 204);
    assert_eq!(bob.player.post_keyed(&decline, "key", &()).await.status, 204);
    bob.player.post(&decline, &()).await.problem(404, "no_request");
    assert!(ann.outgoing().await.is_empty() && bob.incoming().await.is_empty());
    ann.ask(&bob).await;
    let withdraw = format!("/v1/friends/requests/{}", bob.id());
    // Only one's own.
    bob.player.delete(&withdraw).await.problem(404, "no_request");
    assert_eq!(ann.player.delete(&withdraw).await.status, 204);
    ann.player.delete(&withdraw).await.problem(404, "no_request");
    bob.accept(ann.id()).await.problem(404, "no_request");
    assert_eq!((counts(&app, &ann).await, counts(&app, &bob).await), ((0, 0, 0, 0), (0, 0, 0, 0)));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let app = App::start().await;
    let (ann, bob) = (person(&app, "Ann").await, person(&app, "Bob").await);
    let twin = ann.player.create("Ann Two").await;
    let nobody = CharacterId::from_u128(1);
    for (from, to, status, code) in [
        (ann.id(), json!({ "name": "Nobody" }), 404, "nobody"),
        (ann.id(), json!({ "character": nobody }), 404, "nobody"),
        (ann.id(), json!({ "character": twin.id }), 409, "oneself"),
        (bob.id(), json!({ "character": bob.id() }), 404, "no_character"),
    ] {
        let body = json!({ "from": from, "to": to });
        ann.player.post("/v1/friends/requests", &body).await.problem(status, code);
    }
    for body in [
        json!({}),
        json!({ "from": ann.id(), "to": {} }),
        json!({ "from": ann.id(), "to": { "name": "Bob", "character": bob.id() } }),
        json!({ "from": ann.id(), "to": { "account": bob.player.account } }),
        json!({ "from": ann.id(), "to": { "name": "x".repeat(10_000) } }),
        json!({ "from": ann.player.account, "to": { "name": "Bob" } }),
        json!({ "from": ann.id(), "to": { "name": "Bob" }, "more": 1 }),
    ] {
        ann.player.post("/v1/friends/requests", &body).await.problem(400, "bad_body");
        ann.player.post("/v1/blocks", &body).await.problem(400, "bad_body");
    }
    let oneself = json!({ "whom": { "character": twin.id } });
    ann.player.post("/v1/blocks", &oneself).await.problem(409, "oneself");
    ann.player.post("/v1/blocks", &json!({ "whom": { "name": "Nobody" } })).await.problem(404, "nobody");
    ann.player.delete(&format!("/v1/blocks/{}", bob.id())).await.problem(404, "no_block");
    ann.player.delete("/v1/friends/rubbish").await.problem(400, "bad_path");
    ann.player.get("/v1/friends/requests?direction=up").await.problem(400, "bad_query");
    ann.player.get("/v1/friends?limit=101").await.problem(400, "bad_query");
    ann.player.get("/v1/friends?cursor=rubbish").await.problem(400, "bad_query");
    ann.player.get("/v1/names/x").await.problem(400, "bad_path");
    ann.player.get("/v1/names/Nobody").await.problem(404, "nobody");
    let named: NamedCharacter = ann.player.get("/v1/names/bOB").await.ok(200);
    assert_eq!((named.character, named.name.as_str()), (bob.id(), "Bob"));
}

#[tokio::test]
async fn crossing_requests_and_acceptances_make_one_friendship() {
    let app = App::start().await;
    let (ann, bob) = (person(&app, "Ann").await, person(&app, "Bob").await);
    let both = join_all([ann.ask(&bob), bob.ask(&ann)]).await;
    assert!(both.iter().any(|answer| answer.ok::<FriendAnswer>(200).state == FriendState::Friends));
    assert_eq!((ann.friends().await, bob.friends().await), (vec![bob.id()], vec![ann.id()]));
    assert_eq!((counts(&app, &ann).await, counts(&app, &bob).await), ((1, 0, 0, 0), (1, 0, 0, 0)));

    let eve = person(&app, "Eve").await;
    let body = json!({ "from": eve.id(), "to": { "character": ann.id() } });
    let asked = (0..10).map(|_| eve.player.post_keyed("/v1/friends/requests", "one", &body));
    for answer in join_all(asked).await {
        assert_eq!(answer.ok::<FriendAnswer>(200).state, FriendState::Pending);
    }
    let path = format!("/v1/friends/requests/{}/accept", eve.id());
    let keyed = join_all((0..5).map(|_| ann.player.post_keyed(&path, "key", &()))).await;
    let bare = join_all((0..5).map(|_| ann.player.post(&path, &()))).await;
    for answer in keyed.iter().chain(&bare) {
        assert_eq!(answer.ok::<FriendAnswer>(200).state, FriendState::Friends);
    }
    assert_eq!((counts(&app, &ann).await, counts(&app, &eve).await), ((2, 0, 0, 0), (1, 0, 0, 0)));
    // Accepting, declining and withdrawing at once: one of them wins, and the counts tell the same as the lists.
    for round in 0..5 {
        let fay = person(&app, &format!("Fay {}", ["a", "b", "c", "d", "e"][round])).await;
        fay.ask(&bob).await;
        let (accept, decline) = (fay.id(), format!("/v1/friends/requests/{}/decline", fay.id()));
        let withdraw = format!("/v1/friends/requests/{}", bob.id());
        let rivals =
            tokio::join!(bob.accept(accept), bob.player.post(&decline, &()), fay.player.delete(&withdraw));
        let won = [rivals.0.status == 200, rivals.1.status == 204, rivals.2.status == 204];
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "{rivals:?}");
        let friends = u64::from(won[0]);
        assert_eq!(fay.friends().await.len() as u64, friends);
        assert_eq!(counts(&app, &fay).await, (friends, 0, 0, 0));
        assert_eq!(counts(&app, &bob).await.0, bob.friends().await.len() as u64);
    }
}

#[tokio::test]
async fn a_block_ends_all_is_of_the_account_and_is_not_shown() {
    let app = App::start().await;
    let (ann, bob) = (person(&app, "Ann").await, person(&app, "Bob").await);
    ann.befriend(&bob).await;
    join_all((0..6).map(|_| ann.block(bob.id()))).await;
    assert!(ann.friends().await.is_empty() && bob.friends().await.is_empty());
    assert_eq!(ann.list("/v1/blocks").await, [bob.id()]);
    assert!(bob.list("/v1/blocks").await.is_empty());
    assert_eq!((counts(&app, &ann).await, counts(&app, &bob).await), ((0, 0, 0, 1), (0, 0, 0, 0)));
    ann.ask(&bob).await.problem(409, "blocking");

    // Bob sees a request like any other, also from another character, and Ann sees none.
    let mask = Person { player: app.player().await, character: bob.player.create("Mask").await };
    let mask = Person { player: Player { token: bob.player.token.clone(), ..mask.player }, ..mask };
    let from_mask: Value = mask.ask(&ann).await.ok(200);
    let stranger = person(&app, "Stranger").await;
    let from_stranger: Value = stranger.ask(&ann).await.ok(200);
    assert_eq!(from_mask, from_stranger);
    assert_eq!(bob.outgoing().await, [ann.id()]);
    assert_eq!(ann.incoming().await, [stranger.id()]);
    assert_eq!(counts(&app, &ann).await, (0, 0, 1, 1));
    ann.accept(mask.id()).await.problem(404, "no_request");
    // Withdrawn like any other.
    assert_eq!(bob.player.delete(&format!("/v1/friends/requests/{}", ann.id())).await.status, 204);
    assert_eq!(counts(&app, &bob).await, (0, 0, 0, 0));
    bob.ask(&ann).await;
    assert_eq!(ann.player.delete(&format!("/v1/blocks/{}", bob.id())).await.status, 204);
    assert_eq!(ann.incoming().await, [stranger.id()]);
    // Asked anew after the end of the block, it is shown.
    bob.ask(&ann).await;
    assert_eq!(ann.incoming().await.len(), 2);
    assert_eq!((counts(&app, &ann).await, counts(&app, &bob).await), ((0, 0, 2, 0), (0, 1, 0, 0)));
}

#[tokio::test]
async fn fifty_requests_may_be_open_however_fast_they_come() {
    let app = App::start().await;
    let ann = person(&app, "Ann").await;
    let mut others = Vec::new();
    for index in 0..54_u8 {
        let name = format!("Other {}{}", char::from(b'a' + index / 8), char::from(b'a' + index % 8));
        others.push(person(&app, &name).await);
    }
    let answers = join_all(others.iter().map(|other| ann.ask(other))).await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
    assert_eq!(refused.len(), 4);
    for answer in refused {
        answer.problem(409, "requests_full");
    }
    assert_eq!(counts(&app, &ann).await, (0, 50, 0, 0));
    // Every page to the end, each entry once, and no account in a cursor.
    let (mut seen, mut next) = (Vec::new(), None::<String>);
    loop {
        let cursor = next.map(|next| format!("&cursor={next}")).unwrap_or_default();
        let path = format!("/v1/friends/requests?direction=outgoing&limit=7{cursor}");
        let page: AcquaintancePage = ann.player.get(&path).await.ok(200);
        assert!(page.entries.len() <= 7);
        seen.extend(page.entries.into_iter().map(|entry| entry.character));
        let Some(cursor) = page.next else { break };
        let inside = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(&cursor).expect("base64");
        assert!(!String::from_utf8(inside).expect("text").contains("acc_"));
        next = Some(cursor);
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((count, seen.len()), (50, 50));
    // One that is withdrawn makes room.
    assert_eq!(ann.player.delete(&format!("/v1/friends/requests/{}", seen[0])).await.status, 204);
    let left = others.iter().find(|other| !seen.contains(&other.id())).expect("four");
    assert_eq!(ann.ask(left).await.status, 200);
}

#[tokio::test]
async fn friends_see_where_friends_are() {
    let app = App::start().await;
    let (ann, bob) = (person(&app, "Ann").await, person(&app, "Bob").await);
    ann.befriend(&bob).await;
    let (host, registered) = app.living_host(&["forest"]).await;
    let at = &registered.instances[0];
    enter(&app, &bob, host, at).await;
    let page: FriendPage = ann.player.get("/v1/friends").await.ok(200);
    let expected =
        Presence { online: true, zone: Some(at.zone.clone()), instance: Some(at.instance), joinable: true };
    assert_eq!(page.friends[0].presence, expected);
    // A host that is gone has nobody in it.
    let gone = app.request(reqwest::Method::DELETE, &format!("/internal/v1/hosts/{host}"));
    crate::app::send(gone.bearer_auth(crate::app::SERVICE_TOKEN)).await;
    let page: FriendPage = ann.player.get("/v1/friends").await.ok(200);
    assert!(!page.friends[0].presence.online);
    // A deleted friend has no name any more, and can be removed.
    assert_eq!(bob.player.delete(&format!("/v1/characters/{}", bob.id())).await.status, 204);
    let page: FriendPage = ann.player.get("/v1/friends").await.ok(200);
    assert_eq!(page.friends[0].name, None);
    assert_eq!(ann.player.delete(&format!("/v1/friends/{}", bob.id())).await.status, 204);
}

/// A host takes the character in.
pub(crate) async fn enter(
    app: &App,
    who: &Person<'_>,
    host: domain::ids::HostId,
    at: &domain::contract::hosts::AssignedInstance,
) -> domain::contract::hosts::ClaimedCharacter {
    let body = json!({
        "account": who.player.account, "host": host, "instance": at.instance, "epoch": at.epoch,
    });
    app.internal(&format!("/characters/{}/claim", who.id()), &body).await.ok(200)
}
