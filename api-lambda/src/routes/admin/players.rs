//! `/admin/v1/players`: finding players, what is known of one, notes, kicks.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::contract::Problem;
use domain::contract::bans::EdgeState;
use domain::contract::support::{
    AddNote, CharacterRecord, CharacterStay, FoundPlayer, FoundPlayers, KickPlayer, Kicked, Note, NoteList,
    PlayerRecord,
};
use domain::ids::{AccountId, CharacterId};
use domain::names::search_key;
use serde::Deserialize;

use crate::bans;
use crate::edge::EdgeClient;
use crate::error::{ApiError, refusals};
use crate::extract::{Admin, Body, IdempotencyKey, InPath, InQuery, Paging, Role};
use crate::idempotency::OptionalKey;
use crate::routes::admin::bans::state_of;
use crate::routes::characters::own;
use crate::store::Store;
use crate::store::admin::names::FIRST_LETTERS;
use crate::store::cursor::Cursor;

/// Notes that are shown with a player.
const NOTES_SHOWN: i32 = 20;

/// Who is looked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    name: Option<String>,
    prefix: Option<String>,
    account: Option<AccountId>,
    character: Option<CharacterId>,
    email: Option<String>,
    limit: Option<i32>,
    cursor: Option<Cursor>,
}

/// Players by exactly one of: the name of a character, the beginning of one (two letters or more), a character, an
/// account, the e-mail address of an account. Case and separators do not count. For support.
#[utoipa::path(
    get, path = "/admin/v1/players", tag = "admin", security(("admin_key" = [])),
    params(
        ("name" = Option<String>, Query, description = "The name of a character"),
        ("prefix" = Option<String>, Query, description = "The beginning of the name of a character"),
        ("account" = Option<AccountId>, Query, description = "An account"),
        ("character" = Option<CharacterId>, Query, description = "A character"),
        ("email" = Option<String>, Query, description = "An e-mail address"),
        Paging,
    ),
    responses(
        (status = 200, body = FoundPlayers),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn search(
    admin: Admin,
    InQuery(query): InQuery<Search>,
    State(store): State<Store>,
    State(edge): State<Arc<EdgeClient>>,
) -> Result<Json<FoundPlayers>, ApiError> {
    admin.need(Role::Support)?;
    let (limit, cursor) = Paging::of(query.limit, query.cursor).checked()?;
    let nobody = |account| FoundPlayer { account, character: None, name: None };
    let found = match (query.name, query.prefix, query.account, query.character, query.email) {
        (Some(name), None, None, None, None) => store.find_name(&key_of("name", &name)?).await?,
        (None, Some(prefix), None, None, None) => {
            let beginning = key_of("prefix", &prefix)?;
            let (players, next) = store.find_names(&beginning, limit, cursor.as_ref()).await?;
            return Ok(Json(FoundPlayers { players, next: next.map(String::from) }));
        }
        (None, None, Some(account), None, None) => {
            let known = is_known_here(&store, account).await? || ask(edge.account(account).await)?.is_some();
            known.then(|| nobody(account))
        }
        (None, None, None, Some(character), None) => store.character(character).await?.map(|stored| {
            let name = stored.character.name.to_string();
            FoundPlayer { account: stored.account, character: Some(character), name: Some(name) }
        }),
        (None, None, None, None, Some(email)) => {
            ask(edge.account_of_email(&email).await)?.map(|record| nobody(record.account))
        }
        _ => {
            let text = "exactly one of name, prefix, account, character and email is needed";
            return Err(ApiError::BadQuery(text.into()));
        }
    };
    Ok(Json(FoundPlayers { players: found.into_iter().collect(), next: None }))
}

/// The form in which names are searched for.
fn key_of(parameter: &str, text: &str) -> Result<String, ApiError> {
    // The longest name has 20 characters.
    let key = if text.len() > 200 { String::new() } else { search_key(text) };
    if key.chars().count() >= FIRST_LETTERS {
        return Ok(key);
    }
    let text = format!("{parameter}: a name, or {FIRST_LETTERS} letters or digits of it at least, is needed");
    Err(ApiError::BadQuery(text))
}

/// Whether anything of the account is stored here: it has had a character, or administrators have done something
/// about it. Who has only signed in is known to the edge alone.
async fn is_known_here(store: &Store, account: AccountId) -> Result<bool, ApiError> {
    Ok(store.has_player(account).await?
        || store.ban_of(account).await?.is_some()
        || !store.notes(account, 1, None).await?.0.is_empty()
        || store.muted(account, crate::clock::now()).await?.is_some())
}

/// Refuses an account that neither the API nor the edge knows: whoever has mistyped an id must not believe that
/// something was done. An edge that is away keeps nobody from acting.
pub(crate) async fn need_known(store: &Store, edge: &EdgeClient, account: AccountId) -> Result<(), ApiError> {
    if is_known_here(store, account).await? {
        return Ok(());
    }
    match edge.account(account).await {
        Ok(None) => Err(refusals::admin::NO_PLAYER.into()),
        Ok(Some(_)) => Ok(()),
        Err(error) => {
            tracing::warn!(account.id = %account, %error, "it is not known whether there is such an account");
            Ok(())
        }
    }
}

fn ask<T>(answer: Result<T, crate::edge::EdgeError>) -> Result<T, ApiError> {
    answer.map_err(|error| match error {
        // What the edge takes for no e-mail address.
        crate::edge::EdgeError::Status(400) => ApiError::BadQuery("email: it is no e-mail address".into()),
        other => {
            tracing::warn!(error = %other, "the edge was not asked");
            refusals::admin::EDGE_UNREACHABLE.into()
        }
    })
}

/// All that is known of an account. For support.
#[utoipa::path(
    get, path = "/admin/v1/players/{account}", tag = "admin", security(("admin_key" = [])),
    params(("account" = AccountId, Path, description = "The account")),
    responses(
        (status = 200, body = PlayerRecord),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read(
    admin: Admin,
    InPath(account): InPath<AccountId>,
    State(store): State<Store>,
    State(edge): State<Arc<EdgeClient>>,
) -> Result<Json<PlayerRecord>, ApiError> {
    admin.need(Role::Support)?;
    let now = crate::clock::now();
    let (characters, ban, pending, notes, record) = tokio::join!(
        store.characters_of(account),
        store.ban_of(account),
        store.ban_pending(account),
        store.notes(account, NOTES_SHOWN, None),
        edge.account(account),
    );
    let characters = characters?;
    let ids: Vec<CharacterId> = characters.iter().map(|character| character.id).collect();
    let presence = store.presence(&ids, now).await?;
    let characters = characters.into_iter().zip(presence).map(|(character, presence)| {
        let stay = |stay: crate::store::presence::Stay| CharacterStay {
            host: stay.host,
            instance: stay.instance,
            zone: stay.zone,
            since: stay.since,
        };
        CharacterRecord { character, online: presence.online.map(stay) }
    });
    let told = if pending? { EdgeState::Pending } else { EdgeState::Told };
    Ok(Json(PlayerRecord {
        account,
        characters: characters.collect(),
        ban: state_of(account, ban?, told),
        notes: notes?.0,
        edge_asked: record.is_ok(),
        edge: record.unwrap_or_default(),
    }))
}

/// The notes about a player, the newest first. For support.
#[utoipa::path(
    get, path = "/admin/v1/players/{account}/notes", tag = "admin", security(("admin_key" = [])),
    params(
        ("account" = AccountId, Path, description = "The account"),
        Paging,
    ),
    responses(
        (status = 200, body = NoteList),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn notes(
    admin: Admin,
    InPath(account): InPath<AccountId>,
    InQuery(paging): InQuery<Paging>,
    State(store): State<Store>,
) -> Result<Json<NoteList>, ApiError> {
    admin.need(Role::Support)?;
    let (limit, cursor) = paging.checked()?;
    let (notes, next) = store.notes(account, limit, cursor.as_ref()).await?;
    Ok(Json(NoteList { notes, next: next.map(String::from) }))
}

/// Adds a note about a player. With an `Idempotency-Key`, a repetition within 24 hours adds nothing. For support.
#[utoipa::path(
    post, path = "/admin/v1/players/{account}/notes", tag = "admin", security(("admin_key" = [])),
    params(
        ("account" = AccountId, Path, description = "The account"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters"),
    ),
    request_body = AddNote,
    responses(
        (status = 201, body = Note),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn add_note(
    admin: Admin,
    InPath(account): InPath<AccountId>,
    IdempotencyKey(idempotency): IdempotencyKey,
    State(store): State<Store>,
    State(edge): State<Arc<EdgeClient>>,
    Body(body): Body<AddNote>,
) -> Result<(StatusCode, Json<Note>), ApiError> {
    admin.need(Role::Support)?;
    let now = crate::clock::now();
    let keyed = OptionalKey::of(&admin.actor(), "admin notes", idempotency.as_deref(), &(account, &body));
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Ok((StatusCode::CREATED, Json(earlier)));
    }
    need_known(&store, &edge, account).await?;
    let note = Note { id: admin.audit.id, text: body.text, by: admin.name.to_string(), at: now };
    let answer = keyed.answer(&note, now);
    if store.add_note(account, &note, admin.audit, answer.as_ref()).await? {
        return Ok((StatusCode::CREATED, Json(note)));
    }
    // The same request, sent twice at once: the other one was faster.
    Ok((StatusCode::CREATED, Json(keyed.faster(&store, now).await?)))
}

/// Takes a player's characters, or one of them, out of the world. They may come back at once. For support.
#[utoipa::path(
    post, path = "/admin/v1/players/{account}/kick", tag = "admin", security(("admin_key" = [])),
    params(("account" = AccountId, Path, description = "The account")),
    request_body = KickPlayer,
    responses(
        (status = 200, body = Kicked),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn kick(
    admin: Admin,
    InPath(account): InPath<AccountId>,
    State(store): State<Store>,
    State(edge): State<Arc<EdgeClient>>,
    Body(body): Body<KickPlayer>,
) -> Result<Json<Kicked>, ApiError> {
    admin.need(Role::Support)?;
    let now = crate::clock::now();
    let reason = body.reason.as_str();
    let characters = if let Some(character) = body.character {
        own(&store, account, character).await?;
        bans::kick(&store, &[character], reason, now).await?
    } else {
        need_known(&store, &edge, account).await?;
        bans::kick_all(&store, account, reason, now).await?
    };
    Ok(Json(Kicked { characters }))
}
