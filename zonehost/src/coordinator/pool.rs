//! All who wait in all queues, as the coordinator knows them: a matcher for each queue, and what is needed to put those
//! back whose match came to nothing. Pure: what is read and formed goes through the caller.

use std::collections::{BTreeMap, BTreeSet};

use contest::matching::{
    BackfillRequest, BackfillTeam, InsertError, Match, Matcher, Player, Ticket, WaitExplanation,
};
use contest::rating::Rating;
use domain::catalogue::MatchQueue;
use domain::contract::coordinator::{
    FormMatch, FormOutcome, FormTeam, MatchOpening, MatchmakingChanges, OpenTeam, OpenTicket,
    OpenTicketPlayer, TicketWait,
};
use domain::contract::matchmaking::WaitReport;
use domain::ids::{CharacterId, InstanceId, MatchId, MatchTicketId, QueueId};
use domain::time::UnixMillis;

/// When a wait is explained first, and how often then.
const FIRST_REPORT_MILLIS: u64 = 2_000;
const REPORT_MILLIS: u64 = 10_000;
/// How long tickets rest whose match the API has refused: the coordinator reads the queues anew in that time.
const REFUSED_MILLIS: u64 = 10_000;

/// A ticket that waits.
#[derive(Debug, Clone)]
struct Waiting {
    ticket: OpenTicket,
    /// Players whom the API does not let into a match with this ticket.
    refuses: BTreeSet<CharacterId>,
    report_at: UnixMillis,
    /// Until when the matcher does not get it.
    rests_until: UnixMillis,
}

/// A match that has places to fill.
#[derive(Debug, Clone)]
struct Opening {
    told: MatchOpening,
    refuses: BTreeSet<CharacterId>,
    /// The API has refused to fill it: the matcher gets it when all who wait are read anew, or the queue changes.
    is_refused: bool,
}

/// A match that a matcher made. Its tickets wait no longer until it is settled.
#[derive(Debug, Clone)]
pub(crate) struct Proposed {
    pub(crate) form: FormMatch,
    tickets: Vec<Waiting>,
    opening: Option<Opening>,
}

impl Proposed {
    /// Players who join.
    pub(crate) fn players(&self) -> usize {
        self.tickets.iter().map(|waiting| waiting.ticket.players.len()).sum()
    }
}

/// All who wait.
#[derive(Debug, Default)]
pub(crate) struct MatchPool {
    queues: BTreeMap<QueueId, (MatchQueue, Matcher)>,
    tickets: BTreeMap<MatchTicketId, Waiting>,
    openings: BTreeMap<InstanceId, Opening>,
    /// Tickets for whom the matcher has no place yet: an older ticket of a player is not known to be gone, the queue is
    /// not known, or they rest.
    deferred: BTreeMap<MatchTicketId, Waiting>,
    /// When tickets expire, and when their waits are explained next.
    expiries: BTreeSet<(UnixMillis, MatchTicketId)>,
    reports: BTreeSet<(UnixMillis, MatchTicketId)>,
}

impl MatchPool {
    /// Takes the catalogue's queues over. Those that changed start anew with all who wait in them.
    pub(crate) fn set_queues(&mut self, queues: Vec<MatchQueue>) {
        let names: BTreeSet<QueueId> = queues.iter().map(|queue| queue.queue.clone()).collect();
        let gone: Vec<QueueId> =
            self.queues.keys().filter(|queue| !names.contains(*queue)).cloned().collect();
        for queue in gone {
            self.queues.remove(&queue);
            self.reseat(&queue);
        }
        for queue in queues {
            let name = queue.queue.clone();
            if self.queues.get(&name).is_some_and(|(known, _)| *known == queue) {
                continue;
            }
            match Matcher::new(queue.definition.clone()) {
                Ok(matcher) => {
                    self.queues.insert(name.clone(), (queue, matcher));
                }
                Err(faults) => {
                    tracing::warn!(queue = %name, ?faults, "the queue makes no matches");
                    self.queues.remove(&name);
                }
            }
            self.reseat(&name);
        }
    }

