//! Cursors: where a page of a query ended, as an opaque text for the caller. It holds what the query does not fix of
//! the key of the last item, and nothing that the caller may not see; a forged one names another start within the
//! same query at most.

use std::collections::BTreeMap;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::store::StoreError;
use crate::store::item::{Item, number, text};

/// Longest text of a cursor: four attributes of a key with room to spare.
const CURSOR_CHARS_MAX: usize = 1_024;

/// The end of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Cursor(BTreeMap<String, String>);

/// What a query demands of an attribute of the key that it starts after. The store takes a key that is outside of the
/// query for a fault of ours, so none may get there.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeyPart<'a> {
    /// The query fixes it: a cursor does not show it, since it may be the account of somebody, and cannot change it.
    Fixed(&'a str),
    /// A text that begins so.
    Text(&'a str),
    /// A whole number up to this one.
    Number(u64),
}

/// A text that no page of the list has given.
#[derive(Debug, thiserror::Error)]
#[error("cursor: it is not one that a page of this list has given: start again without it")]
pub struct InvalidCursor;

impl Cursor {
    /// The cursor after a page that ended with `key`, unless it was the last page.
    pub(crate) fn after(key: Option<&Item>, form: &[(&str, KeyPart<'_>)]) -> Option<Self> {
        let shown = |(name, part): &(&str, KeyPart<'_>)| match (key?.get(*name)?, part) {
            (_, KeyPart::Fixed(_)) => None,
            (value, KeyPart::Text(_)) => Some(((*name).to_owned(), value.as_s().ok()?.clone())),
            (value, KeyPart::Number(_)) => Some(((*name).to_owned(), value.as_n().ok()?.clone())),
        };
        key.map(|_| Self(form.iter().filter_map(shown).collect()))
    }

    /// The cursor after a page that ended at this place, which has a name of its own for each kind of list.
    pub(crate) fn at(name: &str, place: &impl ToString) -> Self {
        Self(BTreeMap::from([(name.to_owned(), place.to_string())]))
    }

    /// The cursor of a place that takes several words.
    pub(crate) fn of_places<const N: usize>(places: [(&str, String); N]) -> Self {
        Self(places.map(|(name, place)| (name.to_owned(), place)).into())
    }

    /// The key to start after, if the cursor fits the query: it has what the query leaves open, and nothing else.
    pub(crate) fn start(&self, form: &[(&str, KeyPart<'_>)]) -> Result<Item, StoreError> {
        let mut given = self.0.len();
        let mut key = Item::new();
        for (name, part) in form {
            let value = match part {
                KeyPart::Fixed(value) => text(value),
                KeyPart::Text(prefix) => {
                    given = given.checked_sub(1).ok_or(StoreError::Cursor(InvalidCursor))?;
                    let value = self.0.get(*name).filter(|value| !value.is_empty());
                    text(
                        value
                            .filter(|value| value.starts_with(prefix))
                            .ok_or(StoreError::Cursor(InvalidCursor))?,
                    )
                }
                KeyPart::Number(most) => {
                    given = given.checked_sub(1).ok_or(StoreError::Cursor(InvalidCursor))?;
                    let value: u64 = self.place(name)?;
                    number(if value <= *most {
                        value
                    } else {
                        return Err(StoreError::Cursor(InvalidCursor));
                    })
                }
            };
            key.insert((*name).to_owned(), value);
        }
        if given == 0 { Ok(key) } else { Err(StoreError::Cursor(InvalidCursor)) }
    }

    /// The place of this name.
    pub(crate) fn place<T: FromStr>(&self, name: &str) -> Result<T, StoreError> {
        self.0.get(name).and_then(|place| place.parse().ok()).ok_or(StoreError::Cursor(InvalidCursor))
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
        let form =
            [("pk", KeyPart::Fixed("acc_1")), ("sk", KeyPart::Text("item#")), ("at", KeyPart::Number(9))];
        let key = |sk: &str, at: u64| {
            let parts = [("pk", text("acc_1")), ("sk", text(sk)), ("at", number(at))];
            Item::from(parts.map(|(name, value)| (name.to_owned(), value)))
        };
        let cursor = |key: &Item, form: &[_]| Cursor::after(Some(key), form).expect("a page");
        let sent = String::from(cursor(&key("item#7", 9), &form));
        let back = Cursor::try_from(sent.clone()).expect("its own text");
        assert_eq!(back.start(&form).expect("fits"), key("item#7", 9));
        assert!(!format!("{back:?}").contains("acc_1"), "what the query fixes is not shown");
        let other = [("pk", KeyPart::Fixed("acc_2")), form[1], form[2]];
        assert_eq!(back.start(&other).expect("fits")["pk"], text("acc_2"), "and not taken from a cursor");
        for foreign in [key("stack#7", 9), key("", 9), key("item#7", 10)] {
            assert!(cursor(&foreign, &[form[0], ("sk", KeyPart::Text("")), form[2]]).start(&form).is_err());
        }
        assert!(back.start(&form[..2]).is_err(), "it has more than the query leaves open");
        assert!(Cursor::at("sk", &"item#7").start(&form).is_err(), "it has less");
        assert_eq!(Cursor::at("position", &7).place::<u64>("position").expect("its own"), 7);
        assert!(Cursor::at("position", &"x").place::<u64>("position").is_err());
        assert!(back.place::<u64>("position").is_err());
        for rubbish in ["", "%", "e30x", &sent[..sent.len() / 2], &"a".repeat(2_000)] {
            assert!(Cursor::try_from(rubbish.to_owned()).is_err(), "{rubbish}");
        }
    }
}
