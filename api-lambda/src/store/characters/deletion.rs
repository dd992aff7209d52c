//! Deletion, restoration and purging of characters. A deleted character keeps its item and its possessions; it is
//! listed under its account, and under the time when it is to be purged, in the table `possessions`.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};
use domain::contract::players::{Character, DeletedCharacter};
use domain::ids::{AccountId, CharacterId};
use domain::limits::DELETED_CHARACTER_KEPT_MILLIS;
use domain::names::CharacterName;
use domain::time::UnixMillis;

use super::StoredCharacter;
use super::form::read_character;
use crate::clock::Deadline;
use crate::store::boards::Hidden;
use crate::store::cursor::Cursor;
use crate::store::due::{DueList, DueWalk};
use crate::store::item::{self, Item, number, text};
use crate::store::page::Partition;
use crate::store::personal::character::Forgotten;
use crate::store::requests::StoredAnswer;
use crate::store::transact::Part;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, sent, transact};

/// What the keys of deleted characters start with under their account.
const DELETED: &str = "deleted#";

/// Those to be purged are spread over so many keys, since all that are deleted at one time come together there.
const GRAVE_SHARDS: u128 = 8;

/// A deleted character as it was read.
#[derive(Debug, Clone)]
pub(crate) struct StoredDeleted {
    pub(crate) stored: StoredCharacter,
    pub(crate) deleted_at: UnixMillis,
    /// It cannot be restored from then on.
    pub(crate) purge_at: UnixMillis,
}

/// Why a character was not restored.
#[derive(Debug)]
pub(crate) enum RestoreRefusal {
    TooMany,
    NameTaken,
    /// It is not as it was read: restored by another request, or being purged.
    Changed,
    /// The request was answered before, or is being answered now.
    Repeated,
    /// The account was banned while the request was under way.
    Banned,
}

/// How far the purge of a character got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purge {
    /// Nothing is left of it.
    Done,
    /// There was no time for all: call again.
    Unfinished,
    /// What is left is another region's to do.
    Elsewhere,
    /// Its time is not over, or another call restored or purged it just now.
    NotDue,
    /// It lives, or nothing was left of it before: the note about it is old.
    NotDeleted,
}

fn deleted_key(character: CharacterId) -> String {
    format!("{DELETED}{character}")
}

fn shard_key(shard: u128) -> String {
    format!("graves#{shard}")
}

/// Key of the note that the character is to be purged: they sort by time.
fn grave_key(character: CharacterId, purge_at: UnixMillis) -> (String, String) {
    (shard_key(character.as_u128() % GRAVE_SHARDS), format!("{:016}#{character}", purge_at.as_millis()))
}

fn read_deleted(item: &Item) -> Result<Option<StoredDeleted>, StoreError> {
    if !item.contains_key("deleted_at") {
        return Ok(None);
    }
    let deleted_at = UnixMillis::new(item::read_number(item, "deleted_at")?);
    Ok(Some(StoredDeleted {
        stored: read_character(item)?,
        deleted_at,
        purge_at: deleted_at.plus_millis(DELETED_CHARACTER_KEPT_MILLIS),
    }))
}