    /// Puts all who wait in the queue into its matcher, which is new.
    fn reseat(&mut self, queue: &QueueId) {
        let own: Vec<MatchTicketId> = self
            .tickets
            .iter()
            .filter(|(_, waiting)| waiting.ticket.queue == *queue)
            .map(|(id, _)| *id)
            .collect();
        for id in own {
            if let Some(waiting) = self.take(id) {
                self.insert(waiting);
            }
        }
        let own: Vec<InstanceId> =
            self.openings.iter().filter(|(_, it)| it.told.queue == *queue).map(|(id, _)| *id).collect();
        for instance in own {
            if let Some(opening) = self.openings.remove(&instance) {
                self.open(Opening { is_refused: false, ..opening });
            }
        }
    }

    /// How many tickets wait.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.tickets.len() + self.deferred.len()
    }

    /// Takes changes over; the same ones again change nothing.
    pub(crate) fn apply(&mut self, changes: MatchmakingChanges) {
        for id in &changes.closed {
            self.take(*id);
        }
        for ticket in changes.opened {
            let is_known = self.tickets.contains_key(&ticket.id) || self.deferred.contains_key(&ticket.id);
            if !is_known && !changes.closed.contains(&ticket.id) {
                let report_at = ticket.created_at.plus_millis(FIRST_REPORT_MILLIS);
                let rests_until = ticket.created_at;
                self.insert(Waiting { ticket, refuses: BTreeSet::new(), report_at, rests_until });
            }
        }
        for opening in changes.openings {
            let known = self.openings.get(&opening.instance);
            if known.is_some_and(|known| known.told.revision >= opening.revision) {
                continue;
            }
            let refuses = known.map(|known| known.refuses.clone()).unwrap_or_default();
            self.close(opening.instance);
            self.open(Opening { told: opening, refuses, is_refused: false });
        }
    }

    /// Forgets those who came before `settled` and are not among all who wait, and that matches were refused.
    pub(crate) fn keep_only(&mut self, all: &MatchmakingChanges, settled: UnixMillis) {
        let waiting: BTreeSet<MatchTicketId> = all.opened.iter().map(|ticket| ticket.id).collect();
        let known = self.tickets.iter().chain(&self.deferred);
        let is_gone = |(id, waits): &(&MatchTicketId, &Waiting)| {
            !waiting.contains(id) && waits.ticket.created_at < settled
        };
        let gone: Vec<MatchTicketId> = known.filter(is_gone).map(|(id, _)| *id).collect();
        for id in gone {
            self.take(id);
        }
        let open: BTreeSet<InstanceId> = all.openings.iter().map(|opening| opening.instance).collect();
        let is_gone = |(id, it): &(&InstanceId, &Opening)| !open.contains(id) || it.is_refused;
        let gone: Vec<InstanceId> = self.openings.iter().filter(is_gone).map(|(id, _)| *id).collect();
        for instance in gone {
            self.close(instance);
        }
    }

    /// Makes matches of those who wait.
    pub(crate) fn step(
        &mut self,
        now: UnixMillis,
        budget: u32,
        mut new_id: impl FnMut() -> MatchId,
    ) -> Vec<Proposed> {
        while let Some((at, id)) = self.expiries.first().copied().filter(|(at, _)| *at <= now) {
            self.expiries.remove(&(at, id));
            self.take(id);
        }
        let ready: Vec<MatchTicketId> =
            self.deferred.iter().filter(|(_, it)| it.rests_until <= now).map(|(id, _)| *id).collect();
        for id in ready {
            if let Some(waiting) = self.deferred.remove(&id) {
                self.insert(waiting);
            }
        }
        let names: Vec<QueueId> = self.queues.keys().cloned().collect();
        let mut proposed = Vec::new();
        for queue in names {
            let made = self.queues.get_mut(&queue).map(|(_, matcher)| matcher.step(now, budget));
            for made in made.unwrap_or_default() {
                proposed.extend(self.propose(&queue, made, &mut new_id));
            }
        }
        proposed
    }

    fn propose(
        &mut self,
        queue: &QueueId,
        made: Match,
        new_id: &mut impl FnMut() -> MatchId,
    ) -> Option<Proposed> {
        let opening = match made.instance {
            // The matcher may go on to fill it, but the next players are for the match as it is then.
            Some(instance) => Some(self.close(instance)?),
            None => None,
        };
        let ids = made.teams.iter().flat_map(|team| &team.tickets);
        let tickets = ids.filter_map(|id| self.take(*id)).collect();
        let team = |team: contest::matching::MatchTeam| FormTeam {
            tickets: team.tickets,
            roles: team.players.into_iter().filter_map(|player| Some((player.id, player.role?))).collect(),
        };
        let form = FormMatch {
            match_id: opening.as_ref().map_or_else(new_id, |it| it.told.match_id),
            queue: queue.clone(),
            joins: opening.as_ref().map(|it| it.told.revision),
            region: made.region,
            teams: made.teams.into_iter().map(team).collect(),
            quality: made.explanation.quality,
            spread: made.explanation.spread,
            range: made.explanation.range,
            worst_round_trip_ms: made.explanation.worst_round_trip_ms,
        };
        Some(Proposed { form, tickets, opening })
    }

    /// Takes over what became of a match: whoever still waits is put back with the time of the first.
    pub(crate) fn settle(&mut self, proposed: &Proposed, outcome: &FormOutcome, now: UnixMillis) {
        let mut opening = proposed.opening.clone();
        let mut tickets = proposed.tickets.clone();
        match outcome {
            FormOutcome::Formed => return,
            FormOutcome::Gone(gone) => tickets.retain(|waiting| !gone.contains(&waiting.ticket.id)),
            FormOutcome::Blocked(pairs) => refuse_each_other(&mut tickets, opening.as_mut(), pairs),
            // Its next revision is among the changes.
            FormOutcome::Changed => opening = None,
            FormOutcome::Refused(reason) => {
                tracing::warn!(match_id = %proposed.form.match_id, reason, "the API has refused a match");
                for mut waiting in tickets {
                    waiting.rests_until = now.plus_millis(REFUSED_MILLIS);
                    self.defer(waiting);
                }
                if let Some(opening) = opening {
                    let refused = Opening { is_refused: true, ..opening };
                    self.openings.insert(refused.told.instance, refused);
                }
                return;
            }
            FormOutcome::Unknown => {}
        }
        for waiting in tickets {
            self.insert(waiting);
        }
        if let Some(opening) = opening {
            self.open(opening);
        }
    }

    /// Why those wait whose turn it is to be told.
    pub(crate) fn reports(&mut self, now: UnixMillis, most: usize) -> Vec<TicketWait> {
        let mut told = Vec::new();
        while told.len() < most {
            let Some((at, id)) = self.reports.first().copied().filter(|(at, _)| *at <= now) else { break };
            self.reports.remove(&(at, id));
            let Some(waiting) = self.tickets.get_mut(&id) else { continue };
            waiting.report_at = now.plus_millis(REPORT_MILLIS);
            self.reports.insert((waiting.report_at, id));
            let matcher = self.queues.get(&waiting.ticket.queue).map(|(_, matcher)| matcher);
            let explanation = matcher.and_then(|matcher| matcher.explain(id, now));
            told.extend(explanation.map(|wait| TicketWait { ticket: id, wait: report(&wait, now) }));
        }
        told
    }

    fn insert(&mut self, waiting: Waiting) {
        let id = waiting.ticket.id;
        let Some((_, matcher)) = self.queues.get_mut(&waiting.ticket.queue) else {
            self.defer(waiting);
            return;
        };
        match matcher.insert(ticket_of(&waiting)) {
            Ok(()) => {
                self.expiries.insert((waiting.ticket.expires_at, id));
                self.reports.insert((waiting.report_at, id));
                self.tickets.insert(id, waiting);
            }
            Err(InsertError::PlayerWaiting(_)) => self.defer(waiting),
            // The API let it in by another catalogue. It expires, or its player cancels it.
            Err(error) => {
                tracing::warn!(ticket = %id, kind = error.kind(), "a ticket does not fit its queue");
            }
        }
    }

    /// Keeps a ticket from the matcher.
    fn defer(&mut self, waiting: Waiting) {
        self.expiries.insert((waiting.ticket.expires_at, waiting.ticket.id));
        self.deferred.insert(waiting.ticket.id, waiting);
    }

    /// Takes a ticket out, if it waits.
    fn take(&mut self, id: MatchTicketId) -> Option<Waiting> {
        let waiting = self.tickets.remove(&id).or_else(|| self.deferred.remove(&id))?;
        self.expiries.remove(&(waiting.ticket.expires_at, id));
        self.reports.remove(&(waiting.report_at, id));
        if let Some((_, matcher)) = self.queues.get_mut(&waiting.ticket.queue) {
            matcher.cancel(id);
        }
        Some(waiting)
    }

    fn open(&mut self, opening: Opening) {
        if let Some((_, matcher)) = self.queues.get_mut(&opening.told.queue)
            && let Err(error) = matcher.insert_backfill(request_of(&opening))
        {
            tracing::warn!(match_id = %opening.told.match_id, kind = error.kind(), "a match gets no players");
        }
        self.openings.insert(opening.told.instance, opening);
    }

    fn close(&mut self, instance: InstanceId) -> Option<Opening> {
        let opening = self.openings.remove(&instance)?;
        if let Some((_, matcher)) = self.queues.get_mut(&opening.told.queue) {
            matcher.cancel_backfill(instance);
        }
        Some(opening)
    }
}

