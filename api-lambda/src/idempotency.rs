//! Idempotency keys: a repeated request gets the stored answer, another request under the same key is refused.
//! It knows no route.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ids::AccountId;
use domain::time::UnixMillis;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::error::ApiError;
use crate::store::requests::{StoredAnswer, request_key};
use crate::store::{Store, StoreError};

/// How long an answer is kept.
pub(crate) const ANSWER_KEPT_MILLIS: u64 = 24 * 60 * 60 * 1_000;

/// A request under an idempotency key.
pub(crate) struct KeyedRequest {
    pk: String,
    fingerprint: String,
}

impl KeyedRequest {
    /// `route` and `body` together are what must be the same under the same key of the account.
    pub(crate) fn new(account: AccountId, route: &str, key: &str, body: &impl Serialize) -> Self {
        Self::of_caller(account, route, key, body)
    }

    /// The same for callers that are not accounts: services, administrators.
    pub(crate) fn of_caller(
        caller: impl std::fmt::Display,
        route: &str,
        key: &str,
        body: &impl Serialize,
    ) -> Self {
        let body = serde_json::to_vec(body).expect("a request body is plain data");
        let fingerprint = URL_SAFE_NO_PAD.encode(Sha256::digest(body));
        Self { pk: request_key(caller, route, key), fingerprint }
    }

    /// The answer given before, if there is one.
    pub(crate) async fn earlier<T: DeserializeOwned>(
        &self,
        store: &Store,
        now: UnixMillis,
    ) -> Result<Option<T>, ApiError> {
        let Some(answer) = store.answer(&self.pk, now).await? else { return Ok(None) };
        if answer.fingerprint != self.fingerprint {
            return Err(ApiError::IdempotencyMismatch);
        }
        let corrupt =
            |error: serde_json::Error| StoreError::Corrupt { pk: answer.pk, reason: error.to_string() };
        Ok(Some(serde_json::from_str(&answer.body).map_err(corrupt)?))
    }

    /// The answer as it is stored.
    pub(crate) fn answer(&self, answer: &impl Serialize, expires_at: UnixMillis) -> StoredAnswer {
        StoredAnswer {
            pk: self.pk.clone(),
            fingerprint: self.fingerprint.clone(),
            body: serde_json::to_string(answer).expect("an answer is plain data"),
            expires_at,
        }
    }
}
