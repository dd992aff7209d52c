//! What characters have: inventory, equipment, wallet and progress as their owners read them, and the actions by
//! which zone hosts change them.

use serde::{Deserialize, Serialize};

use crate::contract::players::ItemStack;
use crate::ids::{CharacterId, CurrencyId, Epoch, ItemId, ItemKind, ProgressId, ReasonId, SlotId};
use crate::time::UnixMillis;

/// Answer of `GET /v1/characters/{id}/inventory`. A page may hold fewer entries than asked for and still not be
/// the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Inventory {
    /// Unique items, by their id.
    pub items: Vec<UniqueItem>,
    /// Stacks, by their kind; they come after the last of the unique items.
    pub stacks: Vec<ItemStack>,
    /// What is worn, on every page.
    pub equipment: Vec<EquippedItem>,
    /// The `cursor` of the next page, if there is more.
    pub next: Option<String>,
}

/// An item that is unlike any other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UniqueItem {
    /// The item; it keeps this id whoever has it.
    pub id: ItemId,
    /// Its kind.
    pub item: ItemKind,
    /// Whether it stays with this character for ever.
    pub bound: bool,
    /// Where it is worn, if it is.
    pub slot: Option<SlotId>,
    /// When this character got it.
    pub acquired_at: UnixMillis,
}

/// An item that is worn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EquippedItem {
    /// Where.
    pub slot: SlotId,
    /// The item.
    pub id: ItemId,
    /// Its kind.
    pub item: ItemKind,
}

/// Answer of `GET /v1/characters/{id}/wallet`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WalletBalances {
    /// One for each currency that the character ever had.
    pub balances: Vec<Balance>,
}

/// How much of a currency a character has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Balance {
    /// The currency.
    pub currency: CurrencyId,
    /// At most 2^53 - 1.
    pub balance: u64,
    /// Changes so far: the number of the newest entry of the ledger.
    pub entries: u64,
}

/// Answer of `GET /v1/characters/{id}/wallet/{currency}/entries`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LedgerPage {
    /// The newest first.
    pub entries: Vec<LedgerEntry>,
    /// The `cursor` of the next page, if there is more.
    pub next: Option<String>,
}

/// One change of a balance. Entries are never changed or removed while the character exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LedgerEntry {
    /// 1 for the first change of the balance, then on without a gap.
    pub number: u64,
    /// What came in, or below 0 what went out.
    pub amount: i64,
    /// The balance after it: that of the entry before, and the amount.
    pub balance: u64,
    /// Why: `loot`, `sale` and so on.
    pub reason: ReasonId,
    /// What caused it: an event of an instance, a listing, a trade, a call of an administrator in the audit log.
    pub cause: String,
    /// When.
    pub at: UnixMillis,
}

/// An amount of a currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Money {
    /// The currency.
    pub currency: CurrencyId,
    /// How much.
    pub amount: u64,
}

/// Answer of `GET /v1/characters/{id}/progress`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProgressList {
    /// Counters and flags, by name; at most 128.
    pub progress: Vec<Progress>,
}

/// A counter or quest flag of a character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Progress {
    /// Its name; the rules of the game choose it.
    pub name: ProgressId,
    /// From -(2^53 - 1) to 2^53 - 1.
    pub value: i64,
}

/// Body of `POST /internal/v1/instances/{instance}/actions`: changes that the rules of the game decided on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActionBatch {
    /// The ownership of the instance.
    pub epoch: Epoch,
    /// At most 64, in their order for each character.
    pub actions: Vec<CharacterAction>,
}

/// An action of one character. Applied once for each (instance, epoch, sequence); one that was refused may be
/// sent again under its sequence, and is decided anew then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CharacterAction {
    /// Number of the action within the instance's epoch, counted apart from events.
    pub sequence: u64,
    /// The character.
    pub character: CharacterId,
    /// The claim that the host holds; under an older one nothing is done.
    pub claim: u64,
    /// What is done.
    pub action: Action,
}

/// What a character does with what it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Action {
    /// Wears an item; what was worn there goes back to the inventory.
    Equip {
        /// A unique item of the character.
        item: ItemId,
        /// Where its kind is worn.
        slot: SlotId,
    },
    /// Takes off what is worn there.
    Unequip {
        /// Where.
        slot: SlotId,
    },
    /// Uses up some of a stack.
    Consume {
        /// The kind of the stack.
        item: ItemKind,
        /// How many.
        count: u32,
    },
    /// Destroys a unique item that is not worn.
    Discard {
        /// The item.
        item: ItemId,
    },
    /// Pays.
    Spend {
        /// With what.
        currency: CurrencyId,
        /// How much, from 1 on.
        amount: u64,
        /// For what, as the ledger keeps it.
        reason: ReasonId,
    },
    /// Binds a unique item: it can never change hands again.
    Bind {
        /// The item.
        item: ItemId,
    },
    /// Changes a counter or quest flag.
    Progress {
        /// Its name.
        name: ProgressId,
        /// How.
        change: ProgressChange,
    },
}

/// How a counter changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ProgressChange {
    /// To this value.
    Set(i64),
    /// By this much, from 0 where there is none.
    Add(i64),
    /// It is no more, and makes room for another one.
    Clear,
}

/// Answer to actions: one outcome for each, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActionOutcomes {
    /// In the order of the request.
    pub outcomes: Vec<ActionOutcome>,
}

/// What became of an action. All but the first leave everything as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ActionOutcome {
    /// Done now, or already before: either way once.
    Stored,
    /// Another host has claimed the character since: let it go.
    Fenced,
    /// The character is no more: let it go.
    Gone,
    /// The catalogue has no such kind, slot or currency.
    Unknown,
    /// The character has no such item, wears nothing there, or has no such counter.
    Missing,
    /// There is less than that.
    NotEnough,
    /// The item is not worn there.
    WrongSlot,
    /// The item is worn: take it off first.
    Equipped,
    /// The item is bound already.
    Bound,
    /// The character has as many counters as it can have, or the value is out of range.
    Full,
}
