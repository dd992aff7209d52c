//! Signing and checking of tokens: JWTs with `alg: EdDSA` over Ed25519 (RFC 7519, RFC 8037). It knows no
//! clock and no network: the time and the keys are passed in, so the same code runs natively and in the Worker.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ids::HostId;
use domain::time::UnixMillis;
use domain::token::{ACCESS_AUDIENCE, ACCESS_ISSUER, AccessClaims, Jwk, Jwks, TICKET_ISSUER, TicketClaims};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Seconds that the clocks of two machines may differ.
pub const CLOCK_SKEW_SECS: u64 = 2;

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a JWT, or its claims are not those of this kind of token.
    #[error("the token cannot be read")]
    Malformed,
    /// Signed by another algorithm than `EdDSA`, `none` among them.
    #[error("the token is not signed with EdDSA")]
    Algorithm,
    /// The key that it names is not known (any more, or yet).
    #[error("the token is signed with an unknown key")]
    UnknownKey,
    /// The signature does not fit.
    #[error("the signature of the token is wrong")]
    Signature,
    /// Made by or for somebody else.
    #[error("the token is not meant for this service")]
    Audience,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is issued in the future")]
    NotYet,
}

impl TokenError {
    /// The kind as a metric label.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Malformed => "token_malformed",
            Self::Algorithm => "token_algorithm",
            Self::UnknownKey => "token_unknown_key",
            Self::Signature => "token_signature",
            Self::Audience => "token_audience",
            Self::Expired => "token_expired",
            Self::NotYet => "token_not_yet",
        }
    }
}

/// A private key as configuration holds it: its name and the 32 secret bytes, base64url without padding.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretKey {
    /// The name of the key in token headers.
    pub kid: String,
    /// The seed (RFC 8032), base64url without padding.
    pub d: String,
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl SecretKey {
    /// A key from 32 random bytes.
    #[must_use]
    pub fn from_seed(kid: impl Into<String>, seed: &[u8; 32]) -> Self {
        Self { kid: kid.into(), d: URL_SAFE_NO_PAD.encode(seed) }
    }
}

/// A set of keys that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeys {
    /// There must be one to sign with.
    #[error("no signing key is configured")]
    Empty,
    /// Not the base64url of 32 bytes.
    #[error("the signing key {0:?} is not 32 bytes in base64url without padding")]
    Seed(String),
    /// A name that stands twice.
    #[error("two signing keys have the name {0:?}")]
    Duplicate(String),
}

/// Private keys: the first signs, all are published. A key is rotated in by appending it, putting it first
/// once every verifier has seen it, and removing the old one when its last token has expired.
#[derive(Clone)]
pub struct KeyRing {
    kid: String,
    signing: EncodingKey,
    public: Jwks,
}

impl KeyRing {
    /// The ring of these keys, the signing one first.
    pub fn new(keys: &[SecretKey]) -> Result<Self, InvalidKeys> {
        let mut public = Jwks::default();
        let mut signing = None;
        for key in keys {
            let seed: [u8; 32] = URL_SAFE_NO_PAD
                .decode(&key.d)
                .ok()
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or_else(|| InvalidKeys::Seed(key.kid.clone()))?;
            if public.keys.iter().any(|known| known.kid == key.kid) {
                return Err(InvalidKeys::Duplicate(key.kid.clone()));
            }
            let verifying = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key();
            public.keys.push(Jwk::ed25519(key.kid.clone(), URL_SAFE_NO_PAD.encode(verifying.as_bytes())));
            signing.get_or_insert_with(|| EncodingKey::from_ed_der(&pkcs8(&seed)));
        }
        let signing = signing.ok_or(InvalidKeys::Empty)?;
        Ok(Self { kid: public.keys[0].kid.clone(), signing, public })
    }

    /// The public halves.
    #[must_use]
    pub fn public(&self) -> &Jwks {
        &self.public
    }

    /// The token with these claims.
    #[must_use]
    pub fn sign(&self, claims: &impl Serialize) -> String {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.signing)
            .expect("plain claims and a checked key can be signed")
    }
}

/// The DER of RFC 8410 around a seed: fixed bytes, since nothing in it has a variable length.
fn pkcs8(seed: &[u8; 32]) -> [u8; 48] {
    let mut der = [0; 48];
    der[..16].copy_from_slice(&[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]);
    der[16..].copy_from_slice(seed);
    der
}

/// Checks an access token at the time `now`.
pub fn verify_access(token: &str, keys: &Jwks, now: UnixMillis) -> Result<AccessClaims, TokenError> {
    let claims: AccessClaims = verify_signature(token, keys)?;
    if claims.iss != ACCESS_ISSUER || claims.aud != ACCESS_AUDIENCE {
        return Err(TokenError::Audience);
    }
    verify_access_time(&claims, now)?;
    Ok(claims)
}

/// Checks again whether claims that [`verify_access`] found good are valid at the time `now`.
pub fn verify_access_time(claims: &AccessClaims, now: UnixMillis) -> Result<(), TokenError> {
    verify_time(claims.iat, claims.exp, now)
}

/// Checks a ticket for `host` at the time `now`. That it is taken once is the host's to ensure.
pub fn verify_ticket(
    token: &str,
    keys: &Jwks,
    host: HostId,
    now: UnixMillis,
) -> Result<TicketClaims, TokenError> {
    let claims: TicketClaims = verify_signature(token, keys)?;
    if claims.iss != TICKET_ISSUER || claims.aud != host {
        return Err(TokenError::Audience);
    }
    verify_time(claims.iat, claims.exp, now)?;
    Ok(claims)
}

