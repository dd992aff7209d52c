//! Claims: what listings owe to characters that it could not be given to at once. A listing is closed once, so it
//! leaves one claim at most for its seller and one for its buyer, under its own id.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem, Update};
use domain::catalogue::PossessionRules;
use domain::contract::market::{Claim, ClaimPage, ClaimedItem};
use domain::contract::players::ItemStack;
use domain::contract::possessions::Money;
use domain::ids::{CharacterId, ListingId};
use domain::limits::AMOUNT_MAX;
use domain::time::UnixMillis;

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
    /// A lot that was not sold, or what of one its buyer had no room for.
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

impl Owed {
    /// How much it is, and the attribute that says so.
    const fn amount(&self) -> (&'static str, u64) {
        match self {
            Self::Goods(goods) => ("count", goods.count() as u64),
            Self::Money(money) => ("amount", money.amount),
        }
    }
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
    let id = item::read_parsed(item, "listing_id")?;
    let claim = claim_of(id, UnixMillis::new(item::read_number(item, "created_at")?), &owed);
    Ok((owed, claim))
}

fn claim_of(id: ListingId, created_at: UnixMillis, owed: &Owed) -> Claim {
    let mut claim = Claim { id, stack: None, unique: None, money: None, created_at };
    match owed.clone() {
        Owed::Goods(Goods::Stack { kind, count }) => claim.stack = Some(ItemStack { item: kind, count }),
        Owed::Goods(Goods::Unique(unique)) => {
            claim.unique = Some(ClaimedItem { id: unique.id, item: unique.kind });
        }
        Owed::Money(money) => claim.money = Some(money),
    }
    claim
}

impl Store {
    /// What the listing owes to its seller or buyer waits to be collected. It is refused by nothing: the same transaction
    /// closes the listing, which happens once.
    pub(super) fn owe_part(
        &self,
        listing: ListingId,
        to: CharacterId,
        owed: &Owed,
        now: UnixMillis,
    ) -> TransactWriteItem {
        let mut item = item::new_item(to);
        item.insert("sk".into(), text(claim_key(listing)));
        // Not `listing`: that would put it into indexes.
        item.insert("listing_id".into(), text(listing));
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
        let of = Partition::of(&self.tables.market, &character, CLAIMS);
        let (items, next) = self.page(of, limit, cursor).await?;
        let claims = items.iter().map(|item| read_claim(item).map(|(_, claim)| claim));
        Ok(ClaimPage { claims: claims.collect::<Result<_, _>>()?, next: next.map(String::from) })
    }

    /// Gives the character what the claim is about, as much as there is room for: a catalogue that allows less than
    /// it did must not make the rest impossible to collect. The answer is what was given; `answer` makes the one that
    /// is stored with it.
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
            let Some((given, giving)) = self.give_owed_parts(rules, character, id, &owed, now).await? else {
                return Ok(Err(CollectRefusal::NoRoom));
            };
            let mut parts = vec![self.settle_part(character, id, &owed, &given), self.lives_part(character)];
            parts.extend(giving);
            let claim = claim_of(id, claim.created_at, &given);
            let answer = answer(&claim);
            let answered = answer.as_ref().map(|answer| self.answer_part(answer));
            let keyed = answered.is_some();
            parts.extend(answered);
            let Err(parts) = self.transact(parts).await? else { return Ok(Ok(claim)) };
            if keyed && parts.last().is_some_and(transact::Part::is_refused) {
                return Ok(Err(CollectRefusal::Repeated));
            }
            if parts[1].is_refused() {
                return Ok(Err(CollectRefusal::NoCharacter));
            }
            // The claim, the stack or the wallet has changed since it was read.
            back_off(attempt).await;
        }
        Err(StoreError::Contended("a claim"))
    }

    /// Takes what is given out of the claim; refused if the claim is not as it was read.
    fn settle_part(
        &self,
        character: CharacterId,
        id: ListingId,
        owed: &Owed,
        given: &Owed,
    ) -> TransactWriteItem {
        let ((name, owed), (_, given)) = (owed.amount(), given.amount());
        let key = claim_key(id);
        if given == owed {
            let gone = Delete::builder()
                .table_name(&self.tables.market)
                .key("pk", text(character))
                .key("sk", text(key))
                .condition_expression("#amount = :owed")
                .expression_attribute_names("#amount", name)
                .expression_attribute_values(":owed", number(owed));
            return transact::delete(gone);
        }
        let less = Update::builder()
            .table_name(&self.tables.market)
            .key("pk", text(character))
            .key("sk", text(key))
            .update_expression("SET #amount = :left")
            .condition_expression("#amount = :owed")
            .expression_attribute_names("#amount", name)
            .expression_attribute_values(":owed", number(owed))
            .expression_attribute_values(":left", number(owed - given));
        transact::update(less)
    }

    /// As much of what is owed as the character has room for now, and the parts that give it; none if it is nothing.
    async fn give_owed_parts(
        &self,
        rules: &PossessionRules,
        to: CharacterId,
        id: ListingId,
        owed: &Owed,
        now: UnixMillis,
    ) -> Result<Option<(Owed, Vec<TransactWriteItem>)>, StoreError> {
        match owed {
            Owed::Goods(goods) => {
                let goods = match (goods, rules.item(goods.kind())) {
                    (Goods::Stack { kind, count }, Some(_)) => {
                        let room = self.stack_room(rules, to, kind).await?;
                        Goods::Stack { kind: kind.clone(), count: room.min(*count) }
                    }
                    _ => goods.clone(),
                };
                let part = self.give_goods_part(rules, to, &goods, now).filter(|_| goods.count() > 0);
                Ok(part.map(|part| (Owed::Goods(goods), vec![part])))
            }
            Owed::Money(Money { currency, amount }) => {
                let Some(definition) = rules.currency(currency) else { return Ok(None) };
                let wallet = self.wallet(to, currency).await?;
                let room = definition.balance_max.min(AMOUNT_MAX).saturating_sub(wallet.balance);
                let money = Money { currency: currency.clone(), amount: room.min(*amount) };
                if money.amount == 0 {
                    return Ok(None);
                }
                let reason = "sale".parse().expect("a reason");
                let credit = Movement::credit(money.amount, &reason, id.to_string());
                let parts = self.wallet_parts(&wallet, &[credit], definition.balance_max, now).ok();
                Ok(parts.map(|parts| (Owed::Money(money), parts)))
            }
        }
    }
}
