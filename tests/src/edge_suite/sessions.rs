//! Accounts, sessions and their tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::contract::edge::SessionResponse;
use domain::time::UnixMillis;
use domain::token::AccessClaims;
use serde_json::json;
use token::{KeyRing, SecretKey, verify_access};

use super::{Edge, good, keys, refused};

fn now() -> UnixMillis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    UnixMillis::new(u64::try_from(since.as_millis()).expect("before the end of time"))
}

fn claims(session: &SessionResponse) -> AccessClaims {
    verify_access(&session.access_token, keys().public(), now()).expect("a good token")
}

pub(super) async fn a_guest_is_known_by_the_device(edge: &Edge) {
    let first = edge.guest(1).await;
    assert!(first.created && first.access_expires_in_secs == 900);
    assert_eq!(claims(&first).sub, first.account);
    let again = edge.guest(1).await;
    assert_eq!((again.account, again.created), (first.account, false));
    assert_ne!(claims(&again).sid, claims(&first).sid, "a session of its own");
    assert_ne!(edge.guest(2).await.account, first.account);
    let (one, other) = tokio::join!(edge.guest(3), edge.guest(3));
    assert_eq!(one.account, other.account, "twice at once is one account");
}

pub(super) async fn a_password_opens_an_account(edge: &Edge) {
    let register = |password: &str| {
        edge.post("/v1/accounts", &json!({ "email": "Ada@Example.org", "password": password }))
    };
    let made: SessionResponse = good(register("correct horse battery"), 201).await;
    assert!(made.created);
    refused(register("another password"), 409, "email_taken").await;
    let sign_in = |email: &str, password: &str| {
        edge.post("/v1/sessions", &json!({ "kind": "password", "email": email, "password": password }))
    };
    let session: SessionResponse = good(sign_in("ada@example.org", "correct horse battery"), 200).await;
    assert_eq!(session.account, made.account);
    let wrong = refused(sign_in("ada@example.org", "wrong horse battery"), 401, "credentials").await;
    let unknown = refused(sign_in("eve@example.org", "wrong horse battery"), 401, "credentials").await;
    assert_eq!(wrong.detail, unknown.detail, "who has an account is not told");
    refused(register("short"), 400, "bad_request").await;
    let no_address = edge.post("/v1/accounts", &json!({ "email": "ada", "password": "0123456789" }));
    refused(no_address, 400, "bad_request").await;
}

pub(super) async fn a_refresh_token_works_once(edge: &Edge) {
    let refresh = |token: &str| edge.post("/v1/sessions/refresh", &json!({ "refresh_token": token }));
    let first = edge.guest(10).await;
    let second: SessionResponse = good(refresh(&first.refresh_token), 200).await;
    assert_eq!(second.account, first.account);
    assert_eq!(claims(&second).sid, claims(&first).sid);
    let third: SessionResponse = good(refresh(&second.refresh_token), 200).await;
    refused(refresh(&first.refresh_token), 401, "refresh_reused").await;
    // Someone has a copy: nobody goes on with this session.
    refused(refresh(&third.refresh_token), 401, "refresh_token").await;
    refused(refresh("rubbish"), 401, "refresh_token").await;
    let other = edge.guest(10).await;
    good::<SessionResponse>(refresh(&other.refresh_token), 200).await;
    let contested = edge.guest(11).await;
    let (one, two) =
        tokio::join!(refresh(&contested.refresh_token).send(), refresh(&contested.refresh_token).send());
    let mut statuses = [one, two].map(|answer| answer.expect("an answer").status().as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401], "of two at once one is good");
}

pub(super) async fn a_session_ends(edge: &Edge) {
    let session = edge.guest(20).await;
    assert_eq!(edge.sign_out(&session.access_token).await.status(), 204);
    let refresh = edge.post("/v1/sessions/refresh", &json!({ "refresh_token": session.refresh_token }));
    refused(refresh, 401, "refresh_token").await;
    assert_eq!(edge.sign_out(&session.access_token).await.status(), 204, "twice is as good as once");
}

pub(super) async fn forged_tokens_end_nothing(edge: &Edge) {
    let session = edge.guest(30).await;
    let good_claims = claims(&session);
    let foreign = KeyRing::new(&[SecretKey::from_seed("suite-1", &[9; 32])]).expect("a good key");
    let unknown = KeyRing::new(&[SecretKey::from_seed("other", &[1; 32])]).expect("a good key");
    let body = session.access_token.split('.').nth(1).expect("three parts");
    let none = format!("{}.{body}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#));
    let expired = AccessClaims { iat: 1, exp: 2, ..good_claims.clone() };
    let elsewhere = AccessClaims { aud: "another".into(), ..good_claims.clone() };
    for (token, code) in [
        (foreign.sign(&good_claims), "token_signature"),
        (unknown.sign(&good_claims), "token_unknown_key"),
        (none, "token_algorithm"),
        (keys().sign(&expired), "token_expired"),
        (keys().sign(&elsewhere), "token_audience"),
        ("rubbish".to_owned(), "token_malformed"),
    ] {
        let request = edge.request(reqwest::Method::DELETE, "/v1/sessions/current").bearer_auth(token);
        refused(request, 401, code).await;
    }
    refused(edge.request(reqwest::Method::DELETE, "/v1/sessions/current"), 401, "token_missing").await;
    let refresh = edge.post("/v1/sessions/refresh", &json!({ "refresh_token": session.refresh_token }));
    good::<SessionResponse>(refresh, 200).await;
}

pub(super) async fn tries_are_limited(edge: &Edge) {
    let guess = |n: u32| {
        let password = format!("guess number {n}");
        edge.post(
            "/v1/sessions",
            &json!({ "kind": "password", "email": "mallory@example.org", "password": password }),
        )
    };
    // Ten a minute; the minute may turn in between.
    let mut limited = None;
    for n in 0..25 {
        let response = guess(n).send().await.expect("an answer");
        if response.status() == 429 {
            limited = Some(response);
            break;
        }
        assert_eq!(response.status(), 401);
    }
    let limited = limited.expect("guessing is stopped");
    let wait: u64 = limited.headers()["retry-after"].to_str().expect("a text").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
}
