//! The configuration: the embedded defaults, then a file, then variables `GRATICULE_API_*`. No variable is
//! read anywhere else. It knows nothing of what the values are used for.

use std::net::SocketAddr;
use std::path::Path;

use domain::catalogue::Catalogue;
use domain::token::JWKS_PATH;
use figment::Figment;
use figment::providers::{Env, Format as _, Toml};
use serde::{Deserialize, Serialize};
use token::{KeyRing, SecretKey};

use crate::rate::RateLimit;

const DEFAULTS: &str = include_str!("../config.default.toml");

/// Fewest characters of a service token: 32 hexadecimal digits are 128 bits.
pub const SERVICE_TOKEN_CHARS_MIN: usize = 32;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Everything that can be set. `ApiConfig::default()` holds the embedded defaults, which lack the secrets.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiConfig {
    /// Where the plain server listens.
    pub listen: SocketAddr,
    /// The region that this API serves.
    pub region: String,
    /// Where the edge publishes the keys of access tokens.
    pub edge_jwks_url: String,
    /// Where the edge takes bans and deletions; none: where its keys are published.
    #[serde(default)]
    pub edge_url: Option<String>,
    /// A DynamoDB engine other than AWS. With it no credentials are looked for.
    #[serde(default)]
    pub dynamodb_endpoint: Option<String>,
    /// The region of the tables, as AWS names it.
    pub dynamodb_region: String,
    /// Prefix of the names of all tables.
    pub table_prefix: String,
    /// What hosts show to the internal routes.
    pub service_token: String,
    /// What the owner shows to the admin routes, to make further keys. Without it only keys made before lead in.
    #[serde(default)]
    pub owner_key: Option<String>,
    /// Keys that sign tickets, the first one at present.
    pub ticket_keys: Vec<SecretKey>,
    /// Web origins whose pages may call this API.
    pub allowed_origins: Vec<String>,
    /// Seconds between two fetches of the edge's keys.
    pub jwks_refresh_floor_secs: u64,
    /// Seconds after which the edge's keys are fetched again.
    pub jwks_age_secs_max: u64,
    /// What each player may ask for, of this process.
    pub rate_limit_player: RateLimit,
    /// What each admin key may ask for, of this process.
    pub rate_limit_admin: RateLimit,
    /// What those of whom only the address is known may ask for, of this process.
    pub rate_limit_address: RateLimit,
    /// The header in which a proxy in front puts the address of the caller. Without it the peer is the caller.
    #[serde(default)]
    pub client_address_header: Option<String>,
    /// Milliseconds after which nothing that was begun before the deletion of a player can still write.
    pub erase_settle_ms: u64,
    /// Milliseconds that a request may take.
    pub request_timeout_ms: u64,
    /// Milliseconds that a call to the store may take, its repetitions included.
    pub store_timeout_ms: u64,
    /// Milliseconds that one try of a call to the store may take.
    pub store_attempt_timeout_ms: u64,
    /// Whether `/metrics` tells the processor time of each route, the store's client apart.
    pub processor_times: bool,
    /// What is logged, as `RUST_LOG` would say it.
    pub log_filter: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// The content of the region.
    #[serde(skip, default = "Catalogue::builtin")]
    pub catalogue: Catalogue,
}

impl std::fmt::Debug for ApiConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The service token and the keys stay out of logs.
        f.debug_struct("ApiConfig")
            .field("region", &self.region)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

impl Default for ApiConfig {
    fn default() -> Self {
        Figment::from(Toml::string(DEFAULTS)).extract().expect("the embedded defaults fit the structure")
    }
}

/// Why there is no usable configuration: one text for each fault, each naming its setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .faults.join("\n"))]
pub struct ConfigError {
    /// One line for each fault.
    pub faults: Vec<String>,
}

impl ConfigError {
    /// The kind as a metric label.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        "config"
    }
}

