//! `/v1/tournaments`: what anybody with a token may read of tournaments. Whoever changes them is in the files below.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use contest::tournament::{MatchId, Refused};
use domain::contract::Problem;
use domain::contract::tournaments::{
    StandingsPage, Tournament, TournamentBracket, TournamentMatch, TournamentPage, TournamentState,
    TournamentSummary,
};
use domain::ids::TournamentId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::refusals::instances::FENCED;
use crate::error::refusals::tournaments as refusals;
use crate::error::{ApiError, Refusal};
use crate::extract::{InPath, InQuery, Paging, Player};
use crate::idempotency::{ANSWER_KEPT_MILLIS, KeyedRequest};
use crate::store::Store;
use crate::store::cursor::Cursor;
use crate::store::tournaments::Loaded;
use crate::store::tournaments::commit::{Change, ChangeRefusal};
use crate::tournament::show::state_of;
use crate::tournament::{self, Live, Step};

pub(crate) mod admin;
pub(crate) mod entries;
pub(crate) mod hosts;
pub(crate) mod join;
pub(crate) mod matches;

/// Which page of which list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatePage {
    state: Option<TournamentState>,
    limit: Option<i32>,
    cursor: Option<Cursor>,
}

/// Tournaments of one state: the next to start first, of those that are over the last.
#[utoipa::path(
    get, path = "/v1/tournaments", tag = "tournaments", security(("access_token" = [])),
    params(
        ("state" = Option<TournamentState>, Query, description = "Where they stand; `registration` unless told"),
        Paging,
    ),
    responses(
        (status = 200, body = TournamentPage),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    _: Player,
    InQuery(query): InQuery<StatePage>,
    State(store): State<Store>,
) -> Result<Json<TournamentPage>, ApiError> {
    let (limit, cursor) = Paging::of(query.limit, query.cursor).checked()?;
    let state = query.state.unwrap_or(TournamentState::Registration);
    let (tournaments, next) = store.tournaments_of(state, limit, cursor.as_ref()).await?;
    Ok(Json(TournamentPage { tournaments, next: next.map(String::from) }))
}

