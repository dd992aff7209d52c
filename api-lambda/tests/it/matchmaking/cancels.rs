//! Cancelling in any state, players who do not come, and those who take their places.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;

use super::*;
use crate::proxy::Proxy;

/// Queues whose players have five seconds to come.
async fn impatient() -> App {
    App::start_with(|config| {
        for queue in &mut config.catalogue.queues {
            queue.no_show_seconds = 5;
        }
    })
    .await
}

#[tokio::test]
async fn a_cancelled_ticket_is_gone_at_once_and_never_matched() {
    let app = App::start().await;
    let fleet = fleet(&app).await;
    let seekers = waiting(&app, "duel", 2).await;
    let (seeker, ticket) = &seekers[0];
    let start = now();
    let cancelled = join_all((0..10).map(|_| seeker.cancel(*ticket))).await;
    assert!(cancelled.iter().all(|answer| answer.status == 204));
    assert_eq!(seeker.see(*ticket).await.state, TicketState::Cancelled);
    let told = changes(&app, &format!("?after={}", start.as_millis().saturating_sub(1))).await;
    assert_eq!(told.closed, [*ticket]);
    let outcome = form_all(&app, fleet.epoch, vec![form("duel", &[&[*ticket], &[seekers[1].1]])]).await;
    assert_eq!(outcome, [FormOutcome::Gone(vec![*ticket])]);
    seeker.wait("duel").await;
}

/// The cancellation and the match race: either the ticket is matched and the place given back, or it is gone.
#[tokio::test]
async fn a_cancellation_and_a_match_at_once_agree() {
    let app = App::start().await;
    let fleet = fleet(&app).await;
    for round in 0..6 {
        let one = Seeker::new(&app, &format!("One {}", "abcdef".chars().nth(round).expect("six"))).await;
        let two = Seeker::new(&app, &format!("Two {}", "abcdef".chars().nth(round).expect("six"))).await;
        let (first, second) = (one.wait("arena").await, two.wait("arena").await);
        let made = form("arena", &[&[first], &[second]]);
        let (outcome, cancelled) = tokio::join!(
            form_all(&app, fleet.epoch, vec![made.clone()]),
            join_all((0..10).map(|_| one.cancel(first)))
        );
        assert!(cancelled.iter().all(|answer| answer.status == 204));
        match &outcome[0] {
            FormOutcome::Formed => {
                assert_eq!(one.see(first).await.state, TicketState::Left);
                let teams = roster(&app, made.match_id).await.teams;
                assert_eq!(teams, [vec![], vec![two.character.id]]);
            }
            FormOutcome::Gone(gone) => {
                assert_eq!(gone, &[first]);
                assert_eq!(one.see(first).await.state, TicketState::Cancelled);
                assert_eq!(two.see(second).await.state, TicketState::Searching);
            }
            other => panic!("{other:?}"),
        }
        one.wait("arena").await;
    }
}

