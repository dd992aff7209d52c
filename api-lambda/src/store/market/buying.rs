//! Buying: the lot to the buyer, the price to the seller but for the fee, and the sale into the history, in one
//! transaction that only one buyer of a listing gets through.

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::catalogue::PossessionRules;
use domain::contract::market::ListingState;
use domain::contract::possessions::Money;
use domain::ids::CharacterId;
use domain::time::UnixMillis;

use super::claims::Owed;
use super::form::StoredListing;
use super::goods::Goods;
use crate::store::characters::form::read_living;
use crate::store::possessions::wallet::{Movement, Wallet, WalletRefusal};
use crate::store::requests::StoredAnswer;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off};

/// Why a lot was not bought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BuyRefusal {
    /// The request was answered before, or is being answered now.
    Repeated,
    /// Somebody else was faster, or its time is over, or it was taken back.
    Closed,
    /// The buyer was deleted.
    NoBuyer,
    /// The buyer has no room for the lot, or the catalogue does not have its kind any more.
    NoRoom,
    /// The buyer cannot pay.
    NotEnough,
}

/// The parts of a purchase that come first, in this order: the others are refused only by what has changed since it
/// was read.
const REFUSALS: [BuyRefusal; 4] =
    [BuyRefusal::Repeated, BuyRefusal::Closed, BuyRefusal::NoBuyer, BuyRefusal::NoRoom];

impl Store {
    /// Buys the lot of an open listing.
    pub(crate) async fn buy_listing(
        &self,
        rules: &PossessionRules,
        listing: &StoredListing,
        buyer: CharacterId,
        answer: &StoredAnswer,
        now: UnixMillis,
    ) -> Result<Result<(), BuyRefusal>, StoreError> {
        for attempt in 0..ATTEMPTS_MAX {
            let parts = match self.purchase_parts(rules, listing, buyer, answer, now).await? {
                Ok(parts) => parts,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let Err(parts) = self.transact(parts).await? else { return Ok(Ok(())) };
            let mut refused = parts.iter().zip(REFUSALS).filter(|(part, _)| part.is_refused());
            // Of a lot that nobody can carry whole the buyer gets what there was room for when that was read.
            let final_word = |refusal: &BuyRefusal| {
                *refusal != BuyRefusal::NoRoom || !exceeds_stack(rules, &listing.goods)
            };
            if let Some((_, refusal)) = refused.next().filter(|(_, refusal)| final_word(refusal)) {
                return Ok(Err(refusal));
            }
            // A wallet, the seller, the history, or the room for a part of a lot has changed since it was read.
            back_off(attempt).await;
        }
        Err(StoreError::Contended("a sale"))
    }

    async fn purchase_parts(
        &self,
        rules: &PossessionRules,
        listing: &StoredListing,
        buyer: CharacterId,
        answer: &StoredAnswer,
        now: UnixMillis,
    ) -> Result<Result<Vec<TransactWriteItem>, BuyRefusal>, StoreError> {
        let Some((given, rest)) = self.carried(rules, buyer, &listing.goods).await? else {
            return Ok(Err(BuyRefusal::NoRoom));
        };
        let Some(give) = self.give_goods_part(rules, buyer, &given, now) else {
            return Ok(Err(BuyRefusal::NoRoom));
        };
        let seller = listing.seller;
        let balance_max = rules.currency(&listing.currency).map_or(0, |definition| definition.balance_max);
        let currency = listing.currency.clone();
        let wallets = self.wallets(&[(buyer, currency.clone()), (seller, currency)]).await?;
        let [buyers, sellers] = &wallets[..] else { return Err(StoreError::Contended("wallets")) };
        let reason = "purchase".parse().expect("a reason");
        let price = Movement::debit(listing.price, &reason, listing.id.to_string());
        let Ok(paid) = self.wallet_parts(buyers, &[price], balance_max, now) else {
            return Ok(Err(BuyRefusal::NotEnough));
        };
        let mut parts = vec![
            self.answer_part(answer),
            self.close_part(listing.id, ListingState::Sold, Some(now), now),
            self.lives_part(buyer),
            give,
            self.uncount_listing_part(seller),
            self.history_part(listing, now).await?,
        ];
        parts.extend(paid);
        if listing.sale_fee > 0 {
            parts.push(self.fee_part(&listing.currency, "sale_fees", listing.sale_fee, now));
        }
        parts.extend(rest.map(|rest| self.owe_part(listing.id, buyer, &Owed::Goods(rest), now)));
        let Some(proceeds) = self.proceeds_parts(listing, sellers, balance_max, now).await? else {
            return Ok(Err(BuyRefusal::Closed));
        };
        parts.extend(proceeds);
        Ok(Ok(parts))
    }

    /// What of the goods the buyer is given at once, and what waits to be collected: all and nothing, but of a lot
    /// that the catalogue has made larger than a stack since it was listed, which nobody could buy otherwise. None if
    /// the buyer has no room for any of that.
    async fn carried(
        &self,
        rules: &PossessionRules,
        buyer: CharacterId,
        goods: &Goods,
    ) -> Result<Option<(Goods, Option<Goods>)>, StoreError> {
        let (Goods::Stack { kind, count }, true) = (goods, exceeds_stack(rules, goods)) else {
            return Ok(Some((goods.clone(), None)));
        };
        let some = |count: u32| Goods::Stack { kind: kind.clone(), count };
        let room = self.stack_room(rules, buyer, kind).await?;
        Ok((room > 0).then(|| (some(room), Some(some(count - room)))))
    }

    /// What the seller gets: money at once, or a claim where it is deleted or has no room for it. None if it was
    /// purged, and this lot is to follow.
    async fn proceeds_parts(
        &self,
        listing: &StoredListing,
        wallet: &Wallet,
        balance_max: u64,
        now: UnixMillis,
    ) -> Result<Option<Vec<TransactWriteItem>>, StoreError> {
        let player = self.player_items(&[listing.seller.to_string()]).await?;
        let Some(player) = player.first() else { return Ok(None) };
        let lives = read_living(player)?.is_some();
        let gets = listing.price.saturating_sub(listing.sale_fee);
        // The whole price and the fee are two entries: the ledger shows the seller what was kept.
        let (sale, fee) = ("sale".parse().expect("a reason"), "sale-fee".parse().expect("a reason"));
        let mut movements = vec![Movement::credit(listing.price, &sale, listing.id.to_string())];
        if listing.sale_fee > 0 {
            movements.push(Movement::debit(listing.sale_fee, &fee, listing.id.to_string()));
        }
        if lives {
            match self.wallet_parts(wallet, &movements, balance_max, now) {
                Ok(mut parts) => {
                    parts.push(self.lives_part(listing.seller));
                    return Ok(Some(parts));
                }
                Err(WalletRefusal::Full | WalletRefusal::NotEnough) => {}
            }
        }
        if gets == 0 {
            return Ok(Some(Vec::new()));
        }
        let money = Money { currency: listing.currency.clone(), amount: gets };
        Ok(Some(vec![self.owe_part(listing.id, listing.seller, &Owed::Money(money), now)]))
    }
}

/// Whether the lot is more than anyone can carry: the catalogue allowed larger stacks when it was listed.
fn exceeds_stack(rules: &PossessionRules, goods: &Goods) -> bool {
    let most = rules.item(goods.kind()).map(|definition| definition.stack_max);
    matches!(goods, Goods::Stack { count, .. } if most.is_some_and(|most| *count > most))
}
