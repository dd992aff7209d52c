//! Telling players what came of a tournament's records, as far as there is time. Nobody who cannot be told keeps the
//! others from it: such a record, and one that there was no time to tell whole, is noted in the head and told again
//! from some place in it, with the same ids, so that a client knows what it has heard.
//! What still cannot be told some tries later is left to be read: all of it is in the bracket, the player's entries or
//! the ledger.

use std::collections::{BTreeMap, BTreeSet};

use contest::tournament::{Effect, EntrantId};
use domain::contract::mail::Notice;
use domain::ids::CharacterId;
use domain::time::UnixMillis;
use serde_json::{Value, json};

use super::prizes::Share;
use super::{Head, Loaded};
use crate::clock::Deadline;
use crate::store::{Store, StoreError};
use crate::tournament::{Entry, Live, Tell, captain_of, terms};

/// The topic of what players are told here.
const TOPIC: &str = "tournament";
/// Characters of one notice: as many as are looked up at once.
const AUDIENCE_MAX: usize = 100;
/// Records that one step of a tournament tells of.
const RECORDS_MAX: u64 = 64;
/// Records that fail before a step tells of no others: while no mail can be written at all, each takes its time.
const FAILURES_MAX: usize = 4;
/// How often a record is told in vain before it is left to be read. A try comes 3 s after another at the soonest, unless
/// the tournament has something else to do before, and later where many records wait for theirs.
const TRIES_MAX: u32 = 20;
/// Records that wait for another try; past that, those tried most often are left to be read.
const UNTOLD_MAX: usize = 128;

/// Records of which somebody could not be told, and how often that was tried.
pub(super) type Untold = BTreeMap<u64, u32>;

/// What was told by one call.
#[derive(Debug, Default)]
pub(super) struct Telling {
    /// Records that nobody was told of before: those from `tell_from` on.
    pub(super) told: u64,
    /// What is to be tried again after this call.
    pub(super) untold: Untold,
    /// Why something was not told, if anything was not.
    pub(super) failure: Option<StoreError>,
}

impl Telling {
    /// Notes what came of telling of a record: whether all of it was told.
    fn note(&mut self, loaded: &Loaded, number: u64, outcome: Result<bool, StoreError>) {
        if matches!(outcome, Ok(true)) {
            self.untold.remove(&number);
            return;
        }
        let tries = self.untold.entry(number).or_default();
        *tries += 1;
        if *tries >= TRIES_MAX {
            self.leave(loaded, number);
        } else if self.untold.len() > UNTOLD_MAX {
            let most = self.untold.iter().max_by_key(|(number, tries)| (**tries, **number));
            let most = most.map_or(number, |(most, _)| *most);
            self.leave(loaded, most);
        }
        self.failure = outcome.err().or(self.failure.take());
    }

    fn leave(&mut self, loaded: &Loaded, number: u64) {
        self.untold.remove(&number);
        tracing::warn!(tournament = %loaded.id, record = number, "players were not told, and have to look");
    }
}

impl Store {
    /// Tells players what came of the records that nobody was told of, and then of those that were not told to all, until
    /// the time is over; of something each time.
    pub(super) async fn tell(
        &self,
        head: &Head,
        loaded: &Loaded,
        (now, deadline): (UnixMillis, Deadline),
    ) -> Telling {
        let mut telling = Telling { untold: head.untold.clone(), ..Telling::default() };
        let first = head.tell_from.unwrap_or(loaded.version + 1);
        let last = loaded.version.min(first + RECORDS_MAX - 1);
        let records = match self.records(loaded.id, first, last).await {
            Ok(records) => records,
            Err(error) => return Telling { failure: Some(error), ..telling },
        };
        let mut failures = 0;
        for (number, _, tells) in &records {
            if failures == FAILURES_MAX || (telling.told > 0 && deadline.is_over()) {
                return telling;
            }
            telling.told += 1;
            let outcome = self.tell_of_record(loaded, (*number, tells, 0), (now, deadline)).await;
            failures += usize::from(outcome.is_err());
            telling.note(loaded, *number, outcome);
        }
        let mut again: Vec<_> = head.untold.iter().map(|(number, tries)| (*tries, *number)).collect();
        again.sort_unstable();
        for (tried, (_, number)) in again.into_iter().take(FAILURES_MAX - failures).enumerate() {
            if (telling.told > 0 || tried > 0) && deadline.is_over() {
                break;
            }
            let outcome = self.tell_again(loaded, number, (now, deadline)).await;
            telling.note(loaded, number, outcome);
        }
        telling
    }

    async fn tell_again(
        &self,
        loaded: &Loaded,
        number: u64,
        time: (UnixMillis, Deadline),
    ) -> Result<bool, StoreError> {
        let records = self.records(loaded.id, number, number).await?;
        let Some((_, _, tells)) = records.first() else { return Ok(true) };
        // Not from its beginning each time: who comes last in it would never be told.
        self.tell_of_record(loaded, (number, tells, crate::clock::random_below(usize::MAX)), time).await
    }

    /// Tells all that is to be told of a record to all who can be told, from this group of them on and then the others;
    /// an error if somebody could not, false if there was no time for all.
    async fn tell_of_record(
        &self,
        loaded: &Loaded,
        (number, tells, from): (u64, &[Tell], usize),
        (now, deadline): (UnixMillis, Deadline),
    ) -> Result<bool, StoreError> {
        let notice = |(index, tell): (usize, &Tell)| {
            let (kind, id, to, mut body) = words(&loaded.live, tell);
            body["tournament"] = json!(loaded.id);
            body["kind"] = json!(kind);
            body["id"] = json!(id.unwrap_or_else(|| format!("record-{number}-{index}")));
            (Notice { topic: TOPIC.to_owned(), body: body.to_string() }, to)
        };
        let notices: Vec<_> = tells.iter().enumerate().map(notice).collect();
        let mut groups = Vec::new();
        for (notice, to) in &notices {
            groups.extend(to.chunks(AUDIENCE_MAX).map(|group| (notice, group)));
        }
        let from = from % groups.len().max(1);
        groups.rotate_left(from);
        let mut outcome = Ok(());
        for (told, (notice, group)) in groups.into_iter().enumerate() {
            if told > 0 && deadline.is_over() {
                return outcome.map(|()| false);
            }
            if let Err(error) = self.notify(group, notice, now).await {
                tracing::warn!(kind = error.kind(), %error, tournament = %loaded.id, "players were not told yet");
                outcome = Err(error);
            }
        }
        outcome.map(|()| true)
    }

    /// Tells the winner; a prize is paid whether that works or not.
    pub(super) async fn tell_of_prize(&self, loaded: &Loaded, share: &Share, now: UnixMillis) {
        let body = json!({
            "tournament": loaded.id, "kind": "prize", "id": share.id, "position": share.position,
            "reward": terms::reward_name(&share.reward), "amount": share.amount,
        });
        let notice = Notice { topic: TOPIC.to_owned(), body: body.to_string() };
        if let Err(error) = self.notify(&[share.character], &notice, now).await {
            tracing::warn!(kind = error.kind(), %error, "a winner was not told");
        }
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
