//! What the edge is told: regions, origins, secrets and limits.

use serde::{Deserialize, Serialize};
use token::{KeyRing, SecretKey};

/// A region that players can be sent to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Its name.
    pub region: String,
    /// Where its API answers.
    pub api_url: String,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Two-letter codes of the continents that it serves when only the continent is known.
    #[serde(default)]
    pub continents: Vec<String>,
}

/// How often something may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimits {
    /// Sign-ins and registrations of one address in a minute.
    pub per_address: u32,
    /// Sign-ins with a password to one account in a minute.
    pub per_account: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { per_address: 120, per_account: 10 }
    }
}

/// What the edge is told.
#[derive(Clone)]
pub struct EdgeConfig {
    /// The regions, in the order of preference when nothing is known of a player.
    pub regions: Vec<Region>,
    /// Web origins whose pages may call the edge.
    pub allowed_origins: Vec<String>,
    /// What regions show when they report.
    pub service_token: String,
    /// Keys that sign access tokens.
    pub keys: KeyRing,
    /// How often something may be tried.
    pub rate_limits: RateLimits,
}

impl EdgeConfig {
    /// Checks the parts; the error names all that is wrong.
    pub fn new(
        regions: Vec<Region>,
        allowed_origins: Vec<String>,
        service_token: String,
        signing_keys: &[SecretKey],
        rate_limits: RateLimits,
    ) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        if regions.is_empty() {
            faults.push("regions: at least one is needed".to_owned());
        }
        for (index, region) in regions.iter().enumerate() {
            faults.extend(region_faults(region));
            if regions[..index].iter().any(|other| other.region == region.region) {
                faults.push(format!("regions: {:?} stands twice", region.region));
            }
        }
        if service_token.len() < 16 {
            faults.push("service_token: at least 16 characters are needed".to_owned());
        }
        if rate_limits.per_address == 0 || rate_limits.per_account == 0 {
            faults.push("rate_limits: 0 would keep everybody out".to_owned());
        }
        let keys = KeyRing::new(signing_keys).map_err(|error| faults.push(format!("signing_keys: {error}")));
        match keys {
            Ok(keys) if faults.is_empty() => {
                Ok(Self { regions, allowed_origins, service_token, keys, rate_limits })
            }
            _ => Err(faults),
        }
    }
}

fn region_faults(region: &Region) -> Vec<String> {
    let mut faults = Vec::new();
    let name = &region.region;
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 32 || !name.chars().all(good) {
        faults.push(format!("regions: {name:?} is not named by 1 to 32 of a-z, 0-9 and '-'"));
    }
    if !(region.api_url.starts_with("http://") || region.api_url.starts_with("https://")) {
        faults.push(format!("regions: api_url of {name:?} must start with http:// or https://"));
    }
    if !(-90.0..=90.0).contains(&region.latitude) || !(-180.0..=180.0).contains(&region.longitude) {
        faults.push(format!("regions: {name:?} is not on Earth"));
    }
    faults
}
