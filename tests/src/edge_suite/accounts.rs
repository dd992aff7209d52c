//! What services do to accounts.

use domain::contract::edge::{AccountRecord, SessionResponse};
use domain::ids::AccountId;
use domain::time::UnixMillis;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Edge, SERVICE_TOKEN, good, refused};

fn service(edge: &Edge, method: Method, path: &str) -> RequestBuilder {
    edge.request(method, path).bearer_auth(SERVICE_TOKEN)
}

async fn ban(edge: &Edge, account: AccountId, body: Value) {
    let answer = service(edge, Method::PUT, &format!("/v1/bans/{account}")).json(&body).send().await;
    assert_eq!(answer.expect("an answer").status(), 204);
}

async fn unban(edge: &Edge, account: AccountId, version: u64) {
    let path = format!("/v1/bans/{account}?version={version}");
    assert_eq!(service(edge, Method::DELETE, &path).send().await.expect("an answer").status(), 204);
}

fn refresh(edge: &Edge, session: &SessionResponse) -> RequestBuilder {
    edge.post("/v1/sessions/refresh", &json!({ "refresh_token": session.refresh_token }))
}

fn sign_in(edge: &Edge, device: u32) -> RequestBuilder {
    let secret = format!("a-device-secret-of-the-suite-{device:010}");
    edge.post("/v1/sessions", &json!({ "kind": "guest", "device_secret": secret }))
}

pub(super) async fn a_ban_keeps_out_at_once_and_ends(edge: &Edge) {
    let session = edge.guest(40).await;
    let other = edge.guest(41).await;
    // 2100-03-01.
    let until = UnixMillis::new(4_107_542_400_000);
    ban(edge, session.account, json!({ "reason": "cheats", "until": until, "version": 1 })).await;
    for request in [sign_in(edge, 40), refresh(edge, &session)] {
        let problem = refused(request, 403, "account_banned").await;
        assert_eq!(problem.detail, "the account is banned until 2100-03-01 00:00 UTC: cheats");
    }
    good::<SessionResponse>(refresh(edge, &other), 200).await;
    unban(edge, session.account, 2).await;
    refused(refresh(edge, &session), 401, "refresh_token").await;
    good::<SessionResponse>(sign_in(edge, 40), 200).await;
    ban(edge, session.account, json!({ "reason": "again", "version": 3 })).await;
    let problem = refused(sign_in(edge, 40), 403, "account_banned").await;
    assert_eq!(problem.detail, "the account is banned: again");
    // One that is over keeps nobody out.
    ban(edge, session.account, json!({ "reason": "brief", "until": 1, "version": 4 })).await;
    good::<SessionResponse>(sign_in(edge, 40), 200).await;
}

pub(super) async fn orders_that_come_late_change_nothing(edge: &Edge) {
    let session = edge.guest(42).await;
    unban(edge, session.account, 6).await;
    ban(edge, session.account, json!({ "reason": "late", "version": 5 })).await;
    let session: SessionResponse = good(refresh(edge, &session), 200).await;
    ban(edge, session.account, json!({ "reason": "new", "version": 7 })).await;
    unban(edge, session.account, 6).await;
    refused(refresh(edge, &session), 403, "account_banned").await;
    // The same order twice is as good as once.
    ban(edge, session.account, json!({ "reason": "new", "version": 7 })).await;
    unban(edge, session.account, 8).await;
    unban(edge, session.account, 8).await;
    good::<SessionResponse>(sign_in(edge, 42), 200).await;
}

pub(super) async fn only_services_ask_about_accounts(edge: &Edge) {
    let session = edge.guest(43).await;
    let account = session.account;
    for (method, path) in [
        (Method::PUT, format!("/v1/bans/{account}")),
        (Method::DELETE, format!("/v1/bans/{account}?version=9")),
        (Method::GET, format!("/v1/accounts/{account}")),
        (Method::DELETE, format!("/v1/accounts/{account}")),
        (Method::GET, "/v1/accounts?email=ada@example.org".to_owned()),
    ] {
        let body = json!({ "reason": "", "version": 9 });
        refused(edge.request(method.clone(), &path).json(&body), 401, "service_token").await;
        let request = edge.request(method, &path).bearer_auth(&session.access_token);
        refused(request.json(&body), 401, "service_token").await;
    }
    good::<SessionResponse>(refresh(edge, &session), 200).await;
    let stranger = "acc_00000000000000000000000001";
    let body = json!({ "reason": "", "version": 1 });
    let request = service(edge, Method::PUT, &format!("/v1/bans/{stranger}")).json(&body);
    refused(request, 404, "not_found").await;
    refused(service(edge, Method::GET, &format!("/v1/accounts/{stranger}")), 404, "not_found").await;
    refused(service(edge, Method::GET, "/v1/accounts?email=nobody@example.org"), 404, "not_found").await;
    for (method, path, body) in [
        (Method::PUT, "/v1/bans/rubbish".to_owned(), json!({ "reason": "", "version": 1 })),
        (Method::PUT, format!("/v1/bans/{account}"), json!({ "reason": "x".repeat(501), "version": 1 })),
        (Method::PUT, format!("/v1/bans/{account}"), json!({ "reason": "", "version": 1_u64 << 60 })),
        (Method::PUT, format!("/v1/bans/{account}"), json!({ "reason": "", "version": -1 })),
        (Method::DELETE, format!("/v1/bans/{account}"), json!({})),
        (Method::DELETE, format!("/v1/bans/{account}?version=x"), json!({})),
        (Method::GET, "/v1/accounts".to_owned(), json!({})),
        (Method::GET, "/v1/accounts?email=x".to_owned(), json!({})),
        (Method::GET, "/v1/accounts?email=%zz".to_owned(), json!({})),
    ] {
        refused(service(edge, method, &path).json(&body), 400, "bad_request").await;
    }
}

pub(super) async fn an_account_is_shown_and_deleted_whole(edge: &Edge) {
    let (email, password) = ("grace+1@example.org", "a password of the suite");
    let made: SessionResponse =
        good(edge.post("/v1/accounts", &json!({ "email": email, "password": password })), 201).await;
    let by_email = service(edge, Method::GET, "/v1/accounts?email=Grace%2B1%40example.org");
    let record: AccountRecord = good(by_email, 200).await;
    assert_eq!((record.account, record.credentials.len(), record.sessions.len()), (made.account, 1, 1));
    assert_eq!((record.credentials[0].email.as_deref(), record.banned_until), (Some(email), None));
    let address = format!("/v1/accounts/{}", made.account);
    assert_eq!(good::<AccountRecord>(service(edge, Method::GET, &address), 200).await, record);
    for _ in 0..2 {
        let answer = service(edge, Method::DELETE, &address).send().await.expect("an answer");
        assert_eq!(answer.status(), 204, "twice is as good as once");
    }
    refused(service(edge, Method::GET, &address), 404, "not_found").await;
    refused(refresh(edge, &made), 401, "refresh_token").await;
    let again =
        edge.post("/v1/sessions", &json!({ "kind": "password", "email": email, "password": password }));
    refused(again, 401, "credentials").await;
}
