//! What the platform tells a zone host, and through it players: the host fetches its mailbox several times a
//! second. A piece of mail has one id wherever it is read again, so a host acts on it once.

use serde::{Deserialize, Serialize};

use crate::contract::hosts::AssignedInstance;
use crate::ids::{CharacterId, InstanceId, MessageId};

/// Answer of `GET /internal/v1/hosts/{host}/mail`: what came since the time asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Mailbox {
    /// Oldest first. The same mail is given again for some seconds: ids tell.
    pub mail: Vec<HostMail>,
    /// Whether there is more: ask again from the time of the last one.
    #[serde(default)]
    pub more: bool,
}

/// One piece of mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostMail {
    /// The same each time that it is read.
    pub id: MessageId,
    /// What to do.
    pub order: HostOrder,
}

/// What a host is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum HostOrder {
    /// Tell players something.
    Notify {
        /// Who is told; those who are not here are left out.
        to: Audience,
        /// What.
        notice: Notice,
    },
    /// End the connection of a character, and take it out of the world.
    Kick {
        /// Who.
        character: CharacterId,
        /// For the player.
        reason: String,
        /// If given, only as long as it is there by this claim or an older one: who has come in anew since stays.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        claim: Option<u64>,
    },
    /// Another host has claimed a character: a body of it from this claim or an earlier one is nobody's any more, and
    /// goes unsaved. What it tries to save is refused anyway.
    Release {
        /// Where it was.
        instance: InstanceId,
        /// Who.
        character: CharacterId,
        /// The claim that ended.
        claim: u64,
    },
    /// Run this instance. The next heartbeat's answer holds it too.
    Open(AssignedInstance),
    /// End an instance: its players are told and stored, and its host says when it is done.
    Close {
        /// Which.
        instance: InstanceId,
        /// For its players.
        reason: String,
    },
    /// Take nobody in, store everything, and end.
    Drain,
}

/// Players of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Audience {
    /// These characters.
    Characters(Vec<CharacterId>),
    /// Everyone in an instance.
    Instance(InstanceId),
    /// Everyone.
    Everyone,
}

/// Something that a player is told outside of the world's own events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Notice {
    /// What it is about: `chat`, `party`, `match`, `announcement` and so on; clients ignore those they do not know.
    pub topic: String,
    /// A JSON object whose form the topic determines.
    pub body: String,
}
