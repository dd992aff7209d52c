//! What a player is told about a ticket: read once, compared while the player waits, and completed with a ticket to the
//! instance at the end.

use domain::contract::instances::Purpose;
use domain::contract::matchmaking::{Assignment, MatchTicket, TicketState, WaitReport};
use domain::contract::players::JoinResponse;
use domain::ids::MatchTicketId;
use domain::time::UnixMillis;
use domain::token::AccessClaims;
use token::KeyRing;

use crate::error::ApiError;
use crate::error::refusals::matchmaking as refusals;
use crate::roster::{Roster, SeatState, Stage};
use crate::store::tickets::form::{StoredTicket, TicketStage};
use crate::store::{Store, StoreError};
use crate::tickets::{Traveller, into_instance};

use super::{is_late, members};

/// How a ticket stands for one player.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    ticket: StoredTicket,
    state: TicketState,
    roster: Option<Roster>,
}

impl Standing {
    /// Whether the player has to wait: for a match, or for its instance.
    pub(super) fn is_pending(&self) -> bool {
        let is_placing = self.roster.as_ref().is_some_and(|roster| roster.stage == Stage::Placing);
        self.state == TicketState::Searching || self.state == TicketState::Matched && is_placing
    }
}

/// How the ticket stands for this player; none if it is not the player's.
pub(super) async fn standing(
    store: &Store,
    claims: &AccessClaims,
    id: MatchTicketId,
    now: UnixMillis,
) -> Result<Option<Standing>, StoreError> {
    let Some(ticket) = store.ticket(id).await?.filter(|ticket| ticket.is_of(claims.sub)) else {
        return Ok(None);
    };
    let roster = match ticket.match_id {
        Some(match_id) => store.stored_match(match_id).await?.map(|found| found.roster),
        None => None,
    };
    let state = match ticket.stage {
        TicketStage::Searching if is_late(&ticket, now) => TicketState::Expired,
        TicketStage::Searching => TicketState::Searching,
        TicketStage::Cancelled => TicketState::Cancelled,
        TicketStage::Expired => TicketState::Expired,
        TicketStage::Matched => roster.as_ref().map_or(TicketState::Over, |roster| {
            let seat = roster.seat_of(claims.sub, id).map(|(_, seat)| seat.state);
            match seat {
                Some(SeatState::Left) | None => TicketState::Left,
                Some(SeatState::Missed) => TicketState::Missed,
                Some(_) if roster.is_over(now) => TicketState::Over,
                Some(_) => TicketState::Matched,
            }
        }),
    };
    Ok(Some(Standing { ticket, state, roster }))
}

/// A ticket without a match.
pub(super) fn waiting(ticket: &StoredTicket, state: TicketState) -> MatchTicket {
    MatchTicket {
        id: ticket.id,
        queue: ticket.queue.clone(),
        state,
        players: members(ticket),
        created_at: ticket.created_at,
        expires_at: ticket.expires_at,
        wait: None,
        assignment: None,
    }
}

/// The answer, with a ticket to the instance that is signed now.
pub(super) async fn told(
    store: &Store,
    keys: &KeyRing,
    claims: &AccessClaims,
    standing: Standing,
) -> Result<MatchTicket, ApiError> {
    let Standing { ticket, state, roster } = standing;
    let wait: Option<WaitReport> = match state {
        TicketState::Searching => store.ticket_wait(ticket.id).await?,
        _ => None,
    };
    let mut answer = MatchTicket { wait, ..waiting(&ticket, state) };
    let Some(roster) = roster else { return Ok(answer) };
    let seat = roster.seat_of(claims.sub, ticket.id).filter(|(_, seat)| seat.is_held());
    let is_open = roster.stage == Stage::Open && state == TicketState::Matched;
    let join = match seat {
        Some((_, seat)) if is_open => {
            let traveller = Traveller::new(claims, seat.character);
            enter(store, keys, traveller, &roster).await
        }
        _ => Err(refusals::NO_MATCH.into()),
    };
    let join = match join {
        Ok(join) => Some(join),
        // The host is gone, or those who lost their places are not yet counted out: the next answer may have one.
        Err(ApiError::Refused(_)) => None,
        Err(error) => return Err(error),
    };
    answer.assignment = Some(Assignment {
        match_id: roster.id,
        region: roster.region.clone(),
        quality: roster.quality,
        teams: roster.view(),
        team: seat.and_then(|(team, _)| u32::try_from(team).ok()),
        instance: is_open.then(|| roster.instance()),
        join,
    });
    Ok(answer)
}

/// A ticket to the instance. If its host has died, another one opens it for those who ask.
async fn enter(
    store: &Store,
    keys: &KeyRing,
    traveller: Traveller,
    roster: &Roster,
) -> Result<JoinResponse, ApiError> {
    match into_instance(store, keys, traveller, roster.instance(), room(roster)).await {
        Err(ApiError::Refused(_)) => {}
        done => return done,
    }
    let (now, purpose) = (crate::clock::now(), Purpose::Match(roster.id));
    store.open_instance_as(roster.instance(), &roster.rules.zone, &purpose, now).await?;
    into_instance(store, keys, traveller, roster.instance(), room(roster)).await
}

/// Players that the instance takes. The roster decides who gets a ticket; this leaves room for those who are counted
/// twice for some seconds, in their seat and in the world.
fn room(roster: &Roster) -> u32 {
    roster.capacity().saturating_mul(2).saturating_add(8)
}
