//! `/internal/v1/instances`: saves and durable events.

use domain::contract::hosts::{BatchOutcome, ClaimedCharacter, EntryOutcome, HostRegistered};
use domain::contract::players::{Character, JoinResponse};
use domain::ids::{CharacterId, HostId, InstanceId};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::app::{Answer, App, Player, SERVICE_TOKEN, send};
use crate::friends::{Person, person};

pub(crate) struct World<'a> {
    pub(crate) app: &'a App,
    pub(crate) host: HostId,
    pub(crate) registered: HostRegistered,
}

impl World<'_> {
    pub(crate) fn path(&self, what: &str) -> String {
        format!("/instances/{}/{what}", self.registered.instances[0].instance)
    }

    pub(crate) async fn events(&self, epoch: u64, events: &[Value]) -> Answer {
        self.app.internal(&self.path("events"), &json!({ "epoch": epoch, "events": events })).await
    }

    async fn saves(&self, epoch: u64, saves: &[Value]) -> Answer {
        self.app.internal(&self.path("saves"), &json!({ "epoch": epoch, "saves": saves })).await
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.registered.instances[0].epoch.0
    }

    pub(crate) async fn claim(&self, player: &Player<'_>, character: &Character) -> u64 {
        let own = &self.registered.instances[0];
        let body = json!({ "account": player.account, "host": self.host, "instance": own.instance, "epoch": own.epoch });
        let path = format!("/characters/{}/claim", character.id);
        self.app.internal(&path, &body).await.ok::<ClaimedCharacter>(200).claim
    }
}

pub(crate) async fn world(app: &App) -> World<'_> {
    let (host, registered) = app.living_host(&["forest"]).await;
    World { app, host, registered }
}

fn event(sequence: u64, character: &Character, xp: u32) -> Value {
    json!({
        "sequence": sequence, "character": character.id, "xp": xp, "kills": 1, "deaths": 0,
        "items": [{ "item": "pelt", "count": 2 }, { "item": "pelt", "count": 1 }],
    })
}

fn save(character: &Character, claim: u64, x: i32) -> Value {
    let place = json!({ "zone": "forest", "position": { "x": x, "y": -5 }, "health": 80 });
    json!({ "character": character.id, "claim": claim, "place": place })
}

#[tokio::test]
async fn an_event_counts_once_however_often_it_is_sent() {
    let app = App::start().await;
    let world = world(&app).await;
    let player = app.player().await;
    let (ada, bob) = (player.create("Ada").await, player.create("Bob").await);
    // Several events of one character in one batch, so that transactions must be parted.
    let batch: Vec<_> = (1..=40).map(|n| event(n, if n % 4 == 0 { &bob } else { &ada }, 10)).collect();
    let answers = join_all((0..5).map(|_| world.events(world.epoch(), &batch))).await;
    for answer in &answers {
        let outcome: BatchOutcome = answer.ok(200);
        assert_eq!(outcome.outcomes, vec![EntryOutcome::Stored; 40]);
    }
    let ada: Character = player.get(&format!("/v1/characters/{}", ada.id)).await.ok(200);
    assert_eq!((ada.xp, ada.kills, ada.level), (300, 30, 3));
    let bob: Character = player.get(&format!("/v1/characters/{}", bob.id)).await.ok(200);
    assert_eq!((bob.xp, bob.kills), (100, 10));
    assert_eq!(bob.version, 11, "the version rises with each change");
}

#[tokio::test]
async fn a_full_batch_of_many_characters_is_stored() {
    let app = App::start().await;
    let world = world(&app).await;
    let player = app.player().await;
    let mut characters = Vec::new();
    for letter in "abcdefghijkmnopq".chars() {
        characters.push(player.create(&format!("Hero {letter}")).await);
    }
    let batch: Vec<_> = (0..256).zip(characters.iter().cycle()).map(|(n, c)| event(n, c, 1)).collect();
    let outcome: BatchOutcome = world.events(world.epoch(), &batch).await.ok(200);
    assert_eq!(outcome.outcomes, vec![EntryOutcome::Stored; 256]);
    for character in &characters {
        let stored: Character = player.get(&format!("/v1/characters/{}", character.id)).await.ok(200);
        assert_eq!((stored.xp, stored.kills), (16, 16));
    }
    let over: Vec<_> = (0..257_u64).map(|n| event(n, &characters[0], 1)).collect();
    world.events(world.epoch(), &over).await.problem(400, "bad_request");
    let twice = [event(1, &characters[0], 1), event(1, &characters[1], 1)];
    world.events(world.epoch(), &twice).await.problem(400, "bad_request");
}

