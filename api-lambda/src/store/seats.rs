//! Seats: places in an instance that are promised to characters on their way. The item `seat#ins_...#chr_...` says when
//! the seat of a character ends; the instance's load counts seats by the second in which they end, and in all.
//!
//! A join writes both one after the other and in no transaction, since transactions of many joins would refuse each
//! other at the load. So the order makes it safe: at no moment do fewer seats count than are promised. Whatever is cut
//! off between two writes, or written twice since a reply was lost, leaves one counted too many, until it would have
//! ended anyway. What counts seats out is for the same reason never sent twice ([`at_most_once`]).

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use domain::contract::instances::Purpose;
use domain::ids::{CharacterId, InstanceId};
use domain::time::UnixMillis;

use crate::store::item::{self, Item, number, text};
use crate::store::loads::{load_key, read_purpose};
use crate::store::meter::processor::outside;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, if_held, sent, transact, unavailable};

/// What became of the wish for a seat.
#[derive(Debug)]
pub(crate) enum Taking {
    /// It is promised; the load as it is now.
    Taken(Item),
    /// So many are in the instance or on their way, and there is no room.
    Full(u32),
    /// The instance takes nobody: it is over, draining, or its host has no lease.
    Gone,
}

/// Seats that are counted in and out of a load, by the second in which they end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Recount {
    out: BTreeMap<u64, u32>,
    into: BTreeMap<u64, u32>,
}

/// An update of a load with its conditions.
struct Expression {
    update: String,
    conditions: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Recount {
    /// A seat that ended at `from`, if there was one, ends at `to` from now on, if at all.
    fn count(&mut self, from: Option<u64>, to: Option<u64>) {
        if from == to {
            return;
        }
        for (second, counts) in [(from, &mut self.out), (to, &mut self.into)] {
            if let Some(second) = second {
                *counts.entry(second).or_default() += 1;
            }
        }
    }

    fn one(from: Option<u64>, to: Option<u64>) -> Self {
        let mut recount = Self::default();
        recount.count(from, to);
        recount
    }

    fn reversed(&self) -> Self {
        Self { out: self.into.clone(), into: self.out.clone() }
    }

    /// By how much there are more seats in all.
    fn more(&self) -> i64 {
        let sum = |seats: &BTreeMap<u64, u32>| seats.values().map(|count| i64::from(*count)).sum::<i64>();
        sum(&self.into) - sum(&self.out)
    }

    fn expression(&self) -> Expression {
        let mut sets = vec!["seats = seats + :more".to_owned(), "taken = taken + :more".to_owned()];
        let mut conditions = Vec::new();
        let mut names = HashMap::new();
        let mut values = HashMap::from([(":more".to_owned(), number(self.more()))]);
        for (index, (second, count)) in self.out.iter().enumerate() {
            sets.push(format!("ends.#o{index} = ends.#o{index} - :o{index}"));
            conditions.push(format!("ends.#o{index} >= :o{index}"));
            names.insert(format!("#o{index}"), second.to_string());
            values.insert(format!(":o{index}"), number(count));
        }
        for (index, (second, count)) in self.into.iter().enumerate() {
            sets.push(format!("ends.#i{index} = if_not_exists(ends.#i{index}, :zero) + :i{index}"));
            names.insert(format!("#i{index}"), second.to_string());
            values.insert(format!(":i{index}"), number(count));
            values.insert(":zero".to_owned(), number(0));
        }
        Expression { update: format!("SET {}", sets.join(", ")), conditions, names, values }
    }

    /// So too, if the instance takes players and no more than `limit` are then in it or on their way. Seats that only
    /// end later need no room.
    fn expression_within(&self, limit: u32, now: UnixMillis) -> Expression {
        let mut expression = self.expression();
        expression.conditions.push("lease_until > :now AND draining = :no".to_owned());
        expression.values.insert(":now".to_owned(), number(now.as_millis()));
        expression.values.insert(":no".to_owned(), AttributeValue::Bool(false));
        if self.more() > 0 {
            expression.conditions.push("taken <= :room".to_owned());
            expression.values.insert(":room".to_owned(), number(i64::from(limit) - self.more()));
        }
        expression
    }
}

/// The second at whose end a seat until `until` ends.
fn second_of(until: UnixMillis) -> u64 {
    until.as_millis().div_ceil(1_000)
}

fn seat_key(instance: InstanceId, character: CharacterId) -> String {
    format!("seat#{instance}#{character}")
}

impl Store {
    /// Promises a seat until `until` if no more than `limit` are then in the instance or on their way. Who has a seat
    /// keeps it for longer, whether there is room or not.
    pub(crate) async fn take_seat(
        &self,
        instance: InstanceId,
        character: CharacterId,
        limit: u32,
        now: UnixMillis,
        until: UnixMillis,
    ) -> Result<Taking, StoreError> {
        let mut is_counted = true;
        for attempt in 0..ATTEMPTS_MAX {
            let found = self.seat_ends(&[(instance, character)]).await?.remove(&character);
            let held = found.filter(|end| is_counted && *end * 1_000 > now.as_millis());
            let end = held.map_or(second_of(until), |held| held.max(second_of(until)));
            let recount = Recount::one(held, Some(end));
            match self.recount(instance, &recount, Some((limit, now))).await? {
                Ok(load) => {
                    if found == Some(end) || self.note_seat(instance, character, found, end).await? {
                        return Ok(Taking::Taken(load));
                    }
                    // The same character has taken one at the same moment: that one counts.
                    self.recount(instance, &recount.reversed(), None).await?.ok();
                }
                Err(None) => return Ok(Taking::Gone),
                Err(Some(load)) => {
                    let alive = item::read_number::<u64>(&load, "lease_until")? > now.as_millis();
                    if !alive || load.get("draining") != Some(&AttributeValue::Bool(false)) {
                        return Ok(Taking::Gone);
                    }
                    if held.is_none() {
                        return Ok(Taking::Full(item::read_number(&load, "taken")?));
                    }
                    // It is not counted any more where it should be, or a rival has just moved it.
                    is_counted = attempt == 0;
                }
            }
            back_off(attempt).await;
        }
        Err(StoreError::Contended("the seat of a character"))
    }

