//! The matchmaking of the coordinator: reads who came and went, lets the matchers make matches, and has the API form
//! them. All that lasts is with the API: a new coordinator reads all who wait, and goes on.

use std::time::Duration;

use domain::contract::coordinator::{FormMatch, FormMatches, FormOutcome, MatchmakingChanges};
use domain::ids::{Epoch, MatchId};
use domain::limits::MATCHES_PER_CALL_MAX;
use domain::time::UnixMillis;
use futures_util::future::join_all;

use super::Role;
use super::pool::{MatchPool, Proposed};
use crate::platform::api::ApiPlatform;
use crate::platform::{Answer, PlatformError};
use crate::shared::random_bytes;

/// Between two steps.
const STEP: Duration = Duration::from_millis(250);
/// Candidates that one step looks at in each queue: some 20 ms of one core.
const BUDGET: u32 = 200_000;
/// What was read is read again for this long, since entries can appear late: clocks of the API's machines differ, and
/// an index follows its table.
const OVERLAP_MILLIS: u64 = 5_000;
/// All who wait are read anew this often, in case something appeared later than that.
const RESYNC_MILLIS: u64 = 60_000;
/// The catalogue's queues are read anew this often.
const QUEUES_MILLIS: u64 = 10_000;
/// Waits that are explained in one second.
const REPORTS_PER_SECOND: usize = 100;
/// Tickets of one call: under 64 KiB with their roles.
const TICKETS_PER_CALL: usize = 320;
/// Calls at a time.
const CALLS_AT_ONCE: usize = 8;

/// What the coordinator knows of those who wait.
struct Matchmaking {
    epoch: Epoch,
    pool: MatchPool,
    /// The API's clock at the last reading of changes, of all who wait, of the queues, and at the last reports.
    read_at: Option<UnixMillis>,
    synced_at: UnixMillis,
    queues_at: UnixMillis,
    reported_at: UnixMillis,
}

impl Matchmaking {
    fn new(epoch: Epoch) -> Self {
        let never = UnixMillis::new(0);
        Self {
            epoch,
            pool: MatchPool::default(),
            read_at: None,
            synced_at: never,
            queues_at: never,
            reported_at: never,
        }
    }
}

/// Steps as long as this host has the role; with each new lease it starts from nothing.
pub(super) async fn run(api: ApiPlatform, role: Role) {
    let mut pace = tokio::time::interval(STEP);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut state: Option<Matchmaking> = None;
    loop {
        pace.tick().await;
        let Some(held) = role.held() else {
            state = None;
            continue;
        };
        let mut current =
            state.take().filter(|it| it.epoch == held.epoch).unwrap_or_else(|| Matchmaking::new(held.epoch));
        match current.step(&api, &role).await {
            Ok(()) => state = Some(current),
            // The reading may have stopped halfway: what was learnt stays, and is read again.
            Err(PlatformError::Retryable(text)) => {
                tracing::debug!(error = text, "a step of the matchmaking is tried again");
                state = Some(current);
            }
            Err(error) => tracing::warn!(%error, "the matchmaking starts anew"),
        }
    }
}

impl Matchmaking {
    async fn step(&mut self, api: &ApiPlatform, role: &Role) -> Answer<()> {
        let now = self.read(api).await?;
        let proposed = self.pool.step(now, BUDGET, || MatchId::new(now, u128::from_le_bytes(random_bytes())));
        let calls = batches(proposed);
        for calls in calls.chunks(CALLS_AT_ONCE) {
            let sent = calls.iter().map(|call| self.send(api, role, call));
            let answers: Vec<Vec<FormOutcome>> = join_all(sent).await;
            for (call, outcomes) in calls.iter().zip(answers) {
                for (proposed, outcome) in call.iter().zip(outcomes) {
                    self.pool.settle(proposed, &outcome, now);
                }
            }
        }
        if now.millis_since(self.reported_at) >= 1_000 {
            self.reported_at = now;
            let waits = self.pool.reports(now, REPORTS_PER_SECOND);
            if !waits.is_empty() {
                api.tell_waits(waits).await?;
            }
        }
        Ok(())
    }

    /// Takes over what changed; the answer is the API's clock.
    async fn read(&mut self, api: &ApiPlatform) -> Answer<UnixMillis> {
        let is_anew = self.read_at.is_none_or(|now| now.millis_since(self.synced_at) >= RESYNC_MILLIS);
        let after = self.read_at.filter(|_| !is_anew);
        let after = after.map(|at| UnixMillis::new(at.as_millis().saturating_sub(OVERLAP_MILLIS)));
        let changes = all_changes(api, after).await?;
        let now = changes.now;
        if now.millis_since(self.queues_at) >= QUEUES_MILLIS {
            self.pool.set_queues(api.queues().await?.queues);
            self.queues_at = now;
        }
        if is_anew {
            let settled = UnixMillis::new(now.as_millis().saturating_sub(OVERLAP_MILLIS));
            self.pool.keep_only(&changes, settled);
            self.synced_at = now;
        }
        self.pool.apply(changes);
        self.read_at = Some(now);
        Ok(now)
    }

    /// Has matches formed. Where nothing is known of them, they are made again, and the API says what became of them.
    async fn send(&self, api: &ApiPlatform, role: &Role, call: &[Proposed]) -> Vec<FormOutcome> {
        let unknown = vec![FormOutcome::Unknown; call.len()];
        if role.held().is_none_or(|held| held.epoch != self.epoch) {
            return unknown;
        }
        let matches: Vec<FormMatch> = call.iter().map(|proposed| proposed.form.clone()).collect();
        match api.form_matches(&FormMatches { epoch: self.epoch, matches }).await {
            Ok(formed) if formed.outcomes.len() == call.len() => formed.outcomes,
            Ok(_) => unknown,
            Err(error) => {
                tracing::warn!(%error, "matches may not be stored");
                unknown
            }
        }
    }
}

async fn all_changes(api: &ApiPlatform, after: Option<UnixMillis>) -> Answer<MatchmakingChanges> {
    let mut all = api.matchmaking_changes(after, None).await?;
    while let Some(cursor) = all.next.take() {
        let page = api.matchmaking_changes(after, Some(&cursor)).await?;
        all.opened.extend(page.opened);
        all.closed.extend(page.closed);
        all.openings.extend(page.openings);
        all.next = page.next;
    }
    Ok(all)
}

/// The matches in groups of which each fits one call.
fn batches(proposed: Vec<Proposed>) -> Vec<Vec<Proposed>> {
    let mut batches: Vec<Vec<Proposed>> = Vec::new();
    let mut tickets = 0;
    for proposed in proposed {
        let own = proposed.players();
        match batches.last_mut() {
            Some(batch) if batch.len() < MATCHES_PER_CALL_MAX && tickets + own <= TICKETS_PER_CALL => {
                tickets += own;
                batch.push(proposed);
            }
            _ => {
                tickets = own;
                batches.push(vec![proposed]);
            }
        }
    }
    batches
}
