//! `/v1/rooms`.

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use domain::contract::hosts::{ClaimedCharacter, HeartbeatAnswer};
use domain::contract::instances::Purpose;
use domain::contract::mail::{HostOrder, Mailbox};
use domain::contract::players::Character;
use domain::contract::rooms::{Room, RoomJoined};
use domain::ids::{CharacterId, HostId};
use domain::token::TicketClaims;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, Player, SERVICE_TOKEN, send};

/// A player and the character that it plays.
struct Pal<'a> {
    player: Player<'a>,
    character: Character,
}

impl Pal<'_> {
    async fn open(&self, key: &str, members_max: u8) -> Answer {
        let body = json!({ "character": self.character.id, "zone": "forest", "members_max": members_max });
        self.player.post_keyed("/v1/rooms", key, &body).await
    }

    async fn act(&self, room: &Room, what: &str) -> Answer {
        let body = json!({ "character": self.character.id });
        self.player.post(&format!("/v1/rooms/{}/{what}", room.code), &body).await
    }

    async fn join(&self, room: &Room, spectate: bool) -> Answer {
        let body = json!({ "character": self.character.id, "spectate": spectate });
        self.player.post(&format!("/v1/rooms/{}/join", room.code), &body).await
    }

    async fn cast(&self, room: &Room, whom: &Pal<'_>, spectates: bool) -> Answer {
        let path = format!("/v1/rooms/{}/members/{}", room.code, whom.character.id);
        self.player.put(&path, &json!({ "spectates": spectates })).await
    }

    async fn kick(&self, room: &Room, whom: &Pal<'_>) -> Answer {
        let body = json!({ "character": whom.character.id });
        self.player.post(&format!("/v1/rooms/{}/kick", room.code), &body).await
    }

    async fn change(&self, room: &Room, change: Value) -> Answer {
        self.player.patch(&format!("/v1/rooms/{}", room.code), &change).await
    }

    async fn read(&self, room: &Room) -> Room {
        self.player.get(&format!("/v1/rooms/{}", room.code)).await.ok(200)
    }

    fn id(&self) -> CharacterId {
        self.character.id
    }
}

async fn pal<'a>(app: &'a App, name: &str) -> Pal<'a> {
    let player = app.player().await;
    let character = player.create(name).await;
    Pal { player, character }
}

async fn pals<'a, const N: usize>(app: &'a App, names: [&str; N]) -> [Pal<'a>; N] {
    let pals = join_all(names.map(|name| pal(app, name))).await;
    pals.try_into().unwrap_or_else(|_| unreachable!("as many as names"))
}

async fn orders(app: &App, host: HostId) -> Vec<HostOrder> {
    let path = format!("/internal/v1/hosts/{host}/mail?since=0");
    let mailbox: Mailbox = send(app.request(Method::GET, &path).bearer_auth(SERVICE_TOKEN)).await.ok(200);
    mailbox.mail.into_iter().map(|mail| mail.order).collect()
}

/// Whom the host was told to put out.
pub(crate) async fn kicks(app: &App, host: HostId) -> Vec<CharacterId> {
    let kick = |order| match order {
        HostOrder::Kick { character, .. } => Some(character),
        _ => None,
    };
    orders(app, host).await.into_iter().filter_map(kick).collect()
}

async fn beat(app: &App, host: HostId) -> HeartbeatAnswer {
    let body = json!({ "instances": [], "tick_p99_us": 1, "draining": false });
    app.internal(&format!("/hosts/{host}/heartbeat"), &body).await.ok(200)
}

/// The host takes the pal in, as it does when the ticket is shown; the number of the claim.
async fn arrive(app: &App, pal: &Pal<'_>, joined: &RoomJoined) -> u64 {
    arrive_as(app, pal, joined, ticket(joined).spectates).await
}

