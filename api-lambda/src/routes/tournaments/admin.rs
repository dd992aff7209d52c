//! `/admin/v1/tournaments`: what administrators decide.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use contest::tournament::{Action, MatchId};
use domain::catalogue::Catalogue;
use domain::contract::Problem;
use domain::contract::tournaments::{
    DisqualifyEntrant, MatchVerdict, Reward, RuleMatch, Tournament, TournamentDefinition, TournamentMatch,
    TournamentReason,
};
use domain::ids::TournamentId;

use super::entries::request_id;
use super::{change, shown, shown_match};
use crate::error::ApiError;
use crate::error::refusals::NO_IDEMPOTENCY_KEY;
use crate::error::refusals::tournaments as refusals;
use crate::extract::{Admin, Body, IdempotencyKey, InPath, Role};
use crate::idempotency::{ANSWER_KEPT_MILLIS, KeyedRequest};
use crate::state::Region;
use crate::store::Store;
use crate::store::tournaments::Loaded;
use crate::store::tournaments::commit::Change;
use crate::store::tournaments::credit::UNIQUE_MAX;
use crate::tournament::{Live, Refusal, Setup, Step, entrant_of};

/// Makes a tournament. The first of its regions must be the one of this API.
#[utoipa::path(
    post, path = "/admin/v1/tournaments", tag = "admin", security(("admin_key" = [])),
    params(("Idempotency-Key" = String, Header, description = "1 to 128 visible ASCII characters")),
    request_body = TournamentDefinition,
    responses(
        (status = 201, body = Tournament),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(
    admin: Admin,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(definition): Body<TournamentDefinition>,
) -> Result<(StatusCode, Json<Tournament>), ApiError> {
    admin.need(Role::Operator)?;
    let key = key.ok_or(NO_IDEMPOTENCY_KEY)?;
    let now = crate::clock::now();
    let keyed = KeyedRequest::of(&admin.actor(), "tournaments", &key, &definition);
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Ok((StatusCode::CREATED, Json(earlier)));
    }
    if definition.regions.first().is_none_or(|home| *home != region.name) {
        let words = format!("regions: this is the API of {:?}, which must be the first of them", region.name);
        return Err(refusals::DEFINITION.because(words).into());
    }
    let lots = crate::clock::random_u128().to_le_bytes();
    let seed = u64::from_le_bytes(lots[..8].try_into().expect("8 of 16 bytes"));
    let setup = Setup { definition, seed, created_at: now };
    let mut faults = content_faults(&setup.definition, &region.catalogue());
    let live = match setup.begin() {
        Ok(live) if faults.is_empty() => live,
        Ok(_) => return Err(refusals::DEFINITION.because(faults.join("; ")).into()),
        Err(found) => {
            faults.splice(0..0, found);
            return Err(refusals::DEFINITION.because(faults.join("; ")).into());
        }
    };
    let id = TournamentId::new(now, crate::clock::random_u128());
    let made = shown(&Loaded::new(id, 0, Arc::new(setup.clone()), live.clone()));
    let answer = keyed.answer(&made, now.plus_millis(ANSWER_KEPT_MILLIS));
    if store.create_tournament(id, &setup, &live, &answer).await? {
        return Ok((StatusCode::CREATED, Json(made)));
    }
    let earlier = keyed.earlier(&store, now).await?.ok_or(ApiError::Internal)?;
    Ok((StatusCode::CREATED, Json(earlier)))
}

/// What the definition names and the catalogue lacks.
fn content_faults(definition: &TournamentDefinition, catalogue: &Catalogue) -> Vec<String> {
    let mut faults = Vec::new();
    if catalogue.zone(&definition.zone).is_none() {
        faults.push(format!("zone: the catalogue has no zone {}", definition.zone));
    }
    for (index, prize) in definition.prizes.iter().enumerate() {
        let rules = &catalogue.possessions;
        let fault = match &prize.reward {
            Reward::Currency(currency) if rules.currency(currency).is_none() => {
                format!("the catalogue has no currency {currency}")
            }
            Reward::Item(item) => match rules.item(item) {
                None => format!("the catalogue has no item {item}"),
                Some(kind) if kind.is_unique() && prize.amount > UNIQUE_MAX => {
                    format!("each {item} is unique, so a prize has at most {UNIQUE_MAX} of them")
                }
                Some(_) => continue,
            },
            Reward::Currency(_) => continue,
        };
        faults.push(format!("prizes[{index}]: {fault}"));
    }
    faults
}

async fn decide(
    store: &Store,
    region: &Region,
    id: TournamentId,
    keyed: Option<&KeyedRequest>,
    steps: impl Fn(&Live) -> Result<Vec<Step>, Refusal>,
) -> Result<Json<Tournament>, ApiError> {
    let asked = Change { id, now: crate::clock::now(), region: &region.name, fence: None };
    change(store, asked, keyed, steps, |loaded| Ok(shown(loaded))).await.map(Json)
}

