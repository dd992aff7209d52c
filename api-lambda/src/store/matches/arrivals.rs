//! Who has come into the instance of a match, in the table `matchmaking` as `mch_...`/`came#chr_...`. An item for each, so
//! that all players of a match may come at once: written into the match, they would all wait for each other.

use std::collections::BTreeSet;

use domain::ids::{CharacterId, MatchId};
use domain::time::UnixMillis;

use crate::roster::Roster;
use crate::store::item::{self, number, text};
use crate::store::tickets::matchmaking_key;
use crate::store::{Store, StoreError, sent};

const CAME_PREFIX: &str = "came#";
/// How long it is kept: longer than anybody has to come.
const KEPT_SECS: u64 = 24 * 60 * 60;

impl Store {
    /// Notes that the character is in the instance of the match now.
    pub(crate) async fn note_arrival(
        &self,
        id: MatchId,
        character: CharacterId,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let mut item = item::new_item(id);
        item.extend([
            ("sk".to_owned(), text(format!("{CAME_PREFIX}{character}"))),
            ("character".to_owned(), text(character)),
            ("at".to_owned(), number(now.as_millis())),
            ("ttl".to_owned(), number(now.as_secs() + KEPT_SECS)),
        ]);
        let call = self.client.put_item().table_name(&self.tables.matchmaking).set_item(Some(item));
        sent(call.send()).await.map(drop)
    }

    /// Those who have come to the places that they have, or had. Who was in the match with an earlier place is not
    /// among them.
    pub(crate) async fn arrived(&self, roster: &Roster) -> Result<BTreeSet<CharacterId>, StoreError> {
        let key = |character| matchmaking_key(roster.id, format!("{CAME_PREFIX}{character}"));
        let keys = roster.seats().map(|seat| key(seat.character)).collect();
        let mut came = BTreeSet::new();
        for item in self.matchmaking_items(keys).await? {
            let at = UnixMillis::new(item::read_number(&item, "at")?);
            let character = item::read_parsed(&item, "character")?;
            if roster.seats().any(|seat| seat.character == character && seat.since <= at) {
                came.insert(character);
            }
        }
        Ok(came)
    }
}
