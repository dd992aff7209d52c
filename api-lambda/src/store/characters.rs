//! Characters, their names and the accounts that they belong to, in the table `players`.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update};
use domain::contract::players::Character;
use domain::ids::{AccountId, CharacterId, HostId, InstanceId};
use domain::limits::CHARACTERS_PER_ACCOUNT_MAX;
use domain::names::CharacterName;
use domain::time::UnixMillis;

use crate::store::item::{self, Item, number, text};
use crate::store::requests::StoredAnswer;
use crate::store::{Store, StoreError, sent, transact};

pub(crate) mod deletion;
pub(crate) mod form;

use form::{character_item, read_living};

/// A character and what its owner does not see.
#[derive(Debug, Clone)]
pub(crate) struct StoredCharacter {
    pub(crate) account: AccountId,
    /// Number of the newest claim of a host.
    pub(crate) claim: u64,
    /// Where that host has it, until it says that the character left.
    pub(crate) at: Option<(HostId, InstanceId)>,
    /// What its name is reserved under.
    pub(crate) look: String,
    pub(crate) character: Character,
}

/// Why a character was not made.
#[derive(Debug)]
pub(crate) enum CreateRefusal {
    TooMany,
    NameTaken,
    /// The request was answered before, or is being answered now.
    Repeated,
    /// The account was banned while the request was under way.
    Banned,
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
        let mut parts = vec![
            self.take_place(account, character.id),
            self.reserve_name(&character.name, character.id),
            transact::put(
                Put::builder()
                    .table_name(players)
                    .set_item(Some(character_item(account, character)))
                    .condition_expression("attribute_not_exists(pk)"),
            ),
            // All that an account has when a ban is stored is all that the ban is about.
            self.not_banned_part(account, character.created_at),
        ];
        parts.extend(answer.map(|answer| self.answer_part(answer)));
        parts.push(self.findable_part(&character.name, character.id, account));
        parts.extend(self.not_spelled_part(&character.name));
        Ok(self.transact(parts).await?.map_err(|parts| {
            if answer.is_some() && parts.get(4).is_some_and(transact::Part::is_refused) {
                CreateRefusal::Repeated
            } else if parts[3].is_refused() {
                CreateRefusal::Banned
            } else if parts[0].is_refused() {
                CreateRefusal::TooMany
            } else {
                CreateRefusal::NameTaken
            }
        }))
    }

    /// The taking of a place in the account, as part of a transaction.
    fn take_place(&self, account: AccountId, character: CharacterId) -> TransactWriteItem {
        transact::update(
            Update::builder()
                .table_name(&self.tables.players)
                .key("pk", text(account))
                .update_expression("SET v = :v ADD characters :ids")
                // The set is the counter: two creations at once cannot both take the last place.
                .condition_expression("attribute_not_exists(characters) OR size(characters) < :max")
                .expression_attribute_values(":v", number(crate::store::ITEM_VERSION))
                .expression_attribute_values(":ids", AttributeValue::Ss(vec![character.to_string()]))
                .expression_attribute_values(":max", number(CHARACTERS_PER_ACCOUNT_MAX)),
        )
    }

    fn reserve_name(&self, name: &CharacterName, character: CharacterId) -> TransactWriteItem {
        let mut reservation = item::new_item(name_key(&name.reservation_key()));
        reservation.insert("character".into(), text(character));
        transact::put(
            Put::builder()
                .table_name(&self.tables.players)
                .set_item(Some(reservation))
                .condition_expression("attribute_not_exists(pk)"),
        )
    }

    /// That nobody has reserved the name by its spelling, as it was done before looks were compared. None if the name
    /// looks as it is spelled.
    fn not_spelled_part(&self, name: &CharacterName) -> Option<TransactWriteItem> {
        let spelled = name.search_key();
        let check = ConditionCheck::builder()
            .table_name(&self.tables.players)
            .key("pk", text(name_key(&spelled)))
            .condition_expression("attribute_not_exists(pk)");
        (spelled != name.reservation_key()).then(|| transact::check(check))
    }

    fn free_name(&self, look: &str) -> TransactWriteItem {
        transact::delete(Delete::builder().table_name(&self.tables.players).key("pk", text(name_key(look))))
    }

    /// The character, unless it was deleted.
    pub(crate) async fn character(&self, id: CharacterId) -> Result<Option<StoredCharacter>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.players).key("pk", text(id));
        let item = sent(call.consistent_read(true).send()).await?.item;
        item.as_ref().map_or(Ok(None), read_living)
    }

    /// The character, if it belongs to the account and was not deleted.
    pub(crate) async fn character_of(
        &self,
        account: AccountId,
        id: CharacterId,
    ) -> Result<Option<StoredCharacter>, StoreError> {
        Ok(self.character(id).await?.filter(|stored| stored.account == account))
    }

    /// Those of the characters, at most 100, each named once, that were not deleted.
    pub(crate) async fn characters(
        &self,
        ids: &[CharacterId],
    ) -> Result<BTreeMap<CharacterId, StoredCharacter>, StoreError> {
        let keys: Vec<_> = ids.iter().map(ToString::to_string).collect();
        let mut found = BTreeMap::new();
        for item in self.player_items(&keys).await? {
            if let Some(stored) = read_living(&item)? {
                found.insert(stored.character.id, stored);
            }
        }
        Ok(found)
    }

    /// Whether there is an account or a character under this key, without characters or deleted though it may be.
    pub(crate) async fn has_player(&self, key: impl ToString) -> Result<bool, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.players).key("pk", text(key));
        Ok(sent(call.consistent_read(true).send()).await?.item.is_some())
    }

    /// Who has reserved this name, by its look, or by its spelling as it was done before.
    pub(crate) async fn character_named(
        &self,
        name: &CharacterName,
    ) -> Result<Option<CharacterId>, StoreError> {
        let (look, spelled) = (name.reservation_key(), name.search_key());
        let other = (spelled != look).then_some(spelled);
        for key in [Some(look), other].into_iter().flatten() {
            let call = self.client.get_item().table_name(&self.tables.players);
            let call = call.key("pk", text(name_key(&key))).consistent_read(true);
            if let Some(item) = sent(call.send()).await?.item {
                return item::read_parsed(&item, "character").map(Some);
            }
        }
        Ok(None)
    }

    /// The characters of the account, oldest first.
    pub(crate) async fn characters_of(&self, account: AccountId) -> Result<Vec<Character>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.players).key("pk", text(account));
        let Some(item) = sent(call.consistent_read(true).send()).await?.item else {
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

    /// The items of the table `players` with these keys, in any order.
    pub(crate) async fn player_items(&self, keys: &[String]) -> Result<Vec<Item>, StoreError> {
        self.batch_get(&self.tables.players, keys.iter().map(item::key).collect()).await
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
        let Some(stored) = self.character_of(account, id).await? else {
            return Ok(Err(RenameRefusal::Missing));
        };
        if stored.character.version != version {
            return Ok(Err(RenameRefusal::OtherVersion(stored.character.version)));
        }
        let mut parts = vec![transact::update(
            Update::builder()
                .table_name(&self.tables.players)
                .key("pk", text(id))
                .update_expression("SET #name = :name, look = :look, #version = :next, updated_at = :now")
                .condition_expression("attribute_not_exists(deleted_at) AND #version = :version")
                .expression_attribute_names("#name", "name")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":name", text(name))
                .expression_attribute_values(":look", text(name.reservation_key()))
                .expression_attribute_values(":version", number(version))
                .expression_attribute_values(":next", number(version + 1))
                .expression_attribute_values(":now", number(now.as_millis())),
        )];
        // Another name that looks the same keeps its reservation.
        if name.reservation_key() != stored.look {
            parts.push(self.reserve_name(name, id));
            parts.push(self.free_name(&stored.look));
        }
        if name.search_key() != stored.look {
            parts.extend(self.not_spelled_part(name));
        }
        if name.search_key() != stored.character.name.search_key() {
            parts.push(self.unfindable_part(&stored.character.name));
        }
        parts.push(self.findable_part(name, id, account));
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
}

fn name_key(look: &str) -> String {
    format!("name#{look}")
}
