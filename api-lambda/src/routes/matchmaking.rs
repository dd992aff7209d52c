//! `/v1/matchmaking`: players wait for matches, and are told where theirs is played.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use contest::matching::check_party_roles;
use domain::catalogue::MatchQueue;
use domain::contract::Problem;
use domain::contract::mail::HostOrder;
use domain::contract::matchmaking::{CreateTicket, MatchTicket, QueueList, TicketMember, TicketState};
use domain::ids::{AccountId, CharacterId, MatchTicketId};
use domain::limits::LONG_POLL_MILLIS_MAX;
use domain::time::UnixMillis;
use serde::Deserialize;
use token::KeyRing;
use tokio::time::{Duration, Instant, sleep_until};

use crate::error::refusals::matchmaking as refusals;
use crate::error::refusals::parties::NO_LEADER;
use crate::error::{ApiError, Refusal};
use crate::extract::{Body, IdempotencyKey, InPath, InQuery, Player};
use crate::idempotency::OptionalKey;
use crate::roster::Roster;
use crate::routes::characters::own;
use crate::state::Region;
use crate::store::matches::sweep::MatchNews;
use crate::store::tickets::form::{StoredTicket, TicketPlayer, TicketStage};
use crate::store::tickets::{Cancelled, TicketRefusal};
use crate::store::{Store, StoreError};

pub(crate) mod internal;
pub(crate) mod news;
mod view;

/// Longest round trip that is believed, in milliseconds.
const ROUND_TRIP_MS_MAX: u32 = 60_000;

/// The queues of the region, so that a client knows sizes, roles and regions.
#[utoipa::path(
    get, path = "/v1/matchmaking/queues", tag = "matchmaking", security(("access_token" = [])),
    responses(
        (status = 200, body = QueueList),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn queues(_: Player, State(region): State<Arc<Region>>) -> Json<QueueList> {
    Json(queues_of(&region))
}

/// The queues whose matches are formed in this region.
pub(crate) fn queues_of(region: &Region) -> QueueList {
    let catalogue = region.catalogue();
    let queues = catalogue.queues.iter().filter(|queue| queue.home() == Some(region.name.as_str()));
    QueueList { queues: queues.cloned().collect() }
}

/// Lets a player, or a party for its leader, wait for a match. Each character has one open ticket at a time: waiting, or with a place in
/// a match that is not over. With an `Idempotency-Key`, a repetition within 24 hours gets the same answer.
#[utoipa::path(
    post, path = "/v1/matchmaking/tickets", tag = "matchmaking", security(("access_token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters")),
    request_body = CreateTicket,
    responses(
        (status = 201, body = MatchTicket),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(
    Player(claims): Player,
    IdempotencyKey(key): IdempotencyKey,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
    Body(body): Body<CreateTicket>,
) -> Result<(StatusCode, Json<MatchTicket>), ApiError> {
    let now = crate::clock::now();
    let keyed = OptionalKey::new(claims.sub, "match-tickets", key.as_deref(), &body);
    if let Some(earlier) = keyed.earlier(&store, now).await? {
        return Ok((StatusCode::CREATED, Json(earlier)));
    }
    let catalogue = region.catalogue();
    let queue = catalogue.queue(&body.queue).ok_or(refusals::NO_QUEUE)?;
    let home = check_home(queue, &region)?;
    check_ticket(&body, queue)?;
    let players = players_of(&store, claims.sub, &body, queue).await?;
    let ticket = StoredTicket {
        id: MatchTicketId::new(now, crate::clock::random_u128()),
        queue: queue.queue.clone(),
        stage: TicketStage::Searching,
        players,
        round_trips_ms: body.round_trips_ms,
        created_at: now,
        expires_at: now.plus_millis(u64::from(queue.ticket_seconds) * 1_000),
        match_id: None,
    };
    let view = view::waiting(&ticket, TicketState::Searching);
    let answer = keyed.answer(&view, now);
    let busy_secs = u64::from(queue.match_seconds);
    match store.create_ticket(&ticket, home, busy_secs, answer.as_ref(), now).await? {
        Ok(()) => Ok((StatusCode::CREATED, Json(view))),
        Err(TicketRefusal::Waiting(character, ticket)) => {
            // The same request, sent twice at once: the other one may have made that very ticket.
            let earlier = keyed.earlier(&store, now).await?;
            let text = format!("{character} has the open ticket {ticket}: cancel that one first");
            let refusal: Refusal = refusals::ALREADY_WAITING.because(text);
            earlier.map(|earlier| (StatusCode::CREATED, Json(earlier))).ok_or(refusal.into())
        }
        Err(TicketRefusal::Repeated) => Ok((StatusCode::CREATED, Json(keyed.faster(&store, now).await?))),
    }
}

fn check_home<'a>(queue: &'a MatchQueue, region: &Region) -> Result<&'a str, ApiError> {
    match queue.home() {
        Some(home) if home == region.name => Ok(home),
        home => {
            let home = home.unwrap_or("no");
            let text = format!("matches of this queue are formed in the region {home}: ask the API there");
            Err(refusals::QUEUE_ELSEWHERE.because(text).into())
        }
    }
}

