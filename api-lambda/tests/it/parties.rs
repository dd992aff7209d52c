//! `/v1/parties`.

use domain::contract::parties::{Party, PartyOf, PartyTravel};
use domain::contract::players::JoinResponse;
use domain::ids::{CharacterId, HostId, InstanceId, PartyId};
use domain::names::CharacterName;
use futures_util::future::join_all;
use serde_json::json;

use crate::app::{Answer, App};
use crate::friends::{Person, enter, person};

impl Person<'_> {
    pub(crate) async fn found(&self) -> Party {
        self.player.post("/v1/parties", &json!({ "character": self.id() })).await.ok(201)
    }

    pub(crate) async fn invite(&self, party: PartyId, other: CharacterId) -> Answer {
        let body = json!({ "by": self.id(), "whom": { "character": other } });
        self.player.post(&format!("/v1/parties/{party}/invitations"), &body).await
    }

    async fn act(&self, party: PartyId, deed: &str) -> Answer {
        let body = json!({ "character": self.id() });
        self.player.post(&format!("/v1/parties/{party}/{deed}"), &body).await
    }

    async fn lead(&self, party: PartyId, deed: &str, member: CharacterId) -> Answer {
        let body = json!({ "by": self.id(), "member": member });
        self.player.post(&format!("/v1/parties/{party}/{deed}"), &body).await
    }

    /// Invites and lets in.
    pub(crate) async fn take_in(&self, party: PartyId, other: &Person<'_>) {
        assert_eq!(self.invite(party, other.id()).await.status, 200);
        assert_eq!(other.act(party, "accept").await.status, 200);
    }

    async fn party(&self) -> PartyOf {
        self.player.get(&format!("/v1/characters/{}/party", self.id())).await.ok(200)
    }

    async fn travel(&self, party: PartyId, zone: &str, key: &str) -> Answer {
        let body = json!({ "by": self.id(), "zone": zone });
        self.player.post_keyed(&format!("/v1/parties/{party}/travel"), key, &body).await
    }

    async fn join(&self, zone: &str, key: &str) -> JoinResponse {
        let body = json!({ "character": self.id() });
        self.player.post_keyed(&format!("/v1/zones/{zone}/join"), key, &body).await.ok(200)
    }
}

fn members(party: &Party) -> Vec<CharacterId> {
    party.members.iter().map(|member| member.character).collect()
}

async fn people(app: &App, count: usize) -> Vec<Person<'_>> {
    let names = ["Ann", "Bob", "Cleo", "Dan", "Eve", "Fay", "Gus", "Hal", "Ida", "Jon"];
    let mut people = Vec::new();
    for name in &names[..count] {
        people.push(person(app, name).await);
    }
    people
}

#[tokio::test]
async fn a_party_is_founded_joined_led_and_left() {
    let app = App::start().await;
    let people = people(&app, 3).await;
    let [ann, bob, cleo] = people.as_slice() else { panic!("three") };
    let body = json!({ "character": ann.id() });
    let founded = join_all((0..6).map(|_| ann.player.post_keyed("/v1/parties", "key", &body))).await;
    let party: Party = founded[0].ok(201);
    assert!(founded.iter().all(|answer| answer.ok::<Party>(201).id == party.id));
    assert_eq!((party.leader, members(&party)), (ann.id(), vec![ann.id()]));
    ann.player.post("/v1/parties", &body).await.problem(409, "in_party");
    let id = party.id;

    let invited: Party = ann.invite(id, bob.id()).await.ok(200);
    assert_eq!(invited.invited[0].character, bob.id());
    let seen = bob.party().await;
    assert_eq!((seen.party, seen.invitations[0].party, seen.invitations[0].by), (None, id, ann.id()));
    assert_eq!(seen.invitations[0].name.as_ref().map(CharacterName::as_str), Some("Ann"));
    cleo.act(id, "accept").await.problem(404, "no_invitation");
    bob.invite(id, cleo.id()).await.problem(404, "no_party");
    for answer in join_all((0..10).map(|_| bob.act(id, "accept"))).await {
        assert_eq!(members(&answer.ok::<Party>(200)), [ann.id(), bob.id()]);
    }
    bob.invite(id, cleo.id()).await.problem(403, "no_leader");
    bob.lead(id, "kick", ann.id()).await.problem(403, "no_leader");
    ann.invite(id, bob.id()).await.problem(409, "member_already");
    ann.lead(id, "kick", cleo.id()).await.problem(404, "no_member");
    ann.lead(id, "promote", cleo.id()).await.problem(404, "no_member");
    ann.invite(id, cleo.id()).await;
    assert_eq!(cleo.act(id, "decline").await.status, 204);
    cleo.act(id, "decline").await.problem(404, "no_invitation");
    ann.take_in(id, cleo).await;

    let promoted: Party = ann.lead(id, "promote", cleo.id()).await.ok(200);
    assert_eq!(promoted.leader, cleo.id());
    assert_eq!(ann.lead(id, "promote", cleo.id()).await.ok::<Party>(200).leader, cleo.id());
    assert_eq!(cleo.act(id, "leave").await.status, 204);
    cleo.act(id, "leave").await.problem(404, "no_party");
    let left = bob.party().await.party.expect("a party");
    assert_eq!((left.leader, members(&left)), (ann.id(), vec![ann.id(), bob.id()]));
    assert_eq!(members(&ann.lead(id, "kick", bob.id()).await.ok::<Party>(200)), [ann.id()]);
    assert!(bob.party().await.party.is_none());
    assert_eq!(ann.act(id, "leave").await.status, 204);
    ann.invite(id, bob.id()).await.problem(404, "no_party");
    // Whoever left may found another one; a deleted character leaves.
    let again = ann.found().await;
    ann.take_in(again.id, bob).await;
    assert_eq!(ann.player.delete(&format!("/v1/characters/{}", ann.id())).await.status, 204);
    assert_eq!(bob.party().await.party.expect("a party").leader, bob.id());
}

