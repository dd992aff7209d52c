//! The form of a trade's item.

use domain::contract::trades::{Offer, Trade, TradeSide, TradeState};
use domain::ids::{AccountId, CharacterId, InstanceId, TradeId};
use domain::time::UnixMillis;

use crate::store::StoreError;
use crate::store::item::{self, Item, number, text};

/// The sort key of a trade.
pub(super) const TRADE: &str = "trade";
/// The sort key of a character's lock.
pub(super) const LOCK: &str = "trade";

/// One side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Side {
    pub(crate) character: CharacterId,
    pub(crate) account: AccountId,
    pub(crate) offer: Offer,
    pub(crate) confirmed: bool,
}

/// A trade and what nobody is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredTrade {
    pub(crate) id: TradeId,
    pub(crate) state: TradeState,
    /// Rises with each change of an offer.
    pub(crate) version: u64,
    /// Rises with each write.
    pub(crate) stamp: u64,
    pub(crate) instance: InstanceId,
    /// Who asked, and who was asked.
    pub(crate) sides: [Side; 2],
    /// The one who was asked has blocked the other, and is not told: for that account there is no such trade.
    pub(crate) hidden: bool,
    pub(crate) failure: Option<String>,
    pub(crate) expires_at: UnixMillis,
}

impl StoredTrade {
    /// The trade as both see it.
    pub(crate) fn shown(&self, now: UnixMillis) -> Trade {
        let [from, to] = self.sides.clone().map(|side| TradeSide {
            character: side.character,
            offer: side.offer,
            confirmed: side.confirmed,
        });
        Trade {
            id: self.id,
            state: self.state_at(now),
            version: self.version,
            instance: self.instance,
            from,
            to,
            failure: self.failure.clone(),
            expires_at: self.expires_at,
        }
    }

    /// The state, which time may have ended.
    pub(crate) fn state_at(&self, now: UnixMillis) -> TradeState {
        let going_on = matches!(self.state, TradeState::Invited | TradeState::Open);
        if going_on && self.expires_at <= now { TradeState::Expired } else { self.state }
    }

    /// The same trade as it is written next.
    pub(crate) fn next(&self) -> Self {
        Self { stamp: self.stamp + 1, ..self.clone() }
    }

    /// The same trade with another version, which nobody has confirmed.
    pub(crate) fn unconfirmed(&self) -> Self {
        let mut next = self.next();
        next.version += 1;
        for side in &mut next.sides {
            side.confirmed = false;
        }
        next
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Body {
    state: TradeState,
    instance: InstanceId,
    characters: [CharacterId; 2],
    accounts: [AccountId; 2],
    offers: [Offer; 2],
    confirmed: [bool; 2],
    #[serde(default)]
    hidden: bool,
    failure: Option<String>,
}

pub(super) fn trade_item(trade: &StoredTrade) -> Item {
    let [from, to] = &trade.sides;
    let body = Body {
        state: trade.state,
        instance: trade.instance,
        characters: [from.character, to.character],
        accounts: [from.account, to.account],
        offers: [from.offer.clone(), to.offer.clone()],
        confirmed: [from.confirmed, to.confirmed],
        hidden: trade.hidden,
        failure: trade.failure.clone(),
    };
    let body = serde_json::to_string(&body).expect("a trade is plain data");
    let mut item = item::new_item(trade.id);
    item.extend([
        ("sk".to_owned(), text(TRADE)),
        ("version".to_owned(), number(trade.version)),
        ("stamp".to_owned(), number(trade.stamp)),
        ("expires_at".to_owned(), number(trade.expires_at.as_millis())),
        ("body".to_owned(), text(body)),
    ]);
    item
}

pub(super) fn read_trade(item: &Item) -> Result<StoredTrade, StoreError> {
    item::check_version(item)?;
    let body: Body = serde_json::from_str(item::read_text(item, "body")?).map_err(|error| {
        let pk = item::read_text(item, "pk").unwrap_or_default().to_owned();
        StoreError::Corrupt { pk, reason: error.to_string() }
    })?;
    let [from, to] = body.offers;
    let side = |index: usize, offer: Offer| Side {
        character: body.characters[index],
        account: body.accounts[index],
        offer,
        confirmed: body.confirmed[index],
    };
    Ok(StoredTrade {
        id: item::read_parsed(item, "pk")?,
        state: body.state,
        version: item::read_number(item, "version")?,
        stamp: item::read_number(item, "stamp")?,
        instance: body.instance,
        sides: [side(0, from), side(1, to)],
        hidden: body.hidden,
        failure: body.failure,
        expires_at: UnixMillis::new(item::read_number(item, "expires_at")?),
    })
}
