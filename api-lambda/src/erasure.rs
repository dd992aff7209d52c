//! Going on with the deletion of players: when it is asked for, and each second until nothing is left. It knows no route.

use domain::contract::privacy::{Erasure, ErasureState};
use domain::ids::AccountId;

use crate::bans;
use crate::clock::Deadline;
use crate::edge::{EdgeClient, EdgeError};
use crate::state::Region;
use crate::store::personal::erase::ErasureJob;
use crate::store::{Store, StoreError};

/// What is stored by a request from before a deletion is stored within this: other processes see it after 3 s, and a
/// request runs for 10 s at most, unless it is configured otherwise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SettleMillis(pub(crate) u64);

/// Why the player is out of the world.
const REASON: &str = "the account is being deleted";

/// Why a deletion has to go on later.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfinished {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Edge(#[from] EdgeError),
}

/// Goes on with a deletion, by some steps at the least.
pub(crate) async fn go_on(
    store: &Store,
    (edge, region): (&EdgeClient, &Region),
    mut job: ErasureJob,
    settle: SettleMillis,
    deadline: Deadline,
) -> Result<ErasureState, Unfinished> {
    let now = crate::clock::now();
    let account = job.subject.account;
    let characters: Vec<_> = job.subject.characters.iter().copied().collect();
    bans::kick(store, &characters, REASON, now).await?;
    let is_gone = store.erase_keyed(&job, now, deadline).await?;
    edge.erase(account).await?;
    let settled = now.millis_since(job.begun_at) >= settle.0;
    if settled && is_gone && store.erase_mentions(&mut job, &region.name, deadline).await? {
        store.end_erasure(account, now).await?;
        return Ok(ErasureState { state: Erasure::Done, begun_at: None });
    }
    Ok(ErasureState { state: Erasure::Running, begun_at: Some(job.begun_at) })
}

/// Goes on with those that are going on, as many as there is time for; the answer is how many are done now, and how many
/// are not.
pub(crate) async fn step(
    store: &Store,
    (edge, region): (&EdgeClient, &Region),
    settle: SettleMillis,
    deadline: Deadline,
) -> Result<(u32, u32), StoreError> {
    let jobs = store.erasures().await?;
    let all = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
    let mut done = 0;
    for job in jobs {
        let account: AccountId = job.subject.account;
        match go_on(store, (edge, region), job, settle, deadline).await {
            Ok(state) => done += u32::from(state.state == Erasure::Done),
            Err(error) => tracing::warn!(account.id = %account, %error, "a deletion goes on later"),
        }
        if deadline.is_over() {
            break;
        }
    }
    Ok((done, all - done))
}
