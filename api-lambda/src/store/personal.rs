//! What is stored about one player, table by table: the register that export and deletion go by. A table that is not
//! in here fails a test. Deletion goes on in steps, each of which may be the last before a crash.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::query::{QueryError, QueryOutput};
use aws_sdk_dynamodb::operation::scan::ScanError;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ids::{AccountId, CharacterId};

use crate::store::cursor::KeyPart;
use crate::store::item::{Item, text};
use crate::store::meter::processor::outside;
use crate::store::{Store, StoreError, sent, unavailable};

pub(crate) mod character;
pub(crate) mod erase;
mod export;
mod own;
mod sweep;

/// A table and how it holds what belongs to a player.
pub(crate) struct PersonalTable {
    /// Its name without the prefix.
    name: &'static str,
    /// The attributes of its key.
    keys: &'static [&'static str],
    /// What is found by a key, exported and deleted.
    partitions: &'static [Whose],
    /// Whether items that are not found by a key mention the player, so that the whole table is looked through once.
    swept: bool,
    /// In words: why this is all.
    how: &'static str,
}

/// A partition with a player's items.
enum Whose {
    /// Its key is the account.
    Account,
    /// Its key is a character.
    Character,
    /// An index by the account: its name and its key.
    Index(&'static str, [&'static str; 2]),
    /// An index by a character: its name and its key.
    CharacterIndex(&'static str, [&'static str; 2]),
    /// One of all players: the items that mention this one.
    Shared(&'static str),
}

use Whose::{Account, Character, CharacterIndex, Index, Shared};

/// Items of one page of a whole table.
const SCANNED_PER_PAGE: i32 = 1_000;

const SIMPLE: &[&str] = &["pk"];
const SORTED: &[&str] = &["pk", "sk"];

/// A table that holds nothing of players, or nothing that lasts.
const fn without(name: &'static str, keys: &'static [&'static str], how: &'static str) -> PersonalTable {
    PersonalTable { name, keys, partitions: &[], swept: false, how }
}

/// A table with partitions of a player, and nothing else of it.
const fn with(
    name: &'static str,
    keys: &'static [&'static str],
    partitions: &'static [Whose],
    how: &'static str,
) -> PersonalTable {
    PersonalTable { name, keys, partitions, swept: false, how }
}

/// A table in which items that are found by no key mention a player too.
const fn swept(
    name: &'static str,
    keys: &'static [&'static str],
    partitions: &'static [Whose],
    how: &'static str,
) -> PersonalTable {
    PersonalTable { name, keys, partitions, swept: true, how }
}

/// Every table of the store.
pub(crate) const PERSONAL_TABLES: &[PersonalTable] = &[
    with("players", SIMPLE, &[Account, Character], "names go with the deletion of each character"),
    swept("requests", SIMPLE, &[], "answers and events of the last 24 hours"),
    without("fleet", SIMPLE, "seats that were promised end within a minute"),
    without("mail", SORTED, "mail expires after a minute"),
    with(
        "possessions",
        SORTED,
        &[
            Account,
            Character,
            Shared("graves#0"),
            Shared("graves#1"),
            Shared("graves#2"),
            Shared("graves#3"),
            Shared("graves#4"),
            Shared("graves#5"),
            Shared("graves#6"),
            Shared("graves#7"),
        ],
        "what characters own, and which are deleted",
    ),
    swept(
        "admin",
        SORTED,
        &[Account],
        "notes and bans; the audit log keeps calls under a pseudonym, without what was said",
    ),
    with("boards", SORTED, &[Character], "entries; their places and counts go with them"),
    swept("matchmaking", SORTED, &[Character], "ratings; tickets and matches that mention who took part"),
    swept("tournaments", SORTED, &[], "logs that mention who took part: each tournament forgets as a whole"),
    with(
        "social",
        SORTED,
        &[Account, Character],
        "own lists; those of others are changed through the relations",
    ),
    swept(
        "market",
        SORTED,
        &[Character, CharacterIndex("by_seller", ["seller", "listing"])],
        "offers and what waits for a character; trades that mention both; history and fees name nobody",
    ),
    swept(
        "chat",
        SORTED,
        &[Index("by_author", ["author", "sk"])],
        "what was said and reported, found by its author; what was whispered to a character",
    ),
    without("content", SORTED, "the catalogue"),
    swept("rooms", SIMPLE, &[], "who is in a room, or was put out of it"),
    without("migrations", SIMPLE, "names of migrations"),
];

