//! Bans and maintenance: what administrators say about who may play, and what players are told.

use serde::{Deserialize, Serialize};

use crate::contract::admin::{MessageText, Reason};
use crate::ids::AccountId;
use crate::time::UnixMillis;

/// The longest ban with an end, in seconds: ten years. A longer one is one without an end.
pub const BAN_SECS_MAX: u64 = 10 * 365 * 24 * 60 * 60;

/// What a banned player is told, wherever.
#[must_use]
pub fn ban_text(reason: &str, until: UnixMillis) -> String {
    let end =
        if until >= UnixMillis::FOREVER { String::new() } else { format!(" until {}", until.utc_text()) };
    let colon = if reason.is_empty() { "" } else { ": " };
    format!("the account is banned{end}{colon}{reason}")
}

/// Body of `PUT /admin/v1/players/{account}/ban`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BanPlayer {
    /// Why. The player reads it.
    pub reason: Reason,
    /// For how many seconds from now on, at most ten years; without an end, if not given.
    pub duration_secs: Option<u64>,
}

/// How far the edge has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EdgeState {
    /// It knows, and refuses sign-ins and refreshes accordingly.
    Told,
    /// It could not be reached: it is told again each second.
    Pending,
}

/// A ban of an account, or that there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BanState {
    /// The account.
    pub account: AccountId,
    /// Whether it is banned now.
    pub banned: bool,
    /// Why it is, or was last.
    pub reason: Option<String>,
    /// Since when it is, or was last.
    pub since: Option<UnixMillis>,
    /// When the ban ends or ended; none for one without an end.
    pub until: Option<UnixMillis>,
    /// Name of the key that banned or unbanned last.
    pub by: Option<String>,
    /// Whether the edge knows.
    pub edge: EdgeState,
}

/// Answer of `POST /internal/v1/bans/step`: what was still to be told about bans, and deleted of players.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BansStep {
    /// Bans that edge and hosts know now.
    pub told: u32,
    /// Bans that they are still to be told; the next step tries again.
    pub pending: u32,
    /// Players whose data is deleted now.
    pub erased: u32,
    /// Players whose data is still being deleted.
    pub erasing: u32,
}

/// Body of `PUT /admin/v1/maintenance`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BeginMaintenance {
    /// What players read.
    pub message: MessageText,
    /// Seconds after which clients may try again, 1 to 3,600; 60, if not given.
    pub retry_after_secs: Option<u32>,
}

/// Whether the region is under maintenance. While it is, players can look but change and join nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Maintenance {
    /// Whether it is.
    pub on: bool,
    /// What players read.
    pub message: Option<String>,
    /// Seconds after which clients may try again.
    pub retry_after_secs: Option<u32>,
    /// Since when.
    pub since: Option<UnixMillis>,
    /// Name of the key that began it.
    pub by: Option<String>,
}
