//! Every SQL statement of the edge. The shells bring the database: D1 in the Worker, SQLite natively.

use std::collections::BTreeMap;

use domain::contract::edge::RegionReport;
use domain::ids::{AccountId, SessionId};
use domain::time::UnixMillis;
use serde_json::{Map, Value, json};

use crate::resolve::RegionHealth;

mod accounts;

/// A row by the names of its columns; integers and texts only.
pub type Row = Map<String, Value>;

/// A statement and its parameters, `?1` the first.
pub type Statement = (&'static str, Vec<Value>);

/// The database failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DatabaseError(pub String);

/// A database that speaks SQLite's SQL.
pub trait Database {
    /// Runs statements as one transaction; gives the rows of each.
    fn batch(&self, statements: Vec<Statement>)
    -> impl Future<Output = Result<Vec<Vec<Row>>, DatabaseError>>;
}

/// An account's standing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The account.
    pub id: AccountId,
    /// The argon2id hash of the credential it was found by; empty for guests.
    pub secret: String,
    /// A ban holds until then.
    pub banned_until: Option<UnixMillis>,
    /// Why.
    pub ban_reason: String,
}

/// What a used refresh token was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refresh {
    /// It was good, and is used up now.
    Good(SessionId, Account),
    /// Its account is banned, whatever it is else.
    Banned(Account),
    /// It was used before.
    Reused(SessionId),
    /// It is unknown, expired, or its session is over.
    Useless,
}

/// The statements, on a database.
pub struct Store<'a, D> {
    /// Where they run.
    pub database: &'a D,
}

