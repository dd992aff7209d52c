//! Many at once: bots that check everything, and connections that never say a word.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use client::Connection;
use client::bot::{Behaviour, BotPlan, play};
use domain::contract::players::Place;
use domain::fixed::{Vec2, metres};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpSocket;
use wire::frame::wire_bytes;
use wire::reason::ByeReason;
use zonehost::platform::local::LocalPlatform;

use crate::harness::{App, next_input, realm, start, start_with, wait_for_snapshot, zone};

#[tokio::test(flavor = "multi_thread")]
async fn bots_find_no_fault_and_their_gains_are_stored() {
    let app = start().await;
    let until = Instant::now() + Duration::from_secs(12);
    let mut bots = tokio::task::JoinSet::new();
    for number in 1..=20_u64 {
        let away = i32::try_from(number).expect("small");
        let position = Vec2::new(metres(60 + 10 * away), metres(100));
        let place = Place { zone: zone("forest"), position, health: 1_000 };
        let character = app.character_at(number.into(), Some(place));
        let connection = app.enter(character, "forest").await;
        let plan = BotPlan {
            seed: number,
            behaviour: Behaviour::Adventure,
            breaks_every: Some(Duration::from_secs(2)),
            measure_from: until,
        };
        let url = app.url.clone();
        bots.spawn(async move { play(connection, &url, plan, until).await });
    }
    let reports = bots.join_all().await;
    let faults: Vec<String> = reports.iter().flat_map(|report| report.faults.clone()).collect();
    assert_eq!(faults, Vec::<String>::new());
    assert!(reports.iter().map(|report| report.resumed).sum::<u64>() > 20);
    assert!(reports.iter().map(|report| report.confirms).sum::<u64>() > 20);
    let stored =
        |number: u128| app.local.character(domain::ids::CharacterId::from_u128(number)).expect("is there");
    app.until("a kill is stored", |_| (1..=20).any(|number| stored(number).xp > 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_silent_connections_keep_nobody_out() {
    let short = |figment: figment::Figment| {
        figment.merge(("limits.hello_ms", 1_500)).merge(("limits.pending_per_address_max", 600))
    };
    let app = start_with(short, realm, |local| local).await;
    let innocent = app.innocent(1).await;
    let mut silent = Vec::new();
    for number in 0..1_000 {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.2:0".parse().expect("an address")).expect("loopback is a whole network");
        let stream = socket.connect(app.host.address()).await.expect("connects");
        if number % 2 == 0 {
            silent.push(stream);
        } else {
            let upgraded = tokio_tungstenite::client_async(&app.url, stream).await;
            // The ones over the limit are refused in the middle of it.
            if let Ok((socket, _)) = upgraded {
                silent.push(socket.into_inner());
            }
        }
    }
    let late = app.enter(app.character(2), "hub").await;
    for stream in &mut silent {
        let mut rest = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
        assert!(end.is_ok(), "a silent connection is ended");
    }
    let metrics = app.host.metrics().render(0);
    let refused = metrics.lines().find_map(|line| line.strip_prefix("connections_refused_total "));
    let refused: u32 = refused.and_then(|count| count.parse().ok()).expect("a counter");
    assert!(refused >= 300, "400 are over the limit of 600, {refused} were refused");
    assert!(app.host.metrics().byes(ByeReason::Silent) + app.host.metrics().errors("handshake") > 500);
    app.until("only players are left", |app| app.host.connections() == 2).await;
    drop(late);
    innocent.was_not_disturbed().await;
}

/// The most bytes, as they are on the wire, that came within any second of the host's ticks, while a crowd mills around.
async fn most_in_a_second(app: &App<LocalPlatform>, number: u128, budget: u32) -> u32 {
    let ticket = app.ticket(app.character(number), "hub");
    let mut connection = Connection::enter_within(&app.url, ticket, budget).await.expect("enters");
    let rate = u32::from(connection.welcome().tick_rate_hz);
    let mut window: VecDeque<(u32, u32)> = VecDeque::new();
    let (mut before, mut most) = (connection.bytes().0, 0);
    for _ in 0..25 {
        connection.send(&next_input(&connection)).await.expect("sends");
        let snapshot = wait_for_snapshot(&mut connection).await.expect("receives");
        let tick = snapshot.header.tick;
        let payload = u32::try_from(connection.bytes().0 - before).expect("small");
        window.push_back((tick, wire_bytes(payload)));
        before = connection.bytes().0;
        while window.front().is_some_and(|(first, _)| tick - first >= rate) {
            window.pop_front();
        }
        most = most.max(window.iter().map(|(_, bytes)| bytes).sum());
    }
    most
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_sent_what_it_can_take() {
    let app = start().await;
    let until = Instant::now() + Duration::from_secs(12);
    let mut bots = tokio::task::JoinSet::new();
    for number in 1..=60_u64 {
        let connection = app.enter(app.character(number.into()), "hub").await;
        let behaviour = Behaviour::Mill;
        let plan = BotPlan { seed: number, behaviour, breaks_every: None, measure_from: until };
        let url = app.url.clone();
        bots.spawn(async move { play(connection, &url, plan, until).await });
    }
    let (ample, tight) = (most_in_a_second(&app, 61, 0).await, most_in_a_second(&app, 62, 1_500).await);
    assert!(tight <= 1_500, "{tight} bytes in a second");
    assert!(ample > tight * 3 / 2 && ample <= 5_000, "{ample} bytes without a wish of the client");
    let reports = bots.join_all().await;
    assert_eq!(
        reports.iter().flat_map(|report| report.faults.clone()).collect::<Vec<_>>(),
        Vec::<String>::new()
    );
    let most = reports.iter().map(|report| report.second_max).max().unwrap_or(0);
    assert!((1_000..=5_000).contains(&most), "the zone's own budget holds for all: {most}");
}
