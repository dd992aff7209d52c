//! Claims: what listings owe to characters that it could not be given to at once. A listing is closed once, so it
//! leaves one claim at most, under its own id.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use domain::catalogue::PossessionRules;
use domain::contract::market::{Claim, ClaimPage, ClaimedItem};
use domain::contract::players::ItemStack;
use domain::contract::possessions::Money;
use domain::ids::{CharacterId, ListingId};
use domain::time::UnixMillis;

use super::form::StoredListing;
use super::goods::{Goods, goods_attributes, read_goods};
use crate::store::cursor::Cursor;
use crate::store::item::{self, Item, number, text};
use crate::store::page::Partition;
use crate::store::possessions::wallet::Movement;
use crate::store::requests::StoredAnswer;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, transact};

/// What the keys of claims start with.
const CLAIMS: &str = "claim#";

/// What is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owed {
    /// A lot that was not sold.
    Goods(Goods),
    /// What a lot has brought.
    Money(Money),
}

/// Why a claim was not collected.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CollectRefusal {
    /// The request was answered before, or is being answered now.
    Repeated,
    /// There is no such claim, or it was collected.
    Missing,
    /// The character was deleted.
    NoCharacter,
    /// The character has no room for it.
    NoRoom,
}

fn claim_key(id: ListingId) -> String {
    format!("{CLAIMS}{id}")
}

fn read_claim(item: &Item) -> Result<(Owed, Claim), StoreError> {
    item::check_version(item)?;
    let owed = if item.contains_key("kind") {
        Owed::Goods(read_goods(item)?)
    } else {
        let currency = item::read_parsed(item, "currency")?;
        Owed::Money(Money { currency, amount: item::read_number(item, "amount")? })
    };
    let mut claim = Claim {
        id: item::read_parsed(item, "listing_id")?,
        stack: None,
        unique: None,
        money: None,
        created_at: UnixMillis::new(item::read_number(item, "created_at")?),
    };
    match owed.clone() {
        Owed::Goods(Goods::Stack { kind, count }) => claim.stack = Some(ItemStack { item: kind, count }),
        Owed::Goods(Goods::Unique(unique)) => {
            claim.unique = Some(ClaimedItem { id: unique.id, item: unique.kind });
        }
        Owed::Money(money) => claim.money = Some(money),
    }
    Ok((owed, claim))
}

impl Store {
    /// What the listing owes to its seller waits to be collected. It is refused by nothing: the same transaction
    /// closes the listing, which happens once.
    pub(super) fn owe_part(
        &self,
        listing: &StoredListing,
        owed: &Owed,
        now: UnixMillis,
    ) -> TransactWriteItem {
        let mut item = item::new_item(listing.seller);
        item.insert("sk".into(), text(claim_key(listing.id)));
        // Not `listing`: that would put it into indexes.
        item.insert("listing_id".into(), text(listing.id));
        item.insert("created_at".into(), number(now.as_millis()));
        match owed {
            Owed::Goods(goods) => item.extend(goods_attributes(goods)),
            Owed::Money(money) => {
                item.insert("currency".into(), text(&money.currency));
                item.insert("amount".into(), number(money.amount));
            }
        }
        transact::put(Put::builder().table_name(&self.tables.market).set_item(Some(item)))
    }

    /// A page of what waits for the character.
    pub(crate) async fn claims(
        &self,
        character: CharacterId,
        limit: i32,
        cursor: Option<&Cursor>,
    ) -> Result<ClaimPage, StoreError> {
        let of = Partition::of(&self.tables.market, character, CLAIMS);
        let (items, next) = self.page(of, limit, cursor).await?;
        let claims = items.iter().map(|item| read_claim(item).map(|(_, claim)| claim));
        Ok(ClaimPage { claims: claims.collect::<Result<_, _>>()?, next: next.map(String::from) })
    }

    /// Gives the character what the claim is about. `answer` makes the answer that is stored with it.
    pub(crate) async fn collect_claim(
        &self,
        rules: &PossessionRules,
        character: CharacterId,
        id: ListingId,
        answer: impl Fn(&Claim) -> Option<StoredAnswer>,
        now: UnixMillis,
    ) -> Result<Result<Claim, CollectRefusal>, StoreError> {
        for attempt in 0..ATTEMPTS_MAX {
            let Some(item) = self.market_item(&character.to_string(), &claim_key(id)).await? else {
                return Ok(Err(CollectRefusal::Missing));
            };
            let (owed, claim) = read_claim(&item)?;
            let Some(given) = self.give_owed_parts(rules, character, id, &owed, now).await? else {
                return Ok(Err(CollectRefusal::NoRoom));
            };
            let gone = Delete::builder()
                .table_name(&self.tables.market)
                .key("pk", text(character))
                .key("sk", text(claim_key(id)))
                .condition_expression("attribute_exists(pk)");
            let mut parts = vec![transact::delete(gone), self.lives_part(character)];
            parts.extend(given);
            let answer = answer(&claim);
            let answered = answer.as_ref().map(|answer| self.answer_part(answer));
            let keyed = answered.is_some();
            parts.extend(answered);
            let Err(parts) = self.transact(parts).await? else { return Ok(Ok(claim)) };
            if keyed && parts.last().is_some_and(transact::Part::is_refused) {
                return Ok(Err(CollectRefusal::Repeated));
            }
            if parts[0].is_refused() {
                return Ok(Err(CollectRefusal::Missing));
            }
            if parts[1].is_refused() {
                return Ok(Err(CollectRefusal::NoCharacter));
            }
            if matches!(owed, Owed::Goods(_)) {
                return Ok(Err(CollectRefusal::NoRoom));
            }
            // The wallet has changed since it was read.
            back_off(attempt).await;
        }
        Err(StoreError::Contended("a wallet"))
    }

    /// The parts that give what is owed; none if it cannot be given to this character now.
    async fn give_owed_parts(
        &self,
        rules: &PossessionRules,
        to: CharacterId,
        id: ListingId,
        owed: &Owed,
        now: UnixMillis,
    ) -> Result<Option<Vec<TransactWriteItem>>, StoreError> {
        let money = match owed {
            Owed::Goods(goods) => {
                return Ok(self.give_goods_part(rules, to, goods, now).map(|part| vec![part]));
            }
            Owed::Money(money) => money,
        };
        let Some(definition) = rules.currency(&money.currency) else { return Ok(None) };
        let wallet = self.wallet(to, &money.currency).await?;
        let reason = "sale".parse().expect("a reason");
        let credit = Movement::credit(money.amount, &reason, id.to_string());
        Ok(self.wallet_parts(&wallet, &[credit], definition.balance_max, now).ok())
    }
}
