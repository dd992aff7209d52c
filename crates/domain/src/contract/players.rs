//! What players ask the API, with an access token, and what it answers.

use serde::{Deserialize, Serialize};

use crate::fixed::Vec2;
use crate::ids::{CharacterId, HostId, InstanceId, ItemKind, ZoneId};
use crate::names::CharacterName;
use crate::time::UnixMillis;

/// A character as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Character {
    /// The character.
    pub id: CharacterId,
    /// Its name. Names are unique as they look: case, separators and look-alikes of letters do not count.
    pub name: CharacterName,
    /// Rises with each change.
    pub version: u64,
    /// From 1 on; follows from `xp`.
    pub level: u32,
    /// Experience.
    pub xp: u64,
    /// Monsters and players killed.
    pub kills: u64,
    /// Deaths.
    pub deaths: u64,
    /// Where it was last, if it ever was anywhere.
    pub place: Option<Place>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it last changed.
    pub updated_at: UnixMillis,
}

/// Items of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ItemStack {
    /// The kind, as the catalogue names it.
    pub item: ItemKind,
    /// How many.
    pub count: u32,
}

/// A spot in a zone, and how the character fared there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Place {
    /// The zone.
    pub zone: ZoneId,
    /// In 1/256 m.
    pub position: Vec2,
    /// Health left.
    pub health: i32,
}

/// Body of `POST /v1/characters`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateCharacter {
    /// The name.
    pub name: CharacterName,
}

/// Body of `PATCH /v1/characters/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RenameCharacter {
    /// The new name.
    pub name: CharacterName,
    /// The version that the caller saw; another one now is a conflict.
    pub version: u64,
}

/// Body of `POST /v1/characters/{id}/restore`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RestoreCharacter {
    /// A new name, if the old one is taken by now; without it the character gets its old one.
    #[serde(default)]
    pub name: Option<CharacterName>,
}

/// Answer of `GET /v1/characters/deleted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeletedCharacterList {
    /// Deleted characters that can be restored, the oldest characters first.
    pub characters: Vec<DeletedCharacter>,
    /// The `cursor` of the next page, if there is more.
    pub next: Option<String>,
}

/// A deleted character that can be restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeletedCharacter {
    /// The character as it was.
    pub character: Character,
    /// When it was deleted.
    pub deleted_at: UnixMillis,
    /// It can be restored until then, 30 days later.
    pub restorable_until: UnixMillis,
}

/// Answer of `POST /internal/v1/characters/purge`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PurgedCharacters {
    /// Characters of which nothing is left.
    pub characters: Vec<CharacterId>,
    /// Whether there was no time for all: call again at once.
    pub more: bool,
    /// The `cursor` to call again with, so that what cannot be purged does not keep the rest waiting.
    pub next: Option<String>,
}

/// Answer of `GET /v1/characters`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CharacterList {
    /// The characters of the account, oldest first. At most 16, so there is one page.
    pub characters: Vec<Character>,
}

/// Answer of `GET /v1/zones`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ZoneList {
    /// Every zone of the catalogue.
    pub zones: Vec<ZoneSummary>,
}

/// A zone and how busy it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ZoneSummary {
    /// The zone.
    pub zone: ZoneId,
    /// Its name for people.
    pub title: String,
    /// Running instances.
    pub instances: u32,
    /// Players in them.
    pub players: u32,
    /// Players that each instance takes.
    pub instance_capacity: u32,
}

/// Body of `POST /v1/zones/{zone}/join`, which needs an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JoinRequest {
    /// Who enters.
    pub character: CharacterId,
    /// Whom to meet, a friend's character or one of the party: where it is, if that is an instance of the zone with
    /// room for one more. Anybody else is nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<CharacterId>,
}

/// Where to go, and the ticket to get in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JoinResponse {
    /// The zone.
    pub zone: ZoneId,
    /// The instance of it.
    pub instance: InstanceId,
    /// The host that runs it.
    pub host: HostId,
    /// WebSocket address of the host.
    pub url: String,
    /// For the client's Hello; taken once.
    pub ticket: String,
    /// The ticket is of no use from then on.
    pub expires_at: UnixMillis,
}
