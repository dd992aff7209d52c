//! One step of the matcher: whose turn it is, which of the matches found are made, and in which order.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use domain::time::UnixMillis;

use super::Matcher;
use super::packing::{Goal, Packing, Piece, pack};
use super::quality::{Explanation, Match, MatchPlayer, MatchTeam, Score, Weights};
use super::queue::units;
use super::roles::assign;
use super::search::{Proposal, Search, Seeker, Work};
use super::ticket::{Party, Space};

/// Placements tried for teams that are going to play.
const FINAL_NODES: u32 = 1_024;
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
        Search { queue: &self.queue, slab: &self.slab, pools: &self.pools, spaces: &self.spaces, now }
    }

    /// Lets all whose turn it is propose, and makes the best of what they propose.
    pub(super) fn make_matches(&mut self, now: UnixMillis, budget: u32) -> Vec<Match> {
        let mut work = Work { left: budget };
        let (proposals, first) = self.propose_due(now, &mut work);
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
            // found now takes its turn anew. Who did not go first waits for the next step, so that the first do so again.
            if work.is_spent() || !first.contains(&proposal.seeker) {
                self.schedule(proposal.seeker, now);
            } else if let Some(proposal) = self.propose(proposal.seeker, now, &mut work) {
                turns.push(rank(&seniority, proposal));
            } else {
                self.schedule_retry(proposal.seeker, now);
            }
        }
        matches
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
