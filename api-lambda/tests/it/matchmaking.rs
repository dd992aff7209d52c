//! `/v1/matchmaking` and `/internal/v1/matchmaking`: tickets, matches, results; the test is the coordinator.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::catalogue::RoleCount;
use domain::contract::coordinator::{
    CoordinatorLease, FormMatch, FormMatches, FormOutcome, FormTeam, FormedMatches, MatchRoster,
    MatchmakingChanges, RatedMatch, SweptMatches,
};
use domain::contract::hosts::{ClaimedCharacter, HostRegistered};
use domain::contract::matchmaking::{CharacterRatings, MatchTicket, QueueList, TicketState};
use domain::contract::players::Character;
use domain::ids::{Epoch, HostId, InstanceId, MatchId, MatchTicketId};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, Player, SERVICE_TOKEN, now, random, send};

mod cancels;
mod coordinator;
mod endings;
mod parties;
mod rivals;

const TICKETS: &str = "/v1/matchmaking/tickets";

/// A player with a character and, mostly, a ticket.
struct Seeker<'a> {
    player: Player<'a>,
    character: Character,
}

fn body(queue: &str, character: &Character) -> Value {
    json!({ "queue": queue, "character": character.id, "round_trips_ms": { "local": 20 } })
}

impl<'a> Seeker<'a> {
    async fn new(app: &'a App, name: &str) -> Self {
        let player = app.player().await;
        let character = player.create(name).await;
        Self { player, character }
    }

    async fn ask(&self, queue: &str) -> Answer {
        self.player.post(TICKETS, &body(queue, &self.character)).await
    }

    async fn wait(&self, queue: &str) -> MatchTicketId {
        self.ask(queue).await.ok::<MatchTicket>(201).id
    }

    async fn see(&self, ticket: MatchTicketId) -> MatchTicket {
        self.player.get(&format!("{TICKETS}/{ticket}")).await.ok(200)
    }

    async fn cancel(&self, ticket: MatchTicketId) -> Answer {
        self.player.delete(&format!("{TICKETS}/{ticket}")).await
    }

    async fn mu(&self) -> Option<f64> {
        let path = format!("/v1/characters/{}/ratings", self.character.id);
        self.player.get(&path).await.ok::<CharacterRatings>(200).ratings.first().map(|rating| rating.mu)
    }
}

/// So many who wait in the queue.
async fn waiting<'a>(app: &'a App, queue: &str, count: usize) -> Vec<(Seeker<'a>, MatchTicketId)> {
    let names =
        (0..count).map(|number| format!("Pal {}", char::from(b'a' + u8::try_from(number).expect("few"))));
    waiting_as(app, queue, &names.collect::<Vec<_>>()).await
}

/// Those of these names wait in the queue.
async fn waiting_as<'a>(
    app: &'a App,
    queue: &str,
    names: &[impl AsRef<str>],
) -> Vec<(Seeker<'a>, MatchTicketId)> {
    let mut found = Vec::new();
    for name in names {
        let seeker = Seeker::new(app, name.as_ref()).await;
        let ticket = seeker.wait(queue).await;
        found.push((seeker, ticket));
    }
    found
}

/// A host that is the coordinator, and offers one zone.
pub(crate) struct Fleet {
    host: HostId,
    registered: HostRegistered,
    epoch: Epoch,
}

async fn fleet(app: &App) -> Fleet {
    let (host, registered) = app.living_host(&["hub"]).await;
    let lease: CoordinatorLease = app.internal("/coordinator/lease", &json!({ "host": host })).await.ok(200);
    Fleet { host, registered, epoch: lease.epoch }
}

pub(crate) fn form(queue: &str, teams: &[&[MatchTicketId]]) -> FormMatch {
    let team = |tickets: &&[MatchTicketId]| FormTeam { tickets: tickets.to_vec(), roles: [].into() };
    FormMatch {
        match_id: MatchId::new(now(), random()),
        queue: queue.parse().expect("a name"),
        joins: None,
        region: "local".into(),
        teams: teams.iter().map(team).collect(),
        quality: 0.9,
        spread: 0.1,
        range: 0.2,
        worst_round_trip_ms: 20,
    }
}

pub(crate) async fn form_all(app: &App, epoch: Epoch, matches: Vec<FormMatch>) -> Vec<FormOutcome> {
    let answer = app.internal("/matchmaking/matches", &FormMatches { epoch, matches }).await;
    answer.ok::<FormedMatches>(200).outcomes
}

async fn internal_get(app: &App, path: &str) -> Answer {
    send(app.request(Method::GET, &format!("/internal/v1{path}")).bearer_auth(SERVICE_TOKEN)).await
}

async fn changes(app: &App, query: &str) -> MatchmakingChanges {
    internal_get(app, &format!("/matchmaking/changes{query}")).await.ok(200)
}

