//! Telling edge, hosts and boards about a ban: when it is made, lifted or has run out, and again each second until all
//! follow. It knows no route.

use domain::contract::bans::{EdgeState, ban_text};
use domain::contract::edge::BanOrder;
use domain::contract::mail::HostOrder;
use domain::ids::{AccountId, CharacterId};
use domain::time::UnixMillis;
use futures_util::future::{join_all, try_join_all};

use crate::edge::{EdgeClient, EdgeError};
use crate::store::admin::bans::BanRecord;
use crate::store::{Store, StoreError};

/// Bans that one step tells about: all at once, so that a silent edge costs one time limit.
const STEP_MAX: i32 = 25;

/// Why a ban is still to be told.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Edge(#[from] EdgeError),
}

/// Tells hosts, boards and edge. What fails is tried again by [`step`].
pub(crate) async fn tell(store: &Store, edge: &EdgeClient, account: AccountId, ban: &BanRecord) -> EdgeState {
    match try_to_tell(store, edge, account, ban).await {
        Ok(()) => EdgeState::Told,
        Err(error) => {
            tracing::warn!(account.id = %account, %error, "a ban is still to be told");
            EdgeState::Pending
        }
    }
}

async fn try_to_tell(
    store: &Store,
    edge: &EdgeClient,
    account: AccountId,
    ban: &BanRecord,
) -> Result<(), Untold> {
    let now = crate::clock::now();
    let is_banned = ban.holds(now);
    let characters = ids_of(store, account).await?;
    if is_banned {
        // No host takes the account in from the moment on at which the ban was stored, so who is in now is all.
        kick(store, &characters, &ban_text(&ban.reason, ban.until), now).await?;
    }
    // Neither waits for the other: boards follow while the edge is down, and many entries do not let a player in.
    let (followed, known) = tokio::join!(
        store.follow_ban(account, ban.version, &characters, is_banned),
        tell_edge(edge, account, ban, is_banned),
    );
    if !known? {
        tracing::warn!(account.id = %account, "the edge has no such account: there is nothing to tell it");
    }
    followed?;
    store.ban_told(account, ban.version, now).await?;
    Ok(())
}

async fn tell_edge(
    edge: &EdgeClient,
    account: AccountId,
    ban: &BanRecord,
    is_banned: bool,
) -> Result<bool, EdgeError> {
    if !is_banned {
        return edge.unban(account, ban.version).await;
    }
    let until = (ban.until < UnixMillis::FOREVER).then_some(ban.until);
    edge.ban(account, &BanOrder { reason: ban.reason.clone(), until, version: ban.version }).await
}

async fn ids_of(store: &Store, account: AccountId) -> Result<Vec<CharacterId>, StoreError> {
    Ok(store.characters_of(account).await?.iter().map(|character| character.id).collect())
}

/// Takes every character of the account out of the world; the answer is which were in it.
pub(crate) async fn kick_all(
    store: &Store,
    account: AccountId,
    reason: &str,
    now: UnixMillis,
) -> Result<Vec<CharacterId>, StoreError> {
    kick(store, &ids_of(store, account).await?, reason, now).await
}

/// Takes these characters out of the world; the answer is which were in it.
pub(crate) async fn kick(
    store: &Store,
    characters: &[CharacterId],
    reason: &str,
    now: UnixMillis,
) -> Result<Vec<CharacterId>, StoreError> {
    let present = store.presence(characters, now).await?;
    let orders = present.into_iter().filter_map(|presence| Some((presence.character, presence.online?)));
    let posts = orders.map(|(character, stay)| async move {
        let order = HostOrder::Kick { character, reason: reason.to_owned(), claim: None };
        store.post_mail(stay.host, &order, now).await.map(|()| character)
    });
    try_join_all(posts).await
}

/// Tells what is still to be told, that bans have run out too; the answer is how many are known now, and how many are not.
pub(crate) async fn step(store: &Store, edge: &EdgeClient) -> Result<(u32, u32), StoreError> {
    store.end_bans(STEP_MAX, crate::clock::now()).await?;
    let pending = store.pending_bans(STEP_MAX).await?;
    let told = join_all(pending.iter().map(|account| async {
        match store.ban_of(*account).await {
            Ok(Some(ban)) => tell(store, edge, *account, &ban).await == EdgeState::Told,
            Ok(None) => store.ban_told(*account, 0, crate::clock::now()).await.is_ok(),
            Err(error) => {
                tracing::warn!(kind = error.kind(), %error, "a ban could not be read");
                false
            }
        }
    }))
    .await;
    let count = |wanted: bool| told.iter().filter(|told| **told == wanted).count();
    let small = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Ok((small(count(true)), small(count(false))))
}
