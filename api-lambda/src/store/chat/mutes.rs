//! Mutes: accounts that may say nothing for a while.

use domain::contract::chat::Mute;
use domain::ids::AccountId;
use domain::time::UnixMillis;

use crate::store::item::{self, number, text};
use crate::store::{Store, StoreError, sent};

const MUTE: &str = "mute";

pub(crate) fn mute_key(account: AccountId) -> String {
    format!("mute#{account}")
}

impl Store {
    /// Mutes an account, instead of any mute before.
    pub(crate) async fn mute(&self, mute: &Mute) -> Result<(), StoreError> {
        let mut item = item::new_item(mute_key(mute.account));
        item.extend([
            ("sk".to_owned(), text(MUTE)),
            ("author".to_owned(), text(mute.account)),
            ("until".to_owned(), number(mute.until.as_millis())),
            ("reason".to_owned(), text(&mute.reason)),
            ("by".to_owned(), text(&mute.by)),
            ("ttl".to_owned(), number(mute.until.as_secs() + 1)),
        ]);
        let call = self.client.put_item().table_name(&self.tables.chat).set_item(Some(item));
        sent(call.send()).await?;
        Ok(())
    }

    /// Ends a mute, if there is one.
    pub(crate) async fn unmute(&self, account: AccountId) -> Result<(), StoreError> {
        let call = self.client.delete_item().table_name(&self.tables.chat);
        let call = call.key("pk", text(mute_key(account))).key("sk", text(MUTE));
        sent(call.send()).await?;
        Ok(())
    }

    /// The mute of an account that is in force.
    pub(crate) async fn muted(
        &self,
        account: AccountId,
        now: UnixMillis,
    ) -> Result<Option<Mute>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.chat);
        let call = call.key("pk", text(mute_key(account))).key("sk", text(MUTE)).consistent_read(true);
        let Some(item) = sent(call.send()).await?.item else { return Ok(None) };
        item::check_version(&item)?;
        let mute = Mute {
            account,
            until: UnixMillis::new(item::read_number(&item, "until")?),
            reason: item::read_text(&item, "reason")?.to_owned(),
            by: item::read_text(&item, "by")?.to_owned(),
        };
        Ok(Some(mute).filter(|mute| mute.until > now))
    }
}
