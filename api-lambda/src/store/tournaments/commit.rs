//! Changing a tournament: a record and the head that names it are one transaction, which passes for the next number
//! only. Whoever loses reads again and decides anew. Deadlines that have passed become records of their own first, so
//! that a record is never larger than what one moment brings about.

use std::sync::Arc;

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use contest::tournament::Action;
use domain::ids::{Epoch, InstanceId, TournamentId};
use domain::time::UnixMillis;

use super::form::state_name;
use super::log::event_key;
use super::{Head, Loaded, corrupt, due_partition, key, version_number};
use crate::store::item::{self, number, text};
use crate::store::requests::StoredAnswer;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, transact};
use crate::tournament::show::state_of;
use crate::tournament::{Live, Record, Refusal, Step, Tell};

/// Deadlines that one request meets at the most; the rest is left to the next one.
const DEADLINES_MAX: u32 = 256;

/// Which tournament is changed, and under which conditions.
#[derive(Debug, Clone)]
pub(crate) struct Change<'a> {
    pub(crate) id: TournamentId,
    /// When the API heard of it.
    pub(crate) now: UnixMillis,
    /// The region of this API: another one than the tournament's own must not change it.
    pub(crate) region: &'a str,
    /// The ownership that must be the present one.
    pub(crate) fence: Option<(InstanceId, Epoch)>,
}

/// Why a tournament was not changed.
#[derive(Debug)]
pub(crate) enum ChangeRefusal {
    Missing,
    /// Another region runs it.
    Elsewhere(String),
    Refused(Refusal),
    Fenced,
    /// The request was answered before, or is being answered now.
    Repeated,
}

/// What is written beside a record.
#[derive(Default)]
struct Beside {
    fence: Option<TransactWriteItem>,
    answer: Option<TransactWriteItem>,
}

/// Why a record was not written.
enum Lost {
    /// Another record has the number.
    Raced,
    Fenced,
    Repeated,
}

impl Store {
    /// Lets the steps happen that `decide` finds for the tournament as it is, and keeps the answer with them. Steps
    /// that change nothing leave no record.
    pub(crate) async fn change_tournament(
        &self,
        change: Change<'_>,
        decide: impl Fn(&Live) -> Result<Vec<Step>, Refusal>,
        answer: impl Fn(&Loaded) -> Option<StoredAnswer>,
    ) -> Result<Result<Arc<Loaded>, ChangeRefusal>, StoreError> {
        let _turn = self.tournaments.lock(change.id).lock().await;
        let mut attempt = 0;
        while attempt < ATTEMPTS_MAX {
            let Some((head, loaded)) = self.tournament(change.id).await? else {
                return Ok(Err(ChangeRefusal::Missing));
            };
            if loaded.setup.home() != change.region {
                return Ok(Err(ChangeRefusal::Elsewhere(loaded.setup.home().to_owned())));
            }
            let (_, (head, loaded)) = self.meet_deadlines(head, loaded, change.now).await?;
            let steps = match decide(&loaded.live) {
                Ok(steps) => steps,
                Err(refusal) => return Ok(Err(ChangeRefusal::Refused(refusal))),
            };
            let record = Record { at: change.now, steps };
            let (next, tells) = match happen(&loaded, &record) {
                Ok(happened) => happened,
                Err(refusal) => return Ok(Err(ChangeRefusal::Refused(refusal))),
            };
            let fence = change.fence.map(|(instance, epoch)| self.fence_part(instance, epoch));
            let kept = |loaded: &Loaded| answer(loaded).map(|answer| self.answer_part(&answer));
            let done = if let Some(next) = next {
                let setup = Arc::clone(&loaded.setup);
                let next = Arc::new(Loaded::new(loaded.id, loaded.version + 1, setup, next));
                let beside = Beside { fence, answer: kept(&next) };
                self.commit(&head, &loaded, (&record, &next, &tells), beside).await?.map(|()| next)
            } else {
                let beside = Beside { fence, answer: kept(&loaded) };
                self.write_beside(beside).await?.map(|()| loaded)
            };
            match done {
                Ok(loaded) => return Ok(Ok(loaded)),
                Err(Lost::Fenced) => return Ok(Err(ChangeRefusal::Fenced)),
                Err(Lost::Repeated) => return Ok(Err(ChangeRefusal::Repeated)),
                Err(Lost::Raced) => back_off(attempt).await,
            }
            attempt += 1;
        }
        Err(StoreError::Contended("a tournament"))
    }

    /// Makes records of the deadlines that have passed by `now`; tells how many.
    pub(super) async fn meet_deadlines(
        &self,
        head: Head,
        loaded: Arc<Loaded>,
        now: UnixMillis,
    ) -> Result<(u32, (Head, Arc<Loaded>)), StoreError> {
        let (mut head, mut loaded, mut met, mut attempt) = (head, loaded, 0, 0);
        while let Some(due) = loaded.live.tournament.next_deadline().filter(|due| *due <= now) {
            if met == DEADLINES_MAX || attempt == ATTEMPTS_MAX {
                return Err(StoreError::Contended("the deadlines of a tournament"));
            }
            let record = Record { at: due, steps: vec![Step::Core(Action::Tick)] };
            let (next, tells) = loaded
                .live
                .clone()
                .after(&loaded.setup, &record)
                .map_err(|refusal| corrupt(loaded.id, format!("{refusal:?}")))?;
            let next = Loaded::new(loaded.id, loaded.version + 1, Arc::clone(&loaded.setup), next);
            let next = Arc::new(next);
            let written = self.commit(&head, &loaded, (&record, &next, &tells), Beside::default()).await?;
            if written.is_err() {
                attempt += 1;
                back_off(attempt).await;
            } else {
                met += 1;
            }
            let anew = self.tournament(loaded.id).await?;
            (head, loaded) = anew.ok_or_else(|| corrupt(loaded.id, "it is gone"))?;
        }
        Ok((met, (head, loaded)))
    }

