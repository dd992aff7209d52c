//! What happens without anybody asking: deadlines, words to players, prizes. Each of it can be begun again after a
//! crash at any point, and by several at once: records have their numbers, prizes their markers, and a word that is
//! told twice has the same id.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use contest::tournament::{Effect, EntrantId};
use domain::catalogue::Catalogue;
use domain::contract::mail::Notice;
use domain::contract::tournaments::StepOutcome;
use domain::ids::{CharacterId, TournamentId};
use domain::time::UnixMillis;
use serde_json::{Value, json};

use super::prizes::{Payment, Share};
use super::{Head, Loaded, due_partitions, key};
use crate::store::cursor::{Cursor, InvalidCursor, KeyPart};
use crate::store::item::{self, number};
use crate::store::{Store, StoreError, if_held};
use crate::tournament::{Entry, Live, Tell, captain_of, terms};

/// The topic of what players are told here.
const TOPIC: &str = "tournament";
/// Characters of one notice: as many as are looked up at once.
const AUDIENCE_MAX: usize = 100;
/// Shares that one step of a tournament pays: the next second pays on.
const SHARES_MAX: usize = 64;
/// Until a prize is tried again that its winner had no room for.
const NO_ROOM_MILLIS: u64 = 60_000;
/// Records that one step of a tournament tells of.
const RECORDS_MAX: u64 = 64;

