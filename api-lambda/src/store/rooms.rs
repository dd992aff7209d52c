//! Rooms, in the table `rooms`: one item for each code, with a version that every write checks.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use domain::contract::rooms::{Room, RoomCode};
use domain::ids::AccountId;
use domain::time::UnixMillis;

use crate::rooms::RoomState;
use crate::store::chat::rates;
use crate::store::item::{self, number, text};
use crate::store::requests::StoredAnswer;
use crate::store::{Store, StoreError, sent, transact};

/// How long a code means something after the last time that somebody joined or changed the room.
const KEPT_MILLIS: u64 = 12 * 60 * 60 * 1_000;

/// A room as stored.
#[derive(Debug, Clone)]
pub(crate) struct StoredRoom {
    pub(crate) code: RoomCode,
    pub(crate) state: RoomState,
    pub(crate) version: u64,
    pub(crate) expires_at: UnixMillis,
}

impl StoredRoom {
    pub(crate) fn new(code: RoomCode, state: RoomState, now: UnixMillis) -> Self {
        Self { code, state, version: 1, expires_at: now.plus_millis(KEPT_MILLIS) }
    }

    pub(crate) fn view(&self) -> Room {
        self.state.view(self.code.clone(), self.version, self.expires_at)
    }
}

/// Why a room was not made.
#[derive(Debug)]
pub(crate) enum CreateRefusal {
    CodeTaken,
    /// The account has opened as many as it may until then.
    TooFast {
        until: UnixMillis,
    },
    /// The request was answered before, or is being answered now.
    Repeated,
}

impl Store {
    /// Makes a room, counts it for the account, and stores the answer with it.
    pub(crate) async fn create_room(
        &self,
        room: &StoredRoom,
        (by, answer): (AccountId, &StoredAnswer),
        now: UnixMillis,
    ) -> Result<Result<(), CreateRefusal>, StoreError> {
        let put = self
            .room_put(room)
            .condition_expression("attribute_not_exists(pk) OR expires_at <= :now")
            .expression_attribute_values(":now", number(now.as_millis()));
        let parts =
            vec![transact::put(put), self.answer_part(answer), self.post_rate_part(by, rates::ROOMS, now)];
        Ok(self.transact(parts).await?.map_err(|parts| {
            if parts[1].is_refused() {
                CreateRefusal::Repeated
            } else if parts[2].is_refused() {
                CreateRefusal::TooFast { until: rates::ROOMS.window_end(now) }
            } else {
                CreateRefusal::CodeTaken
            }
        }))
    }

    /// The room, unless it has expired.
    pub(crate) async fn room(
        &self,
        code: &RoomCode,
        now: UnixMillis,
    ) -> Result<Option<StoredRoom>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.rooms).key("pk", text(code));
        let Some(item) = sent(call.consistent_read(true).send()).await?.item else {
            return Ok(None);
        };
        item::check_version(&item)?;
        let state = serde_json::from_str(item::read_text(&item, "state")?).map_err(|error| {
            StoreError::Corrupt { pk: code.to_string(), reason: format!("its state is malformed: {error}") }
        })?;
        let room = StoredRoom {
            code: code.clone(),
            state,
            version: item::read_number(&item, "version")?,
            expires_at: UnixMillis::new(item::read_number(&item, "expires_at")?),
        };
        Ok((room.expires_at > now).then_some(room))
    }

    /// Stores a changed room, and `more` with it, if nobody has changed it since it was read.
    pub(crate) async fn change_room(
        &self,
        room: &mut StoredRoom,
        more: Vec<TransactWriteItem>,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let read = room.version;
        room.version += 1;
        room.expires_at = now.plus_millis(KEPT_MILLIS);
        let put = self
            .room_put(room)
            .condition_expression("#version = :read")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":read", number(read));
        let parts = std::iter::once(transact::put(put)).chain(more).collect();
        Ok(self.transact(parts).await?.is_ok())
    }

    fn room_put(&self, room: &StoredRoom) -> aws_sdk_dynamodb::types::builders::PutBuilder {
        let mut item = item::new_item(&room.code);
        let state = serde_json::to_string(&room.state).expect("a room is plain data");
        item.insert("state".into(), text(state));
        item.insert("version".into(), number(room.version));
        item.insert("expires_at".into(), number(room.expires_at.as_millis()));
        item.insert("ttl".into(), number(room.expires_at.as_secs() + 1));
        Put::builder().table_name(&self.tables.rooms).set_item(Some(item))
    }
}
