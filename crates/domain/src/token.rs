//! What stands in the signed tokens: access tokens of the edge and tickets of the API. Signing and checking
//! are done by the shells; both use Ed25519 (`alg: EdDSA`, RFC 8037) and name their key by `kid`.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, CharacterId, HostId, InstanceId, SessionId, TicketId, ZoneId};

/// `aud` of access tokens.
pub const ACCESS_AUDIENCE: &str = "graticule";
/// `iss` of access tokens.
pub const ACCESS_ISSUER: &str = "graticule-edge";
/// `iss` of tickets; their `aud` is the host.
pub const TICKET_ISSUER: &str = "graticule-api";
/// Path of the published keys, on the edge and on the API.
pub const JWKS_PATH: &str = "/.well-known/jwks.json";

/// Claims of an access token (RFC 7519).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// [`ACCESS_ISSUER`].
    pub iss: String,
    /// [`ACCESS_AUDIENCE`].
    pub aud: String,
    /// The account.
    pub sub: AccountId,
    /// The sign-in that the token belongs to.
    pub sid: SessionId,
    /// Issued at, seconds since 1970.
    pub iat: u64,
    /// Not valid from this second on.
    pub exp: u64,
}

/// Claims of a ticket: one entry of one character into one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketClaims {
    /// [`TICKET_ISSUER`].
    pub iss: String,
    /// The host that may take it.
    pub aud: HostId,
    /// The account.
    pub sub: AccountId,
    /// The sign-in that asked for it.
    pub sid: SessionId,
    /// The ticket; taken once.
    pub jti: TicketId,
    /// Issued at, seconds since 1970.
    pub iat: u64,
    /// Not valid from this second on.
    pub exp: u64,
    /// Who enters.
    pub character: CharacterId,
    /// What is entered.
    pub instance: InstanceId,
    /// The zone that the instance runs.
    pub zone: ZoneId,
    /// Whether the character only looks on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub spectates: bool,
}

/// A set of public keys (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Jwks {
    /// The keys; the first one signs at present.
    pub keys: Vec<Jwk>,
}

/// One Ed25519 public key (RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Jwk {
    /// Always `OKP`.
    pub kty: String,
    /// Always `Ed25519`.
    pub crv: String,
    /// Always `EdDSA`.
    pub alg: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// The name of the key in token headers.
    pub kid: String,
    /// The 32 bytes of the key, base64url without padding.
    pub x: String,
}

impl Jwk {
    /// The key `x` (base64url of its 32 bytes) under the name `kid`.
    #[must_use]
    pub fn ed25519(kid: String, x: String) -> Self {
        Self { kty: "OKP".into(), crv: "Ed25519".into(), alg: "EdDSA".into(), usage: "sig".into(), kid, x }
    }
}
