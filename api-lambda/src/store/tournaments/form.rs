//! The form of a tournament's items.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::contract::tournaments::{TournamentState, TournamentSummary};
use domain::ids::TournamentId;
use domain::time::UnixMillis;

use super::tell::Untold;
use super::{Head, corrupt, due_partition};
use crate::store::StoreError;
use crate::store::item::{self, Item, number, text};
use crate::tournament::{Live, Setup};

/// The name of a state in the index.
pub(super) const fn state_name(state: TournamentState) -> &'static str {
    match state {
        TournamentState::Registration => "registration",
        TournamentState::CheckIn => "check_in",
        TournamentState::Running => "running",
        TournamentState::Finished => "finished",
        TournamentState::Cancelled => "cancelled",
    }
}

fn state_of(name: &str) -> Option<TournamentState> {
    use TournamentState as S;
    let all = [S::Registration, S::CheckIn, S::Running, S::Finished, S::Cancelled];
    all.into_iter().find(|state| state_name(*state) == name)
}

/// The head of a tournament before anything happened.
pub(super) fn head_item(id: TournamentId, setup: &Setup, live: &Live) -> Item {
    let definition = &setup.definition;
    let format = serde_json::to_string(&definition.format).expect("a format is plain data");
    let mut item = item::new_item(id);
    item.extend([
        ("sk".to_owned(), text("head")),
        ("version".to_owned(), number(0)),
        ("state".to_owned(), text(state_name(TournamentState::Registration))),
        ("starts_at".to_owned(), number(setup.starts_at().as_millis())),
        ("title".to_owned(), text(&definition.title)),
        ("format".to_owned(), text(format)),
        ("team_size".to_owned(), number(definition.team_size)),
        ("entrants".to_owned(), number(0)),
        ("entrants_max".to_owned(), number(definition.entrants_max)),
        ("region".to_owned(), text(setup.home())),
        ("snapshot".to_owned(), number(0)),
    ]);
    if let Some(due_at) = live.tournament.next_deadline() {
        item.insert("due".to_owned(), text(due_partition(setup.home(), id)));
        item.insert("due_at".to_owned(), number(due_at.as_millis()));
    }
    item
}

/// The number attribute `name`, where there is one.
fn read_optional(item: &Item, name: &str) -> Result<Option<u64>, StoreError> {
    item.contains_key(name).then(|| item::read_number(item, name)).transpose()
}

pub(super) fn untold_value(untold: &Untold) -> AttributeValue {
    AttributeValue::M(untold.iter().map(|(record, tries)| (record.to_string(), number(tries))).collect())
}

fn read_untold(id: TournamentId, item: &Item) -> Result<Untold, StoreError> {
    if !item.contains_key("untold") {
        return Ok(Untold::new());
    }
    let untold = item::read_map(item, "untold")?;
    let read = |record: &String| {
        let number =
            record.parse().map_err(|_| corrupt(id, format!("{record:?} is no number of a record")))?;
        Ok((number, item::read_number(untold, record)?))
    };
    untold.keys().map(read).collect()
}

pub(super) fn read_head(item: &Item) -> Result<Head, StoreError> {
    item::check_version(item)?;
    let id = item::read_parsed(item, "pk")?;
    let state = state_of(item::read_text(item, "state")?).ok_or_else(|| corrupt(id, "an unknown state"))?;
    let format = serde_json::from_str(item::read_text(item, "format")?)
        .map_err(|error| corrupt(id, error.to_string()))?;
    let summary = TournamentSummary {
        id,
        version: item::read_number(item, "version")?,
        title: item::read_text(item, "title")?.to_owned(),
        state,
        format,
        team_size: item::read_number(item, "team_size")?,
        entrants: item::read_number(item, "entrants")?,
        entrants_max: item::read_number(item, "entrants_max")?,
        starts_at: UnixMillis::new(item::read_number(item, "starts_at")?),
        region: item::read_text(item, "region")?.to_owned(),
    };
    Ok(Head {
        summary,
        tell_from: read_optional(item, "tell_from")?,
        untold: read_untold(id, item)?,
        snapshot: item::read_number(item, "snapshot")?,
    })
}

/// A JSON body, as text.
pub(super) fn read_body<T: serde::de::DeserializeOwned>(
    id: TournamentId,
    item: &Item,
    name: &str,
) -> Result<T, StoreError> {
    item::check_version(item)?;
    serde_json::from_str(item::read_text(item, name)?).map_err(|error| corrupt(id, error.to_string()))
}

/// The bytes of a part of a snapshot.
pub(super) fn read_part(id: TournamentId, item: &Item) -> Result<&[u8], StoreError> {
    item::check_version(item)?;
    match item.get("part") {
        Some(AttributeValue::B(bytes)) => Ok(bytes.as_ref()),
        _ => Err(corrupt(id, "a snapshot without its bytes")),
    }
}
