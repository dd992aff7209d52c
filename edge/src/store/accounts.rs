//! What services do to accounts: bans, and what is known of an account, until it is deleted.

use domain::contract::edge::{AccountRecord, BanOrder, CredentialRecord, SessionRecord};
use domain::ids::AccountId;
use domain::time::UnixMillis;
use serde_json::{Value, json};

use super::{Database, DatabaseError, Row, Store, read_id, read_millis};
use crate::sessions::{PASSWORD, sha256_hex, tries_key};

impl<D: Database> Store<'_, D> {
    /// Bans an account and ends its sessions, unless a newer order came before. False if there is no such account.
    pub async fn ban(
        &self,
        account: AccountId,
        order: &BanOrder,
        now: UnixMillis,
    ) -> Result<bool, DatabaseError> {
        let (id, version) = (json!(account.to_string()), json!(order.version));
        let until = order.until.unwrap_or(UnixMillis::FOREVER).as_millis();
        let set = "UPDATE accounts SET banned_until = ?2, ban_reason = ?3, ban_version = ?4 \
                   WHERE id = ?1 AND ban_version < ?4";
        // Only if this is the order in force, so that a late one does not end the sessions of an account that was
        // let in again.
        let revoke = "UPDATE sessions SET revoked_at = ?2 WHERE account = ?1 AND revoked_at IS NULL \
                      AND EXISTS (SELECT 1 FROM accounts WHERE id = ?1 AND ban_version = ?3)";
        let results = self
            .database
            .batch(vec![
                (set, vec![id.clone(), json!(until), json!(order.reason), version.clone()]),
                (revoke, vec![id.clone(), json!(now.as_millis()), version]),
                ("SELECT id FROM accounts WHERE id = ?1", vec![id]),
            ])
            .await?;
        Ok(results.get(2).is_some_and(|rows| !rows.is_empty()))
    }

    /// Ends the ban of an account, unless a newer order came before. False if there is no such account.
    pub async fn unban(&self, account: AccountId, version: u64) -> Result<bool, DatabaseError> {
        let id = json!(account.to_string());
        let set = "UPDATE accounts SET banned_until = NULL, ban_reason = NULL, ban_version = ?2 \
                   WHERE id = ?1 AND ban_version < ?2";
        let results = self
            .database
            .batch(vec![
                (set, vec![id.clone(), json!(version)]),
                ("SELECT id FROM accounts WHERE id = ?1", vec![id]),
            ])
            .await?;
        Ok(results.get(1).is_some_and(|rows| !rows.is_empty()))
    }

    /// The account that signs in with this e-mail address.
    pub async fn account_of_email(&self, email: &str) -> Result<Option<AccountId>, DatabaseError> {
        let sql = "SELECT account FROM credentials WHERE kind = ?1 AND subject = ?2";
        let rows = self.query(sql, vec![json!(PASSWORD), json!(email)]).await?;
        rows.first().map(|row| read_id(row, "account")).transpose()
    }

    /// All that is known of an account.
    pub async fn account_record(&self, account: AccountId) -> Result<Option<AccountRecord>, DatabaseError> {
        let id = vec![json!(account.to_string())];
        let results = self
            .database
            .batch(vec![
                ("SELECT created_at, banned_until, ban_reason FROM accounts WHERE id = ?1", id.clone()),
                (
                    "SELECT kind, subject, created_at FROM credentials WHERE account = ?1 ORDER BY created_at",
                    id.clone(),
                ),
                (
                    "SELECT id, created_at, revoked_at FROM sessions WHERE account = ?1 \
                     ORDER BY created_at DESC LIMIT 100",
                    id,
                ),
            ])
            .await?;
        let [accounts, credentials, sessions] = results.as_slice() else {
            return Err(DatabaseError("a statement gave no result".into()));
        };
        let Some(row) = accounts.first() else { return Ok(None) };
        Ok(Some(AccountRecord {
            account,
            created_at: made_at(row)?,
            banned_until: read_millis(row, "banned_until"),
            ban_reason: row.get("ban_reason").and_then(Value::as_str).map(str::to_owned),
            credentials: credentials.iter().map(read_credential).collect::<Result<_, _>>()?,
            sessions: sessions.iter().map(read_session).collect::<Result<_, _>>()?,
        }))
    }

    /// Deletes an account and all that belongs to it. Nothing happens if it is gone already.
    pub async fn erase_account(&self, account: AccountId) -> Result<(), DatabaseError> {
        let id = vec![json!(account.to_string())];
        let emails = "SELECT subject FROM credentials WHERE account = ?1 AND kind = ?2";
        let emails = self.query(emails, vec![id[0].clone(), json!(PASSWORD)]).await?;
        let mut statements = vec![
            (
                "DELETE FROM refresh_tokens WHERE session IN (SELECT id FROM sessions WHERE account = ?1)",
                id.clone(),
            ),
            ("DELETE FROM sessions WHERE account = ?1", id.clone()),
            ("DELETE FROM credentials WHERE account = ?1", id.clone()),
            ("DELETE FROM accounts WHERE id = ?1", id),
        ];
        for email in emails.iter().filter_map(|row| row.get("subject").and_then(Value::as_str)) {
            let key = tries_key(&sha256_hex(email.as_bytes()));
            statements.push(("DELETE FROM rate_limits WHERE key = ?1", vec![json!(key)]));
        }
        self.database.batch(statements).await?;
        Ok(())
    }
}

fn made_at(row: &Row) -> Result<UnixMillis, DatabaseError> {
    read_millis(row, "created_at").ok_or_else(|| DatabaseError("a row has no created_at".into()))
}

fn read_credential(row: &Row) -> Result<CredentialRecord, DatabaseError> {
    let text = |column: &str| row.get(column).and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = text("kind");
    // The subject of a guest is the hash of a secret, and stays here.
    let email = (kind == PASSWORD).then(|| text("subject"));
    Ok(CredentialRecord { kind, email, created_at: made_at(row)? })
}

fn read_session(row: &Row) -> Result<SessionRecord, DatabaseError> {
    Ok(SessionRecord {
        session: read_id(row, "id")?,
        created_at: made_at(row)?,
        revoked_at: read_millis(row, "revoked_at"),
    })
}
