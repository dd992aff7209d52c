//! The configuration of a host: embedded defaults, then a file, then `GRATICULE_HOST_` variables.

use std::net::SocketAddr;
use std::path::Path;

use domain::ids::ZoneId;
use figment::Figment;
use figment::providers::{Env, Format as _, Toml};
use serde::Deserialize;

/// How a host runs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostConfig {
    /// Where players connect.
    pub listen: SocketAddr,
    /// Where `/health`, `/ready` and `/metrics` answer.
    pub admin_listen: SocketAddr,
    /// What the API tells players to connect to, `ws://` or `wss://`.
    pub public_url: String,
    /// The region's name.
    pub region: String,
    /// Where the API answers.
    pub api_url: String,
    /// Where the edge answers; empty to report the region to nobody.
    pub edge_url: String,
    /// What proves to API and edge that this is a host.
    pub service_token: String,
    /// Zones to offer.
    pub zones: Vec<ZoneId>,
    /// Terrain and chance of the zones follow from it and their names.
    pub seed: u64,
    /// Threads that zones share for encoding; 0 leaves it to each zone's own.
    pub workers: usize,
    /// Between two looks into the host's mail, in milliseconds.
    pub mail_ms: u64,
    /// Seconds for which an instance that was opened on demand may be empty.
    pub empty_instance_secs: u32,
    /// What is allowed.
    pub limits: ConnectionLimits,
}

/// What connections may do.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionLimits {
    /// Connections at a time; more are refused.
    pub connections_max: usize,
    /// Connections of one address that have not said Hello yet.
    pub pending_per_address_max: usize,
    /// Within this time a Hello must come, in milliseconds.
    pub hello_ms: u64,
    /// A client from which nothing came for this long is dropped, in milliseconds.
    pub silence_ms: u64,
    /// A client that takes nothing for this long is dropped, in milliseconds.
    pub slow_ms: u64,
    /// Seconds for which a body waits for its player to come back.
    pub grace_secs: u32,
    /// Seconds between two saves of where a character is, if it moved or its health changed; it is saved when it
    /// leaves too. Whoever is lost with a host comes back where the last save was. Gains are stored at once.
    pub save_secs: u32,
}

/// A configuration that cannot be used; all its faults.
#[derive(Debug, thiserror::Error)]
#[error("the configuration of the zone host is wrong:\n  {}", .0.join("\n  "))]
pub struct ConfigError(pub Vec<String>);

impl HostConfig {
    /// Reads the defaults, then `file`, then the environment, and checks the whole.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut figment = Self::defaults();
        if let Some(file) = file {
            if !file.is_file() {
                return Err(ConfigError(vec![format!("{} is not a file", file.display())]));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        Self::extract(&figment.merge(Env::prefixed("GRATICULE_HOST_").split("__")))
    }

    /// The embedded defaults, for a laptop; the service token is missing in them on purpose.
    #[must_use]
    pub fn defaults() -> Figment {
        Figment::from(Toml::string(include_str!("../config.default.toml")))
    }

    /// Reads and checks what `figment` holds.
    pub fn extract(figment: &Figment) -> Result<Self, ConfigError> {
        let config: Self = figment
            .extract()
            .map_err(|errors| ConfigError(errors.into_iter().map(|error| error.to_string()).collect()))?;
        let faults = config.faults();
        if faults.is_empty() { Ok(config) } else { Err(ConfigError(faults)) }
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |good: bool, fault: &str| {
            if !good {
                faults.push(fault.to_owned());
            }
        };
        let is_url = |url: &str, schemes: [&str; 2]| schemes.iter().any(|scheme| url.starts_with(scheme));
        check(is_url(&self.public_url, ["ws://", "wss://"]), "public_url must start with ws:// or wss://");
        check(is_url(&self.api_url, ["http://", "https://"]), "api_url must start with http:// or https://");
        check(
            self.edge_url.is_empty() || is_url(&self.edge_url, ["http://", "https://"]),
            "edge_url must be empty or start with http:// or https://",
        );
        check(self.service_token.len() >= 16, "service_token must have at least 16 characters");
        check(!self.zones.is_empty(), "zones must name at least one zone");
        check(self.mail_ms > 0, "mail_ms must not be 0");
        check(self.limits.connections_max > 0, "limits.connections_max must not be 0");
        check(self.limits.save_secs > 0, "limits.save_secs must not be 0");
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_lack_only_the_secret() {
        let error = HostConfig::extract(&HostConfig::defaults()).expect_err("no token");
        assert_eq!(error.0, ["service_token must have at least 16 characters"]);
    }

    #[test]
    fn every_fault_is_reported() {
        let bad =
            HostConfig::defaults().merge(("public_url", "http://x")).merge(("zones", Vec::<String>::new()));
        assert_eq!(HostConfig::extract(&bad).expect_err("bad").0.len(), 3);
        let unknown = HostConfig::defaults().merge(("speed", 9));
        assert!(HostConfig::extract(&unknown).expect_err("bad").to_string().contains("speed"));
    }
}
