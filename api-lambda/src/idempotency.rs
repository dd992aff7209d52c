//! Idempotency keys: a repeated request gets the stored answer, another request under the same key is refused.
//! It knows no route.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ids::AccountId;
use domain::time::UnixMillis;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::error::{ApiError, refusals};
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
        Self::of(&account, route, key, body)
    }

    /// The same for one who is no account: an administrator.
    pub(crate) fn of(actor: &impl std::fmt::Display, route: &str, key: &str, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("a request body is plain data");
        let fingerprint = URL_SAFE_NO_PAD.encode(Sha256::digest(body));
        Self { pk: request_key(actor, route, key), fingerprint }
    }

    /// The answer given before, if there is one.
    pub(crate) async fn earlier<T: DeserializeOwned>(
        &self,
        store: &Store,
        now: UnixMillis,
    ) -> Result<Option<T>, ApiError> {
        let Some(answer) = store.answer(&self.pk, now).await? else { return Ok(None) };
        if answer.fingerprint != self.fingerprint {
            return Err(refusals::IDEMPOTENCY_MISMATCH.into());
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

/// A request whose repetition is harmless: the key is the caller's choice.
pub(crate) struct OptionalKey(Option<KeyedRequest>);

impl OptionalKey {
    /// As [`KeyedRequest::new`], if there is a key.
    pub(crate) fn new(account: AccountId, route: &str, key: Option<&str>, body: &impl Serialize) -> Self {
        Self::of(&account, route, key, body)
    }

    /// As [`KeyedRequest::of`], if there is a key.
    pub(crate) fn of(
        actor: &impl std::fmt::Display,
        route: &str,
        key: Option<&str>,
        body: &impl Serialize,
    ) -> Self {
        Self(key.map(|key| KeyedRequest::of(actor, route, key, body)))
    }

    /// The answer given before, if there is one.
    pub(crate) async fn earlier<T: DeserializeOwned>(
        &self,
        store: &Store,
        now: UnixMillis,
    ) -> Result<Option<T>, ApiError> {
        match &self.0 {
            Some(keyed) => keyed.earlier(store, now).await,
            None => Ok(None),
        }
    }

    /// The answer of the same request that was sent at the same time and was faster.
    pub(crate) async fn faster<T: DeserializeOwned>(
        &self,
        store: &Store,
        now: UnixMillis,
    ) -> Result<T, ApiError> {
        self.earlier(store, now).await?.ok_or(ApiError::Internal)
    }

    /// The answer as it is stored for 24 hours, if there is a key.
    pub(crate) fn answer(&self, answer: &impl Serialize, now: UnixMillis) -> Option<StoredAnswer> {
        self.0.as_ref().map(|keyed| keyed.answer(answer, now.plus_millis(ANSWER_KEPT_MILLIS)))
    }
}
