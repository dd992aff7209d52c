//! `/v1/trades`: direct trades of two players who are in one instance. Each change is told to both.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::catalogue::PossessionRules;
use domain::contract::Problem;
use domain::contract::trades::{ConfirmTrade, Offer, OpenTrade, Trade, TradeNotice, TradeState};
use domain::ids::{AccountId, CharacterId, TradeId};
use domain::limits::{AMOUNT_MAX, TRADE_CURRENCIES_MAX, TRADE_ITEMS_MAX};
use domain::time::UnixMillis;

use crate::error::refusals::market::{BOUND, NO_ITEM_KIND, NOT_ENOUGH, NOT_OWNED, WORN};
use crate::error::refusals::possessions::NO_CURRENCY;
use crate::error::refusals::social;
use crate::error::refusals::trades as refusals;
use crate::error::{ApiError, Refusal};
use crate::extract::{Body, IdempotencyKey, InPath, Player};
use crate::idempotency::OptionalKey;
use crate::notices::tell;
use crate::routes::characters;
use crate::state::Region;
use crate::store::trades::LockRefusal;
use crate::store::trades::form::{Side, StoredTrade};
use crate::store::trades::swap::SwapRefusal;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off};

/// How long an invitation waits for an answer.
const INVITED_MILLIS: u64 = 60 * 1_000;

/// How long two may talk about a trade.
const OPEN_MILLIS: u64 = 15 * 60 * 1_000;

/// Tells both sides that the trade has changed.
async fn tell_both(store: &Store, trade: &StoredTrade, now: UnixMillis) {
    let [from, to] = [trade.sides[0].character, trade.sides[1].character];
    let body = TradeNotice {
        trade: trade.id,
        state: trade.state,
        version: trade.version,
        from,
        to,
        failure: trade.failure.clone(),
    };
    let told = if trade.hidden { &[from][..] } else { &[from, to] };
    tell(store, told, "trade", &body, now).await;
}

/// The trade, and which of its sides is the account's.
async fn own(store: &Store, id: TradeId, account: AccountId) -> Result<(StoredTrade, usize), ApiError> {
    let trade = store.trade(id).await?.ok_or(refusals::NO_TRADE)?;
    let side = trade.sides.iter().position(|side| side.account == account).ok_or(refusals::NO_TRADE)?;
    if trade.hidden && side == 1 {
        return Err(refusals::NO_TRADE.into());
    }
    Ok((trade, side))
}

/// Asks another player in the same instance for a trade. With an `Idempotency-Key`, a repetition within 24 hours gets
/// the same answer.
#[utoipa::path(
    post, path = "/v1/trades", tag = "trades", security(("access_token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters")),
    request_body = OpenTrade,
    responses(
        (status = 201, body = Trade),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn open(
    Player(claims): Player,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
    Body(body): Body<OpenTrade>,
) -> Result<(StatusCode, Json<Trade>), ApiError> {
    let now = crate::clock::now();
    let keyed = OptionalKey::new(claims.sub, "trades", key.as_deref(), &body);
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Ok((StatusCode::CREATED, Json(earlier)));
    }
    characters::own(&store, claims.sub, body.character).await?;
    let other = store.character(body.with).await?.ok_or(refusals::NOT_TOGETHER)?;
    if other.account == claims.sub {
        return Err(refusals::NOT_TOGETHER.into());
    }
    let (blocking, hidden) = store.blocks(claims.sub, other.account).await?;
    if blocking {
        return Err(social::BLOCKING.into());
    }
    let both = [body.character, body.with];
    let instance = store.together(both, now).await?.ok_or(refusals::NOT_TOGETHER)?;
    let side = |character: CharacterId, account| Side {
        character,
        account,
        offer: Offer::default(),
        confirmed: false,
    };
    let trade = StoredTrade {
        id: TradeId::new(now, crate::clock::random_u128()),
        state: TradeState::Invited,
        version: 1,
        stamp: 1,
        instance,
        sides: [side(body.character, claims.sub), side(body.with, other.account)],
        hidden,
        failure: None,
        expires_at: now.plus_millis(INVITED_MILLIS),
    };
    let shown = trade.shown(now);
    match store.open_trade(&trade, keyed.answer(&shown, now).as_ref(), now).await? {
        Ok(()) => {
            tell_both(&store, &trade, now).await;
            Ok((StatusCode::CREATED, Json(shown)))
        }
        Err(refused) => {
            // The same request, sent twice at once: the other one has stored its answer.
            let earlier = keyed.earlier(&store, now).await?;
            earlier.map(|earlier| (StatusCode::CREATED, Json(earlier))).ok_or(trading(&refused).into())
        }
    }
}

