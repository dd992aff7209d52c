//! Tickets and resume tokens that are not good, and two logins at once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use client::{ClientError, Connection};
use domain::ids::{AccountId, HostId, InstanceId};
use domain::token::TicketClaims;
use wire::frame::frame_of;
use wire::message::{Hello, Resume};
use wire::reason::ByeReason;

use crate::harness::{App, end_of, keys, realm, start, start_with, wait_for_snapshot, zone};

async fn farewell_to(app: &App, hello: &Hello) -> Option<ByeReason> {
    let mut rude = app.socket().await;
    rude.send(frame_of(hello)).await;
    rude.farewell().await
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_tickets_are_refused_and_counted() {
    let app = start().await;
    let innocent = app.innocent(1).await;
    let character = app.character(2);
    let claims = || app.local.ticket_claims(character, &zone("hub")).expect("claims");
    let good = keys(1);
    let sign = |claims: TicketClaims| good.sign(&claims);
    let body = |token: &str| token.split('.').nth(1).expect("three parts").to_owned();
    let header = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let unsigned = |json: &str| format!("{}.{}.{}", header(json), body(&sign(claims())), "A".repeat(86));
    let old = TicketClaims { iat: 1_000, exp: 1_030, ..claims() };
    let early = TicketClaims { iat: claims().iat + 100, exp: claims().exp + 100, ..claims() };
    let cases: Vec<(&str, String, &str)> = vec![
        ("expired", sign(old), "token_expired"),
        ("issued in the future", sign(early), "token_not_yet"),
        ("for another host", sign(TicketClaims { aud: HostId::from_u128(9), ..claims() }), "token_audience"),
        ("of another issuer", sign(TicketClaims { iss: "me".into(), ..claims() }), "token_audience"),
        ("forged", keys(9).sign(&claims()), "token_signature"),
        ("alg none", unsigned(r#"{"alg":"none"}"#), "token_algorithm"),
        ("unknown kid", unsigned(r#"{"alg":"EdDSA","kid":"other"}"#), "token_unknown_key"),
        ("rubbish", "a.b.c".into(), "token_malformed"),
        ("empty", String::new(), "token_malformed"),
        ("over-long", "x".repeat(3_000), "ticket_too_long"),
        (
            "for an instance that is not here",
            sign(TicketClaims { instance: InstanceId::from_u128(99), ..claims() }),
            "ticket_instance",
        ),
        (
            "for somebody else's character",
            sign(TicketClaims { sub: AccountId::from_u128(77), ..claims() }),
            "claim_refused",
        ),
    ];
    for (name, ticket, kind) in cases {
        let before = app.host.metrics().errors(kind);
        let reason = farewell_to(&app, &Hello { version: wire::WIRE_VERSION, ticket, budget: 0 }).await;
        assert_eq!(reason, Some(ByeReason::Ticket), "{name}");
        assert_eq!(app.host.metrics().errors(kind), before + 1, "{name} is counted as {kind}");
    }
    let ticket = sign(claims());
    let wrong_version = Hello { version: 999, ticket: ticket.clone(), budget: 0 };
    assert_eq!(farewell_to(&app, &wrong_version).await, Some(ByeReason::Version));
    let hello = Hello { version: wire::WIRE_VERSION, ticket: ticket.clone(), budget: 0 };
    let connection = Connection::enter(&app.url, ticket).await.expect("it was not used up");
    assert_eq!(farewell_to(&app, &hello).await, Some(ByeReason::Ticket), "used twice");
    assert_eq!(app.host.metrics().errors("ticket_used"), 1);
    drop(connection);
    innocent.was_not_disturbed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resume_tokens_work_once_and_in_time() {
    let app = start_with(|figment| figment.merge(("limits.grace_secs", 1)), realm, |local| local).await;
    let character = app.character(1);
    let first = app.enter(character, "hub").await;
    let (entity, token) = (first.welcome().entity, first.welcome().resume_token.clone());
    drop(first);
    let resume = |token: Vec<u8>| Connection::resume(&app.url, token);
    let mut second = resume(token.clone()).await.expect("comes back");
    assert_eq!(second.welcome().entity, entity);
    wait_for_snapshot(&mut second).await.expect("plays on");
    for useless in [token, vec![], vec![0; 16], vec![0; 1_000]] {
        let refused = resume(useless).await.expect_err("refused");
        assert!(matches!(refused, ClientError::Bye { reason: ByeReason::Ticket, .. }), "{refused}");
    }
    let late = second.welcome().resume_token.clone();
    drop(second);
    app.until("the body is gone", |app| {
        app.host.metrics().zones().iter().all(|(_, zone)| zone.last.players == 0)
    })
    .await;
    let refused = resume(late).await.expect_err("too late");
    assert!(matches!(refused, ClientError::Bye { reason: ByeReason::Ticket, .. }), "{refused}");
    let mut rude = app.socket().await;
    rude.send(frame_of(&Resume { version: 999, token: vec![1; 16], budget: 0 })).await;
    assert_eq!(rude.farewell().await, Some(ByeReason::Version));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_login_takes_the_body_over() {
    let app = start().await;
    let character = app.character(1);
    let first = app.enter(character, "hub").await;
    let entity = first.welcome().entity;
    let second = app.enter(character, "hub").await;
    assert_eq!(second.welcome().entity, entity, "the same body");
    let end = end_of(first).await;
    assert!(matches!(end, ClientError::Bye { reason: ByeReason::Replaced, .. }), "{end}");
    // Into another zone of the host: the body in the first one goes, and its place is stored.
    let mut third = app.enter(character, "forest").await;
    let end = end_of(second).await;
    assert!(matches!(end, ClientError::Bye { reason: ByeReason::Replaced, .. }), "{end}");
    wait_for_snapshot(&mut third).await.expect("plays");
    let players = || app.host.metrics().zones().iter().map(|(_, zone)| zone.last.players).sum::<u32>();
    app.until("one body is left", |_| players() == 1).await;
    let place = |app: &App| app.local.character(character).and_then(|character| character.place);
    app.until("its place is saved", |app| place(app).is_some()).await;
    assert_eq!(place(&app).expect("was saved").zone, zone("hub"));
    assert_eq!(app.host.metrics().byes(ByeReason::Replaced), 2);
}
