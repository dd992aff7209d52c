//! Seats for a party: in one instance, for all who are not there yet, or for none. They are like those of players who
//! come alone.

use domain::ids::{CharacterId, InstanceId};
use domain::time::UnixMillis;

use crate::party::Party;
use crate::store::requests::StoredAnswer;
use crate::store::transact::Part;
use crate::store::{Store, StoreError};

/// Why seats were not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SeatsRefusal {
    /// The instance or the party is not as it was read: choose anew.
    Changed,
    /// The request was answered before, or is being answered now.
    Repeated,
}

impl Store {
    /// Promises a seat to each of `characters` (`times`: from now, until when) if no more than `capacity` are then in
    /// the instance or on their way, notes the journey in the party, and keeps the answer, all or none.
    pub(crate) async fn take_seats(
        &self,
        instance: InstanceId,
        capacity: u32,
        characters: &[CharacterId],
        (party, stamp): (&Party, &str),
        times: (UnixMillis, UnixMillis),
        answer: &StoredAnswer,
    ) -> Result<Result<(), SeatsRefusal>, StoreError> {
        let mut parts = vec![self.party_part(party, Some(stamp))];
        if !characters.is_empty() {
            let wanted: Vec<_> = characters.iter().map(|character| (instance, *character)).collect();
            let found = self.seat_ends(&wanted).await?;
            parts.extend(self.seats_parts(instance, capacity, characters, &found, times));
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