async fn arrive_as(app: &App, pal: &Pal<'_>, joined: &RoomJoined, spectates: bool) -> u64 {
    let own = beat(app, joined.join.host).await.instances;
    let own = own.iter().find(|own| own.instance == joined.join.instance).expect("its host runs it");
    let claim = json!({
        "account": pal.player.account, "host": joined.join.host, "instance": own.instance, "epoch": own.epoch,
        "spectates": spectates,
    });
    app.internal(&format!("/characters/{}/claim", pal.id()), &claim).await.ok::<ClaimedCharacter>(200).claim
}

async fn left(app: &App, pal: &Pal<'_>, joined: &RoomJoined, claim: u64) {
    let own = beat(app, joined.join.host).await.instances;
    let own = own.iter().find(|own| own.instance == joined.join.instance).expect("its host runs it");
    let body = json!({ "epoch": own.epoch, "characters": [{ "character": pal.id(), "claim": claim }] });
    assert_eq!(app.internal(&format!("/instances/{}/left", own.instance), &body).await.status, 200);
}

/// What the ticket says, as its host reads it.
fn ticket(joined: &RoomJoined) -> TicketClaims {
    let claims = joined.join.ticket.split('.').nth(1).expect("three parts");
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).expect("base64url");
    serde_json::from_slice(&claims).expect("claims")
}

fn members(room: &Room) -> Vec<CharacterId> {
    room.members.iter().map(|member| member.character).collect()
}

/// Lets all tickets of the room's members be of long ago.
async fn age(app: &App, room: &Room) {
    let (client, table) = (app.engine.client(), format!("{}rooms", app.engine.table_prefix));
    let key = AttributeValue::S(room.code.to_string());
    let item = client.get_item().table_name(&table).key("pk", key).send().await.expect("read").item;
    let mut item = item.expect("the room");
    let mut state: Value = serde_json::from_str(item["state"].as_s().expect("a text")).expect("JSON");
    for member in state["members"].as_array_mut().expect("a list") {
        member["ticket_at"] = json!(1);
    }
    item.insert("state".into(), AttributeValue::S(state.to_string()));
    client.put_item().table_name(&table).set_item(Some(item)).send().await.expect("written");
}

#[tokio::test]
async fn a_room_is_made_once_for_its_key_and_found_by_its_code() {
    let app = App::start().await;
    let ada = pal(&app, "Ada").await;
    let rooms = join_all((0..10).map(|_| ada.open("k1", 4))).await;
    let rooms: Vec<Room> = rooms.iter().map(|answer| answer.ok(201)).collect();
    assert!(rooms.iter().all(|room| *room == rooms[0]), "one room");
    let room = &rooms[0];
    assert_eq!((room.host, members(room), room.members_max), (Some(ada.id()), vec![ada.id()], 4));
    assert!(!room.locked && room.expires_at > room.created_at);
    let other: Room = ada.open("k2", 4).await.ok(201);
    assert_ne!(room.code, other.code);
    let path = format!("/v1/rooms/{}", room.code.to_string().to_lowercase());
    assert_eq!(ada.player.get(&path).await.ok::<Room>(200), *room, "case is no matter");
    ada.open("k1", 5).await.problem(422, "idempotency_mismatch");
    let body = json!({ "character": ada.id(), "zone": "forest" });
    let open: Room = ada.player.post_keyed("/v1/rooms", "k3", &body).await.ok(201);
    assert_eq!(open.members_max, 16, "unless told");
}