impl<D: Database> Store<'_, D> {
    async fn query(&self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>, DatabaseError> {
        let mut results = self.database.batch(vec![(sql, values)]).await?;
        results.pop().ok_or_else(|| DatabaseError("a statement gave no result".into()))
    }

    /// Finds an account by a credential.
    pub async fn find_account(&self, kind: &str, subject: &str) -> Result<Option<Account>, DatabaseError> {
        let sql = "SELECT a.id, c.secret, a.banned_until, a.ban_reason FROM credentials c \
                   JOIN accounts a ON a.id = c.account WHERE c.kind = ?1 AND c.subject = ?2";
        let rows = self.query(sql, vec![json!(kind), json!(subject)]).await?;
        rows.first().map(read_account).transpose()
    }

    /// Makes an account with a credential; false if the credential is taken.
    pub async fn create_account(
        &self,
        id: AccountId,
        kind: &str,
        subject: &str,
        secret: &str,
        now: UnixMillis,
    ) -> Result<bool, DatabaseError> {
        let (id, now) = (json!(id.to_string()), json!(now.as_millis()));
        // The credential decides: an account that did not get it is taken away again.
        let results = self
            .database
            .batch(vec![
                ("INSERT INTO accounts (id, created_at) VALUES (?1, ?2)", vec![id.clone(), now.clone()]),
                (
                    "INSERT INTO credentials (kind, subject, account, secret, created_at) \
                     VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING RETURNING account",
                    vec![json!(kind), json!(subject), id.clone(), json!(secret), now],
                ),
                (
                    "DELETE FROM accounts WHERE id = ?1 \
                     AND NOT EXISTS (SELECT 1 FROM credentials WHERE account = ?1)",
                    vec![id],
                ),
            ])
            .await?;
        Ok(results.get(1).is_some_and(|rows| !rows.is_empty()))
    }

    /// Starts a session with its first refresh token.
    pub async fn create_session(
        &self,
        session: SessionId,
        account: AccountId,
        token_hash: &str,
        expires_at: UnixMillis,
        now: UnixMillis,
    ) -> Result<(), DatabaseError> {
        let session = json!(session.to_string());
        let values = vec![session.clone(), json!(account.to_string()), json!(now.as_millis())];
        self.database
            .batch(vec![
                ("DELETE FROM refresh_tokens WHERE expires_at < ?1", vec![json!(now.as_millis())]),
                ("INSERT INTO sessions (id, account, created_at) VALUES (?1, ?2, ?3)", values),
                add_token(token_hash, session, expires_at),
            ])
            .await?;
        Ok(())
    }

    /// Changes a refresh token for its successor, in one transaction: if it fails, the old one is still good.
    /// Of two at the same time one finds it good.
    pub async fn rotate_refresh_token(
        &self,
        hash: &str,
        successor: &str,
        expires_at: UnixMillis,
        now: UnixMillis,
    ) -> Result<Refresh, DatabaseError> {
        let find = "SELECT t.session, t.used_at, t.expires_at, s.revoked_at, a.id, '' AS secret, \
                    a.banned_until, a.ban_reason FROM refresh_tokens t JOIN sessions s ON s.id = t.session \
                    JOIN accounts a ON a.id = s.account WHERE t.hash = ?1";
        let add = "INSERT INTO refresh_tokens (hash, session, expires_at) SELECT ?2, t.session, ?3 \
                   FROM refresh_tokens t JOIN sessions s ON s.id = t.session JOIN accounts a ON a.id = s.account \
                   WHERE t.hash = ?1 AND t.used_at IS NULL AND t.expires_at > ?4 AND s.revoked_at IS NULL \
                   AND (a.banned_until IS NULL OR a.banned_until <= ?4)";
        let mark = "UPDATE refresh_tokens SET used_at = ?3 WHERE hash = ?1 AND used_at IS NULL \
                    AND EXISTS (SELECT 1 FROM refresh_tokens WHERE hash = ?2) RETURNING hash";
        let (old, new) = (json!(hash), json!(successor));
        let (expires, now_ms) = (json!(expires_at.as_millis()), json!(now.as_millis()));
        let statements = vec![
            (find, vec![old.clone()]),
            (add, vec![old.clone(), new.clone(), expires, now_ms.clone()]),
            (mark, vec![old, new, now_ms]),
        ];
        let results = self.database.batch(statements).await?;
        let [before, _, marked] = results.as_slice() else {
            return Err(DatabaseError("a statement gave no result".into()));
        };
        let Some(row) = before.first() else { return Ok(Refresh::Useless) };
        let is_set = |column: &str| row.get(column).is_some_and(|value| !value.is_null());
        let session = read_id(row, "session")?;
        let expired = read_millis(row, "expires_at").is_none_or(|at| at <= now);
        let banned = read_millis(row, "banned_until").is_some_and(|until| until > now);
        if banned && !expired {
            // Said before all else: the ban has revoked the session too.
            Ok(Refresh::Banned(read_account(row)?))
        } else if is_set("revoked_at") || expired {
            Ok(Refresh::Useless)
        } else if is_set("used_at") {
            Ok(Refresh::Reused(session))
        } else if marked.is_empty() {
            Ok(Refresh::Banned(read_account(row)?))
        } else {
            Ok(Refresh::Good(session, read_account(row)?))
        }
    }

    /// Ends a session: none of its tokens is good any more.
    pub async fn revoke_session(&self, session: SessionId, now: UnixMillis) -> Result<(), DatabaseError> {
        let sql = "UPDATE sessions SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
        self.query(sql, vec![json!(session.to_string()), json!(now.as_millis())]).await?;
        Ok(())
    }

    /// Counts a try; gives how many there were in this minute.
    pub async fn count_try(&self, key: &str, now: UnixMillis) -> Result<u32, DatabaseError> {
        let minute = json!(now.as_secs() / 60);
        let results = self
            .database
            .batch(vec![
                ("DELETE FROM rate_limits WHERE minute < ?1 - 1", vec![minute.clone()]),
                (
                    "INSERT INTO rate_limits (key, minute, count) VALUES (?1, ?2, 1) \
                     ON CONFLICT (key, minute) DO UPDATE SET count = count + 1 RETURNING count",
                    vec![json!(key), minute],
                ),
            ])
            .await?;
        let row = results.get(1).and_then(|rows| rows.first());
        let count = row.and_then(|row| read_number(row, "count"));
        let count = count.ok_or_else(|| DatabaseError("a count is missing".into()))?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Notes how a region is.
    pub async fn report_region(
        &self,
        region: &str,
        report: &RegionReport,
        now: UnixMillis,
    ) -> Result<(), DatabaseError> {
        let sql = "INSERT INTO region_health (region, reported_at, load_permille, players, hosts) \
                   VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (region) DO UPDATE SET \
                   reported_at = ?2, load_permille = ?3, players = ?4, hosts = ?5";
        let RegionReport { load_permille, players, hosts } = report;
        let now = now.as_millis();
        self.query(sql, vec![json!(region), json!(now), json!(load_permille), json!(players), json!(hosts)])
            .await?;
        Ok(())
    }

    /// How the regions were when they last spoke.
    pub async fn region_health(&self) -> Result<BTreeMap<String, RegionHealth>, DatabaseError> {
        let rows =
            self.query("SELECT region, reported_at, load_permille, hosts FROM region_health", vec![]).await?;
        let read = |row: &Row| {
            let load = read_number(row, "load_permille").and_then(|load| u16::try_from(load).ok())?;
            let reported_at = read_millis(row, "reported_at")?;
            let region = row.get("region")?.as_str()?.to_owned();
            let hosts = read_number(row, "hosts")?;
            // A region without a host has no room, whatever it says of its load.
            let load_permille = if hosts == 0 { 1_000 } else { load };
            Some((region, RegionHealth { reported_at, load_permille }))
        };
        rows.iter()
            .map(|row| read(row).ok_or_else(|| DatabaseError("a region's row cannot be read".into())))
            .collect()
    }
}

fn add_token(hash: &str, session: Value, expires_at: UnixMillis) -> Statement {
    let sql = "INSERT INTO refresh_tokens (hash, session, expires_at) VALUES (?1, ?2, ?3)";
    (sql, vec![json!(hash), session, json!(expires_at.as_millis())])
}

fn read_account(row: &Row) -> Result<Account, DatabaseError> {
    let text = |column: &str| row.get(column).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Account {
        id: read_id(row, "id")?,
        secret: text("secret"),
        banned_until: read_millis(row, "banned_until"),
        ban_reason: text("ban_reason"),
    })
}

fn read_id<T: std::str::FromStr>(row: &Row, column: &str) -> Result<T, DatabaseError> {
    let id = row.get(column).and_then(Value::as_str).and_then(|text| text.parse().ok());
    id.ok_or_else(|| DatabaseError(format!("column {column} holds no id")))
}

/// A whole number: D1 gives every number as a float.
fn read_number(row: &Row, column: &str) -> Option<u64> {
    let value = row.get(column)?;
    value.as_u64().or_else(|| {
        let float = value.as_f64().filter(|float| float.fract() == 0.0 && (0.0..9e15).contains(float))?;
        // A float without a fraction is written without one.
        format!("{float:.0}").parse().ok()
    })
}

fn read_millis(row: &Row, column: &str) -> Option<UnixMillis> {
    read_number(row, column).map(UnixMillis::new)
}
