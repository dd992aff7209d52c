//! `/v1/friends`: friends, and requests to become one. Relations are between accounts; players name and see
//! characters.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::contract::Problem;
use domain::contract::social::{
    Acquaintance, AcquaintancePage, AskFriend, Friend, FriendAnswer, FriendPage, FriendState, NamedCharacter,
    Whom,
};
use domain::ids::{AccountId, CharacterId};
use domain::names::CharacterName;
use domain::time::UnixMillis;
use serde::Deserialize;
use serde_json::json;

use crate::error::ApiError;
use crate::error::refusals::social as refusals;
use crate::extract::{Body, IdempotencyKey, InPath, InQuery, Paging, Player};
use crate::idempotency::OptionalKey;
use crate::notices::tell;
use crate::relation::{List, Pair, Relation, Unwanted, Wish};
use crate::routes::characters::own;
use crate::state::Region;
use crate::store::Store;
use crate::store::cursor::Cursor;
use crate::store::relations::RelationRefusal;

/// The topic of notices about friends.
const TOPIC: &str = "friends";

/// The character that has a name.
#[utoipa::path(
    get, path = "/v1/names/{name}", tag = "characters", security(("access_token" = [])),
    params(("name" = CharacterName, Path, description = "The name, or one that looks alike")),
    responses(
        (status = 200, body = NamedCharacter),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn named(
    _: Player,
    InPath(name): InPath<CharacterName>,
    State(store): State<Store>,
) -> Result<Json<NamedCharacter>, ApiError> {
    let found = store.addressee(&Whom::Name(name)).await?.ok_or(refusals::NOBODY)?;
    Ok(Json(NamedCharacter { character: found.character.id, name: found.character.name }))
}

/// The player's friends, and where each is.
#[utoipa::path(
    get, path = "/v1/friends", tag = "friends", security(("access_token" = [])),
    params(Paging),
    responses(
        (status = 200, body = FriendPage),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    Player(claims): Player,
    InQuery(paging): InQuery<Paging>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
) -> Result<Json<FriendPage>, ApiError> {
    let (limit, cursor) = paging.checked()?;
    let now = crate::clock::now();
    let (known, next) = store.acquaintances(claims.sub, List::Friends, limit, cursor.as_ref()).await?;
    let characters: Vec<CharacterId> = known.iter().map(|known| known.character).collect();
    let mut seen = store.sightings(&characters, &region.catalogue(), now).await?;
    let friends = known.into_iter().map(|known| {
        let sighting = seen.remove(&known.character).unwrap_or_default();
        Friend {
            character: known.character,
            name: sighting.name,
            since: known.since,
            presence: sighting.presence,
        }
    });
    Ok(Json(FriendPage { friends: friends.collect(), next: next.map(String::from) }))
}

/// Which requests are listed.
#[derive(Debug, Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    #[default]
    Incoming,
    Outgoing,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestsQuery {
    #[serde(default)]
    direction: Direction,
    limit: Option<i32>,
    cursor: Option<Cursor>,
}

/// Requests that wait for an answer.
#[utoipa::path(
    get, path = "/v1/friends/requests", tag = "friends", security(("access_token" = [])),
    params(
        ("direction" = inline(Option<Direction>), Query, description = "`incoming`, to the player, unless told"),
        Paging,
    ),
    responses(
        (status = 200, body = AcquaintancePage),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn requests(
    Player(claims): Player,
    InQuery(query): InQuery<RequestsQuery>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
) -> Result<Json<AcquaintancePage>, ApiError> {
    let list = match query.direction {
        Direction::Incoming => List::Incoming,
        Direction::Outgoing => List::Outgoing,
    };
    let paging = Paging::of(query.limit, query.cursor);
    Ok(Json(acquaintances(&store, &region, claims.sub, list, paging).await?))
}

/// A page of a list without places: those are for friends.
pub(crate) async fn acquaintances(
    store: &Store,
    region: &Region,
    account: AccountId,
    list: List,
    paging: Paging,
) -> Result<AcquaintancePage, ApiError> {
    let (limit, cursor) = paging.checked()?;
    let now = crate::clock::now();
    let (known, next) = store.acquaintances(account, list, limit, cursor.as_ref()).await?;
    let characters: Vec<CharacterId> = known.iter().map(|known| known.character).collect();
    let mut seen = store.sightings(&characters, &region.catalogue(), now).await?;
    let entries = known.into_iter().map(|known| {
        let name = seen.remove(&known.character).unwrap_or_default().name;
        Acquaintance { character: known.character, name, since: known.since }
    });
    Ok(AcquaintancePage { entries: entries.collect(), next: next.map(String::from) })
}

/// Asks somebody to be friends. If the other one has asked already, both are friends at once. Whoever is blocked
/// by the other one gets the answer that everybody gets.
#[utoipa::path(
    post, path = "/v1/friends/requests", tag = "friends", security(("access_token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters")),
    request_body = AskFriend,
    responses(
        (status = 200, body = FriendAnswer),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn ask(
    Player(claims): Player,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
    Body(body): Body<AskFriend>,
) -> Result<Json<FriendAnswer>, ApiError> {
    let now = crate::clock::now();
    let keyed = OptionalKey::new(claims.sub, "friends/requests", key.as_deref(), &body);
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Ok(Json(earlier));
    }
    let own = own(&store, claims.sub, body.from).await?.character;
    let other = store.addressee(&body.to).await?.ok_or(refusals::NOBODY)?;
    if other.account == claims.sub {
        return Err(refusals::ONESELF.into());
    }
    let to = other.character.id;
    let parties = (claims.sub, other.account);
    let wish = Wish::Ask { from: own.id, to };
    let stored = |relation: &Relation| keyed.answer(&answer(to, relation), now);
    let relation = match store.change_relation(parties, wish, now, stored).await? {
        Ok(relation) => relation,
        Err(RelationRefusal::Repeated) => return Ok(Json(keyed.faster(&store, now).await?)),
        Err(refusal) => return Err(refused(refusal)),
    };
    if let Some(kind) = news(parties, &relation) {
        let from = json!({ "character": own.id, "name": own.name });
        tell(&store, &[to], TOPIC, &json!({ "kind": kind, "from": from }), now).await;
    }
    Ok(Json(answer(to, &relation)))
}

/// What the other one is told. Nothing, if the request is hidden.
fn news((me, other): (AccountId, AccountId), relation: &Relation) -> Option<&'static str> {
    let (_, side) = Pair::of(me, other)?;
    if relation.are_friends() {
        return Some("friends");
    }
    relation.entry(side.other(), List::Incoming).map(|_| "requested")
}

fn answer(character: CharacterId, relation: &Relation) -> FriendAnswer {
    let state = if relation.are_friends() { FriendState::Friends } else { FriendState::Pending };
    FriendAnswer { character, state }
}

/// Accepts the request of the one who asked by this character.
#[utoipa::path(
    post, path = "/v1/friends/requests/{character}/accept", tag = "friends", security(("access_token" = [])),
    params(
        ("character" = CharacterId, Path, description = "As the list of incoming requests shows it"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters"),
    ),
    responses(
        (status = 200, body = FriendAnswer),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn accept(
    Player(claims): Player,
    InPath(character): InPath<CharacterId>,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
) -> Result<Json<FriendAnswer>, ApiError> {
    let now = crate::clock::now();
    let keyed = OptionalKey::new(claims.sub, "friends/accept", key.as_deref(), &character);
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Ok(Json(earlier));
    }
    let other = match store.known(claims.sub, List::Incoming, character).await? {
        Some(other) => Some(other),
        // Accepted a moment ago, and the answer was lost.
        None => store.known(claims.sub, List::Friends, character).await?,
    };
    let parties = (claims.sub, other.ok_or(refusals::NO_REQUEST)?);
    let stored = |relation: &Relation| keyed.answer(&answer(character, relation), now);
    let relation = match store.change_relation(parties, Wish::Accept { character }, now, stored).await? {
        Ok(relation) => relation,
        Err(RelationRefusal::Repeated) => return Ok(Json(keyed.faster(&store, now).await?)),
        Err(refusal) => return Err(refused(refusal)),
    };
    if let Some((_, side)) = Pair::of(parties.0, parties.1)
        && let Some(shown) = relation.entry(side.other(), List::Friends)
    {
        let from = json!({ "character": shown.character });
        tell(&store, &[character], TOPIC, &json!({ "kind": "friends", "from": from }), now).await;
    }
    Ok(Json(answer(character, &relation)))
}

/// Declines the request of the one who asked by this character.
#[utoipa::path(
    post, path = "/v1/friends/requests/{character}/decline", tag = "friends", security(("access_token" = [])),
    params(
        ("character" = CharacterId, Path, description = "As the list of incoming requests shows it"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters"),
    ),
    responses(
        (status = 204),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn decline(
    Player(claims): Player,
    InPath(character): InPath<CharacterId>,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
) -> Result<StatusCode, ApiError> {
    let now = crate::clock::now();
    let keyed = OptionalKey::new(claims.sub, "friends/decline", key.as_deref(), &character);
    if keyed.earlier::<()>(&store, now).await?.is_some() {
        return Ok(StatusCode::NO_CONTENT);
    }
    let wish = Wish::Decline { character };
    end(&store, claims.sub, List::Incoming, character, wish, &keyed, now).await
}

/// Withdraws the request to this character.
#[utoipa::path(
    delete, path = "/v1/friends/requests/{character}", tag = "friends", security(("access_token" = [])),
    params(("character" = CharacterId, Path, description = "As the list of outgoing requests shows it")),
    responses(
        (status = 204),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn withdraw(
    Player(claims): Player,
    InPath(character): InPath<CharacterId>,
    State(store): State<Store>,
) -> Result<StatusCode, ApiError> {
    let keyed = OptionalKey::new(claims.sub, "", None, &());
    let wish = Wish::Withdraw { character };
    end(&store, claims.sub, List::Outgoing, character, wish, &keyed, crate::clock::now()).await
}

/// Ends a friendship, for both.
#[utoipa::path(
    delete, path = "/v1/friends/{character}", tag = "friends", security(("access_token" = [])),
    params(("character" = CharacterId, Path, description = "As the list of friends shows it")),
    responses(
        (status = 204),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn remove(
    Player(claims): Player,
    InPath(character): InPath<CharacterId>,
    State(store): State<Store>,
) -> Result<StatusCode, ApiError> {
    let keyed = OptionalKey::new(claims.sub, "", None, &());
    let wish = Wish::Part { character };
    end(&store, claims.sub, List::Friends, character, wish, &keyed, crate::clock::now()).await
}

/// Grants a wish about somebody in a list of the account, and answers nothing else.
pub(crate) async fn end(
    store: &Store,
    account: AccountId,
    list: List,
    character: CharacterId,
    wish: Wish,
    keyed: &OptionalKey,
    now: UnixMillis,
) -> Result<StatusCode, ApiError> {
    let missing = match list {
        List::Friends => refusals::NO_FRIEND,
        List::Incoming | List::Outgoing => refusals::NO_REQUEST,
        List::Blocks | List::BlockedBy => refusals::NO_BLOCK,
    };
    let other = store.known(account, list, character).await?.ok_or(missing)?;
    match store.change_relation((account, other), wish, now, |_| keyed.answer(&(), now)).await? {
        Ok(_) | Err(RelationRefusal::Repeated) => Ok(StatusCode::NO_CONTENT),
        Err(refusal) => Err(refused(refusal)),
    }
}

/// The map of refusals.
pub(crate) fn refused(refusal: RelationRefusal) -> ApiError {
    match refusal {
        RelationRefusal::Unwanted(Unwanted::Blocking) => refusals::BLOCKING.into(),
        RelationRefusal::Unwanted(Unwanted::NoRequest) => refusals::NO_REQUEST.into(),
        RelationRefusal::Unwanted(Unwanted::NoFriends) => refusals::NO_FRIEND.into(),
        RelationRefusal::Unwanted(Unwanted::NoBlock) => refusals::NO_BLOCK.into(),
        RelationRefusal::Full(List::Friends) => refusals::FRIENDS_FULL.into(),
        RelationRefusal::Full(List::Outgoing) => refusals::REQUESTS_FULL.into(),
        RelationRefusal::Full(List::Blocks) => refusals::BLOCKS_FULL.into(),
        RelationRefusal::FullThere(List::Friends) => refusals::FRIENDS_FULL_THERE.into(),
        RelationRefusal::FullThere(List::Incoming) => refusals::REQUESTS_FULL_THERE.into(),
        // No wish makes these lists longer.
        RelationRefusal::Full(_) | RelationRefusal::FullThere(_) | RelationRefusal::Repeated => {
            ApiError::Internal
        }
    }
}
