//! Seats: places in an instance that are promised to characters on their way. They are kept in the item of the
//! instance's load, count from the moment of the promise, and end with the ticket.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValue;
use domain::contract::instances::Purpose;
use domain::ids::{CharacterId, HostId, InstanceId, ZoneId};
use domain::time::UnixMillis;

use crate::store::fleet::{self, load_key, read_purpose};
use crate::store::item::{self, Item, number, text};
use crate::store::{Store, StoreError, unavailable};

/// An instance that players may be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenInstance {
    pub(crate) instance: InstanceId,
    pub(crate) host: HostId,
    pub(crate) url: String,
    /// Players that its host counted last.
    pub(crate) players: u32,
    /// Seats promised, those that the next heartbeat will sweep included.
    pub(crate) seats: u32,
}

impl OpenInstance {
    /// Players in it and on their way.
    pub(crate) const fn occupied(&self) -> u32 {
        self.players.saturating_add(self.seats)
    }
}

impl Store {
    /// Instances of the zone whose host has a lease and is not draining.
    pub(crate) async fn open_instances(
        &self,
        zone: &ZoneId,
        now: UnixMillis,
    ) -> Result<Vec<OpenInstance>, StoreError> {
        let loads = self.leased(zone, now).await?;
        loads.iter().filter(|load| fleet::takes_players(load)).map(read_open).collect()
    }

    /// Promises a seat until `until` if fewer than `limit` are then occupied, as counted by the read behind
    /// `open`. False if that no longer holds.
    pub(crate) async fn take_seat(
        &self,
        open: &OpenInstance,
        character: CharacterId,
        limit: u32,
        now: UnixMillis,
        until: UnixMillis,
    ) -> Result<bool, StoreError> {
        let call = self
            .client
            .update_item()
            .table_name(&self.tables.fleet)
            .key("pk", text(load_key(open.instance)))
            .update_expression("SET seats.#character = :until")
            .condition_expression(
                "lease_until > :now AND draining = :no AND players <= :players \
                 AND (size(seats) < :room OR attribute_exists(seats.#character))",
            )
            .expression_attribute_names("#character", character.to_string())
            .expression_attribute_values(":until", number(until.as_millis()))
            .expression_attribute_values(":now", number(now.as_millis()))
            .expression_attribute_values(":no", aws_sdk_dynamodb::types::AttributeValue::Bool(false))
            .expression_attribute_values(":players", number(open.players))
            .expression_attribute_values(":room", number(limit.saturating_sub(open.players)));
        done_if(call.send().await)
    }

    /// Takes a promise back.
    pub(crate) async fn free_seat(
        &self,
        instance: InstanceId,
        character: CharacterId,
    ) -> Result<(), StoreError> {
        let call = self
            .client
            .update_item()
            .table_name(&self.tables.fleet)
            .key("pk", text(load_key(instance)))
            .update_expression("REMOVE seats.#character")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#character", character.to_string());
        done_if(call.send().await).map(|_| ())
    }

    /// The character has arrived: its seat ends at `until`, when its host has counted it. The answer is what the
    /// instance is for, if there was a seat.
    pub(crate) async fn end_seat(
        &self,
        instance: InstanceId,
        character: CharacterId,
        until: UnixMillis,
    ) -> Result<Option<Purpose>, StoreError> {
        let call = self
            .client
            .update_item()
            .table_name(&self.tables.fleet)
            .key("pk", text(load_key(instance)))
            .update_expression("SET seats.#character = :until")
            .condition_expression("attribute_exists(seats.#character)")
            .expression_attribute_names("#character", character.to_string())
            .expression_attribute_values(":until", number(until.as_millis()))
            .return_values(ReturnValue::AllNew);
        let load = if_done(call.send().await)?.and_then(|done| done.attributes);
        load.as_ref().map(read_purpose).transpose()
    }

    /// Removes the seats of this load that have ended.
    pub(crate) async fn sweep_seats(
        &self,
        instance: InstanceId,
        load: &Item,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let mut ended = Vec::new();
        for character in item::read_map(load, "seats")?.keys() {
            if item::read_number::<u64>(item::read_map(load, "seats")?, character)? <= now.as_millis() {
                ended.push(character);
            }
        }
        // An expression takes 4 KiB: 40 seats need under 3 KiB, the rest waits for the next heartbeat.
        for group in ended.chunks(40) {
            let names: Vec<_> = (0..group.len()).map(|i| format!("seats.#c{i}")).collect();
            let conditions: Vec<_> = names.iter().map(|name| format!("{name} <= :now")).collect();
            let mut call = self
                .client
                .update_item()
                .table_name(&self.tables.fleet)
                .key("pk", text(load_key(instance)))
                .update_expression(format!("REMOVE {}", names.join(", ")))
                // A seat taken anew since the read stays; the others go with the next heartbeat.
                .condition_expression(conditions.join(" AND "))
                .expression_attribute_values(":now", number(now.as_millis()));
            for (index, character) in group.iter().enumerate() {
                call = call.expression_attribute_names(format!("#c{index}"), *character);
            }
            done_if(call.send().await)?;
        }
        Ok(())
    }
}

/// Whether the condition of the update held.
pub(crate) fn done_if<T>(result: Result<T, SdkError<UpdateItemError>>) -> Result<bool, StoreError> {
    if_done(result).map(|done| done.is_some())
}

/// The answer, if the condition of the update held.
fn if_done<T>(result: Result<T, SdkError<UpdateItemError>>) -> Result<Option<T>, StoreError> {
    match result {
        Ok(done) => Ok(Some(done)),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
        {
            Ok(None)
        }
        Err(error) => Err(unavailable(error)),
    }
}

pub(crate) fn read_open(item: &Item) -> Result<OpenInstance, StoreError> {
    item::check_version(item)?;
    Ok(OpenInstance {
        instance: item::read_parsed(item, "instance")?,
        host: item::read_parsed(item, "host")?,
        url: item::read_text(item, "url")?.to_owned(),
        players: item::read_number(item, "players")?,
        seats: u32::try_from(item::read_map(item, "seats")?.len()).unwrap_or(u32::MAX),
    })
}
