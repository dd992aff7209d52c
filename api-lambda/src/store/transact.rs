//! Transactions: repeats what lost to another writer, and tells which conditions did not hold.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
    Update,
};

use crate::store::item::Item;
use crate::store::meter::processor::outside;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, unavailable};

/// What became of one part of a refused transaction.
#[derive(Debug)]
pub(crate) enum Part {
    /// Its condition held, or it had none.
    Held,
    /// Its condition did not hold; the item as it is, if there is one.
    Refused(Option<Item>),
}

impl Part {
    pub(crate) const fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

impl Store {
    /// Writes all parts or none. The inner error holds one [`Part`] for each part, at least one refused.
    pub(crate) async fn transact(
        &self,
        parts: Vec<TransactWriteItem>,
    ) -> Result<Result<(), Vec<Part>>, StoreError> {
        for attempt in 0..ATTEMPTS_MAX {
            let call = self.client.transact_write_items().set_transact_items(Some(parts.clone()));
            let Err(error) = outside(call.send()).await else { return Ok(Ok(())) };
            match cancellation(&error) {
                Cancellation::Refused(parts) => return Ok(Err(parts)),
                Cancellation::Lost => back_off(attempt).await,
                Cancellation::Failed => return Err(unavailable(error)),
            }
        }
        Err(StoreError::Contended("a transaction"))
    }
}

/// Why nothing of a transaction was written.
#[derive(Debug)]
enum Cancellation {
    /// Every condition was looked at, and at least one did not hold.
    Refused(Vec<Part>),
    /// Some item was in the hands of another transaction, or asked for too often. The conditions on it were not
    /// looked at, so nothing can be concluded from the others: an event that is just being stored by another call
    /// would seem to have no room, and would be stored again in other pieces.
    Lost,
    /// Anything else.
    Failed,
}

fn cancellation(error: &SdkError<TransactWriteItemsError>) -> Cancellation {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            judge(cancelled.cancellation_reasons())
        }
        _ => Cancellation::Failed,
    }
}

fn judge(reasons: &[CancellationReason]) -> Cancellation {
    let (mut parts, mut lost) = (Vec::with_capacity(reasons.len()), false);
    for reason in reasons {
        parts.push(match reason.code() {
            None | Some("None") => Part::Held,
            Some("ConditionalCheckFailed") => Part::Refused(reason.item().cloned()),
            Some("TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded") => {
                lost = true;
                Part::Held
            }
            Some(_) => return Cancellation::Failed,
        });
    }
    if lost || !parts.iter().any(Part::is_refused) {
        return Cancellation::Lost;
    }
    Cancellation::Refused(parts)
}

/// A put as part of a transaction.
pub(crate) fn put(put: aws_sdk_dynamodb::types::builders::PutBuilder) -> TransactWriteItem {
    let put: Put = put.build().expect("a put names its table and item");
    TransactWriteItem::builder().put(put).build()
}

/// An update as part of a transaction; a refusal shows the item as it is.
pub(crate) fn update(update: aws_sdk_dynamodb::types::builders::UpdateBuilder) -> TransactWriteItem {
    let update: Update = update
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .expect("an update names its table, key and expression");
    TransactWriteItem::builder().update(update).build()
}

/// A delete as part of a transaction; a refusal shows the item as it is.
pub(crate) fn delete(delete: aws_sdk_dynamodb::types::builders::DeleteBuilder) -> TransactWriteItem {
    let delete: Delete = delete
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .expect("a delete names its table and key");
    TransactWriteItem::builder().delete(delete).build()
}

/// A condition as part of a transaction; a refusal shows the item as it is.
pub(crate) fn check(check: aws_sdk_dynamodb::types::builders::ConditionCheckBuilder) -> TransactWriteItem {
    let check: ConditionCheck = check
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .expect("a check names its table, key and condition");
    TransactWriteItem::builder().condition_check(check).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(codes: &[&str]) -> Cancellation {
        let reason = |code: &&str| CancellationReason::builder().code(*code).build();
        judge(&codes.iter().map(reason).collect::<Vec<_>>())
    }

    #[test]
    fn nothing_is_concluded_while_a_condition_was_not_looked_at() {
        let refused = judged(&["None", "ConditionalCheckFailed"]);
        assert!(
            matches!(&refused, Cancellation::Refused(parts) if !parts[0].is_refused() && parts[1].is_refused())
        );
        for lost in ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"] {
            assert!(matches!(judged(&["None", lost]), Cancellation::Lost), "{lost}");
            assert!(matches!(judged(&[lost, "ConditionalCheckFailed"]), Cancellation::Lost), "{lost}");
        }
        let broken = judged(&["TransactionConflict", "ConditionalCheckFailed", "ValidationError"]);
        assert!(matches!(broken, Cancellation::Failed));
    }
}
