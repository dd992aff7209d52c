//! Characters, their names and the accounts that they belong to, in the table `players`.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, KeysAndAttributes, Put, Update};
use domain::contract::players::Character;
use domain::ids::{AccountId, CharacterId};
use domain::limits::CHARACTERS_PER_ACCOUNT_MAX;
use domain::names::CharacterName;
use domain::time::UnixMillis;

use crate::store::boards::Hidden;
use crate::store::item::{self, Item, number, text};
use crate::store::requests::StoredAnswer;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, transact, unavailable};

pub(crate) mod form;

use form::{character_item, read_living};

/// A character and what its owner does not see.
#[derive(Debug, Clone)]
pub(crate) struct StoredCharacter {
    pub(crate) account: AccountId,
    /// Number of the newest claim of a host.
    pub(crate) claim: u64,
    pub(crate) character: Character,
}

/// Why a character was not made.
#[derive(Debug)]
pub(crate) enum CreateRefusal {
    TooMany,
    NameTaken,
    /// The request was answered before, or is being answered now.
    Repeated,
}

/// Why a character was not renamed.
#[derive(Debug)]
pub(crate) enum RenameRefusal {
    Missing,
    NameTaken,
    /// The version as it is.
    OtherVersion(u64),
}

impl Store {
    /// Makes a character: its item, its name's reservation, its place in the account, and the answer under
    /// the idempotency key if there is one; all or none.
    pub(crate) async fn create_character(
        &self,
        account: AccountId,
        character: &Character,
        answer: Option<&StoredAnswer>,
    ) -> Result<Result<(), CreateRefusal>, StoreError> {
        let players = &self.tables.players;
        let id = AttributeValue::Ss(vec![character.id.to_string()]);
        let mut parts = vec![
            transact::update(
                Update::builder()
                    .table_name(players)
                    .key("pk", text(account))
                    .update_expression("SET v = :v ADD characters :ids")
                    // The set is the counter: two creations at once cannot both take the last place.
                    .condition_expression("attribute_not_exists(characters) OR size(characters) < :max")
                    .expression_attribute_values(":v", number(crate::store::ITEM_VERSION))
                    .expression_attribute_values(":ids", id)
                    .expression_attribute_values(":max", number(CHARACTERS_PER_ACCOUNT_MAX)),
            ),
            self.reserve_name(&character.name, character.id),
            transact::put(
                Put::builder()
                    .table_name(players)
                    .set_item(Some(character_item(account, character)))
                    .condition_expression("attribute_not_exists(pk)"),
            ),
        ];
        parts.extend(answer.map(|answer| self.answer_part(answer)));
        Ok(self.transact(parts).await?.map_err(|parts| {
            if parts.get(3).is_some_and(transact::Part::is_refused) {
                CreateRefusal::Repeated
            } else if parts[0].is_refused() {
                CreateRefusal::TooMany
            } else {
                CreateRefusal::NameTaken
            }
        }))
    }

    fn reserve_name(
        &self,
        name: &CharacterName,
        character: CharacterId,
    ) -> aws_sdk_dynamodb::types::TransactWriteItem {
        let mut reservation = item::new_item(name_key(name));
        reservation.insert("character".into(), text(character));
        transact::put(
            Put::builder()
                .table_name(&self.tables.players)
                .set_item(Some(reservation))
                .condition_expression("attribute_not_exists(pk)"),
        )
    }

    fn free_name(&self, name: &CharacterName) -> aws_sdk_dynamodb::types::TransactWriteItem {
        transact::delete(Delete::builder().table_name(&self.tables.players).key("pk", text(name_key(name))))
    }

