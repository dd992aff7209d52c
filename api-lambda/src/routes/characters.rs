//! `/v1/characters`: the characters of the player's account.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::contract::players::{
    Character, CharacterList, CreateCharacter, DeletedCharacterList, PurgedCharacters, RenameCharacter,
    RestoreCharacter,
};
use domain::contract::{JobCall, Problem};
use domain::ids::{AccountId, CharacterId};
use domain::names::CharacterName;
use domain::progression::level_of_xp;

use crate::bans;
use crate::error::{ApiError, refusals};
use crate::extract::{Body, IdempotencyKey, InPath, InQuery, Job, Paging, Player, Service};
use crate::idempotency::OptionalKey;
use crate::state::Region;
use crate::store::Store;
use crate::store::characters::deletion::RestoreRefusal;
use crate::store::characters::{CreateRefusal, RenameRefusal, StoredCharacter};

/// The character, if it is the account's own. That of another account is answered like one that nobody has.
pub(crate) async fn own(
    store: &Store,
    account: AccountId,
    id: CharacterId,
) -> Result<StoredCharacter, ApiError> {
    store.character_of(account, id).await?.ok_or_else(|| refusals::characters::NO_CHARACTER.into())
}

/// Refuses names that players cannot have.
fn check_name(region: &Region, name: &CharacterName) -> Result<(), ApiError> {
    let allowed = region.catalogue().names.allows(name);
    if allowed { Ok(()) } else { Err(refusals::characters::NAME_RESERVED.into()) }
}

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
    State(region): State<Arc<Region>>,
    Body(body): Body<CreateCharacter>,
) -> Result<(StatusCode, Json<Character>), ApiError> {
    let now = crate::clock::now();
    let keyed = OptionalKey::new(claims.sub, "characters", key.as_deref(), &body);
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Ok((StatusCode::CREATED, Json(earlier)));
    }
    check_name(&region, &body.name)?;
    let character = Character {
        id: CharacterId::new(now, crate::clock::random_u128()),
        name: body.name,
        version: 1,
        level: level_of_xp(0),
        xp: 0,
        kills: 0,
        deaths: 0,
        place: None,
        created_at: now,
        updated_at: now,
    };
    let answer = keyed.answer(&character, now);
    let made = match store.create_character(claims.sub, &character, answer.as_ref()).await? {
        Ok(()) => character,
        Err(CreateRefusal::TooMany) => return Err(refusals::characters::TOO_MANY.into()),
        Err(CreateRefusal::NameTaken) => return Err(refusals::characters::NAME_TAKEN.into()),
        Err(CreateRefusal::Banned) => return Err(refusals::admin::BANNED.into()),
        Err(CreateRefusal::Repeated) => {
            // The same request, sent twice at once: the other one has stored its answer.
            keyed.faster(&store, now).await?
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
    Ok(Json(own(&store, claims.sub, id).await?.character))
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
    State(region): State<Arc<Region>>,
    Body(body): Body<RenameCharacter>,
) -> Result<Json<Character>, ApiError> {
    check_name(&region, &body.name)?;
    let now = crate::clock::now();
    match store.rename_character(claims.sub, id, &body.name, body.version, now).await? {
        Ok(character) => Ok(Json(character)),
        Err(RenameRefusal::Missing) => Err(refusals::characters::NO_CHARACTER.into()),
        Err(RenameRefusal::NameTaken) => Err(refusals::characters::NAME_TAKEN.into()),
        Err(RenameRefusal::OtherVersion(version)) => {
            let words = format!("the character has version {version} now: read it again and decide anew");
            Err(refusals::characters::VERSION_CONFLICT.because(words).into())
        }
    }
}

/// Deletes a character: its name is free at once, and what it has is kept for 30 days, in which it can be
/// restored.
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
    if !store.delete_character(claims.sub, id, crate::clock::now()).await? {
        return Err(refusals::characters::NO_CHARACTER.into());
    }
    if let Err(error) = bans::kick(&store, &[id], "your character was deleted", crate::clock::now()).await {
        // Its host finds out when it next saves it.
        tracing::warn!(kind = error.kind(), %error, "a deleted character was not put out of the world");
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The deleted characters of the account that can be restored.
#[utoipa::path(
    get, path = "/v1/characters/deleted", tag = "characters", security(("access_token" = [])),
    params(Paging),
    responses(
        (status = 200, body = DeletedCharacterList),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_deleted(
    Player(claims): Player,
    InQuery(paging): InQuery<Paging>,
    State(store): State<Store>,
) -> Result<Json<DeletedCharacterList>, ApiError> {
    let (limit, cursor) = paging.checked()?;
    let now = crate::clock::now();
    let (characters, next) = store.deleted_characters(claims.sub, limit, cursor.as_ref(), now).await?;
    Ok(Json(DeletedCharacterList { characters, next: next.map(String::from) }))
}

/// Restores a character that was deleted less than 30 days ago, with all that it had. It needs a free place in the account and its old name, or the new one that is given. With an
/// `Idempotency-Key`, a repetition within 24 hours gets the same answer; without, it is told that the character
/// is not deleted.
#[utoipa::path(
    post, path = "/v1/characters/{id}/restore", tag = "characters", security(("access_token" = [])),
    params(
        ("id" = CharacterId, Path, description = "The character"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters"),
    ),
    request_body = RestoreCharacter,
    responses(
        (status = 200, body = Character),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn restore(
    Player(claims): Player,
    InPath(id): InPath<CharacterId>,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<RestoreCharacter>,
) -> Result<Json<Character>, ApiError> {
    let now = crate::clock::now();
    let keyed = OptionalKey::new(claims.sub, "restore", key.as_deref(), &(id, &body));
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Ok(Json(earlier));
    }
    let deleted = store.deleted_character(id).await?.filter(|deleted| deleted.stored.account == claims.sub);
    let refused = if let Some(deleted) = deleted {
        if deleted.purge_at <= now {
            return Err(refusals::characters::RESTORE_EXPIRED.into());
        }
        let before = deleted.stored.character.clone();
        let name = body.name.unwrap_or_else(|| before.name.clone());
        check_name(&region, &name)?;
        let restored = Character { name, version: before.version + 1, updated_at: now, ..before };
        let answer = keyed.answer(&restored, now);
        match store.restore_character(&deleted, &restored, answer.as_ref()).await? {
            Ok(()) => return Ok(Json(restored)),
            Err(RestoreRefusal::TooMany) => return Err(refusals::characters::TOO_MANY.into()),
            Err(RestoreRefusal::NameTaken) => return Err(refusals::characters::NAME_TAKEN.into()),
            Err(RestoreRefusal::Banned) => return Err(refusals::admin::BANNED.into()),
            Err(RestoreRefusal::Repeated | RestoreRefusal::Changed) => {
                refusals::characters::RESTORE_EXPIRED.into()
            }
        }
    } else {
        refusals::characters::NO_CHARACTER.into()
    };
    // The same request, sent twice at once: the other one has stored its answer. Or another one was faster.
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Ok(Json(earlier));
    }
    let living = store.character_of(claims.sub, id).await?.is_some();
    Err(if living { refusals::characters::NOT_DELETED.into() } else { refused })
}

/// Purges characters that were deleted more than 30 days ago, with all that they had. To be called now and then, and
/// again at once with `next` while it is there; calls at the same time do no harm.
#[utoipa::path(
    post, path = "/internal/v1/characters/purge", tag = "internal", security(("service_token" = [])),
    request_body = Option<JobCall>,
    responses(
        (status = 200, body = PurgedCharacters),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn purge(
    _: Service,
    State(store): State<Store>,
    Job(cursor): Job,
) -> Result<Json<PurgedCharacters>, ApiError> {
    let (characters, next) = store.purge_characters(cursor.as_ref(), crate::clock::now()).await?;
    Ok(Json(PurgedCharacters { characters, more: next.is_some(), next: next.map(String::from) }))
}
