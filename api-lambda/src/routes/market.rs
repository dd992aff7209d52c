//! `/v1/market`: the trading post, where characters offer lots to everybody, and buy them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::catalogue::Catalogue;
use domain::contract::Problem;
use domain::contract::market::{
    BuyListing, CreateListing, Listing, ListingOrder, ListingPage, ListingState, Lot, MarketHistory,
};
use domain::ids::{CharacterId, CurrencyId, ItemKind, ListingId};
use domain::limits::AMOUNT_MAX;
use domain::time::UnixMillis;
use serde::Deserialize;

use crate::error::refusals::NO_IDEMPOTENCY_KEY;
use crate::error::refusals::characters::NO_CHARACTER;
use crate::error::refusals::market as refusals;
use crate::error::refusals::possessions::NO_CURRENCY;
use crate::error::{ApiError, Refusal};
use crate::extract::{Body, IdempotencyKey, InPath, InQuery, Paging, Player};
use crate::idempotency::{ANSWER_KEPT_MILLIS, KeyedRequest};
use crate::notices::tell;
use crate::routes::characters;
use crate::state::Region;
use crate::store::Store;
use crate::store::cursor::Cursor;
use crate::store::market::ListRefusal;
use crate::store::market::browsing::Filter;
use crate::store::market::buying::BuyRefusal;
use crate::store::market::closing::AlreadyClosed;
use crate::store::market::form::StoredListing;
use crate::store::market::goods::Goods;
use crate::store::market::history::HISTORY_DAYS_MAX;

pub(crate) mod own;

const HOUR_MILLIS: u64 = 60 * 60 * 1_000;

/// The topic of notices to sellers.
const TOPIC: &str = "market";

/// What is searched for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    item: Option<ItemKind>,
    currency: Option<CurrencyId>,
    max_price: Option<u64>,
    #[serde(default)]
    order: ListingOrder,
    limit: Option<i32>,
    cursor: Option<Cursor>,
}

