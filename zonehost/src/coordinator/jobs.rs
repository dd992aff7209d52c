//! Periodic work of the API that somebody must call: the coordinator does, so that functions without a clock of their
//! own need none. What each call does is not known here; two calls at once do no harm.

use std::time::Duration;

use super::Role;
use crate::platform::Answer;
use crate::platform::api::{ApiPlatform, Called, JobAnswer};

/// How long until an API that does not know a job is asked again: where old and new ones answer in turn while they are
/// replaced, the job must not rest for long.
const UNKNOWN_PAUSE: Duration = Duration::from_secs(10);

/// Work that is called again and again.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// For the log.
    pub name: &'static str,
    pub(super) period: Duration,
    /// Of the API.
    pub path: &'static str,
}

const fn job(name: &'static str, period_ms: u64, path: &'static str) -> Job {
    Job { name, period: Duration::from_millis(period_ms), path }
}

/// All of it.
pub const JOBS: [Job; 6] = [
    job("matches", 500, "/internal/v1/matchmaking/sweep"),
    job("boards", 1_000, "/internal/v1/boards/sweep"),
    job("tournaments", 1_000, "/internal/v1/tournaments/step"),
    job("trade", 5_000, "/internal/v1/trade/expire"),
    job("bans", 1_000, "/internal/v1/bans/step"),
    job("characters", 60_000, "/internal/v1/characters/purge"),
];

/// Calls the job whenever it is due and this host has the role.
pub(super) async fn run(job: Job, api: ApiPlatform, role: Role) {
    let mut pace = tokio::time::interval(job.period);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut was_known = true;
    loop {
        pace.tick().await;
        if role.held().is_none() {
            continue;
        }
        match call(job, &api, &role).await {
            Ok(true) => was_known = true,
            Ok(false) => {
                if was_known {
                    tracing::info!(job = job.name, "the API does not know this job");
                }
                was_known = false;
                tokio::time::sleep(UNKNOWN_PAUSE).await;
            }
            Err(error) => tracing::warn!(job = job.name, %error, "a job is called again when it is due"),
        }
    }
}

/// Calls the job until it says that nothing is left, or the role is lost. False if the API has no such job.
async fn call(job: Job, api: &ApiPlatform, role: &Role) -> Answer<bool> {
    let mut cursor = None;
    loop {
        match api.call(job.path, cursor.as_deref()).await? {
            Called::Unknown => return Ok(false),
            Called::Done(JobAnswer { more, next }) if (more || next.is_some()) && role.held().is_some() => {
                cursor = next;
            }
            Called::Done(_) => return Ok(true),
        }
    }
}