/// The tables and, in words, what each holds of players.
pub fn personal_tables() -> impl Iterator<Item = (&'static str, &'static str)> {
    PERSONAL_TABLES.iter().map(|table| (table.name, table.how))
}

/// Who is exported or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) account: AccountId,
    /// Deleted ones too.
    pub(crate) characters: BTreeSet<CharacterId>,
    pub(crate) names: BTreeSet<String>,
}

impl Subject {
    /// Texts by which an item is known to mention the player: the digits of ids, whatever stands before them.
    fn ids(&self) -> Vec<String> {
        let characters = self.characters.iter().map(ToString::to_string);
        let ids = [self.account.to_string()].into_iter().chain(characters);
        ids.map(|id| digits(&id).to_owned()).collect()
    }
}

/// An id without its prefix: entrants of tournaments have the digits of a character.
fn digits(id: &str) -> &str {
    id.rsplit('_').next().unwrap_or(id)
}

/// A place to look at: a table, and how.
struct Place {
    table: &'static PersonalTable,
    find: Find,
}

/// How a place is looked at.
enum Find {
    /// One query. Of what is not the player's own partition, only items that mention the player.
    Query { index: Option<(&'static str, [&'static str; 2])>, value: String, is_own: bool },
    /// The whole table, for items that mention the player and are in no partition of its own.
    Scan,
}

impl Place {
    const fn query(
        table: &'static PersonalTable,
        index: Option<(&'static str, [&'static str; 2])>,
        value: String,
        is_own: bool,
    ) -> Self {
        Self { table, find: Find::Query { index, value, is_own } }
    }

    /// The key that a page ends with.
    fn form(&self) -> Vec<(&'static str, KeyPart<'_>)> {
        let mut form: Vec<_> = self.table.keys.iter().map(|name| (*name, KeyPart::Text(""))).collect();
        if let Find::Query { index, value, .. } = &self.find {
            let keys = index.iter().flat_map(|(_, more)| more);
            form.extend(
                keys.filter(|name| !self.table.keys.contains(name)).map(|name| (*name, KeyPart::Text(""))),
            );
            let hash = index.map_or(self.table.keys[0], |(_, [hash, _])| hash);
            for (_, part) in form.iter_mut().filter(|(name, _)| *name == hash) {
                *part = KeyPart::Fixed(value);
            }
        }
        form
    }

    /// Whether all that is found is the player's, so that it is exported as it is.
    const fn is_own(&self) -> bool {
        matches!(self.find, Find::Query { is_own: true, .. })
    }
}

/// Every place where something of a character is found by a key.
fn places_of(character: CharacterId) -> impl Iterator<Item = Place> {
    let all =
        PERSONAL_TABLES.iter().flat_map(|table| table.partitions.iter().map(move |whose| (table, whose)));
    all.filter_map(move |(table, whose)| match whose {
        Character => Some(Place::query(table, None, character.to_string(), true)),
        CharacterIndex(name, keys) => {
            Some(Place::query(table, Some((*name, *keys)), character.to_string(), false))
        }
        Account | Index(..) | Shared(_) => None,
    })
}

/// Every place where something of the player is found by a key, in an order that stays.
fn places(subject: &Subject) -> Vec<Place> {
    let mut places: Vec<_> = subject.characters.iter().flat_map(|character| places_of(*character)).collect();
    for table in PERSONAL_TABLES {
        places.extend(table.partitions.iter().filter_map(|whose| match whose {
            Account => Some(Place::query(table, None, subject.account.to_string(), true)),
            Index(name, keys) => {
                Some(Place::query(table, Some((*name, *keys)), subject.account.to_string(), false))
            }
            Shared(value) => Some(Place::query(table, None, (*value).to_owned(), false)),
            Character | CharacterIndex(..) => None,
        }));
    }
    places
}