#[tokio::test]
async fn members_meet_in_an_instance_that_strangers_never_find() {
    let app = App::start().await;
    let (host, _) = app.living_host(&["hub"]).await;
    let [ada, bob, eve] = pals(&app, ["Ada", "Bob", "Eve"]).await;
    let room: Room = ada.open("k", 2).await.ok(201);
    let joined = join_all([ada.act(&room, "join"), bob.act(&room, "join"), ada.act(&room, "join")]).await;
    let joined: Vec<RoomJoined> = joined.iter().map(|answer| answer.ok(200)).collect();
    assert!(joined.iter().all(|one| one.join.instance == joined[0].join.instance && one.join.host == host));
    assert_eq!(joined[0].join.zone.as_str(), "forest");
    let opened = orders(&app, host).await;
    let opened: Vec<_> = opened.iter().filter(|order| matches!(order, HostOrder::Open(_))).collect();
    let [HostOrder::Open(assigned)] = opened.as_slice() else { panic!("{opened:?}") };
    assert_eq!(assigned.purpose, Purpose::Room(room.code.to_string()));
    eve.act(&room, "join").await.problem(409, "room_full");
    let body = json!({ "character": eve.id() });
    eve.player.post_keyed("/v1/zones/forest/join", "k", &body).await.problem(503, "zone_unavailable");
    assert_eq!(members(&eve.read(&room).await).len(), 2);
    // A member of long standing that is in the instance stays one; one that never came does not.
    arrive(&app, &bob, &joined[1]).await;
    age(&app, &room).await;
    let settled = eve.read(&room).await;
    assert_eq!((members(&settled), settled.host), (vec![bob.id()], Some(bob.id())));
    eve.act(&room, "join").await.ok::<RoomJoined>(200);
}

#[tokio::test]
async fn the_host_hands_its_role_on_by_will_by_leaving_and_by_vanishing() {
    let app = App::start().await;
    let (host, _) = app.living_host(&["hub"]).await;
    let [ada, bob, eve] = pals(&app, ["Ada", "Bob", "Eve"]).await;
    let room: Room = ada.open("k", 3).await.ok(201);
    let mut joined = Vec::new();
    for pal in [&ada, &bob, &eve] {
        joined.push(pal.act(&room, "join").await.ok::<RoomJoined>(200));
    }
    bob.change(&room, json!({ "host": bob.id() })).await.problem(403, "not_room_host");
    let stranger = json!({ "host": CharacterId::from_u128(1) });
    ada.change(&room, stranger).await.problem(404, "no_room_member");
    let changed: Room = ada.change(&room, json!({ "host": eve.id() })).await.ok(200);
    assert_eq!(changed.host, Some(eve.id()));
    ada.change(&room, json!({ "locked": true })).await.problem(403, "not_room_host");
    let after: Room = eve.act(&room, "leave").await.ok(200);
    assert_eq!((after.host, members(&after)), (Some(ada.id()), vec![ada.id(), bob.id()]));
    assert_eq!(eve.act(&room, "leave").await.ok::<Room>(200), after, "told twice");
    // The host's body goes: who stays is told, and is the host.
    let adas = arrive(&app, &ada, &joined[0]).await;
    arrive(&app, &bob, &joined[1]).await;
    age(&app, &room).await;
    left(&app, &ada, &joined[0], adas).await;
    let after = bob.read(&room).await;
    assert_eq!((after.host, members(&after)), (Some(bob.id()), vec![bob.id()]));
    let told = orders(&app, host).await;
    let mut told = told.iter().filter_map(|order| match order {
        HostOrder::Notify { notice, .. } => Some(serde_json::from_str::<Value>(&notice.body).expect("JSON")),
        _ => None,
    });
    assert_eq!(told.next_back().expect("a notice")["version"], json!(after.version));
}

#[tokio::test]
async fn a_locked_room_takes_its_members_and_an_empty_one_opens() {
    let app = App::start().await;
    app.living_host(&["hub"]).await;
    let [ada, bob, eve] = pals(&app, ["Ada", "Bob", "Eve"]).await;
    let room: Room = ada.open("k", 3).await.ok(201);
    bob.act(&room, "join").await.ok::<RoomJoined>(200);
    assert!(ada.change(&room, json!({ "locked": true })).await.ok::<Room>(200).locked);
    eve.act(&room, "join").await.problem(403, "room_locked");
    bob.act(&room, "join").await.ok::<RoomJoined>(200);
    ada.act(&room, "leave").await.ok::<Room>(200);
    bob.act(&room, "leave").await.ok::<Room>(200);
    let joined: RoomJoined = eve.act(&room, "join").await.ok(200);
    assert_eq!((joined.room.host, joined.room.locked), (Some(eve.id()), false));
}

