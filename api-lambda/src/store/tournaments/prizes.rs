//! Paying prizes, each once: the payment and the marker that it was paid are one transaction, and the marker's key
//! is the id that the prize has after every replay.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::Put;
use contest::tournament::Effect;
use domain::contract::tournaments::Reward;
use domain::ids::CharacterId;
use domain::time::UnixMillis;

use super::{Loaded, corrupt};
use crate::store::item::{self, number, text};
use crate::store::{Store, StoreError, transact};
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

fn paid_key(share: &str) -> String {
    format!("paid#{share}")
}

impl Store {
    /// Pays what is not paid yet, at most `most` shares. The shares paid by this call, and whether some are left.
    pub(super) async fn pay_prizes(
        &self,
        loaded: &Loaded,
        most: usize,
        now: UnixMillis,
    ) -> Result<(Vec<Share>, bool), StoreError> {
        let due = shares(&loaded.live).ok_or_else(|| corrupt(loaded.id, "a prize of no known kind"))?;
        if due.is_empty() {
            return Ok((Vec::new(), false));
        }
        let range = (paid_key(""), paid_key("~"));
        let markers = self.tournament_items(loaded.id, range).await?;
        let keys: Result<BTreeSet<_>, _> = markers.iter().map(|item| item::read_text(item, "sk")).collect();
        let keys = keys?;
        let unpaid: Vec<_> =
            due.into_iter().filter(|share| !keys.contains(paid_key(&share.id).as_str())).collect();
        let left = unpaid.len() > most;
        let mut paid = Vec::new();
        for share in unpaid.into_iter().take(most) {
            if self.pay(loaded, &share, now).await? {
                paid.push(share);
            }
        }
        Ok((paid, left))
    }

    /// Pays one share. False if it was paid before, or cannot be, which is noted as well.
    async fn pay(&self, loaded: &Loaded, share: &Share, now: UnixMillis) -> Result<bool, StoreError> {
        let marker = |outcome: &str| {
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
        };
        let mut parts = vec![marker("paid")];
        parts.extend(self.prize_parts(share.character, &share.reward, share.amount, now));
        match self.transact(parts).await? {
            Ok(()) => Ok(true),
            Err(parts) if parts[0].is_refused() => Ok(false),
            Err(_) => {
                // The character is no more: nobody gets it, and it is not tried for ever.
                tracing::warn!(tournament = %loaded.id, prize = %share.id, "a prize has nobody to be paid to");
                self.transact(vec![marker("undeliverable")]).await?.ok();
                Ok(false)
            }
        }
    }
}
