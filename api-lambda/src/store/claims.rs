//! Claims: which entry of a character into an instance is the newest, and may save it.

use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem, Update};
use domain::contract::hosts::{ClaimCharacter, ClaimedCharacter};
use domain::contract::mail::HostOrder;
use domain::ids::CharacterId;
use domain::time::UnixMillis;

use crate::store::item::{number, text};
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, transact};

/// Why a character was not claimed.
#[derive(Debug)]
pub(crate) enum ClaimRefusal {
    /// The account has no such character.
    Missing,
    /// The host does not own the instance (any more).
    Fenced,
    /// The account is banned.
    Banned,
}

impl Store {
    /// Counts the claims of the character on by one. What is answered of the character is exactly what was stored
    /// then.
    pub(crate) async fn claim_character(
        &self,
        id: CharacterId,
        request: &ClaimCharacter,
        now: UnixMillis,
    ) -> Result<Result<ClaimedCharacter, ClaimRefusal>, StoreError> {
        for attempt in 0..ATTEMPTS_MAX {
            let Some(stored) = self.character_of(request.account, id).await? else {
                return Ok(Err(ClaimRefusal::Missing));
            };
            let part = if request.spectates { ", spectates = :now" } else { " REMOVE spectates" };
            let mut parts = vec![
                self.fence_part(request.instance, request.epoch),
                transact::update(
                    Update::builder()
                        .table_name(&self.tables.players)
                        .key("pk", text(id))
                        .update_expression(format!(
                            "SET claim = :next, host = :host, instance = :instance, entered_at = :now{part}"
                        ))
                        .condition_expression(
                            "attribute_not_exists(deleted_at) AND claim = :claim AND #version = :version",
                        )
                        .expression_attribute_names("#version", "version")
                        .expression_attribute_values(":now", number(now.as_millis()))
                        .expression_attribute_values(":host", text(request.host))
                        .expression_attribute_values(":instance", text(request.instance))
                        .expression_attribute_values(":claim", number(stored.claim))
                        .expression_attribute_values(":next", number(stored.claim + 1))
                        .expression_attribute_values(":version", number(stored.character.version)),
                ),
                // In the same transaction: who is not in the world when a ban is stored does not get in after it.
                self.not_banned_part(request.account, now),
            ];
            if let Some((host, instance)) = stored.at.filter(|(host, _)| *host != request.host) {
                // It may stand there still, idle, with nothing to save by which that host would notice.
                let order = HostOrder::Release { instance, character: id, claim: stored.claim };
                parts.push(self.mail_part(host, &order, now));
            }
            match self.transact(parts).await? {
                Ok(()) => {
                    // Read after the claim: from then on only its host changes them.
                    let (equipment, progress) = self.worn_and_progress(id).await?;
                    let (character, claim) = (stored.character, stored.claim + 1);
                    return Ok(Ok(ClaimedCharacter { character, claim, party: None, equipment, progress }));
                }
                Err(parts) if parts[0].is_refused() => return Ok(Err(ClaimRefusal::Fenced)),
                Err(parts) if parts[2].is_refused() => return Ok(Err(ClaimRefusal::Banned)),
                // Somebody wrote to the character since it was read.
                Err(_) => back_off(attempt).await,
            }
        }
        Err(StoreError::Contended("a character"))
    }

    /// Demands that nobody has claimed the character since it was read.
    pub(crate) fn same_claim_part(&self, id: CharacterId, claim: u64) -> TransactWriteItem {
        transact::check(
            ConditionCheck::builder()
                .table_name(&self.tables.players)
                .key("pk", text(id))
                .condition_expression("claim = :claim")
                .expression_attribute_values(":claim", number(claim)),
        )
    }
}
