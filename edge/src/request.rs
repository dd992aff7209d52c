//! Requests and answers as the handlers see them, whatever shell they came through.

/// A request. Header names are in lower case.
#[derive(Debug, Clone, Default)]
pub struct EdgeRequest {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The query without the question mark.
    pub query: String,
    /// The headers that the handlers look at.
    pub headers: Headers,
    /// The body; shells stop reading after one byte more than the limit.
    pub body: Vec<u8>,
    /// Where the player is, as the shell knows it; never from a header that a player could write.
    pub geo: Option<Geo>,
    /// The address that the request came from.
    pub client_address: String,
}

/// The headers that the handlers look at.
#[derive(Debug, Clone, Default)]
pub struct Headers {
    /// `Authorization`.
    pub authorization: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Origin`.
    pub origin: Option<String>,
    /// `X-Correlation-Id`.
    pub correlation: Option<String>,
}

/// Where a player is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Geo {
    /// Degrees north and east.
    pub place: Option<(f64, f64)>,
    /// The two-letter code of the continent.
    pub continent: Option<String>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body, JSON or nothing.
    pub body: Vec<u8>,
}