fn verify_time(iat: u64, exp: u64, now: UnixMillis) -> Result<(), TokenError> {
    if now.as_secs() >= exp.saturating_add(CLOCK_SKEW_SECS) {
        Err(TokenError::Expired)
    } else if iat > now.as_secs().saturating_add(CLOCK_SKEW_SECS) {
        Err(TokenError::NotYet)
    } else {
        Ok(())
    }
}

/// The part of a header that is looked at before anything is believed.
#[derive(Deserialize)]
struct RawHeader {
    alg: String,
    kid: Option<String>,
}

fn verify_signature<C: DeserializeOwned + Clone>(token: &str, keys: &Jwks) -> Result<C, TokenError> {
    // The header is read by hand first, since the library reports an unknown algorithm (`none`) as rubbish.
    let header = token.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let header: RawHeader =
        header.and_then(|json| serde_json::from_slice(&json).ok()).ok_or(TokenError::Malformed)?;
    if header.alg != "EdDSA" {
        return Err(TokenError::Algorithm);
    }
    let kid = header.kid.ok_or(TokenError::UnknownKey)?;
    let key = keys.keys.iter().find(|key| key.kid == kid).ok_or(TokenError::UnknownKey)?;
    let key = DecodingKey::from_ed_components(&key.x).map_err(|_| TokenError::UnknownKey)?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    // Time, issuer and audience are checked above: the library would read the machine's clock.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let data = jsonwebtoken::decode::<C>(token, &key, &validation).map_err(|error| match error.kind() {
        jsonwebtoken::errors::ErrorKind::InvalidSignature => TokenError::Signature,
        _ => TokenError::Malformed,
    })?;
    Ok(data.claims)
}

#[cfg(test)]
mod tests {
    use domain::ids::{AccountId, SessionId};

    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_000_000_000);

    fn ring(names: &[(&str, u8)]) -> KeyRing {
        let keys: Vec<_> = names.iter().map(|(kid, seed)| SecretKey::from_seed(*kid, &[*seed; 32])).collect();
        KeyRing::new(&keys).expect("good keys")
    }

    fn claims() -> AccessClaims {
        AccessClaims {
            iss: ACCESS_ISSUER.into(),
            aud: ACCESS_AUDIENCE.into(),
            sub: AccountId::from_u128(1),
            sid: SessionId::from_u128(2),
            iat: NOW.as_secs(),
            exp: NOW.as_secs() + 900,
        }
    }

    #[test]
    fn a_token_is_good_until_it_expires_and_with_any_published_key() {
        let token = ring(&[("old", 1)]).sign(&claims());
        let rotated = ring(&[("new", 2), ("old", 1)]);
        assert_eq!(verify_access(&token, rotated.public(), NOW), Ok(claims()));
        assert_eq!(verify_access(&token, ring(&[("new", 2)]).public(), NOW), Err(TokenError::UnknownKey));
        let late = NOW.plus_millis(900_000);
        assert_eq!(verify_access(&token, rotated.public(), late), Ok(claims()), "within the skew of clocks");
        let later = late.plus_millis(CLOCK_SKEW_SECS * 1_000);
        assert_eq!(verify_access(&token, rotated.public(), later), Err(TokenError::Expired));
        let early = UnixMillis::new(1);
        assert_eq!(verify_access(&token, rotated.public(), early), Err(TokenError::NotYet));
    }

    #[test]
    fn a_forged_token_is_refused() {
        let ring = ring(&[("k", 1)]);
        let forged = self::ring(&[("k", 9)]).sign(&claims());
        assert_eq!(verify_access(&forged, ring.public(), NOW), Err(TokenError::Signature));
        let token = ring.sign(&claims());
        let body = token.split('.').nth(1).expect("three parts");
        for (header, reason) in [
            (r#"{"alg":"none"}"#, TokenError::Algorithm),
            (r#"{"alg":"HS256","kid":"k"}"#, TokenError::Algorithm),
            (r#"{"alg":"EdDSA"}"#, TokenError::UnknownKey),
            (r#"{"alg":"EdDSA","kid":"k"}"#, TokenError::Signature),
            ("{", TokenError::Malformed),
        ] {
            let forged = format!("{}.{body}.{}", URL_SAFE_NO_PAD.encode(header), "A".repeat(86));
            assert_eq!(verify_access(&forged, ring.public(), NOW), Err(reason), "{header}");
        }
        for text in ["", "..", "a.b.c", &token[..token.len() - 20]] {
            assert!(verify_access(text, ring.public(), NOW).is_err(), "{text}");
        }
        let elsewhere = ring.sign(&AccessClaims { aud: "other".into(), ..claims() });
        assert_eq!(verify_access(&elsewhere, ring.public(), NOW), Err(TokenError::Audience));
        let host = HostId::from_u128(3);
        assert_eq!(verify_ticket(&token, ring.public(), host, NOW), Err(TokenError::Malformed));
    }

    #[test]
    fn bad_keys_are_named() {
        let bad = SecretKey { kid: "x".into(), d: "short".into() };
        assert_eq!(KeyRing::new(&[bad]).err(), Some(InvalidKeys::Seed("x".into())));
        assert_eq!(KeyRing::new(&[]).err(), Some(InvalidKeys::Empty));
        let twice = [SecretKey::from_seed("a", &[1; 32]), SecretKey::from_seed("a", &[2; 32])];
        assert_eq!(KeyRing::new(&twice).err(), Some(InvalidKeys::Duplicate("a".into())));
    }
}
