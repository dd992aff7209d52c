//! Matches in the table `matchmaking` as `mch_...`/`match`. The item is the whole truth about a match from its
//! forming on: every change of it is one write on the condition that its revision is the one that was read.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use domain::contract::coordinator::{FormMatch, FormOutcome};
use domain::ids::{AccountId, MatchId, MatchTicketId};
use domain::time::UnixMillis;

use crate::roster::{Roster, Rules, Seat, SeatState, Stage, Team};
use crate::store::item::{self, Item, number, text};
use crate::store::tickets::form::{
    FEW_SHARDS, StoredTicket, TicketStage, changed, json, match_feed, read_json,
};
use crate::store::{Store, StoreError, sent, transact};

pub(crate) mod arrivals;
pub(crate) mod result;
pub(crate) mod sweep;

/// The sort key of a match.
const MATCH: &str = "match";
/// How long a match is kept after it is over at the latest.
const KEPT_SECS: u64 = 7 * 24 * 60 * 60;

/// A match as it was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredMatch {
    pub(crate) roster: Roster,
    pub(crate) revision: u64,
    /// The result that was accepted, as it was sent, and the answer to it.
    pub(crate) result: Option<(String, String)>,
}

impl Store {
    /// The match.
    pub(crate) async fn stored_match(&self, id: MatchId) -> Result<Option<StoredMatch>, StoreError> {
        let call = self.client.get_item().table_name(&self.tables.matchmaking);
        let call = call.key("pk", text(id)).key("sk", text(MATCH)).consistent_read(true);
        let item = sent(call.send()).await?.item;
        item.as_ref().map(read_match).transpose()
    }

    /// Writes the match if it is still as it was read.
    pub(crate) async fn replace_match(
        &self,
        before: &StoredMatch,
        roster: &Roster,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let part = self.match_part(Some(before.revision), roster, None, now);
        Ok(self.transact(vec![part]).await?.is_ok())
    }

    /// The match in place of the one of this revision, or of none, as part of a transaction.
    fn match_part(
        &self,
        before: Option<u64>,
        roster: &Roster,
        result: Option<&(String, String)>,
        now: UnixMillis,
    ) -> TransactWriteItem {
        let revision = before.map_or(1, |before| before + 1);
        let put = Put::builder()
            .table_name(&self.tables.matchmaking)
            .set_item(Some(match_item(roster, revision, result, now)));
        transact::put(match before {
            Some(before) => put
                .condition_expression("revision = :before")
                .expression_attribute_values(":before", number(before)),
            None => put.condition_expression("attribute_not_exists(pk)"),
        })
    }

    /// Forms a match, or lets players join one, in one transaction: each ticket must still wait.
    pub(crate) async fn form_match(
        &self,
        form: &FormMatch,
        rules: Rules,
        now: UnixMillis,
    ) -> Result<(FormOutcome, Option<Roster>), StoreError> {
        let ids: Vec<MatchTicketId> = form.teams.iter().flat_map(|team| &team.tickets).copied().collect();
        let tickets: BTreeMap<MatchTicketId, StoredTicket> =
            self.tickets(&ids).await?.into_iter().map(|ticket| (ticket.id, ticket)).collect();
        let is_ours = |id: &MatchTicketId| {
            let ticket = tickets.get(id);
            ticket.is_some_and(|it| it.stage == TicketStage::Matched && it.match_id == Some(form.match_id))
        };
        if ids.iter().all(is_ours) {
            return Ok((FormOutcome::Formed, None));
        }
        let waits = |id: &MatchTicketId| {
            let waits = |it: &StoredTicket| {
                it.stage == TicketStage::Searching && it.expires_at > now && it.queue == form.queue
            };
            tickets.get(id).is_some_and(waits)
        };
        let gone: Vec<_> = ids.iter().copied().filter(|id| !waits(id)).collect();
        if !gone.is_empty() {
            return Ok((FormOutcome::Gone(gone), None));
        }
        let before = match form.joins {
            Some(revision) => match self.stored_match(form.match_id).await? {
                Some(found) if found.revision == revision && !found.roster.is_over(now) => Some(found),
                _ => return Ok((FormOutcome::Changed, None)),
            },
            None => None,
        };
        let blocked = self.blocked_pairs(&tickets, before.as_ref()).await?;
        if !blocked.is_empty() {
            return Ok((FormOutcome::Blocked(blocked), None));
        }
        let Some(roster) = seated(form, rules, &tickets, before.as_ref(), now) else {
            return Ok((FormOutcome::Changed, None));
        };
        let revision = before.as_ref().map(|before| before.revision);
        let mut parts = vec![self.match_part(revision, &roster, None, now)];
        parts.extend(ids.iter().map(|id| self.take_ticket_part(*id, form.match_id, now)));
        Ok(match self.transact(parts).await? {
            Ok(()) => (FormOutcome::Formed, Some(roster)),
            Err(parts) => {
                let gone = ids.iter().zip(&parts[1..]).filter(|(_, part)| part.is_refused());
                let gone: Vec<_> = gone.map(|(id, _)| *id).collect();
                (if gone.is_empty() { FormOutcome::Changed } else { FormOutcome::Gone(gone) }, None)
            }
        })
    }