    /// When the seats of these characters end, in seconds; those that are over may be among them.
    pub(crate) async fn seat_ends(
        &self,
        wanted: &[(InstanceId, CharacterId)],
    ) -> Result<BTreeMap<CharacterId, u64>, StoreError> {
        let keys: Vec<_> =
            wanted.iter().map(|(instance, character)| seat_key(*instance, *character)).collect();
        let items = self.fleet_items(&keys).await?;
        items
            .iter()
            .map(|seat| {
                item::check_version(seat)?;
                Ok((item::read_parsed(seat, "character")?, item::read_number(seat, "ends_at")?))
            })
            .collect()
    }

    /// Writes the seat of a character, if it is still as it was found.
    async fn note_seat(
        &self,
        instance: InstanceId,
        character: CharacterId,
        found: Option<u64>,
        end: u64,
    ) -> Result<bool, StoreError> {
        let (condition, values) = still_ends_at(found);
        let put = at_most_once(|| {
            self.client
                .put_item()
                .table_name(&self.tables.fleet)
                .set_item(Some(seat_item(instance, character, end)))
                .condition_expression(condition)
                .set_expression_attribute_values(values.clone())
                .customize()
                .config_override(once())
                .send()
        });
        Ok(if_held(put).await?.is_some())
    }

    /// Takes a promise back.
    pub(crate) async fn free_seat(
        &self,
        instance: InstanceId,
        character: CharacterId,
    ) -> Result<(), StoreError> {
        let call = self
            .client
            .delete_item()
            .table_name(&self.tables.fleet)
            .key("pk", text(seat_key(instance, character)))
            .return_values(ReturnValue::AllOld);
        let seat = sent(call.send()).await?.attributes;
        let Some(seat) = seat.filter(|seat| !seat.is_empty()) else { return Ok(()) };
        let recount = Recount::one(Some(item::read_number(&seat, "ends_at")?), None);
        // If it was over, it is swept or will be.
        self.recount(instance, &recount, None).await?.ok();
        Ok(())
    }

    /// The character has arrived: its seat ends at `until`, when its host has counted it. The answer is what the
    /// instance is for, if there was a seat.
    pub(crate) async fn end_seat(
        &self,
        instance: InstanceId,
        character: CharacterId,
        now: UnixMillis,
        until: UnixMillis,
    ) -> Result<Option<Purpose>, StoreError> {
        let end = second_of(until);
        let call = self
            .client
            .update_item()
            .table_name(&self.tables.fleet)
            .key("pk", text(seat_key(instance, character)))
            .update_expression("SET ends_at = :end, #ttl = :end")
            .condition_expression("ends_at > :end")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":end", number(end))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let load = match load_if_held(outside(call.send()).await)? {
            Ok(seat) => {
                let before = item::read_number(&seat, "ends_at")?;
                match self.recount(instance, &Recount::one(Some(before), Some(end)), None).await? {
                    Ok(load) => Some(load),
                    Err(load) => load,
                }
            }
            // It arrives a second time.
            Err(Some(seat)) if item::read_number::<u64>(&seat, "ends_at")? * 1_000 > now.as_millis() => {
                self.fleet_items(&[load_key(instance)]).await?.pop()
            }
            Err(_) => None,
        };
        load.as_ref().map(read_purpose).transpose()
    }

