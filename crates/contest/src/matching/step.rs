//! One step of the matcher: whose turn it is, which of the matches found are made, and in which order.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use domain::time::UnixMillis;

use super::Matcher;
use super::packing::{Goal, Packing, Piece, pack};
use super::pool::Slot;
use super::quality::{Explanation, Match, MatchPlayer, MatchTeam, Score, Weights};
use super::queue::units;
use super::roles::{Roles, assign};
use super::search::{Proposal, Search, Seeker, Work};
use super::ticket::{Party, Space};

/// Placements tried for teams that are going to play.
const FINAL_NODES: u32 = 1_024;
/// A ticket is tried again after a third of its wait, but neither sooner nor later than this. Whoever comes
/// tries all around, so that only what widening windows bring waits for a turn.
const RETRY_MS_MIN: u64 = 1_000;
const RETRY_MS_MAX: u64 = 12_000;
/// When a ticket with the widest window is tried again. Only others bring a match, and they find it.
const RETRY_MS_WIDEST: u64 = 30_000;

/// When whose turn is; of those at the same time, the oldest first.
pub(super) type Turn = (UnixMillis, UnixMillis, Seeker);

/// A proposal and its place among the others.
#[derive(Debug)]
struct Rank {
    /// How many backfills go before it because they have waited longer.
    after: usize,
    proposal: Proposal,
}

impl Rank {
    fn is_backfill(&self) -> bool {
        matches!(self.proposal.seeker, Seeker::Instance(_))
    }
}

