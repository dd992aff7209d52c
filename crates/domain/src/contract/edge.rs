//! What the edge is asked and answers.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, SessionId};
use crate::time::UnixMillis;

/// Answer of `GET /v1/resolve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolveResponse {
    /// Regions that take players now, the best first.
    pub candidates: Vec<RegionCandidate>,
    /// What the order rests on.
    pub basis: ResolveBasis,
    /// Seconds for which the client may keep the answer.
    pub cache_secs: u32,
}

/// A region that a player may play in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionCandidate {
    /// Name of the region, `fra` for example.
    pub region: String,
    /// Where its API answers.
    pub api_url: String,
    /// Great-circle distance from the player, where the player's place is known.
    pub distance_km: Option<u32>,
    /// The round trip that the client measured, where it did.
    pub rtt_ms: Option<u32>,
    /// How full the region is, in 1/1000.
    pub load_permille: u16,
}

/// What decided the order of regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolveBasis {
    /// The client named the region.
    Pinned,
    /// Round trips that the client measured.
    RoundTrip,
    /// Great-circle distance.
    Distance,
    /// The continent only was known.
    Continent,
    /// Nothing was known: the order of the configuration.
    Configured,
}

/// Body of `POST /v1/accounts`: makes an account with e-mail and password, and signs it in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    /// The address; its letters count without case.
    pub email: String,
    /// 10 to 128 characters.
    pub password: String,
}

/// Body of `POST /v1/sessions`: how the player proves who they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum SessionRequest {
    /// A device without an account: the first use of a secret makes one.
    Guest {
        /// 32 to 128 characters that the device made at random and keeps.
        device_secret: String,
    },
    /// An account made by `POST /v1/accounts`.
    Password {
        /// The address; its letters count without case.
        email: String,
        /// The password.
        password: String,
    },
}

/// Body of `POST /v1/sessions/refresh`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// The refresh token of the last answer. Each works once; a second use ends the session everywhere.
    pub refresh_token: String,
}

/// Answer to a sign-in or a refresh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionResponse {
    /// Who is signed in.
    pub account: AccountId,
    /// Sent as `Authorization: Bearer` to the API.
    pub access_token: String,
    /// Seconds from now on that the access token is good for.
    pub access_expires_in_secs: u64,
    /// For `POST /v1/sessions/refresh`.
    pub refresh_token: String,
    /// Seconds from now on that the refresh token is good for.
    pub refresh_expires_in_secs: u64,
    /// Whether this sign-in made the account.
    pub created: bool,
}

/// Body of `PUT /v1/regions/{region}/health`, with the service token: how a region is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionReport {
    /// How full the region is, in 1/1000; 1000 takes no one more.
    pub load_permille: u16,
    /// Players in its worlds.
    pub players: u32,
    /// Hosts with a lease.
    pub hosts: u32,
}

/// Body of `PUT /v1/bans/{account}`, with the service token: the account is kept out. `DELETE` of the same address
/// with `?version=` lets it in again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BanOrder {
    /// For the player: at most 500 characters.
    pub reason: String,
    /// When it ends, in milliseconds since 1970; never, if none is given.
    pub until: Option<UnixMillis>,
    /// Rises with each order about the account: one that comes after a newer one changes nothing.
    pub version: u64,
}

/// Answer of `GET /v1/accounts/{account}` and of `GET /v1/accounts?email=`, with the service token: all that the edge
/// knows of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountRecord {
    /// The account.
    pub account: AccountId,
    /// When it was made.
    pub created_at: UnixMillis,
    /// A ban holds until then.
    pub banned_until: Option<UnixMillis>,
    /// Why.
    pub ban_reason: Option<String>,
    /// How its owner proves to be it.
    pub credentials: Vec<CredentialRecord>,
    /// Sign-ins, the newest 100.
    pub sessions: Vec<SessionRecord>,
}

/// A credential, without what it is checked against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CredentialRecord {
    /// `guest` or `password`.
    pub kind: String,
    /// The e-mail address of a password.
    pub email: Option<String>,
    /// When it was made.
    pub created_at: UnixMillis,
}

/// A sign-in and what was refreshed since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionRecord {
    /// The session.
    pub session: SessionId,
    /// When it began.
    pub created_at: UnixMillis,
    /// When it was ended.
    pub revoked_at: Option<UnixMillis>,
}
