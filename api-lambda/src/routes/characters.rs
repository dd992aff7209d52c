//! `/v1/characters`: the characters of the player's account.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::contract::Problem;
use domain::contract::players::{Character, CharacterList, CreateCharacter, RenameCharacter};
use domain::ids::CharacterId;
use domain::progression::level_of_xp;

use crate::error::ApiError;
use crate::extract::{Body, IdempotencyKey, InPath, Player};
use crate::idempotency::{ANSWER_KEPT_MILLIS, KeyedRequest};
use crate::store::Store;
use crate::store::characters::{CreateRefusal, RenameRefusal};

/// The characters of the account, oldest first.
#[utoipa::path(
    get, path = "/v1/characters", tag = "characters", security(("access_token" = [])),
    responses(
        (status = 200, body = CharacterList),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    Player(claims): Player,
    State(store): State<Store>,
) -> Result<Json<CharacterList>, ApiError> {
    Ok(Json(CharacterList { characters: store.characters_of(claims.sub).await? }))
}

/// Makes a character. With an `Idempotency-Key`, a repetition within 24 hours gets the same answer.
#[utoipa::path(
    post, path = "/v1/characters", tag = "characters", security(("access_token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters")),
    request_body = CreateCharacter,
    responses(
        (status = 201, body = Character),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(
    Player(claims): Player,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
    Body(body): Body<CreateCharacter>,
) -> Result<(StatusCode, Json<Character>), ApiError> {
    let now = crate::clock::now();
    let keyed = key.map(|key| KeyedRequest::new(claims.sub, "characters", &key, &body));
    if let Some(keyed) = &keyed
        && let Some(earlier) = keyed.earlier(&store, now).await?
    {
        return Ok((StatusCode::CREATED, Json(earlier)));
    }
    let character = Character {
        id: CharacterId::new(now, crate::clock::random_u128()),
        name: body.name,
        version: 1,
        level: level_of_xp(0),
        xp: 0,
        kills: 0,
        deaths: 0,
        items: Vec::new(),
        place: None,
        created_at: now,
        updated_at: now,
    };
    let answer = keyed.as_ref().map(|keyed| keyed.answer(&character, now.plus_millis(ANSWER_KEPT_MILLIS)));
    let made = match store.create_character(claims.sub, &character, answer.as_ref()).await? {
        Ok(()) => character,
        Err(CreateRefusal::TooMany) => return Err(ApiError::TooManyCharacters),
        Err(CreateRefusal::NameTaken) => return Err(ApiError::NameTaken),
        Err(CreateRefusal::Repeated) => {
            // The same request, sent twice at once: the other one has stored its answer.
            let earlier = match &keyed {
                Some(keyed) => keyed.earlier(&store, now).await?,
                None => None,
            };
            earlier.ok_or(ApiError::Internal)?
        }
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// One character of the account.
#[utoipa::path(
    get, path = "/v1/characters/{id}", tag = "characters", security(("access_token" = [])),
    params(("id" = CharacterId, Path, description = "The character")),
    responses(
        (status = 200, body = Character),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read(
    Player(claims): Player,
    InPath(id): InPath<CharacterId>,
    State(store): State<Store>,
) -> Result<Json<Character>, ApiError> {
    let stored = store.character(id).await?.filter(|stored| stored.account == claims.sub);
    Ok(Json(stored.ok_or(ApiError::NoCharacter)?.character))
}

/// Renames a character that still has the version given.
#[utoipa::path(
    patch, path = "/v1/characters/{id}", tag = "characters", security(("access_token" = [])),
    params(("id" = CharacterId, Path, description = "The character")),
    request_body = RenameCharacter,
    responses(
        (status = 200, body = Character),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn rename(
    Player(claims): Player,
    InPath(id): InPath<CharacterId>,
    State(store): State<Store>,
    Body(body): Body<RenameCharacter>,
) -> Result<Json<Character>, ApiError> {
    let now = crate::clock::now();
    match store.rename_character(claims.sub, id, &body.name, body.version, now).await? {
        Ok(character) => Ok(Json(character)),
        Err(RenameRefusal::Missing) => Err(ApiError::NoCharacter),
        Err(RenameRefusal::NameTaken) => Err(ApiError::NameTaken),
        Err(RenameRefusal::OtherVersion(version)) => Err(ApiError::VersionConflict(version)),
    }
}

/// Deletes a character: its name is free at once, what it gained is kept for a later restoration.
#[utoipa::path(
    delete, path = "/v1/characters/{id}", tag = "characters", security(("access_token" = [])),
    params(("id" = CharacterId, Path, description = "The character")),
    responses(
        (status = 204),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete(
    Player(claims): Player,
    InPath(id): InPath<CharacterId>,
    State(store): State<Store>,
) -> Result<StatusCode, ApiError> {
    // First, so that nobody leads a party who is no more. If the deletion fails, the character is out of its party.
    store.leave_party(claims.sub, id, crate::clock::now()).await?;
    if store.delete_character(claims.sub, id, crate::clock::now()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::NoCharacter)
    }
}