    /// Changes the counts of a load; the answer is the load after it, or as it is if a condition does not hold.
    async fn recount(
        &self,
        instance: InstanceId,
        recount: &Recount,
        within: Option<(u32, UnixMillis)>,
    ) -> Result<Result<Item, Option<Item>>, StoreError> {
        let Expression { update, mut conditions, names, values } = match within {
            Some((limit, now)) => recount.expression_within(limit, now),
            None => recount.expression(),
        };
        conditions.push("attribute_exists(pk)".to_owned());
        let update = at_most_once(|| {
            self.client
                .update_item()
                .table_name(&self.tables.fleet)
                .key("pk", text(load_key(instance)))
                .update_expression(&update)
                .condition_expression(conditions.join(" AND "))
                .set_expression_attribute_names((!names.is_empty()).then(|| names.clone()))
                .set_expression_attribute_values(Some(values.clone()))
                .return_values(ReturnValue::AllNew)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .customize()
                .config_override(once())
                .send()
        });
        load_if_held(outside(update).await)
    }

    /// The parts of a transaction that promises seats in an instance to several characters, of which `found` have some
    /// already or had them.
    pub(crate) fn seats_parts(
        &self,
        instance: InstanceId,
        limit: u32,
        characters: &[CharacterId],
        found: &BTreeMap<CharacterId, u64>,
        (now, until): (UnixMillis, UnixMillis),
    ) -> Vec<TransactWriteItem> {
        let mut recount = Recount::default();
        let mut parts = Vec::new();
        for character in characters {
            let found = found.get(character).copied();
            let held = found.filter(|end| *end * 1_000 > now.as_millis());
            let end = second_of(until);
            recount.count(held, Some(end));
            let (condition, values) = still_ends_at(found);
            let put = Put::builder()
                .table_name(&self.tables.fleet)
                .set_item(Some(seat_item(instance, *character, end)))
                .condition_expression(condition)
                .set_expression_attribute_values(values);
            parts.push(transact::put(put));
        }
        let Expression { update, conditions, names, values } = recount.expression_within(limit, now);
        let load = Update::builder()
            .table_name(&self.tables.fleet)
            .key("pk", text(load_key(instance)))
            .update_expression(update)
            .condition_expression(conditions.join(" AND "))
            .set_expression_attribute_names((!names.is_empty()).then_some(names))
            .set_expression_attribute_values(Some(values));
        parts.push(transact::update(load));
        parts
    }
}

/// Sends a call again only if the store has said that it has done nothing.
async fn at_most_once<T, E: ProvideErrorMetadata, F>(call: impl Fn() -> F) -> Result<T, SdkError<E>>
where
    F: Future<Output = Result<T, SdkError<E>>>,
{
    let mut attempt = 0;
    loop {
        match call().await {
            Err(error) if attempt + 1 < ATTEMPTS_MAX && is_put_off(&error) => back_off(attempt).await,
            done => return done,
        }
        attempt += 1;
    }
}

/// The condition that a seat is as it was found.
fn still_ends_at(found: Option<u64>) -> (&'static str, Option<Item>) {
    match found {
        Some(end) => ("ends_at = :found", Some(Item::from([(":found".to_owned(), number(end))]))),
        None => ("attribute_not_exists(pk)", None),
    }
}

fn seat_item(instance: InstanceId, character: CharacterId, end: u64) -> Item {
    let mut seat = item::new_item(seat_key(instance, character));
    seat.insert("character".to_owned(), text(character));
    seat.insert("ends_at".to_owned(), number(end));
    seat.insert("ttl".to_owned(), number(end));
    seat
}

/// A call that the SDK does not repeat: what it has done may be unknown.
fn once() -> aws_sdk_dynamodb::config::Builder {
    aws_sdk_dynamodb::config::Builder::default().retry_config(RetryConfig::disabled())
}

/// Whether the store has refused a call for now, without doing anything.
fn is_put_off<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    code.is_some_and(|code| {
        matches!(
            code,
            "TransactionConflictException"
                | "ProvisionedThroughputExceededException"
                | "ThrottlingException"
                | "RequestLimitExceeded"
        )
    })
}

/// The attributes that the update returns, or the item of which the condition did not hold.
fn load_if_held(
    result: Result<aws_sdk_dynamodb::operation::update_item::UpdateItemOutput, SdkError<UpdateItemError>>,
) -> Result<Result<Item, Option<Item>>, StoreError> {
    let error = match result {
        Ok(done) => return Ok(Ok(done.attributes.unwrap_or_default())),
        Err(error) => error,
    };
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
            Ok(Err(failed.item().filter(|item| !item.is_empty()).cloned()))
        }
        _ => Err(unavailable(error)),
    }
}

#[cfg(test)]
mod tests;
