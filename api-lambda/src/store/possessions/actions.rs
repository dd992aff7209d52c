//! Actions: what hosts do with what characters have. An action is decided on what was read, and written in one
//! transaction under the conditions that it was decided on; where one of them does not hold any more, it is read
//! and decided again. Each transaction also remembers the action's number, checks the host's claim of the
//! character, and the epoch. An action that is refused takes part with a condition that never holds, so that the
//! transaction still tells whether it was done before.
//!
//! The batches of `store::batches` are another engine: what their entries write is known before anything is read (but
//! for money and scores) and made once, while an action is decided anew at each try, and its outcomes are others.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem};
use domain::catalogue::PossessionRules;
use domain::contract::possessions::{ActionBatch, ActionOutcome, CharacterAction};
use domain::ids::{Epoch, InstanceId};
use domain::time::UnixMillis;

use super::Possessions;
use super::deeds::keys_of;
use super::gains::Source;
use crate::store::batches::{Fenced, in_groups};
use crate::store::characters::form::read_living;
use crate::store::item::{number, text};
use crate::store::transact::Part;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, transact};

/// Parts of a transaction that an action has at most.
const ACTION_PARTS_MAX: usize = 5;

/// Where an action stands in the batch.
struct Pending<'a> {
    index: usize,
    action: &'a CharacterAction,
}

/// An action as it takes part in a transaction.
struct Attempt {
    parts: Vec<TransactWriteItem>,
    /// Why it is not done, unless it was done before.
    verdict: Option<ActionOutcome>,
}

/// The batch that an action came in.
#[derive(Clone, Copy)]
struct Origin {
    instance: InstanceId,
    epoch: Epoch,
    now: UnixMillis,
}

impl Store {
    /// Does each action once for its (instance, epoch, sequence), those of one character in their order.
    pub(crate) async fn apply_actions(
        &self,
        rules: &PossessionRules,
        instance: InstanceId,
        batch: &ActionBatch,
        now: UnixMillis,
    ) -> Result<Result<Vec<ActionOutcome>, Fenced>, StoreError> {
        let origin = Origin { instance, epoch: batch.epoch, now };
        let mut outcomes = vec![ActionOutcome::Stored; batch.actions.len()];
        let pending = batch.actions.iter().enumerate().map(|(index, action)| Pending { index, action });
        for mut group in in_groups(pending, |pending| (pending.action.character, ACTION_PARTS_MAX)) {
            let mut attempt = 0;
            while !group.is_empty() {
                let attempts = self.attempts(rules, origin, &group).await?;
                let parts = std::iter::once(self.fence_part(instance, batch.epoch))
                    .chain(attempts.iter().flat_map(|attempt| attempt.parts.iter().cloned()))
                    .collect();
                let Err(parts) = self.transact(parts).await? else { break };
                let Some((fence, mut rest)) = parts.split_first() else { break };
                if fence.is_refused() {
                    return Ok(Err(Fenced));
                }
                let before = group.len();
                let mut left = Vec::new();
                for (pending, attempt) in group.into_iter().zip(&attempts) {
                    let (own, others) = rest.split_at(attempt.parts.len().min(rest.len()));
                    rest = others;
                    match outcome(own, attempt.verdict)? {
                        Some(outcome) => outcomes[pending.index] = outcome,
                        None => left.push(pending),
                    }
                }
                if left.len() == before {
                    // Somebody changed what was read.
                    attempt += 1;
                    if attempt == ATTEMPTS_MAX {
                        return Err(StoreError::Contended("actions"));
                    }
                    back_off(attempt).await;
                }
                group = left;
            }
        }
        Ok(Ok(outcomes))
    }

    /// Reads what the actions are about, and decides them.
    async fn attempts(
        &self,
        rules: &PossessionRules,
        origin: Origin,
        group: &[Pending<'_>],
    ) -> Result<Vec<Attempt>, StoreError> {
        let keys: BTreeSet<_> = group
            .iter()
            .flat_map(|pending| {
                let character = pending.action.character;
                keys_of(&pending.action.action).into_iter().map(move |key| (character, key))
            })
            .collect();
        let found = self.possessions(&keys).await?;
        group.iter().map(|pending| self.attempt(rules, origin, pending.action, &found)).collect()
    }

    fn attempt(
        &self,
        rules: &PossessionRules,
        origin: Origin,
        action: &CharacterAction,
        found: &Possessions,
    ) -> Result<Attempt, StoreError> {
        let Origin { instance, epoch, now } = origin;
        let cause = Source { instance, epoch, sequence: action.sequence };
        let claimed = ConditionCheck::builder()
            .table_name(&self.tables.players)
            .key("pk", text(action.character))
            .condition_expression("attribute_not_exists(deleted_at) AND claim = :claim")
            .expression_attribute_values(":claim", number(action.claim));
        let mut parts = vec![self.once_part(format!("action#{cause}"), now), transact::check(claimed)];
        let decided = self.deed_parts(rules, action, cause, found, now)?;
        let verdict = match decided {
            Ok(deed) => {
                parts.extend(deed);
                None
            }
            Err(verdict) => {
                parts.push(self.impossible_part(action.character));
                Some(verdict)
            }
        };
        Ok(Attempt { parts, verdict })
    }
}

/// What became of an action whose transaction was refused; `None`: nothing yet.
fn outcome(parts: &[Part], verdict: Option<ActionOutcome>) -> Result<Option<ActionOutcome>, StoreError> {
    Ok(match parts {
        [once, ..] if once.is_refused() => Some(ActionOutcome::Stored),
        [_, Part::Refused(Some(character)), ..] if read_living(character)?.is_some() => {
            Some(ActionOutcome::Fenced)
        }
        [_, Part::Refused(_), ..] => Some(ActionOutcome::Gone),
        _ => verdict,
    })
}