impl Store {
    /// Marks the character as deleted, frees its name and its place in account and leaderboards, and notes when
    /// it is to be purged. False if the account has no such character.
    pub(crate) async fn delete_character(
        &self,
        account: AccountId,
        id: CharacterId,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        for attempt in 0..ATTEMPTS_MAX {
            let Some(stored) = self.character_of(account, id).await? else {
                return Ok(false);
            };
            let players = &self.tables.players;
            let mut parts = vec![
                transact::update(
                    Update::builder()
                        .table_name(players)
                        .key("pk", text(id))
                        .update_expression("SET deleted_at = :now, updated_at = :now ADD #version :one")
                        // A rename between the reading and this would leave its reservation behind.
                        .condition_expression(
                            "attribute_not_exists(deleted_at) AND #name = :name \
                             AND (attribute_not_exists(look) OR look = :look)",
                        )
                        .expression_attribute_names("#name", "name")
                        .expression_attribute_names("#version", "version")
                        .expression_attribute_values(":name", text(&stored.character.name))
                        .expression_attribute_values(":look", text(&stored.look))
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
                self.free_name(&stored.look),
                self.unfindable_part(&stored.character.name),
                self.hide_part(id, &[Hidden::Deleted], true),
            ];
            parts.extend(self.bury_parts(account, id, now.plus_millis(DELETED_CHARACTER_KEPT_MILLIS)));
            if self.transact(parts).await?.is_ok() {
                self.settle_or_leave(id).await;
                return Ok(true);
            }
            back_off(attempt).await;
        }
        Err(StoreError::Contended("a character"))
    }

    /// It is deleted or restored either way: what fails here, the next sweep of the boards does.
    async fn settle_or_leave(&self, id: CharacterId) {
        if let Err(error) = self.settle_boards(id).await {
            tracing::warn!(kind = error.kind(), %error, "the entries of a character on boards change later");
        }
    }

    fn bury_parts(
        &self,
        account: AccountId,
        id: CharacterId,
        purge_at: UnixMillis,
    ) -> [TransactWriteItem; 2] {
        let (shard, grave) = grave_key(id, purge_at);
        [(account.to_string(), deleted_key(id)), (shard, grave)].map(|(pk, sk)| {
            let mut note = item::new_item(pk);
            note.insert("sk".into(), text(sk));
            note.insert("character".into(), text(id));
            transact::put(Put::builder().table_name(&self.tables.possessions).set_item(Some(note)))
        })
    }

    fn exhume_parts(
        &self,
        account: AccountId,
        id: CharacterId,
        purge_at: UnixMillis,
    ) -> [TransactWriteItem; 2] {
        let (shard, grave) = grave_key(id, purge_at);
        [(account.to_string(), deleted_key(id)), (shard, grave)].map(|(pk, sk)| {
            let note = Delete::builder().table_name(&self.tables.possessions);
            transact::delete(note.key("pk", text(pk)).key("sk", text(sk)))
        })
    }

    /// The character, if it was deleted and not yet purged.
    pub(crate) async fn deleted_character(
        &self,
        id: CharacterId,
    ) -> Result<Option<StoredDeleted>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.players).key("pk", text(id));
        let item = sent(call.consistent_read(true).send()).await?.item;
        item.as_ref().map_or(Ok(None), read_deleted)
    }

    /// A page of the deleted characters of the account that can still be restored.
    pub(crate) async fn deleted_characters(
        &self,
        account: AccountId,
        limit: i32,
        cursor: Option<&Cursor>,
        now: UnixMillis,
    ) -> Result<(Vec<DeletedCharacter>, Option<Cursor>), StoreError> {
        let of = Partition::of(&self.tables.possessions, &account, DELETED);
        let (notes, next) = self.page(of, limit, cursor).await?;
        let ids: Result<Vec<String>, StoreError> =
            notes.iter().map(|note| item::read_text(note, "character").map(str::to_owned)).collect();
        let mut characters = Vec::new();
        for item in self.player_items(&ids?).await? {
            if let Some(deleted) = read_deleted(&item)?.filter(|deleted| deleted.purge_at > now) {
                characters.push(DeletedCharacter {
                    character: deleted.stored.character,
                    deleted_at: deleted.deleted_at,
                    restorable_until: deleted.purge_at,
                });
            }
        }
        characters.sort_by_key(|deleted| deleted.character.id);
        Ok((characters, next))
    }

    /// Makes a deleted character what `restored` says: in a free place of its account, under a free name. The
    /// answer under the idempotency key is stored with it, if there is one.
    pub(crate) async fn restore_character(
        &self,
        deleted: &StoredDeleted,
        restored: &Character,
        answer: Option<&StoredAnswer>,
    ) -> Result<Result<(), RestoreRefusal>, StoreError> {
        let account = deleted.stored.account;
        let mut parts = vec![
            self.take_place(account, restored.id),
            self.reserve_name(&restored.name, restored.id),
            self.revive_part(deleted, &restored.name, restored.updated_at),
        ];
        parts.extend(self.exhume_parts(account, restored.id, deleted.purge_at));
        // No ban holds, or this is refused; one that was lifted while the character was deleted has not shown it.
        parts.push(self.hide_part(restored.id, &[Hidden::Deleted, Hidden::Banned], false));
        parts.push(self.findable_part(&restored.name, restored.id, account));
        parts.push(self.not_banned_part(account, restored.updated_at));
        parts.extend(answer.map(|answer| self.answer_part(answer)));
        parts.extend(self.not_spelled_part(&restored.name));
        let outcome = self.transact(parts).await?;
        if outcome.is_ok() {
            self.settle_or_leave(restored.id).await;
        }
        Ok(outcome.map_err(|parts| {
            if answer.is_some() && parts.get(8).is_some_and(Part::is_refused) {
                RestoreRefusal::Repeated
            } else if parts[7].is_refused() {
                RestoreRefusal::Banned
            } else if parts[2].is_refused() {
                RestoreRefusal::Changed
            } else if parts[0].is_refused() {
                RestoreRefusal::TooMany
            } else {
                RestoreRefusal::NameTaken
            }
        }))
    }

    fn revive_part(
        &self,
        deleted: &StoredDeleted,
        name: &CharacterName,
        now: UnixMillis,
    ) -> TransactWriteItem {
        transact::update(
            Update::builder()
                .table_name(&self.tables.players)
                .key("pk", text(deleted.stored.character.id))
                .update_expression(
                    "SET #name = :name, look = :look, updated_at = :now REMOVE deleted_at ADD #version :one",
                )
                .condition_expression("deleted_at = :deleted AND attribute_not_exists(purging)")
                .expression_attribute_names("#name", "name")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":name", text(name))
                .expression_attribute_values(":look", text(name.reservation_key()))
                .expression_attribute_values(":one", number(1))
                .expression_attribute_values(":deleted", number(deleted.deleted_at.as_millis()))
                .expression_attribute_values(":now", number(now.as_millis())),
        )
    }

    /// Purges characters whose time is over, and all that they had. Of which nothing is left, and where the next call
    /// goes on if there was no time for all. It may be cut short anywhere, and run twice at once. Whom it cannot purge
    /// it leaves to the next one that begins anew.
    pub(crate) async fn purge_characters(
        &self,
        cursor: Option<&Cursor>,
        now: UnixMillis,
    ) -> Result<(Vec<CharacterId>, Option<Cursor>), StoreError> {
        let list = DueList {
            table: &self.tables.possessions,
            index: None,
            keys: ["pk", "sk"],
            shards: GRAVE_SHARDS,
            shard_key,
        };
        let mut walk = DueWalk::new(list, now, cursor)?;
        let deadline = self.step_deadline();
        let mut purged = Vec::new();
        loop {
            let here = walk.cursor();
            let Some(grave) = walk.next(self).await? else { return Ok((purged, None)) };
            match self.purge_grave(&grave, now, deadline).await {
                Ok((Purge::Unfinished, _)) => return Ok((purged, Some(here))),
                Ok((Purge::Done, id)) => purged.push(id),
                Ok(_) => {}
                // One that cannot be purged must not keep the others.
                Err(error) => {
                    let grave = item::read_text(&grave, "sk").unwrap_or_default();
                    tracing::error!(kind = error.kind(), %error, grave, "a character is not purged yet");
                }
            }
            if deadline.is_over() {
                return Ok((purged, Some(walk.cursor())));
            }
        }
    }

    async fn purge_grave(
        &self,
        grave: &Item,
        now: UnixMillis,
        deadline: Deadline,
    ) -> Result<(Purge, CharacterId), StoreError> {
        let id = item::read_parsed(grave, "character")?;
        let purge = self.purge_character(id, now, deadline).await?;
        if purge == Purge::NotDeleted {
            let delete = self.client.delete_item().table_name(&self.tables.possessions);
            let key = ["pk", "sk"].map(|name| (name.to_owned(), grave[name].clone()));
            sent(delete.set_key(Some(key.into())).send()).await?;
        }
        Ok((purge, id))
    }

    /// Purges a deleted character whose time is over at `now`, with all that it has, as far as there is time. From the
    /// first write on it cannot be restored. What is said of it in the logs of tournaments, chat and administrators is
    /// its account's, and stays as long as they do.
    async fn purge_character(
        &self,
        id: CharacterId,
        now: UnixMillis,
        deadline: Deadline,
    ) -> Result<Purge, StoreError> {
        let Some(deleted) = self.deleted_character(id).await? else { return Ok(Purge::NotDeleted) };
        if deleted.purge_at > now {
            return Ok(Purge::NotDue);
        }
        let mark = Update::builder()
            .table_name(&self.tables.players)
            .key("pk", text(id))
            .update_expression("SET purging = :yes")
            .condition_expression("deleted_at = :deleted")
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .expression_attribute_values(":deleted", number(deleted.deleted_at.as_millis()));
        if self.transact(vec![transact::update(mark)]).await?.is_err() {
            // Restored, or purged by another call.
            return Ok(Purge::NotDue);
        }
        match self.forget_character(deleted.stored.account, id, deadline).await? {
            Forgotten::Whole => {}
            Forgotten::Unfinished => return Ok(Purge::Unfinished),
            Forgotten::Elsewhere => return Ok(Purge::Elsewhere),
        }
        let last = Delete::builder().table_name(&self.tables.players).key("pk", text(id));
        let mut parts = vec![transact::delete(last)];
        parts.extend(self.exhume_parts(deleted.stored.account, id, deleted.purge_at));
        // Without conditions nothing is refused, and a second time changes nothing.
        Ok(if self.transact(parts).await?.is_ok() { Purge::Done } else { Purge::Unfinished })
    }
}
