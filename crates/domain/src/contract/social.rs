//! Friends, blocks and who is where, as players see them. Relations are between accounts, but people are named and
//! shown by their characters alone.

use serde::{Deserialize, Serialize};

use crate::ids::{CharacterId, InstanceId, ZoneId};
use crate::names::CharacterName;
use crate::time::UnixMillis;

/// A character of somebody: by its id or by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Whom {
    /// The one with this id.
    Character(CharacterId),
    /// The one with this name, or one that looks alike.
    Name(CharacterName),
}

/// Answer of `GET /v1/names/{name}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NamedCharacter {
    /// Who has the name.
    pub character: CharacterId,
    /// The name as its owner spells it.
    pub name: CharacterName,
}

/// Body of `POST /v1/friends/requests`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AskFriend {
    /// The player's own character, by which the other one shall know the player.
    pub from: CharacterId,
    /// Who is asked.
    pub to: Whom,
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum FriendState {
    /// The other one has not answered yet.
    Pending,
    /// Both are friends: they were, or both had asked.
    Friends,
}

/// Answer to a request, or to its acceptance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FriendAnswer {
    /// The other one.
    pub character: CharacterId,
    /// Where the request stands.
    pub state: FriendState,
}

/// Where somebody is. Friends and members of the same party see it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Presence {
    /// Whether the character is in a world.
    pub online: bool,
    /// The zone that it is in.
    pub zone: Option<ZoneId>,
    /// The instance of the zone.
    pub instance: Option<InstanceId>,
    /// Whether the instance takes one more player.
    pub joinable: bool,
}

/// Somebody in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Acquaintance {
    /// The character by which the player knows the other one.
    pub character: CharacterId,
    /// Its name now; none if it was deleted since.
    pub name: Option<CharacterName>,
    /// When the entry was made.
    pub since: UnixMillis,
}

/// A friend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Friend {
    /// The character by which the player knows the friend.
    pub character: CharacterId,
    /// Its name now; none if it was deleted since.
    pub name: Option<CharacterName>,
    /// When they became friends.
    pub since: UnixMillis,
    /// Where that character is.
    pub presence: Presence,
}

/// Answer of `GET /v1/friends`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FriendPage {
    /// At most 200 in all.
    pub friends: Vec<Friend>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// Answer of `GET /v1/friends/requests` and `GET /v1/blocks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AcquaintancePage {
    /// The entries of the page.
    pub entries: Vec<Acquaintance>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// Body of `POST /v1/blocks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockSomebody {
    /// Whose account is blocked, with all of its characters.
    pub whom: Whom,
}
