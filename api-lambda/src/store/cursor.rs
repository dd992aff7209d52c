//! Cursors: where a page of a query ended, as an opaque text for the caller. It holds the key of the last item, and
//! nothing that the caller may not see; a forged one names another start within the same query at most.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ids::MessageId;
use serde::{Deserialize, Serialize};

use crate::store::item::{Item, number, text};

/// Longest text of a cursor: four attributes of a key with room to spare.
const CURSOR_CHARS_MAX: usize = 1_024;

/// The end of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Cursor(BTreeMap<String, KeyPart>);

/// An attribute of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum KeyPart {
    S(String),
    N(String),
}

/// A text that no page has given.
#[derive(Debug, thiserror::Error)]
#[error("the cursor is not one that a page has given: start again without it")]
pub(crate) struct InvalidCursor;

impl Cursor {
    /// The cursor after a page that ended with `key`, unless it was the last page.
    pub(crate) fn after(key: Option<&Item>) -> Option<Self> {
        let part = |(name, value): (&String, &AttributeValue)| match value {
            AttributeValue::S(text) => Some((name.clone(), KeyPart::S(text.clone()))),
            AttributeValue::N(digits) => Some((name.clone(), KeyPart::N(digits.clone()))),
            // Keys of other types are not in use.
            _ => None,
        };
        key.map(|key| Self(key.iter().filter_map(part).collect()))
    }

    /// The same for queries within one partition: the cursor does not show the partition, which may be the account
    /// of somebody.
    pub(crate) fn after_sort_key(key: Option<&Item>) -> Option<Self> {
        Self::after(key).map(|Self(mut parts)| {
            parts.remove("pk");
            Self(parts)
        })
    }

    /// The cursor after a page of messages that ended with this one.
    pub(crate) fn before_message(id: MessageId) -> Self {
        Self(BTreeMap::from([("sk".to_owned(), KeyPart::S(id.to_string()))]))
    }

    /// The cursor after a page that ended at this place of an index.
    pub(crate) fn at(place: String) -> Self {
        Self(BTreeMap::from([("sk".to_owned(), KeyPart::S(place))]))
    }

    /// The key to start after. `fixed` is what the query demands of it: the caller cannot lead it elsewhere.
    pub(crate) fn start(&self, fixed: &[(&str, AttributeValue)]) -> Item {
        let mut key: Item = self
            .0
            .iter()
            .map(|(name, part)| {
                let value = match part {
                    KeyPart::S(content) => text(content),
                    KeyPart::N(digits) => number(digits),
                };
                (name.clone(), value)
            })
            .collect();
        key.extend(fixed.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        key
    }

    /// The key to start after, made of these attributes alone, all texts. None for a cursor of another query, which
    /// the store would take for a fault: the page then is the first one.
    pub(crate) fn start_of(&self, names: &[&str], fixed: &[(&str, AttributeValue)]) -> Option<Item> {
        let mut key = self.start(fixed);
        key.retain(|name, value| names.contains(&name.as_str()) && value.as_s().is_ok_and(|s| !s.is_empty()));
        (key.len() == names.len()).then_some(key)
    }

    /// The sort key where a query over keys with one of these prefixes goes on. The store refuses others.
    pub(crate) fn sort_key(&self, prefixes: &[&str]) -> Result<String, InvalidCursor> {
        match self.0.get("sk") {
            Some(KeyPart::S(key)) if prefixes.iter().any(|prefix| key.starts_with(prefix)) => Ok(key.clone()),
            _ => Err(InvalidCursor),
        }
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor.0).expect("a cursor is plain data"))
    }
}

impl TryFrom<String> for Cursor {
    type Error = InvalidCursor;

    fn try_from(text: String) -> Result<Self, InvalidCursor> {
        if text.len() > CURSOR_CHARS_MAX {
            return Err(InvalidCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        serde_json::from_slice(&bytes).map(Self).map_err(|_| InvalidCursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_way_to_the_caller_and_keeps_to_its_query() {
        let key = Item::from([("pk".to_owned(), text("a")), ("at".to_owned(), number(7))]);
        let cursor = Cursor::after(Some(&key)).expect("a page");
        let sent = String::from(cursor.clone());
        let back = Cursor::try_from(sent).expect("its own text");
        assert_eq!(back, cursor);
        assert_eq!(back.start(&[]), key);
        assert_eq!(back.start(&[("pk", text("b"))])["pk"], text("b"));
        assert!(back.sort_key(&[""]).is_err(), "there is none");
        let sorted = Cursor::after(Some(&Item::from([("sk".to_owned(), text("item#7"))]))).expect("a page");
        assert_eq!(sorted.sort_key(&["stack#", "item#"]).expect("fits"), "item#7");
        assert!(sorted.sort_key(&["stack#"]).is_err());
        for rubbish in ["", "%", "e30x", &"a".repeat(2_000)] {
            assert!(Cursor::try_from(rubbish.to_owned()).is_err(), "{rubbish}");
        }
    }
}