impl ApiConfig {
    /// Reads the defaults, then `file`, then the environment, and checks the result.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        if let Some(file) = file {
            // Read here, since a missing file would count as an empty one.
            let text = std::fs::read_to_string(file).map_err(|error| ConfigError {
                faults: vec![format!("--config: the file {} cannot be read: {error}", file.display())],
            })?;
            figment = figment.merge(Toml::string(&text));
        }
        let config: Self = figment
            .merge(Env::prefixed("GRATICULE_API_").split("__"))
            .extract()
            .map_err(|errors| ConfigError { faults: errors.into_iter().map(|e| e.to_string()).collect() })?;
        config.validate()?;
        Ok(config)
    }

    /// Where the edge answers.
    #[must_use]
    pub fn edge_url(&self) -> String {
        let keys = &self.edge_jwks_url;
        self.edge_url.clone().unwrap_or_else(|| keys.strip_suffix(JWKS_PATH).unwrap_or(keys).to_owned())
    }

    /// Reports every fault at once.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut faults = Vec::new();
        let mut check = |good: bool, fault: &str| {
            if !good {
                faults.push(fault.to_owned());
            }
        };
        let name = |text: &str| {
            (1..=32).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        check(name(&self.region), "region: 1 to 32 of the characters a-z, 0-9 and '-' are needed");
        check(
            is_http_url(&self.edge_jwks_url),
            "edge_jwks_url: an address that starts with http:// or https:// is needed",
        );
        check(
            self.edge_url.as_deref().is_none_or(is_http_url),
            "edge_url: an address that starts with http:// or https:// is needed, or none",
        );
        check(
            self.dynamodb_endpoint.as_deref().is_none_or(is_http_url),
            "dynamodb_endpoint: an address that starts with http:// or https:// is needed, or none",
        );
        check(name(&self.dynamodb_region), "dynamodb_region: the name of an AWS region is needed");
        check(
            self.table_prefix.len() <= 64
                && self.table_prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)),
            "table_prefix: at most 64 letters, digits, '-', '_' and '.' are allowed",
        );
        for (secret, fault) in [
            (
                Some(&self.service_token),
                "service_token: at least 32 visible ASCII characters are needed; make one with `openssl rand -hex 32`",
            ),
            (
                self.owner_key.as_ref(),
                "owner_key: at least 32 visible ASCII characters are needed, or none; make one with `openssl rand -hex 32`",
            ),
        ] {
            check(secret.is_none_or(|secret| is_secret(secret)), fault);
        }
        check(
            self.owner_key.as_ref() != Some(&self.service_token),
            "owner_key: it must not be the service token, which every host knows",
        );
        if let Err(error) = KeyRing::new(&self.ticket_keys) {
            check(false, &format!("ticket_keys: {error}"));
        }
        for origin in &self.allowed_origins {
            let good = is_http_url(origin) && !origin.ends_with('/') && origin.matches('/').count() == 2;
            check(
                good,
                &format!("allowed_origins: {origin:?} is not of the form scheme://host:port, without a path"),
            );
        }
        for (value, setting) in [
            (self.jwks_refresh_floor_secs, "jwks_refresh_floor_secs"),
            (self.jwks_age_secs_max, "jwks_age_secs_max"),
            (self.request_timeout_ms, "request_timeout_ms"),
            (self.store_timeout_ms, "store_timeout_ms"),
            (self.store_attempt_timeout_ms, "store_attempt_timeout_ms"),
        ] {
            check(value > 0, &format!("{setting}: a number over 0 is needed"));
        }
        check(!self.catalogue.zones().is_empty(), "catalogue: at least one zone is needed");
        faults.extend(self.rate_limit_faults());
        if faults.is_empty() { Ok(()) } else { Err(ConfigError { faults }) }
    }
}

impl ApiConfig {
    fn rate_limit_faults(&self) -> Vec<String> {
        let good = |value: u32| (1..=1_000_000).contains(&value);
        let limits = [
            (self.rate_limit_player, "rate_limit_player"),
            (self.rate_limit_admin, "rate_limit_admin"),
            (self.rate_limit_address, "rate_limit_address"),
        ];
        let bad = limits.into_iter().filter(|(limit, _)| !good(limit.per_second) || !good(limit.burst));
        bad.map(|(_, setting)| format!("{setting}: per_second and burst from 1 to 1000000 are needed"))
            .collect()
    }
}

fn is_secret(text: &str) -> bool {
    text.len() >= SERVICE_TOKEN_CHARS_MIN && text.bytes().all(|b| b.is_ascii_graphic())
}

fn is_http_url(text: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
        && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Whether the process was started by AWS Lambda, or an emulator of it.
#[must_use]
pub fn runs_on_lambda() -> bool {
    std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> ApiConfig {
        ApiConfig {
            service_token: "0123456789abcdef0123456789abcdef".into(),
            ticket_keys: vec![SecretKey::from_seed("k", &[1; 32])],
            ..ApiConfig::default()
        }
    }

    #[test]
    fn the_defaults_lack_the_secrets_only() {
        let faults = ApiConfig::default().validate().expect_err("no secrets").faults;
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(
            faults[0].starts_with("service_token:") && faults[1].starts_with("ticket_keys:"),
            "{faults:?}"
        );
        assert_eq!(good().validate(), Ok(()));
    }

    #[test]
    fn every_fault_is_reported() {
        let bad = ApiConfig {
            region: "Frankfurt!".into(),
            edge_jwks_url: "edge".into(),
            dynamodb_endpoint: Some("http://".into()),
            table_prefix: "a/b".into(),
            service_token: "short".into(),
            ticket_keys: vec![],
            allowed_origins: vec!["http://a/b".into(), "http://a:1".into()],
            request_timeout_ms: 0,
            catalogue: Catalogue::of(vec![]),
            ..good()
        };
        let faults = bad.validate().expect_err("all bad").faults;
        let settings: Vec<_> = faults.iter().filter_map(|fault| fault.split(':').next()).collect();
        assert_eq!(
            settings,
            [
                "region",
                "edge_jwks_url",
                "dynamodb_endpoint",
                "table_prefix",
                "service_token",
                "ticket_keys",
                "allowed_origins",
                "request_timeout_ms",
                "catalogue"
            ]
        );
    }
}
