//! A running host, an innocent player in it, and sockets for rubbish.

use std::time::{Duration, Instant};

use client::{ClientError, Connection, Incoming};
use domain::catalogue::{Catalogue, ZoneDefinition};
use domain::contract::players::Place;
use domain::ids::{CharacterId, ZoneId};
use figment::Figment;
use futures_util::{SinkExt as _, StreamExt as _};
use sim::rules::Rules;
use sim::rules::realm::Realm;
use token::{KeyRing, SecretKey};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use wire::frame::{ServerMessage, frame_of, read_server_frame};
use wire::message::{Hello, PlayerInput};
use wire::reason::ByeReason;
use zonehost::platform::Platform;
use zonehost::platform::local::LocalPlatform;
use zonehost::{HostConfig, RunningHost};

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn zone(name: &str) -> ZoneId {
    name.parse().expect("a zone name")
}

pub(crate) fn keys(seed: u8) -> KeyRing {
    KeyRing::new(&[SecretKey::from_seed("test", &[seed; 32])]).expect("a good key")
}

pub(crate) fn realm(_: &ZoneDefinition) -> Box<dyn Rules> {
    Box::new(Realm)
}

pub(crate) fn config(change: impl FnOnce(Figment) -> Figment) -> HostConfig {
    let figment = HostConfig::defaults().merge(("service_token", "a token of the tests"));
    HostConfig::extract(&change(figment)).expect("a good configuration")
}

/// A host with its platform.
pub(crate) struct App<P: Platform = LocalPlatform> {
    pub(crate) host: RunningHost<P>,
    pub(crate) local: LocalPlatform,
    pub(crate) url: String,
}

pub(crate) async fn start() -> App {
    start_with(|figment| figment, realm, |local| local).await
}

pub(crate) async fn start_with<P: Platform + Clone>(
    change: impl FnOnce(Figment) -> Figment,
    rules: impl Fn(&ZoneDefinition) -> Box<dyn Rules> + Send + Sync + 'static,
    wrap: impl FnOnce(LocalPlatform) -> P,
) -> App<P> {
    start_in(&Catalogue::builtin(), change, rules, wrap).await
}

pub(crate) async fn start_in<P: Platform + Clone>(
    catalogue: &Catalogue,
    change: impl FnOnce(Figment) -> Figment,
    rules: impl Fn(&ZoneDefinition) -> Box<dyn Rules> + Send + Sync + 'static,
    wrap: impl FnOnce(LocalPlatform) -> P,
) -> App<P> {
    let local = LocalPlatform::new(keys(1));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let admin = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let platform = wrap(local.clone());
    let host = zonehost::start(config(change), catalogue, rules, platform, listener, admin);
    let host = host.await.expect("it starts");
    let url = format!("ws://{}", host.address());
    App { host, local, url }
}

impl<P: Platform> App<P> {
    /// A new character; `number` must be new.
    pub(crate) fn character(&self, number: u128) -> CharacterId {
        self.character_at(number, None)
    }

    pub(crate) fn character_at(&self, number: u128, place: Option<Place>) -> CharacterId {
        let name = format!("Tester {number}").parse().expect("a name");
        self.local.create(number, name, place)
    }

    pub(crate) fn ticket(&self, character: CharacterId, zone_name: &str) -> String {
        self.local.ticket(character, &zone(zone_name)).expect("a ticket")
    }

    pub(crate) async fn enter(&self, character: CharacterId, zone_name: &str) -> Connection {
        Connection::enter(&self.url, self.ticket(character, zone_name)).await.expect("enters")
    }

    /// A new character that plays in the hub and demands an unbroken row of snapshots all the while.
    pub(crate) async fn innocent(&self, number: u128) -> Innocent {
        let mut connection = self.enter(self.character(number), "hub").await;
        let (stop, mut stopped) = tokio::sync::oneshot::channel();
        let playing = tokio::spawn(async move {
            let mut last = Instant::now();
            let mut longest = Duration::ZERO;
            while stopped.try_recv().is_err() {
                let input = next_input(&connection);
                connection.send(&input).await.expect("the innocent sends");
                wait_for_snapshot(&mut connection).await.expect("the innocent receives");
                longest = longest.max(last.elapsed());
                last = Instant::now();
            }
            longest
        });
        Innocent { playing, stop }
    }

    /// A socket that has said nothing yet.
    pub(crate) async fn socket(&self) -> Rude {
        let (socket, _) = tokio_tungstenite::connect_async(&self.url).await.expect("connects");
        Rude { socket }
    }

    /// A socket of a player who is in the hub.
    pub(crate) async fn rude_player(&self, number: u128) -> Rude {
        let mut rude = self.socket().await;
        let ticket = self.ticket(self.character(number), "hub");
        rude.send(frame_of(&Hello { version: wire::WIRE_VERSION, ticket, budget: 0 })).await;
        rude.until_welcome().await;
        rude
    }

