//! Keys of administrators. Of a key's text only its SHA-256 is stored. `pk` is `keys`, `sk` the id of the key: there
//! are few of them, and the newest come first in a list.

use aws_sdk_dynamodb::types::Put;
use domain::contract::admin::AdminKey;
use domain::ids::AdminKeyId;
use domain::time::UnixMillis;

use crate::store::admin::{admin_item, put_optional_number, read_optional_number};
use crate::store::cursor::Cursor;
use crate::store::item::{self, Item, number, text};
use crate::store::page::Partition;
use crate::store::requests::StoredAnswer;
use crate::store::{Store, StoreError, if_held, transact};

const KEYS: &str = "keys";

/// A key and the hash of its text.
#[derive(Debug, Clone)]
pub(crate) struct StoredKey {
    pub(crate) key: AdminKey,
    pub(crate) hash: String,
}

impl Store {
    /// Stores a key, and the answer under the idempotency key if there is one. False if the request was answered
    /// before.
    pub(crate) async fn create_admin_key(
        &self,
        stored: &StoredKey,
        answer: Option<&StoredAnswer>,
    ) -> Result<bool, StoreError> {
        let key = &stored.key;
        let mut item = admin_item(KEYS, key.id);
        item.extend([
            ("name".to_owned(), text(&key.name)),
            ("role".to_owned(), text(key.role.as_str())),
            ("hash".to_owned(), text(&stored.hash)),
            ("created_at".to_owned(), number(key.created_at.as_millis())),
            ("created_by".to_owned(), text(&key.created_by)),
        ]);
        put_optional_number(&mut item, "expires_at", key.expires_at.map(UnixMillis::as_millis));
        let put = Put::builder()
            .table_name(&self.tables.admin)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)");
        let mut parts = vec![transact::put(put)];
        parts.extend(answer.map(|answer| self.answer_part(answer)));
        Ok(self.transact(parts).await?.is_ok())
    }

    /// The key, revoked or not.
    pub(crate) async fn admin_key(&self, id: AdminKeyId) -> Result<Option<StoredKey>, StoreError> {
        self.admin_get(KEYS, id).await?.as_ref().map(read_key).transpose()
    }

    /// A page of keys, the newest first.
    pub(crate) async fn admin_keys(
        &self,
        limit: i32,
        cursor: Option<&Cursor>,
    ) -> Result<(Vec<AdminKey>, Option<Cursor>), StoreError> {
        let of = Partition { newest_first: true, ..Partition::of(&self.tables.admin, &KEYS, "") };
        let (items, next) = self.page(of, limit, cursor).await?;
        let keys = items.iter().map(|item| read_key(item).map(|stored| stored.key));
        Ok((keys.collect::<Result<_, _>>()?, next))
    }

    /// Revokes the key; a key that is revoked already stays so since then. False if there is none.
    pub(crate) async fn revoke_admin_key(&self, id: AdminKeyId, now: UnixMillis) -> Result<bool, StoreError> {
        self.set_of_key(id, "SET revoked_at = if_not_exists(revoked_at, :now)", now).await
    }

    /// Notes that the key was used.
    pub(crate) async fn admin_key_used(&self, id: AdminKeyId, now: UnixMillis) -> Result<(), StoreError> {
        self.set_of_key(id, "SET last_used_at = :now", now).await.map(drop)
    }

    async fn set_of_key(&self, id: AdminKeyId, set: &str, now: UnixMillis) -> Result<bool, StoreError> {
        let call = self
            .client
            .update_item()
            .table_name(&self.tables.admin)
            .key("pk", text(KEYS))
            .key("sk", text(id))
            .update_expression(set)
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":now", number(now.as_millis()));
        Ok(if_held(call.send()).await?.is_some())
    }
}

fn read_key(item: &Item) -> Result<StoredKey, StoreError> {
    item::check_version(item)?;
    let time = |name: &str| Ok::<_, StoreError>(read_optional_number(item, name)?.map(UnixMillis::new));
    Ok(StoredKey {
        key: AdminKey {
            id: item::read_parsed(item, "sk")?,
            name: item::read_parsed(item, "name")?,
            role: item::read_parsed(item, "role")?,
            created_at: UnixMillis::new(item::read_number(item, "created_at")?),
            created_by: item::read_text(item, "created_by")?.to_owned(),
            last_used_at: time("last_used_at")?,
            expires_at: time("expires_at")?,
            revoked_at: time("revoked_at")?,
        },
        hash: item::read_text(item, "hash")?.to_owned(),
    })
}