/// Players of each pair are not brought together again; a ticket in a pair with itself is refused by the match that it
/// was to join.
fn refuse_each_other(
    tickets: &mut [Waiting],
    mut opening: Option<&mut Opening>,
    pairs: &[[MatchTicketId; 2]],
) {
    let characters = |tickets: &[Waiting], id: MatchTicketId| -> Vec<CharacterId> {
        let found = tickets.iter().find(|waiting| waiting.ticket.id == id);
        found.into_iter().flat_map(|it| it.ticket.players.iter().map(|player| player.character)).collect()
    };
    for [one, other] in pairs {
        let refused = characters(tickets, *other);
        if one != other {
            if let Some(waiting) = tickets.iter_mut().find(|waiting| waiting.ticket.id == *one) {
                waiting.refuses.extend(refused);
            }
        } else if let Some(opening) = opening.as_deref_mut() {
            opening.refuses.extend(refused);
        }
    }
}

fn rating_of(player: &OpenTicketPlayer) -> Rating {
    // The API keeps ratings only; a newcomer's is near enough to what is not one.
    Rating::new(player.mu, player.sigma).unwrap_or_default()
}

fn ticket_of(waiting: &Waiting) -> Ticket {
    let player = |player: &OpenTicketPlayer| Player {
        id: player.character,
        rating: rating_of(player),
        roles: player.roles.clone(),
    };
    Ticket {
        id: waiting.ticket.id,
        players: waiting.ticket.players.iter().map(player).collect(),
        round_trips: waiting.ticket.round_trips_ms.clone(),
        blocks: waiting.refuses.iter().copied().take(contest::matching::BLOCKS_MAX).collect(),
        created_at: waiting.ticket.created_at,
    }
}

fn request_of(opening: &Opening) -> BackfillRequest {
    let team = |team: &OpenTeam| BackfillTeam {
        ratings: team.players.iter().map(rating_of).collect(),
        open_places: team.open_places,
        open_roles: team.open_roles.clone(),
    };
    let MatchOpening { instance, region, teams, since, .. } = &opening.told;
    BackfillRequest {
        instance: *instance,
        region: region.clone(),
        teams: teams.iter().map(team).collect(),
        players: teams.iter().flat_map(|team| team.players.iter().map(|player| player.character)).collect(),
        blocks: opening.refuses.iter().copied().take(contest::matching::BLOCKS_MAX).collect(),
        created_at: *since,
    }
}

fn report(wait: &WaitExplanation, now: UnixMillis) -> WaitReport {
    WaitReport {
        at: now,
        window: wait.window,
        players_needed: wait.players_needed,
        players_in_window: wait.players_in_window,
        players_in_region: wait.players_in_region,
        players_unblocked: wait.players_unblocked,
        reason: wait.reason.kind().to_owned(),
    }
}

#[cfg(test)]
mod tests;
