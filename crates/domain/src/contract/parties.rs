//! Parties: groups of characters who play together.

use serde::{Deserialize, Serialize};

use crate::contract::social::{Presence, Whom};
use crate::ids::{CharacterId, InstanceId, PartyId, ZoneId};
use crate::names::CharacterName;
use crate::time::UnixMillis;

/// A party, as its members see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Party {
    /// The party.
    pub id: PartyId,
    /// The member who invites, kicks, promotes and leads on travels.
    pub leader: CharacterId,
    /// Longest member first. The first one is the next leader when the leader leaves.
    pub members: Vec<PartyMember>,
    /// Invitations that wait for an answer.
    pub invited: Vec<PartyInvited>,
}

/// A member of a party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PartyMember {
    /// Who.
    pub character: CharacterId,
    /// Its name now; none if it was deleted since.
    pub name: Option<CharacterName>,
    /// When it joined.
    pub joined_at: UnixMillis,
    /// Where it is.
    pub presence: Presence,
}

/// Somebody who was invited to a party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PartyInvited {
    /// Who.
    pub character: CharacterId,
    /// Its name now; none if it was deleted since.
    pub name: Option<CharacterName>,
    /// When the invitation ends.
    pub expires_at: UnixMillis,
}

/// An invitation, as the one who was invited sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PartyInvitation {
    /// The party.
    pub party: PartyId,
    /// Who invited.
    pub by: CharacterId,
    /// The name of that one now; none if it was deleted since.
    pub name: Option<CharacterName>,
    /// When the invitation ends.
    pub expires_at: UnixMillis,
}

/// Answer of `GET /v1/characters/{id}/party`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PartyOf {
    /// The party that the character is in, if it is in one.
    pub party: Option<Party>,
    /// Parties that it may join. The newest 20 at the most.
    pub invitations: Vec<PartyInvitation>,
}

/// Body of requests in which one of the player's characters acts for itself: to make a party, to accept or decline
/// an invitation, to leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActAs {
    /// The player's own character.
    pub character: CharacterId,
}

/// Body of `POST /v1/parties/{party}/invitations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InviteToParty {
    /// The leader, a character of the player.
    pub by: CharacterId,
    /// Who is invited.
    pub whom: Whom,
}

/// Body of `POST /v1/parties/{party}/kick` and of `.../promote`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeadParty {
    /// The leader, a character of the player.
    pub by: CharacterId,
    /// The member whom it is about.
    pub member: CharacterId,
}

/// Body of `POST /v1/parties/{party}/travel`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TravelTogether {
    /// The leader, a character of the player.
    pub by: CharacterId,
    /// Where to.
    pub zone: ZoneId,
}

/// Where a party goes: one instance that keeps a seat for each member. A member who joins the zone gets in there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PartyTravel {
    /// The party.
    pub party: PartyId,
    /// The zone.
    pub zone: ZoneId,
    /// The instance of it.
    pub instance: InstanceId,
    /// Until when the seats are kept.
    pub expires_at: UnixMillis,
}
