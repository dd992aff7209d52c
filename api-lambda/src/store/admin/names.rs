//! Names of characters as they are searched for. `pk` is `names#` and the first two letters of the form in which names
//! are searched for, `sk` that form: a beginning of two letters or more is one query. Written in the transactions that
//! write names.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use domain::contract::support::FoundPlayer;
use domain::ids::{AccountId, CharacterId};
use domain::names::CharacterName;

use crate::store::admin::admin_item;
use crate::store::cursor::Cursor;
use crate::store::item::{self, Item, text};
use crate::store::page::Partition;
use crate::store::{Store, StoreError, transact};

/// Letters of a name that its partition is made of.
pub(crate) const FIRST_LETTERS: usize = 2;

fn partition_of(key: &str) -> String {
    format!("names#{}", key.chars().take(FIRST_LETTERS).collect::<String>())
}

impl Store {
    /// Makes a name findable, as part of a transaction.
    pub(crate) fn findable_part(
        &self,
        name: &CharacterName,
        character: CharacterId,
        account: AccountId,
    ) -> TransactWriteItem {
        let key = name.search_key();
        let mut item = admin_item(partition_of(&key), &key);
        item.insert("name".into(), text(name));
        item.insert("character".into(), text(character));
        item.insert("account".into(), text(account));
        transact::put(Put::builder().table_name(&self.tables.admin).set_item(Some(item)))
    }

    /// Makes a name not findable any more, as part of a transaction.
    pub(crate) fn unfindable_part(&self, name: &CharacterName) -> TransactWriteItem {
        let key = name.search_key();
        let delete = Delete::builder().table_name(&self.tables.admin).key("pk", text(partition_of(&key)));
        transact::delete(delete.key("sk", text(key)))
    }

    /// The character of this name, given in the form in which names are searched for.
    pub(crate) async fn find_name(&self, key: &str) -> Result<Option<FoundPlayer>, StoreError> {
        self.admin_get(partition_of(key), key).await?.as_ref().map(read_found).transpose()
    }

    /// A page of characters whose names begin so, by name; at least [`FIRST_LETTERS`] letters.
    pub(crate) async fn find_names(
        &self,
        beginning: &str,
        limit: i32,
        cursor: Option<&Cursor>,
    ) -> Result<(Vec<FoundPlayer>, Option<Cursor>), StoreError> {
        let of = Partition::of(&self.tables.admin, &partition_of(beginning), beginning);
        let (items, next) = self.page(of, limit, cursor).await?;
        Ok((items.iter().map(read_found).collect::<Result<_, _>>()?, next))
    }
}

fn read_found(item: &Item) -> Result<FoundPlayer, StoreError> {
    item::check_version(item)?;
    Ok(FoundPlayer {
        account: item::read_parsed(item, "account")?,
        character: Some(item::read_parsed(item, "character")?),
        name: Some(item::read_text(item, "name")?.to_owned()),
    })
}
