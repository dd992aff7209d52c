//! What differs between two catalogues, and what it takes to bring it into force.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Catalogue;

/// Fields that name an entry of a list, the first one that an entry has.
const NAMES: [&str; 14] = [
    "zone",
    "archetype",
    "ability",
    "flag",
    "item",
    "currency",
    "board",
    "queue",
    "kind",
    "slot",
    "id",
    "name",
    "number",
    "code",
];

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Change {
    /// Where: `zones[forest].budget`, for example. Entries of lists are told apart by their names.
    pub path: String,
    /// How it comes into force.
    pub effect: ChangeEffect,
    /// What was there; absent if nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// What is there; absent if nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
}

/// How a change comes into force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ChangeEffect {
    /// In running instances between two ticks; players notice nothing but the change.
    Live,
    /// As `live`, but clients must resume to learn what they predict with.
    Reload,
    /// When an instance starts again; running ones keep what they have.
    Restart,
}

impl Catalogue {
    /// What has to be changed to get from this catalogue to `other`, in the order of the paths.
    #[must_use]
    pub fn diff(&self, other: &Self) -> Vec<Change> {
        let tree = |catalogue: &Self| serde_json::to_value(catalogue).expect("a catalogue is plain data");
        let mut changes = Vec::new();
        compare(String::new(), Some(&tree(self)), Some(&tree(other)), &mut changes);
        changes
    }
}

fn compare(path: String, old: Option<&Value>, new: Option<&Value>, changes: &mut Vec<Change>) {
    if old == new {
        return;
    }
    match (old, new) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            compare_parts(old, new, |name| join(&path, name), changes);
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            let (old, new) = match NAMES.iter().find_map(|name| by_name(name, old).zip(by_name(name, new))) {
                Some(named) => named,
                None => (by_place(old), by_place(new)),
            };
            compare_parts(&old, &new, |name| format!("{path}[{name}]"), changes);
        }
        _ => changes.push(Change { effect: effect(&path), path, old: old.cloned(), new: new.cloned() }),
    }
}

fn compare_parts(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    path: impl Fn(&str) -> String,
    changes: &mut Vec<Change>,
) {
    let added = new.keys().filter(|name| !old.contains_key(*name));
    let mut names: Vec<&String> = old.keys().chain(added).collect();
    names.sort_unstable();
    for name in names {
        compare(path(name), old.get(name), new.get(name), changes);
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The entries by the field `name`, if every one has it and no two the same.
fn by_name(name: &str, list: &[Value]) -> Option<Map<String, Value>> {
    let named = list.iter().map(|entry| {
        let name = match entry.get(name)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        Some((name, entry.clone()))
    });
    let named: Map<String, Value> = named.collect::<Option<_>>()?;
    (named.len() == list.len()).then_some(named)
}

fn by_place(list: &[Value]) -> Map<String, Value> {
    // With leading zeros the order of the names is that of the places.
    list.iter().enumerate().map(|(place, entry)| (format!("{place:04}"), entry.clone())).collect()
}

fn effect(path: &str) -> ChangeEffect {
    let field = path.rsplit('.').next().unwrap_or(path);
    let in_zone = path.starts_with("zones[");
    match field {
        "size" | "tick_rate_hz" | "ticks_per_snapshot" | "obstacle_permille" if in_zone => {
            ChangeEffect::Restart
        }
        "interest_radius" if in_zone => ChangeEffect::Reload,
        "radius" | "speed_max" | "acceleration" if path.starts_with("player.") => ChangeEffect::Reload,
        _ => ChangeEffect::Live,
    }
}