/// Ends a tournament without a result. Nobody wins anything.
#[utoipa::path(
    post, path = "/admin/v1/tournaments/{id}/cancel", tag = "admin", security(("admin_key" = [])),
    params(("id" = TournamentId, Path, description = "The tournament")),
    request_body = TournamentReason,
    responses(
        (status = 200, body = Tournament),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cancel(
    admin: Admin,
    InPath(id): InPath<TournamentId>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<TournamentReason>,
) -> Result<Json<Tournament>, ApiError> {
    admin.need(Role::Operator)?;
    let action = Action::Cancel { admin: admin.name.to_string(), reason: body.reason };
    decide(&store, &region, id, None, |_| Ok(vec![Step::Core(action.clone())])).await
}

/// Starts a tournament before its time: with those who have checked in where check-in is open, with all who have
/// registered before that.
#[utoipa::path(
    post, path = "/admin/v1/tournaments/{id}/start", tag = "admin", security(("admin_key" = [])),
    params(("id" = TournamentId, Path, description = "The tournament")),
    request_body = TournamentReason,
    responses(
        (status = 200, body = Tournament),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn start(
    admin: Admin,
    InPath(id): InPath<TournamentId>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<TournamentReason>,
) -> Result<Json<Tournament>, ApiError> {
    admin.need(Role::Operator)?;
    let action = Action::StartEarly { admin: admin.name.to_string(), reason: body.reason };
    decide(&store, &region, id, None, |_| Ok(vec![Step::Core(action.clone())])).await
}

/// Takes an entrant out: its open and later matches are lost, it gets no prize, and the accounts of its members cannot
/// enter again.
#[utoipa::path(
    post, path = "/admin/v1/tournaments/{id}/disqualify", tag = "admin", security(("admin_key" = [])),
    params(
        ("id" = TournamentId, Path, description = "The tournament"),
        ("Idempotency-Key" = String, Header, description = "1 to 128 visible ASCII characters"),
    ),
    request_body = DisqualifyEntrant,
    responses(
        (status = 200, body = Tournament),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn disqualify(
    admin: Admin,
    InPath(id): InPath<TournamentId>,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<DisqualifyEntrant>,
) -> Result<Json<Tournament>, ApiError> {
    admin.need(Role::Operator)?;
    let key = key.ok_or(NO_IDEMPOTENCY_KEY)?;
    check_reason(&body.reason)?;
    let route = format!("tournament-disqualify-{id}");
    let keyed = KeyedRequest::of(&admin.actor(), &route, &key, &body);
    let (entrant, request) = (entrant_of(body.entrant), request_id(&admin.actor(), &route, &key));
    let (name, reason) = (admin.name.to_string(), body.reason);
    decide(&store, &region, id, Some(&keyed), |live| Ok(live.bar_steps(entrant, (&name, &reason), request)))
        .await
}

/// Refuses a reason that cannot be kept.
fn check_reason(reason: &str) -> Result<(), ApiError> {
    if reason.trim().is_empty() || reason.len() > contest::tournament::REASON_LEN_MAX {
        let words = "a reason must be given, in at most 500 bytes";
        return Err(refusals::INVALID.because(words).into());
    }
    Ok(())
}

/// A match with its disputes and the rulings on it.
#[utoipa::path(
    get, path = "/admin/v1/tournaments/{id}/matches/{match}", tag = "admin", security(("admin_key" = [])),
    params(
        ("id" = TournamentId, Path, description = "The tournament"),
        ("match" = u16, Path, description = "The match"),
    ),
    responses(
        (status = 200, body = TournamentMatch),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read_match(
    admin: Admin,
    InPath((id, number)): InPath<(TournamentId, u16)>,
    State(store): State<Store>,
) -> Result<Json<TournamentMatch>, ApiError> {
    admin.need(Role::Support)?;
    shown_match(&store, id, number).await
}

/// Rules on a match whose result is not final yet, disputed or not.
#[utoipa::path(
    post, path = "/admin/v1/tournaments/{id}/matches/{match}/rule", tag = "admin",
    security(("admin_key" = [])),
    params(
        ("id" = TournamentId, Path, description = "The tournament"),
        ("match" = u16, Path, description = "The match"),
        ("Idempotency-Key" = String, Header, description = "1 to 128 visible ASCII characters"),
    ),
    request_body = RuleMatch,
    responses(
        (status = 200, body = MatchVerdict),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn rule(
    admin: Admin,
    InPath((id, number)): InPath<(TournamentId, u16)>,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<RuleMatch>,
) -> Result<Json<MatchVerdict>, ApiError> {
    admin.need(Role::Operator)?;
    let key = key.ok_or(NO_IDEMPOTENCY_KEY)?;
    let match_id = MatchId(number);
    let route = format!("tournament-rule-{id}-{number}");
    let keyed = KeyedRequest::of(&admin.actor(), &route, &key, &body);
    let request = request_id(&admin.actor(), &route, &key);
    let name = admin.name.to_string();
    let steps = |live: &Live| live.ruling_steps(match_id, body.ruling, (&name, &body.reason), request);
    let verdict = |loaded: &Loaded| loaded.live.verdict(loaded.version, match_id);
    let asked = Change { id, now: crate::clock::now(), region: &region.name, fence: None };
    change(&store, asked, Some(&keyed), steps, verdict).await.map(Json)
}