impl Ord for Rank {
    /// The greatest is first: by backfills before it, then new matches before the backfill of that number,
    /// then by quality, by age, and by name.
    fn cmp(&self, other: &Self) -> Ordering {
        let (one, two) = (&self.proposal, &other.proposal);
        (other.after, other.is_backfill())
            .cmp(&(self.after, self.is_backfill()))
            .then(one.score.quality.total_cmp(&two.score.quality))
            .then((two.oldest, two.seeker).cmp(&(one.oldest, one.seeker)))
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Rank {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Rank {}

impl Matcher {
    pub(super) fn search(&self, now: UnixMillis) -> Search<'_> {
        let (queue, slab, pools, spaces) = (&self.queue, &self.slab, &self.pools, &self.spaces);
        Search { queue, slab, pools, spaces, claimed: &[], now }
    }

    /// Lets all whose turn it is propose, and makes the best of what they propose.
    pub(super) fn make_matches(&mut self, now: UnixMillis, budget: u32) -> Vec<Match> {
        let mut work = Work { left: budget };
        let (proposals, claimed) = self.propose_due(now, &mut work);
        let seniority = self.seniority(&proposals);
        let mut turns: BinaryHeap<Rank> = proposals.into_iter().map(|it| rank(&seniority, it)).collect();
        let mut matches = Vec::new();
        while let Some(Rank { proposal, .. }) = turns.pop() {
            let is_fresh = proposal.slots.iter().all(|slot| self.slab.get(*slot).is_some());
            if is_fresh {
                matches.extend(self.make(&proposal, now));
                continue;
            }
            // Another match took one of its parties. Quality falls with fewer to choose from, so what is
            // found now takes its turn anew.
            if work.is_spent() {
                self.schedule(proposal.seeker, now);
            } else if let Some(proposal) = self.propose(proposal.seeker, now, &mut work, &claimed) {
                turns.push(rank(&seniority, proposal));
            } else {
                self.schedule_retry(proposal.seeker, now);
            }
        }
        matches
    }

    /// What those propose whose turn it is, and the parties of scarce roles that have a proposal of their own. They
    /// go first, and the others leave them alone: else the many would all propose matches with the same few, and
    /// all but one of them in vain.
    fn propose_due(&mut self, now: UnixMillis, work: &mut Work) -> (Vec<Proposal>, Vec<Slot>) {
        // Each turn costs a unit of work at least.
        let most = usize::try_from(work.left).unwrap_or(usize::MAX);
        let due: Vec<Turn> = self.due.iter().take_while(|(at, ..)| *at <= now).take(most).copied().collect();
        let scarcest = self.pools.scarcest_by_region(&self.queue);
        let (few, many): (Vec<Turn>, Vec<Turn>) =
            due.into_iter().partition(|(.., seeker)| self.is_scarce(*seeker, &scarcest));
        let mut proposals = Vec::new();
        let mut idle = self.propose_each(&few, now, work, &[], &mut proposals);
        let mut claimed: Vec<Slot> = proposals.iter().filter_map(|proposal| proposal.seeker.slot()).collect();
        claimed.sort_unstable();
        idle.extend(self.propose_each(&many, now, work, &claimed, &mut proposals));
        // Only now, since an instance is due again at once.
        for seeker in idle {
            self.schedule_retry(seeker, now);
        }
        (proposals, claimed)
    }

    /// Lets them propose as long as there is work to spend, and returns those who find no match.
    fn propose_each(
        &mut self,
        turns: &[Turn],
        now: UnixMillis,
        work: &mut Work,
        claimed: &[Slot],
        proposals: &mut Vec<Proposal>,
    ) -> Vec<Seeker> {
        let mut idle = Vec::new();
        for turn in turns {
            if work.is_spent() {
                break;
            }
            self.due.remove(turn);
            match self.propose(turn.2, now, work, claimed) {
                Some(proposal) => proposals.push(proposal),
                None => idle.push(turn.2),
            }
        }
        idle
    }

    /// Whether it is a party that can take the scarcest role of one of its regions. Where no roles are, all are alike.
    fn is_scarce(&self, seeker: Seeker, scarcest: &[Roles]) -> bool {
        let Some(party) = seeker.slot().and_then(|slot| self.slab.get(slot)) else { return true };
        let takes = |role: Roles| role == 0 || party.roles.iter().any(|player| player & role != 0);
        party.regions().into_iter().any(|region| takes(scarcest[usize::from(region)]))
    }

    fn propose(
        &self,
        seeker: Seeker,
        now: UnixMillis,
        work: &mut Work,
        claimed: &[Slot],
    ) -> Option<Proposal> {
        let search = self.search(now);
        match seeker {
            Seeker::Instance(instance) => search.around_opening(self.openings.get(&instance)?, work),
            Seeker::Ticket(_, slot) if claimed.binary_search(&slot).is_ok() => {
                search.around_ticket(slot, work)
            }
            Seeker::Ticket(_, slot) => Search { claimed, ..search }.around_ticket(slot, work),
        }
    }

    /// When the backfills that can be served now were asked for, the oldest first.
    fn seniority(&self, proposals: &[Proposal]) -> Vec<(UnixMillis, Seeker)> {
        let mut seniority: Vec<(UnixMillis, Seeker)> = proposals
            .iter()
            .filter_map(|proposal| match proposal.seeker {
                Seeker::Instance(id) => Some((self.openings.get(&id)?.created_at, proposal.seeker)),
                Seeker::Ticket(..) => None,
            })
            .collect();
        seniority.sort_unstable();
        seniority
    }

    /// Puts the seeker back, if it still waits: an instance for the next step, a ticket for later.
    fn schedule_retry(&mut self, seeker: Seeker, now: UnixMillis) {
        let wait = match seeker {
            Seeker::Instance(_) => 1,
            Seeker::Ticket(_, slot) => {
                let Some(party) = self.slab.get(slot) else { return };
                let waited_ms = now.millis_since(party.created_at);
                if self.queue.is_widest(waited_ms) {
                    RETRY_MS_WIDEST
                } else {
                    (waited_ms / 3).clamp(RETRY_MS_MIN, RETRY_MS_MAX)
                }
            }
        };
        self.schedule(seeker, now.plus_millis(wait));
    }

    /// Makes the match: its tickets wait no longer.
    fn make(&mut self, proposal: &Proposal, now: UnixMillis) -> Option<Match> {
        let parties: Vec<Party> = proposal.slots.iter().filter_map(|slot| self.remove(*slot)).collect();
        let (instance, goal) = match proposal.seeker {
            Seeker::Instance(instance) => (Some(instance), Goal::Filled),
            Seeker::Ticket(..) => (None, self.queue.goal()),
        };
        let mut spaces = match instance {
            Some(instance) => self.openings.get(&instance)?.spaces.clone(),
            None => self.spaces.clone(),
        };
        let pieces: Vec<Piece<'_>> = parties.iter().map(Piece::of).collect();
        let packing = pack(&spaces, &pieces, goal, FINAL_NODES)
            .expect("the search for a proposal began as this one does and found one");
        let teams = self.seat(&parties, &packing, &mut spaces);
        if let Some(instance) = instance {
            let opening = self.openings.get_mut(&instance)?;
            opening.take(spaces, &parties);
            if opening.is_full() {
                self.openings.remove(&instance);
            } else {
                self.schedule_retry(proposal.seeker, now);
            }
        }
        let longest_wait_ms = now.millis_since(proposal.oldest);
        let weights = Weights { queue: &self.queue, longest_wait_ms };
        let old = proposal.score;
        let score = weights.score(packing.spread, old.range, old.worst_round_trip_ms);
        Some(Match {
            instance,
            region: self.queue.definition.regions[usize::from(proposal.region)].clone(),
            teams,
            explanation: explanation(&score, &parties, now),
        })
    }

    /// Who joins which team in which role. The spaces lose what is filled.
    fn seat(&self, parties: &[Party], packing: &Packing, spaces: &mut [Space]) -> Vec<MatchTeam> {
        let roles = &self.queue.definition.roles;
        let seat_team = |(team, space): (u8, &mut Space)| {
            let joined = || parties.iter().zip(&packing.team_of).filter(move |(_, of)| **of == team);
            let joined = || joined().map(|(party, _)| party);
            let able: Vec<u8> = joined().flat_map(|party| party.roles.iter().copied()).collect();
            let filled = assign(&space.needs, &able);
            joined().for_each(|party| space.join(party));
            space.needs = space.needs.without(&filled);
            let names = filled.iter().map(|role| role.map(|role| roles[role].role.clone()));
            let players = joined().flat_map(|party| party.players.iter().copied()).zip(names);
            MatchTeam {
                tickets: joined().map(|party| party.id).collect(),
                players: players.map(|(id, role)| MatchPlayer { id, role }).collect(),
            }
        };
        (0_u8..).zip(spaces).map(seat_team).collect()
    }
}

fn rank(seniority: &[(UnixMillis, Seeker)], proposal: Proposal) -> Rank {
    let after = match proposal.seeker {
        Seeker::Instance(_) => seniority.iter().position(|(_, seeker)| *seeker == proposal.seeker),
        Seeker::Ticket(..) => {
            Some(seniority.partition_point(|(created_at, _)| *created_at < proposal.oldest))
        }
    };
    Rank { after: after.unwrap_or(seniority.len()), proposal }
}

fn explanation(score: &Score, parties: &[Party], now: UnixMillis) -> Explanation {
    let mut waits_ms: Vec<_> =
        parties.iter().map(|party| (party.id, now.millis_since(party.created_at))).collect();
    waits_ms.sort_unstable();
    Explanation {
        quality: score.quality,
        spread: units(score.spread),
        range: units(score.range),
        worst_round_trip_ms: score.worst_round_trip_ms,
        waits_ms,
    }
}