    /// The character, unless it was deleted.
    pub(crate) async fn character(&self, id: CharacterId) -> Result<Option<StoredCharacter>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.players).key("pk", text(id));
        let item = call.consistent_read(true).send().await.map_err(unavailable)?.item;
        item.as_ref().map_or(Ok(None), read_living)
    }

    /// The characters of the account, oldest first.
    pub(crate) async fn characters_of(&self, account: AccountId) -> Result<Vec<Character>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.players).key("pk", text(account));
        let Some(item) = call.consistent_read(true).send().await.map_err(unavailable)?.item else {
            return Ok(Vec::new());
        };
        let ids = match item.get("characters") {
            Some(AttributeValue::Ss(ids)) => ids.clone(),
            _ => Vec::new(),
        };
        let mut characters: Vec<_> = self
            .player_items(&ids)
            .await?
            .iter()
            .filter_map(|item| read_living(item).transpose())
            .map(|stored| stored.map(|stored| stored.character))
            .collect::<Result<_, _>>()?;
        characters.sort_by_key(|character| character.id);
        Ok(characters)
    }

    /// The items of the table `players` with these keys, at most 100, in any order.
    pub(crate) async fn player_items(&self, keys: &[String]) -> Result<Vec<Item>, StoreError> {
        let mut wanted: Vec<Item> = keys.iter().map(|key| Item::from([("pk".into(), text(key))])).collect();
        let mut items = Vec::new();
        for attempt in 0..ATTEMPTS_MAX {
            if wanted.is_empty() {
                return Ok(items);
            }
            let request = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(wanted));
            let request = request.build().expect("the keys are given");
            let call = self.client.batch_get_item().request_items(&self.tables.players, request);
            let answer = call.send().await.map_err(unavailable)?;
            items.extend(answer.responses.unwrap_or_default().into_values().flatten());
            let left = answer.unprocessed_keys.unwrap_or_default();
            wanted = left.into_values().flat_map(|keys| keys.keys).collect();
            if !wanted.is_empty() {
                back_off(attempt).await;
            }
        }
        Err(StoreError::Contended("a batch of characters"))
    }

    /// Renames the character if it still has `version`; the answer is the character as it is then.
    pub(crate) async fn rename_character(
        &self,
        account: AccountId,
        id: CharacterId,
        name: &CharacterName,
        version: u64,
        now: UnixMillis,
    ) -> Result<Result<Character, RenameRefusal>, StoreError> {
        let Some(stored) = self.character(id).await?.filter(|stored| stored.account == account) else {
            return Ok(Err(RenameRefusal::Missing));
        };
        if stored.character.version != version {
            return Ok(Err(RenameRefusal::OtherVersion(stored.character.version)));
        }
        let mut parts = vec![transact::update(
            Update::builder()
                .table_name(&self.tables.players)
                .key("pk", text(id))
                .update_expression("SET #name = :name, #version = :next, updated_at = :now")
                .condition_expression("attribute_not_exists(deleted_at) AND #version = :version")
                .expression_attribute_names("#name", "name")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":name", text(name))
                .expression_attribute_values(":version", number(version))
                .expression_attribute_values(":next", number(version + 1))
                .expression_attribute_values(":now", number(now.as_millis())),
        )];
        // Another spelling of the same name keeps its reservation.
        if name.reservation_key() != stored.character.name.reservation_key() {
            parts.push(self.reserve_name(name, id));
            parts.push(self.free_name(&stored.character.name));
        }
        Ok(match self.transact(parts).await? {
            Ok(()) => Ok(Character {
                name: name.clone(),
                version: version + 1,
                updated_at: now,
                ..stored.character
            }),
            Err(parts) => Err(match parts.into_iter().next() {
                Some(transact::Part::Refused(item)) => match item.as_ref().map_or(Ok(None), read_living)? {
                    Some(stored) => RenameRefusal::OtherVersion(stored.character.version),
                    None => RenameRefusal::Missing,
                },
                _ => RenameRefusal::NameTaken,
            }),
        })
    }

    /// Marks the character as deleted, and frees its name and its place in account and leaderboards.
    /// False if the account has no such character.
    pub(crate) async fn delete_character(
        &self,
        account: AccountId,
        id: CharacterId,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        for attempt in 0..ATTEMPTS_MAX {
            let Some(stored) = self.character(id).await?.filter(|stored| stored.account == account) else {
                return Ok(false);
            };
            let players = &self.tables.players;
            let parts = vec![
                transact::update(
                    Update::builder()
                        .table_name(players)
                        .key("pk", text(id))
                        .update_expression("SET deleted_at = :now, updated_at = :now ADD #version :one")
                        // A rename between the reading and this would leave its reservation behind.
                        .condition_expression("attribute_not_exists(deleted_at) AND #name = :name")
                        .expression_attribute_names("#name", "name")
                        .expression_attribute_names("#version", "version")
                        .expression_attribute_values(":name", text(&stored.character.name))
                        .expression_attribute_values(":one", number(1))
                        .expression_attribute_values(":now", number(now.as_millis())),
                ),
                transact::update(
                    Update::builder()
                        .table_name(players)
                        .key("pk", text(account))
                        .update_expression("DELETE characters :ids")
                        .expression_attribute_values(":ids", AttributeValue::Ss(vec![id.to_string()])),
                ),
                self.free_name(&stored.character.name),
                self.hide_part(id, Hidden::Deleted, true),
            ];
            if self.transact(parts).await?.is_ok() {
                // It is deleted either way: what fails here, the next sweep of the boards does.
                if let Err(error) = self.settle_boards(id).await {
                    tracing::warn!(kind = error.kind(), %error, "a deleted character stays on boards for now");
                }
                return Ok(true);
            }
            back_off(attempt).await;
        }
        Err(StoreError::Contended("a character"))
    }
}

fn name_key(name: &CharacterName) -> String {
    format!("name#{}", name.reservation_key())
}
