//! The life of two players who meet: each of them has something in every table that holds data of players.

use domain::contract::chat::{Channel, ChatMessage};
use domain::contract::coordinator::CoordinatorLease;
use domain::contract::hosts::{HeartbeatAnswer, HostRegistered};
use domain::contract::market::{ClaimPage, Listing};
use domain::contract::matchmaking::MatchTicket;
use domain::contract::rooms::{Room, RoomJoined};
use domain::contract::tournaments::{MyEntries, TournamentBracket};
use domain::contract::trades::Trade;
use domain::ids::MatchTicketId;
use reqwest::Method;
use serde_json::{Value, json};

use super::platform::{Host, guest};
use super::post;
use crate::app::{App, send};
use crate::friends::Person;
use crate::matchmaking::{form, form_all, roster};
use crate::tournaments::{Cup, create, definition, ready};

async fn events(app: &App, at: &HostRegistered, events: &[Value]) {
    let own = &at.instances[0];
    let body = json!({ "epoch": own.epoch, "events": events });
    assert_eq!(app.internal(&format!("/instances/{}/events", own.instance), &body).await.status, 200);
}

/// A gain of the person: items, and coins.
fn gain(sequence: u32, person: &Person<'_>, items: &Value) -> Value {
    json!({
        "sequence": sequence, "character": person.id(), "xp": 10, "kills": 1, "deaths": 0, "items": items,
        "currencies": [{ "currency": "coin", "amount": 100 }],
    })
}

/// A player with two characters, of which one is in the world, and whom administrators know.
pub(crate) async fn live<'a>(
    app: &'a App,
    edge: &str,
    host: &Host<'_>,
    device: u32,
    names: [&str; 2],
) -> Person<'a> {
    let (player, _) = guest(app, edge, device).await;
    let body = json!({ "name": names[0] });
    let character = player.post_keyed("/v1/characters", "made", &body).await.ok(201);
    let two = player.create(names[1]).await;
    let join = json!({ "character": two.id });
    assert_eq!(player.post_keyed("/v1/zones/forest/join", "join", &join).await.status, 200);
    let person = Person { player, character };
    assert_eq!(host.claim(&person.player, &person.character).await.status, 200);
    let items = json!([{ "item": "pelt", "count": 2 }, { "item": "hide", "count": 5 }]);
    events(app, &host.registered, &[gain(device, &person, &items)]).await;
    let account = person.player.account;
    let text = json!({ "text": format!("{} is {}", person.id(), names[0]) });
    assert_eq!(post(app, &format!("/players/{account}/notes"), &text).await.status, 201);
    for query in [format!("name={}", names[0]), format!("account={account}")] {
        assert_eq!(send(app.owner(Method::GET, &format!("/players?{query}"))).await.status, 200);
    }
    person
}

/// Everything that two do together; the tournament that they are in.
pub(crate) async fn play_together(app: &App, host: &Host<'_>, one: &Person<'_>, other: &Person<'_>) -> Cup {
    talk(app, one, other).await;
    one.befriend(other).await;
    let party = one.found().await.id;
    one.take_in(party, other).await;
    deal(app, host, one, other).await;
    duel(app, host, [one, other]).await;
    let body = json!({ "character": one.id(), "zone": "forest", "members_max": 4 });
    let room: Room = one.player.post_keyed("/v1/rooms", "room", &body).await.ok(201);
    for person in [one, other] {
        let body = json!({ "character": person.id() });
        person.player.post(&format!("/v1/rooms/{}/join", room.code), &body).await.ok::<RoomJoined>(200);
    }
    compete(app, [one, other]).await
}

async fn talk(app: &App, one: &Person<'_>, other: &Person<'_>) {
    for (from, to) in [(one, other), (other, one)] {
        let channel = Channel::Whisper(to.id());
        let words = json!({ "character": from.id(), "text": format!("said by {}", from.character.name) });
        let path = format!("/v1/chat/{channel}/messages");
        let said: ChatMessage = from.player.post_keyed(&path, "said", &words).await.ok(201);
        let report = json!({
            "character": to.id(), "against": from.id(), "channel": Channel::Whisper(from.id()),
            "message": said.id, "reason": "rude",
        });
        assert_eq!(to.player.post("/v1/reports", &report).await.status, 201);
    }
    let path = format!("/players/{}/mute", one.player.account);
    let body = json!({ "seconds": 600, "reason": "shouting" });
    assert_eq!(send(app.owner(Method::PUT, &path).json(&body)).await.status, 200);
}

