//! Instances: what they are for, and what hosts tell about those who leave them.

use serde::{Deserialize, Serialize};

use crate::ids::{CharacterId, Epoch, MatchId, PartyId, TournamentId};

/// What an instance is for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Purpose {
    /// For everyone who joins its zone.
    #[default]
    Public,
    /// For the players of a match.
    Match(MatchId),
    /// For the members of the room with this code.
    Room(String),
    /// For the members of a party.
    Party(PartyId),
    /// For one match of a tournament.
    Tournament {
        /// The tournament.
        tournament: TournamentId,
        /// Number of the match within it.
        number: u16,
    },
}

impl Purpose {
    /// Whether players who join the zone may be sent there.
    #[must_use]
    pub const fn is_public(&self) -> bool {
        matches!(self, Self::Public)
    }
}

/// Body of `POST /internal/v1/instances/{instance}/left`: characters whose bodies are in the instance no more.
/// Telling the same twice changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeftBatch {
    /// The ownership of the instance.
    pub epoch: Epoch,
    /// At most 256.
    pub characters: Vec<LeftCharacter>,
}

/// A character that left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeftCharacter {
    /// The character.
    pub character: CharacterId,
    /// The claim that the host held; a newer one is another stay, which this does not end.
    pub claim: u64,
}
