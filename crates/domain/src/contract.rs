//! The messages of the HTTP interfaces, as JSON. Writers and readers share these types; the OpenAPI
//! description is made from them. Bodies with a field that is not listed here are refused.

pub mod admin;
pub mod bans;
pub mod boards;
pub mod chat;
pub mod content;
pub mod coordinator;
pub mod edge;
pub mod hosts;
pub mod instances;
pub mod mail;
pub mod market;
pub mod matchmaking;
pub mod parties;
pub mod players;
pub mod possessions;
pub mod privacy;
pub mod rooms;
pub mod social;
pub mod support;
pub mod tournaments;
pub mod trades;

use serde::{Deserialize, Serialize};

use crate::ids::CorrelationId;

/// Names the correlation id of a request and its answer.
pub const CORRELATION_HEADER: &str = "x-correlation-id";
/// A repeated request with the same value has the effect of one.
pub const IDEMPOTENCY_HEADER: &str = "idempotency-key";
/// The media type of [`Problem`].
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

/// Body of the call of a job that goes on where the answer before has told; without it the job begins anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobCall {
    /// The `next` of the answer before.
    pub cursor: Option<String>,
}

/// An error answer (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `urn:graticule:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What went wrong, the same words for every error of the kind.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The kind as a word for programs, `name_taken` for example.
    pub code: String,
    /// What was wrong this time, and what to do about it.
    pub detail: String,
    /// The request, as log lines name it.
    pub correlation_id: Option<CorrelationId>,
}

impl Problem {
    /// The answer for an error of the kind `code`.
    #[must_use]
    pub fn new(status: u16, code: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:graticule:problem:{code}"),
            title: title.into(),
            status,
            code: code.into(),
            detail: detail.into(),
            correlation_id: None,
        }
    }
}