fn check_ticket(body: &CreateTicket, queue: &MatchQueue) -> Result<(), ApiError> {
    let refuse = |fault: String| Err(refusals::BAD_TICKET.because(fault).into());
    let definition = &queue.definition;
    let size = 1 + body.party.len();
    if size > usize::from(definition.team_players_max) {
        let most = definition.team_players_max;
        return refuse(format!("party: a team of this queue has at most {most} players, not {size}"));
    }
    let members: Vec<CharacterId> = characters_of(body);
    if members.iter().collect::<BTreeSet<_>>().len() < members.len() {
        return refuse("party: a character is named twice".into());
    }
    for roles in std::iter::once(&body.roles).chain(body.party.iter().map(|member| &member.roles)) {
        if roles.iter().any(|role| definition.roles.iter().all(|known| known.role != *role)) {
            let names: Vec<_> = definition.roles.iter().map(|role| role.role.as_str()).collect();
            return refuse(format!("roles: the queue has no such role; it has: {}", names.join(", ")));
        }
        if roles.iter().collect::<BTreeSet<_>>().len() < roles.len() {
            return refuse("roles: a role is named twice for a player: name each once".into());
        }
    }
    let roles = std::iter::once(&body.roles).chain(body.party.iter().map(|member| &member.roles));
    if let Err(fault) = check_party_roles(definition, roles) {
        return refuse(format!("roles: {fault}; let somebody of the party take one of these too"));
    }
    for (name, millis) in &body.round_trips_ms {
        if !definition.regions.contains(name) {
            let names = definition.regions.join(", ");
            return refuse(format!("round_trips_ms: the queue is not played there, but in: {names}"));
        }
        if *millis > ROUND_TRIP_MS_MAX {
            return refuse(format!("round_trips_ms: {millis} is over {ROUND_TRIP_MS_MAX}"));
        }
    }
    if body.round_trips_ms.is_empty() && definition.regions.len() > 1 {
        let names = definition.regions.join(", ");
        return refuse(format!("round_trips_ms: measure the way to at least one of: {names}"));
    }
    Ok(())
}

fn characters_of(body: &CreateTicket) -> Vec<CharacterId> {
    std::iter::once(body.character).chain(body.party.iter().map(|member| member.character)).collect()
}

/// The players of the ticket, the caller first, with their accounts and ratings.
async fn players_of(
    store: &Store,
    account: AccountId,
    body: &CreateTicket,
    queue: &MatchQueue,
) -> Result<Vec<TicketPlayer>, ApiError> {
    own(store, account, body.character).await?;
    let characters = characters_of(body);
    let mut accounts = vec![account];
    if !body.party.is_empty() {
        let party = store.party_of(body.character).await?.ok_or(refusals::NOT_IN_PARTY)?;
        party.lead(body.character).map_err(|_| NO_LEADER)?;
        for member in &body.party {
            let known = party.members.iter().find(|known| known.character == member.character);
            accounts.push(known.ok_or(refusals::NOT_IN_PARTY)?.account);
        }
        if accounts.iter().collect::<BTreeSet<_>>().len() < accounts.len() {
            let fault = "party: two characters are of the same account, which plays one at a time";
            return Err(refusals::BAD_TICKET.because(fault).into());
        }
    }
    let ratings = store.ratings(&queue.queue, &characters).await?;
    let roles = std::iter::once(&body.roles).chain(body.party.iter().map(|member| &member.roles));
    let players = characters.into_iter().zip(accounts).zip(roles).zip(ratings);
    let player = |(((character, account), roles), stored): (
        ((_, _), &Vec<String>),
        crate::store::ratings::StoredRating,
    )| {
        TicketPlayer {
            character,
            account,
            roles: roles.clone(),
            mu: stored.rating.mu(),
            sigma: stored.rating.sigma(),
        }
    };
    Ok(players.map(player).collect())
}

