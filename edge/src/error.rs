//! What can go wrong at the edge, and the one map from that to what a client is told.

use domain::contract::Problem;
use domain::contract::bans::ban_text;
use domain::time::UnixMillis;
use token::TokenError;

use crate::store::DatabaseError;

/// What can go wrong at the edge.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// The request is not as it should be.
    #[error("{0}")]
    BadRequest(String),
    /// The body is too large.
    #[error("the body has over {0} bytes")]
    TooLarge(usize),
    /// The body is of another type.
    #[error("the body must be application/json")]
    MediaType,
    /// No such path.
    #[error("there is nothing at {0}")]
    NotFound(String),
    /// The path has other methods.
    #[error("the methods here are {0}")]
    Method(&'static str),
    /// The access token is missing.
    #[error("send an access token as 'Authorization: Bearer ...'")]
    NoToken,
    /// The access token is not good.
    #[error("{0}: sign in again, or refresh the session")]
    Token(#[from] TokenError),
    /// The service token is missing or wrong.
    #[error("the service token is missing or wrong")]
    ServiceToken,
    /// E-mail or password is wrong; which of the two is not said.
    #[error("the e-mail address or the password is wrong")]
    Credentials,
    /// The address has an account.
    #[error("there is an account with this e-mail address: sign in with its password")]
    EmailTaken,
    /// The refresh token is unknown, expired or revoked.
    #[error("the refresh token is not good any more: sign in again")]
    RefreshToken,
    /// The refresh token was used before.
    #[error("the refresh token was used before, so the session has been ended everywhere: sign in again")]
    RefreshReused,
    /// The account is banned.
    #[error("{}", ban_text(.reason, *.until))]
    Banned {
        /// Why.
        reason: String,
        /// Until when.
        until: UnixMillis,
    },
    /// Too many tries.
    #[error("too many tries: wait {0} s")]
    TooMany(u64),
    /// No region takes players.
    #[error("{0}")]
    NoRegion(String),
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] DatabaseError),
}

impl EdgeError {
    /// Status, code and title: the one map.
    #[must_use]
    pub const fn parts(&self) -> (u16, &'static str, &'static str) {
        match self {
            Self::BadRequest(_) => (400, "bad_request", "The request cannot be understood"),
            Self::TooLarge(_) => (413, "too_large", "The body is too large"),
            Self::MediaType => (415, "media_type", "The body is of the wrong type"),
            Self::NotFound(_) => (404, "not_found", "There is nothing here"),
            Self::Method(_) => (405, "method_not_allowed", "The method is not allowed here"),
            Self::NoToken => (401, "token_missing", "An access token is needed"),
            Self::Token(error) => (401, error.kind(), "The access token is not good"),
            Self::ServiceToken => (401, "service_token", "The service token is not good"),
            Self::Credentials => (401, "credentials", "The sign-in failed"),
            Self::EmailTaken => (409, "email_taken", "The e-mail address is taken"),
            Self::RefreshToken => (401, "refresh_token", "The refresh token is not good"),
            Self::RefreshReused => (401, "refresh_reused", "The refresh token was used before"),
            Self::Banned { .. } => (403, "account_banned", "The account is banned"),
            Self::TooMany(_) => (429, "rate_limited", "Too many tries"),
            Self::NoRegion(_) => (503, "region_unavailable", "No region takes players"),
            Self::Database(_) => (503, "database", "The service has a fault"),
        }
    }

    /// The kind as a metric label.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.parts().1
    }

    /// Seconds after which it is worth another try.
    #[must_use]
    pub const fn retry_after_secs(&self) -> Option<u64> {
        match self {
            Self::TooMany(secs) => Some(*secs),
            Self::NoRegion(_) => Some(2),
            Self::Database(_) => Some(1),
            _ => None,
        }
    }

    /// What a client is told. Internal text stays inside.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let (status, code, title) = self.parts();
        let detail = match self {
            Self::Database(_) => "try again in a moment".to_owned(),
            other => other.to_string(),
        };
        Problem::new(status, code, title, detail)
    }
}