#[tokio::test]
async fn the_outcome_of_each_entry_is_told() {
    let app = App::start().await;
    let world = world(&app).await;
    let player = app.player().await;
    let (kept, gone) = (player.create("Kept").await, player.create("Gone").await);
    player.delete(&format!("/v1/characters/{}", gone.id)).await;
    let batch = [event(1, &gone, 5), event(2, &kept, 5), event(3, &gone, 5)];
    let outcome: BatchOutcome = world.events(world.epoch(), &batch).await.ok(200);
    assert_eq!(outcome.outcomes, [EntryOutcome::Gone, EntryOutcome::Stored, EntryOutcome::Gone]);

    let old = world.claim(&player, &kept).await;
    let new = world.claim(&player, &kept).await;
    let batch = [save(&kept, old, 1), save(&gone, 1, 2), save(&kept, new, 3)];
    let outcome: BatchOutcome = world.saves(world.epoch(), &batch).await.ok(200);
    assert_eq!(outcome.outcomes, [EntryOutcome::Fenced, EntryOutcome::Gone, EntryOutcome::Stored]);
    let stored: Character = player.get(&format!("/v1/characters/{}", kept.id)).await.ok(200);
    let place = stored.place.expect("saved");
    assert_eq!(
        (place.zone.as_str(), place.position.x, place.position.y, place.health),
        ("forest", 3, -5, 80)
    );
}

#[tokio::test]
async fn an_old_epoch_is_refused() {
    let app = App::start().await;
    let world = world(&app).await;
    let player = app.player().await;
    let ada = player.create("Ada").await;
    let claim = world.claim(&player, &ada).await;
    for epoch in [world.epoch() - 1, world.epoch() + 1] {
        world.events(epoch, &[event(1, &ada, 5)]).await.problem(409, "fenced");
        world.saves(epoch, &[save(&ada, claim, 1)]).await.problem(409, "fenced");
    }
    // A host that was removed cannot write any more, and nothing of its batch is applied.
    let hosts = format!("/internal/v1/hosts/{}", first_host(&world).await);
    send(app.request(reqwest::Method::DELETE, &hosts).bearer_auth(SERVICE_TOKEN)).await;
    world.events(world.epoch(), &[event(1, &ada, 5)]).await.problem(409, "fenced");
    world.saves(world.epoch(), &[save(&ada, claim, 1)]).await.problem(409, "fenced");
    let stored: Character = player.get(&format!("/v1/characters/{}", ada.id)).await.ok(200);
    assert_eq!((stored.xp, stored.place, stored.version), (0, None, 1));
}

/// The host of the world, as a join names it.
async fn first_host(world: &World<'_>) -> String {
    let player = world.app.player().await;
    let character = player.create("Scout").await;
    let answer = player.post_keyed("/v1/zones/forest/join", "k", &json!({ "character": character.id })).await;
    answer.ok::<Value>(200)["host"].as_str().expect("a host").to_owned()
}

#[tokio::test]
async fn who_left_is_told_under_the_epoch_and_in_good_batches() {
    let app = App::start().await;
    let world = world(&app).await;
    let player = app.player().await;
    let ada = player.create("Ada").await;
    let claim = world.claim(&player, &ada).await;
    let left = async |epoch: u64, characters: Value| {
        app.internal(&world.path("left"), &json!({ "epoch": epoch, "characters": characters })).await
    };
    let own = json!([{ "character": ada.id, "claim": claim }]);
    left(world.epoch() + 1, own.clone()).await.problem(409, "fenced");
    left(world.epoch(), json!([{ "character": ada.id }])).await.problem(400, "bad_body");
    left(world.epoch(), json!([{ "character": ada.id, "claim": 1, "why": "x" }]))
        .await
        .problem(400, "bad_body");
    let twice = json!([{ "character": ada.id, "claim": 1 }, { "character": ada.id, "claim": 2 }]);
    left(world.epoch(), twice).await.problem(400, "bad_request");
    let many: Vec<_> =
        (0..257_u128).map(|n| json!({ "character": CharacterId::from_u128(n), "claim": 1 })).collect();
    left(world.epoch(), json!(many)).await.problem(400, "bad_request");
    let answers = join_all((0..5).map(|_| left(world.epoch(), own.clone()))).await;
    for answer in answers {
        assert_eq!(answer.ok::<BatchOutcome>(200).outcomes, [EntryOutcome::Stored]);
    }
}

