//! What the platform tells a host by mail and by the answers to its heartbeats.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use client::{ClientError, Connection, Incoming};
use domain::contract::hosts::{AssignedInstance, BatchOutcome, ClaimCharacter, ClaimedCharacter, SaveBatch};
use domain::contract::instances::Purpose;
use domain::contract::mail::{Audience, HostOrder, Mailbox, Notice};
use domain::ids::{CharacterId, Epoch, HostId, InstanceId, MatchId};
use domain::time::UnixMillis;
use wire::reason::ByeReason;
use zonehost::platform::local::LocalPlatform;
use zonehost::platform::{Answer, Platform, PlatformError};

use crate::harness::{
    App, PATIENCE, end_of, left_to_inner, realm, start, start_with, wait_for_snapshot, zone,
};

fn notice(text: &str) -> Notice {
    Notice { topic: "chat".into(), body: format!("{{\"text\":\"{text}\"}}") }
}

fn tell(app: &App, to: Audience, text: &str) {
    app.local.post(HostOrder::Notify { to, notice: notice(text) });
}

/// Reads until a notice comes with the text `last`; all texts on the way.
async fn notices_until(connection: &mut Connection, last: &str) -> Vec<String> {
    let read = async {
        let mut texts = Vec::new();
        loop {
            let mut incoming = Vec::new();
            connection.receive(&mut incoming).await.expect("plays");
            for incoming in incoming {
                let Incoming::Notice(notice) = incoming else { continue };
                assert_eq!(notice.topic, "chat");
                texts.push(notice.body.trim_start_matches("{\"text\":\"").trim_end_matches("\"}").to_owned());
                if texts.last().is_some_and(|text| text == last) {
                    return texts;
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("the notice comes")
}

fn open(app: &App) -> AssignedInstance {
    let assigned = app.local.assign(&zone("forest"), Purpose::Match(MatchId::from_u128(1)));
    app.local.post(HostOrder::Open(assigned.clone()));
    assigned
}

async fn enter<P: Platform>(app: &App<P>, character: CharacterId, assigned: &AssignedInstance) -> Connection {
    let ticket = app.local.ticket_into(character, assigned).expect("a ticket");
    Connection::enter(&app.url, ticket).await.expect("enters")
}

fn runs<P: Platform>(app: &App<P>, instance: InstanceId) -> bool {
    app.host.metrics().zones().iter().any(|(id, _)| *id == instance)
}

#[track_caller]
fn assert_bye(end: &ClientError, expected: ByeReason, words: &str) {
    match end {
        ClientError::Bye { reason, text } => assert_eq!((*reason, text.as_str()), (expected, words)),
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_opened_played_in_and_closed() {
    let app = start().await;
    let innocent = app.innocent(1).await;
    let before = app.host.metrics().zones().len();
    let assigned = open(&app);
    // The player is faster than the mail: it waits for the instance.
    let mut connection = enter(&app, app.character(2), &assigned).await;
    wait_for_snapshot(&mut connection).await.expect("plays");
    assert_eq!(connection.welcome().zone, "forest");
    assert_eq!(app.host.metrics().zones().len(), before + 1);
    assert_eq!(app.local.instance_of(CharacterId::from_u128(2)), Some(assigned.instance));
    let close = HostOrder::Close { instance: assigned.instance, reason: "the match is over".into() };
    app.local.post(close);
    assert_bye(&end_of(connection).await, ByeReason::Over, "the match is over");
    app.until("it is gone", |app| !runs(app, assigned.instance)).await;
    app.until("the platform knows", |app| !app.local.assigned().contains(&assigned)).await;
    let stored = app.local.character(CharacterId::from_u128(2)).expect("is there");
    assert_eq!(stored.place.expect("saved").zone, zone("forest"));
    assert_eq!(app.local.instance_of(CharacterId::from_u128(2)), None, "it has left");
    // The order to open it is read again and again for some seconds, and it stays closed.
    let orders = app.host.metrics().orders();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(!runs(&app, assigned.instance));
    assert_eq!(app.host.metrics().orders(), orders);
    let ticket = app.local.ticket_into(CharacterId::from_u128(2), &assigned).expect("a ticket");
    let refused = Connection::enter(&app.url, ticket).await.expect_err("it is over");
    assert!(matches!(refused, ClientError::Bye { reason: ByeReason::Ticket, .. }), "{refused}");
    innocent.was_not_disturbed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_mail_misses_the_heartbeat_brings() {
    let app = start().await;
    let assigned = app.local.assign(&zone("hub"), Purpose::Room("ABCDEF".into()));
    let connection = enter(&app, app.character(1), &assigned).await;
    app.local.unassign(assigned.instance);
    let end = end_of(connection).await;
    assert!(matches!(end, ClientError::Bye { reason: ByeReason::Over, .. }), "{end}");
    app.until("it is gone", |app| !runs(app, assigned.instance)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_instance_on_demand_goes_and_the_others_stay() {
    let short = |figment: figment::Figment| figment.merge(("empty_instance_secs", 1));
    let app = start_with(short, realm, |local| local).await;
    let zones: Vec<_> = app.host.metrics().zones().into_iter().map(|(id, _)| id).collect();
    let assigned = open(&app);
    let connection = enter(&app, app.character(1), &assigned).await;
    let playing = tokio::spawn(async move {
        let mut connection = connection;
        for _ in 0..25 {
            wait_for_snapshot(&mut connection).await.expect("nobody ends an instance with a player in it");
        }
        connection.leave().await.expect("leaves");
    });
    playing.await.expect("plays on for longer than an empty one is kept");
    app.until("it is gone", |app| !runs(app, assigned.instance)).await;
    assert!(!app.local.assigned().contains(&assigned));
    assert!(zones.iter().all(|id| runs(&app, *id)), "what the host offers stays");
    // One that nobody ever came to goes too.
    let assigned = open(&app);
    app.until("it runs", |app| runs(app, assigned.instance)).await;
    app.until("it is gone", |app| !runs(app, assigned.instance)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_kicked_is_out_and_can_come_back_with_a_new_ticket_only() {
    let app = start().await;
    let innocent = app.innocent(1).await;
    let character = app.character(2);
    let connection = app.enter(character, "hub").await;
    let token = connection.welcome().resume_token.clone();
    let kick = HostOrder::Kick { character, reason: "be kind to wolves".into(), claim: None };
    app.local.post(kick);
    assert_bye(&end_of(connection).await, ByeReason::Kicked, "be kind to wolves");
    app.until("it has left", |app| app.local.instance_of(character).is_none()).await;
    let refused = Connection::resume(&app.url, token).await.expect_err("nobody comes back into the body");
    assert!(matches!(refused, ClientError::Bye { reason: ByeReason::Ticket, .. }), "{refused}");
    let mut again = app.enter(character, "hub").await;
    // The order is given again for some seconds, and acted on once.
    for _ in 0..10 {
        wait_for_snapshot(&mut again).await.expect("plays on");
    }
    assert_eq!(app.host.metrics().byes(ByeReason::Kicked), 1);
    app.local.post(HostOrder::Kick {
        character: CharacterId::from_u128(99),
        reason: String::new(),
        claim: None,
    });
    innocent.was_not_disturbed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_reach_those_that_they_are_for_and_each_once() {
    let app = start().await;
    let (ada, bob, eve) = (app.character(1), app.character(2), app.character(3));
    let mut in_hub = app.enter(ada, "hub").await;
    let mut with_her = app.enter(bob, "hub").await;
    let mut in_forest = app.enter(eve, "forest").await;
    let hub = app.local.instance_of(ada).expect("she is in");
    tell(&app, Audience::Characters(vec![ada, ada, CharacterId::from_u128(99)]), "to ada");
    tell(&app, Audience::Characters(vec![bob, eve]), "to bob and eve");
    tell(&app, Audience::Instance(hub), "to the hub");
    let long = Notice { topic: "chat".into(), body: "x".repeat(5_000) };
    app.local.post(HostOrder::Notify { to: Audience::Everyone, notice: long });
    tokio::time::sleep(Duration::from_millis(700)).await;
    tell(&app, Audience::Everyone, "to all");
    assert_eq!(notices_until(&mut in_hub, "to all").await, ["to ada", "to the hub", "to all"]);
    assert_eq!(notices_until(&mut with_her, "to all").await, ["to bob and eve", "to the hub", "to all"]);
    assert_eq!(notices_until(&mut in_forest, "to all").await, ["to bob and eve", "to all"]);
    assert_eq!(app.host.metrics().errors("notice_too_long"), 1);
    assert_eq!(app.host.metrics().orders(), 5);
    // A player who comes back into the body hears on the new connection.
    let token = in_hub.welcome().resume_token.clone();
    drop(in_hub);
    let mut back = Connection::resume(&app.url, token).await.expect("comes back");
    tell(&app, Audience::Characters(vec![ada]), "again");
    assert_eq!(notices_until(&mut back, "again").await, ["again"]);
    assert_eq!(app.host.metrics().notice_counts(), (9, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_notices_is_cut_and_the_game_goes_on() {
    let app = start().await;
    let innocent = app.innocent(1).await;
    let character = app.character(2);
    let mut connection = app.enter(character, "hub").await;
    for number in 0..500 {
        tell(&app, Audience::Everyone, &format!("number {number} {}", "x".repeat(400)));
    }
    app.until("all is read", |app| app.host.metrics().orders() == 500).await;
    let (sent, dropped) = app.host.metrics().notice_counts();
    assert_eq!(sent + dropped, 1_000, "two players");
    assert!(dropped > 500, "{dropped}");
    for _ in 0..20 {
        wait_for_snapshot(&mut connection).await.expect("plays on");
    }
    innocent.was_not_disturbed().await;
    assert_eq!(app.host.metrics().byes(ByeReason::TooSlow), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_drains_when_it_is_told_to() {
    let app = start().await;
    let character = app.character(1);
    let connection = app.enter(character, "hub").await;
    let assigned = open(&app);
    app.until("it runs", |app| runs(app, assigned.instance)).await;
    app.local.post(HostOrder::Drain);
    let end = end_of(connection).await;
    assert!(matches!(end, ClientError::Bye { reason: ByeReason::Draining, .. }), "{end}");
    tokio::time::timeout(PATIENCE, app.host.drain_ordered()).await.expect("the program hears of it");
    let ticket = app.ticket(character, "hub");
    let refused = Connection::enter(&app.url, ticket).await.expect_err("nobody is taken in");
    assert!(matches!(refused, ClientError::Bye { reason: ByeReason::Draining, .. }), "{refused}");
    assert!(app.host.drain(Duration::from_secs(10)).await, "in time");
    assert!(app.local.character(character).expect("is there").place.is_some(), "stored");
    assert_eq!(app.local.instance_of(character), None);
}

/// A platform whose mail fails while `broken` is set, and whose claims wait while `slow` is.
#[derive(Clone)]
struct Unwell {
    inner: LocalPlatform,
    broken: Arc<AtomicBool>,
    slow: Arc<AtomicBool>,
}

impl Platform for Unwell {
    left_to_inner!(register heartbeat leave store left);

    async fn claim(&self, character: CharacterId, claim: ClaimCharacter) -> Answer<ClaimedCharacter> {
        let claimed = self.inner.claim(character, claim).await;
        while self.slow.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        claimed
    }
    async fn save(&self, instance: InstanceId, batch: SaveBatch) -> Answer<BatchOutcome> {
        // The instance was taken over while this host was away.
        if self.broken.load(Ordering::SeqCst) {
            return Err(PlatformError::Fenced);
        }
        self.inner.save(instance, batch).await
    }
    async fn end(&self, _: InstanceId, _: Epoch) -> Answer<()> {
        Err(PlatformError::Rejected("somebody is on the way".into()))
    }
    async fn mail(&self, host: HostId, since: UnixMillis) -> Answer<Mailbox> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(PlatformError::Retryable("it is out of reach".into()));
        }
        self.inner.mail(host, since).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_does_not_answer_harms_no_game_and_an_awaited_instance_stays() {
    let broken = Arc::new(AtomicBool::new(false));
    let wrap = |inner| Unwell { inner, broken: Arc::clone(&broken), slow: Arc::default() };
    let change = |figment: figment::Figment| {
        figment.merge(("empty_instance_secs", 1)).merge(("mail_ms", 20)).merge(("limits.save_secs", 600))
    };
    let app = start_with(change, realm, wrap).await;
    let innocent = app.innocent(1).await;
    let assigned = app.local.assign(&zone("hub"), Purpose::Public);
    app.local.post(HostOrder::Open(assigned.clone()));
    app.until("it runs", |app| runs(app, assigned.instance)).await;
    broken.store(true, Ordering::SeqCst);
    app.until("it is asked again", |app| app.host.metrics().errors("platform_retryable") >= 3).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(runs(&app, assigned.instance), "somebody is on the way");
    // The instance was given to another host: what this one wants to store is refused, so it lets go of it.
    let connection = enter(&app, app.character(2), &assigned).await;
    connection.leave().await.expect("leaves");
    app.local.unassign(assigned.instance);
    app.until("it is gone", |app| !runs(app, assigned.instance)).await;
    innocent.was_not_disturbed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_kicked_on_the_way_in_does_not_stay() {
    let slow = Arc::new(AtomicBool::new(true));
    let wrap = |inner| Unwell { inner, broken: Arc::default(), slow: Arc::clone(&slow) };
    let app = start_with(|figment| figment, realm, wrap).await;
    let character = app.character(1);
    let ticket = app.ticket(character, "hub");
    let url = app.url.clone();
    let entering = tokio::spawn(async move { Connection::enter(&url, ticket).await });
    app.until("it is claimed", |app| app.local.instance_of(character).is_some()).await;
    app.local.post(HostOrder::Kick { character, reason: "you are banned".into(), claim: None });
    app.until("the order is read", |app| app.host.metrics().orders() == 1).await;
    slow.store(false, Ordering::SeqCst);
    let connection = entering.await.expect("runs").expect("is seated for a moment");
    assert_bye(&end_of(connection).await, ByeReason::Kicked, "you are banned");
    // Who is nowhere is not kept out: the order was about an earlier stay.
    app.until("it has left", |app| app.local.instance_of(character).is_none()).await;
    app.local.post(HostOrder::Kick { character, reason: "too late".into(), claim: None });
    app.until("the order is read", |app| app.host.metrics().orders() == 2).await;
    let mut again = app.enter(character, "hub").await;
    for _ in 0..10 {
        wait_for_snapshot(&mut again).await.expect("plays on");
    }
    assert_eq!(app.host.metrics().byes(ByeReason::Kicked), 1);
}
