//! Notes about players. `pk` is the account, `sk` `note#` and the call that added it.

use aws_sdk_dynamodb::types::Put;
use domain::contract::support::Note;
use domain::ids::AccountId;
use domain::time::UnixMillis;

use crate::store::admin::admin_item;
use crate::store::admin::audit::AuditKey;
use crate::store::cursor::Cursor;
use crate::store::item::{self, Item, number, text};
use crate::store::page::Partition;
use crate::store::requests::StoredAnswer;
use crate::store::{Store, StoreError, transact};

const PREFIX: &str = "note#";

impl Store {
    /// Adds a note, with what the audit log says of it and the answer under the idempotency key, if there is one.
    /// False if the request was answered before.
    pub(crate) async fn add_note(
        &self,
        account: AccountId,
        note: &Note,
        audit: AuditKey,
        answer: Option<&StoredAnswer>,
    ) -> Result<bool, StoreError> {
        let mut item = admin_item(account, format!("{PREFIX}{}", note.id));
        item.insert("id".into(), text(note.id));
        item.insert("text".into(), text(&note.text));
        item.insert("by".into(), text(&note.by));
        item.insert("at".into(), number(note.at.as_millis()));
        let mut parts = vec![
            transact::put(Put::builder().table_name(&self.tables.admin).set_item(Some(item))),
            self.audit_effect_part(audit, "noted"),
        ];
        parts.extend(answer.map(|answer| self.answer_part(answer)));
        Ok(self.transact(parts).await?.is_ok())
    }

    /// A page of notes, the newest first.
    pub(crate) async fn notes(
        &self,
        account: AccountId,
        limit: i32,
        cursor: Option<&Cursor>,
    ) -> Result<(Vec<Note>, Option<Cursor>), StoreError> {
        let of = Partition { newest_first: true, ..Partition::of(&self.tables.admin, &account, PREFIX) };
        let (items, next) = self.page(of, limit, cursor).await?;
        Ok((items.iter().map(read_note).collect::<Result<_, _>>()?, next))
    }
}

fn read_note(item: &Item) -> Result<Note, StoreError> {
    item::check_version(item)?;
    Ok(Note {
        id: item::read_parsed(item, "id")?,
        text: item::read_parsed(item, "text")?,
        by: item::read_text(item, "by")?.to_owned(),
        at: UnixMillis::new(item::read_number(item, "at")?),
    })
}