    pub(crate) async fn until(&self, what: &str, check: impl Fn(&Self) -> bool) {
        let give_up = Instant::now() + PATIENCE;
        while !check(self) {
            assert!(Instant::now() < give_up, "not within {PATIENCE:?}: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The methods that a test's own platform leaves to its `inner` one.
macro_rules! left_to_inner {
    (fn $name:ident($($arg:ident: $kind:ty),+) -> $answer:ty) => {
        async fn $name(&self, $($arg: $kind),+) -> zonehost::platform::Answer<$answer> {
            self.inner.$name($($arg),+).await
        }
    };
    (@register) => { left_to_inner!(fn register(host: domain::contract::hosts::RegisterHost) -> domain::contract::hosts::HostRegistered); };
    (@heartbeat) => {
        left_to_inner!(fn heartbeat(host: domain::ids::HostId, beat: domain::contract::hosts::Heartbeat) -> domain::contract::hosts::HeartbeatAnswer);
    };
    (@leave) => { left_to_inner!(fn leave(host: domain::ids::HostId) -> ()); };
    (@claim) => {
        left_to_inner!(fn claim(who: domain::ids::CharacterId, claim: domain::contract::hosts::ClaimCharacter) -> domain::contract::hosts::ClaimedCharacter);
    };
    (@store) => {
        left_to_inner!(fn store(instance: domain::ids::InstanceId, batch: domain::contract::hosts::EventBatch) -> domain::contract::hosts::BatchOutcome);
    };
    (@left) => {
        left_to_inner!(fn left(instance: domain::ids::InstanceId, batch: domain::contract::instances::LeftBatch) -> domain::contract::hosts::BatchOutcome);
    };
    (@end) => { left_to_inner!(fn end(instance: domain::ids::InstanceId, epoch: domain::ids::Epoch) -> ()); };
    (@mail) => { left_to_inner!(fn mail(host: domain::ids::HostId, since: domain::time::UnixMillis) -> domain::contract::mail::Mailbox); };
    ($($method:ident)+) => { $(left_to_inner!(@$method);)+ };
}
pub(crate) use left_to_inner;

/// An input that only acknowledges the newest snapshot.
pub(crate) fn next_input(connection: &Connection) -> PlayerInput {
    let sequence = connection.view().sequence() + 1;
    let (snapshot, seen) = (connection.view().sequence(), connection.view().header().tick);
    PlayerInput { sequence, snapshot, seen, ..PlayerInput::default() }
}

pub(crate) async fn wait_for_snapshot(connection: &mut Connection) -> Result<client::Snapshot, ClientError> {
    let mut incoming = Vec::new();
    loop {
        connection.receive(&mut incoming).await?;
        for incoming in incoming.drain(..) {
            if let Incoming::Snapshot(snapshot) = incoming {
                return Ok(snapshot);
            }
        }
    }
}

/// Reads on until the connection ends.
pub(crate) async fn end_of(mut connection: Connection) -> ClientError {
    loop {
        if let Err(error) = wait_for_snapshot(&mut connection).await {
            return error;
        }
    }
}

/// A player who must not notice what others do.
pub(crate) struct Innocent {
    playing: JoinHandle<Duration>,
    stop: tokio::sync::oneshot::Sender<()>,
}

impl Innocent {
    /// Ends the game; the longest wait between two snapshots must have been short.
    pub(crate) async fn was_not_disturbed(self) {
        self.stop.send(()).expect("still plays");
        let longest = self.playing.await.expect("plays to the end");
        // Two cores run all tests at once; a host that stalls for a player stalls for seconds.
        assert!(longest < Duration::from_millis(1_500), "the innocent waited {longest:?}");
    }
}

/// A client that keeps to no rule.
pub(crate) struct Rude {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Rude {
    pub(crate) async fn send(&mut self, bytes: Vec<u8>) {
        self.socket.send(Message::Binary(Bytes::from(bytes))).await.expect("the socket takes it");
    }

    pub(crate) async fn until_welcome(&mut self) {
        loop {
            let message = self.socket.next().await.expect("open").expect("good");
            let mut welcome = false;
            let Message::Binary(bytes) = message else { panic!("{message:?} instead of Welcome") };
            read_server_frame(&bytes, |message| welcome |= matches!(message, ServerMessage::Welcome(_)))
                .expect("our frames");
            if welcome {
                return;
            }
        }
    }

    /// Reads to the end: the reason of the Bye, and the close code, which must agree.
    pub(crate) async fn farewell(mut self) -> Option<ByeReason> {
        let mut reason = None;
        let mut code = None;
        let read = async {
            while let Some(Ok(message)) = self.socket.next().await {
                match message {
                    Message::Binary(bytes) => {
                        let take = |message: ServerMessage<'_>| {
                            if let ServerMessage::Bye(bye) = message {
                                assert!(!bye.text.is_empty(), "a Bye says why");
                                reason = ByeReason::from_number(bye.reason);
                            }
                        };
                        read_server_frame(&bytes, take).expect("our frames");
                    }
                    Message::Close(frame) => code = frame.map(|frame| u16::from(frame.code)),
                    _ => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, read).await.expect("the connection ends");
        assert_eq!(code, reason.map(ByeReason::close_code), "close code and Bye agree");
        reason
    }
}
