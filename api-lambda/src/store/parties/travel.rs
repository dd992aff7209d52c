//! Seats for a party: in one instance, for all who are not there yet, or for none. They are part of the instance's
//! load, like those of players who come alone.

use aws_sdk_dynamodb::types::{AttributeValue, Update};
use domain::ids::CharacterId;
use domain::time::UnixMillis;

use crate::party::Party;
use crate::store::fleet::load_key;
use crate::store::item::{number, text};
use crate::store::requests::StoredAnswer;
use crate::store::seats::OpenInstance;
use crate::store::transact::Part;
use crate::store::{Store, StoreError, transact};

/// Why seats were not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SeatsRefusal {
    /// The instance or the party is not as it was read: choose anew.
    Changed,
    /// The request was answered before, or is being answered now.
    Repeated,
}

impl Store {
    /// Promises a seat until `until` to each of `characters` if no more than `capacity` are then occupied, notes the
    /// journey in the party, and keeps the answer, all or none.
    pub(crate) async fn take_seats(
        &self,
        open: &OpenInstance,
        capacity: u32,
        characters: &[CharacterId],
        (party, stamp): (&Party, &str),
        (now, until): (UnixMillis, UnixMillis),
        answer: &StoredAnswer,
    ) -> Result<Result<(), SeatsRefusal>, StoreError> {
        let wanted = u32::try_from(characters.len()).unwrap_or(u32::MAX);
        let Some(room) = capacity.checked_sub(open.players.saturating_add(wanted)) else {
            return Ok(Err(SeatsRefusal::Changed));
        };
        let mut parts = vec![self.party_part(party, Some(stamp))];
        if !characters.is_empty() {
            let sets: Vec<_> =
                (0..characters.len()).map(|index| format!("seats.#c{index} = :until")).collect();
            let mut update = Update::builder()
                .table_name(&self.tables.fleet)
                .key("pk", text(load_key(open.instance)))
                .update_expression(format!("SET {}", sets.join(", ")))
                .condition_expression(
                    "lease_until > :now AND draining = :no AND players <= :players AND size(seats) <= :room",
                )
                .expression_attribute_values(":until", number(until.as_millis()))
                .expression_attribute_values(":now", number(now.as_millis()))
                .expression_attribute_values(":no", AttributeValue::Bool(false))
                .expression_attribute_values(":players", number(open.players))
                .expression_attribute_values(":room", number(room));
            for (index, character) in characters.iter().enumerate() {
                update = update.expression_attribute_names(format!("#c{index}"), character.to_string());
            }
            parts.push(transact::update(update));
        }
        parts.push(self.answer_part(answer));
        Ok(self.transact(parts).await?.map_err(|refused| {
            if refused.last().is_some_and(Part::is_refused) {
                SeatsRefusal::Repeated
            } else {
                SeatsRefusal::Changed
            }
        }))
    }
}
