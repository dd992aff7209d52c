//! What happens without anybody asking: deadlines, words to players, prizes. Each of it can be begun again after a
//! crash at any point, and by several at once: records have their numbers, prizes their markers, and a word that is
//! told twice has the same id.

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use domain::catalogue::Catalogue;
use domain::contract::tournaments::StepOutcome;
use domain::ids::TournamentId;
use domain::time::UnixMillis;
use futures_util::future::join_all;

use super::form::untold_value;
use super::prizes::Payment;
use super::tell::Telling;
use super::{Head, Loaded, due_partitions, key};
use crate::clock::Deadline;
use crate::store::cursor::{Cursor, InvalidCursor, KeyPart};
use crate::store::item::{self, number};
use crate::store::{Store, StoreError, if_held};

/// Shares that one step of a tournament pays: the next second pays on.
const SHARES_MAX: usize = 64;
/// Until a prize is tried again that its winner had no room for.
const NO_ROOM_MILLIS: u64 = 60_000;
/// Until players are told again what they could not be told.
const UNTOLD_MILLIS: u64 = 3_000;

impl Store {
    /// Steps the tournaments that are due, at most `limit` of them and as many as there is time for, from where `cursor`
    /// left off.
    pub(crate) async fn step_tournaments(
        &self,
        region: &str,
        catalogue: &Catalogue,
        (limit, cursor): (i32, Option<Cursor>),
        now: UnixMillis,
    ) -> Result<StepOutcome, StoreError> {
        let deadline = self.step_deadline();
        let mut outcome = StepOutcome::default();
        let form = [
            ("due", KeyPart::Text(region)),
            ("due_at", KeyPart::Number(now.as_millis())),
            ("pk", KeyPart::Text(TournamentId::PREFIX)),
            ("sk", KeyPart::Fixed("head")),
        ];
        let start = cursor.map(|cursor| cursor.start(&form)).transpose()?;
        let first =
            start.as_ref().map(|start| item::read_text(start, "due").map(str::to_owned)).transpose()?;
        let partitions: Vec<String> = due_partitions(region)
            .skip_while(|partition| first.as_ref().is_some_and(|first| first != partition))
            .collect();
        if partitions.is_empty() {
            return Err(StoreError::Cursor(InvalidCursor));
        }
        let mut left = limit;
        let mut start = start;
        for partition in partitions {
            let (due, last) = self.due_tournaments(&partition, now, left, start.take()).await?;
            left -= i32::try_from(due.len()).unwrap_or(left);
            for place in due {
                let id = item::read_parsed(&place, "pk")?;
                outcome.due += 1;
                match self.step_tournament((region, catalogue), id, (now, deadline), &mut outcome).await {
                    Ok(()) => {}
                    // One that cannot be stepped must not keep the others from it.
                    Err(error) => {
                        outcome.failed += 1;
                        tracing::warn!(kind = error.kind(), %error, tournament = %id, "a step failed");
                    }
                }
                if deadline.is_over() {
                    outcome.next = Cursor::after(Some(&place), &form).map(String::from);
                    return Ok(outcome);
                }
            }
            if left <= 0 {
                outcome.next = Cursor::after(last.as_ref(), &form).map(String::from);
                return Ok(outcome);
            }
        }
        Ok(outcome)
    }

    async fn step_tournament(
        &self,
        (region, catalogue): (&str, &Catalogue),
        id: TournamentId,
        (now, deadline): (UnixMillis, Deadline),
        outcome: &mut StepOutcome,
    ) -> Result<(), StoreError> {
        let _turn = self.tournaments.lock(id).lock().await;
        let Some((head, loaded)) = self.tournament(id).await? else { return Ok(()) };
        if loaded.setup.home() != region {
            return Ok(());
        }
        let (met, (head, loaded)) = self.meet_deadlines(head, loaded, now).await?;
        outcome.deadlines += met;
        let payment = self.pay_prizes(catalogue, &loaded, SHARES_MAX, now).await;
        let payment = payment.unwrap_or_else(|error| Payment {
            left: true,
            failure: Some(error),
            ..Payment::default()
        });
        outcome.paid += u32::try_from(payment.paid.len()).unwrap_or(u32::MAX);
        // At once: while no mail can be written, each takes its time.
        join_all(payment.paid.iter().map(|share| self.tell_of_prize(&loaded, share, now))).await;
        let telling = self.tell(&head, &loaded, (now, deadline)).await;
        outcome.told += u32::try_from(telling.told).unwrap_or(u32::MAX);
        // Whoever has no room for a prize may have some in a minute.
        let again = payment.no_room.then(|| now.plus_millis(NO_ROOM_MILLIS));
        let untold = (!telling.untold.is_empty()).then(|| now.plus_millis(UNTOLD_MILLIS));
        let next = loaded.live.tournament.next_deadline().or(again);
        let next = next.into_iter().chain(untold).min();
        self.rest(&head, &loaded, (&telling, payment.left), next).await?;
        payment.failure.or(telling.failure).map_or(Ok(()), Err)
    }

