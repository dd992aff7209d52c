//! Silence, panics, draining, lost replies and lost leases.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use client::{ClientError, Connection, Incoming};
use domain::catalogue::{Catalogue, ZoneDefinition};
use domain::contract::hosts::{
    BatchOutcome, EntryOutcome, EventBatch, Heartbeat, HeartbeatAnswer, SaveBatch,
};
use domain::contract::instances::LeftBatch;
use domain::contract::mail::Mailbox;
use domain::ids::{CharacterId, Epoch, HostId, InstanceId};
use domain::time::UnixMillis;
use futures_util::{SinkExt as _, StreamExt as _};
use sim::entity::Entity;
use sim::inbox::Joining;
use sim::outbox::{Gain, Score};
use sim::rules::realm::Realm;
use sim::rules::{Act, ActResult, Rules};
use sim::world::World;
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::Message;
use wire::frame::{ServerMessage, frame_of, read_server_frame};
use wire::message::{ActionOutcome, EventKind, Hello, PlayerInput};
use wire::reason::ByeReason;
use zonehost::platform::local::LocalPlatform;
use zonehost::platform::{Answer, Platform, PlatformError};

use crate::harness::{end_of, left_to_inner, realm, start, start_in, start_with, wait_for_snapshot};

fn act(connection: &Connection, action: u8) -> PlayerInput {
    PlayerInput { sequence: 1, tick: connection.welcome().tick, action, ..PlayerInput::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_walks() {
    let app = start().await;
    let mut connection = app.enter(app.character(1), "hub").await;
    let from = wait_for_snapshot(&mut connection).await.expect("a snapshot");
    let mut last = from.clone();
    for sequence in 1..=15 {
        let input = PlayerInput {
            sequence,
            snapshot: last.sequence,
            seen: last.header.tick,
            move_x: 127,
            ..PlayerInput::default()
        };
        connection.send(&input).await.expect("sent");
        last = wait_for_snapshot(&mut connection).await.expect("a snapshot");
    }
    let metres = (last.header.own.position - from.header.own.position).length() / 256;
    assert!((4..=10).contains(&metres), "walked {metres} m in 1.5 s");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_silent_is_dropped_but_the_body_waits() {
    let short = |figment: figment::Figment| figment.merge(("limits.silence_ms", 500));
    let app = start_with(short, realm, |local| local).await;
    let connection = app.enter(app.character(1), "hub").await;
    let (entity, token) = (connection.welcome().entity, connection.welcome().resume_token.clone());
    let end = end_of(connection).await;
    assert!(matches!(end, ClientError::Bye { reason: ByeReason::TooSlow, .. }), "{end}");
    assert_eq!(app.host.metrics().errors("silence"), 1);
    let back = Connection::resume(&app.url, token).await.expect("comes back");
    assert_eq!(back.welcome().entity, entity);
}

/// The rules of realm, but for an action that panics.
struct Fragile;

impl Rules for Fragile {
    fn start(&self, world: &mut World) {
        Realm.start(world);
    }
    fn body(&self, world: &mut World, joining: &Joining) -> Entity {
        Realm.body(world, joining)
    }
    fn act(&self, world: &mut World, actor: usize, act: Act) -> ActResult {
        assert!(act.action != 9, "a fault in a studio's rules");
        Realm.act(world, actor, act)
    }
    fn think(&self, world: &mut World) {
        Realm.think(world);
    }
    fn hit(&self, world: &mut World, projectile: usize, target: usize) -> bool {
        Realm.hit(world, projectile, target)
    }
    fn run(&self, world: &mut World) {
        Realm.run(world);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_that_panics_starts_again_and_the_others_never_notice() {
    let app = start_with(|figment| figment, |_| Box::new(Fragile), |local| local).await;
    let innocent = app.innocent(1).await;
    let character = app.character(2);
    let mut culprit = app.enter(character, "forest").await;
    let bystander = app.enter(app.character(3), "forest").await;
    let input = act(&culprit, 9);
    culprit.send(&input).await.expect("sent");
    for connection in [culprit, bystander] {
        let end = end_of(connection).await;
        assert!(matches!(end, ClientError::Bye { reason: ByeReason::Internal, .. }), "{end}");
    }
    let mut again = app.enter(character, "forest").await;
    wait_for_snapshot(&mut again).await.expect("the zone runs");
    assert_eq!(app.host.metrics().zones().iter().map(|(_, zone)| zone.panics).sum::<u64>(), 1);
    innocent.was_not_disturbed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_tells_everyone_and_stores_everything() {
    let app = start().await;
    let characters: Vec<CharacterId> = (1..=10).map(|number| app.character(number)).collect();
    let mut connections = Vec::new();
    for character in &characters {
        connections.push(app.enter(*character, "hub").await);
    }
    let admin = format!("http://{}", app.host.admin_address());
    let get = async |path: &str| {
        let response = reqwest::get(format!("{admin}{path}")).await.expect("answers");
        (response.status().as_u16(), response.text().await.expect("a text"))
    };
    assert_eq!(get("/health").await.0, 200);
    assert_eq!(get("/ready").await.0, 200);
    let metrics = get("/metrics").await.1;
    assert!(
        metrics.contains("active_players{zone=\"hub\"") && metrics.contains("active_connections 10"),
        "{metrics}"
    );
    let address = app.host.address();
    let ends = connections.into_iter().map(|connection| tokio::spawn(end_of(connection)));
    let ends: Vec<_> = ends.collect();
    let (local, host) = (app.local.clone(), app.host);
    assert!(host.drain(Duration::from_secs(10)).await, "in time");
    for end in ends {
        let end = end.await.expect("no panic");
        assert!(matches!(end, ClientError::Bye { reason: ByeReason::Draining, .. }), "{end}");
    }
    for character in characters {
        assert!(
            local.character(character).is_some_and(|character| character.place.is_some()),
            "{character} is saved"
        );
    }
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody is taken in any more");
}

/// Rules in which every action earns experience, so that gains can be counted.
struct Generous;

impl Rules for Generous {
    fn start(&self, _: &mut World) {}
    fn body(&self, world: &mut World, joining: &Joining) -> Entity {
        Realm.body(world, joining)
    }
    fn act(&self, world: &mut World, actor: usize, _: Act) -> ActResult {
        let (id, seat) = (world.entities[actor].id, world.entities[actor].seat.expect("a player"));
        let character = world.players.get(seat).expect("is in").character;
        let score = Some(Score { board: 0, score: 7, subscore: 0 });
        world.gain(Gain { xp: 7, kills: 1, items: Some((0, 1)), score, ..Gain::of(character) });
        world.tell(seat, EventKind::Experience, id, 7);
        ActResult { outcome: ActionOutcome::Done, cooldown_ticks: 0 }
    }
    fn think(&self, _: &mut World) {}
    fn hit(&self, _: &mut World, _: usize, _: usize) -> bool {
        true
    }
    fn run(&self, _: &mut World) {}
}

/// A platform whose every second answer is lost on the way, and whose lease can be taken away. It may also refuse
/// possessions that come with anything else.
#[derive(Clone)]
struct Lossy {
    inner: LocalPlatform,
    calls: Arc<AtomicU64>,
    fenced: Arc<AtomicBool>,
    picky: bool,
}

impl Lossy {
    fn new(inner: LocalPlatform) -> Self {
        Self { inner, calls: Arc::default(), fenced: Arc::default(), picky: false }
    }

    fn lose<T>(&self, answer: Answer<T>) -> Answer<T> {
        if self.calls.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
            Err(PlatformError::Retryable("the reply is lost".into()))
        } else {
            answer
        }
    }
}

impl Platform for Lossy {
    left_to_inner!(register leave claim);

    async fn heartbeat(&self, host: HostId, beat: Heartbeat) -> Answer<HeartbeatAnswer> {
        if self.fenced.load(Ordering::SeqCst) {
            return Err(PlatformError::Fenced);
        }
        self.inner.heartbeat(host, beat).await
    }
    async fn save(&self, instance: InstanceId, batch: SaveBatch) -> Answer<BatchOutcome> {
        let answer = self.inner.save(instance, batch).await;
        self.lose(answer)
    }
    async fn store(&self, instance: InstanceId, batch: EventBatch) -> Answer<BatchOutcome> {
        let (epoch, mut outcomes) = (batch.epoch, Vec::new());
        for event in batch.events {
            let possessions = event.items.len() + event.currencies.len() + event.scores.len();
            if self.picky && possessions > 0 && possessions + event.xp as usize > 1 {
                outcomes.push(EntryOutcome::Full);
                continue;
            }
            let batch = EventBatch { epoch, events: vec![event] };
            outcomes.extend(self.inner.store(instance, batch).await?.outcomes);
        }
        self.lose(Ok(BatchOutcome { outcomes }))
    }
    async fn left(&self, instance: InstanceId, batch: LeftBatch) -> Answer<BatchOutcome> {
        let answer = self.inner.left(instance, batch).await;
        self.lose(answer)
    }
    async fn end(&self, instance: InstanceId, epoch: Epoch) -> Answer<()> {
        let answer = self.inner.end(instance, epoch).await;
        self.lose(answer)
    }
    async fn mail(&self, host: HostId, since: UnixMillis) -> Answer<Mailbox> {
        let answer = self.inner.mail(host, since).await;
        self.lose(answer)
    }
}

fn is_experience(incoming: &Incoming) -> bool {
    matches!(incoming, Incoming::Event(event) if event.kind == EventKind::Experience as u8)
}

#[tokio::test(flavor = "multi_thread")]
async fn gains_are_stored_once_although_replies_are_lost() {
    thirty_gains(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gains_that_are_refused_as_a_whole_are_stored_piece_by_piece() {
    thirty_gains(true).await;
}

async fn thirty_gains(picky: bool) {
    let wrap = |inner| Lossy { picky, ..Lossy::new(inner) };
    let app = start_with(|figment| figment, |_: &ZoneDefinition| Box::new(Generous), wrap).await;
    let character = app.character(1);
    let mut connection = app.enter(character, "hub").await;
    let mut earned = 0;
    for sequence in 1..=30 {
        let snapshot = connection.view().sequence();
        let input = PlayerInput { sequence, snapshot, action: 1, ..PlayerInput::default() };
        connection.send(&input).await.expect("sent");
        let mut incoming = Vec::new();
        connection.receive(&mut incoming).await.expect("plays");
        earned += incoming.iter().filter(|one| is_experience(one)).count();
    }
    while earned < 30 {
        let mut incoming = Vec::new();
        connection.receive(&mut incoming).await.expect("plays");
        earned += incoming.iter().filter(|one| is_experience(one)).count();
    }
    connection.leave().await.expect("leaves");
    assert!(app.host.drain(Duration::from_secs(10)).await);
    let stored = app.local.character(character).expect("is there");
    assert_eq!((stored.xp, stored.kills), (30 * 7, 30));
    let (items, money) = app.local.possessions(character).expect("is there");
    assert!(items.is_empty(), "coins are money");
    assert_eq!(money.iter().map(|money| money.amount).collect::<Vec<_>>(), [30]);
    let scores = app.local.scores(character);
    assert!((1..=30).contains(&scores.len()), "those of one event are one: {}", scores.len());
    assert!(scores.iter().all(|score| (score.board.as_str(), score.score) == ("best-life", 7)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_lease_is_noticed() {
    let fenced = Arc::new(AtomicBool::new(false));
    let wrap = |inner| Lossy { fenced: Arc::clone(&fenced), ..Lossy::new(inner) };
    let app = start_with(|figment| figment, realm, wrap).await;
    let waiting = tokio::time::timeout(Duration::from_millis(300), app.host.lease_lost()).await;
    assert!(waiting.is_err(), "it holds");
    fenced.store(true, Ordering::SeqCst);
    tokio::time::timeout(Duration::from_secs(5), app.host.lease_lost()).await.expect("noticed");
}

/// Rules that tell every player more than a connection that is not read can hold.
struct Talkative;

impl Rules for Talkative {
    fn start(&self, _: &mut World) {}
    fn body(&self, world: &mut World, joining: &Joining) -> Entity {
        Realm.body(world, joining)
    }
    fn act(&self, _: &mut World, _: usize, _: Act) -> ActResult {
        ActResult { outcome: ActionOutcome::Unknown, cooldown_ticks: 0 }
    }
    fn think(&self, _: &mut World) {}
    fn hit(&self, _: &mut World, _: usize, _: usize) -> bool {
        true
    }
    fn run(&self, world: &mut World) {
        let told: Vec<_> = world.players.iter().map(|(seat, player)| (seat, player.entity)).collect();
        for (seat, entity) in told {
            for _ in 0..60 {
                world.tell(seat, EventKind::Experience, entity, u64::MAX);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_is_dropped_and_can_come_back() {
    let zones = Catalogue::builtin().zones().to_vec();
    let often = zones.into_iter().map(|zone| ZoneDefinition { ticks_per_snapshot: 1, ..zone });
    let catalogue = Catalogue::of(often.collect());
    let short = |figment: figment::Figment| figment.merge(("limits.slow_ms", 300));
    let app = start_in(&catalogue, short, |_| Box::new(Talkative), |local| local).await;
    let innocent = app.innocent(1).await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(2_048).expect("a small buffer");
    let stream = socket.connect(app.host.address()).await.expect("connects");
    let (mut deaf, _) = tokio_tungstenite::client_async(&app.url, stream).await.expect("upgrades");
    let ticket = app.ticket(app.character(2), "hub");
    let hello = frame_of(&Hello { version: wire::WIRE_VERSION, ticket, budget: 0 });
    deaf.send(Message::Binary(hello.into())).await.expect("sent");
    app.until("it is dropped", |app| app.host.metrics().byes(ByeReason::TooSlow) == 1).await;
    let blocked = app.host.metrics().zones().iter().map(|(_, zone)| zone.blocked).sum::<u64>();
    assert!(blocked > 0, "it was throttled first");
    // The Welcome is what it never read; its token still opens the body.
    let token = loop {
        let Some(Ok(Message::Binary(bytes))) = deaf.next().await else { panic!("the Welcome is in there") };
        let mut token = None;
        read_server_frame(&bytes, |message| {
            if let ServerMessage::Welcome(welcome) = message {
                token = Some((welcome.resume_token, welcome.entity));
            }
        })
        .expect("our frames");
        if let Some(token) = token {
            break token;
        }
    };
    let back = Connection::resume(&app.url, token.0).await.expect("comes back");
    assert_eq!(back.welcome().entity, token.1);
    innocent.was_not_disturbed().await;
}
