//! Transactions: repeats what lost to another writer, and tells which conditions did not hold.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use crate::store::item::Item;
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
            let Err(error) = call.send().await else { return Ok(Ok(())) };
            match cancelled_parts(&error) {
                Some(parts) if parts.iter().any(Part::is_refused) => return Ok(Err(parts)),
                // Another transaction held one of the items.
                Some(_) => back_off(attempt).await,
                None => return Err(unavailable(error)),
            }
        }
        Err(StoreError::Contended("a transaction"))
    }
}

fn cancelled_parts(error: &SdkError<TransactWriteItemsError>) -> Option<Vec<Part>> {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error.as_service_error()? else {
        return None;
    };
    let reasons = cancelled.cancellation_reasons();
    let known = |code: &str| matches!(code, "None" | "ConditionalCheckFailed" | "TransactionConflict");
    if !reasons.iter().all(|reason| reason.code().is_none_or(known)) {
        return None;
    }
    let part = |reason: &aws_sdk_dynamodb::types::CancellationReason| {
        if reason.code() == Some("ConditionalCheckFailed") {
            Part::Refused(reason.item().cloned())
        } else {
            Part::Held
        }
    };
    Some(reasons.iter().map(part).collect())
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
