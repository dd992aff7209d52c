//! What administrators see and do about players and about what runs: search, notes, kicks, grants, hosts, broadcasts.

use serde::{Deserialize, Serialize};

use crate::contract::admin::{MessageText, NoteText, Reason};
use crate::contract::bans::BanState;
use crate::contract::edge::AccountRecord;
use crate::contract::players::Character;
use crate::contract::possessions::Balance;
use crate::ids::{
    AccountId, AuditId, CharacterId, CurrencyId, HostId, InstanceId, ItemId, ItemKind, MessageId, ZoneId,
};
use crate::time::UnixMillis;

/// Answer of `GET /admin/v1/players`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FoundPlayers {
    /// Who was found, by name.
    pub players: Vec<FoundPlayer>,
    /// For the next page, if there is one.
    pub next: Option<String>,
}

/// A player that a search found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FoundPlayer {
    /// The account.
    pub account: AccountId,
    /// The character that fits, where one was looked for.
    pub character: Option<CharacterId>,
    /// The name of that character.
    pub name: Option<String>,
}

/// Answer of `GET /admin/v1/players/{account}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlayerRecord {
    /// The account.
    pub account: AccountId,
    /// Its characters and where they are.
    pub characters: Vec<CharacterRecord>,
    /// The ban in force, or the last one.
    pub ban: BanState,
    /// The newest notes, at most 20.
    pub notes: Vec<Note>,
    /// What the edge knows; none if it knows nothing of the account, or cannot be reached.
    pub edge: Option<AccountRecord>,
    /// Whether the edge could be asked.
    pub edge_asked: bool,
}

/// A character as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CharacterRecord {
    /// As its owner sees it.
    pub character: Character,
    /// Where it is, unless it is nowhere.
    pub online: Option<CharacterStay>,
}

/// Where a character is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CharacterStay {
    /// The host.
    pub host: HostId,
    /// The instance.
    pub instance: InstanceId,
    /// Its zone.
    pub zone: ZoneId,
    /// Since when.
    pub since: UnixMillis,
}

/// Body of `POST /admin/v1/players/{account}/notes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddNote {
    /// For the other administrators.
    pub text: NoteText,
}

/// A note about a player.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Note {
    /// The note: the call that added it, as the audit log names it.
    pub id: AuditId,
    /// What it says.
    pub text: NoteText,
    /// Name of the key that added it.
    pub by: String,
    /// When.
    pub at: UnixMillis,
}

/// Answer of `GET /admin/v1/players/{account}/notes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NoteList {
    /// Notes, the newest first.
    pub notes: Vec<Note>,
    /// For the next page, if there is one.
    pub next: Option<String>,
}

/// Body of `POST /admin/v1/players/{account}/kick`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KickPlayer {
    /// Why. The player reads it.
    pub reason: Reason,
    /// Only this one of the account's characters.
    pub character: Option<CharacterId>,
}

/// Answer of a kick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Kicked {
    /// Characters that were in the world, and are out of it in a moment.
    pub characters: Vec<CharacterId>,
}

/// Body of `POST /admin/v1/players/{account}/characters/{character}/grants`, which needs an `Idempotency-Key`: what
/// the character is given and what is taken from it, all or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GrantPossessions {
    /// Why, for the audit log.
    pub reason: Reason,
    /// Items by their kind; several entries of one kind are added up.
    #[serde(default)]
    pub items: Vec<GrantItems>,
    /// Unique items that are taken, worn or bound ones too.
    #[serde(default)]
    pub take_items: Vec<ItemId>,
    /// Money; each entry is one of the ledger.
    #[serde(default)]
    pub currencies: Vec<GrantMoney>,
}

/// Items of a kind that are given or taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GrantItems {
    /// The kind, as the catalogue names it.
    pub item: ItemKind,
    /// How many are given, or below 0 taken from a stack; not 0.
    pub count: i64,
}

/// Money that is given or taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GrantMoney {
    /// The currency.
    pub currency: CurrencyId,
    /// How much is given, or below 0 taken; not 0.
    pub amount: i64,
}

/// Answer of a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Granted {
    /// The call in the audit log; the ledger names it as the cause.
    pub audit: AuditId,
    /// Unique items that came into being.
    pub made: Vec<GrantedItem>,
    /// The balances that changed, as they are now.
    pub balances: Vec<Balance>,
}

/// A unique item that came into being.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GrantedItem {
    /// The item.
    pub id: ItemId,
    /// Its kind.
    pub item: ItemKind,
}

/// Body of calls that end what runs: an instance, a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EndIt {
    /// Why. Players of an instance read it.
    pub reason: Reason,
}

/// Body of `POST /admin/v1/broadcasts`, which needs an `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SendBroadcast {
    /// What players read.
    pub message: MessageText,
    /// Who reads it.
    pub to: BroadcastTo,
}

/// Who reads a broadcast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BroadcastTo {
    /// Everyone in the region.
    Region,
    /// Everyone in one instance.
    Instance(InstanceId),
    /// Everyone in any instance of a zone.
    Zone(ZoneId),
}

/// Answer of a broadcast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BroadcastSent {
    /// The broadcast; it is in the notice too.
    pub id: MessageId,
    /// When it was sent.
    pub at: UnixMillis,
}

/// Answer of `GET /admin/v1/hosts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostList {
    /// Hosts with a lease.
    pub hosts: Vec<HostRecord>,
    /// For the next page, if there is one.
    pub next: Option<String>,
}

/// A host as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostRecord {
    /// The host.
    pub host: HostId,
    /// Where players connect.
    pub url: String,
    /// Players in its instances, as it counted last.
    pub players: u32,
    /// 99th percentile of the tick of its slowest instance, in microseconds.
    pub tick_p99_us: u32,
    /// Whether it takes nobody in any more.
    pub draining: bool,
    /// What it runs.
    pub instances: Vec<InstanceRecord>,
}

/// An instance as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstanceRecord {
    /// The instance.
    pub instance: InstanceId,
    /// The zone that it runs.
    pub zone: ZoneId,
}
