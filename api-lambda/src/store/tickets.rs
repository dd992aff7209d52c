//! Tickets of matchmaking in the table `matchmaking`: `mtk_...`/`ticket` is the truth about one, `chr_...`/`ticket`
//! says which ticket a character waits with, or waited with last. A ticket that waits is in the index `by_feed`, in
//! one of several shards, where the coordinator finds it; who forms matches is not known here.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use domain::contract::coordinator::TicketWait;
use domain::contract::matchmaking::WaitReport;
use domain::ids::{AccountId, CharacterId, MatchTicketId};
use domain::time::UnixMillis;
use futures_util::future::try_join_all;

use crate::roster::{Roster, Seat};
use crate::store::item::{self, Item, number, text};
use crate::store::requests::StoredAnswer;
use crate::store::transact::Part;
use crate::store::{ATTEMPTS_MAX, Store, StoreError, back_off, sent, transact};

pub(crate) mod changes;
pub(crate) mod form;

use form::{StoredTicket, TicketStage, closed_feed, open_feed, read_ticket, ticket_item};

/// Sort keys of the items of a ticket, and of the item that holds a character's ticket.
pub(crate) const TICKET: &str = "ticket";
const WAIT: &str = "wait";
/// How long a ticket is kept after it cannot be in use any more.
const KEPT_SECS: u64 = 24 * 60 * 60;

/// Why a ticket was not made.
#[derive(Debug)]
pub(crate) enum TicketRefusal {
    /// This character has an open ticket.
    Waiting(CharacterId, MatchTicketId),
    /// The request was answered before, or is being answered now.
    Repeated,
}

/// What became of a cancellation.
#[derive(Debug)]
pub(crate) enum Cancelled {
    /// The ticket waits no longer, now or already before.
    Done,
    /// The place in this match was given back now.
    LeftMatch(Box<Roster>),
}

impl Store {
    /// Makes a ticket for characters who have no open one. `busy_secs` is how long at most a match may hold it.
    pub(crate) async fn create_ticket(
        &self,
        ticket: &StoredTicket,
        home: &str,
        busy_secs: u64,
        answer: Option<&StoredAnswer>,
        now: UnixMillis,
    ) -> Result<Result<(), TicketRefusal>, StoreError> {
        let ttl = ticket.expires_at.as_secs() + busy_secs + KEPT_SECS;
        for attempt in 0..ATTEMPTS_MAX {
            let mut parts = vec![transact::put(
                Put::builder()
                    .table_name(&self.tables.matchmaking)
                    .set_item(Some(ticket_item(ticket, home, ttl, now)))
                    .condition_expression("attribute_not_exists(pk)"),
            )];
            for player in &ticket.players {
                let held = match self.ticket_of(player.character).await? {
                    Some(held) if self.is_open(held, player.character, now).await? => {
                        return Ok(Err(TicketRefusal::Waiting(player.character, held)));
                    }
                    held => held,
                };
                parts.push(self.hold_part(player.character, ticket.id, held, ttl));
            }
            parts.extend(answer.map(|answer| self.answer_part(answer)));
            match self.transact(parts).await? {
                Ok(()) => return Ok(Ok(())),
                Err(parts) if answer.is_some() && parts.last().is_some_and(Part::is_refused) => {
                    return Ok(Err(TicketRefusal::Repeated));
                }
                // A rival made a ticket for one of the characters.
                Err(_) => back_off(attempt).await,
            }
        }
        Err(StoreError::Contended("the tickets of a character"))
    }

