//! What is stored of a player, as JSON, a part at a time.

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ids::{AccountId, CharacterId};
use serde_json::{Map, Value, json};

use crate::store::cursor::Cursor;
use crate::store::item::{self, Item};
use crate::store::personal::own::{own_part, without_accounts};
use crate::store::personal::{PERSONAL_TABLES, Place, Subject, all_places};
use crate::store::{Store, StoreError};

/// A part of an export.
pub(crate) struct StoredPart {
    pub(crate) table: &'static str,
    pub(crate) items: Vec<Value>,
    /// The number of the place that the next part is of, and where in it.
    pub(crate) next: Option<(usize, Option<Cursor>)>,
}

impl Store {
    /// Whose data it is: the account, its characters, deleted ones too, and their names.
    pub(crate) async fn subject(&self, account: AccountId) -> Result<Subject, StoreError> {
        let mut subject = Subject { account, characters: [].into(), names: [].into() };
        for character in self.characters_of(account).await? {
            subject.characters.insert(character.id);
            subject.names.insert(character.name.to_string());
        }
        let table = PERSONAL_TABLES.iter().find(|table| table.name == "possessions");
        let table = table.expect("the register has the table of deleted characters");
        let place = Place::query(table, None, account.to_string(), true);
        let mut start = None;
        loop {
            let (items, next) = self.page_at(&place, &subject, start).await?;
            let deleted = items.iter().filter_map(|item| {
                let id =
                    item.get("sk")?.as_s().ok()?.strip_prefix("deleted#")?.parse::<CharacterId>().ok()?;
                Some(id)
            });
            subject.characters.extend(deleted.collect::<Vec<_>>());
            start = next;
            if start.is_none() {
                break;
            }
        }
        let keys: Vec<String> = subject.characters.iter().map(ToString::to_string).collect();
        for group in keys.chunks(100) {
            for item in self.player_items(group).await? {
                subject.names.insert(item::read_text(&item, "name")?.to_owned());
            }
        }
        Ok(subject)
    }

    /// The part of an export that begins here.
    pub(crate) async fn export_part(
        &self,
        subject: &Subject,
        number: usize,
        cursor: Option<&Cursor>,
    ) -> Result<Option<StoredPart>, StoreError> {
        let places = all_places(subject);
        let Some(place) = places.get(number) else { return Ok(None) };
        let form = place.form();
        let start = cursor.map(|cursor| cursor.start(&form)).transpose()?;
        let (items, after) = self.page_at(place, subject, start).await?;
        let next = match Cursor::after(after.as_ref(), &form) {
            Some(cursor) => Some((number, Some(cursor))),
            None => (number + 1 < places.len()).then_some((number + 1, None)),
        };
        let shown = |item: &Item| {
            let whole = json_of(item);
            if place.is_own() { Some(without_accounts(&whole, subject)) } else { own_part(&whole, subject) }
        };
        Ok(Some(StoredPart {
            table: place.table.name,
            items: items.iter().filter_map(shown).collect(),
            next,
        }))
    }
}

/// An item as JSON.
fn json_of(item: &Item) -> Value {
    let fields = item.iter().map(|(name, value)| (name.clone(), json_of_value(value)));
    Value::Object(fields.collect::<Map<_, _>>())
}

fn json_of_value(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!(text),
        AttributeValue::N(digits) => serde_json::from_str(digits).unwrap_or_else(|_| json!(digits)),
        AttributeValue::Bool(flag) => json!(flag),
        AttributeValue::Ss(texts) | AttributeValue::Ns(texts) => json!(texts),
        AttributeValue::L(values) => values.iter().map(json_of_value).collect(),
        AttributeValue::M(map) => json_of(map),
        AttributeValue::B(bytes) => json!(URL_SAFE_NO_PAD.encode(bytes)),
        _ => Value::Null,
    }
}