    /// Notes what was told and when there is something to do next. If another record came in between, only the
    /// former, and the tournament stays due.
    async fn rest(
        &self,
        head: &Head,
        loaded: &Loaded,
        (telling, owed): (&Telling, bool),
        next: Option<UnixMillis>,
    ) -> Result<(), StoreError> {
        let Telling { told, untold, .. } = telling;
        let all_told = head.tell_from.is_none_or(|first| first + told > loaded.version);
        let (mut sets, mut removes) = (Vec::new(), Vec::new());
        if untold.is_empty() {
            removes.push("untold");
        } else {
            sets.push("untold = :untold");
        }
        let noted = |update: UpdateBuilder| {
            if untold.is_empty() {
                return update;
            }
            update.expression_attribute_values(":untold", untold_value(untold))
        };
        if all_told && !owed {
            let (mut sets, mut removes) = (sets.clone(), removes.clone());
            removes.push("tell_from");
            if next.is_some() {
                sets.push("due_at = :due_at");
            } else {
                removes.extend(["due", "due_at"]);
            }
            let set = |update: UpdateBuilder| {
                let update = noted(update.update_expression(expression(&sets, &removes)));
                match next {
                    Some(next) => update.expression_attribute_values(":due_at", number(next.as_millis())),
                    None => update,
                }
            };
            if self.update_head(loaded, "#version = :version", set).await? {
                return Ok(());
            }
        }
        if *told == 0 && *untold == head.untold {
            return Ok(());
        }
        let condition = if head.tell_from.is_some() {
            sets.push("tell_from = :next");
            "tell_from = :first AND #version >= :version"
        } else {
            "attribute_not_exists(tell_from) AND #version >= :version"
        };
        let set = |update: UpdateBuilder| {
            let update = noted(update.update_expression(expression(&sets, &removes)));
            match head.tell_from {
                Some(first) => update
                    .expression_attribute_values(":first", number(first))
                    .expression_attribute_values(":next", number(first + told)),
                None => update,
            }
        };
        self.update_head(loaded, condition, set).await.map(drop)
    }

    /// Whether the condition held.
    async fn update_head(
        &self,
        loaded: &Loaded,
        condition: &str,
        set: impl FnOnce(UpdateBuilder) -> UpdateBuilder,
    ) -> Result<bool, StoreError> {
        let update = set(aws_sdk_dynamodb::types::Update::builder()
            .table_name(&self.tables.tournaments)
            .set_key(Some(key(loaded.id, "head")))
            .condition_expression(condition)
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", number(loaded.version)));
        let update = update.build().expect("table, key and expression are given");
        let call = self
            .client
            .update_item()
            .table_name(update.table_name)
            .set_key(Some(update.key))
            .update_expression(update.update_expression)
            .set_condition_expression(update.condition_expression)
            .set_expression_attribute_names(update.expression_attribute_names)
            .set_expression_attribute_values(update.expression_attribute_values);
        Ok(if_held(call.send()).await?.is_some())
    }
}

fn expression(sets: &[&str], removes: &[&str]) -> String {
    let parts = [("SET", sets), ("REMOVE", removes)];
    let parts = parts.iter().filter(|(_, clauses)| !clauses.is_empty());
    parts.map(|(verb, clauses)| format!("{verb} {} ", clauses.join(", "))).collect()
}
