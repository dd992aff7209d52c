//! `POST /v1/tournaments/{id}/matches/{match}/join`: a participant comes to a match, which is given an instance when
//! the first one does, and gets a ticket into it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use contest::tournament::{Action, MatchId};
use domain::contract::Problem;
use domain::contract::instances::Purpose;
use domain::contract::players::JoinResponse;
use domain::ids::{InstanceId, TournamentId};
use token::KeyRing;

use super::{change, refused};
use crate::error::ApiError;
use crate::error::refusals::instances::{NO_ZONE, ZONE_UNAVAILABLE};
use crate::error::refusals::tournaments as refusals;
use crate::extract::{InPath, Player};
use crate::state::Region;
use crate::store::tournaments::Loaded;
use crate::store::tournaments::commit::Change;
use crate::store::{ATTEMPTS_MAX, Store, StoreError};
use crate::tickets::{self, Traveller};
use crate::tournament::play::Joining;
use crate::tournament::{Live, Place, Refusal, Step, regions};

/// Where a match is played, as the tournament has it.
struct Found {
    joining: Joining,
    instance: InstanceId,
    region: String,
}

/// Comes to a match that can be played or is: both sides are told when it can. The first to come has an instance
/// opened; each gets a ticket into it. Asked again, another ticket into the same instance.
#[utoipa::path(
    post, path = "/v1/tournaments/{id}/matches/{match}/join", tag = "tournaments",
    security(("access_token" = [])),
    params(
        ("id" = TournamentId, Path, description = "The tournament"),
        ("match" = u16, Path, description = "The match, as the bracket numbers it"),
    ),
    responses(
        (status = 200, body = JoinResponse),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn join(
    Player(claims): Player,
    InPath((id, number)): InPath<(TournamentId, u16)>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    State(keys): State<Arc<KeyRing>>,
) -> Result<Json<JoinResponse>, ApiError> {
    let match_id = MatchId(number);
    for _ in 0..ATTEMPTS_MAX {
        let (_, loaded) = store.tournament(id).await?.ok_or(refusals::NO_TOURNAMENT)?;
        let joining = loaded.live.joining(match_id, claims.sub).map_err(refused)?;
        let found = if loaded.setup.home() == region.name {
            arrive(&store, &region, &loaded, match_id, &joining).await?
        } else {
            // The region that runs it takes note of who came, and then this one opens the instance.
            known(&loaded, match_id, joining).ok_or_else(|| super::elsewhere(loaded.setup.home()))?
        };
        let home = loaded.setup.home() == region.name;
        let now = crate::clock::now();
        if found.region != region.name {
            // The region where it is played cannot have the tournament note another instance: this one can.
            if home && store.is_over(found.instance, now).await? {
                replace(&store, &region, &loaded, match_id, &found).await?;
                continue;
            }
            let words =
                format!("the match is played in the region {}: send this request to its API", found.region);
            return Err(refusals::PLAYED_ELSEWHERE.because(words).into());
        }
        let zone = &loaded.setup.definition.zone;
        let catalogue = region.catalogue();
        let capacity = catalogue.zone(zone).ok_or(NO_ZONE)?.capacity;
        let purpose = Purpose::Tournament { tournament: id, number };
        if store.open_instance_as(found.instance, zone, &purpose, now).await?.is_some() {
            let traveller = Traveller::new(&claims, found.joining.character);
            let ticket = tickets::into_instance(&store, &keys, traveller, found.instance, capacity);
            return ticket.await.map(Json);
        }
        // Over, or there is no host with room. Only the former is mended by another instance.
        if !store.is_over(found.instance, now).await? {
            return Err(ZONE_UNAVAILABLE.into());
        }
        if !home {
            return Err(super::elsewhere(loaded.setup.home()));
        }
        replace(&store, &region, &loaded, match_id, &found).await?;
    }
    Err(StoreError::Contended("the instance of a match").into())
}

fn known(loaded: &Loaded, match_id: MatchId, joining: Joining) -> Option<Found> {
    let instance = joining.instance?;
    let place = loaded.live.places.get(&match_id).filter(|place| place.instance == instance)?;
    Some(Found { region: place.region.clone(), instance, joining })
}

/// Takes note that the entrant came, and gives the match an instance if it has none; whoever is first decides which.
async fn arrive(
    store: &Store,
    region: &Region,
    loaded: &Loaded,
    match_id: MatchId,
    joining: &Joining,
) -> Result<Found, ApiError> {
    if !joining.arrives
        && let Some(found) = known(loaded, match_id, joining.clone())
    {
        return Ok(found);
    }
    let now = crate::clock::now();
    let fresh = InstanceId::new(now, crate::clock::random_u128());
    let account = loaded
        .live
        .entries
        .get(&joining.entrant)
        .and_then(|entry| entry.members.iter().find(|member| member.character == joining.character));
    let account = account.ok_or_else(|| refused(Refusal::NotInMatch))?.account;
    let steps = |live: &Live| {
        let joining = live.joining(match_id, account)?;
        let mut steps = Vec::new();
        if joining.instance.is_none() {
            let trips = live.round_trips(match_id)?;
            let allowed = &loaded.setup.definition.regions;
            let region = regions::best_region(allowed, &trips).unwrap_or(&region.name).to_owned();
            let place = Place { attempt: joining.attempt, instance: fresh, region };
            steps.push(Step::Place { match_id, place });
        }
        if joining.arrives {
            let (attempt, entrant) = (joining.attempt, joining.entrant);
            steps.push(Step::Core(Action::Arrive { match_id, attempt, entrant }));
        }
        Ok(steps)
    };
    let shown = |loaded: &Loaded| {
        let joining = loaded.live.joining(match_id, account)?;
        let instance = joining.instance.ok_or(Refusal::NotJoinable)?;
        // A host that began the match by itself plays it in the region of the tournament.
        let place = loaded.live.places.get(&match_id).filter(|place| place.instance == instance);
        let region = place.map_or(loaded.setup.home(), |place| place.region.as_str()).to_owned();
        Ok((instance, region))
    };
    let asked = Change { id: loaded.id, now, region: &region.name, fence: None };
    let (instance, region) = change(store, asked, None, steps, shown).await?;
    Ok(Found { joining: joining.clone(), instance, region })
}

/// The instance is over before the match is: the match waits for another one.
async fn replace(
    store: &Store,
    region: &Region,
    loaded: &Loaded,
    match_id: MatchId,
    found: &Found,
) -> Result<(), ApiError> {
    let now = crate::clock::now();
    let fresh = InstanceId::new(now, crate::clock::random_u128());
    let lost = found.instance;
    let steps = |live: &Live| Ok(live.replace_steps(match_id, lost, fresh));
    let asked = Change { id: loaded.id, now, region: &region.name, fence: None };
    change(store, asked, None, steps, |_| Ok(())).await
}
