//! Relations between accounts in the table `social`. `pair#...` is the truth about two accounts, and every change is
//! conditional on the stamp that it has; the lists of both and their counts change with it, in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put, TransactWriteItem, Update};
use domain::ids::{AccountId, CharacterId};
use domain::limits::{BLOCKS_MAX, FRIEND_REQUESTS_MAX, FRIEND_REQUESTS_WAITING_MAX, FRIENDS_MAX};
use domain::time::UnixMillis;

use crate::relation::{Entry, List, Pair, Relation, Side, Unwanted, Wish};
use crate::store::cursor::Cursor;
use crate::store::item::{self, Item, number, text};
use crate::store::page::Partition;
use crate::store::requests::StoredAnswer;
use crate::store::transact::Part;
use crate::store::{ATTEMPTS_MAX, ITEM_VERSION, Store, StoreError, back_off, sent, transact};

/// The sort key of the item of a pair.
const PAIR: &str = "pair";
/// The sort key of the counts of an account.
pub(crate) const COUNT: &str = "count";

/// Why a relation stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RelationRefusal {
    Unwanted(Unwanted),
    /// A list of the account that asks is full.
    Full(List),
    /// A list of the other account is full.
    FullThere(List),
    /// The request was answered before, or is being answered now.
    Repeated,
}

/// One entry of a list of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) character: CharacterId,
    pub(crate) account: AccountId,
    pub(crate) since: UnixMillis,
}

fn pair_key(pair: Pair) -> String {
    format!("pair#{}#{}", pair.account(Side::Low), pair.account(Side::High))
}

/// The prefix of the list in the partition of the account, and its count.
pub(crate) const fn list_name(list: List) -> &'static str {
    match list {
        List::Friends => "friend",
        List::Outgoing => "out",
        List::Incoming => "in",
        List::Blocks => "block",
        List::BlockedBy => "blocked",
    }
}

/// Most entries of a list. What others do to an account has no limit of its own.
const fn list_max(list: List) -> Option<u32> {
    match list {
        List::Friends => Some(FRIENDS_MAX),
        List::Outgoing => Some(FRIEND_REQUESTS_MAX),
        List::Incoming => Some(FRIEND_REQUESTS_WAITING_MAX),
        List::Blocks => Some(BLOCKS_MAX),
        List::BlockedBy => None,
    }
}

/// The key of an entry holds the character, never the account: cursors show it.
fn entry_key(list: List, character: CharacterId) -> String {
    format!("{}#{character}", list_name(list))
}

/// The key of what a list has about the `other` account, known by this character. Many block an account by the same
/// character of it; that list is shown to nobody.
fn listing_key(list: List, character: CharacterId, other: AccountId) -> String {
    match list {
        List::BlockedBy => format!("{}#{other}", list_name(list)),
        _ => entry_key(list, character),
    }
}

impl Store {
    /// Grants the wish of `me` about `other`; the answer is the relation after it.
    pub(crate) async fn change_relation(
        &self,
        (me, other): (AccountId, AccountId),
        wish: Wish,
        now: UnixMillis,
        answer: impl Fn(&Relation) -> Option<StoredAnswer>,
    ) -> Result<Result<Relation, RelationRefusal>, StoreError> {
        let Some((pair, side)) = Pair::of(me, other) else {
            return Ok(Err(RelationRefusal::Unwanted(Unwanted::NoRequest)));
        };
        for attempt in 0..ATTEMPTS_MAX {
            let (stamp, before) = self.relation(pair).await?;
            let after = match before.after(side, wish, now) {
                Ok(after) => after,
                Err(unwanted) => return Ok(Err(RelationRefusal::Unwanted(unwanted))),
            };
            let answer = answer(&after);
            let mut parts = Vec::new();
            let mut counted = Vec::new();
            if after != before {
                parts.push(self.pair_part(pair, stamp.as_deref(), &after));
                for one in Side::BOTH {
                    if let Some((part, lists)) = self.counter_part(pair, one, &before, &after) {
                        counted.push((parts.len(), one, lists));
                        parts.push(part);
                    }
                    parts.extend(self.listing_parts(pair, one, &before, &after));
                }
            }
            let answered = answer.is_some();
            parts.extend(answer.map(|answer| self.answer_part(&answer)));
            if parts.is_empty() {
                return Ok(Ok(after));
            }
            let Err(refused) = self.transact(parts).await? else { return Ok(Ok(after)) };
            if answered && refused.last().is_some_and(Part::is_refused) {
                return Ok(Err(RelationRefusal::Repeated));
            }
            if !refused[0].is_refused() {
                for (index, one, lists) in counted {
                    if let Part::Refused(item) = &refused[index] {
                        let list = fullest(item.as_ref(), &lists);
                        return Ok(Err(if one == side {
                            RelationRefusal::Full(list)
                        } else {
                            RelationRefusal::FullThere(list)
                        }));
                    }
                }
            }
            // Somebody changed the relation since it was read.
            back_off(attempt).await;
        }
        Err(StoreError::Contended("a relation"))
    }

