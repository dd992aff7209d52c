//! The trading post: lots that characters offer for a price, what was paid for such lots, and what waits to be
//! collected.

use serde::{Deserialize, Serialize};

use crate::contract::players::ItemStack;
use crate::contract::possessions::Money;
use crate::ids::{CharacterId, CurrencyId, ItemId, ItemKind, ListingId};
use crate::time::UnixMillis;

/// What a character puts up for sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Lot {
    /// Equal items, at least one.
    Stack(ItemStack),
    /// An item that is unlike any other.
    Unique(ItemId),
}

/// Body of `POST /v1/market/listings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateListing {
    /// Who sells.
    pub character: CharacterId,
    /// What is sold, as a whole or not at all.
    pub lot: Lot,
    /// In which currency.
    pub currency: CurrencyId,
    /// The price of the whole lot, from 1 to 2^53 - 1.
    pub price: u64,
    /// How long it is offered, in hours; the catalogue says how many at most.
    pub hours: u32,
}

/// What has become of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ListingState {
    /// It can be bought.
    Open,
    /// Somebody has bought it.
    Sold,
    /// The seller has taken it back.
    Cancelled,
    /// Its time was over.
    Expired,
}

/// A lot on the trading post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Listing {
    /// The listing.
    pub id: ListingId,
    /// Who sells.
    pub seller: CharacterId,
    /// The kind of the items.
    pub item: ItemKind,
    /// How many; 1 for an item that is unlike any other.
    pub count: u32,
    /// The item, if it is unlike any other.
    pub unique: Option<ItemId>,
    /// In which currency it is paid.
    pub currency: CurrencyId,
    /// The price of the whole lot.
    pub price: u64,
    /// What the seller has paid to offer it.
    pub listing_fee: u64,
    /// What is kept of the price when it is sold: the seller gets the rest.
    pub sale_fee: u64,
    /// What has become of it.
    pub state: ListingState,
    /// When it was offered.
    pub created_at: UnixMillis,
    /// It cannot be bought from then on.
    pub expires_at: UnixMillis,
    /// When it was sold, cancelled or expired.
    pub closed_at: Option<UnixMillis>,
}

/// Answer of `GET /v1/market/listings` and `GET /v1/characters/{id}/listings`. A page may hold fewer entries than
/// asked for and still not be the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListingPage {
    /// The listings.
    pub listings: Vec<Listing>,
    /// The `cursor` of the next page, if there is more.
    pub next: Option<String>,
}

/// In which order listings are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ListingOrder {
    /// The newest first.
    #[default]
    Newest,
    /// The cheapest lot first; `item` and `currency` must be given.
    Price,
}

/// Body of `POST /v1/market/listings/{id}/buy`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BuyListing {
    /// Who buys.
    pub character: CharacterId,
    /// The price that the buyer was shown.
    pub price: u64,
}

/// Sales of one kind of items in one currency on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MarketDay {
    /// The day in UTC, as `2026-01-31`.
    pub day: String,
    /// Lots that were sold.
    pub sales: u64,
    /// Items in these lots.
    pub volume: u64,
    /// What was paid for them all.
    pub turnover: u64,
    /// The lowest price of one item, in thousandths of the currency, rounded down.
    pub price_min_milli: u64,
    /// The highest price of one item, in thousandths of the currency, rounded down.
    pub price_max_milli: u64,
    /// The average price of one item, in thousandths of the currency, rounded down.
    pub price_average_milli: u64,
}

/// Answer of `GET /v1/market/history/{item}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MarketHistory {
    /// Days with sales, the newest first.
    pub days: Vec<MarketDay>,
}

/// What a listing owes to a character that it could not be given to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Claim {
    /// The listing that it comes from; a listing leaves one claim at most, so this is also the id of the claim.
    pub id: ListingId,
    /// Equal items.
    pub stack: Option<ItemStack>,
    /// An item that is unlike any other, with its kind.
    pub unique: Option<ClaimedItem>,
    /// Money.
    pub money: Option<Money>,
    /// Since when it waits.
    pub created_at: UnixMillis,
}

/// A unique item that waits to be collected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClaimedItem {
    /// The item.
    pub id: ItemId,
    /// Its kind.
    pub item: ItemKind,
}

/// Answer of `GET /v1/characters/{id}/claims`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClaimPage {
    /// What waits, the oldest listing first.
    pub claims: Vec<Claim>,
    /// The `cursor` of the next page, if there is more.
    pub next: Option<String>,
}

/// Answer of `POST /internal/v1/trade/expire`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExpiredListings {
    /// Listings that this call closed.
    pub expired: u32,
    /// Whether there was no time for all: call again at once.
    pub more: bool,
    /// The `cursor` to call again with, so that what cannot be closed does not keep the rest waiting.
    pub next: Option<String>,
}
