//! Characters that are on no board: the hidden, the banned and the deleted. A flag says what should be, and work is left until
//! every entry follows; so a crash between two of these writes is mended by the next sweep. Each region sees to the
//! entries of its boards: the flag and its work reach the others with the replication.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, TransactWriteItem, Update};
use contest::rank::Change;
use domain::ids::{AccountId, CharacterId, SeasonId};
use domain::time::UnixMillis;

use crate::clock::Deadline;
use crate::store::admin::read_optional_number;
use crate::store::item::{self, Item, number, text};
use crate::store::page::all;
use crate::store::personal::character::Forgotten;
use crate::store::{ATTEMPTS_MAX, ITEM_VERSION, Store, StoreError, back_off, sent, transact};

use super::homes::{Register, is_of};
use super::sweep::SEASON_REST_MILLIS;
use super::{SeasonForm, StoredEntry, entry_sort_key, key_of, season_key};

const FLAG_SORT_KEY: &str = "flag";

/// Work stays for this long at the least: until then another region may make an entry without knowing of the flag, and
/// this one not know of the entry.
const WORK_MILLIS_MIN: u64 = 30_000;

/// Why a character is on no board. Each is undone by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hidden {
    /// An administrator has hidden this one character.
    ByHand,
    /// Its account is banned.
    Banned,
    Deleted,
}

impl Hidden {
    const fn name(self) -> &'static str {
        match self {
            Self::ByHand => "hidden",
            Self::Banned => "banned",
            Self::Deleted => "deleted",
        }
    }
}

/// Whose part the entries of a character are.
struct Homes {
    /// For this region to change.
    own: Vec<(Arc<SeasonForm>, StoredEntry)>,
    /// How many are for others.
    elsewhere: usize,
    /// Those of a season that is no more: the key of the season, and whether the entry is for this region to delete.
    /// What another region has made a moment ago may look so.
    seasonless: Vec<(String, bool)>,
}

/// What should be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flag {
    is_hidden: bool,
    is_banned: bool,
    /// Whether entries may have yet to follow.
    has_work: bool,
    changed_at: UnixMillis,
    version: u64,
}

pub(super) fn flag_key(character: CharacterId) -> Item {
    key_of(character, FLAG_SORT_KEY)
}

impl Flag {
    pub(super) fn read(item: &Item) -> Result<Self, StoreError> {
        item::check_version(item)?;
        let is = |hidden: Hidden| matches!(item.get(hidden.name()), Some(AttributeValue::Bool(true)));
        let is_banned = is(Hidden::Banned);
        Ok(Self {
            is_hidden: is_banned || is(Hidden::ByHand) || is(Hidden::Deleted),
            is_banned,
            has_work: item.contains_key("work"),
            changed_at: UnixMillis::new(read_optional_number(item, "changed_at")?.unwrap_or_default()),
            version: item::read_number(item, "version")?,
        })
    }

    pub(super) const fn is_hidden(self) -> bool {
        self.is_hidden
    }
}