impl Store {
    /// Steps the tournaments that are due, at most `limit` of them, from where `cursor` left off.
    pub(crate) async fn step_tournaments(
        &self,
        region: &str,
        catalogue: &Catalogue,
        (limit, cursor): (i32, Option<Cursor>),
        now: UnixMillis,
    ) -> Result<StepOutcome, StoreError> {
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
            for id in due {
                outcome.due += 1;
                match self.step_tournament((region, catalogue), id, now, &mut outcome).await {
                    Ok(()) => {}
                    // One that cannot be stepped must not keep the others from it.
                    Err(error) => {
                        outcome.failed += 1;
                        tracing::warn!(kind = error.kind(), %error, tournament = %id, "a step failed");
                    }
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
        now: UnixMillis,
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
        for share in &payment.paid {
            self.tell_of_prize(&loaded, share, now).await;
        }
        let (told, failure) = self.tell(&head, &loaded, now).await;
        outcome.told += u32::try_from(told).unwrap_or(u32::MAX);
        // Whoever has no room for a prize may have some in a minute.
        let again = payment.no_room.then(|| now.plus_millis(NO_ROOM_MILLIS));
        let next = loaded.live.tournament.next_deadline().or(again);
        self.rest(&head, &loaded, (told, payment.left), next).await?;
        payment.failure.or(failure).map_or(Ok(()), Err)
    }

    /// Tells players what came of the records that nobody was told of. The number of those records, and why there are
    /// not more of them.
    async fn tell(&self, head: &Head, loaded: &Loaded, now: UnixMillis) -> (u64, Option<StoreError>) {
        let Some(first) = head.tell_from else { return (0, None) };
        let last = loaded.version.min(first + RECORDS_MAX - 1);
        let records = match self.records(loaded.id, first, last).await {
            Ok(records) => records,
            Err(error) => return (0, Some(error)),
        };
        let mut told = 0;
        for (number, _, tells) in &records {
            if let Err(error) = self.tell_of_record(loaded, (*number, tells), now).await {
                return (told, Some(error));
            }
            told += 1;
        }
        (told, None)
    }

    async fn tell_of_record(
        &self,
        loaded: &Loaded,
        (number, tells): (u64, &[Tell]),
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        for (index, tell) in tells.iter().enumerate() {
            let (kind, id, to, mut body) = words(&loaded.live, tell);
            body["tournament"] = json!(loaded.id);
            body["kind"] = json!(kind);
            body["id"] = json!(id.unwrap_or_else(|| format!("record-{number}-{index}")));
            let notice = Notice { topic: TOPIC.to_owned(), body: body.to_string() };
            for group in to.chunks(AUDIENCE_MAX) {
                self.notify(group, &notice, now).await?;
            }
        }
        Ok(())
    }

    /// Tells the winner; a prize is paid whether that works or not.
    async fn tell_of_prize(&self, loaded: &Loaded, share: &Share, now: UnixMillis) {
        let body = json!({
            "tournament": loaded.id, "kind": "prize", "id": share.id, "position": share.position,
            "reward": terms::reward_name(&share.reward), "amount": share.amount,
        });
        let notice = Notice { topic: TOPIC.to_owned(), body: body.to_string() };
        if let Err(error) = self.notify(&[share.character], &notice, now).await {
            tracing::warn!(kind = error.kind(), %error, "a winner was not told");
        }
    }

    /// Notes what was told and when there is something to do next. If another record came in between, only the
    /// former, and the tournament stays due.
    async fn rest(
        &self,
        head: &Head,
        loaded: &Loaded,
        (told, owed): (u64, bool),
        next: Option<UnixMillis>,
    ) -> Result<(), StoreError> {
        let all_told = head.tell_from.is_none_or(|first| first + told > loaded.version);
        if all_told && !owed {
            let set = |update: UpdateBuilder| match next {
                Some(next) => update
                    .update_expression("SET due_at = :due_at REMOVE tell_from")
                    .expression_attribute_values(":due_at", number(next.as_millis())),
                None => update.update_expression("REMOVE tell_from, due, due_at"),
            };
            if self.update_head(loaded, "#version = :version", set).await? {
                return Ok(());
            }
        }
        let Some(first) = head.tell_from.filter(|_| told > 0) else { return Ok(()) };
        let set = |update: UpdateBuilder| {
            update
                .update_expression("SET tell_from = :next")
                .expression_attribute_values(":first", number(first))
                .expression_attribute_values(":next", number(first + told))
        };
        self.update_head(loaded, "tell_from = :first AND #version >= :version", set).await.map(drop)
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
        Ok(if_held(call.send().await)?.is_some())
    }
}

/// What a player is told: the kind, the id that the same words have each time, the audience and the rest.
fn words(live: &Live, tell: &Tell) -> (&'static str, Option<String>, Vec<CharacterId>, Value) {
    let of = |entrants: &[EntrantId]| -> Vec<CharacterId> {
        let entries = entrants.iter().filter_map(|entrant| live.entries.get(entrant));
        entries.flat_map(Entry::shown_to).collect()
    };
    let all = || -> Vec<CharacterId> {
        live.entries.values().flat_map(Entry::shown_to).collect::<BTreeSet<_>>().into_iter().collect()
    };
    let sides = |match_id| of(&live.sides(match_id).unwrap_or_default());
    let effect = match tell {
        Tell::Invited { entrant } => {
            let body = json!({ "entrant": captain_of(*entrant) });
            return ("invited", None, of(&[*entrant]), body);
        }
        Tell::Dissolved { entrant, name, members } => {
            let body = json!({ "entrant": captain_of(*entrant), "name": name });
            return ("dissolved", None, members.clone(), body);
        }
        Tell::Effect(effect) => effect,
    };
    let (kind, to, body) = match effect {
        Effect::RegistrationClosed { check_in } => {
            let opens_at = check_in.map(|window| window.opens_at);
            let closes_at = check_in.map(|window| window.closes_at);
            let body = json!({ "check_in_opens_at": opens_at, "check_in_closes_at": closes_at });
            ("registration_closed", all(), body)
        }
        Effect::Started { entrants } => ("started", all(), json!({ "entrants": entrants })),
        Effect::MatchReady { match_id, attempt, entrants, best_of, due_at } => {
            let body = json!({
                "match": match_id, "attempt": attempt, "best_of": best_of, "due_at": due_at,
                "entrants": entrants.map(captain_of),
            });
            ("match_ready", of(entrants), body)
        }
        Effect::MatchDecided { match_id, winner, final_at, .. } => {
            let body = json!({
                "match": match_id, "winner": winner.map(captain_of), "final_at": final_at,
            });
            ("match_decided", sides(*match_id), body)
        }
        Effect::MatchDisputed { match_id, entrant, .. } => {
            let body = json!({ "match": match_id, "by": captain_of(*entrant) });
            ("match_disputed", sides(*match_id), body)
        }
        Effect::MatchOverdue { match_id, attempt, .. } => {
            ("match_overdue", sides(*match_id), json!({ "match": match_id, "attempt": attempt }))
        }
        Effect::MatchFinal { match_id, winner, .. } => {
            let body = json!({ "match": match_id, "winner": winner.map(captain_of) });
            ("match_final", sides(*match_id), body)
        }
        Effect::Finished { champion } => ("finished", all(), json!({ "champion": captain_of(*champion) })),
        Effect::Cancelled => ("cancelled", all(), json!({})),
        // Not kept to be told.
        Effect::MatchRuled { .. } | Effect::PayPrize { .. } => ("other", Vec::new(), json!({})),
    };
    (kind, Some(effect.id()), to, body)
}