/// One has a listing, a claim, and a trade with the other.
async fn deal(app: &App, host: &Host<'_>, one: &Person<'_>, other: &Person<'_>) {
    let potions = json!([{ "item": "potion", "count": 99 }]);
    events(app, &host.registered, &[gain(100, one, &potions)]).await;
    let list = async |key: &str, item: &str| {
        let lot = json!({ "stack": { "item": item, "count": 4 } });
        let body = json!({ "character": one.id(), "lot": lot, "currency": "coin", "price": 9, "hours": 1 });
        one.player.post_keyed("/v1/market/listings", key, &body).await.ok::<Listing>(201)
    };
    list("stays", "hide").await;
    let back = list("comes-back", "potion").await;
    events(app, &host.registered, &[gain(101, one, &json!([{ "item": "potion", "count": 4 }]))]).await;
    let path = format!("/v1/market/listings/{}/cancel", back.id);
    one.player.post(&path, &json!({})).await.ok::<Listing>(200);
    let claims = one.player.get(&format!("/v1/characters/{}/claims", one.id())).await;
    assert_eq!(claims.ok::<ClaimPage>(200).claims.len(), 1, "there is no room for it");
    let body = json!({ "character": one.id(), "with": other.id() });
    let trade: Trade = one.player.post("/v1/trades", &body).await.ok(201);
    other.player.post(&format!("/v1/trades/{}/accept", trade.id), &json!({})).await.ok::<Trade>(200);
}

async fn wait(person: &Person<'_>) -> MatchTicketId {
    let body = json!({ "queue": "duel", "character": person.id(), "round_trips_ms": { "local": 20 } });
    person.player.post("/v1/matchmaking/tickets", &body).await.ok::<MatchTicket>(201).id
}

/// A duel that is over, and both wait for another one.
async fn duel(app: &App, host: &Host<'_>, pair: [&Person<'_>; 2]) {
    let bid = json!({ "host": host.id });
    let lease: CoordinatorLease = app.internal("/coordinator/lease", &bid).await.ok(200);
    let tickets = [wait(pair[0]).await, wait(pair[1]).await];
    let made = form("duel", &[&tickets[..1], &tickets[1..]]);
    form_all(app, lease.epoch, vec![made.clone()]).await;
    let instance = roster(app, made.match_id).await.instance.expect("placed");
    let beat = json!({ "instances": [], "tick_p99_us": 1, "draining": false });
    let answer: HeartbeatAnswer = app.internal(&format!("/hosts/{}/heartbeat", host.id), &beat).await.ok(200);
    let own = answer.instances.iter().find(|own| own.instance == instance).expect("its host runs it");
    let result = json!({
        "instance": instance, "epoch": own.epoch, "ranks": [1, 2], "left_early": [], "absent": [],
    });
    app.internal(&format!("/matches/{}/result", made.match_id), &result).await.ok::<Value>(200);
    for person in pair {
        wait(person).await;
    }
}

/// A tournament that has begun.
async fn compete(app: &App, pair: [&Person<'_>; 2]) -> Cup {
    let cup = create(app, &definition(&json!("single_elimination"))).await;
    for person in pair {
        let body = json!({ "character": person.id() });
        person.player.post_keyed(&cup.path("/register"), "in", &body).await.ok::<MyEntries>(200);
    }
    cup.start(app).await;
    cup
}

/// The one who stays plays on against somebody whom nobody knows any more.
pub(crate) async fn others_go_on(app: &App, stays: &Person<'_>, cup: Cup) {
    let bracket: TournamentBracket = cup.bracket(&stays.player).await;
    let open = ready(&bracket);
    assert_eq!(open.len(), 1, "{bracket:?}");
    cup.win(app, &open[0], stays.id()).await;
    let standings = cup.standings(&stays.player).await;
    assert_eq!((standings.len(), standings[0].entrant), (2, stays.id()));
}
