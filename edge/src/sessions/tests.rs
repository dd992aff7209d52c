//! What cannot be brought about from outside: bans, time that passes, a database that fails in between.

use domain::contract::edge::RefreshRequest;
use domain::time::UnixMillis;
use serde_json::json;
use token::SecretKey;

use super::*;
use crate::config::{EdgeConfig, RateLimits, Region};
use crate::native::SqliteDatabase;
use crate::store::{DatabaseError, Row, Statement};

const NOW: UnixMillis = UnixMillis::new(1_700_000_000_000);

fn config() -> EdgeConfig {
    let region = Region {
        region: "fra".into(),
        api_url: "https://fra.example".into(),
        latitude: 50.0,
        longitude: 8.0,
        continents: Vec::new(),
    };
    let keys = [SecretKey::from_seed("k", &[1; 32])];
    let limits = RateLimits { per_address: 5, per_account: 3 };
    EdgeConfig::new(vec![region], Vec::new(), "x".repeat(16), &keys, limits).expect("a good configuration")
}

fn context<'a, D>(
    config: &'a EdgeConfig,
    database: &'a D,
    now: UnixMillis,
    address: &'a str,
) -> Context<'a, D> {
    let entropy = |bytes: &mut [u8]| getrandom::fill(bytes).expect("random bytes");
    Context { config, database, now, entropy, client_address: address, log: |_| {} }
}

fn guest() -> SessionRequest {
    SessionRequest::Guest { device_secret: "x".repeat(40) }
}

fn with(token: &str) -> RefreshRequest {
    RefreshRequest { refresh_token: token.to_owned() }
}

#[tokio::test]
async fn a_ban_keeps_out_for_its_time_and_costs_no_session() {
    let (config, database) = (config(), SqliteDatabase::open(None).unwrap());
    let at = |millis| context(&config, &database, NOW.plus_millis(millis), "a");
    let session = sign_in(&at(0), guest()).await.unwrap();
    let until = NOW.plus_millis(100_000).as_millis();
    let ban = "UPDATE accounts SET banned_until = ?1, ban_reason = 'cheating'";
    database.batch(vec![(ban, vec![json!(until)])]).await.unwrap();
    assert!(
        matches!(sign_in(&at(1), guest()).await, Err(EdgeError::Banned { reason, .. }) if reason == "cheating")
    );
    for _ in 0..2 {
        let refused = refresh(&at(1), with(&session.refresh_token)).await;
        assert!(matches!(refused, Err(EdgeError::Banned { .. })));
    }
    refresh(&at(100_000), with(&session.refresh_token)).await.expect("the ban is over");
}

#[tokio::test]
async fn a_refresh_token_ends_with_its_time() {
    let (config, database) = (config(), SqliteDatabase::open(None).unwrap());
    let session = sign_in(&context(&config, &database, NOW, "a"), guest()).await.unwrap();
    let later = NOW.plus_millis(REFRESH_TOKEN_LIFETIME_SECS * 1_000);
    let refused = refresh(&context(&config, &database, later, "a"), with(&session.refresh_token)).await;
    assert!(matches!(refused, Err(EdgeError::RefreshToken)));
}

#[tokio::test]
async fn tries_are_counted_by_address_and_minute() {
    let (config, database) = (config(), SqliteDatabase::open(None).unwrap());
    let here = context(&config, &database, NOW, "here");
    for _ in 0..5 {
        sign_in(&here, guest()).await.unwrap();
    }
    assert!(matches!(sign_in(&here, guest()).await, Err(EdgeError::TooMany(1..=60))));
    sign_in(&context(&config, &database, NOW, "there"), guest()).await.expect("another address");
    sign_in(&context(&config, &database, NOW.plus_millis(60_000), "here"), guest())
        .await
        .expect("another minute");
}

/// A database that fails in every transaction that would rotate a token.
struct Failing<'a>(&'a SqliteDatabase);

impl Database for Failing<'_> {
    async fn batch(&self, mut statements: Vec<Statement>) -> Result<Vec<Vec<Row>>, DatabaseError> {
        if statements.iter().any(|(sql, _)| sql.contains("SET used_at")) {
            statements.push(("INSERT INTO no_such_table VALUES (1)", Vec::new()));
        }
        self.0.batch(statements).await
    }
}

#[tokio::test]
async fn a_refresh_that_fails_can_be_tried_again() {
    let (config, database) = (config(), SqliteDatabase::open(None).unwrap());
    let good = context(&config, &database, NOW, "a");
    let session = sign_in(&good, guest()).await.unwrap();
    let failing = Failing(&database);
    let failed = refresh(&context(&config, &failing, NOW, "a"), with(&session.refresh_token)).await;
    assert!(matches!(failed, Err(EdgeError::Database(_))));
    refresh(&good, with(&session.refresh_token)).await.expect("nothing is lost");
}