#[tokio::test]
async fn who_is_put_out_goes_at_once_and_stays_out() {
    let app = App::start().await;
    let (host, _) = app.living_host(&["hub"]).await;
    let [ada, bob, eve] = pals(&app, ["Ada", "Bob", "Eve"]).await;
    let room: Room = ada.open("k", 3).await.ok(201);
    ada.act(&room, "join").await.ok::<RoomJoined>(200);
    let bobs: RoomJoined = bob.act(&room, "join").await.ok(200);
    let eves: RoomJoined = eve.act(&room, "join").await.ok(200);
    arrive(&app, &bob, &bobs).await;
    bob.kick(&room, &ada).await.problem(403, "not_room_host");
    let answers = join_all((0..5).map(|_| ada.kick(&room, &bob))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.problem(404, "no_room_member");
    }
    assert_eq!(kicks(&app, host).await, [bob.id()], "one order, with the change");
    bob.act(&room, "join").await.problem(403, "room_banned");
    let second = bob.player.create("Bob Two").await;
    let body = json!({ "character": second.id });
    bob.player.post(&format!("/v1/rooms/{}/join", room.code), &body).await.problem(403, "room_banned");
    // She was put out while she was on the way: her ticket still lets her in, and out she goes.
    ada.kick(&room, &eve).await.ok::<Room>(200);
    assert_eq!(kicks(&app, host).await, [bob.id()]);
    arrive(&app, &eve, &eves).await;
    assert_eq!(kicks(&app, host).await.len(), 2);
}

/// A room of one who plays and one who looks on.
async fn small_room(ada: &Pal<'_>) -> Room {
    let body = json!({ "character": ada.id(), "zone": "forest", "members_max": 2, "spectators_max": 1 });
    ada.player.post_keyed("/v1/rooms", "small", &body).await.ok(201)
}

fn spectators(room: &Room) -> Vec<CharacterId> {
    room.members.iter().filter(|member| member.spectates).map(|member| member.character).collect()
}

#[tokio::test]
async fn spectators_have_places_and_tickets_of_their_own() {
    let app = App::start().await;
    app.host(&["hub"]).await;
    let [ada, bob, eve, dan] = pals(&app, ["Ada", "Bob", "Eve", "Dan"]).await;
    let room = small_room(&ada).await;
    assert_eq!(room.spectators_max, 1);
    let adas: RoomJoined = ada.act(&room, "join").await.ok(200);
    let eves: RoomJoined = eve.join(&room, true).await.ok(200);
    let bobs: RoomJoined = bob.act(&room, "join").await.ok(200);
    assert_eq!([&adas, &eves, &bobs].map(|joined| ticket(joined).spectates), [false, true, false]);
    assert_eq!((spectators(&bobs.room), members(&bobs.room).len()), (vec![eve.id()], 3));
    dan.act(&room, "join").await.problem(409, "room_full");
    dan.join(&room, true).await.problem(409, "room_spectators_full");
    eve.join(&room, false).await.problem(409, "room_full");
    bob.join(&room, true).await.problem(409, "room_spectators_full");
    assert!(ticket(&eve.act(&room, "join").await.ok(200)).spectates, "she stays what she is");
    // She is in one place like anyone: a claim, and no room for herself elsewhere.
    arrive(&app, &eve, &eves).await;
    assert_eq!(spectators(&ada.read(&room).await), [eve.id()]);
    bob.act(&room, "leave").await.ok::<Room>(200);
    let plays: RoomJoined = eve.join(&room, false).await.ok(200);
    assert!(!ticket(&plays).spectates && spectators(&plays.room).is_empty());
    // Of many who come at once, as many get in as there are places.
    let crowd = join_all([bob.join(&room, true), dan.join(&room, true), bob.join(&room, true)]).await;
    assert!(crowd.iter().any(|answer| answer.status == 200));
    assert_eq!(spectators(&ada.read(&room).await).len(), 1);
    // Who opens a room without places to look on has none.
    let none: Room = ada.open("k", 3).await.ok(201);
    bob.join(&none, true).await.problem(409, "room_spectators_full");
    let mut many = json!({ "character": ada.id(), "zone": "forest", "members_max": 2, "spectators_max": 17 });
    ada.player.post_keyed("/v1/rooms", "many", &many).await.problem(400, "bad_request");
    many["spectators_max"] = json!(-1);
    ada.player.post_keyed("/v1/rooms", "many", &many).await.problem(400, "bad_body");
    let odd = json!({ "character": eve.id(), "spectate": "yes" });
    eve.player.post(&format!("/v1/rooms/{}/join", room.code), &odd).await.problem(400, "bad_body");
}

