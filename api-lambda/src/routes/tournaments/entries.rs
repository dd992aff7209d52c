//! `/v1/tournaments/{id}/...` of those who take part: registering, confirming, checking in, leaving.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use contest::tournament::{Action, RequestId};
use domain::catalogue::ChatRules;
use domain::contract::Problem;
use domain::contract::tournaments::{
    ConfirmEntry, EntryRules, MyEntries, ROUND_TRIPS_MAX, RegisterEntrant, RoundTrips, Seeding,
};
use domain::ids::{AccountId, TournamentId};
use sha2::{Digest as _, Sha256};

use super::change;
use crate::error::ApiError;
use crate::error::refusals::NO_IDEMPOTENCY_KEY;
use crate::error::refusals::characters::NO_CHARACTER;
use crate::error::refusals::chat::MUTED;
use crate::error::refusals::{social, tournaments as refusals};
use crate::extract::{Body, IdempotencyKey, InPath, Player};
use crate::idempotency::KeyedRequest;
use crate::state::Region;
use crate::store::Store;
use crate::store::characters::StoredCharacter;
use crate::store::tournaments::Loaded;
use crate::store::tournaments::commit::Change;
use crate::tournament::terms::{is_region, is_title};
use crate::tournament::{Entry, Live, Member, Refusal, Setup, Step, entrant_of};

/// Most entries that are shown to one account.
const SHOWN_MAX: usize = 100;

/// The id of a request within a tournament: the same for the same key of the same actor.
pub(super) fn request_id(actor: &impl ToString, route: &str, key: &str) -> RequestId {
    let hash = Sha256::digest(format!("{}#{route}#{key}", actor.to_string()));
    RequestId::from_u128(hash.iter().take(16).fold(0, |id, byte| id << 8 | u128::from(*byte)))
}

/// The entrants that the account is a member of.
fn mine(loaded: &Loaded, account: AccountId) -> MyEntries {
    let live = &loaded.live;
    let own = live.entries.iter().filter(|(_, entry)| entry.member(account).is_some_and(|own| !own.hidden));
    let shown = own.filter_map(|(entrant, _)| live.shown_entry(*entrant));
    MyEntries { entries: shown.take(SHOWN_MAX).collect() }
}

