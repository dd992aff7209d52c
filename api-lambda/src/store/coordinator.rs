//! The lease of a region's coordinator: one item of the table `fleet`. Its epoch rises with each change of hands. What
//! the coordinator does is safe without it; the lease keeps two of them from doing the work twice.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use domain::contract::coordinator::CoordinatorLease;
use domain::ids::{Epoch, HostId};
use domain::limits::COORDINATOR_LEASE_MILLIS;
use domain::time::UnixMillis;

use crate::store::item::{self, Item, number, text};
use crate::store::meter::processor::outside;
use crate::store::{ITEM_VERSION, Store, StoreError, sent, unavailable};

fn lease_key(region: &str) -> String {
    format!("coordinator#{region}")
}

impl Store {
    /// Renews the lease of the host, or takes it if nobody has it. The answer is who has it.
    pub(crate) async fn bid_for_coordinator(
        &self,
        region: &str,
        host: HostId,
        now: UnixMillis,
    ) -> Result<CoordinatorLease, StoreError> {
        // All hosts bid twice a second for one item. A read is enough for those who find it held by another: a write
        // that is refused costs as much as one that is not, and 250 hosts would fill the item's partition.
        if let Some(held) = self.coordinator(region, now).await?
            && held.host != host
            && held.lease_ms > 0
        {
            return Ok(held);
        }
        // A renewal keeps the epoch; a change of hands raises it. Which one it is, the item decides.
        let renewed = self.write_lease(region, host, now, "SET lease_until = :until", "host = :host").await?;
        if let Ok(item) = renewed {
            return read_lease(&item, now);
        }
        let set = "SET v = :v, host = :host, lease_until = :until ADD epoch :one";
        let free = "attribute_not_exists(pk) OR lease_until <= :now";
        match self.write_lease(region, host, now, set, free).await? {
            Ok(item) | Err(Some(item)) => read_lease(&item, now),
            Err(None) => Err(StoreError::Contended("the coordinator's lease")),
        }
    }

    /// The item after the write, or, if the condition did not hold, the item as it is.
    async fn write_lease(
        &self,
        region: &str,
        host: HostId,
        now: UnixMillis,
        set: &str,
        condition: &str,
    ) -> Result<Result<Item, Option<Item>>, StoreError> {
        let mut call = self
            .client
            .update_item()
            .table_name(&self.tables.fleet)
            .key("pk", text(lease_key(region)))
            .update_expression(set)
            .condition_expression(condition)
            .expression_attribute_values(":host", text(host))
            .expression_attribute_values(
                ":until",
                number(now.plus_millis(COORDINATOR_LEASE_MILLIS).as_millis()),
            )
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if set.contains(":one") {
            call = call
                .expression_attribute_values(":one", number(1))
                .expression_attribute_values(":v", number(ITEM_VERSION))
                .expression_attribute_values(":now", number(now.as_millis()));
        }
        match outside(call.send()).await {
            Ok(done) => Ok(Ok(done.attributes.unwrap_or_default())),
            Err(SdkError::ServiceError(error)) => match error.into_err() {
                UpdateItemError::ConditionalCheckFailedException(refused) => Ok(Err(refused.item)),
                error => Err(StoreError::Unavailable(error.to_string())),
            },
            Err(error) => Err(unavailable(error)),
        }
    }

    /// The coordinator, or the last one.
    pub(crate) async fn coordinator(
        &self,
        region: &str,
        now: UnixMillis,
    ) -> Result<Option<CoordinatorLease>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.fleet).key("pk", text(lease_key(region)));
        let item = sent(call.consistent_read(true).send()).await?.item;
        item.as_ref().map(|item| read_lease(item, now)).transpose()
    }
}

fn read_lease(item: &Item, now: UnixMillis) -> Result<CoordinatorLease, StoreError> {
    item::check_version(item)?;
    Ok(CoordinatorLease {
        host: item::read_parsed(item, "host")?,
        epoch: Epoch(item::read_number(item, "epoch")?),
        lease_ms: UnixMillis::new(item::read_number(item, "lease_until")?).millis_since(now),
    })
}
