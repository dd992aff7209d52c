//! Whose turn it is in a step, and when the next one is. Which of the matches found are made is not decided here.

use std::collections::BTreeSet;

use domain::time::UnixMillis;

use super::Matcher;
use super::pool::Slot;
use super::roles::Roles;
use super::search::{Proposal, Seeker, Work};

/// A ticket is tried again after a third of its wait, but neither sooner nor later than this. Whoever comes
/// tries all around, so that only what widening windows bring waits for a turn.
const RETRY_MS_MIN: u64 = 1_000;
const RETRY_MS_MAX: u64 = 12_000;
/// When a ticket with the widest window is tried again. Only others bring a match, and they find it.
const RETRY_MS_WIDEST: u64 = 30_000;

/// When whose turn is; of those at the same time, the oldest first.
type Turn = (UnixMillis, UnixMillis, Seeker);

impl Matcher {
    /// What those propose whose turn it is, and who of them may propose again in this step.
    ///
    /// Who can take the scarcest role of a region goes first, since each match there has one of them. The others
    /// do not see those who are in a proposal already: else the many would all propose matches with the same few,
    /// and all but one of them in vain.
    pub(super) fn propose_due(
        &mut self,
        now: UnixMillis,
        work: &mut Work,
    ) -> (Vec<Proposal>, BTreeSet<Seeker>) {
        // Each turn costs a unit of work at least.
        let most = usize::try_from(work.left).unwrap_or(usize::MAX);
        let due: Vec<Turn> = self.due.iter().take_while(|(at, ..)| *at <= now).take(most).copied().collect();
        let scarcest = self.pools.scarcest_by_region(&self.queue);
        let is_of_few = |seeker: Seeker| seeker.slot().is_none_or(|slot| self.is_scarce(slot, &scarcest));
        let (few, many): (Vec<Turn>, Vec<Turn>) = due.into_iter().partition(|(.., it)| is_of_few(*it));
        let mut proposals = Vec::new();
        let mut idle = Vec::new();
        for turn in few {
            if work.is_spent() {
                break;
            }
            self.due.remove(&turn);
            match self.propose(turn.2, now, work) {
                Some(proposal) => proposals.push(proposal),
                None => idle.push(turn.2),
            }
        }
        let first = proposals.iter().map(|proposal| proposal.seeker).collect();
        if !many.is_empty() {
            self.propose_beside(&many, &scarcest, now, work, &mut proposals);
        }
        // Only now, since an instance is due again at once.
        for seeker in idle {
            self.schedule_retry(seeker, now);
        }
        (proposals, first)
    }

    /// Lets the many propose matches with those few who are in no proposal yet.
    fn propose_beside(
        &mut self,
        many: &[Turn],
        scarcest: &[Roles],
        now: UnixMillis,
        work: &mut Work,
        proposals: &mut Vec<Proposal>,
    ) {
        let mut hidden = BTreeSet::new();
        for proposal in proposals.iter() {
            self.hide_few(proposal, scarcest, &mut hidden);
        }
        for turn in many {
            if work.is_spent() {
                break;
            }
            self.due.remove(turn);
            if let Some(proposal) = self.propose(turn.2, now, work) {
                self.hide_few(&proposal, scarcest, &mut hidden);
                proposals.push(proposal);
            } else {
                // Each match that wider windows bring has one of the few, who finds it sooner.
                self.schedule_after(turn.2, now, RETRY_MS_MAX);
            }
        }
        for slot in hidden {
            let party = self.slab.get(slot).expect("nobody is matched while proposals are made");
            self.pools.insert(party, slot);
        }
    }

    /// Takes those of the few who are in the proposal out of the pools.
    fn hide_few(&mut self, proposal: &Proposal, scarcest: &[Roles], hidden: &mut BTreeSet<Slot>) {
        for slot in proposal.slots.iter().copied() {
            if self.is_scarce(slot, scarcest)
                && hidden.insert(slot)
                && let Some(party) = self.slab.get(slot)
            {
                self.pools.remove(party);
            }
        }
    }

    /// Whether the party can take the scarcest role of one of its regions. Without roles all are alike.
    fn is_scarce(&self, slot: Slot, scarcest: &[Roles]) -> bool {
        let Some(party) = self.slab.get(slot) else { return true };
        let takes = |role: Roles| role == 0 || party.roles.iter().any(|player| player & role != 0);
        scarcest.iter().zip(party.round_trips).any(|(role, known)| known.is_some() && takes(*role))
    }

    pub(super) fn propose(&self, seeker: Seeker, now: UnixMillis, work: &mut Work) -> Option<Proposal> {
        match seeker {
            Seeker::Instance(instance) => {
                self.search(now).around_opening(self.openings.get(&instance)?, work)
            }
            Seeker::Ticket(_, slot) => self.search(now).around_ticket(slot, work),
        }
    }

    /// Puts the seeker back, if it still waits: an instance for the next step, a ticket for later.
    pub(super) fn schedule_retry(&mut self, seeker: Seeker, now: UnixMillis) {
        self.schedule_after(seeker, now, RETRY_MS_MIN);
    }

    fn schedule_after(&mut self, seeker: Seeker, now: UnixMillis, least_ms: u64) {
        let wait = match seeker {
            Seeker::Instance(_) => 1,
            Seeker::Ticket(_, slot) => {
                let Some(party) = self.slab.get(slot) else { return };
                let waited_ms = now.millis_since(party.created_at);
                if self.queue.is_widest(waited_ms) {
                    RETRY_MS_WIDEST
                } else {
                    (waited_ms / 3).clamp(least_ms, RETRY_MS_MAX)
                }
            }
        };
        self.schedule(seeker, now.plus_millis(wait));
    }
}
