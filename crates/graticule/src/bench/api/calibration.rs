//! What the meter of the API takes for our own code in a bare call to the store, with the client that the API uses: the
//! first and last steps of a call, which the client lets nobody see. It is to be taken off what requests cost.

use api_lambda::{ApiConfig, timed};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use serde::Serialize;

use super::usage::StoreUsage;
use crate::exit::Fault;

const CALLS: u32 = 2_000;
/// Calls before those that count.
const WARM_UP: u32 = 300;

/// Processor time of a bare call to the store, in microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct CallCost {
    /// That the meter sees to be the client's.
    pub(super) seen: f64,
    /// That it takes for our own code.
    pub(super) unseen: f64,
}

/// Of a read of one item, and of a transaction that writes one.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct CallCosts {
    pub(super) read: CallCost,
    pub(super) write: CallCost,
}

impl CallCosts {
    /// What of these calls is taken for our own code.
    pub(super) fn unseen(&self, used: &StoreUsage) -> f64 {
        used.reads * self.read.unseen + used.writes * self.write.unseen
    }
}

/// Measures them.
pub(super) async fn calls(store: &str) -> Result<CallCosts, Fault> {
    let store = Some(store.to_owned());
    let config = ApiConfig { dynamodb_endpoint: store, processor_times: true, ..ApiConfig::default() };
    let table = format!("{}players", config.table_prefix);
    let client = api_lambda::store_client(&config).await;
    let read = measure(async || read(&client, &table).await).await?;
    let write = measure(async || write(&client, &table).await).await?;
    Ok(CallCosts { read, write })
}

async fn measure(call: impl AsyncFn() -> Result<(), Fault>) -> Result<CallCost, Fault> {
    for _ in 0..WARM_UP {
        call().await?;
    }
    let (mut seen, mut unseen) = (0, 0);
    for _ in 0..CALLS {
        let (done, processor) = timed(call()).await;
        done?;
        seen += processor.store_ns;
        unseen += processor.own_ns;
    }
    let each_us = |sum: u64| super::per(sum) / f64::from(CALLS) / 1e3;
    Ok(CallCost { seen: each_us(seen), unseen: each_us(unseen) })
}

async fn read(client: &Client, table: &str) -> Result<(), Fault> {
    let key = AttributeValue::S("calibration".into());
    let call = client.get_item().table_name(table).key("pk", key).consistent_read(true);
    call.send().await.map(drop).map_err(Fault::failed)
}

async fn write(client: &Client, table: &str) -> Result<(), Fault> {
    let put = Put::builder()
        .table_name(table)
        .item("pk", AttributeValue::S("calibration".into()))
        .item("v", AttributeValue::N("1".into()))
        .build()
        .map_err(Fault::failed)?;
    let call = client.transact_write_items().transact_items(TransactWriteItem::builder().put(put).build());
    call.send().await.map(drop).map_err(Fault::failed)
}