/// A tournament and what its organiser fixed.
#[utoipa::path(
    get, path = "/v1/tournaments/{id}", tag = "tournaments", security(("access_token" = [])),
    params(("id" = TournamentId, Path, description = "The tournament")),
    responses(
        (status = 200, body = Tournament),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read(
    _: Player,
    InPath(id): InPath<TournamentId>,
    State(store): State<Store>,
) -> Result<Json<Tournament>, ApiError> {
    let (_, loaded) = store.tournament(id).await?.ok_or(refusals::NO_TOURNAMENT)?;
    Ok(Json(shown(&loaded)))
}

/// Who meets whom, and what came of it. The header `ETag` is the version: with `If-None-Match`, a bracket that is
/// known is not sent again.
#[utoipa::path(
    get, path = "/v1/tournaments/{id}/bracket", tag = "tournaments", security(("access_token" = [])),
    params(
        ("id" = TournamentId, Path, description = "The tournament"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of the bracket that is known"),
    ),
    responses(
        (status = 200, body = TournamentBracket),
        (status = 304, description = "The bracket is the one that is known"),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn bracket(
    _: Player,
    InPath(id): InPath<TournamentId>,
    headers: HeaderMap,
    State(store): State<Store>,
) -> Result<Response, ApiError> {
    let head = store.tournament_head(id).await?.ok_or(refusals::NO_TOURNAMENT)?;
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok()).unwrap_or_default();
    let tag = |version: u64| format!("\"{version}\"");
    let is_known = |version: u64| {
        known
            .split(',')
            .map(str::trim)
            .any(|known| known == "*" || known.trim_start_matches("W/") == tag(version))
    };
    if is_known(head.summary.version) {
        let headers = cache_headers(&tag(head.summary.version));
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let (_, loaded) = store.tournament(id).await?.ok_or(refusals::NO_TOURNAMENT)?;
    let mut headers = cache_headers(&tag(loaded.version));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok((headers, loaded.bracket().to_owned()).into_response())
}

fn cache_headers(tag: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers
}

/// The places as of now, final once it is finished; nothing before the start.
#[utoipa::path(
    get, path = "/v1/tournaments/{id}/standings", tag = "tournaments", security(("access_token" = [])),
    params(
        ("id" = TournamentId, Path, description = "The tournament"),
        Paging,
    ),
    responses(
        (status = 200, body = StandingsPage),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn standings(
    _: Player,
    InPath(id): InPath<TournamentId>,
    InQuery(paging): InQuery<Paging>,
    State(store): State<Store>,
) -> Result<Json<StandingsPage>, ApiError> {
    let (limit, cursor) = paging.checked()?;
    let limit = usize::try_from(limit).unwrap_or(1);
    let after = cursor.map_or(Ok(0), |cursor| cursor.place::<usize>("position"))?;
    let (_, loaded) = store.tournament(id).await?.ok_or(refusals::NO_TOURNAMENT)?;
    let all = loaded.live.lines();
    let lines: Vec<_> = all.iter().skip(after).take(limit).cloned().collect();
    let last = after.saturating_add(lines.len());
    let next = (last < all.len()).then(|| Cursor::at("position", &last).into());
    let state = state_of(loaded.live.tournament.phase());
    Ok(Json(StandingsPage { version: loaded.version, state, lines, next }))
}

/// A tournament as it is read.
fn shown(loaded: &Loaded) -> Tournament {
    let definition = loaded.setup.definition.clone();
    let live = &loaded.live;
    let summary = TournamentSummary {
        id: loaded.id,
        version: loaded.version,
        title: definition.title.clone(),
        state: state_of(live.tournament.phase()),
        format: definition.format,
        team_size: definition.team_size,
        entrants: u32::try_from(live.entrants_here()).unwrap_or(u32::MAX),
        entrants_max: definition.entrants_max,
        starts_at: live.started_at.unwrap_or(loaded.setup.starts_at()),
        region: loaded.setup.home().to_owned(),
    };
    let cancelled_because = live.tournament.cancellation().map(|why| why.reason.clone());
    Tournament { summary, definition, cancelled_because }
}

/// A match as hosts and administrators see it.
async fn shown_match(
    store: &Store,
    id: TournamentId,
    number: u16,
) -> Result<Json<TournamentMatch>, ApiError> {
    let (_, loaded) = store.tournament(id).await?.ok_or(refusals::NO_TOURNAMENT)?;
    Ok(Json(loaded.live.shown_match(loaded.version, MatchId(number)).map_err(refused)?))
}

/// Changes a tournament, once for an idempotency key, and answers with what `show` finds in it afterwards.
async fn change<T: Serialize + DeserializeOwned>(
    store: &Store,
    change: Change<'_>,
    keyed: Option<&KeyedRequest>,
    decide: impl Fn(&Live) -> Result<Vec<Step>, tournament::Refusal>,
    show: impl Fn(&Loaded) -> Result<T, tournament::Refusal>,
) -> Result<T, ApiError> {
    let now = change.now;
    if let Some(keyed) = keyed
        && let Some(earlier) = keyed.earlier(store, now).await?
    {
        return Ok(earlier);
    }
    let until = now.plus_millis(ANSWER_KEPT_MILLIS);
    let answer = |loaded: &Loaded| Some(keyed?.answer(&show(loaded).ok()?, until));
    match store.change_tournament(change, decide, answer).await? {
        Ok(loaded) => Ok(show(&loaded).map_err(refused)?),
        // The same request, sent twice at once: the other one has stored its answer.
        Err(ChangeRefusal::Repeated) => match keyed {
            Some(keyed) => keyed.earlier(store, now).await?.ok_or(ApiError::Internal),
            None => Err(ApiError::Internal),
        },
        Err(ChangeRefusal::Missing) => Err(refusals::NO_TOURNAMENT.into()),
        Err(ChangeRefusal::Elsewhere(region)) => Err(elsewhere(&region)),
        Err(ChangeRefusal::Fenced) => Err(FENCED.into()),
        Err(ChangeRefusal::Refused(refusal)) => Err(refused(refusal).into()),
    }
}

fn elsewhere(region: &str) -> ApiError {
    let words = format!("the region {region} runs the tournament: send the request to its API");
    refusals::ELSEWHERE.because(words).into()
}

/// What a refusal is answered with.
fn refused(refusal: tournament::Refusal) -> Refusal {
    use tournament::Refusal as R;
    match refusal {
        R::Core(refused) => {
            let words = refused.to_string();
            match refused {
                Refused::Unknown(_) => refusals::UNKNOWN,
                Refused::Invalid(_) => refusals::INVALID,
                Refused::NotYet(_) => refusals::NOT_YET,
                Refused::TooLate(_) => refusals::TOO_LATE,
                Refused::Conflict(_) => refusals::CONFLICT,
                Refused::Full(_) => refusals::FULL,
            }
            .because(words)
        }
        R::Entered => refusals::ENTERED,
        R::TwiceInTeam => refusals::TEAM_TWICE,
        R::Barred => refusals::DISQUALIFIED,
        R::NoEntry => refusals::NO_ENTRY,
        R::NotCaptain => refusals::NOT_CAPTAIN,
        R::NotInMatch => refusals::NOT_IN_MATCH,
        R::OtherInstance => refusals::OTHER_INSTANCE,
        R::NotJoinable => refusals::NOT_JOINABLE,
    }
}