    /// The ticket that the character waits with, or waited with last.
    async fn ticket_of(&self, character: CharacterId) -> Result<Option<MatchTicketId>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.matchmaking);
        let call = call.key("pk", text(character)).key("sk", text(TICKET)).consistent_read(true);
        let item = sent(call.send()).await?.item;
        item.map(|item| item::read_parsed(&item, "ticket")).transpose()
    }

    fn hold_part(
        &self,
        character: CharacterId,
        ticket: MatchTicketId,
        before: Option<MatchTicketId>,
        ttl: u64,
    ) -> TransactWriteItem {
        let mut hold = item::new_item(character);
        hold.extend([
            ("sk".to_owned(), text(TICKET)),
            ("ticket".to_owned(), text(ticket)),
            ("ttl".to_owned(), number(ttl)),
        ]);
        let put = Put::builder().table_name(&self.tables.matchmaking).set_item(Some(hold));
        transact::put(match before {
            Some(before) => put
                .condition_expression("ticket = :before")
                .expression_attribute_values(":before", text(before)),
            None => put.condition_expression("attribute_not_exists(pk)"),
        })
    }

    /// Whether the character is still bound to the ticket. A ticket whose time is over is closed first, so that no
    /// clock that goes slower matches it afterwards.
    async fn is_open(
        &self,
        id: MatchTicketId,
        character: CharacterId,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let Some(mut ticket) = self.ticket(id).await? else { return Ok(false) };
        loop {
            match ticket.stage {
                TicketStage::Searching if ticket.expires_at > now => return Ok(true),
                TicketStage::Searching => {
                    // If it was matched meanwhile, it is open after all.
                    let closed = self.close_ticket(&ticket, TicketStage::Expired, None, now).await?;
                    return Ok(!closed);
                }
                TicketStage::Cancelled | TicketStage::Expired => return Ok(false),
                TicketStage::Matched => {}
            }
            if self.has_place(&ticket, character, now).await? {
                return Ok(true);
            }
            // If the match came to nothing after the ticket was read, the ticket waits again since then.
            let Some(again) = self.ticket(id).await? else { return Ok(false) };
            if again == ticket {
                return Ok(false);
            }
            ticket = again;
        }
    }

    /// Whether the character has a place by this ticket in a match that is not over.
    async fn has_place(
        &self,
        ticket: &StoredTicket,
        character: CharacterId,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let Some(match_id) = ticket.match_id else { return Ok(false) };
        let Some(found) = self.stored_match(match_id).await? else { return Ok(false) };
        let is_own = |seat: &Seat| seat.character == character && seat.ticket == ticket.id;
        Ok(!found.roster.is_over(now) && found.roster.held().any(is_own))
    }

    /// The ticket.
    pub(crate) async fn ticket(&self, id: MatchTicketId) -> Result<Option<StoredTicket>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.matchmaking);
        let call = call.key("pk", text(id)).key("sk", text(TICKET)).consistent_read(true);
        let item = sent(call.send()).await?.item;
        item.as_ref().map(read_ticket).transpose()
    }

    /// These tickets, in any order; those that do not exist are left out.
    pub(crate) async fn tickets(&self, ids: &[MatchTicketId]) -> Result<Vec<StoredTicket>, StoreError> {
        let keys = ids.iter().map(|id| matchmaking_key(id, TICKET)).collect();
        self.matchmaking_items(keys).await?.iter().map(read_ticket).collect()
    }

    /// Why the ticket waits, if that was told.
    pub(crate) async fn ticket_wait(&self, id: MatchTicketId) -> Result<Option<WaitReport>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.matchmaking);
        let item = sent(call.key("pk", text(id)).key("sk", text(WAIT)).send()).await?.item;
        item.map(|item| form::read_json(&item, "wait")).transpose()
    }

    /// Keeps why tickets wait, at most 100. They are beside the tickets, so that the index does not change.
    pub(crate) async fn keep_waits(&self, waits: &[TicketWait], now: UnixMillis) -> Result<(), StoreError> {
        let puts = waits.iter().map(|told| async {
            let mut item = item::new_item(told.ticket);
            item.insert("sk".into(), text(WAIT));
            item.insert("wait".into(), form::json(&told.wait));
            item.insert("ttl".into(), number(now.as_secs() + KEPT_SECS));
            let call = self.client.put_item().table_name(&self.tables.matchmaking).set_item(Some(item));
            sent(call.send()).await
        });
        try_join_all(puts).await.map(drop)
    }

    /// Ends the waiting of the ticket, if it still waits: no match takes it from then on.
    async fn close_ticket(
        &self,
        ticket: &StoredTicket,
        stage: TicketStage,
        home: Option<&str>,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let update = Update::builder()
            .table_name(&self.tables.matchmaking)
            .key("pk", text(ticket.id))
            .key("sk", text(TICKET))
            .condition_expression("stage = :searching")
            .expression_attribute_values(":searching", text(TicketStage::Searching))
            .expression_attribute_values(":stage", text(stage));
        let update = match home {
            // The coordinator hears of it.
            Some(home) => update
                .update_expression("SET stage = :stage, feed = :feed, changed = :changed")
                .expression_attribute_values(":feed", text(closed_feed(home, ticket.id)))
                .expression_attribute_values(":changed", text(form::changed(now, ticket.id))),
            None => update.update_expression("SET stage = :stage REMOVE feed, changed"),
        };
        Ok(self.transact(vec![transact::update(update)]).await?.is_ok())
    }

    /// Gives up what the character waits or plays with, as part of its deletion. The coordinator is not told: it hears
    /// of it when it forms a match.
    pub(crate) async fn leave_matchmaking(
        &self,
        account: AccountId,
        character: CharacterId,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        if let Some(ticket) = self.ticket_of(character).await? {
            self.cancel_ticket(account, ticket, None, now).await?;
        }
        Ok(())
    }

    /// Cancels the ticket for the account, whatever became of it meanwhile.
    pub(crate) async fn cancel_ticket(
        &self,
        account: AccountId,
        id: MatchTicketId,
        home: Option<&str>,
        now: UnixMillis,
    ) -> Result<Cancelled, StoreError> {
        for attempt in 0..ATTEMPTS_MAX {
            let Some(ticket) = self.ticket(id).await? else { return Ok(Cancelled::Done) };
            match (ticket.stage, ticket.match_id) {
                (TicketStage::Searching, _) => {
                    if self.close_ticket(&ticket, TicketStage::Cancelled, home, now).await? {
                        return Ok(Cancelled::Done);
                    }
                }
                (TicketStage::Matched, Some(match_id)) => {
                    let Some(found) = self.stored_match(match_id).await? else { return Ok(Cancelled::Done) };
                    let mut roster = found.roster.clone();
                    if roster.is_over(now) || !roster.give_up(account, id, now) {
                        return Ok(Cancelled::Done);
                    }
                    if self.replace_match(&found, &roster, now).await? {
                        return Ok(Cancelled::LeftMatch(Box::new(roster)));
                    }
                }
                _ => return Ok(Cancelled::Done),
            }
            back_off(attempt).await;
        }
        Err(StoreError::Contended("a ticket"))
    }

    /// The ticket is taken by the match, if it still waits, as part of a transaction.
    pub(crate) fn take_ticket_part(
        &self,
        ticket: MatchTicketId,
        match_id: domain::ids::MatchId,
        now: UnixMillis,
    ) -> TransactWriteItem {
        transact::update(
            Update::builder()
                .table_name(&self.tables.matchmaking)
                .key("pk", text(ticket))
                .key("sk", text(TICKET))
                .update_expression("SET stage = :matched, #match = :match REMOVE feed, changed")
                .condition_expression("stage = :searching AND expires_at > :now")
                .expression_attribute_names("#match", "match")
                .expression_attribute_values(":matched", text(TicketStage::Matched))
                .expression_attribute_values(":match", text(match_id))
                .expression_attribute_values(":searching", text(TicketStage::Searching))
                .expression_attribute_values(":now", number(now.as_millis())),
        )
    }

    /// The ticket waits again, since its match came to nothing, as part of a transaction.
    pub(crate) fn reopen_ticket_part(
        &self,
        ticket: &StoredTicket,
        match_id: domain::ids::MatchId,
        home: &str,
        now: UnixMillis,
    ) -> TransactWriteItem {
        // It has lost time in the match: it gets at least as long again as it may wait.
        let lifetime = ticket.expires_at.millis_since(ticket.created_at);
        let expires_at = ticket.expires_at.max(now.plus_millis(lifetime.min(600_000)));
        transact::update(
            Update::builder()
                .table_name(&self.tables.matchmaking)
                .key("pk", text(ticket.id))
                .key("sk", text(TICKET))
                .update_expression(
                    "SET stage = :searching, expires_at = :expires_at, feed = :feed, changed = :changed REMOVE #match",
                )
                .condition_expression("stage = :matched AND #match = :match")
                .expression_attribute_names("#match", "match")
                .expression_attribute_values(":matched", text(TicketStage::Matched))
                .expression_attribute_values(":match", text(match_id))
                .expression_attribute_values(":searching", text(TicketStage::Searching))
                .expression_attribute_values(":expires_at", number(expires_at.as_millis()))
                .expression_attribute_values(":feed", text(open_feed(home, ticket.id)))
                .expression_attribute_values(":changed", text(form::changed(now, ticket.id))),
        )
    }

    /// The items of the table `matchmaking` with these keys, in any order.
    pub(crate) async fn matchmaking_items(&self, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        self.batch_get(&self.tables.matchmaking, keys).await
    }
}

/// The key of an item of the table `matchmaking`.
pub(crate) fn matchmaking_key(pk: impl ToString, sk: impl ToString) -> Item {
    Item::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}