/// Finds listings that can be bought.
#[utoipa::path(
    get, path = "/v1/market/listings", tag = "market", security(("access_token" = [])),
    params(
        ("item" = Option<ItemKind>, Query, description = "Only lots of this kind"),
        ("currency" = Option<CurrencyId>, Query, description = "Only lots that are sold for this currency"),
        ("max_price" = Option<u64>, Query, description = "Only lots that cost at most this"),
        ("order" = Option<ListingOrder>, Query, description = "Newest first unless told; by price only with item and currency"),
        Paging,
    ),
    responses(
        (status = 200, body = ListingPage),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn search(
    _: Player,
    InQuery(search): InQuery<Search>,
    State(store): State<Store>,
) -> Result<Json<ListingPage>, ApiError> {
    let (limit, cursor) = Paging::of(search.limit, search.cursor).checked()?;
    let price_max = search.max_price.map(|most| most.min(AMOUNT_MAX));
    let page = match (search.order, search.item, search.currency) {
        (ListingOrder::Price, Some(item), Some(currency)) => {
            store.listings_by_price(&item, &currency, price_max, limit, cursor.as_ref()).await?
        }
        (ListingOrder::Price, ..) => {
            let words = "order: prices are compared within one kind and currency: give item and currency";
            return Err(ApiError::BadQuery(words.into()));
        }
        (ListingOrder::Newest, item, currency) => {
            let filter = Filter { item, currency, price_max };
            store.newest_listings(&filter, limit, cursor.as_ref()).await?
        }
    };
    Ok(Json(page))
}

/// One listing, open or closed within the last 30 days.
#[utoipa::path(
    get, path = "/v1/market/listings/{id}", tag = "market", security(("access_token" = [])),
    params(("id" = ListingId, Path, description = "The listing")),
    responses(
        (status = 200, body = Listing),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read(
    _: Player,
    InPath(id): InPath<ListingId>,
    State(store): State<Store>,
) -> Result<Json<Listing>, ApiError> {
    Ok(Json(store.listing(id).await?.ok_or(refusals::NO_LISTING)?.shown()))
}

/// Offers a lot to everybody. The lot and the fee leave the character at once. A repetition within 24 hours gets the
/// same answer.
#[utoipa::path(
    post, path = "/v1/market/listings", tag = "market", security(("access_token" = [])),
    params(("Idempotency-Key" = String, Header, description = "1 to 128 visible ASCII characters")),
    request_body = CreateListing,
    responses(
        (status = 201, body = Listing),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(
    Player(claims): Player,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<CreateListing>,
) -> Result<(StatusCode, Json<Listing>), ApiError> {
    let key = key.ok_or(NO_IDEMPOTENCY_KEY)?;
    let now = crate::clock::now();
    let keyed = KeyedRequest::new(claims.sub, "market-list", &key, &body);
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Ok((StatusCode::CREATED, Json(earlier)));
    }
    let catalogue = region.catalogue();
    let refused = match prepared(&store, &catalogue, &body, claims.sub, now).await {
        Ok(listing) => {
            let shown = listing.shown();
            let answer = keyed.answer(&shown, now.plus_millis(ANSWER_KEPT_MILLIS));
            let rules = (&catalogue.market, &catalogue.possessions);
            let refusal: Refusal = match store.create_listing(rules, &listing, &answer).await? {
                Ok(()) => return Ok((StatusCode::CREATED, Json(shown))),
                Err(ListRefusal::NoSeller) => return Err(NO_CHARACTER.into()),
                Err(ListRefusal::TooMany) => refusals::TOO_MANY_LISTINGS,
                Err(ListRefusal::NoLot | ListRefusal::Repeated) => refusals::NOT_OWNED,
                Err(ListRefusal::NotEnough) => refusals::NOT_ENOUGH,
            };
            refusal.into()
        }
        Err(refused) => refused,
    };
    // The same request, sent twice at once: the other one has taken the lot, and stored its answer.
    keyed.earlier(&store, now).await?.map(|earlier| (StatusCode::CREATED, Json(earlier))).ok_or(refused)
}

/// The listing that the body asks for.
async fn prepared(
    store: &Store,
    catalogue: &Catalogue,
    body: &CreateListing,
    account: domain::ids::AccountId,
    now: UnixMillis,
) -> Result<StoredListing, ApiError> {
    let market = &catalogue.market;
    if !(1..=AMOUNT_MAX).contains(&body.price) {
        return Err(ApiError::BadRequest(format!("price: {} is not from 1 to {AMOUNT_MAX}", body.price)));
    }
    if !(1..=market.hours_max).contains(&body.hours) {
        let words = format!("hours: {} is not from 1 to {}", body.hours, market.hours_max);
        return Err(ApiError::BadRequest(words));
    }
    characters::own(store, account, body.character).await?;
    catalogue.possessions.currency(&body.currency).ok_or(NO_CURRENCY)?;
    Ok(StoredListing {
        id: ListingId::new(now, crate::clock::random_u128()),
        seller: body.character,
        account,
        goods: lot_of(store, catalogue, body.character, &body.lot).await?,
        currency: body.currency.clone(),
        price: body.price,
        listing_fee: market.listing_fee(body.price),
        sale_fee: market.sale_fee(body.price),
        state: ListingState::Open,
        created_at: now,
        expires_at: now.plus_millis(u64::from(body.hours) * HOUR_MILLIS),
        closed_at: None,
    })
}

/// The lot as it is, if it can change hands.
async fn lot_of(
    store: &Store,
    catalogue: &Catalogue,
    owner: CharacterId,
    lot: &Lot,
) -> Result<Goods, ApiError> {
    match lot {
        Lot::Stack(stack) => {
            let definition = catalogue.possessions.item(&stack.item).ok_or(refusals::NO_ITEM_KIND)?;
            if definition.is_unique() {
                let words = format!("lot: each {} is unlike any other: name it by its id", stack.item);
                return Err(ApiError::BadRequest(words));
            }
            if stack.count == 0 {
                return Err(ApiError::BadRequest("lot: a stack has 1 or more items".into()));
            }
            if !definition.is_tradable() {
                return Err(refusals::BOUND.into());
            }
            Ok(Goods::Stack { kind: stack.item.clone(), count: stack.count })
        }
        Lot::Unique(id) => {
            let item = store.unique_item(owner, *id).await?.ok_or(refusals::NOT_OWNED)?;
            if item.bound {
                return Err(refusals::BOUND.into());
            }
            if item.slot.is_some() {
                return Err(refusals::WORN.into());
            }
            Ok(Goods::Unique(item))
        }
    }
}

/// Buys a lot. The buyer pays and has it, and the seller has the price but for the fee, all at once. Of a lot that is
/// larger than a stack may be by now, what the buyer has no room for waits among its claims. A repetition within 24
/// hours gets the same answer.
#[utoipa::path(
    post, path = "/v1/market/listings/{id}/buy", tag = "market", security(("access_token" = [])),
    params(
        ("id" = ListingId, Path, description = "The listing"),
        ("Idempotency-Key" = String, Header, description = "1 to 128 visible ASCII characters"),
    ),
    request_body = BuyListing,
    responses(
        (status = 200, body = Listing),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn buy(
    Player(claims): Player,
    InPath(id): InPath<ListingId>,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<BuyListing>,
) -> Result<Json<Listing>, ApiError> {
    let key = key.ok_or(NO_IDEMPOTENCY_KEY)?;
    let now = crate::clock::now();
    let keyed = KeyedRequest::new(claims.sub, &format!("market-buy-{id}"), &key, &body);
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Ok(Json(earlier));
    }
    characters::own(&store, claims.sub, body.character).await?;
    let listing = store.listing(id).await?.ok_or(refusals::NO_LISTING)?;
    if listing.account == claims.sub {
        return Err(refusals::OWN_LISTING.into());
    }
    if listing.price != body.price {
        let words = format!("the lot costs {}, not {}: decide anew", listing.price, body.price);
        return Err(refusals::OTHER_PRICE.because(words).into());
    }
    let sold = Listing { state: ListingState::Sold, closed_at: Some(now), ..listing.shown() };
    let answer = keyed.answer(&sold, now.plus_millis(ANSWER_KEPT_MILLIS));
    let rules = &region.catalogue().possessions;
    let open = listing.state == ListingState::Open && listing.expires_at > now;
    let bought = if open {
        store.buy_listing(rules, &listing, body.character, &answer, now).await?
    } else {
        Err(BuyRefusal::Closed)
    };
    let refused: ApiError = match bought {
        Ok(()) => {
            tell(&store, &[listing.seller], TOPIC, &sold, now).await;
            return Ok(Json(sold));
        }
        Err(BuyRefusal::NoBuyer) => NO_CHARACTER.into(),
        Err(BuyRefusal::NoRoom) => refusals::NO_ROOM.into(),
        Err(BuyRefusal::NotEnough) => refusals::NOT_ENOUGH.into(),
        Err(BuyRefusal::Closed | BuyRefusal::Repeated) => refusals::LISTING_CLOSED.into(),
    };
    // The same request, sent twice at once: the other one has bought the lot, and stored its answer.
    keyed.earlier(&store, now).await?.map(Json).ok_or(refused)
}

/// Takes a lot back. Where the seller has no room for it, it waits to be collected. Taking it back again changes
/// nothing.
#[utoipa::path(
    post, path = "/v1/market/listings/{id}/cancel", tag = "market", security(("access_token" = [])),
    params(("id" = ListingId, Path, description = "The listing")),
    responses(
        (status = 200, body = Listing),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cancel(
    Player(claims): Player,
    InPath(id): InPath<ListingId>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
) -> Result<Json<Listing>, ApiError> {
    let now = crate::clock::now();
    let own = async || {
        let listing = store.listing(id).await?.filter(|listing| listing.account == claims.sub);
        Ok::<_, ApiError>(listing.ok_or(refusals::NO_LISTING)?)
    };
    let mut listing = own().await?;
    if listing.state == ListingState::Open {
        let rules = &region.catalogue().possessions;
        match store.return_lot(rules, &listing, ListingState::Cancelled, now).await? {
            Ok(()) => {
                let closed =
                    Listing { state: ListingState::Cancelled, closed_at: Some(now), ..listing.shown() };
                return Ok(Json(closed));
            }
            Err(AlreadyClosed) => listing = own().await?,
        }
    }
    match listing.state {
        ListingState::Cancelled => Ok(Json(listing.shown())),
        _ => Err(refusals::LISTING_CLOSED.into()),
    }
}

/// Of which days.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Days {
    currency: CurrencyId,
    days: Option<u64>,
}

/// What was paid for items of a kind, day by day.
#[utoipa::path(
    get, path = "/v1/market/history/{item}", tag = "market", security(("access_token" = [])),
    params(
        ("item" = ItemKind, Path, description = "The kind"),
        ("currency" = CurrencyId, Query, description = "The currency that was paid"),
        ("days" = Option<u64>, Query, minimum = 1, maximum = 90, description = "Today and the days before it, 30 unless told"),
    ),
    responses(
        (status = 200, body = MarketHistory),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn history(
    _: Player,
    InPath(item): InPath<ItemKind>,
    InQuery(query): InQuery<Days>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
) -> Result<Json<MarketHistory>, ApiError> {
    let days = query.days.unwrap_or(30);
    if !(1..=HISTORY_DAYS_MAX).contains(&days) {
        return Err(ApiError::BadQuery(format!("days: {days} is not from 1 to {HISTORY_DAYS_MAX}")));
    }
    let history = store.market_history(&item, &query.currency, days, crate::clock::now()).await?;
    if history.days.is_empty() {
        // What the catalogue has no more keeps its history.
        let catalogue = region.catalogue();
        catalogue.possessions.item(&item).ok_or(refusals::NO_ITEM_KIND)?;
        catalogue.possessions.currency(&query.currency).ok_or(NO_CURRENCY)?;
    }
    Ok(Json(history))
}