fn trading(refused: &LockRefusal) -> Refusal {
    match refused {
        LockRefusal::Trading(id) => {
            refusals::TRADING.because(format!("a character is in the trade {id}: cancel that one first"))
        }
        LockRefusal::Repeated | LockRefusal::Changed => refusals::TRADING,
    }
}

/// A trade of the account's.
#[utoipa::path(
    get, path = "/v1/trades/{id}", tag = "trades", security(("access_token" = [])),
    params(("id" = TradeId, Path, description = "The trade")),
    responses(
        (status = 200, body = Trade),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read(
    Player(claims): Player,
    InPath(id): InPath<TradeId>,
    State(store): State<Store>,
) -> Result<Json<Trade>, ApiError> {
    let (trade, _) = own(&store, id, claims.sub).await?;
    Ok(Json(trade.shown(crate::clock::now())))
}

/// Accepts a trade that the account was asked for. Accepting it again changes nothing.
#[utoipa::path(
    post, path = "/v1/trades/{id}/accept", tag = "trades", security(("access_token" = [])),
    params(("id" = TradeId, Path, description = "The trade")),
    responses(
        (status = 200, body = Trade),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn accept(
    Player(claims): Player,
    InPath(id): InPath<TradeId>,
    State(store): State<Store>,
) -> Result<Json<Trade>, ApiError> {
    let now = crate::clock::now();
    for attempt in 0..ATTEMPTS_MAX {
        let (trade, side) = own(&store, id, claims.sub).await?;
        match trade.state_at(now) {
            TradeState::Open => return Ok(Json(trade.shown(now))),
            TradeState::Invited if side == 1 => {}
            TradeState::Invited => return Err(refusals::NOT_OPEN.into()),
            _ => return Err(refusals::TRADE_OVER.into()),
        }
        let after =
            StoredTrade { state: TradeState::Open, expires_at: now.plus_millis(OPEN_MILLIS), ..trade.next() };
        match store.accept_trade(&trade, &after, now).await? {
            Ok(()) => {
                tell_both(&store, &after, now).await;
                return Ok(Json(after.shown(now)));
            }
            Err(refused @ LockRefusal::Trading(_)) => return Err(trading(&refused).into()),
            Err(LockRefusal::Changed | LockRefusal::Repeated) => back_off(attempt).await,
        }
    }
    Err(StoreError::Contended("a trade").into())
}

/// Says no to a trade that the account was asked for.
#[utoipa::path(
    post, path = "/v1/trades/{id}/decline", tag = "trades", security(("access_token" = [])),
    params(("id" = TradeId, Path, description = "The trade")),
    responses(
        (status = 200, body = Trade),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn decline(
    Player(claims): Player,
    InPath(id): InPath<TradeId>,
    State(store): State<Store>,
) -> Result<Json<Trade>, ApiError> {
    end(&store, id, claims.sub, TradeState::Declined).await.map(Json)
}

/// Ends a trade. Ending it again changes nothing.
#[utoipa::path(
    post, path = "/v1/trades/{id}/cancel", tag = "trades", security(("access_token" = [])),
    params(("id" = TradeId, Path, description = "The trade")),
    responses(
        (status = 200, body = Trade),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cancel(
    Player(claims): Player,
    InPath(id): InPath<TradeId>,
    State(store): State<Store>,
) -> Result<Json<Trade>, ApiError> {
    end(&store, id, claims.sub, TradeState::Cancelled).await.map(Json)
}

async fn end(store: &Store, id: TradeId, account: AccountId, state: TradeState) -> Result<Trade, ApiError> {
    let now = crate::clock::now();
    for attempt in 0..ATTEMPTS_MAX {
        let (trade, side) = own(store, id, account).await?;
        let before = trade.state_at(now);
        if before == state {
            return Ok(trade.shown(now));
        }
        let can = match state {
            TradeState::Declined => before == TradeState::Invited && side == 1,
            _ => matches!(before, TradeState::Invited | TradeState::Open),
        };
        if !can {
            return Err(refusals::TRADE_OVER.into());
        }
        let after = StoredTrade { state, ..trade.unconfirmed() };
        if store.change_trade(&trade, &after).await? {
            tell_both(store, &after, now).await;
            return Ok(after.shown(now));
        }
        back_off(attempt).await;
    }
    Err(StoreError::Contended("a trade").into())
}

/// Says what the caller's side gives. Another offer than before clears both confirmations and counts the version on.
#[utoipa::path(
    put, path = "/v1/trades/{id}/offer", tag = "trades", security(("access_token" = [])),
    params(("id" = TradeId, Path, description = "The trade")),
    request_body = Offer,
    responses(
        (status = 200, body = Trade),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn offer(
    Player(claims): Player,
    InPath(id): InPath<TradeId>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<Offer>,
) -> Result<Json<Trade>, ApiError> {
    let now = crate::clock::now();
    check_form(&body)?;
    for attempt in 0..ATTEMPTS_MAX {
        let (trade, side) = own(&store, id, claims.sub).await?;
        check_open(&trade, now)?;
        if trade.sides[side].offer == body {
            return Ok(Json(trade.shown(now)));
        }
        check_offer(&store, &region.catalogue().possessions, trade.sides[side].character, &body).await?;
        let mut after = trade.unconfirmed();
        after.sides[side].offer = body.clone();
        after.failure = None;
        if store.change_trade(&trade, &after).await? {
            tell_both(&store, &after, now).await;
            return Ok(Json(after.shown(now)));
        }
        back_off(attempt).await;
    }
    Err(StoreError::Contended("a trade").into())
}

fn check_open(trade: &StoredTrade, now: UnixMillis) -> Result<(), ApiError> {
    match trade.state_at(now) {
        TradeState::Open => Ok(()),
        TradeState::Invited => Err(refusals::NOT_OPEN.into()),
        _ => Err(refusals::TRADE_OVER.into()),
    }
}

/// Refuses offers that nobody can make.
fn check_form(offer: &Offer) -> Result<(), ApiError> {
    let refuse = |words: String| Err(refusals::BAD_OFFER.because(words).into());
    if offer.items.len() + offer.stacks.len() > TRADE_ITEMS_MAX {
        return refuse(format!("items and stacks together are at most {TRADE_ITEMS_MAX}"));
    }
    if offer.currencies.len() > TRADE_CURRENCIES_MAX {
        return refuse(format!("currencies are at most {TRADE_CURRENCIES_MAX}"));
    }
    let kinds: BTreeSet<_> = offer.stacks.iter().map(|stack| &stack.item).collect();
    let items: BTreeSet<_> = offer.items.iter().collect();
    let currencies: BTreeSet<_> = offer.currencies.iter().map(|money| &money.currency).collect();
    if kinds.len() < offer.stacks.len()
        || items.len() < offer.items.len()
        || currencies.len() < offer.currencies.len()
    {
        return refuse("something is named twice: add it up".into());
    }
    let none = offer.stacks.iter().any(|stack| stack.count == 0);
    let amounts = offer.currencies.iter().any(|money| !(1..=AMOUNT_MAX).contains(&money.amount));
    if none || amounts {
        return refuse("a count or an amount is 0, or too large".into());
    }
    Ok(())
}

/// Refuses offers of what the character does not have or may not give now. It may be otherwise later: the swap asks
/// again.
async fn check_offer(
    store: &Store,
    rules: &PossessionRules,
    character: CharacterId,
    offer: &Offer,
) -> Result<(), ApiError> {
    for stack in &offer.stacks {
        let definition = rules.item(&stack.item).ok_or(NO_ITEM_KIND)?;
        if definition.is_unique() {
            let words = format!("each {} is unlike any other: name it by its id", stack.item);
            return Err(refusals::BAD_OFFER.because(words).into());
        }
        if !definition.is_tradable() {
            return Err(BOUND.into());
        }
        if store.stack(character, &stack.item).await? < stack.count {
            return Err(NOT_OWNED.into());
        }
    }
    for id in &offer.items {
        let item = store.unique_item(character, *id).await?.ok_or(NOT_OWNED)?;
        if item.bound {
            return Err(BOUND.into());
        }
        if item.slot.is_some() {
            return Err(WORN.into());
        }
    }
    for money in &offer.currencies {
        rules.currency(&money.currency).ok_or(NO_CURRENCY)?;
        if store.wallet(character, &money.currency).await?.balance < money.amount {
            return Err(NOT_ENOUGH.into());
        }
    }
    Ok(())
}

/// Agrees to a version of the trade. When both have, everything changes hands at once, or the confirmations are
/// cleared and both are told why. Confirming a version again changes nothing.
#[utoipa::path(
    post, path = "/v1/trades/{id}/confirm", tag = "trades", security(("access_token" = [])),
    params(("id" = TradeId, Path, description = "The trade")),
    request_body = ConfirmTrade,
    responses(
        (status = 200, body = Trade),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn confirm(
    Player(claims): Player,
    InPath(id): InPath<TradeId>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<ConfirmTrade>,
) -> Result<Json<Trade>, ApiError> {
    let now = crate::clock::now();
    for attempt in 0..ATTEMPTS_MAX {
        let (trade, side) = own(&store, id, claims.sub).await?;
        let same = trade.version == body.version;
        if same && trade.state == TradeState::Done {
            return Ok(Json(trade.shown(now)));
        }
        check_open(&trade, now)?;
        if !same {
            return Err(refusals::TRADE_CHANGED.into());
        }
        if trade.sides[side].confirmed {
            return Ok(Json(trade.shown(now)));
        }
        let mut after = trade.next();
        after.sides[side].confirmed = true;
        after.failure = None;
        let written = if trade.sides[1 - side].confirmed {
            after.state = TradeState::Done;
            match store.swap(&region.catalogue().possessions, &trade, &after, now).await? {
                Ok(()) => true,
                Err(SwapRefusal::Changed) => false,
                Err(refusal) => match give_up(&store, &trade, refusal, now).await? {
                    Some(failure) => return Err(failure),
                    None => false,
                },
            }
        } else {
            store.change_trade(&trade, &after).await?
        };
        if written {
            tell_both(&store, &after, now).await;
            return Ok(Json(after.shown(now)));
        }
        back_off(attempt).await;
    }
    Err(StoreError::Contended("a trade").into())
}

/// Clears the confirmations of a trade that could not be carried out, or ends it where they have parted, and tells
/// both why. None where the trade has changed since it was read: what is wrong with it may be just that.
async fn give_up(
    store: &Store,
    trade: &StoredTrade,
    refusal: SwapRefusal,
    now: UnixMillis,
) -> Result<Option<ApiError>, ApiError> {
    let mut after = trade.unconfirmed();
    let words = match refusal {
        SwapRefusal::Failed(words) => words,
        SwapRefusal::Left | SwapRefusal::Changed => {
            after.state = TradeState::Cancelled;
            "the two do not play in one instance any more".to_owned()
        }
    };
    after.failure = Some(words.clone());
    if !store.change_trade(trade, &after).await? {
        return Ok(None);
    }
    tell_both(store, &after, now).await;
    Ok(Some(refusals::TRADE_FAILED.because(words).into()))
}
