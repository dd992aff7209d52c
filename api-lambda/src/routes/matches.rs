//! `/internal/v1/matches` and the ratings that follow from them.

use axum::Json;
use axum::extract::State;
use domain::contract::Problem;
use domain::contract::coordinator::{MatchEnd, MatchRoster, RatedMatch};
use domain::contract::matchmaking::CharacterRatings;
use domain::ids::{CharacterId, MatchId};
use domain::limits::HOST_BATCH_MAX;

use crate::error::ApiError;
use crate::error::refusals::instances::FENCED;
use crate::error::refusals::matchmaking as refusals;
use crate::extract::{Body, InPath, Player, Service};
use crate::routes::characters::own;
use crate::store::Store;
use crate::store::matches::result::ResultRefusal;

/// Who plays a match, for the host that runs its instance.
#[utoipa::path(
    get, path = "/internal/v1/matches/{match}", tag = "internal", security(("service_token" = [])),
    params(("match" = MatchId, Path, description = "The match")),
    responses(
        (status = 200, body = MatchRoster),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn roster(
    _: Service,
    InPath(id): InPath<MatchId>,
    State(store): State<Store>,
) -> Result<Json<MatchRoster>, ApiError> {
    let found = store.stored_match(id).await?.ok_or(refusals::NO_MATCH)?;
    let teams = found.roster.teams.iter().map(|team| team.held().map(|seat| seat.character).collect());
    Ok(Json(MatchRoster {
        match_id: id,
        queue: found.roster.queue.clone(),
        instance: (found.roster.stage != crate::roster::Stage::Placing).then(|| found.roster.instance()),
        revision: found.revision,
        is_over: found.roster.is_over(crate::clock::now()),
        teams: teams.collect(),
    }))
}

/// Ends a match: the ratings of all who played change in one transaction with it. The same result sent again gets the
/// same answer and changes nothing; only the host that owns the instance may send one.
#[utoipa::path(
    post, path = "/internal/v1/matches/{match}/result", tag = "internal", security(("service_token" = [])),
    params(("match" = MatchId, Path, description = "The match")),
    request_body = MatchEnd,
    responses(
        (status = 200, body = RatedMatch),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn result(
    _: Service,
    InPath(id): InPath<MatchId>,
    State(store): State<Store>,
    Body(body): Body<MatchEnd>,
) -> Result<Json<RatedMatch>, ApiError> {
    for (length, name) in [(body.ranks.len(), "ranks"), (body.left_early.len(), "left_early")] {
        if length > HOST_BATCH_MAX {
            return Err(ApiError::BadRequest(format!("{name}: at most {HOST_BATCH_MAX}")));
        }
    }
    let ended = store.end_match(id, &body, crate::clock::now()).await?;
    ended.map(Json).map_err(|refusal| match refusal {
        ResultRefusal::NoMatch => refusals::NO_MATCH.into(),
        ResultRefusal::Fenced => FENCED.into(),
        ResultRefusal::Over => refusals::MATCH_OVER.into(),
        ResultRefusal::Ranks(teams) => {
            refusals::BAD_RESULT.because(format!("ranks: the match has {teams} teams")).into()
        }
        ResultRefusal::NotInMatch(character) => {
            refusals::BAD_RESULT.because(format!("{character} has no place in the match")).into()
        }
    })
}

/// How good one of the player's own characters is believed to be, in each queue that it has played in.
#[utoipa::path(
    get, path = "/v1/characters/{id}/ratings", tag = "matchmaking", security(("access_token" = [])),
    params(("id" = CharacterId, Path, description = "The character")),
    responses(
        (status = 200, body = CharacterRatings),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn ratings(
    Player(claims): Player,
    InPath(id): InPath<CharacterId>,
    State(store): State<Store>,
) -> Result<Json<CharacterRatings>, ApiError> {
    own(&store, claims.sub, id).await?;
    Ok(Json(CharacterRatings { ratings: store.ratings_of(id).await? }))
}
