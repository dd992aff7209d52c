//! Telling players about something that has happened already. It knows no topic. What cannot be told is logged: the
//! change stands, and players find it when they look.

use domain::contract::mail::Notice;
use domain::ids::CharacterId;
use domain::time::UnixMillis;
use serde::Serialize;

use crate::store::{Store, StoreError};

/// A notice with this body, which must be an object.
pub(crate) fn notice(topic: &str, body: &impl Serialize) -> Notice {
    let body = serde_json::to_string(body).expect("a notice is plain data");
    Notice { topic: topic.to_owned(), body }
}

/// Tells these characters.
pub(crate) async fn tell(
    store: &Store,
    characters: &[CharacterId],
    topic: &str,
    body: &impl Serialize,
    now: UnixMillis,
) {
    log(topic, store.notify(characters, &notice(topic, body), now).await);
}

/// Logs a notice that was not told.
pub(crate) fn log(topic: &str, told: Result<(), StoreError>) {
    if let Err(error) = told {
        tracing::warn!(kind = error.kind(), topic, %error, "players were not told");
    }
}
