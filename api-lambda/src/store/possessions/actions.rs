//! Actions: what hosts do with what characters have. An action is decided on what was read, and written in one
//! transaction under the conditions that it was decided on; where one of them does not hold any more, it is read
//! and decided again. Each transaction also remembers the action's number, checks the host's claim of the
//! character, and the epoch. An action that is refused takes part with a condition that never holds, so that the
//! transaction still tells whether it was done before.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::{ConditionCheck, Put, TransactWriteItem};
use domain::catalogue::PossessionRules;
use domain::contract::possessions::{ActionBatch, ActionOutcome, CharacterAction};
use domain::ids::{CharacterId, Epoch, InstanceId};
use domain::time::UnixMillis;

use super::Possessions;
use super::deeds::keys_of;
use super::gains::Source;
use crate::store::batches::{EVENT_KEPT_SECS, Fenced};
use crate::store::characters::form::read_living;
use crate::store::item::{self, number, text};
use crate::store::transact::Part;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, transact};

/// Actions of one transaction: each has at most 5 parts, and there is the fence.
const ACTIONS_PER_TRANSACTION: usize = 19;

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
        for mut group in groups(&batch.actions) {
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
        let mut once = item::new_item(format!("action#{cause}"));
        once.insert("ttl".into(), number(now.as_secs() + EVENT_KEPT_SECS));
        let once = Put::builder()
            .table_name(&self.tables.requests)
            .set_item(Some(once))
            .condition_expression("attribute_not_exists(pk)");
        let claimed = ConditionCheck::builder()
            .table_name(&self.tables.players)
            .key("pk", text(action.character))
            .condition_expression("attribute_not_exists(deleted_at) AND claim = :claim")
            .expression_attribute_values(":claim", number(action.claim));
        let mut parts = vec![transact::put(once), transact::check(claimed)];
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

/// Parts the actions into groups for one transaction each: no character twice, and those of one character in
/// their order.
fn groups(actions: &[CharacterAction]) -> Vec<Vec<Pending<'_>>> {
    let mut groups: Vec<Vec<Pending<'_>>> = Vec::new();
    let mut after: BTreeMap<CharacterId, usize> = BTreeMap::new();
    for (index, action) in actions.iter().enumerate() {
        let first = after.get(&action.character).copied().unwrap_or(0);
        let fits = |group: &usize| groups[*group].len() < ACTIONS_PER_TRANSACTION;
        let group = (first..groups.len()).find(fits).unwrap_or(groups.len());
        if group == groups.len() {
            groups.push(Vec::new());
        }
        after.insert(action.character, group + 1);
        groups[group].push(Pending { index, action });
    }
    groups
}
