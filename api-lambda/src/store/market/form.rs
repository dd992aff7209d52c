//! The form of a listing's item. While it is open it has the attributes of every index; a closed one keeps that of
//! its seller, and goes away some time later.

use domain::contract::market::{Listing, ListingState};
use domain::ids::{AccountId, CharacterId, CurrencyId, ListingId};
use domain::time::UnixMillis;

use super::goods::{Goods, goods_attributes, read_goods};
use crate::store::StoreError;
use crate::store::item::{self, Item, number, text};

/// The sort key of a listing.
pub(super) const LISTING: &str = "listing";

/// Open listings are spread over so many keys where they are listed by age and by their end.
pub(super) const SHARDS: u128 = 8;

/// A listing and what nobody is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredListing {
    pub(crate) id: ListingId,
    pub(crate) seller: CharacterId,
    /// Whose character sells.
    pub(crate) account: AccountId,
    pub(crate) goods: Goods,
    pub(crate) currency: CurrencyId,
    pub(crate) price: u64,
    pub(crate) listing_fee: u64,
    pub(crate) sale_fee: u64,
    pub(crate) state: ListingState,
    pub(crate) created_at: UnixMillis,
    pub(crate) expires_at: UnixMillis,
    pub(crate) closed_at: Option<UnixMillis>,
}

impl StoredListing {
    /// The listing as everybody sees it.
    pub(crate) fn shown(&self) -> Listing {
        Listing {
            id: self.id,
            seller: self.seller,
            item: self.goods.kind().clone(),
            count: self.goods.count(),
            unique: self.goods.unique(),
            currency: self.currency.clone(),
            price: self.price,
            listing_fee: self.listing_fee,
            sale_fee: self.sale_fee,
            state: self.state,
            created_at: self.created_at,
            expires_at: self.expires_at,
            closed_at: self.closed_at,
        }
    }
}

pub(super) const fn state_name(state: ListingState) -> &'static str {
    match state {
        ListingState::Open => "open",
        ListingState::Sold => "sold",
        ListingState::Cancelled => "cancelled",
        ListingState::Expired => "expired",
    }
}

fn read_state(item: &Item) -> Result<ListingState, StoreError> {
    let name = item::read_text(item, "state")?;
    let states = [ListingState::Open, ListingState::Sold, ListingState::Cancelled, ListingState::Expired];
    states.into_iter().find(|state| state_name(*state) == name).ok_or_else(|| StoreError::Corrupt {
        pk: item::read_text(item, "pk").unwrap_or_default().to_owned(),
        reason: format!("{name:?} is no state of a listing"),
    })
}

/// Where open listings are found by age.
pub(super) fn age_key(shard: u128) -> String {
    format!("open#{shard}")
}

/// Where open listings are found by their end.
pub(super) fn due_key(shard: u128) -> String {
    format!("due#{shard}")
}

/// Where open listings of a kind and a currency are found by price.
pub(super) fn offer_key(kind: &domain::ids::ItemKind, currency: &CurrencyId) -> String {
    format!("{kind}#{currency}")
}

/// The attributes of the indexes that hold open listings only.
pub(super) const OPEN_ATTRIBUTES: &str = "offer, offer_price, offer_kind, offer_shard, due, due_at";

/// The item of an open listing.
pub(super) fn listing_item(listing: &StoredListing) -> Item {
    let shard = listing.id.as_u128() % SHARDS;
    let kind = listing.goods.kind();
    let mut item = item::new_item(listing.id);
    item.extend(goods_attributes(&listing.goods));
    item.extend([
        ("sk".to_owned(), text(LISTING)),
        ("listing".to_owned(), text(listing.id)),
        ("seller".to_owned(), text(listing.seller)),
        ("account".to_owned(), text(listing.account)),
        ("currency".to_owned(), text(&listing.currency)),
        ("price".to_owned(), number(listing.price)),
        ("listing_fee".to_owned(), number(listing.listing_fee)),
        ("sale_fee".to_owned(), number(listing.sale_fee)),
        ("state".to_owned(), text(state_name(listing.state))),
        ("created_at".to_owned(), number(listing.created_at.as_millis())),
        ("expires_at".to_owned(), number(listing.expires_at.as_millis())),
        ("offer".to_owned(), text(offer_key(kind, &listing.currency))),
        ("offer_price".to_owned(), text(format!("{:016}#{}", listing.price, listing.id))),
        ("offer_kind".to_owned(), text(kind)),
        ("offer_shard".to_owned(), text(age_key(shard))),
        ("due".to_owned(), text(due_key(shard))),
        ("due_at".to_owned(), text(format!("{:016}#{}", listing.expires_at.as_millis(), listing.id))),
    ]);
    item
}

/// The listing in this item of the table.
pub(super) fn read_listing(item: &Item) -> Result<StoredListing, StoreError> {
    item::check_version(item)?;
    let time = |name: &str| Ok::<_, StoreError>(UnixMillis::new(item::read_number(item, name)?));
    Ok(StoredListing {
        id: item::read_parsed(item, "pk")?,
        seller: item::read_parsed(item, "seller")?,
        account: item::read_parsed(item, "account")?,
        goods: read_goods(item)?,
        currency: item::read_parsed(item, "currency")?,
        price: item::read_number(item, "price")?,
        listing_fee: item::read_number(item, "listing_fee")?,
        sale_fee: item::read_number(item, "sale_fee")?,
        state: read_state(item)?,
        created_at: time("created_at")?,
        expires_at: time("expires_at")?,
        closed_at: item.contains_key("closed_at").then(|| time("closed_at")).transpose()?,
    })
}
