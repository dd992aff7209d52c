//! Relations between accounts in the table `social`. `pair#...` is the truth about two accounts, and every change is
//! conditional on the stamp that it has; the lists of both and their counts change with it, in one transaction.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use domain::ids::AccountId;

use crate::relation::{Pair, Relation, Side};
use crate::store::item::{self, Item, text};
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, unavailable};

/// The sort key of the items that are alone in their partition.
const PAIR: &str = "pair";

fn pair_key(pair: Pair) -> String {
    format!("pair#{}#{}", pair.account(Side::Low), pair.account(Side::High))
}

impl Store {
    /// Those of `others`, at most 100, who blocked `account` or whom it blocked.
    pub(crate) async fn blocked_between(
        &self,
        account: AccountId,
        others: &[AccountId],
    ) -> Result<BTreeSet<AccountId>, StoreError> {
        let pairs: BTreeSet<Pair> =
            others.iter().filter_map(|other| Pair::of(account, *other)).map(|(pair, _)| pair).collect();
        let keys = pairs.iter().map(|pair| social_key(pair_key(*pair), PAIR)).collect();
        let mut blocked = BTreeSet::new();
        for item in self.social_items(keys).await? {
            let relation = read_relation(&item)?;
            if Side::BOTH.into_iter().any(|side| relation.blocks(side)) {
                let (low, high): (AccountId, AccountId) =
                    (item::read_parsed(&item, "low")?, item::read_parsed(&item, "high")?);
                blocked.insert(if low == account { high } else { low });
            }
        }
        Ok(blocked)
    }

    /// The items of the table `social` with these keys, at most 100, in any order.
    pub(crate) async fn social_items(&self, mut wanted: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        for attempt in 0..ATTEMPTS_MAX {
            if wanted.is_empty() {
                return Ok(items);
            }
            let request = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(wanted));
            let request = request.build().expect("the keys are given");
            let call = self.client.batch_get_item().request_items(&self.tables.social, request);
            let answer = call.send().await.map_err(unavailable)?;
            items.extend(answer.responses.unwrap_or_default().into_values().flatten());
            let left = answer.unprocessed_keys.unwrap_or_default();
            wanted = left.into_values().flat_map(|keys| keys.keys).collect();
            if !wanted.is_empty() {
                back_off(attempt).await;
            }
        }
        Err(StoreError::Contended("a batch of relations"))
    }
}

/// The key of an item of the table `social`.
pub(crate) fn social_key(pk: impl ToString, sk: impl ToString) -> Item {
    Item::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

fn read_relation(item: &Item) -> Result<Relation, StoreError> {
    item::check_version(item)?;
    serde_json::from_str(item::read_text(item, "relation")?).map_err(|error| StoreError::Corrupt {
        pk: item::read_text(item, "pk").unwrap_or_default().to_owned(),
        reason: format!("its relation is malformed: {error}"),
    })
}