async fn sweep(app: &App) -> SweptMatches {
    app.internal("/matchmaking/sweep", &json!({})).await.ok(200)
}

pub(crate) async fn roster(app: &App, id: MatchId) -> MatchRoster {
    internal_get(app, &format!("/matches/{id}")).await.ok(200)
}

#[tokio::test]
async fn two_who_wait_are_matched_and_told_where_to_go() {
    let app = App::start().await;
    let fleet = fleet(&app).await;
    let queues: QueueList = app.player().await.get("/v1/matchmaking/queues").await.ok(200);
    assert_eq!(queues.queues.iter().map(|queue| queue.queue.as_str()).collect::<Vec<_>>(), ["duel", "arena"]);
    let seekers = waiting(&app, "duel", 2).await;
    let open = changes(&app, "").await;
    assert_eq!(open.opened.len(), 2);
    assert!(open.opened.iter().all(|ticket| (ticket.players[0].mu - 25.0).abs() < 1e-9));
    let made = form("duel", &[&[seekers[0].1], &[seekers[1].1]]);
    for _ in 0..3 {
        assert_eq!(form_all(&app, fleet.epoch, vec![made.clone()]).await, [FormOutcome::Formed], "once");
    }
    assert!(changes(&app, "").await.opened.is_empty(), "they wait no longer");
    let mut instances = BTreeSet::new();
    for (index, (seeker, ticket)) in (0_u32..).zip(&seekers) {
        let seen = seeker.see(*ticket).await;
        assert_eq!(seen.state, TicketState::Matched);
        let assignment = seen.assignment.expect("a match");
        assert_eq!((assignment.match_id, assignment.team), (made.match_id, Some(index)));
        assert_eq!(assignment.teams[index as usize].players[0].character, seeker.character.id);
        let join = assignment.join.expect("a ticket to the instance");
        assert_eq!((join.host, join.zone.as_str()), (fleet.host, "arena"));
        let keys = &fleet.registered.lease.ticket_keys;
        let claims = token::verify_ticket(&join.ticket, keys, fleet.host, now()).expect("a good ticket");
        assert_eq!((claims.sub, claims.character), (seeker.player.account, seeker.character.id));
        instances.insert(join.instance);
    }
    assert_eq!(instances.len(), 1, "both go to the same instance");
    seekers[0].0.ask("duel").await.problem(409, "already_waiting");
}

#[tokio::test]
async fn tickets_that_make_no_sense_are_refused() {
    let app = App::start().await;
    let (seeker, stranger) = (Seeker::new(&app, "Ada").await, Seeker::new(&app, "Bob").await);
    let good = body("duel", &seeker.character);
    let with = |name: &str, value: Value| {
        let mut changed = good.clone();
        changed[name] = value;
        changed
    };
    for (changed, status, code) in [
        (with("queue", json!("nowhere")), 404, "no_queue"),
        (with("queue", json!("No Where")), 400, "bad_body"),
        (with("speed", json!(1)), 400, "bad_body"),
        (with("character", json!(stranger.character.id)), 404, "no_character"),
        (with("character", json!("chr_1")), 400, "bad_body"),
        (with("roles", json!(["tank"])), 400, "bad_match_ticket"),
        (with("round_trips_ms", json!({ "mars": 1 })), 400, "bad_match_ticket"),
        (with("round_trips_ms", json!({ "local": 100_000 })), 400, "bad_match_ticket"),
        (with("round_trips_ms", json!({ "local": -1 })), 400, "bad_body"),
        (with("party", json!([{ "character": stranger.character.id }])), 400, "bad_match_ticket"),
    ] {
        seeker.player.post(TICKETS, &changed).await.problem(status, code);
    }
    let mut pair = body("arena", &seeker.character);
    pair["party"] = json!([{ "character": stranger.character.id }]);
    seeker.player.post(TICKETS, &pair).await.problem(409, "not_in_party");
    pair["party"] = json!([{ "character": seeker.character.id }]);
    seeker.player.post(TICKETS, &pair).await.problem(400, "bad_match_ticket");
    // The queue has one region, to which the way need not be measured.
    let unmeasured = json!({ "queue": "duel", "character": seeker.character.id });
    let ticket = seeker.player.post(TICKETS, &unmeasured).await.ok::<MatchTicket>(201).id;
    let path = format!("{TICKETS}/{ticket}");
    stranger.player.get(&path).await.problem(404, "no_match_ticket");
    stranger.player.delete(&path).await.problem(404, "no_match_ticket");
    seeker.player.get(&format!("{path}?wait_ms=20001")).await.problem(400, "bad_query");
    seeker.player.get(&format!("{path}?wait=1")).await.problem(400, "bad_query");
    seeker.player.get(&format!("{TICKETS}/mtk_1")).await.problem(400, "bad_path");
    stranger
        .player
        .get(&format!("/v1/characters/{}/ratings", seeker.character.id))
        .await
        .problem(404, "no_character");
}

