//! `/admin/v1/players/{account}/characters/{character}/grants`: items and money that administrators give and take.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::contract::Problem;
use domain::contract::support::{GrantPossessions, Granted};
use domain::ids::{AccountId, CharacterId};

use crate::error::{ApiError, refusals};
use crate::extract::{Admin, Body, IdempotencyKey, InPath, Role};
use crate::idempotency::{ANSWER_KEPT_MILLIS, KeyedRequest};
use crate::routes::characters::own;
use crate::state::Region;
use crate::store::Store;
use crate::store::possessions::grants::{GrantFault, GrantRefusal, Order, Why};

/// Most entries of one list: more do not fit a transaction.
const ENTRIES_MAX: usize = 97;

/// Gives a character items and money and takes them from it: all or nothing, once for each `Idempotency-Key`. It works
/// for who is banned or not in the world too. Who is in the world sees it with the next look at the inventory, and
/// wears a worn item that was taken until the next entry. For operators.
#[utoipa::path(
    post, path = "/admin/v1/players/{account}/characters/{character}/grants", tag = "admin",
    security(("admin_key" = [])),
    params(
        ("account" = AccountId, Path, description = "The account"),
        ("character" = CharacterId, Path, description = "One of its characters"),
        ("Idempotency-Key" = String, Header, description = "1 to 128 visible ASCII characters"),
    ),
    request_body = GrantPossessions,
    responses(
        (status = 200, body = Granted),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn grant(
    admin: Admin,
    InPath((account, character)): InPath<(AccountId, CharacterId)>,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<GrantPossessions>,
) -> Result<Json<Granted>, ApiError> {
    admin.need(Role::Operator)?;
    let key = key.ok_or(refusals::NO_IDEMPOTENCY_KEY)?;
    check(&body)?;
    let now = crate::clock::now();
    let keyed = KeyedRequest::of(&admin.actor(), "admin grants", &key, &(account, character, &body));
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Ok(Json(earlier));
    }
    own(&store, account, character).await?;
    let answer = |granted: &Granted| keyed.answer(granted, now.plus_millis(ANSWER_KEPT_MILLIS));
    let order = Order { character, grant: &body, audit: admin.audit, now };
    match store.grant(&region.catalogue().possessions, order, answer).await? {
        Ok(granted) => Ok(Json(granted)),
        // The same request, sent twice at once: the other one was faster.
        Err(GrantRefusal::Repeated) => keyed.earlier(&store, now).await?.map(Json).ok_or(ApiError::Internal),
        Err(GrantRefusal::Gone) => Err(refusals::characters::NO_CHARACTER.into()),
        Err(GrantRefusal::TooMuch) => {
            let text = "this is more than can be done at once (97 changes, each entry of a ledger counted): send it in parts";
            Err(ApiError::BadRequest(text.into()))
        }
        Err(GrantRefusal::Faults(faults)) => Err(refused(&faults)),
    }
}

/// Refuses what makes no sense whatever the character has.
fn check(body: &GrantPossessions) -> Result<(), ApiError> {
    let refuse = |text: String| Err(ApiError::BadRequest(text));
    for (list, length) in [
        ("items", body.items.len()),
        ("take_items", body.take_items.len()),
        ("currencies", body.currencies.len()),
    ] {
        if length > ENTRIES_MAX {
            return refuse(format!(
                "{list}: {length} entries are over the limit of {ENTRIES_MAX}: send them in parts"
            ));
        }
    }
    if body.items.is_empty() && body.take_items.is_empty() && body.currencies.is_empty() {
        return refuse("nothing is given or taken: name something in items, take_items or currencies".into());
    }
    if let Some(entry) = body.items.iter().find(|entry| entry.count == 0) {
        return refuse(format!("items: the count of {} is 0: it needs to be above or below", entry.item));
    }
    if let Some(entry) = body.currencies.iter().find(|entry| entry.amount == 0) {
        return refuse(format!(
            "currencies: the amount of {} is 0: it needs to be above or below",
            entry.currency
        ));
    }
    if body.take_items.iter().collect::<BTreeSet<_>>().len() < body.take_items.len() {
        return refuse("take_items: an item is there twice".into());
    }
    Ok(())
}

/// The answer of the first fault, with the words of all.
fn refused(faults: &[GrantFault]) -> ApiError {
    let texts: Vec<&str> = faults.iter().map(|fault| fault.text.as_str()).collect();
    let text = format!("nothing was changed: {}", texts.join("; "));
    let refusal = match faults.first().map_or(Why::Missing, |fault| fault.why) {
        Why::Unique => return ApiError::BadRequest(text),
        Why::Unknown => refusals::possessions::UNKNOWN_KIND,
        Why::Missing => refusals::market::NOT_OWNED,
        Why::TooPoor => refusals::market::NOT_ENOUGH,
        Why::Full => refusals::market::NO_ROOM,
    };
    refusal.because(text).into()
}
