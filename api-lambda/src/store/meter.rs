//! What requests cost in the store: calls, and DynamoDB's capacity units. Each call asks the store for its
//! consumption; what it tells is added to the request that made the call.

use std::cell::Cell;

use aws_sdk_dynamodb::config::interceptors::{
    BeforeSerializationInterceptorContextMut, FinalizerInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::batch_get_item::{BatchGetItemInput, BatchGetItemOutput};
use aws_sdk_dynamodb::operation::batch_write_item::{BatchWriteItemInput, BatchWriteItemOutput};
use aws_sdk_dynamodb::operation::delete_item::{DeleteItemInput, DeleteItemOutput};
use aws_sdk_dynamodb::operation::get_item::{GetItemInput, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::{PutItemInput, PutItemOutput};
use aws_sdk_dynamodb::operation::query::{QueryInput, QueryOutput};
use aws_sdk_dynamodb::operation::scan::{ScanInput, ScanOutput};
use aws_sdk_dynamodb::operation::transact_get_items::{TransactGetItemsInput, TransactGetItemsOutput};
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsInput, TransactWriteItemsOutput};
use aws_sdk_dynamodb::operation::update_item::{UpdateItemInput, UpdateItemOutput};
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};
use aws_smithy_types::config_bag::{Storable, StoreReplace};

pub(crate) mod processor;

use processor::ProcessorTime;

/// What a request has used of the store. Units are counted in halves, since an eventually consistent read of up
/// to 4 KB costs half a unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) read_calls: u64,
    pub(crate) write_calls: u64,
    pub(crate) read_half_units: u64,
    pub(crate) write_half_units: u64,
    /// Zero where it is not measured.
    pub(crate) processor: ProcessorTime,
}

tokio::task_local! {
    static USED: Cell<Usage>;
}

/// Runs `request`, and tells what it used of the store.
pub(crate) async fn metered<F: Future>(request: F) -> (F::Output, Usage) {
    USED.scope(Cell::default(), async {
        let output = request.await;
        (output, USED.with(Cell::get))
    })
    .await
}

/// Runs `work` that a request happens to do for all requests of the process: its cost is nobody's.
pub(crate) async fn unmetered<F: Future>(work: F) -> F::Output {
    USED.scope(Cell::default(), work).await
}

/// What a call does.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Read,
    Write,
}

impl Storable for Kind {
    type Storer = StoreReplace<Self>;
}

/// Sees every call of the client that it is added to.
#[derive(Debug)]
pub(super) struct Meter;

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        state: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let input = context.input_mut();
        macro_rules! ask {
            ($kind:expr; $($operation:ty),*) => {
                $(if let Some(input) = input.downcast_mut::<$operation>() {
                    input.return_consumed_capacity = Some(ReturnConsumedCapacity::Total);
                    // The input is gone when the call has ended.
                    state.interceptor_state().store_put($kind);
                })*
            };
        }
        ask!(Kind::Read; GetItemInput, BatchGetItemInput, QueryInput, ScanInput, TransactGetItemsInput);
        ask!(Kind::Write; PutItemInput, UpdateItemInput, DeleteItemInput);
        ask!(Kind::Write; BatchWriteItemInput, TransactWriteItemsInput);
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        state: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut usage = Usage::default();
        match state.load::<Kind>() {
            Some(Kind::Read) => usage.read_calls = 1,
            Some(Kind::Write) | None => usage.write_calls = 1,
        }
        if let Some(Ok(output)) = context.output_or_error() {
            macro_rules! add {
                ($sum:ident: $($operation:ty),*) => {
                    $(if let Some(output) = output.downcast_ref::<$operation>() {
                        usage.$sum += half_units(output.consumed_capacity());
                    })*
                };
            }
            add!(read_half_units: GetItemOutput, BatchGetItemOutput, QueryOutput, ScanOutput, TransactGetItemsOutput);
            add!(write_half_units: PutItemOutput, UpdateItemOutput, DeleteItemOutput);
            add!(write_half_units: BatchWriteItemOutput, TransactWriteItemsOutput);
        }
        // Calls outside of a request, migrations for example, are nobody's.
        let _ = USED.try_with(|used| used.set(used.get().plus(usage)));
        Ok(())
    }
}

impl Usage {
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            read_calls: self.read_calls + other.read_calls,
            write_calls: self.write_calls + other.write_calls,
            read_half_units: self.read_half_units + other.read_half_units,
            write_half_units: self.write_half_units + other.write_half_units,
            processor: ProcessorTime {
                own_ns: self.processor.own_ns + other.processor.own_ns,
                store_ns: self.processor.store_ns + other.processor.store_ns,
            },
        }
    }
}

fn half_units<'a>(consumed: impl IntoIterator<Item = &'a ConsumedCapacity>) -> u64 {
    let units: f64 = consumed.into_iter().filter_map(ConsumedCapacity::capacity_units).sum();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small number of half units"
    )]
    let halves = (units * 2.0).round() as u64;
    halves
}