/// The caller's entrant, and invitations to teams.
#[utoipa::path(
    get, path = "/v1/tournaments/{id}/entry", tag = "tournaments", security(("access_token" = [])),
    params(("id" = TournamentId, Path, description = "The tournament")),
    responses(
        (status = 200, body = MyEntries),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn entry(
    Player(claims): Player,
    InPath(id): InPath<TournamentId>,
    State(store): State<Store>,
) -> Result<Json<MyEntries>, ApiError> {
    let (_, loaded) = store.tournament(id).await?.ok_or(refusals::NO_TOURNAMENT)?;
    Ok(Json(mine(&loaded, claims.sub)))
}

/// Registers a character, or a team of which each member has to confirm. Answers the caller's entries. Whoever is
/// blocked by a member gets the answer that everybody gets.
#[utoipa::path(
    post, path = "/v1/tournaments/{id}/register", tag = "tournaments", security(("access_token" = [])),
    params(
        ("id" = TournamentId, Path, description = "The tournament"),
        ("Idempotency-Key" = String, Header, description = "1 to 128 visible ASCII characters"),
    ),
    request_body = RegisterEntrant,
    responses(
        (status = 200, body = MyEntries),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn register(
    Player(claims): Player,
    InPath(id): InPath<TournamentId>,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<RegisterEntrant>,
) -> Result<Json<MyEntries>, ApiError> {
    let key = key.ok_or(NO_IDEMPOTENCY_KEY)?;
    check_round_trips(&body.round_trips)?;
    let now = crate::clock::now();
    let route = format!("tournament-register-{id}");
    let keyed = KeyedRequest::new(claims.sub, &route, &key, &body);
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Ok(Json(earlier));
    }
    let (_, loaded) = store.tournament(id).await?.ok_or(refusals::NO_TOURNAMENT)?;
    let request = request_id(&claims.sub, &route, &key);
    let chat = &region.catalogue().chat;
    let entry = entry_of((&store, chat), &loaded.setup, claims.sub, &body, request).await?;
    let entrant = entrant_of(body.character);
    let asked = Change { id, now, region: &region.name, fence: None };
    let steps = |_: &_| Ok(vec![Step::Enrol { entrant, entry: entry.clone() }]);
    let shown = |loaded: &Loaded| Ok(mine(loaded, claims.sub));
    change(&store, asked, Some(&keyed), steps, shown).await.map(Json)
}

/// Looks up who is to play, and refuses whom the rules exclude.
async fn entry_of(
    (store, chat): (&Store, &ChatRules),
    setup: &Setup,
    captain: AccountId,
    body: &RegisterEntrant,
    request: RequestId,
) -> Result<Entry, ApiError> {
    let others = body.team.as_ref().map(|team| team.members.as_slice()).unwrap_or_default();
    let size = usize::from(setup.definition.team_size);
    if others.len() + 1 != size || body.team.is_some() != (size > 1) {
        return Err(refusals::TEAM_SIZE.into());
    }
    if let Some(team) = &body.team {
        if !is_title(&team.name) {
            return Err(ApiError::BadRequest("team: a name of 1 to 80 characters is needed".into()));
        }
        // Its name is said to those who are invited.
        check_mute(store, captain).await?;
    }
    let ids: Vec<_> = std::iter::once(body.character).chain(others.iter().copied()).collect();
    if ids.iter().collect::<BTreeSet<_>>().len() < ids.len() {
        return Err(refusals::TEAM_TWICE.into());
    }
    let mut found = store.characters(&ids).await?;
    let mut stored = Vec::with_capacity(ids.len());
    for (index, id) in ids.iter().enumerate() {
        let missing = if index == 0 { NO_CHARACTER } else { refusals::NO_MEMBER };
        let character = found.remove(id).filter(|stored| index > 0 || stored.account == captain);
        let character = character.ok_or(missing)?;
        check_level(&setup.definition.entry, &character)?;
        stored.push(character);
    }
    let blocking = blocking(store, captain, &stored).await?;
    let ratings = match &setup.definition.seeding {
        Seeding::Registration => vec![0; ids.len()],
        Seeding::Rating { queue } => store.ratings_for_seeding(queue, &ids).await?,
    };
    let members = ids.into_iter().zip(stored).zip(ratings).enumerate();
    let members: Vec<Member> = members
        .map(|(index, ((character, stored), rating))| Member {
            character,
            account: stored.account,
            name: stored.character.name.to_string(),
            confirmed: index == 0,
            hidden: blocking.contains(&stored.account),
            rating,
            round_trips: if index == 0 { body.round_trips.clone() } else { RoundTrips::new() },
        })
        .collect();
    let name = match &body.team {
        Some(team) => chat.clean(&team.name),
        None => members.first().map(|captain| captain.name.clone()).unwrap_or_default(),
    };
    Ok(Entry { name, members, request })
}

async fn check_mute(store: &Store, captain: AccountId) -> Result<(), ApiError> {
    let now = crate::clock::now();
    let Some(mute) = store.muted(captain, now).await? else { return Ok(()) };
    let left = mute.until.millis_since(now).div_ceil(1_000);
    let words = format!("the player may name no team for {left} seconds more: {}", mute.reason);
    Err(MUTED.because(words).into())
}

/// The members who block the captain: they are not shown the invitation, and the captain is not told. Refuses those
/// whom the captain blocks.
async fn blocking(
    store: &Store,
    captain: AccountId,
    members: &[StoredCharacter],
) -> Result<BTreeSet<AccountId>, ApiError> {
    let others: Vec<_> =
        members.iter().map(|member| member.account).filter(|account| *account != captain).collect();
    let mut blocking = BTreeSet::new();
    if others.is_empty() {
        return Ok(blocking);
    }
    for other in store.blocked_between(captain, &others).await? {
        let (by_captain, by_member) = store.blocks(captain, other).await?;
        if by_captain {
            return Err(social::BLOCKING.into());
        }
        if by_member {
            blocking.insert(other);
        }
    }
    Ok(blocking)
}

fn check_level(rules: &EntryRules, stored: &StoredCharacter) -> Result<(), ApiError> {
    let level = stored.character.level;
    if level >= rules.level_min.unwrap_or(0) && level <= rules.level_max.unwrap_or(u32::MAX) {
        return Ok(());
    }
    let name = &stored.character.name;
    let words = format!("the level {level} of {name} is not within the tournament's entry rules");
    Err(refusals::LEVEL.because(words).into())
}

fn check_round_trips(round_trips: &RoundTrips) -> Result<(), ApiError> {
    if round_trips.len() <= ROUND_TRIPS_MAX && round_trips.keys().all(|region| is_region(region)) {
        return Ok(());
    }
    let words = format!("round_trips: at most {ROUND_TRIPS_MAX} regions of the characters a-z, 0-9 and '-'");
    Err(ApiError::BadRequest(words))
}

/// A member of a team that a captain registered joins it, or does not. Answers the caller's entries.
#[utoipa::path(
    post, path = "/v1/tournaments/{id}/confirm", tag = "tournaments", security(("access_token" = [])),
    params(
        ("id" = TournamentId, Path, description = "The tournament"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters"),
    ),
    request_body = ConfirmEntry,
    responses(
        (status = 200, body = MyEntries),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn confirm(
    Player(claims): Player,
    InPath(id): InPath<TournamentId>,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<ConfirmEntry>,
) -> Result<Json<MyEntries>, ApiError> {
    check_round_trips(&body.round_trips)?;
    let route = format!("tournament-confirm-{id}");
    let keyed = key.as_ref().map(|key| KeyedRequest::new(claims.sub, &route, key, &body));
    let request = request_or_new(claims.sub, &route, key.as_deref());
    let entrant = entrant_of(body.entrant);
    let asked = Change { id, now: crate::clock::now(), region: &region.name, fence: None };
    let steps = |live: &Live| {
        let entry = live.entries.get(&entrant).ok_or(Refusal::NoEntry)?;
        let member = entry.member(claims.sub).filter(|own| !own.hidden).ok_or(Refusal::NoEntry)?;
        if body.accept {
            let round_trips = body.round_trips.clone();
            return Ok(vec![Step::Confirm { entrant, account: claims.sub, round_trips }]);
        }
        // Who has confirmed leaves by withdrawing the team.
        if member.confirmed { Err(Refusal::Entered) } else { Ok(vec![Step::Leave { entrant, request }]) }
    };
    let shown = |loaded: &Loaded| Ok(mine(loaded, claims.sub));
    change(&store, asked, keyed.as_ref(), steps, shown).await.map(Json)
}

fn request_or_new(account: AccountId, route: &str, key: Option<&str>) -> RequestId {
    match key {
        Some(key) => request_id(&account, route, key),
        None => RequestId::from_u128(crate::clock::random_u128()),
    }
}

/// The caller confirms to be there; of a team, its captain does. Answers the caller's entries.
#[utoipa::path(
    post, path = "/v1/tournaments/{id}/check-in", tag = "tournaments", security(("access_token" = [])),
    params(("id" = TournamentId, Path, description = "The tournament")),
    responses(
        (status = 200, body = MyEntries),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn check_in(
    Player(claims): Player,
    InPath(id): InPath<TournamentId>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
) -> Result<Json<MyEntries>, ApiError> {
    let asked = Change { id, now: crate::clock::now(), region: &region.name, fence: None };
    let steps = |live: &Live| {
        let (entrant, entry) = live.entry_of(claims.sub).ok_or(Refusal::NoEntry)?;
        let captain = entry.members.first().is_some_and(|captain| captain.account == claims.sub);
        if !captain {
            return Err(Refusal::NotCaptain);
        }
        Ok(vec![Step::Core(Action::CheckIn { entrant })])
    };
    let shown = |loaded: &Loaded| Ok(mine(loaded, claims.sub));
    change(&store, asked, None, steps, shown).await.map(Json)
}

/// The caller's entrant leaves: before the start any member can say so, for all; afterwards the captain, and open and
/// later matches are lost. Answers the caller's entries.
#[utoipa::path(
    post, path = "/v1/tournaments/{id}/withdraw", tag = "tournaments", security(("access_token" = [])),
    params(
        ("id" = TournamentId, Path, description = "The tournament"),
        ("Idempotency-Key" = String, Header, description = "1 to 128 visible ASCII characters"),
    ),
    responses(
        (status = 200, body = MyEntries),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn withdraw(
    Player(claims): Player,
    InPath(id): InPath<TournamentId>,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
) -> Result<Json<MyEntries>, ApiError> {
    let key = key.ok_or(NO_IDEMPOTENCY_KEY)?;
    let route = format!("tournament-withdraw-{id}");
    let keyed = KeyedRequest::new(claims.sub, &route, &key, &());
    let request = request_id(&claims.sub, &route, &key);
    let asked = Change { id, now: crate::clock::now(), region: &region.name, fence: None };
    let steps = |live: &Live| {
        let (entrant, entry) = live.entry_of(claims.sub).ok_or(Refusal::NoEntry)?;
        let captain = entry.members.first().is_some_and(|captain| captain.account == claims.sub);
        if !captain && !live.tournament.seeds().is_empty() {
            return Err(Refusal::NotCaptain);
        }
        Ok(vec![Step::Leave { entrant, request }])
    };
    let shown = |loaded: &Loaded| Ok(mine(loaded, claims.sub));
    change(&store, asked, Some(&keyed), steps, shown).await.map(Json)
}