    async fn relation(&self, pair: Pair) -> Result<(Option<String>, Relation), StoreError> {
        let call = self.client.get_item().table_name(&self.tables.social);
        let call = call.set_key(Some(social_key(pair_key(pair), PAIR))).consistent_read(true);
        match sent(call.send()).await?.item {
            Some(item) => Ok((Some(item::read_text(&item, "stamp")?.to_owned()), read_relation(&item)?)),
            None => Ok((None, Relation::default())),
        }
    }

    /// The stamp is chance and not a number, so that a relation that ended and began anew in between is another one.
    fn pair_part(&self, pair: Pair, stamp: Option<&str>, after: &Relation) -> TransactWriteItem {
        let condition = if stamp.is_some() { "stamp = :stamp" } else { "attribute_not_exists(pk)" };
        let stamp = stamp.map(text);
        if after.is_empty() {
            let delete = Delete::builder()
                .table_name(&self.tables.social)
                .set_key(Some(social_key(pair_key(pair), PAIR)))
                .condition_expression(condition)
                .set_expression_attribute_values(stamp.map(|stamp| Item::from([(":stamp".into(), stamp)])));
            return transact::delete(delete);
        }
        let mut item = item::new_item(pair_key(pair));
        item.extend([
            ("sk".to_owned(), text(PAIR)),
            ("low".to_owned(), text(pair.account(Side::Low))),
            ("high".to_owned(), text(pair.account(Side::High))),
            ("relation".to_owned(), text(serde_json::to_string(after).expect("a relation is plain data"))),
            ("stamp".to_owned(), text(format!("{:032x}", crate::clock::random_u128()))),
        ]);
        transact::put(
            Put::builder()
                .table_name(&self.tables.social)
                .set_item(Some(item))
                .condition_expression(condition)
                .set_expression_attribute_values(stamp.map(|stamp| Item::from([(":stamp".into(), stamp)]))),
        )
    }

