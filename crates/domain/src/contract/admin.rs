//! What administrators ask the API, with an admin key, and what it answers: keys, the audit log, and the texts
//! that both share. Players and the running of the region are in files of their own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{AdminKeyId, AuditId, CorrelationId};
use crate::time::UnixMillis;

/// A text whose length or characters are not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a text of 1 to {max} characters without control characters is needed")]
pub struct InvalidText {
    /// Most characters.
    pub max: usize,
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident <= $max:tt;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(
            feature = "openapi",
            derive(utoipa::ToSchema),
            schema(value_type = String, min_length = 1, max_length = $max)
        )]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidText;

            fn try_from(text: String) -> Result<Self, InvalidText> {
                let good = !text.trim().is_empty()
                    && text.len() <= $max * 4
                    && text.chars().count() <= $max
                    && text.chars().all(|c| c == '\n' || !c.is_control());
                if good { Ok(Self(text)) } else { Err(InvalidText { max: $max }) }
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidText;

            fn from_str(text: &str) -> Result<Self, InvalidText> {
                text.to_owned().try_into()
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

texts! {
    /// Why an administrator does something. The player of a ban reads it.
    Reason <= 500;
    /// A note of one administrator for the others.
    NoteText <= 2_000;
    /// What a key is called: the person or the program that holds it.
    KeyName <= 64;
    /// A message to players.
    MessageText <= 500;
}

/// What an administrator may do; each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Role {
    /// Helps players.
    Support,
    /// Runs the game.
    Operator,
    /// Decides who is an administrator.
    Owner,
}

impl Role {
    /// The role as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Support => "support",
            Self::Operator => "operator",
            Self::Owner => "owner",
        }
    }
}

/// A text that names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are the roles support, operator and owner")]
pub struct InvalidRole;

impl std::str::FromStr for Role {
    type Err = InvalidRole;

    fn from_str(text: &str) -> Result<Self, InvalidRole> {
        [Self::Support, Self::Operator, Self::Owner]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(InvalidRole)
    }
}

/// Body of `POST /admin/v1/keys`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateAdminKey {
    /// What the key is called.
    pub name: KeyName,
    /// What its holder may do.
    pub role: Role,
    /// From when on it is of no use, in milliseconds since 1970; never, if none is given.
    pub expires_at: Option<UnixMillis>,
}

/// A key of an administrator, without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdminKey {
    /// The key.
    pub id: AdminKeyId,
    /// What it is called.
    pub name: KeyName,
    /// What its holder may do.
    pub role: Role,
    /// When it was made.
    pub created_at: UnixMillis,
    /// Name of the key that made it.
    pub created_by: String,
    /// When it was used last, give or take an hour.
    pub last_used_at: Option<UnixMillis>,
    /// From when on it is of no use.
    pub expires_at: Option<UnixMillis>,
    /// When it was revoked.
    pub revoked_at: Option<UnixMillis>,
}

/// Answer of `POST /admin/v1/keys`: the one time that the text of the key is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdminKeyMade {
    /// The key.
    pub key: AdminKey,
    /// Sent as `Authorization: Bearer`. It is stored nowhere.
    pub secret: String,
}

/// Answer of `GET /admin/v1/keys`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdminKeyList {
    /// Keys, the newest first, revoked ones too.
    pub keys: Vec<AdminKey>,
    /// For the next page, if there is one.
    pub next: Option<String>,
}

/// One call of an administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// The entry.
    pub id: AuditId,
    /// When the call came.
    pub at: UnixMillis,
    /// The key; none for the one of the configuration.
    pub admin_key: Option<AdminKeyId>,
    /// Name of the key.
    pub admin_name: String,
    /// Role of the key then.
    pub role: Role,
    /// The HTTP method.
    pub method: String,
    /// The pattern of the address, `/admin/v1/players/{account}/ban` for example.
    pub route: String,
    /// What stood in the place of the names of the pattern.
    pub parameters: BTreeMap<String, String>,
    /// Whom or what the call was about: the first of the parameters.
    pub subject: Option<String>,
    /// The query, if there was one.
    pub query: Option<String>,
    /// The beginning of the body, without secrets.
    pub body: Option<String>,
    /// The reason that was given.
    pub reason: Option<String>,
    /// The call, as log lines name it.
    pub correlation_id: CorrelationId,
    /// What was changed in the same transaction as this entry, where the call writes it.
    pub effect: Option<String>,
    /// How it ended. None: it never ended (the process died, or the call took too long), so what it was to do may
    /// have been done or not.
    pub outcome: Option<AuditOutcome>,
}

/// How a call of an administrator ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditOutcome {
    /// The HTTP status.
    pub status: u16,
    /// The code of the problem, if it was refused.
    pub code: Option<String>,
    /// When.
    pub at: UnixMillis,
}

/// Answer of `GET /admin/v1/audit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditPage {
    /// Entries, the newest first.
    pub entries: Vec<AuditEntry>,
    /// For the next page, if there is one.
    pub next: Option<String>,
}
