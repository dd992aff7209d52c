//! Golden bytes of every message, the test vectors of PROTOCOL.md, and rubbish.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::golden::{check_golden, hex};

fn check_client<M: Message>(message: &M, decoded: ClientMessage, golden: &Expect) {
    let frame = frame_of(message);
    check_golden(&frame, golden);
    let mut seen = Vec::new();
    read_client_frame(&frame, |message| seen.push(message)).expect("our own bytes");
    assert_eq!(seen, [decoded]);
}

fn check_server<M: Message>(message: &M, decoded: &ServerMessage<'_>, golden: &Expect) {
    let frame = frame_of(message);
    check_golden(&frame, golden);
    let mut seen = 0;
    read_server_frame(&frame, |message| {
        assert_eq!(message, *decoded);
        seen += 1;
    })
    .expect("our own bytes");
    assert_eq!(seen, 1);
}

#[test]
fn messages_of_clients_have_golden_bytes() {
    let hello = Hello { version: 2, ticket: "abc".into(), budget: 0 };
    check_client(&hello, ClientMessage::Hello(hello.clone()), &expect!["019302a361626300"]);
    let resume = Resume { version: 2, token: vec![1, 2, 255], budget: 3_000 };
    check_client(&resume, ClientMessage::Resume(resume.clone()), &expect!["029302c4030102ffcd0bb8"]);
    let input = PlayerInput {
        sequence: 300,
        snapshot: 7,
        tick: 70_000,
        seen: 69_996,
        move_x: -127,
        move_y: 5,
        aim: 16_384,
        action: 1,
    };
    check_client(
        &input,
        ClientMessage::Input(input),
        &expect!["0398cd012c07ce00011170ce0001116cd08105cd400001"],
    );
    let beat = Heartbeat { client_time: 123_456 };
    check_client(&beat, ClientMessage::Heartbeat(beat), &expect!["0491ce0001e240"]);
    let bye = Bye { reason: 0, text: String::new() };
    check_client(&bye, ClientMessage::Bye(bye.clone()), &expect!["059200a0"]);
}

#[test]
fn messages_of_hosts_have_golden_bytes() {
    let welcome = Welcome {
        version: 2,
        entity: 9,
        character: "chr_0".into(),
        name: "Ada".into(),
        zone: "hub".into(),
        tick: 60,
        tick_rate_hz: 30,
        ticks_per_snapshot: 3,
        size: 51_200,
        interest_radius: 10_240,
        terrain_seed: 77,
        obstacle_permille: 30,
        radius: 102,
        speed_max: 1_536,
        acceleration: 7_680,
        xp: 100,
        resume_token: vec![7; 4],
        grace_secs: 60,
    };
    check_server(
        &welcome,
        &ServerMessage::Welcome(welcome.clone()),
        &expect![
            "10dc00120209a56368725f30a3416461a36875623c1e03cdc800cd28004d1e66cd0600cd1e0064c404070707073c"
        ],
    );
    let state = StateUpdate { body: &[7, 8] };
    check_server(&state, &ServerMessage::State(state.clone()), &expect!["1191c4020708"]);
    let event = GameEvent { kind: 0, subject: 9, object: 10, value: 12 };
    check_server(&event, &ServerMessage::Event(event), &expect!["129400090a0c"]);
    let confirm = ActionConfirm { input: 5, outcome: 0, cooldown_ticks: 18 };
    check_server(&confirm, &ServerMessage::Confirm(confirm), &expect!["1393050012"]);
    let beat = HeartbeatAck { client_time: 123_456, held_us: 20_000 };
    check_server(&beat, &ServerMessage::Heartbeat(beat), &expect!["1492ce0001e240cd4e20"]);
    let redirect = Redirect { url: "ws://b".into(), ticket: "t".into() };
    check_server(&redirect, &ServerMessage::Redirect(redirect.clone()), &expect!["1592a677733a2f2f62a174"]);
    let error = ErrorNotice { code: 2, text: "no".into() };
    check_server(&error, &ServerMessage::Error(error.clone()), &expect!["169202a26e6f"]);
    let notice = Notice { topic: "chat".into(), body: r#"{"text":"hi"}"#.into() };
    check_server(
        &notice,
        &ServerMessage::Notice(notice.clone()),
        &expect!["1792a463686174ad7b2274657874223a226869227d"],
    );
    let bye = Bye { reason: 8, text: "bye".into() };
    check_server(&bye, &ServerMessage::Bye(bye.clone()), &expect!["059208a3627965"]);
}

#[test]
fn a_frame_holds_several_messages_in_order() {
    let mut frame = frame_of(&Heartbeat { client_time: 1 });
    append(&mut frame, &PlayerInput { sequence: 2, ..PlayerInput::default() });
    let mut kinds = Vec::new();
    read_client_frame(&frame, |message| kinds.push(matches!(message, ClientMessage::Input(_))))
        .expect("good");
    assert_eq!(kinds, [false, true]);
}

#[test]
fn bad_frames_are_named() {
    let check = |bytes: &[u8], error: FrameError| {
        assert_eq!(read_client_frame(bytes, drop), Err(error), "{}", hex(bytes));
    };
    check(&[], FrameError::Empty);
    check(&vec![0; CLIENT_FRAME_BYTES_MAX + 1], FrameError::TooLarge { max: CLIENT_FRAME_BYTES_MAX });
    check(&[3], FrameError::Malformed { kind: 3 });
    check(&[3, 0x97, 1], FrameError::Malformed { kind: 3 });
    check(&[4, 0x92, 1, 1], FrameError::Malformed { kind: 4 });
    check(&[17, 0x90], FrameError::Unexpected { kind: 17 });
    check(&[0xc1], FrameError::Malformed { kind: 255 });
    check(&[1, 0x92, 1, 0xdb, 255, 255, 255, 255], FrameError::Malformed { kind: 1 });
    check(&[4, 0x91, 1].repeat(MESSAGES_PER_FRAME_MAX + 1), FrameError::TooMany);
    // A list nested deeper than any message.
    check(&[[1].as_slice(), &[0x91; 1_000]].concat(), FrameError::Malformed { kind: 1 });
}

#[test]
fn clients_pass_over_kinds_they_do_not_know() {
    let mut frame = vec![99, 0x92, 1, 0x81, 1, 2];
    append(&mut frame, &HeartbeatAck { client_time: 1, held_us: 2 });
    let mut seen = 0;
    read_server_frame(&frame, |_| seen += 1).expect("good");
    assert_eq!(seen, 1);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_client_frame(&bytes, drop);
        let _ = read_server_frame(&bytes, drop);
    }

    #[test]
    fn a_changed_byte_never_panics(at in 0..60_usize, to in any::<u8>()) {
        let mut frame = frame_of(&Hello { version: 2, ticket: "x".repeat(40), budget: 0 });
        append(&mut frame, &PlayerInput::default());
        let at = at % frame.len();
        frame[at] = to;
        let _ = read_client_frame(&frame, drop);
        let _ = read_server_frame(&frame, drop);
    }
}
