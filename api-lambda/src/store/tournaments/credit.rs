//! What a prize is paid with: a ledger entry, a stack or unique items, each under the id of its share.

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::catalogue::Catalogue;
use domain::contract::tournaments::Reward;
use domain::ids::{ItemId, TournamentId};
use domain::time::UnixMillis;
use sha2::{Digest as _, Sha256};

use super::prizes::Share;
use crate::store::possessions::wallet::Movement;
use crate::store::transact::Part;
use crate::store::{Store, StoreError};

/// Why a share is not paid now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CreditRefusal {
    /// The character was deleted.
    Gone,
    /// The character has no room for it at present, or the catalogue has it no more.
    NoRoom,
    /// What the character has changed meanwhile: look again.
    Changed,
}

/// Unique items of one prize: they are one transaction with the marker.
pub(crate) const UNIQUE_MAX: u64 = 32;

impl Store {
    /// The parts that pay a share; the first one is refused if the character is no more.
    pub(crate) async fn prize_parts(
        &self,
        catalogue: &Catalogue,
        tournament: TournamentId,
        share: &Share,
        now: UnixMillis,
    ) -> Result<Result<Vec<TransactWriteItem>, CreditRefusal>, StoreError> {
        let rules = &catalogue.possessions;
        let mut parts = vec![self.lives_part(share.character)];
        match &share.reward {
            Reward::Currency(currency) => {
                let Some(definition) = rules.currency(currency) else {
                    return Ok(Err(CreditRefusal::NoRoom));
                };
                let wallets = self.wallets(&[(share.character, currency.clone())]).await?;
                let reason = "prize".parse().expect("a reason");
                let movements =
                    [Movement::credit(share.amount, &reason, format!("{tournament}#{}", share.id))];
                for wallet in &wallets {
                    match self.wallet_parts(wallet, &movements, definition.balance_max, now) {
                        Ok(credit) => parts.extend(credit),
                        Err(_) => return Ok(Err(CreditRefusal::NoRoom)),
                    }
                }
            }
            Reward::Item(kind) => {
                let Some(definition) = rules.item(kind) else { return Ok(Err(CreditRefusal::NoRoom)) };
                let Ok(count) = u32::try_from(share.amount) else { return Ok(Err(CreditRefusal::NoRoom)) };
                if !definition.is_unique() {
                    parts.push(self.give_stack_part(share.character, definition, count));
                } else if share.amount <= UNIQUE_MAX {
                    let items = (0..count).map(|index| {
                        let hash = Sha256::digest(format!("{tournament}#{}#{index}", share.id));
                        let id = hash.iter().take(10).fold(0_u128, |low, byte| low << 8 | u128::from(*byte));
                        self.new_item_part(share.character, ItemId::new(now, id), definition, now)
                    });
                    parts.extend(items);
                } else {
                    return Ok(Err(CreditRefusal::NoRoom));
                }
            }
        }
        Ok(Ok(parts))
    }
}

/// What the store says of the parts of a credit that was refused: the character, then a wallet and its entry, or a
/// stack alone, which is full.
pub(crate) fn refusal_of(parts: &[Part]) -> CreditRefusal {
    match parts {
        [lives, ..] if lives.is_refused() => CreditRefusal::Gone,
        [_, _stack] => CreditRefusal::NoRoom,
        _ => CreditRefusal::Changed,
    }
}
