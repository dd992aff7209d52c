//! What of an item that several players share is one player's, so that an export tells nothing of the others.

use serde_json::{Map, Value};

use crate::store::personal::Subject;

/// Characters of an id after its prefix.
const DIGITS: usize = 26;
/// Fields that say whose an item is, and those that then are of the same one.
const AUTHORS: [&str; 3] = ["author", "character", "from"];
const WORDS: [&str; 2] = ["name", "text"];
/// What stands in the place of the id of somebody else.
const SOMEBODY: &str = "somebody_else";

/// The digits of the ids of accounts and characters in the text.
fn ids_in(text: &str) -> impl Iterator<Item = &str> {
    let starts = ["acc_", "chr_"].into_iter().flat_map(|prefix| text.match_indices(prefix));
    starts.filter_map(|(at, _)| text.get(at + 4..at + 4 + DIGITS))
}

/// Whom a value is about.
#[derive(Debug, Clone, Copy, Default)]
struct About {
    player: bool,
    others: bool,
}

fn about(value: &Value, own: &[String]) -> About {
    let mut found = About::default();
    let mut note = |more: About| {
        found.player |= more.player;
        found.others |= more.others;
    };
    match value {
        Value::String(text) => {
            for id in ids_in(text) {
                let player = own.iter().any(|own| own == id);
                note(About { player, others: !player });
            }
        }
        Value::Array(values) => values.iter().for_each(|value| note(about(value, own))),
        Value::Object(fields) => {
            for (name, value) in fields {
                note(about(&Value::String(name.clone()), own));
                note(about(value, own));
            }
        }
        _ => {}
    }
    found
}

fn without_others(text: &str, own: &[String]) -> String {
    let others: Vec<&str> = ids_in(text).filter(|id| own.iter().all(|own| own != id)).collect();
    others.into_iter().fold(text.to_owned(), |text, other| text.replace(other, SOMEBODY))
}

/// The value without what is about somebody else alone; none where nothing is left. Texts that are JSON are shown as
/// what they say.
pub(super) fn own_part(value: &Value, subject: &Subject) -> Option<Value> {
    keep(&opened(value), &subject.ids())
}

/// An item of the player's own without the accounts of others, which players never see; characters are there as the
/// player knows them.
pub(super) fn without_accounts(value: &Value, subject: &Subject) -> Value {
    let own = subject.ids();
    let hide = |text: &str| {
        let accounts = text.match_indices("acc_").filter_map(|(at, _)| text.get(at + 4..at + 4 + DIGITS));
        let others = accounts.filter(|id| own.iter().all(|own| own != id));
        others.fold(text.to_owned(), |text, other| text.replace(other, SOMEBODY))
    };
    match value {
        Value::String(text) => Value::String(hide(text)),
        Value::Array(values) => values.iter().map(|value| without_accounts(value, subject)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (hide(name), without_accounts(value, subject)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

fn opened(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with(['{', '[']) => {
            serde_json::from_str(text).unwrap_or_else(|_| value.clone())
        }
        Value::Array(values) => values.iter().map(opened).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), opened(value))).collect())
        }
        other => other.clone(),
    }
}

fn keep(value: &Value, own: &[String]) -> Option<Value> {
    let whom = about(value, own);
    if !whom.others {
        return Some(value.clone());
    }
    if !whom.player {
        return None;
    }
    Some(match value {
        Value::String(text) => Value::String(without_others(text, own)),
        Value::Array(values) => values.iter().filter_map(|value| keep(value, own)).collect(),
        Value::Object(fields) => {
            // Beside the id of somebody else stand a name and words of somebody else.
            let is_of_another = AUTHORS.iter().filter_map(|name| fields.get(*name)).any(|author| {
                let whom = about(author, own);
                whom.others && !whom.player
            });
            let kept = fields.iter().filter(|(name, _)| !is_of_another || !WORDS.contains(&name.as_str()));
            let kept = kept
                .filter_map(|(name, value)| Some((without_others(name, own), keep(value, own)?)))
                .collect::<Map<_, _>>();
            Value::Object(kept)
        }
        other => other.clone(),
    })
}

#[cfg(test)]
mod tests {
    use domain::ids::{AccountId, CharacterId};
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_about_somebody_else_alone_is_left_out() {
        let id = CharacterId::from_u128;
        let subject =
            Subject { account: AccountId::from_u128(1), characters: [id(2)].into(), names: [].into() };
        let body = json!({ "sides": [{ "character": id(2), "name": "Ann" }, { "character": id(3), "name": "Bob" }] });
        let item = json!({
            "pk": format!("whisper#{}#{}", id(2), id(3)), "v": 1, "body": body.to_string(),
            "by": { "character": id(3), "name": "Bob" }, "names": { (id(3).to_string()): "Bob" }, "text": "[hello",
        });
        let expected = json!({
            "pk": format!("whisper#{}#chr_somebody_else", id(2)), "v": 1,
            "body": { "sides": [{ "character": id(2), "name": "Ann" }] }, "text": "[hello",
        });
        assert_eq!(own_part(&item, &subject), Some(expected));
        assert_eq!(own_part(&json!({ "character": id(3) }), &subject), None);
        let friend = json!({ "sk": format!("friend#{}", AccountId::from_u128(9)), "character": id(3) });
        let shown = json!({ "sk": "friend#acc_somebody_else", "character": id(3) });
        assert_eq!(without_accounts(&friend, &subject), shown);
        let said = json!({ "to": id(2), "character": id(3), "name": "Bob", "text": "hello", "at": 1 });
        assert_eq!(own_part(&said, &subject), Some(json!({ "to": id(2), "at": 1 })));
    }
}
