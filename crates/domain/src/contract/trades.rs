//! Direct trades of two characters in one instance. Nothing is held while they talk: the transaction that swaps
//! what both have confirmed decides.

use serde::{Deserialize, Serialize};

use crate::contract::players::ItemStack;
use crate::contract::possessions::Money;
use crate::ids::{CharacterId, InstanceId, ItemId, TradeId};
use crate::time::UnixMillis;

/// Body of `POST /v1/trades`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenTrade {
    /// The caller's character.
    pub character: CharacterId,
    /// Whom it wants to trade with: a character of another account in the same instance.
    pub with: CharacterId,
}

/// What one side gives. Each kind, item and currency is named once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Offer {
    /// Equal items; together with `items` at most 12 entries.
    #[serde(default)]
    pub stacks: Vec<ItemStack>,
    /// Items that are unlike any other.
    #[serde(default)]
    pub items: Vec<ItemId>,
    /// Money, at most 4 currencies.
    #[serde(default)]
    pub currencies: Vec<Money>,
}

/// Body of `POST /v1/trades/{id}/confirm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConfirmTrade {
    /// The version of the trade that the caller was shown.
    pub version: u64,
}

/// How far a trade got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TradeState {
    /// The other one has not answered yet.
    Invited,
    /// Both make their offers.
    Open,
    /// What both had confirmed has changed hands.
    Done,
    /// The other one did not want to.
    Declined,
    /// One of them has ended it, or left the instance.
    Cancelled,
    /// Its time was over.
    Expired,
}

/// One side of a trade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TradeSide {
    /// The character.
    pub character: CharacterId,
    /// What it gives.
    pub offer: Offer,
    /// Whether it has confirmed this version of the trade.
    pub confirmed: bool,
}

/// A direct trade, as both sides see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Trade {
    /// The trade.
    pub id: TradeId,
    /// How far it got.
    pub state: TradeState,
    /// Rises with each change of an offer, which clears both confirmations.
    pub version: u64,
    /// The instance that both are in.
    pub instance: InstanceId,
    /// Who asked for the trade.
    pub from: TradeSide,
    /// Who was asked.
    pub to: TradeSide,
    /// Why the last confirmed version could not be carried out, if it could not.
    pub failure: Option<String>,
    /// Nothing more happens in it from then on.
    pub expires_at: UnixMillis,
}

/// Body of the notice `trade` to both sides: the trade has changed, read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TradeNotice {
    /// The trade.
    pub trade: TradeId,
    /// How far it got.
    pub state: TradeState,
    /// Its version.
    pub version: u64,
    /// Who asked for the trade.
    pub from: CharacterId,
    /// Who was asked.
    pub to: CharacterId,
    /// Why it could not be carried out.
    pub failure: Option<String>,
}
