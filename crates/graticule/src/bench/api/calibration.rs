//! What a bare call to the store costs the processor of its caller, with the client that the API uses: to be taken
//! off what a request costs, so that our own code is left.

use api_lambda::ApiConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use super::usage::StoreUsage;
use crate::exit::Fault;

const CALLS: u32 = 2_000;
/// Calls before those that count.
const WARM_UP: u32 = 300;
/// Items of the larger of the two transactions that are compared.
const ITEMS_OF_A_WRITE: u32 = 9;
/// Write units that a small item takes in a transaction.
const UNITS_PER_ITEM: f64 = 2.0;

/// Processor time of calls to the store, in microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct CallCosts {
    /// A read of one item.
    pub(super) read: f64,
    /// A transaction, whatever it writes.
    pub(super) write: f64,
    /// What each of its write units adds.
    pub(super) write_unit: f64,
}

impl CallCosts {
    /// What these calls take without our own code. What a read returns is not told by the counters: long pages are
    /// taken for one item, so that the rest of them is counted as our own.
    pub(super) fn of(&self, used: &StoreUsage) -> f64 {
        used.reads * self.read + used.writes * self.write + used.write_units * self.write_unit
    }
}

/// Measures reads of one item, and transactions of one item and of several.
pub(super) async fn calls(store: &str) -> Result<CallCosts, Fault> {
    let config = ApiConfig { dynamodb_endpoint: Some(store.to_owned()), ..ApiConfig::default() };
    let table = format!("{}players", config.table_prefix);
    // A thread of its own, whose clock counts the client and nothing else.
    let measured = tokio::task::spawn_blocking(move || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Fault::failed)?;
        runtime.block_on(async {
            let client = api_lambda::store_client(&config).await;
            let read = measure(async || read(&client, &table).await).await?;
            let one = measure(async || write(&client, &table, 1).await).await?;
            let several = measure(async || write(&client, &table, ITEMS_OF_A_WRITE).await).await?;
            let write_unit = (several - one) / (f64::from(ITEMS_OF_A_WRITE - 1) * UNITS_PER_ITEM);
            Ok(CallCosts { read, write: one - UNITS_PER_ITEM * write_unit, write_unit })
        })
    });
    measured.await.map_err(Fault::failed)?
}

async fn measure(call: impl AsyncFn() -> Result<(), Fault>) -> Result<f64, Fault> {
    for _ in 0..WARM_UP {
        call().await?;
    }
    let before = thread_us();
    for _ in 0..CALLS {
        call().await?;
    }
    Ok((thread_us() - before) / f64::from(CALLS))
}

/// Processor time of this thread in microseconds.
#[expect(clippy::cast_precision_loss, reason = "seconds of a benchmark")]
fn thread_us() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

async fn read(client: &Client, table: &str) -> Result<(), Fault> {
    let key = AttributeValue::S("calibration-0".into());
    let call = client.get_item().table_name(table).key("pk", key).consistent_read(true);
    call.send().await.map(drop).map_err(Fault::failed)
}

async fn write(client: &Client, table: &str, items: u32) -> Result<(), Fault> {
    let puts = (0..items).map(|index| {
        let put = Put::builder()
            .table_name(table)
            .item("pk", AttributeValue::S(format!("calibration-{index}")))
            .item("v", AttributeValue::N("1".into()))
            .item("name", AttributeValue::S("a text of some length".into()))
            .build()
            .map_err(Fault::failed)?;
        Ok(TransactWriteItem::builder().put(put).build())
    });
    let puts: Vec<_> = puts.collect::<Result<_, Fault>>()?;
    client.transact_write_items().set_transact_items(Some(puts)).send().await.map(drop).map_err(Fault::failed)
}