#[tokio::test]
async fn who_leaves_a_match_or_does_not_come_is_replaced() {
    let app = impatient().await;
    let fleet = fleet(&app).await;
    let seekers = waiting(&app, "arena", 8).await;
    let ids: Vec<MatchTicketId> = seekers.iter().map(|(_, ticket)| *ticket).collect();
    let made = form("arena", &[&ids[..3], &ids[3..6]]);
    assert_eq!(form_all(&app, fleet.epoch, vec![made.clone()]).await, [FormOutcome::Formed]);
    let instance = roster(&app, made.match_id).await.instance.expect("placed");
    for (seeker, _) in &seekers[..5] {
        claim(&app, &fleet, seeker, instance).await;
    }
    let cancelled = join_all((0..10).map(|_| seekers[0].0.cancel(ids[0]))).await;
    assert!(cancelled.iter().all(|answer| answer.status == 204));
    assert_eq!(seekers[0].0.see(ids[0]).await.state, TicketState::Left);
    assert_eq!(sweep(&app).await, SweptMatches::default(), "there is time to come");
    let opening = changes(&app, "").await.openings.remove(0);
    let places = |opening: &domain::contract::coordinator::MatchOpening| {
        opening.teams.iter().map(|team| team.open_places).collect::<Vec<_>>()
    };
    assert_eq!((opening.match_id, places(&opening)), (made.match_id, vec![1, 0]));
    tokio::time::sleep(Duration::from_millis(5_200)).await;
    let beat = json!({ "instances": [], "tick_p99_us": 1, "draining": false });
    app.internal(&format!("/hosts/{}/heartbeat", fleet.host), &beat).await;
    let swept = sweep(&app).await;
    assert_eq!((swept.due, swept.missed), (1, 1));
    assert_eq!(seekers[5].0.see(ids[5]).await.state, TicketState::Missed);
    let now_open = changes(&app, "").await.openings.remove(0);
    assert_eq!(places(&now_open), [1, 1]);
    let join = |revision: u64, teams: &[&[MatchTicketId]]| FormMatch {
        match_id: made.match_id,
        joins: Some(revision),
        ..form("arena", teams)
    };
    // Of two who fill the places at once, one is told that the match has changed.
    let both = vec![join(now_open.revision, &[&[ids[6]], &[]]), join(now_open.revision, &[&[ids[7]], &[]])];
    let mut outcomes = form_all(&app, fleet.epoch, both).await;
    outcomes.sort_by_key(|outcome| *outcome != FormOutcome::Formed);
    assert_eq!(outcomes, [FormOutcome::Formed, FormOutcome::Changed]);
    let late = if seekers[6].0.see(ids[6]).await.state == TicketState::Matched { 7 } else { 6 };
    let open = changes(&app, "").await.openings.remove(0);
    let full = vec![join(open.revision, &[&[ids[late]], &[]])];
    assert_eq!(form_all(&app, fleet.epoch, full).await, [FormOutcome::Changed], "that team is full");
    let fits = vec![join(open.revision, &[&[], &[ids[late]]])];
    assert_eq!(form_all(&app, fleet.epoch, fits).await, [FormOutcome::Formed]);
    assert!(changes(&app, "").await.openings.is_empty());
    assert_eq!(roster(&app, made.match_id).await.teams.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
    let assignment = seekers[late].0.see(ids[late]).await.assignment.expect("a match");
    assert_eq!((assignment.team, assignment.join.is_some()), (Some(1), true));
    // Those who lost their places may wait again.
    seekers[5].0.wait("arena").await;
}

#[tokio::test]
async fn who_came_to_a_duel_alone_waits_again_with_the_time_of_the_first() {
    let app = impatient().await;
    let fleet = fleet(&app).await;
    let seekers = waiting(&app, "duel", 2).await;
    let made = form("duel", &[&[seekers[0].1], &[seekers[1].1]]);
    assert_eq!(form_all(&app, fleet.epoch, vec![made.clone()]).await, [FormOutcome::Formed]);
    let instance = roster(&app, made.match_id).await.instance.expect("placed");
    claim(&app, &fleet, &seekers[0].0, instance).await;
    let created_at = seekers[0].0.see(seekers[0].1).await.created_at;
    tokio::time::sleep(Duration::from_millis(5_200)).await;
    assert_eq!(sweep(&app).await.dissolved, 1);
    let again = seekers[0].0.see(seekers[0].1).await;
    assert_eq!((again.state, again.created_at), (TicketState::Searching, created_at));
    assert_eq!(seekers[1].0.see(seekers[1].1).await.state, TicketState::Missed);
    let open = changes(&app, "").await;
    assert_eq!(open.opened.iter().map(|ticket| ticket.id).collect::<Vec<_>>(), [seekers[0].1]);
    assert!(roster(&app, made.match_id).await.is_over);
    assert_eq!(sweep(&app).await.due, 0);
}

#[tokio::test]
async fn news_come_to_those_who_wait_for_them() {
    let app = App::start().await;
    let fleet = fleet(&app).await;
    let seekers = waiting(&app, "duel", 2).await;
    let path = format!("{TICKETS}/{}?wait_ms=15000", seekers[0].1);
    let begun = std::time::Instant::now();
    let (seen, _) = tokio::join!(seekers[0].0.player.get(&path), async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        form_all(&app, fleet.epoch, vec![form("duel", &[&[seekers[0].1], &[seekers[1].1]])]).await
    });
    let seen: MatchTicket = seen.ok(200);
    assert_eq!(seen.state, TicketState::Matched);
    assert!(begun.elapsed() < Duration::from_secs(14), "it did not wait to the end");
    let waits = json!({ "waits": [{ "ticket": seekers[0].1, "wait": {
        "at": 1, "window": 4.0, "players_needed": 2, "players_in_window": 1, "players_in_region": 1,
        "players_unblocked": 1, "reason": "too_few_in_window" } }] });
    assert_eq!(app.internal("/matchmaking/waits", &waits).await.status, 204);
    assert_eq!(seekers[0].0.see(seekers[0].1).await.wait, None, "it waits no longer");
    let late = Seeker::new(&app, "Late").await;
    let ticket = late.wait("duel").await;
    let mut waits = waits;
    waits["waits"][0]["ticket"] = json!(ticket);
    assert_eq!(app.internal("/matchmaking/waits", &waits).await.status, 204);
    assert_eq!(late.see(ticket).await.wait.expect("told").reason, "too_few_in_window");
}