    /// The counts of one side, and the lists whose limits are conditions of the part.
    fn counter_part(
        &self,
        pair: Pair,
        side: Side,
        before: &Relation,
        after: &Relation,
    ) -> Option<(TransactWriteItem, Vec<List>)> {
        let key = social_key(pair.account(side), COUNT);
        // A request that is hidden counts for its asker alone, but is refused where a shown one would be: else
        // a full list would tell who is blocked.
        if after.asks_in_vain(side.other()) && !before.asks_in_vain(side.other()) {
            let list = List::Incoming;
            let check = ConditionCheck::builder()
                .table_name(&self.tables.social)
                .set_key(Some(key))
                .condition_expression("attribute_not_exists(#count) OR #count < :max")
                .expression_attribute_names("#count", list_name(list))
                .expression_attribute_values(":max", number(FRIEND_REQUESTS_WAITING_MAX));
            return Some((transact::check(check), vec![list]));
        }
        let mut update = Update::builder().table_name(&self.tables.social).set_key(Some(key));
        let (mut adds, mut conditions, mut lists) = (Vec::new(), Vec::new(), Vec::new());
        for list in List::ALL {
            let Some(max) = list_max(list) else { continue };
            let (had, has) = (before.entry(side, list).is_some(), after.entry(side, list).is_some());
            if had == has {
                continue;
            }
            let name = list_name(list);
            adds.push(format!("#{name} :{name}"));
            update = update
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), number(if has { 1 } else { -1 }));
            if has {
                conditions.push(format!("(attribute_not_exists(#{name}) OR #{name} < :{name}_max)"));
                update = update.expression_attribute_values(format!(":{name}_max"), number(max));
                lists.push(list);
            }
        }
        if adds.is_empty() {
            return None;
        }
        update = update
            .update_expression(format!("SET v = :v ADD {}", adds.join(", ")))
            .expression_attribute_values(":v", number(ITEM_VERSION));
        if !conditions.is_empty() {
            update = update.condition_expression(conditions.join(" AND "));
        }
        Some((transact::update(update), lists))
    }

    fn listing_parts(
        &self,
        pair: Pair,
        side: Side,
        before: &Relation,
        after: &Relation,
    ) -> Vec<TransactWriteItem> {
        let (account, other) = (pair.account(side), pair.account(side.other()));
        let mut parts = Vec::new();
        for list in List::ALL {
            let (had, has) = (before.entry(side, list), after.entry(side, list));
            if had == has {
                continue;
            }
            let key_of = |entry: Entry| listing_key(list, entry.character, other);
            if let Some(gone) = had.map(key_of).filter(|had| has.map(key_of).as_ref() != Some(had)) {
                let key = social_key(account, gone);
                let delete = Delete::builder().table_name(&self.tables.social).set_key(Some(key));
                parts.push(transact::delete(delete));
            }
            if let Some(entry) = has {
                let mut item = item::new_item(account);
                item.extend([
                    ("sk".to_owned(), text(key_of(entry))),
                    ("character".to_owned(), text(entry.character)),
                    ("account".to_owned(), text(other)),
                    ("since".to_owned(), number(entry.since.as_millis())),
                ]);
                let put = Put::builder().table_name(&self.tables.social).set_item(Some(item));
                parts.push(transact::put(put));
            }
        }
        parts
    }

    /// Those of `others` to whom this character of `me` is something: a friend, one who asks or is asked, one who is
    /// blocked.
    pub(crate) async fn known_by(
        &self,
        (me, character): (AccountId, CharacterId),
        others: &BTreeSet<AccountId>,
    ) -> Result<Vec<AccountId>, StoreError> {
        let pairs = others.iter().filter_map(|other| Some((*other, Pair::of(me, *other)?)));
        let pairs: BTreeMap<String, _> =
            pairs.map(|(other, (pair, side))| (pair_key(pair), (other, side))).collect();
        let keys = pairs.keys().map(|pair| social_key(pair, PAIR)).collect();
        let mut known = Vec::new();
        for item in self.social_items(keys).await? {
            let Some((other, side)) = pairs.get(item::read_text(&item, "pk")?) else { continue };
            if read_relation(&item)?.knows(*side, character) {
                known.push(*other);
            }
        }
        Ok(known)
    }

    /// Whose character this entry of a list of `account` is.
    pub(crate) async fn known(
        &self,
        account: AccountId,
        list: List,
        character: CharacterId,
    ) -> Result<Option<AccountId>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.social);
        let call = call.set_key(Some(social_key(account, entry_key(list, character)))).consistent_read(true);
        let item = sent(call.send()).await?.item;
        item.map(|item| item::read_parsed(&item, "account")).transpose()
    }

    /// A page of a list of the account, by the age of the characters.
    pub(crate) async fn acquaintances(
        &self,
        account: AccountId,
        list: List,
        limit: i32,
        cursor: Option<&Cursor>,
    ) -> Result<(Vec<Known>, Option<Cursor>), StoreError> {
        let prefix = format!("{}#", list_name(list));
        let of = Partition::of(&self.tables.social, &account, &prefix);
        let (items, next) = self.page(of, limit, cursor).await?;
        let read = |item: &Item| {
            item::check_version(item)?;
            Ok(Known {
                character: item::read_parsed(item, "character")?,
                account: item::read_parsed(item, "account")?,
                since: UnixMillis::new(item::read_number(item, "since")?),
            })
        };
        Ok((items.iter().map(read).collect::<Result<_, StoreError>>()?, next))
    }

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

    /// Who of the two blocks the other: the first answer is about `me`, the second about `other`.
    pub(crate) async fn blocks(&self, me: AccountId, other: AccountId) -> Result<(bool, bool), StoreError> {
        let Some((pair, side)) = Pair::of(me, other) else { return Ok((false, false)) };
        let (_, relation) = self.relation(pair).await?;
        Ok((relation.blocks(side), relation.blocks(side.other())))
    }

    /// The items of the table `social` with these keys, in any order.
    pub(crate) async fn social_items(&self, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        self.batch_get(&self.tables.social, keys).await
    }
}

/// The list that is full in these counts.
fn fullest(counts: Option<&Item>, lists: &[List]) -> List {
    let is_full = |list: &&List| {
        let count = counts.and_then(|item| item::read_number::<u32>(item, list_name(**list)).ok());
        list_max(**list).is_some_and(|max| count.unwrap_or(0) >= max)
    };
    *lists.iter().find(is_full).or(lists.first()).expect("a part without a condition is not refused")
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