#[tokio::test]
async fn the_host_lets_a_member_only_look_on() {
    let app = App::start().await;
    let (host, _) = app.host(&["hub"]).await;
    let [ada, bob, eve] = pals(&app, ["Ada", "Bob", "Eve"]).await;
    let room = small_room(&ada).await;
    ada.act(&room, "join").await.ok::<RoomJoined>(200);
    let bobs: RoomJoined = bob.act(&room, "join").await.ok(200);
    let late: RoomJoined = bob.act(&room, "join").await.ok(200);
    let claim = arrive(&app, &bob, &bobs).await;
    bob.cast(&room, &ada, true).await.problem(403, "not_room_host");
    ada.cast(&room, &eve, true).await.problem(404, "no_room_member");
    let answers = join_all((0..5).map(|_| ada.cast(&room, &bob, true))).await;
    assert!(
        answers.iter().all(|answer| spectators(&answer.ok::<Room>(200)) == [bob.id()]),
        "said five times"
    );
    let newest = |orders: Vec<HostOrder>| {
        let claims = orders.into_iter().filter_map(|order| match order {
            HostOrder::Kick { character, claim, .. } => Some((character, claim)),
            _ => None,
        });
        claims.collect::<Vec<_>>()
    };
    assert_eq!(newest(orders(&app, host).await), [(bob.id(), Some(claim))], "one order");
    // He has another ticket to play, got before: it lets him in, and out he goes.
    let again = arrive_as(&app, &bob, &late, false).await;
    assert_eq!(newest(orders(&app, host).await).last(), Some(&(bob.id(), Some(again))));
    bob.join(&room, false).await.problem(403, "room_benched");
    // Who leaves the room by a request leaves the instance too.
    let kicks_before = newest(orders(&app, host).await).len();
    bob.act(&room, "leave").await.ok::<Room>(200);
    let kicks = newest(orders(&app, host).await);
    assert_eq!((kicks.len(), kicks.last()), (kicks_before + 1, Some(&(bob.id(), Some(again)))));
    bob.join(&room, false).await.problem(403, "room_benched");
    let looks_on: RoomJoined = bob.act(&room, "join").await.ok(200);
    assert!(ticket(&looks_on).spectates);
    let kicks_before = newest(orders(&app, host).await).len();
    arrive(&app, &bob, &looks_on).await;
    assert_eq!(newest(orders(&app, host).await).len(), kicks_before, "with this one he stays");
    // The place that he left is another's, so he cannot play before that one goes.
    eve.act(&room, "join").await.ok::<RoomJoined>(200);
    ada.cast(&room, &bob, false).await.problem(409, "room_full");
    eve.act(&room, "leave").await.ok::<Room>(200);
    assert_eq!(spectators(&ada.cast(&room, &bob, false).await.ok::<Room>(200)), []);
    assert_eq!(newest(orders(&app, host).await).len(), kicks_before + 1, "and comes in anew");
    ada.player
        .put(&format!("/v1/rooms/{}/members/me", room.code), &json!({ "spectates": true }))
        .await
        .problem(400, "bad_path");
    let path = format!("/v1/rooms/{}/members/{}", room.code, bob.id());
    ada.player.put(&path, &json!({})).await.problem(400, "bad_body");
}

