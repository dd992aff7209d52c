//! The edge's public keys: fetched when needed, kept while the edge is down, and never fetched more often than
//! the floor allows, whatever tokens strangers send. It knows no route.

use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::http::Request;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use domain::limits::BODY_BYTES_MAX;
use domain::time::UnixMillis;
use domain::token::{AccessClaims, Jwks};
use token::{TokenError, verify_access, verify_access_time};

use crate::error::ApiError;

mod verified;

use verified::VerifiedTokens;

/// How long the edge may take to answer.
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);
/// Between two fetches while there is no key at all, as when API and edge start together.
const FIRST_FETCH_FLOOR: Duration = Duration::from_millis(250);

/// A cache of the keys that access tokens are signed with.
#[derive(Debug)]
pub(crate) struct AccessKeys {
    url: String,
    connector: Connector,
    floor: Duration,
    age_max: Duration,
    keys: RwLock<Known>,
    verified: VerifiedTokens,
    /// Held while fetching, so that one request fetches for all; when the last fetch began.
    last_fetch: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Debug, Clone, Default)]
struct Known {
    keys: Option<Arc<Jwks>>,
    fetched_at: Option<Instant>,
}

/// Why the edge's keys could not be fetched.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("the address of the keys is malformed")]
    Address,
    #[error("the edge does not answer: {0}")]
    Connection(String),
    #[error("the edge answers with status {0}")]
    Status(u16),
    #[error("the edge's answer is no set of keys: {0}")]
    Content(String),
}

impl AccessKeys {
    pub(crate) fn new(url: &str, floor: Duration, age_max: Duration) -> Self {
        let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).build();
        Self {
            url: url.to_owned(),
            connector,
            floor,
            age_max,
            keys: RwLock::default(),
            verified: VerifiedTokens::default(),
            last_fetch: tokio::sync::Mutex::default(),
        }
    }

    /// Checks an access token.
    pub(crate) async fn verify(&self, token: &str, now: UnixMillis) -> Result<AccessClaims, ApiError> {
        let known = self.known();
        let stale = known.fetched_at.is_none_or(|at| at.elapsed() > self.age_max);
        // Old keys are good enough while another request fetches new ones.
        let wait = known.keys.is_none() || self.last_fetch.try_lock().is_ok();
        let keys = if stale && wait { self.refresh().await } else { known.keys };
        let keys = keys.ok_or(ApiError::NoAccessKeys)?;
        match self.verify_with(token, &keys, now) {
            Err(TokenError::UnknownKey) => {
                // Perhaps the edge has a new key.
                let keys = self.refresh().await.ok_or(ApiError::NoAccessKeys)?;
                self.verify_with(token, &keys, now).map_err(ApiError::BadToken)
            }
            result => result.map_err(ApiError::BadToken),
        }
    }

    fn verify_with(
        &self,
        token: &str,
        keys: &Arc<Jwks>,
        now: UnixMillis,
    ) -> Result<AccessClaims, TokenError> {
        if let Some(claims) = self.verified.find(token, keys) {
            verify_access_time(&claims, now)?;
            return Ok(claims);
        }
        let claims = verify_access(token, keys, now)?;
        self.verified.remember(token, &claims, keys);
        Ok(claims)
    }

    fn known(&self) -> Known {
        self.keys.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Fetches the keys unless that was done a moment ago; the answer is the newest known set.
    async fn refresh(&self) -> Option<Arc<Jwks>> {
        let mut last_fetch = self.last_fetch.lock().await;
        let known = self.known();
        let floor = if known.keys.is_some() { self.floor } else { FIRST_FETCH_FLOOR.min(self.floor) };
        if last_fetch.is_some_and(|at| at.elapsed() < floor) {
            return known.keys;
        }
        *last_fetch = Some(Instant::now());
        match self.fetch().await {
            Ok(keys) => {
                let keys = Arc::new(keys);
                let fresh = Known { keys: Some(Arc::clone(&keys)), fetched_at: Some(Instant::now()) };
                *self.keys.write().unwrap_or_else(std::sync::PoisonError::into_inner) = fresh;
                Some(keys)
            }
            Err(error) => {
                tracing::warn!(%error, "the edge's keys were not fetched; the last ones stay in use");
                known.keys
            }
        }
    }

    async fn fetch(&self) -> Result<Jwks, FetchError> {
        let mut request = Request::new(SdkBody::empty());
        request.set_uri(self.url.as_str()).map_err(|_| FetchError::Address)?;
        let fetched = tokio::time::timeout(FETCH_TIMEOUT, async {
            let response = self.connector.call(request).await;
            let response = response.map_err(|error| FetchError::Connection(format!("{error:?}")))?;
            if !response.status().is_success() {
                return Err(FetchError::Status(response.status().as_u16()));
            }
            let mut stream = ByteStream::new(response.into_body());
            let mut body = Vec::new();
            while let Some(chunk) = stream.next().await {
                let chunk = chunk.map_err(|error| FetchError::Connection(error.to_string()))?;
                body.extend_from_slice(&chunk);
                if body.len() > BODY_BYTES_MAX {
                    return Err(FetchError::Content("it is too large".into()));
                }
            }
            serde_json::from_slice(&body).map_err(|error| FetchError::Content(error.to_string()))
        });
        fetched.await.map_err(|_| FetchError::Connection("no answer in time".into()))?
    }
}
