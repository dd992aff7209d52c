//! Entries of boards and their places in the order of ranks: the forms of their items, and reads in batches.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use contest::rank::{RankKey, Score};
use domain::ids::CharacterId;
use domain::time::UnixMillis;

use crate::store::item::{self, Item, number};
use crate::store::{Store, StoreError, transact};

use super::{SeasonForm, key_of, new_item};

/// What stands for a character in a season.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoredEntry {
    pub(crate) score: Score,
    pub(crate) reached_at: UnixMillis,
    pub(crate) is_hidden: bool,
    pub(super) version: u64,
}

/// An entry in the order of ranks: who is where, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Placed {
    pub(super) key: RankKey,
    pub(super) reached_at: UnixMillis,
    pub(super) character: CharacterId,
}

/// Sorts as the fields do: of equal keys first who was there first.
impl std::fmt::Display for Placed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{:013}#{}", self.key, self.reached_at.as_millis(), self.character)
    }
}

impl Placed {
    pub(super) fn read(item: &Item) -> Result<Self, StoreError> {
        let corrupt = || StoreError::Corrupt {
            pk: item::read_text(item, "pk").unwrap_or_default().to_owned(),
            reason: "a place in the order of ranks is malformed".to_owned(),
        };
        let mut parts = item::read_text(item, "sk")?.splitn(3, '#');
        let mut part = || parts.next().ok_or_else(corrupt);
        Ok(Self {
            key: part()?.parse().map_err(|_| corrupt())?,
            reached_at: UnixMillis::new(part()?.parse().map_err(|_| corrupt())?),
            character: part()?.parse().map_err(|_| corrupt())?,
        })
    }
}

impl StoredEntry {
    pub(super) fn read(item: &Item) -> Result<Self, StoreError> {
        item::check_version(item)?;
        Ok(Self {
            score: Score {
                score: item::read_number(item, "score")?,
                subscore: item::read_number(item, "subscore")?,
            },
            reached_at: UnixMillis::new(item::read_number(item, "reached_at")?),
            is_hidden: matches!(item.get("hidden"), Some(AttributeValue::Bool(true))),
            version: item::read_number(item, "version")?,
        })
    }

    pub(super) fn item(&self, form: &SeasonForm, character: CharacterId) -> Item {
        let mut item = new_item(character, form.entry_sort_key());
        item.extend([
            ("score".to_owned(), number(self.score.score)),
            ("subscore".to_owned(), number(self.score.subscore)),
            ("reached_at".to_owned(), number(self.reached_at.as_millis())),
            ("version".to_owned(), number(self.version)),
            ("hidden".to_owned(), AttributeValue::Bool(self.is_hidden)),
        ]);
        item
    }

    /// What the tree counts of it.
    pub(super) fn counted(&self, form: &SeasonForm) -> Option<RankKey> {
        (!self.is_hidden).then(|| form.tree.keys().key(self.score))
    }

    pub(super) fn placed(&self, form: &SeasonForm, character: CharacterId) -> Placed {
        Placed { key: form.tree.keys().key(self.score), reached_at: self.reached_at, character }
    }
}

impl SeasonForm {
    /// The partition of the order that a character's entry is in. By character and not by score, so that no
    /// distribution of scores makes one of them hot.
    fn partition(&self, character: CharacterId) -> u32 {
        let hash = fnv(&character.to_string());
        u32::try_from(hash % u64::from(self.partitions)).expect("less than a u32")
    }

    pub(super) fn order_key(&self, is_hidden: bool, partition: u32) -> String {
        format!("{}#{}#{partition}", if is_hidden { 'h' } else { 'i' }, self.key)
    }

    pub(super) fn order_item(&self, entry: &StoredEntry, character: CharacterId) -> Item {
        let partition = self.order_key(entry.is_hidden, self.partition(character));
        new_item(partition, entry.placed(self, character))
    }
}

/// FNV-1a, its upper half folded into the weak lower one. Places must be the same in every version of the program,
/// which the standard hashers do not promise.
pub(super) fn fnv(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash ^ hash >> 32
}

impl Store {
    /// The change of one entry, without the counts: the entry under the condition that it is still as it was read,
    /// then its places in the order.
    pub(super) fn entry_parts(
        &self,
        form: &SeasonForm,
        character: CharacterId,
        old: Option<&StoredEntry>,
        new: Option<&StoredEntry>,
    ) -> Vec<TransactWriteItem> {
        let table = &self.tables.boards;
        let mut parts = Vec::new();
        match (old, new) {
            (None, None) => {}
            (None, Some(new)) => parts.push(transact::put(
                Put::builder()
                    .table_name(table)
                    .set_item(Some(new.item(form, character)))
                    .condition_expression("attribute_not_exists(pk)"),
            )),
            (Some(old), Some(new)) => parts.push(transact::put(
                Put::builder()
                    .table_name(table)
                    .set_item(Some(new.item(form, character)))
                    .condition_expression("#version = :version")
                    .expression_attribute_names("#version", "version")
                    .expression_attribute_values(":version", number(old.version)),
            )),
            (Some(old), None) => parts.push(transact::delete(
                Delete::builder()
                    .table_name(table)
                    .set_key(Some(key_of(character, form.entry_sort_key())))
                    .condition_expression("#version = :version")
                    .expression_attribute_names("#version", "version")
                    .expression_attribute_values(":version", number(old.version)),
            )),
        }
        let place = |entry: &StoredEntry| (form.order_item(entry, character), entry.is_hidden);
        let (old, new) = (old.map(place), new.map(place));
        if old.as_ref().map(|(item, _)| item) == new.as_ref().map(|(item, _)| item) {
            return parts;
        }
        if let Some((mut item, _)) = old {
            item.remove("v");
            parts.push(transact::delete(Delete::builder().table_name(table).set_key(Some(item))));
        }
        if let Some((item, _)) = new {
            parts.push(transact::put(Put::builder().table_name(table).set_item(Some(item))));
        }
        parts
    }

    /// The items with these keys, from this table and from `players`, in any order.
    pub(super) async fn board_items(
        &self,
        keys: Vec<Item>,
        players: &[CharacterId],
    ) -> Result<(Vec<Item>, Vec<Item>), StoreError> {
        let boards = &self.tables.boards;
        let of_boards = keys.into_iter().map(|key| (boards.clone(), key));
        let of_players = players.iter().map(|id| (self.tables.players.clone(), item::key(id)));
        let mut found = self.batch_get_of(of_boards.chain(of_players).collect()).await?;
        let of_boards = found.remove(boards).unwrap_or_default();
        Ok((of_boards, found.into_values().flatten().collect()))
    }
}