#[tokio::test]
async fn a_room_outlives_its_instance_and_its_host() {
    let app = App::start().await;
    let (first, _) = app.host(&["hub"]).await;
    let ada = pal(&app, "Ada").await;
    let room: Room = ada.open("k", 3).await.ok(201);
    let joined: RoomJoined = ada.act(&room, "join").await.ok(200);
    // The instance stays empty, and its host ends it.
    arrive(&app, &ada, &joined).await;
    tokio::time::sleep(std::time::Duration::from_millis(3_100)).await;
    let own = beat(&app, first).await.instances;
    let own = own.iter().find(|own| own.instance == joined.join.instance).expect("it runs");
    let path = format!("/internal/v1/instances/{}?epoch={}", own.instance, own.epoch);
    let ended = send(app.request(Method::DELETE, &path).bearer_auth(SERVICE_TOKEN)).await;
    assert_eq!(ended.status, 204, "{}", ended.text);
    let again = join_all((0..4).map(|_| ada.act(&room, "join"))).await;
    let again: Vec<RoomJoined> = again.iter().map(|answer| answer.ok(200)).collect();
    assert_ne!(again[0].join.instance, joined.join.instance);
    assert!(again.iter().all(|one| one.join.instance == again[0].join.instance), "one instance");
    // The host dies, and another one takes the room.
    tokio::time::sleep(std::time::Duration::from_millis(3_100)).await;
    ada.act(&room, "join").await.problem(503, "zone_unavailable");
    let (second, _) = app.host(&["hub"]).await;
    let moved: RoomJoined = ada.act(&room, "join").await.ok(200);
    assert_eq!((moved.join.host, moved.join.instance), (second, again[0].join.instance));
}

#[tokio::test]
async fn requests_about_rooms_that_make_no_sense_are_refused() {
    let app = App::start().await;
    let [ada, bob] = pals(&app, ["Ada", "Bob"]).await;
    let good = json!({ "character": ada.id(), "zone": "forest", "members_max": 4 });
    ada.player.post("/v1/rooms", &good).await.problem(400, "idempotency_key_missing");
    bob.player.post_keyed("/v1/rooms", "k", &good).await.problem(404, "no_character");
    for (field, value, status, code) in [
        ("zone", json!("nowhere"), 404, "no_zone"),
        ("members_max", json!(0), 400, "bad_request"),
        ("members_max", json!(17), 400, "bad_request"),
        ("members_max", json!(300), 400, "bad_body"),
        ("character", json!("me"), 400, "bad_body"),
        ("more", json!(1), 400, "bad_body"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        ada.player.post_keyed("/v1/rooms", "bad", &body).await.problem(status, code);
    }
    let room: Room = ada.open("k", 4).await.ok(201);
    ada.player.get("/v1/rooms/ABCDE0").await.problem(400, "bad_path");
    ada.player.get("/v1/rooms/AAAAAA").await.problem(404, "no_room");
    ada.act(&room, "join").await.problem(503, "zone_unavailable");
    let foreign = json!({ "character": ada.id() });
    for what in ["join", "leave"] {
        let path = format!("/v1/rooms/{}/{what}", room.code);
        bob.player.post(&path, &foreign).await.problem(404, "no_character");
    }
    ada.change(&room, json!({ "locked": "yes" })).await.problem(400, "bad_body");
    ada.kick(&room, &bob).await.problem(404, "no_room_member");
    send(app.request(Method::GET, &format!("/v1/rooms/{}", room.code))).await.problem(401, "token_missing");
}

#[tokio::test]
async fn an_account_opens_so_many_rooms_and_no_more_for_a_while() {
    let app = App::start().await;
    let ada = pal(&app, "Ada").await;
    let mut opened = 0;
    // Two windows at most.
    for number in 0..60 {
        let answer = ada.open(&number.to_string(), 8).await;
        if answer.status == 201 {
            opened += 1;
            continue;
        }
        answer.problem(429, "too_many_rooms");
        assert!(answer.headers.contains_key("retry-after"));
        break;
    }
    assert!((20..=40).contains(&opened), "{opened}");
    ada.open("0", 8).await.ok::<Room>(201);
}