#[tokio::test]
async fn an_instance_ends_for_its_owner_only_and_not_while_somebody_comes() {
    let app = App::start().await;
    let world = world(&app).await;
    let instance = world.registered.instances[0].instance;
    let end = async |instance: InstanceId, query: &str| {
        let path = format!("/internal/v1/instances/{instance}{query}");
        send(app.request(reqwest::Method::DELETE, &path).bearer_auth(SERVICE_TOKEN)).await
    };
    end(instance, "").await.problem(400, "bad_query");
    end(instance, "?epoch=x").await.problem(400, "bad_query");
    end(instance, &format!("?epoch={}", world.epoch() + 1)).await.problem(409, "fenced");
    end(InstanceId::from_u128(5), "?epoch=1").await.problem(409, "fenced");
    first_host(&world).await;
    let own = format!("?epoch={}", world.epoch());
    end(instance, &own).await.problem(409, "instance_awaited");
    let player = app.player().await;
    let answer = send(
        app.request(reqwest::Method::DELETE, &format!("/internal/v1/instances/{instance}{own}"))
            .bearer_auth(&player.token),
    );
    answer.await.problem(401, "service_token");
}

#[tokio::test]
async fn a_player_joins_where_a_friend_is() {
    let app = App::start().await;
    let worlds = [world(&app).await, world(&app).await];
    let (ada, bob) = (person(&app, "Ada").await, person(&app, "Bob").await);
    ada.befriend(&bob).await;
    for (number, world) in worlds.iter().enumerate() {
        world.claim(&ada.player, &ada.character).await;
        let place = joined(&bob, &format!("k{number}"), Some(ada.id())).await;
        assert_eq!(place, world.registered.instances[0].instance);
    }
    // Nobody there, or nobody at all: the usual choice.
    for (key, friend) in [("k8", bob.id()), ("k9", CharacterId::from_u128(7))] {
        joined(&bob, key, Some(friend)).await;
    }
    let body = json!({ "character": bob.id(), "with": "someone" });
    bob.player.post_keyed("/v1/zones/forest/join", "k10", &body).await.problem(400, "bad_body");
}

/// Where the forest takes this character in.
async fn joined(who: &Person<'_>, key: &str, with: Option<CharacterId>) -> InstanceId {
    let body = json!({ "character": who.id(), "with": with });
    who.player.post_keyed("/v1/zones/forest/join", key, &body).await.ok::<JoinResponse>(200).instance
}

#[tokio::test]
async fn nobody_is_followed_but_by_friends_and_party_whom_no_block_parts() {
    let app = App::start().await;
    let worlds = [world(&app).await, world(&app).await];
    let mut people = Vec::new();
    for name in ["Ada", "Bob", "Cleo", "Dan", "Eve", "Fay", "Gus"] {
        people.push(person(&app, name).await);
    }
    let [ada, stranger, member, fallen_out, blocker, blocked, friend] = people.as_slice() else {
        panic!("seven")
    };
    let party = ada.found().await.id;
    for other in [member, fallen_out] {
        ada.take_in(party, other).await;
    }
    for other in [blocker, blocked, friend] {
        ada.befriend(other).await;
    }
    for other in [fallen_out, blocker] {
        other.block(ada.id()).await;
    }
    ada.block(blocked.id()).await;
    // Whoever is not led gets the instance that fills up, and Ada is in the other one.
    let usual = joined(stranger, "usual", None).await;
    let other = worlds.iter().find(|world| world.registered.instances[0].instance != usual);
    let other = other.expect("two instances");
    other.claim(&ada.player, &ada.character).await;
    for who in [stranger, fallen_out, blocker, blocked] {
        let name = &who.character.name;
        assert_eq!(joined(who, "with", Some(ada.id())).await, usual, "{name} follows");
    }
    for who in [member, friend] {
        let name = &who.character.name;
        let place = other.registered.instances[0].instance;
        assert_eq!(joined(who, "with", Some(ada.id())).await, place, "{name} does not follow");
    }
}
