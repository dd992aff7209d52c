//! What zone hosts ask the API, with the service token, and what it answers.

use serde::{Deserialize, Serialize};

use crate::contract::boards::BoardScore;
use crate::contract::content::ContentPlan;
use crate::contract::instances::Purpose;
use crate::contract::players::{Character, ItemStack, Place};
use crate::contract::possessions::{EquippedItem, Money, Progress};
use crate::ids::{AccountId, CharacterId, Epoch, HostId, InstanceId, PartyId, ZoneId};
use crate::time::UnixMillis;
use crate::token::Jwks;

/// Body of `POST /internal/v1/hosts`: a host starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegisterHost {
    /// The host; a new id for each start of the process.
    pub host: HostId,
    /// The region that it is in.
    pub region: String,
    /// Where players connect, `ws://` or `wss://`.
    pub url: String,
    /// The client protocol that it speaks.
    pub wire_version: u16,
    /// Zones that it offers to run, one instance each.
    pub zones: Vec<ZoneId>,
}

/// Answer to a registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostRegistered {
    /// Instances to run.
    pub instances: Vec<AssignedInstance>,
    /// What the host must keep doing.
    pub lease: HostLease,
}

/// An instance that a host owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AssignedInstance {
    /// The instance.
    pub instance: InstanceId,
    /// The zone that it runs.
    pub zone: ZoneId,
    /// The generation of the ownership, sent with every write.
    pub epoch: Epoch,
    /// What it is for.
    #[serde(default)]
    pub purpose: Purpose,
    /// Whether it was opened for a purpose of the moment: then its host closes it when it has been empty for a
    /// while. The others stay as long as their host.
    #[serde(default)]
    pub on_demand: bool,
}

/// The permission to run instances, and the keys of the tickets to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostLease {
    /// When it ends unless renewed by a heartbeat.
    pub expires_at: UnixMillis,
    /// Milliseconds until the next heartbeat is due.
    pub heartbeat_in_ms: u64,
    /// Public keys that tickets are signed with.
    pub ticket_keys: Jwks,
    /// Which version of the content each instance is to run.
    #[serde(default)]
    pub content: ContentPlan,
}

/// Answer to a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeartbeatAnswer {
    /// The permission to go on.
    #[serde(flatten)]
    pub lease: HostLease,
    /// What the host is to run now, all of it. One that it reported and that is not here was taken from it: it
    /// closes it. One that is here and that it does not run, and has not closed, it opens.
    pub instances: Vec<AssignedInstance>,
}

/// Body of `POST /internal/v1/hosts/{host}/heartbeat`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Heartbeat {
    /// The instances that the host runs.
    pub instances: Vec<InstanceLoad>,
    /// 99th percentile of the tick, of the slowest instance, in microseconds.
    pub tick_p99_us: u32,
    /// Whether the host takes no new players.
    pub draining: bool,
}

/// How busy an instance is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstanceLoad {
    /// The instance.
    pub instance: InstanceId,
    /// Players in it, those in their grace time included; spectators are not counted.
    pub players: u32,
}

/// Body of `POST /internal/v1/characters/{id}/claim`: a host takes a character in. Claims are counted: the
/// newest alone can save, so a character that entered elsewhere is lost to the host it left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClaimCharacter {
    /// Whose character it must be.
    pub account: AccountId,
    /// The host that takes it in.
    pub host: HostId,
    /// Where it enters.
    pub instance: InstanceId,
    /// The ownership of the instance.
    pub epoch: Epoch,
    /// Whether it enters to look on. The claim counts as any other, since a character is in one place, but its host
    /// saves nothing under it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub spectates: bool,
}

/// Answer to a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClaimedCharacter {
    /// The character as stored.
    pub character: Character,
    /// Number of the claim, sent with every save.
    pub claim: u64,
    /// The party that it is in, if it is in one.
    #[serde(default)]
    pub party: Option<PartyId>,
    /// What it wears.
    #[serde(default)]
    pub equipment: Vec<EquippedItem>,
    /// Its counters and quest flags.
    #[serde(default)]
    pub progress: Vec<Progress>,
}

/// Body of `POST /internal/v1/instances/{instance}/saves`: state that may be lost by some seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SaveBatch {
    /// The ownership of the instance.
    pub epoch: Epoch,
    /// At most 256.
    pub saves: Vec<CharacterSave>,
}

/// Where a character is now. Saving the same twice changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CharacterSave {
    /// The character.
    pub character: CharacterId,
    /// The claim that the host holds.
    pub claim: u64,
    /// Where it is.
    pub place: Place,
}

/// Body of `POST /internal/v1/instances/{instance}/events`: gains that must be neither lost nor doubled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventBatch {
    /// The ownership of the instance.
    pub epoch: Epoch,
    /// At most 256.
    pub events: Vec<CharacterEvent>,
}

/// What one character gained. Applied once for each (instance, epoch, sequence).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CharacterEvent {
    /// Number of the event within the instance's epoch; the same event keeps it when sent again.
    pub sequence: u64,
    /// The character.
    pub character: CharacterId,
    /// Experience gained.
    pub xp: u32,
    /// Kills; counted on the board `kills` too.
    pub kills: u32,
    /// Deaths.
    pub deaths: u32,
    /// Items found, at most 16 kinds. Of a unique kind, each becomes an item of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ItemStack>,
    /// Money found, at most 4 currencies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub currencies: Vec<Money>,
    /// Scores for leaderboards, at most 4. For a board that the catalogue lacks the outcome is `unknown`. One that its
    /// board cannot take (a sum would leave 64 bits, another region takes its scores) is left out and logged; the rest
    /// of the event counts.
    #[serde(default)]
    pub scores: Vec<BoardScore>,
}

/// Answer to saves and events: one outcome for each entry, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BatchOutcome {
    /// In the order of the request.
    pub outcomes: Vec<EntryOutcome>,
}

/// What became of one entry of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EntryOutcome {
    /// Stored now, or already before: either way it is there once.
    Stored,
    /// Another host has claimed the character since: let it go.
    Fenced,
    /// The character is no more: let it go.
    Gone,
    /// The catalogue has no such item, currency or leaderboard. Nothing of the entry is stored, and its sequence is free: send
    /// it again without, or when the catalogue has it.
    Unknown,
    /// There is no room for so many of an item, or so much of a currency. Nothing of the entry is stored, and
    /// its sequence is free: send it again with less.
    Full,
    /// More than 32 unique items, 16 kinds of items or 4 currencies at once. Nothing of the entry is stored, and its
    /// sequence is free: send it in parts.
    TooMany,
}