impl Store {
    /// The part of a transaction that hides a character from all boards, or takes these reasons back. Call
    /// [`Self::settle_boards`] afterwards; if nobody does, a sweep will.
    pub(crate) fn hide_part(&self, character: CharacterId, why: &[Hidden], is_so: bool) -> TransactWriteItem {
        let sets: Vec<String> = why.iter().map(|reason| format!("#{} = :so", reason.name())).collect();
        let update = why.iter().fold(Update::builder(), |update, reason| {
            update.expression_attribute_names(format!("#{}", reason.name()), reason.name())
        });
        transact::update(
            update
                .table_name(&self.tables.boards)
                .set_key(Some(flag_key(character)))
                .update_expression(format!(
                    "SET v = :v, #work = :work, changed_at = :now, {} ADD #version :one",
                    sets.join(", ")
                ))
                .expression_attribute_names("#work", "work")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":v", number(ITEM_VERSION))
                .expression_attribute_values(":so", AttributeValue::Bool(is_so))
                .expression_attribute_values(":work", text(FLAG_SORT_KEY))
                .expression_attribute_values(":now", number(crate::clock::now().as_millis()))
                .expression_attribute_values(":one", number(1)),
        )
    }

    /// Hides these characters of an account from all boards since its ban of this version holds, or shows them since
    /// it does not hold any more; on boards of other regions these do so. Repeating it goes on where it was cut short, and
    /// it does nothing for a ban that was changed since: whoever tells of the newer one sees to them.
    pub(crate) async fn follow_ban(
        &self,
        account: AccountId,
        version: u64,
        characters: &[CharacterId],
        is_banned: bool,
    ) -> Result<(), StoreError> {
        let (items, _) = self.board_items(characters.iter().map(|id| flag_key(*id)).collect(), &[]).await?;
        let mut flags = BTreeMap::new();
        for item in &items {
            flags.insert(item::read_parsed::<CharacterId>(item, "pk")?, Flag::read(item)?);
        }
        let is_other = |id: &&CharacterId| flags.get(id).is_some_and(|flag| flag.is_banned) != is_banned;
        let others: Vec<CharacterId> = characters.iter().filter(is_other).copied().collect();
        if !others.is_empty() {
            // One transaction, so that a ban that was lifted meanwhile hides nobody after all have been shown.
            let mut parts = vec![self.ban_version_part(account, version)];
            parts.extend(others.iter().map(|id| self.hide_part(*id, &[Hidden::Banned], is_banned)));
            if self.transact(parts).await?.is_err() {
                return Ok(());
            }
        }
        let unfinished = flags.iter().filter(|(_, flag)| flag.has_work).map(|(id, _)| *id);
        for character in others.iter().copied().chain(unfinished).collect::<BTreeSet<_>>() {
            self.settle_boards(character).await?;
        }
        Ok(())
    }

    /// Hides a character from all boards, those to come included, and counts it out. The number of entries that
    /// changed here: those of other regions follow.
    pub(crate) async fn hide_from_boards(&self, character: CharacterId) -> Result<u64, StoreError> {
        self.set_hidden(character, true).await
    }

    /// Takes that back: the entries count again, with the scores that were submitted meanwhile, unless the character
    /// is hidden for another reason too.
    pub(crate) async fn show_on_boards(&self, character: CharacterId) -> Result<u64, StoreError> {
        self.set_hidden(character, false).await
    }

    async fn set_hidden(&self, character: CharacterId, is_hidden: bool) -> Result<u64, StoreError> {
        // The part has no condition, so it cannot be refused.
        let _ = self.transact(vec![self.hide_part(character, &[Hidden::ByHand], is_hidden)]).await?;
        self.settle_boards(character).await
    }

    /// A new entry is made under the condition that the flag is as it was read.
    pub(super) fn flag_check(&self, character: CharacterId, flag: Option<&Flag>) -> TransactWriteItem {
        let check =
            ConditionCheck::builder().table_name(&self.tables.boards).set_key(Some(flag_key(character)));
        transact::check(match flag {
            None => check.condition_expression("attribute_not_exists(pk)"),
            Some(flag) => check
                .condition_expression("#version = :version")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":version", number(flag.version)),
        })
    }

    pub(super) async fn board_flag(&self, character: CharacterId) -> Result<Option<Flag>, StoreError> {
        let (items, _) = self.board_items(vec![flag_key(character)], &[]).await?;
        items.first().map(Flag::read).transpose()
    }

    /// Makes every entry of this region's boards follow the flag, each with its counts in one transaction, and takes the
    /// work away when those of all regions do. The number of entries that changed.
    pub(crate) async fn settle_boards(&self, character: CharacterId) -> Result<u64, StoreError> {
        let mut changed = 0;
        for attempt in 0..ATTEMPTS_MAX {
            let Some(flag) = self.board_flag(character).await? else { return Ok(changed) };
            let mut left = self.entries_of_character(character).await?;
            left.retain(|(_, _, entry)| entry.is_hidden != flag.is_hidden());
            // Those of a season that is no more, or is being deleted, have nothing to follow in.
            let Homes { own, elsewhere, .. } = self.by_home(left).await?;
            let mut is_settled = true;
            for (form, entry) in own {
                let turned = StoredEntry { is_hidden: flag.is_hidden(), version: entry.version + 1, ..entry };
                if self.change_entry(&form, character, &entry, Some(&turned)).await? {
                    changed += 1;
                } else {
                    is_settled = false;
                }
            }
            let is_old = crate::clock::now().millis_since(flag.changed_at) > WORK_MILLIS_MIN;
            if is_settled && (elsewhere > 0 || !is_old || self.end_work(character, flag).await?) {
                return Ok(changed);
            }
            back_off(attempt).await;
        }
        Err(StoreError::Contended("the entries of a character"))
    }

    /// Deletes every entry of a character that is no more on boards of this region, with its counts; the flag goes when
    /// those of all regions are gone. It may be cut short anywhere, and called again: one goes each time.
    pub(crate) async fn forget_on_boards(
        &self,
        character: CharacterId,
        deadline: Deadline,
    ) -> Result<Forgotten, StoreError> {
        for attempt in 0..ATTEMPTS_MAX {
            let mut is_done = true;
            let entries = self.entries_of_character(character).await?;
            let Homes { own, mut elsewhere, seasonless } = self.by_home(entries).await?;
            for (form, entry) in own {
                is_done &= self.change_entry(&form, character, &entry, None).await?;
                if deadline.is_over() {
                    return Ok(Forgotten::Unfinished);
                }
            }
            for (season_key, is_own) in seasonless {
                if is_own {
                    // Nothing counts it, and no sweep finds it.
                    let entry = self.client.delete_item().table_name(&self.tables.boards);
                    let key = key_of(character, entry_sort_key(&season_key));
                    sent(entry.set_key(Some(key)).send()).await?;
                } else {
                    elsewhere += 1;
                }
            }
            if is_done && elsewhere > 0 {
                return Ok(Forgotten::Elsewhere);
            }
            if is_done {
                let flag = self.client.delete_item().table_name(&self.tables.boards);
                sent(flag.set_key(Some(flag_key(character))).send()).await?;
                return Ok(Forgotten::Whole);
            }
            back_off(attempt).await;
        }
        Err(StoreError::Contended("the entries of a character"))
    }

    /// Whose part these entries are.
    async fn by_home(&self, entries: Vec<(String, SeasonId, StoredEntry)>) -> Result<Homes, StoreError> {
        // Most characters have nothing to do.
        let register = if entries.is_empty() { Register::new() } else { self.board_register().await? };
        let mut homes = Homes { own: Vec::new(), elsewhere: 0, seasonless: Vec::new() };
        for (board, season, entry) in entries {
            let is_own = is_of(&self.region, &board, &register);
            match self.season_form_by_key(&board, season).await? {
                Some(form) if is_own => homes.own.push((form, entry)),
                Some(_) => homes.elsewhere += 1,
                None => {
                    // A board is registered with its first season, and leaves the register after its last one.
                    let is_nobodys = !board.contains('@')
                        && !register.contains_key(&board)
                        && crate::clock::now().millis_since(entry.reached_at) > SEASON_REST_MILLIS;
                    homes.seasonless.push((season_key(&board, season), is_own || is_nobodys));
                }
            }
        }
        Ok(homes)
    }

    /// Changes or removes one entry and its counts. False if it is no longer as it was read.
    pub(super) async fn change_entry(
        &self,
        form: &SeasonForm,
        character: CharacterId,
        old: &StoredEntry,
        new: Option<&StoredEntry>,
    ) -> Result<bool, StoreError> {
        let mut parts = self.entry_parts(form, character, Some(old), new);
        let change = Change { old: old.counted(form), new: new.and_then(|new| new.counted(form)) };
        let writer = u32::try_from(crate::clock::random_u128() >> 96).expect("the upper 32 bits");
        let updates = form.tree.updates_of(&[change], writer);
        parts.extend(updates.iter().map(|update| self.count_part(form, update)));
        Ok(self.transact(parts).await?.is_ok())
    }

    async fn end_work(&self, character: CharacterId, flag: Flag) -> Result<bool, StoreError> {
        let part = transact::update(
            Update::builder()
                .table_name(&self.tables.boards)
                .set_key(Some(flag_key(character)))
                .update_expression("REMOVE #work")
                .condition_expression("#version = :version")
                .expression_attribute_names("#work", "work")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":version", number(flag.version)),
        );
        Ok(self.transact(vec![part]).await?.is_ok())
    }

    /// Every entry of the character: the board's name in keys, the season, and what stands.
    async fn entries_of_character(
        &self,
        character: CharacterId,
    ) -> Result<Vec<(String, SeasonId, StoredEntry)>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.boards)
            .key_condition_expression("pk = :character AND begins_with(sk, :entries)")
            .expression_attribute_values(":character", text(character))
            .expression_attribute_values(":entries", text("e#"))
            .consistent_read(true);
        let mut entries = Vec::new();
        for item in all(query).await? {
            let mut key = item::read_text(&item, "sk")?.splitn(3, '#').skip(1);
            let (Some(board), Some(Ok(season))) = (key.next(), key.next().map(str::parse)) else {
                let reason = "the key of an entry is malformed".to_owned();
                return Err(StoreError::Corrupt { pk: character.to_string(), reason });
            };
            entries.push((board.to_owned(), SeasonId(season), StoredEntry::read(&item)?));
        }
        Ok(entries)
    }

    /// Characters whose entries have yet to follow their flags, in any order: some may have to wait for another region,
    /// and must not keep the same others waiting each time.
    pub(super) async fn unsettled_characters(&self) -> Result<Vec<CharacterId>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.boards)
            .index_name("by_work")
            .key_condition_expression("#work = :work")
            .expression_attribute_names("#work", "work")
            .expression_attribute_values(":work", text(FLAG_SORT_KEY));
        let mut characters = Vec::new();
        for item in all(query).await? {
            characters.push(item::read_parsed(&item, "pk")?);
        }
        let from = crate::clock::random_below(characters.len());
        characters.rotate_left(from);
        Ok(characters)
    }
}
