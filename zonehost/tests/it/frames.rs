//! Frames that are not of the protocol, and too many that are.

use domain::random::Random;
use futures_util::SinkExt as _;
use tokio_tungstenite::tungstenite::Message;
use wire::frame::{append, frame_of};
use wire::message::{GameEvent, Heartbeat, Hello, PlayerInput};
use wire::reason::ByeReason;

use crate::harness::start;

#[tokio::test(flavor = "multi_thread")]
async fn rubbish_ends_a_connection_and_disturbs_nobody() {
    let app = start().await;
    let innocent = app.innocent(1).await;
    let hello = || frame_of(&Hello { version: wire::WIRE_VERSION, ticket: "x".into(), budget: 0 });
    let many = frame_of(&Heartbeat { client_time: 1 }).repeat(600);
    let future = PlayerInput { sequence: 1, snapshot: 1_000, ..PlayerInput::default() };
    let flood = frame_of(&PlayerInput { sequence: 1, ..PlayerInput::default() }).repeat(200);
    let cases: Vec<(&str, Vec<u8>, ByeReason)> = vec![
        ("empty", vec![], ByeReason::Protocol),
        ("one byte", vec![0xc1], ByeReason::Protocol),
        ("cut off", hello()[..3].to_vec(), ByeReason::Protocol),
        ("a second Hello", hello(), ByeReason::Protocol),
        (
            "a host's message",
            frame_of(&GameEvent { kind: 0, subject: 1, object: 1, value: 1 }),
            ByeReason::Protocol,
        ),
        ("a string of 4 GiB", vec![1, 0x92, 1, 0xdb, 255, 255, 255, 255], ByeReason::Protocol),
        ("too large", vec![0; 10_000], ByeReason::TooLarge),
        ("snapshots of the future", frame_of(&future), ByeReason::Protocol),
        ("600 messages in a frame", many, ByeReason::TooFast),
        ("200 inputs at once", flood, ByeReason::TooFast),
    ];
    for (number, (name, frame, reason)) in (10..).zip(cases) {
        let before = app.host.metrics().byes(reason);
        let mut rude = app.rude_player(number).await;
        rude.send(frame).await;
        assert_eq!(rude.farewell().await, Some(reason), "{name}");
        assert_eq!(app.host.metrics().byes(reason), before + 1, "{name} is counted");
    }
    let mut rude = app.rude_player(100).await;
    rude.socket.send(Message::text("hello")).await.expect("the socket takes it");
    assert_eq!(rude.farewell().await, Some(ByeReason::Protocol), "text");
    innocent.was_not_disturbed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn random_bytes_end_a_connection_whatever_they_are() {
    let app = start().await;
    let innocent = app.innocent(1).await;
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let length = 1 + random.below(200);
        let frame: Vec<u8> = (0..length).map(|_| random.next_u32().to_le_bytes()[0]).collect();
        let mut rude = app.socket().await;
        rude.send(frame).await;
        let reason = rude.farewell().await;
        assert_eq!(reason, Some(ByeReason::Protocol), "bytes of seed {seed}");
    }
    innocent.was_not_disturbed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_doubled_reordered_or_out_of_time_are_ignored() {
    let app = start().await;
    let mut connection = app.enter(app.character(1), "hub").await;
    let tick = connection.welcome().tick;
    let mut frame = Vec::new();
    for (sequence, tick) in [(5, tick), (5, tick), (3, tick), (6, tick + 10_000), (7, tick)] {
        append(&mut frame, &PlayerInput { sequence, tick, ..PlayerInput::default() });
    }
    connection.send_frame(frame).await.expect("sent");
    let mut notices = Vec::new();
    let mut input = 0;
    while input < 7 || notices.is_empty() {
        let mut incoming = Vec::new();
        connection.receive(&mut incoming).await.expect("the connection lives on");
        for incoming in incoming {
            match incoming {
                client::Incoming::Snapshot(snapshot) => {
                    assert!(snapshot.header.input >= input, "inputs are never taken back");
                    input = snapshot.header.input;
                }
                client::Incoming::Error(notice) => notices.push(notice.code),
                _ => {}
            }
        }
    }
    assert_eq!((input, notices), (7, vec![2]));
}