#[tokio::test]
async fn others_have_no_part_in_a_party() {
    let app = App::start().await;
    let people = people(&app, 3).await;
    let [ann, bob, cleo] = people.as_slice() else { panic!("three") };
    let id = ann.found().await.id;
    ann.take_in(id, bob).await;
    // Cleo's player names characters that are not its own.
    for (deed, body) in [
        ("leave", json!({ "character": ann.id() })),
        ("accept", json!({ "character": bob.id() })),
        ("decline", json!({ "character": bob.id() })),
        ("kick", json!({ "by": ann.id(), "member": bob.id() })),
        ("promote", json!({ "by": ann.id(), "member": bob.id() })),
        ("invitations", json!({ "by": ann.id(), "whom": { "character": cleo.id() } })),
    ] {
        let answer = cleo.player.post(&format!("/v1/parties/{id}/{deed}"), &body).await;
        answer.problem(404, "no_character");
        cleo.player.post(&format!("/v1/parties/{id}/{deed}"), &json!({})).await.problem(400, "bad_body");
        cleo.player.post(&format!("/v1/parties/rubbish/{deed}"), &body).await.problem(400, "bad_path");
    }
    cleo.player.get(&format!("/v1/characters/{}/party", ann.id())).await.problem(404, "no_character");
    cleo.player.post("/v1/parties", &json!({ "character": ann.id() })).await.problem(404, "no_character");
    let body = json!({ "by": ann.id(), "zone": "forest" });
    let travel = format!("/v1/parties/{id}/travel");
    cleo.player.post_keyed(&travel, "key", &body).await.problem(404, "no_character");
    ann.player.post(&travel, &body).await.problem(400, "idempotency_key_missing");
    ann.travel(id, "nowhere", "a").await.problem(404, "no_zone");
    ann.travel(id, "forest", "b").await.problem(503, "zone_unavailable");
    bob.travel(id, "forest", "c").await.problem(403, "no_leader");
    ann.invite(id, CharacterId::from_u128(1)).await.problem(404, "nobody");
    // Nothing of that has changed anything.
    assert_eq!(members(&ann.party().await.party.expect("a party")), [ann.id(), bob.id()]);
}

#[tokio::test]
async fn one_party_for_each_character_and_eight_members_for_each_party() {
    let app = App::start().await;
    let people = people(&app, 10).await;
    let (ann, bob, eve) = (&people[0], &people[1], &people[9]);
    let parties = [ann.found().await.id, bob.found().await.id];
    ann.invite(parties[0], eve.id()).await;
    bob.invite(parties[1], eve.id()).await;
    assert_eq!(eve.party().await.invitations.len(), 2);
    let rivals = join_all(parties.iter().flat_map(|id| (0..3).map(|_| eve.act(*id, "accept")))).await;
    let won = rivals.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 3, "all three of one party");
    for lost in rivals.iter().filter(|answer| answer.status != 200) {
        lost.problem(409, "in_party");
    }
    let joined = eve.party().await.party.expect("one").id;
    let sizes =
        [members(&ann.party().await.party.expect("one")), members(&bob.party().await.party.expect("one"))];
    assert_eq!(sizes.iter().filter(|members| members.contains(&eve.id())).count(), 1);
    assert!(parties.contains(&joined));
    eve.act(joined, "leave").await;
    bob.act(parties[1], "leave").await;

    for other in &people[1..] {
        assert_eq!(ann.invite(parties[0], other.id()).await.status, 200);
    }
    let accepted = join_all(people[1..].iter().map(|other| other.act(parties[0], "accept"))).await;
    let refused: Vec<_> = accepted.iter().filter(|answer| answer.status != 200).collect();
    assert_eq!(refused.len(), 2);
    for answer in refused {
        answer.problem(409, "party_full");
    }
    let full = ann.party().await.party.expect("one");
    assert_eq!((full.members.len(), full.leader), (8, ann.id()));
    let outside = people[1..].iter().find(|other| !members(&full).contains(&other.id())).expect("two");
    ann.invite(parties[0], outside.id()).await.problem(409, "party_full");
    assert!(outside.party().await.party.is_none());
}

