//! Telling players about their matches, on the connections that they have. Whoever is not connected asks for the
//! ticket.

use domain::ids::{CharacterId, MatchId, MatchTicketId};
use domain::time::UnixMillis;
use serde::Serialize;

use crate::notices;
use crate::store::Store;
use crate::store::matches::sweep::Changed;
use crate::store::tickets::form::StoredTicket;

/// The topic of notices about matches.
const TOPIC: &str = "match";

/// The body of a notice with the topic `match`.
#[derive(Serialize)]
struct MatchNotice {
    /// `formed`, `ready`, `roster`, `dissolved`; of a ticket `cancelled`.
    news: &'static str,
    /// The match.
    #[serde(skip_serializing_if = "Option::is_none")]
    match_id: Option<MatchId>,
    /// The player's ticket, which tells the rest.
    ticket: MatchTicketId,
}

/// Tells the players of these matches what changed: each of its own ticket.
pub(crate) async fn tell(store: &Store, changed: &[Changed], now: UnixMillis) {
    for (news, roster) in changed {
        let mut by_ticket = std::collections::BTreeMap::<MatchTicketId, Vec<CharacterId>>::new();
        for seat in roster.held() {
            by_ticket.entry(seat.ticket).or_default().push(seat.character);
        }
        for (ticket, characters) in by_ticket {
            let notice = MatchNotice { news: news.kind(), match_id: Some(roster.id), ticket };
            notices::tell(store, &characters, TOPIC, &notice, now).await;
        }
    }
}

/// Tells the players of a ticket what became of it.
pub(crate) async fn tell_ticket(store: &Store, ticket: &StoredTicket, news: &'static str, now: UnixMillis) {
    let characters: Vec<CharacterId> = ticket.players.iter().map(|player| player.character).collect();
    let notice = MatchNotice { news, match_id: None, ticket: ticket.id };
    notices::tell(store, &characters, TOPIC, &notice, now).await;
}