/// Every place where anything of the player is.
fn all_places(subject: &Subject) -> Vec<Place> {
    let mut places = places(subject);
    let swept = PERSONAL_TABLES.iter().filter(|table| table.swept);
    places.extend(swept.map(|table| Place { table, find: Find::Scan }));
    places
}

impl Store {
    /// The full name of a table.
    fn personal_table(&self, name: &str) -> String {
        format!("{}{name}", self.tables.prefix)
    }

    /// A page of what is at this place. None of a table that does not exist yet.
    async fn page_at(
        &self,
        place: &Place,
        subject: &Subject,
        start: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let ids = subject.ids();
        match &place.find {
            Find::Query { index, value, is_own } => {
                let call = self
                    .client
                    .query()
                    .table_name(self.personal_table(place.table.name))
                    .set_index_name(index.map(|(name, _)| name.to_owned()))
                    .key_condition_expression("#key = :key")
                    .expression_attribute_names(
                        "#key",
                        index.map_or(place.table.keys[0], |(_, keys)| keys[0]),
                    )
                    .expression_attribute_values(":key", text(value))
                    .consistent_read(index.is_none())
                    .set_exclusive_start_key(start)
                    .limit(100);
                let Some(page) = existing(outside(call.send()).await)? else { return Ok((Vec::new(), None)) };
                let mut items = page.items.unwrap_or_default();
                items.retain(|item| *is_own || item.values().any(|value| mentions(value, &ids)));
                Ok((items, page.last_evaluated_key))
            }
            Find::Scan => {
                let (mut items, next) = self.table_page(place.table, start).await?;
                let is_elsewhere = |item: &Item| {
                    item.get("pk")
                        .and_then(|pk| pk.as_s().ok())
                        .is_some_and(|pk| ids.iter().any(|id| id == digits(pk)))
                };
                items.retain(|item| {
                    !is_elsewhere(item)
                        && !erase::is_job(item)
                        && item.values().any(|value| mentions(value, &ids))
                });
                Ok((items, next))
            }
        }
    }

    /// A page of a whole table, and where the next one starts.
    async fn table_page(
        &self,
        table: &PersonalTable,
        start: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let call = self.client.scan().table_name(self.personal_table(table.name)).limit(SCANNED_PER_PAGE);
        match outside(call.consistent_read(true).set_exclusive_start_key(start).send()).await {
            Ok(page) => Ok((page.items.unwrap_or_default(), page.last_evaluated_key)),
            Err(error)
                if error.as_service_error().is_some_and(ScanError::is_resource_not_found_exception) =>
            {
                Ok((Vec::new(), None))
            }
            Err(error) => Err(unavailable(error)),
        }
    }

    async fn delete_item(&self, table: &PersonalTable, item: &Item) -> Result<(), StoreError> {
        let key = key_of(table, item);
        let call = self.client.delete_item().table_name(self.personal_table(table.name));
        sent(call.set_key(Some(key)).send()).await?;
        Ok(())
    }
}

fn key_of(table: &PersonalTable, item: &Item) -> Item {
    let part = |name: &&str| Some(((*name).to_owned(), item.get(*name)?.clone()));
    table.keys.iter().filter_map(part).collect()
}

fn existing(answer: Result<QueryOutput, SdkError<QueryError>>) -> Result<Option<QueryOutput>, StoreError> {
    match answer {
        Ok(page) => Ok(Some(page)),
        Err(error) if error.as_service_error().is_some_and(QueryError::is_resource_not_found_exception) => {
            Ok(None)
        }
        Err(error) => Err(unavailable(error)),
    }
}

/// Whether one of the ids stands anywhere in the value.
fn mentions(value: &AttributeValue, ids: &[String]) -> bool {
    let in_text = |text: &String| ids.iter().any(|id| text.contains(id));
    match value {
        AttributeValue::S(text) => in_text(text),
        AttributeValue::Ss(texts) => texts.iter().any(in_text),
        AttributeValue::L(values) => values.iter().any(|value| mentions(value, ids)),
        AttributeValue::M(map) => map.iter().any(|(name, value)| in_text(name) || mentions(value, ids)),
        _ => false,
    }
}