#[tokio::test]
async fn a_leader_who_leaves_while_kicking_leaves_a_sound_party() {
    let app = App::start().await;
    let people = people(&app, 4).await;
    for _ in 0..4 {
        let id = people[0].found().await.id;
        for other in &people[1..] {
            people[0].take_in(id, other).await;
        }
        let (left, kicked, promoted, gone) = tokio::join!(
            people[0].act(id, "leave"),
            people[0].lead(id, "kick", people[1].id()),
            people[0].lead(id, "promote", people[2].id()),
            people[3].act(id, "leave"),
        );
        assert_eq!((left.status, gone.status), (204, 204));
        for answer in [&kicked, &promoted] {
            assert!([200, 403, 404].contains(&answer.status), "{}", answer.text);
        }
        let party = people[2].party().await.party.expect("nobody has put it out");
        let mut expected = vec![people[1].id(), people[2].id()];
        if kicked.status == 200 {
            expected.remove(0);
        }
        assert_eq!(members(&party), expected);
        assert!(expected.contains(&party.leader));
        for (person, inside) in people.iter().zip([false, kicked.status != 200, true, false]) {
            assert_eq!(person.party().await.party.is_some(), inside);
        }
        for person in &people {
            person.act(id, "leave").await;
        }
        people[1].invite(id, people[0].id()).await.problem(404, "no_party");
    }
}

#[tokio::test]
async fn an_invitation_from_somebody_blocked_is_not_shown() {
    let app = App::start().await;
    let people = people(&app, 3).await;
    let [ann, bob, cleo] = people.as_slice() else { panic!("three") };
    bob.block(ann.id()).await;
    let id = ann.found().await.id;
    let blocked: Party = ann.invite(id, bob.id()).await.ok(200);
    let usual: Party = ann.invite(id, cleo.id()).await.ok(200);
    assert_eq!((blocked.invited.len(), usual.invited.len()), (1, 2));
    assert!(bob.party().await.invitations.is_empty());
    bob.act(id, "accept").await.problem(404, "no_invitation");
    assert_eq!(cleo.party().await.invitations.len(), 1);
    let other = bob.found().await.id;
    bob.invite(other, ann.id()).await.problem(409, "blocking");
}

async fn beat(app: &App, host: HostId, instance: InstanceId, players: u32) {
    let load = json!([{ "instance": instance, "players": players }]);
    let body = json!({ "instances": load, "tick_p99_us": 1, "draining": false });
    assert_eq!(app.internal(&format!("/hosts/{host}/heartbeat"), &body).await.status, 200);
}

#[tokio::test]
async fn a_party_travels_to_one_instance_with_a_seat_for_each() {
    let app = App::start().await;
    let people = people(&app, 4).await;
    let ann = &people[0];
    let id = ann.found().await.id;
    for other in &people[1..] {
        ann.take_in(id, other).await;
    }
    // The forest takes 500: one instance has room for one, one for all, and players would gather in a third.
    let mut instances = Vec::new();
    for players in [499, 450, 10] {
        let (host, registered) = app.living_host(&["forest"]).await;
        beat(&app, host, registered.instances[0].instance, players).await;
        instances.push((host, registered.instances[0].clone()));
    }
    // A member is in the second: there they meet.
    enter(&app, &people[3], instances[1].0, &instances[1].1).await;
    let travels = join_all((0..6).map(|_| ann.travel(id, "forest", "key"))).await;
    let travel: PartyTravel = travels[0].ok(200);
    assert!(travels.iter().all(|answer| answer.ok::<PartyTravel>(200) == travel));
    assert_eq!(travel.instance, instances[1].1.instance);
    // Strangers who join gather elsewhere; members come to the seats that are kept.
    let stranger = person(&app, "Stranger").await;
    assert_eq!(stranger.join("forest", "s").await.instance, instances[2].1.instance);
    for (index, member) in people[..3].iter().enumerate() {
        assert_eq!(member.join("forest", &format!("m{index}")).await.instance, travel.instance);
    }
    // Full to the last seat: the kept ones are counted once.
    beat(&app, instances[1].0, travel.instance, 498).await;
    let late = ann.travel(id, "forest", "other").await;
    let late: PartyTravel = late.ok(200);
    assert_eq!(late.instance, instances[2].1.instance);
    // The host hears of the party.
    let claimed = enter(&app, ann, instances[1].0, &instances[1].1).await;
    assert_eq!(claimed.party, Some(id));
    let seen = people[1].party().await.party.expect("a party");
    assert_eq!(seen.members[0].presence.instance, Some(travel.instance));
    // The newest travel counts, also for one who has been elsewhere since.
    assert_eq!(people[2].join("forest", "again").await.instance, late.instance);
    // Without a travel, members are sent to each other.
    let (gus, hal) = (person(&app, "Gus").await, person(&app, "Hal").await);
    let pair = gus.found().await.id;
    gus.take_in(pair, &hal).await;
    beat(&app, instances[0].0, instances[0].1.instance, 400).await;
    enter(&app, &gus, instances[0].0, &instances[0].1).await;
    assert_eq!(hal.join("forest", "h").await.instance, instances[0].1.instance);
}