    /// Pairs of tickets whose players refuse each other or are the same person. One who is refused by somebody in
    /// the match that is joined makes a pair with itself.
    async fn blocked_pairs(
        &self,
        tickets: &BTreeMap<MatchTicketId, StoredTicket>,
        before: Option<&StoredMatch>,
    ) -> Result<Vec<[MatchTicketId; 2]>, StoreError> {
        let joining = tickets
            .values()
            .flat_map(|ticket| ticket.players.iter().map(move |player| (player.account, Some(ticket.id))));
        let present = before.into_iter().flat_map(|before| before.roster.held());
        let everyone: Vec<(AccountId, Option<MatchTicketId>)> =
            joining.chain(present.map(|seat| (seat.account, None))).collect();
        let mut pairs = Vec::new();
        for (index, (account, ticket)) in everyone.iter().enumerate() {
            let Some(ticket) = *ticket else { break };
            let others: Vec<_> =
                everyone[index + 1..].iter().filter(|(_, other)| *other != Some(ticket)).collect();
            let accounts: Vec<AccountId> = others.iter().map(|(account, _)| *account).collect();
            if accounts.is_empty() {
                continue;
            }
            let blocked = self.blocked_between(*account, &accounts).await?;
            let refuses = |other: &AccountId| other == account || blocked.contains(other);
            let refused = others.iter().filter(|(other, _)| refuses(other));
            pairs.extend(refused.map(|(_, other)| [ticket, other.unwrap_or(ticket)]));
        }
        pairs.sort_unstable();
        pairs.dedup();
        Ok(pairs)
    }
}

/// The match with those who join it; none if there is no place for one of them.
fn seated(
    form: &FormMatch,
    rules: Rules,
    tickets: &BTreeMap<MatchTicketId, StoredTicket>,
    before: Option<&StoredMatch>,
    now: UnixMillis,
) -> Option<Roster> {
    let seat = |ticket: &StoredTicket, team: usize| -> Vec<Seat> {
        let seat = |player: &crate::store::tickets::form::TicketPlayer| Seat {
            character: player.character,
            account: player.account,
            ticket: ticket.id,
            role: form.teams[team].roles.get(&player.character).cloned(),
            mu: player.mu,
            sigma: player.sigma,
            state: SeatState::Expected,
            since: now,
            is_late: before.is_some(),
        };
        ticket.players.iter().map(seat).collect()
    };
    let teams: Vec<Vec<Seat>> = (0..)
        .zip(&form.teams)
        .map(|(index, team)| {
            team.tickets.iter().filter_map(|id| tickets.get(id)).flat_map(|it| seat(it, index)).collect()
        })
        .collect();
    if let Some(before) = before {
        let mut roster = before.roster.clone();
        return roster.join(teams, now).then_some(roster);
    }
    Some(Roster {
        id: form.match_id,
        queue: form.queue.clone(),
        region: form.region.clone(),
        rules,
        stage: Stage::Placing,
        teams: teams.into_iter().map(|seats| Team { places: seats.len(), seats }).collect(),
        quality: form.quality,
        spread: form.spread,
        range: form.range,
        worst_round_trip_ms: form.worst_round_trip_ms,
        created_at: now,
        opening_since: None,
    })
}

/// The shard of the matches of a region that somebody must look after, by time.
fn due_shard(region: &str, shard: u128) -> String {
    format!("due#{region}#{shard}")
}

fn match_item(roster: &Roster, revision: u64, result: Option<&(String, String)>, now: UnixMillis) -> Item {
    let ends = roster.created_at.plus_millis(roster.rules.match_millis).as_secs();
    let mut item = item::new_item(roster.id);
    item.extend([
        ("sk".to_owned(), text(MATCH)),
        ("roster".to_owned(), json(roster)),
        ("revision".to_owned(), number(revision)),
        ("ttl".to_owned(), number(ends + KEPT_SECS)),
    ]);
    if roster.opening_since.is_some() {
        item.insert("feed".into(), text(match_feed(&roster.rules.home, roster.id)));
        item.insert("changed".into(), text(changed(now, roster.id)));
    }
    if let Some(due_at) = roster.due_at() {
        item.insert("due".into(), text(due_shard(&roster.region, roster.id.as_u128() % FEW_SHARDS)));
        item.insert("due_at".into(), text(changed(due_at, roster.id)));
    }
    if let Some((sent, answer)) = result {
        item.insert("result".into(), text(sent));
        item.insert("answer".into(), text(answer));
    }
    item
}

/// The match of this item.
pub(crate) fn read_match(item: &Item) -> Result<StoredMatch, StoreError> {
    let result = match item.get("result") {
        Some(_) => {
            Some((item::read_text(item, "result")?.to_owned(), item::read_text(item, "answer")?.to_owned()))
        }
        None => None,
    };
    Ok(StoredMatch {
        roster: read_json(item, "roster")?,
        revision: item::read_number(item, "revision")?,
        result,
    })
}
