//! What is stored about one player, table by table: the register that export and deletion go by. A table that is not
//! in here fails a test. Deletion goes on in steps, each of which may be the last before a crash.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::query::{QueryError, QueryOutput};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ids::{AccountId, CharacterId};

use crate::store::item::{Item, text};
use crate::store::{Store, StoreError, unavailable};

pub(crate) mod erase;
mod export;
mod sweep;

/// A table and how it holds what belongs to a player.
pub(crate) struct PersonalTable {
    /// Its name without the prefix.
    name: &'static str,
    /// The attributes of its key.
    keys: &'static [&'static str],
    /// What is found by a key, exported and deleted.
    partitions: &'static [Whose],
    /// Whether items of others mention the player, so that the whole table is looked through once: on a table that
    /// is small or in which nothing lasts.
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
    /// An index by the account.
    Index(&'static str, &'static str),
    /// One of all players: the items that mention this one.
    Shared(&'static str),
}

use Whose::{Account, Character, Index, Shared};

const SIMPLE: &[&str] = &["pk"];
const SORTED: &[&str] = &["pk", "sk"];

/// A table that holds nothing of players, or nothing that lasts.
const fn without(name: &'static str, keys: &'static [&'static str], how: &'static str) -> PersonalTable {
    PersonalTable { name, keys, partitions: &[], swept: false, how }
}

/// A table with partitions of a player.
const fn with(
    name: &'static str,
    keys: &'static [&'static str],
    partitions: &'static [Whose],
    how: &'static str,
) -> PersonalTable {
    PersonalTable { name, keys, partitions, swept: false, how }
}

/// Every table of the store.
pub(crate) const PERSONAL_TABLES: &[PersonalTable] = &[
    with("players", SIMPLE, &[Account, Character], "names go with the deletion of each character"),
    PersonalTable {
        name: "requests",
        keys: SIMPLE,
        partitions: &[],
        swept: true,
        how: "answers and events of the last 24 hours",
    },
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
    PersonalTable {
        name: "admin",
        keys: SORTED,
        partitions: &[Account],
        swept: true,
        how: "notes and bans; the audit log keeps calls under a pseudonym, without what was said",
    },
    with("boards", SORTED, &[], "entries go with the deletion of each character"),
    with("matchmaking", SORTED, &[Character], "tickets and matches expire; ratings are a character's"),
    PersonalTable {
        name: "tournaments",
        keys: SORTED,
        partitions: &[],
        swept: true,
        how: "logs that mention who took part: each tournament forgets as a whole",
    },
    with(
        "social",
        SORTED,
        &[Account, Character],
        "own lists; those of others are changed through the relations",
    ),
    with(
        "market",
        SORTED,
        &[Character],
        "offers and what waits for a character go with it; history and fees name nobody",
    ),
    with("chat", SORTED, &[Index("by_author", "author")], "what was said and reported, found by its author"),
    without("content", SORTED, "the catalogue"),
    without("rooms", SIMPLE, "rooms expire when they are over"),
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
    /// Texts by which an item is known to mention the player.
    fn ids(&self) -> Vec<String> {
        let characters = self.characters.iter().map(ToString::to_string);
        [self.account.to_string()].into_iter().chain(characters).collect()
    }
}

/// One query: a table, and what its key or index must be.
struct Place {
    table: &'static PersonalTable,
    index: Option<&'static str>,
    attribute: &'static str,
    value: String,
    /// Only items that mention the player.
    filtered: bool,
}

/// Every query that is needed to find what belongs to the player, in an order that stays.
fn places(subject: &Subject) -> Vec<Place> {
    let mut places = Vec::new();
    for table in PERSONAL_TABLES {
        for whose in table.partitions {
            let mut add = |index, attribute, value, filtered| {
                places.push(Place { table, index, attribute, value, filtered });
            };
            match whose {
                Account => add(None, table.keys[0], subject.account.to_string(), false),
                Character => {
                    for character in &subject.characters {
                        add(None, table.keys[0], character.to_string(), false);
                    }
                }
                Index(index, attribute) => add(Some(*index), *attribute, subject.account.to_string(), false),
                Shared(value) => add(None, table.keys[0], (*value).to_owned(), true),
            }
        }
    }
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
        let call = self
            .client
            .query()
            .table_name(self.personal_table(place.table.name))
            .set_index_name(place.index.map(str::to_owned))
            .key_condition_expression("#key = :key")
            .expression_attribute_names("#key", place.attribute)
            .expression_attribute_values(":key", text(&place.value))
            .consistent_read(place.index.is_none())
            .set_exclusive_start_key(start)
            .limit(100);
        let Some(page) = existing(call.send().await)? else { return Ok((Vec::new(), None)) };
        let mut items = page.items.unwrap_or_default();
        if place.filtered {
            let ids = subject.ids();
            items.retain(|item| item.values().any(|value| mentions(value, &ids)));
        }
        Ok((items, page.last_evaluated_key))
    }

    async fn delete_item(&self, table: &PersonalTable, item: &Item) -> Result<(), StoreError> {
        let key = key_of(table, item);
        let call = self.client.delete_item().table_name(self.personal_table(table.name));
        call.set_key(Some(key)).send().await.map_err(unavailable)?;
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