#[tokio::test]
async fn a_match_waits_for_a_host_and_comes_to_nothing_without() {
    let app = App::start().await;
    let seekers = waiting(&app, "duel", 2).await;
    // A coordinator without any zone: nobody runs instances.
    let host = HostId::new(now(), random());
    let lease: CoordinatorLease = app.internal("/coordinator/lease", &json!({ "host": host })).await.ok(200);
    let made = form("duel", &[&[seekers[0].1], &[seekers[1].1]]);
    assert_eq!(form_all(&app, lease.epoch, vec![made.clone()]).await, [FormOutcome::Formed]);
    let seen = seekers[0].0.see(seekers[0].1).await;
    let assignment = seen.assignment.expect("a match");
    assert_eq!((seen.state, assignment.instance, assignment.join), (TicketState::Matched, None, None));
    assert_eq!((sweep(&app).await.due, sweep(&app).await.placed), (1, 0));
    let fleet = fleet_of(&app).await;
    assert_eq!(sweep(&app).await.placed, 1);
    let join = seekers[0].0.see(seekers[0].1).await.assignment.and_then(|it| it.join);
    assert_eq!(join.map(|join| join.host), Some(fleet));
}

/// Makes it as if the match had been formed half a minute ago.
async fn formed_long_ago(app: &App, id: MatchId) {
    let (client, table) = (app.engine.client(), format!("{}matchmaking", app.engine.table_prefix));
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let call = client.get_item().table_name(&table).key("pk", text(&id.to_string())).key("sk", text("match"));
    let mut item = call.send().await.expect("an answer").item.expect("the match");
    let mut roster: Value = serde_json::from_str(item["roster"].as_s().expect("a text")).expect("JSON");
    roster["created_at"] = json!(now().as_millis() - 30_000);
    item.insert("roster".into(), text(&roster.to_string()));
    client.put_item().table_name(&table).set_item(Some(item)).send().await.expect("written");
}