#[tokio::test]
async fn roles_are_named_once_for_each_player() {
    let app = App::start_with(|config| {
        let role = RoleCount { role: "tank".into(), count: 1 };
        config.catalogue.queues[0].definition.roles = vec![role];
    })
    .await;
    let seeker = Seeker::new(&app, "Ada").await;
    let mut asked = body("duel", &seeker.character);
    asked["roles"] = json!(["tank", "tank"]);
    let problem = seeker.player.post(TICKETS, &asked).await.problem(400, "bad_match_ticket");
    assert!(problem.detail.contains("twice"), "{}", problem.detail);
    asked["roles"] = json!(["tank"]);
    assert_eq!(seeker.player.post(TICKETS, &asked).await.status, 201);
}

#[tokio::test]
async fn a_party_that_fits_no_team_is_refused() {
    let app = App::start_with(|config| {
        let role = |role: &str| RoleCount { role: role.into(), count: 1 };
        config.catalogue.queues[1].definition.roles = ["tank", "healer", "damage"].map(role).into();
    })
    .await;
    let [ada, bob] = [Seeker::new(&app, "Ada").await, Seeker::new(&app, "Bob").await];
    let mut asked = body("arena", &ada.character);
    asked["roles"] = json!(["tank"]);
    asked["party"] = json!([{ "character": bob.character.id, "roles": ["tank"] }]);
    let problem = ada.player.post(TICKETS, &asked).await.problem(400, "bad_match_ticket");
    for part in ["room for 1 more", "still need 2: 1 healer, 1 damage", "take one of these"] {
        assert!(problem.detail.contains(part), "{}", problem.detail);
    }
    // One of them who would heal too makes room; what is left to say is that the two are no party.
    asked["party"][0]["roles"] = json!(["tank", "healer"]);
    ada.player.post(TICKETS, &asked).await.problem(409, "not_in_party");
}

#[tokio::test]
async fn a_queue_of_another_region_is_not_served() {
    let app = App::start_with(|config| {
        config.catalogue.queues[0].definition.regions = vec!["sgp".into(), "local".into()];
    })
    .await;
    let seeker = Seeker::new(&app, "Ada").await;
    let problem = seeker.ask("duel").await.problem(409, "queue_elsewhere");
    assert!(problem.detail.contains("sgp"), "{}", problem.detail);
}

#[tokio::test]
async fn a_character_has_one_open_ticket_however_often_it_asks() {
    let app = App::start().await;
    let seeker = Seeker::new(&app, "Echo").await;
    let good = body("duel", &seeker.character);
    let asked = join_all((0..10).map(|_| seeker.player.post(TICKETS, &good))).await;
    let made: Vec<_> = asked.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(made.len(), 1, "one of ten");
    for refused in asked.iter().filter(|answer| answer.status != 201) {
        refused.problem(409, "already_waiting");
    }
    let first: MatchTicket = made[0].ok(201);
    assert_eq!(seeker.cancel(first.id).await.status, 204);
    // The same request under a key gets the same answer, at once or later.
    let asked = join_all((0..10).map(|_| seeker.player.post_keyed(TICKETS, "key", &good))).await;
    let second: MatchTicket = asked[0].ok(201);
    assert!(asked.iter().all(|answer| answer.ok::<MatchTicket>(201) == second));
    let other = body("arena", &seeker.character);
    seeker.player.post_keyed(TICKETS, "key", &other).await.problem(422, "idempotency_mismatch");
    assert_eq!(changes(&app, "").await.opened.len(), 1);
}