    async fn write_beside(&self, beside: Beside) -> Result<Result<(), Lost>, StoreError> {
        let fenced = beside.fence.is_some();
        let parts: Vec<_> = beside.fence.into_iter().chain(beside.answer).collect();
        if parts.is_empty() {
            return Ok(Ok(()));
        }
        let refused = |parts: Vec<transact::Part>| {
            if fenced && parts[0].is_refused() { Lost::Fenced } else { Lost::Repeated }
        };
        Ok(self.transact(parts).await?.map_err(refused))
    }

    async fn commit(
        &self,
        head: &Head,
        before: &Loaded,
        (record, next, tells): (&Record, &Arc<Loaded>, &[Tell]),
        beside: Beside,
    ) -> Result<Result<(), Lost>, StoreError> {
        let id = next.id;
        let mut event = item::new_item(id);
        event.insert("sk".into(), text(event_key(next.version)));
        event.insert("number".into(), version_number(next.version));
        event.insert("body".into(), text(serde_json::to_string(record).expect("a record is plain data")));
        if !tells.is_empty() {
            event.insert("tells".into(), text(serde_json::to_string(tells).expect("words are plain data")));
        }
        let event = Put::builder()
            .table_name(&self.tables.tournaments)
            .set_item(Some(event))
            .condition_expression("attribute_not_exists(pk)");
        let update = self.head_update(head, before, (record, next, tells));
        let fenced = beside.fence.is_some();
        let mut parts = vec![transact::update(update), transact::put(event)];
        parts.extend(beside.fence);
        parts.extend(beside.answer);
        match self.transact(parts).await? {
            Ok(()) => {}
            Err(parts) if fenced && parts[2].is_refused() => return Ok(Err(Lost::Fenced)),
            Err(parts) if parts[0].is_refused() || parts[1].is_refused() => return Ok(Err(Lost::Raced)),
            Err(_) => return Ok(Err(Lost::Repeated)),
        }
        self.tournaments.put(next);
        if let Err(error) = self.snapshot_if_due(next, head.snapshot).await {
            // The log holds everything; another record will try again.
            tracing::warn!(kind = error.kind(), %error, tournament = %id, "a snapshot was not written");
        }
        Ok(Ok(()))
    }

    /// The head after a record: what lists show, and when there is something to do next.
    fn head_update(
        &self,
        head: &Head,
        before: &Loaded,
        (record, next, tells): (&Record, &Loaded, &[Tell]),
    ) -> UpdateBuilder {
        let tournament = &next.live.tournament;
        let mut set = vec!["#version = :next", "#state = :state", "entrants = :entrants"];
        let mut update = Update::builder()
            .table_name(&self.tables.tournaments)
            .set_key(Some(key(next.id, "head")))
            .condition_expression("#version = :version")
            .expression_attribute_names("#version", "version")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":version", version_number(before.version))
            .expression_attribute_values(":next", version_number(next.version))
            .expression_attribute_values(":state", text(state_name(state_of(tournament.phase()))))
            .expression_attribute_values(":entrants", number(next.live.entrants_here()));
        if let Some(started_at) = next.live.started_at.filter(|_| before.live.started_at.is_none()) {
            set.push("starts_at = :at");
            update = update.expression_attribute_values(":at", number(started_at.as_millis()));
        }
        if !tells.is_empty() {
            set.push("tell_from = if_not_exists(tell_from, :next)");
        }
        let pending = !tells.is_empty() || head.tell_from.is_some() || !head.untold.is_empty();
        let due_at = if pending { Some(record.at) } else { due_at(&next.live, record.at) };
        let expression = if let Some(due_at) = due_at {
            set.extend(["due = :due", "due_at = :due_at"]);
            update = update
                .expression_attribute_values(":due", text(due_partition(next.setup.home(), next.id)))
                .expression_attribute_values(":due_at", number(due_at.as_millis()));
            format!("SET {}", set.join(", "))
        } else {
            format!("SET {} REMOVE due, due_at", set.join(", "))
        };
        update.update_expression(expression)
    }
}

/// When there is something to do next, once all is told: at once where prizes are to be paid.
fn due_at(live: &Live, now: UnixMillis) -> Option<UnixMillis> {
    let owed = || !live.tournament.prizes_due().is_empty();
    live.tournament.next_deadline().or_else(|| owed().then_some(now))
}

/// The tournament after the record, or nothing where nothing but time has changed.
fn happen(loaded: &Loaded, record: &Record) -> Result<(Option<Live>, Vec<Tell>), Refusal> {
    let tick = Record { at: record.at, steps: vec![Step::Core(Action::Tick)] };
    let (before, _) = loaded.live.clone().after(&loaded.setup, &tick)?;
    let (next, tells) = before.clone().after(&loaded.setup, record)?;
    Ok(((next != before).then_some(next), tells))
}