#[tokio::test]
async fn a_match_whose_instance_never_came_is_dissolved_and_all_wait_again() {
    let app = App::start().await;
    let seekers = waiting(&app, "duel", 2).await;
    let host = HostId::new(now(), random());
    let lease: CoordinatorLease = app.internal("/coordinator/lease", &json!({ "host": host })).await.ok(200);
    let tickets = [seekers[0].1, seekers[1].1];
    let made = form("duel", &[&tickets[..1], &tickets[1..]]);
    assert_eq!(form_all(&app, lease.epoch, vec![made.clone()]).await, [FormOutcome::Formed]);
    assert_eq!(sweep(&app).await.dissolved, 0, "its time is not over");
    formed_long_ago(&app, made.match_id).await;
    let both = [sweep(&app).await, sweep(&app).await];
    assert_eq!(both.map(|swept| swept.dissolved), [1, 0], "once");
    assert!(roster(&app, made.match_id).await.is_over);
    for (seeker, ticket) in &seekers {
        assert_eq!(seeker.see(*ticket).await.state, TicketState::Searching);
    }
    let open = changes(&app, "").await.opened;
    assert_eq!(open.iter().map(|ticket| ticket.id).collect::<BTreeSet<_>>(), tickets.into());
    // The next match takes them.
    let fleet = fleet(&app).await;
    let again = form("duel", &[&tickets[..1], &tickets[1..]]);
    assert_eq!(form_all(&app, fleet.epoch, vec![again]).await, [FormOutcome::Formed]);
}

#[tokio::test]
async fn a_match_goes_on_elsewhere_when_its_host_dies() {
    let app = App::start().await;
    let fleet = fleet(&app).await;
    let seekers = waiting(&app, "duel", 2).await;
    let made = form("duel", &[&[seekers[0].1], &[seekers[1].1]]);
    assert_eq!(form_all(&app, fleet.epoch, vec![made.clone()]).await, [FormOutcome::Formed]);
    let join = async |index: usize| {
        let seen = seekers[index].0.see(seekers[index].1).await;
        assert_eq!(seen.state, TicketState::Matched);
        seen.assignment.expect("a match").join
    };
    let before = join(0).await.expect("placed");
    let gone = app.request(Method::DELETE, &format!("/internal/v1/hosts/{}", fleet.host));
    assert_eq!(send(gone.bearer_auth(SERVICE_TOKEN)).await.status, 204);
    assert_eq!(join(0).await, None, "nobody runs it");
    let other = fleet_of(&app).await;
    let after = [join(0).await.expect("moved"), join(1).await.expect("moved")];
    assert!(after.iter().all(|join| join.host == other && join.instance == after[0].instance), "{after:?}");
    assert_eq!((before.host, roster(&app, made.match_id).await.is_over), (fleet.host, false));
}

async fn fleet_of(app: &App) -> HostId {
    app.host(&["hub"]).await.0
}

/// A player asks for a ticket while the match comes to nothing: between the reading of the old ticket, which is in that
/// match, and the reading of the match, which is over then.
#[tokio::test]
async fn a_ticket_that_waits_again_just_now_is_the_only_one() {
    let app = App::start().await;
    let (proxy, url) = Proxy::start(&app.engine.url).await;
    let slow = app
        .beside(|config| {
            config.dynamodb_endpoint = Some(url);
            (config.store_attempt_timeout_ms, config.store_timeout_ms) = (30_000, 60_000);
        })
        .await;
    let host = HostId::new(now(), random());
    let lease: CoordinatorLease = app.internal("/coordinator/lease", &json!({ "host": host })).await.ok(200);
    let seekers = waiting(&slow, "duel", 2).await;
    let made = form("duel", &[&[seekers[0].1], &[seekers[1].1]]);
    assert_eq!(form_all(&app, lease.epoch, vec![made.clone()]).await, [FormOutcome::Formed]);
    rewrite(&app, made.match_id, |stored| age(stored, 20_000)).await;
    let (came, release) = proxy.hold(&made.match_id.to_string());
    let (asked, ()) = tokio::join!(seekers[0].0.ask("duel"), async {
        came.await.expect("the match is read");
        assert_eq!(sweep(&app).await.dissolved, 1);
        release.send(()).expect("it waits");
    });
    asked.problem(409, "already_waiting");
    assert_eq!(changes(&app, "").await.opened.len(), 2);
}
