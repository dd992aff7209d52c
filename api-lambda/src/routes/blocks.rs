//! `/v1/blocks`: accounts that the player has nothing to do with.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::contract::Problem;
use domain::contract::social::{AcquaintancePage, BlockSomebody};
use domain::ids::CharacterId;

use crate::error::ApiError;
use crate::error::refusals::social as refusals;
use crate::extract::{Body, IdempotencyKey, InPath, InQuery, Paging, Player};
use crate::idempotency::OptionalKey;
use crate::relation::{List, Wish};
use crate::routes::friends::{acquaintances, end, refused};
use crate::state::Region;
use crate::store::Store;
use crate::store::relations::RelationRefusal;

/// Whom the player blocks.
#[utoipa::path(
    get, path = "/v1/blocks", tag = "friends", security(("access_token" = [])),
    params(Paging),
    responses(
        (status = 200, body = AcquaintancePage),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    Player(claims): Player,
    InQuery(paging): InQuery<Paging>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
) -> Result<Json<AcquaintancePage>, ApiError> {
    Ok(Json(acquaintances(&store, &region, claims.sub, List::Blocks, paging).await?))
}

/// Blocks the account of a character, with all of its characters: friendship and requests between the two end.
#[utoipa::path(
    post, path = "/v1/blocks", tag = "friends", security(("access_token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters")),
    request_body = BlockSomebody,
    responses(
        (status = 204),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn block(
    Player(claims): Player,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
    Body(body): Body<BlockSomebody>,
) -> Result<StatusCode, ApiError> {
    let now = crate::clock::now();
    let keyed = OptionalKey::new(claims.sub, "blocks", key.as_deref(), &body);
    if keyed.earlier::<()>(&store, now).await?.is_some() {
        return Ok(StatusCode::NO_CONTENT);
    }
    let other = store.addressee(&body.whom).await?.ok_or(refusals::NOBODY)?;
    if other.account == claims.sub {
        return Err(refusals::ONESELF.into());
    }
    let wish = Wish::Block { character: other.character.id };
    let stored = |_: &_| keyed.answer(&(), now);
    match store.change_relation((claims.sub, other.account), wish, now, stored).await? {
        Ok(_) | Err(RelationRefusal::Repeated) => Ok(StatusCode::NO_CONTENT),
        Err(refusal) => Err(refused(refusal)),
    }
}

/// Ends a block.
#[utoipa::path(
    delete, path = "/v1/blocks/{character}", tag = "friends", security(("access_token" = [])),
    params(("character" = CharacterId, Path, description = "As the list of blocks shows it")),
    responses(
        (status = 204),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn unblock(
    Player(claims): Player,
    InPath(character): InPath<CharacterId>,
    State(store): State<Store>,
) -> Result<StatusCode, ApiError> {
    let keyed = OptionalKey::new(claims.sub, "", None, &());
    let wish = Wish::Unblock { character };
    end(&store, claims.sub, List::Blocks, character, wish, &keyed, crate::clock::now()).await
}