/// How long to wait for news.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Patience {
    #[serde(default)]
    wait_ms: u64,
}

/// How a ticket stands. With `wait_ms` the answer comes when that changes, or after so long. On AWS Lambda waiting is
/// paid for like computing: there, ask every few seconds, or rely on the notice `match` that comes to the player's
/// connection.
#[utoipa::path(
    get, path = "/v1/matchmaking/tickets/{id}", tag = "matchmaking", security(("access_token" = [])),
    params(
        ("id" = MatchTicketId, Path, description = "The ticket"),
        ("wait_ms" = Option<u64>, Query, maximum = 20000, description = "Milliseconds to wait for news, 0 unless told"),
    ),
    responses(
        (status = 200, body = MatchTicket),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read(
    Player(claims): Player,
    InPath(id): InPath<MatchTicketId>,
    InQuery(patience): InQuery<Patience>,
    State(store): State<Store>,
    State(tickets): State<Arc<KeyRing>>,
) -> Result<Json<MatchTicket>, ApiError> {
    if patience.wait_ms > LONG_POLL_MILLIS_MAX {
        return Err(ApiError::BadQuery(format!("wait_ms: at most {LONG_POLL_MILLIS_MAX}")));
    }
    let until = Instant::now() + Duration::from_millis(patience.wait_ms);
    let mut pause_ms = 125;
    let first = view::standing(&store, &claims, id, crate::clock::now()).await?;
    let mut standing = first.clone().ok_or(refusals::NO_TICKET)?;
    // What is asked for in longer and longer pauses costs one read a second at the most.
    while Some(&standing) == first.as_ref() && Instant::now() < until && standing.is_pending() {
        pause_ms = (pause_ms * 2).min(1_000);
        sleep_until(until.min(Instant::now() + Duration::from_millis(pause_ms))).await;
        let next = view::standing(&store, &claims, id, crate::clock::now()).await?;
        standing = next.ok_or(refusals::NO_TICKET)?;
    }
    Ok(Json(view::told(&store, &tickets, &claims, standing).await?))
}

/// Ends a ticket, whatever it is doing. As long as it waits, any player of it ends it for all; it is never matched
/// afterwards. In a match, the caller's own place is given back, and somebody else gets it.
#[utoipa::path(
    delete, path = "/v1/matchmaking/tickets/{id}", tag = "matchmaking", security(("access_token" = [])),
    params(("id" = MatchTicketId, Path, description = "The ticket")),
    responses(
        (status = 204),
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cancel(
    Player(claims): Player,
    InPath(id): InPath<MatchTicketId>,
    State(store): State<Store>,
    State(region): State<Arc<Region>>,
) -> Result<StatusCode, ApiError> {
    let now = crate::clock::now();
    let ticket = store.ticket(id).await?.filter(|ticket| ticket.is_of(claims.sub));
    let ticket = ticket.ok_or(refusals::NO_TICKET)?;
    if let Cancelled::LeftMatch(roster) = store.cancel_ticket(claims.sub, id, Some(&region.name), now).await?
    {
        if let Some((_, seat)) = roster.seat_of(claims.sub, id) {
            give_seat_back(&store, &roster, seat.character, now).await;
        }
        news::tell(&store, &[(MatchNews::Roster, *roster)], now).await;
    } else if ticket.players.len() > 1 {
        news::tell_ticket(&store, &ticket, "cancelled", now).await;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The player leaves the instance, or has no seat promised in it any more.
async fn give_seat_back(store: &Store, roster: &Roster, character: CharacterId, now: UnixMillis) {
    let give_back = async {
        store.free_seat(roster.instance(), character).await?;
        let there = store.whereabouts(&[character]).await?;
        for found in there.iter().filter(|found| found.instance == roster.instance()) {
            let order = HostOrder::Kick { character, reason: "you left the match".into(), claim: None };
            store.post_mail(found.host, &order, now).await?;
        }
        Ok::<(), StoreError>(())
    };
    if let Err(error) = give_back.await {
        // The seat ends with its ticket.
        tracing::warn!(kind = error.kind(), %error, "a seat was not given back early");
    }
}

/// The members as the ticket's players see them.
fn members(ticket: &StoredTicket) -> Vec<TicketMember> {
    let member =
        |player: &TicketPlayer| TicketMember { character: player.character, roles: player.roles.clone() };
    ticket.players.iter().map(member).collect()
}

/// Whether the ticket's time is over.
fn is_late(ticket: &StoredTicket, now: UnixMillis) -> bool {
    ticket.stage == TicketStage::Searching && ticket.expires_at <= now
}
