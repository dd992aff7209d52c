//! Every error that the API answers, and the one map from it to status, code and words: refusals are the tables of
//! [`refusals`]; what else there is either says what is wrong with this very request, or that a part of the API failed.
//! The text inside a store's error is logged, not sent.

use std::borrow::Cow;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::contract::Problem;
use domain::time::UnixMillis;
use token::TokenError;

use crate::store::StoreError;
use crate::store::batches::Fenced;
use crate::store::cursor::InvalidCursor;

pub(crate) mod refusals;

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("{0}")]
    BadToken(TokenError),
    #[error("the keys of access tokens cannot be fetched from the edge")]
    NoAccessKeys,
    #[error("{0}")]
    BadBody(String),
    #[error("{0}")]
    BadPath(String),
    #[error("{0}")]
    BadQuery(String),
    #[error("{0}")]
    BadRequest(String),
    #[error("{}", .0.detail)]
    Refused(Refusal),
    #[error("the request took too long")]
    TimedOut,
    #[error("a part of the API failed on this request; it is logged under the correlation id")]
    Internal,
    #[error("the store does not answer in time: try again in some seconds")]
    Store(StoreError),
}

/// A refusal: each is a constant of [`refusals`].
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    answer: Answer,
    detail: Cow<'static, str>,
}

impl Refusal {
    /// The same refusal with words about this very request.
    pub(crate) fn because(self, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// The same refusal, worth another try from `until` on.
    pub(crate) fn until(self, until: UnixMillis, now: UnixMillis) -> Self {
        self.after(until.millis_since(now).div_ceil(1_000).max(1))
    }

    /// The same refusal with the seconds after which it is worth another try.
    pub(crate) fn after(mut self, secs: u64) -> Self {
        self.answer.retry_after_secs = Some(secs);
        self
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// How an error is answered.
#[derive(Debug, Clone)]
struct Answer {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    /// Seconds for the Retry-After header.
    retry_after_secs: Option<u64>,
}

const fn answer(status: StatusCode, code: &'static str, title: &'static str) -> Answer {
    Answer { status, code, title, retry_after_secs: None }
}

const fn later(code: &'static str, title: &'static str, retry_after_secs: u64) -> Answer {
    Answer { status: StatusCode::SERVICE_UNAVAILABLE, code, title, retry_after_secs: Some(retry_after_secs) }
}

impl ApiError {
    /// The map.
    fn answer(&self) -> Answer {
        use StatusCode as S;
        match self {
            Self::BadToken(error) => answer(S::UNAUTHORIZED, error.kind(), "The access token is refused"),
            Self::NoAccessKeys => later("access_keys_unavailable", "Tokens cannot be checked now", 2),
            Self::BadBody(_) => answer(S::BAD_REQUEST, "bad_body", "The body cannot be read"),
            Self::BadPath(_) => answer(S::BAD_REQUEST, "bad_path", "The address cannot be read"),
            Self::BadQuery(_) | Self::Store(StoreError::Cursor(_)) => {
                answer(S::BAD_REQUEST, "bad_query", "The query cannot be read")
            }
            Self::BadRequest(_) => answer(S::BAD_REQUEST, "bad_request", "The request makes no sense"),
            Self::Refused(refusal) => refusal.answer.clone(),
            Self::TimedOut => later("timed_out", "The request took too long", 2),
            Self::Internal => answer(S::INTERNAL_SERVER_ERROR, "internal", "The API failed"),
            Self::Store(StoreError::Unavailable(_)) => {
                later("store_unavailable", "The store does not answer", 2)
            }
            Self::Store(StoreError::Contended(_)) => later("store_contended", "The store is busy", 1),
            Self::Store(StoreError::Corrupt { .. }) => {
                answer(S::INTERNAL_SERVER_ERROR, "internal", "The API failed")
            }
        }
    }

    /// The kind as a metric label, and the `code` of the answer.
    pub(crate) fn kind(&self) -> &'static str {
        self.answer().code
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Cursor(error) => error.into(),
            error => Self::Store(error),
        }
    }
}

impl From<Fenced> for ApiError {
    fn from(_: Fenced) -> Self {
        refusals::instances::FENCED.into()
    }
}

impl From<InvalidCursor> for ApiError {
    fn from(error: InvalidCursor) -> Self {
        Self::BadQuery(error.to_string())
    }
}

impl IntoResponse for ApiError {
    /// The problem rides as an extension: the middleware that knows the correlation id writes the body.
    fn into_response(self) -> Response {
        match &self {
            Self::Store(error) => tracing::error!(kind = error.kind(), %error, "the store failed"),
            Self::NoAccessKeys | Self::TimedOut => tracing::warn!(kind = self.kind(), "{self}"),
            _ => tracing::debug!(kind = self.kind(), "{self}"),
        }
        let answer = self.answer();
        let detail = match &self {
            // What is wrong inside is for the log alone.
            Self::Store(StoreError::Corrupt { .. }) => Self::Internal.to_string(),
            _ => self.to_string(),
        };
        let problem = Problem::new(answer.status.as_u16(), answer.code, answer.title, detail);
        let mut response = answer.status.into_response();
        if let Some(secs) = answer.retry_after_secs {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        if answer.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(problem);
        response
    }
}