#[tokio::test]
async fn a_result_changes_ratings_once() {
    let app = App::start().await;
    let fleet = fleet(&app).await;
    let seekers = waiting(&app, "arena", 6).await;
    let ids: Vec<MatchTicketId> = seekers.iter().map(|(_, ticket)| *ticket).collect();
    let (id, instance, epoch) = running(&app, &fleet, "arena", &[&ids[..3], &ids[3..]]).await;
    let path = format!("/matches/{id}/result");
    let character = |index: usize| seekers[index].0.character.id;
    let result = json!({
        "instance": instance, "epoch": epoch, "ranks": [1, 2], "left_early": [character(1)],
        "absent": [character(5)],
    });
    let with = |name: &str, value: Value| {
        let mut changed = result.clone();
        changed[name] = value;
        changed
    };
    app.internal(&path, &with("epoch", json!(epoch + 1))).await.problem(409, "fenced");
    app.internal(&path, &with("instance", json!("ins_00000000000000000000000001")))
        .await
        .problem(409, "fenced");
    app.internal(&path, &with("ranks", json!([1]))).await.problem(400, "bad_result");
    let stranger = Seeker::new(&app, "Stranger").await;
    app.internal(&path, &with("absent", json!([stranger.character.id]))).await.problem(400, "bad_result");
    let nowhere = format!("/matches/{}/result", MatchId::new(now(), random()));
    app.internal(&nowhere, &result).await.problem(404, "no_match");
    assert_eq!(seekers[0].0.mu().await, None, "nothing was judged yet");
    let sent = join_all((0..10).map(|_| app.internal(&path, &result))).await;
    let rated: RatedMatch = sent[0].ok(200);
    assert!(sent.iter().all(|answer| answer.ok::<RatedMatch>(200) == rated), "one answer for all");
    assert_eq!(rated.players.len(), 5);
    let mut mus = Vec::new();
    for (seeker, _) in &seekers {
        mus.push(seeker.mu().await);
    }
    assert!(mus[0] > Some(25.0) && mus[2] == mus[0], "{mus:?}");
    assert!(mus[1] < Some(25.0), "who left early has lost: {mus:?}");
    assert!(mus[3] < Some(25.0) && mus[5].is_none(), "{mus:?}");
    let reversed = with("ranks", json!([2, 1]));
    app.internal(&path, &reversed).await.problem(409, "match_over");
    assert_eq!(seekers[0].0.see(ids[0]).await.state, TicketState::Over);
    seekers[0].0.wait("arena").await;
}

/// A match of these teams that has its instance, which is the second; the third is the epoch of the instance.
async fn running(
    app: &App,
    fleet: &Fleet,
    queue: &str,
    teams: &[&[MatchTicketId]],
) -> (MatchId, InstanceId, u64) {
    let made = form(queue, teams);
    let id = made.match_id;
    assert_eq!(form_all(app, fleet.epoch, vec![made]).await, [FormOutcome::Formed]);
    let instance = roster(app, id).await.instance.expect("placed");
    (id, instance, seen_epoch(app, fleet, instance.to_string()).await)
}

/// The seeker enters the instance; the answer is the number of the claim.
async fn claim(app: &App, fleet: &Fleet, seeker: &Seeker<'_>, instance: InstanceId) -> u64 {
    let epoch = seen_epoch(app, fleet, instance.to_string()).await;
    let body = json!({
        "account": seeker.player.account, "host": fleet.host, "instance": instance, "epoch": epoch,
    });
    let path = format!("/characters/{}/claim", seeker.character.id);
    app.internal(&path, &body).await.ok::<ClaimedCharacter>(200).claim
}

/// Changes what is stored of the match behind the API's back, and makes it due if somebody is to look after it: time that
/// passes at once.
async fn rewrite(app: &App, id: MatchId, change: impl FnOnce(&mut Value)) {
    let (client, table) = (app.engine.client(), format!("{}matchmaking", app.engine.table_prefix));
    let key = |name: &str| AttributeValue::S(if name == "pk" { id.to_string() } else { "match".into() });
    let read = client.get_item().table_name(&table).key("pk", key("pk")).key("sk", key("sk"));
    let mut item = read.send().await.expect("an answer").item.expect("a match");
    let mut stored = serde_json::from_str(item["roster"].as_s().expect("a text")).expect("JSON");
    change(&mut stored);
    item.insert("roster".into(), AttributeValue::S(stored.to_string()));
    if item.contains_key("due") {
        item.insert("due_at".into(), AttributeValue::S(format!("{:013}#{id}", 1)));
    }
    client.put_item().table_name(&table).set_item(Some(item)).send().await.expect("written");
}

/// Moves all times of the match so far back.
fn age(stored: &mut Value, millis: u64) {
    let older = |time: &mut Value| {
        if let Some(at) = time.as_u64() {
            *time = json!(at - millis);
        }
    };
    older(&mut stored["created_at"]);
    older(&mut stored["opening_since"]);
    for team in stored["teams"].as_array_mut().expect("teams") {
        for seat in team["seats"].as_array_mut().expect("seats") {
            older(&mut seat["since"]);
        }
    }
}

/// The epoch of the instance, as its host is told it.
async fn seen_epoch(app: &App, fleet: &Fleet, instance: String) -> u64 {
    let beat = json!({ "instances": [], "tick_p99_us": 1, "draining": false });
    let answer: Value = app.internal(&format!("/hosts/{}/heartbeat", fleet.host), &beat).await.ok(200);
    let instances = answer["instances"].as_array().expect("a list");
    let own = instances.iter().find(|own| own["instance"] == json!(instance)).expect("the host runs it");
    own["epoch"].as_u64().expect("a number")
}
