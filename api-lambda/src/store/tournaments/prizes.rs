//! Paying prizes, each once: the payment and the marker that it was paid are one transaction, and the marker's key
//! is the id that the prize has after every replay.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use contest::tournament::Effect;
use domain::catalogue::Catalogue;
use domain::contract::tournaments::Reward;
use domain::ids::CharacterId;
use domain::time::UnixMillis;

use super::credit::{CreditRefusal, refusal_of};
use super::{Loaded, corrupt};
use crate::store::item::{self, number, text};
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, transact};
use crate::tournament::{Live, captain_of, terms};

/// What one member of an entrant gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Share {
    /// The same after every replay, and that of no other share.
    pub(crate) id: String,
    pub(crate) character: CharacterId,
    pub(crate) reward: Reward,
    pub(crate) amount: u64,
    pub(crate) position: u16,
}

/// Every share of every prize that is to be paid. Members share evenly; what does not divide goes one each to the
/// first of them, the captain before all.
pub(crate) fn shares(live: &Live) -> Option<Vec<Share>> {
    let mut shares = Vec::new();
    for effect in live.tournament.prizes_due() {
        let id = effect.id();
        let Effect::PayPrize { position, entrant, reward, amount } = effect else { continue };
        let reward = terms::reward_of(&reward)?;
        let members = live.entries.get(&entrant).map(|entry| entry.members.as_slice()).unwrap_or_default();
        let characters: Vec<_> = members.iter().map(|member| member.character).collect();
        let characters = if characters.is_empty() { vec![captain_of(entrant)] } else { characters };
        let count = u64::try_from(characters.len()).ok()?;
        for (rank, character) in (0..).zip(characters) {
            let amount = amount / count + u64::from(rank < amount % count);
            if amount > 0 {
                let id = format!("{id}-{character}");
                shares.push(Share { id, character, reward: reward.clone(), amount, position });
            }
        }
    }
    Some(shares)
}

pub(super) fn paid_key(share: &str) -> String {
    format!("paid#{share}")
}

/// What was paid by one call.
#[derive(Debug, Default)]
pub(super) struct Payment {
    pub(super) paid: Vec<Share>,
    /// Whether shares are left that this call did not come to, or failed to pay.
    pub(super) left: bool,
    /// Why it failed to, if it did.
    pub(super) failure: Option<StoreError>,
    /// Whether shares are left whose winners have no room for them.
    pub(super) no_room: bool,
}

/// What became of one share.
enum Paid {
    Now,
    Before,
    NoRoom,
}

impl Store {
    /// Pays what is not paid yet, at most `most` shares.
    pub(super) async fn pay_prizes(
        &self,
        catalogue: &Catalogue,
        loaded: &Loaded,
        most: usize,
        now: UnixMillis,
    ) -> Result<Payment, StoreError> {
        let due = shares(&loaded.live).ok_or_else(|| corrupt(loaded.id, "a prize of no known kind"))?;
        let mut payment = Payment::default();
        if due.is_empty() {
            return Ok(payment);
        }
        let range = (paid_key(""), paid_key("~"));
        let markers = self.tournament_items(loaded.id, range).await?;
        let keys: Result<BTreeSet<_>, _> = markers.iter().map(|item| item::read_text(item, "sk")).collect();
        let keys = keys?;
        for share in due.into_iter().filter(|share| !keys.contains(paid_key(&share.id).as_str())) {
            if payment.paid.len() == most {
                payment.left = true;
                break;
            }
            match self.pay(catalogue, loaded, &share, now).await {
                Ok(Paid::Now) => payment.paid.push(share),
                Ok(Paid::Before) => {}
                Ok(Paid::NoRoom) => payment.no_room = true,
                // One that cannot be paid must not keep the others from it.
                Err(error) => {
                    tracing::warn!(kind = error.kind(), %error, prize = %share.id, "a prize was not paid");
                    (payment.left, payment.failure) = (true, Some(error));
                }
            }
        }
        Ok(payment)
    }

    async fn pay(
        &self,
        catalogue: &Catalogue,
        loaded: &Loaded,
        share: &Share,
        now: UnixMillis,
    ) -> Result<Paid, StoreError> {
        for attempt in 0..ATTEMPTS_MAX {
            let credit = match self.prize_parts(catalogue, loaded.id, share, now).await? {
                Ok(credit) => credit,
                Err(CreditRefusal::NoRoom) => return Ok(Paid::NoRoom),
                Err(CreditRefusal::Gone) => return self.give_up(loaded, share, now).await,
                Err(CreditRefusal::Changed) => Vec::new(),
            };
            if !credit.is_empty() {
                let mut parts = vec![self.marker(loaded, share, "paid", now)];
                parts.extend(credit);
                let Err(parts) = self.transact(parts).await? else { return Ok(Paid::Now) };
                match parts.split_first() {
                    Some((marker, _)) if marker.is_refused() => return Ok(Paid::Before),
                    Some((_, credit)) => match refusal_of(credit) {
                        CreditRefusal::Gone => return self.give_up(loaded, share, now).await,
                        CreditRefusal::NoRoom => return Ok(Paid::NoRoom),
                        CreditRefusal::Changed => {}
                    },
                    None => {}
                }
            }
            back_off(attempt).await;
        }
        Err(StoreError::Contended("a prize"))
    }

    /// The character is no more: nobody gets the share, and it is not tried for ever. Until then it may be restored.
    async fn give_up(&self, loaded: &Loaded, share: &Share, now: UnixMillis) -> Result<Paid, StoreError> {
        if self.deleted_character(share.character).await?.is_some() {
            return Ok(Paid::NoRoom);
        }
        tracing::warn!(tournament = %loaded.id, prize = %share.id, "a prize has nobody to be paid to");
        // A refused marker was written by another step, of whatever it tells.
        self.transact(vec![self.marker(loaded, share, "undeliverable", now)]).await?.ok();
        Ok(Paid::Before)
    }

    fn marker(&self, loaded: &Loaded, share: &Share, outcome: &str, now: UnixMillis) -> TransactWriteItem {
        let mut item = item::new_item(loaded.id);
        item.insert("sk".into(), text(paid_key(&share.id)));
        item.insert("outcome".into(), text(outcome));
        item.insert("character".into(), text(share.character));
        item.insert("amount".into(), number(share.amount));
        item.insert("reward".into(), text(terms::reward_name(&share.reward)));
        item.insert("at".into(), number(now.as_millis()));
        transact::put(
            Put::builder()
                .table_name(&self.tables.tournaments)
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(pk)"),
        )
    }
}
