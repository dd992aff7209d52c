//! Why a ticket still waits. Nothing is matched here.

use std::collections::BTreeSet;

use domain::time::UnixMillis;

use super::Matcher;
use super::group::{Stand, are_blocked};
use super::pool::{Direction, Slot};
use super::queue::units;
use super::search::Work;
use super::ticket::{MatchTicketId, Party};

/// Others looked at for one explanation, in each region.
const LOOKED_AT_MAX: usize = 2_000;

/// How a waiting ticket stands.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitExplanation {
    /// How long it waits, in milliseconds.
    pub waited_ms: u64,
    /// How far from its own rating it accepts others by now, in units of mu.
    pub window: f64,
    /// Players of a match, at least.
    pub players_needed: u32,
    /// Players, its own included, whose tickets and this one accept each other by rating.
    pub players_in_window: u32,
    /// Those of them who play in a region that this ticket plays in too.
    pub players_in_region: u32,
    /// Those of them whom nobody here refuses.
    pub players_unblocked: u32,
    /// What is in the way.
    pub reason: WaitReason,
}

/// What is in the way of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitReason {
    /// Nothing: it gets a match at one of its next turns.
    Ready,
    /// The party knows no region with a round trip that the queue allows.
    NoRegion,
    /// Too few accept it by rating, or are accepted.
    TooFewInWindow,
    /// Enough do, but too few of them play in a region of this ticket, or not all in the same.
    NoCommonRegion,
    /// Enough would do but for blocks.
    Blocks,
    /// Those who would do do not make teams: roles, or sizes of parties.
    Roles,
    /// Each of those who would do accepts this ticket, but too few of them accept each other.
    WindowsOfOthers,
}

impl WaitReason {
    /// A short name for metrics, logs and clients.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NoRegion => "no_region",
            Self::TooFewInWindow => "too_few_in_window",
            Self::NoCommonRegion => "no_common_region",
            Self::Blocks => "blocks",
            Self::Roles => "roles",
            Self::WindowsOfOthers => "windows_of_others",
        }
    }
}

/// Players around a ticket.
#[derive(Debug, Clone, Copy, Default)]
struct Around {
    in_window: u32,
    in_region: u32,
    unblocked: u32,
}

impl Matcher {
    pub(super) fn explain_wait(&self, id: MatchTicketId, now: UnixMillis) -> Option<WaitExplanation> {
        let slot = *self.tickets.get(&id)?;
        let party = self.slab.get(slot)?;
        let waited_ms = now.millis_since(party.created_at);
        let around = self.around(slot, party, now);
        let needed = u32::from(self.queue.definition.players_min());
        Some(WaitExplanation {
            waited_ms,
            window: units(self.queue.window(waited_ms)),
            players_needed: needed,
            players_in_window: around.in_window,
            players_in_region: around.in_region,
            players_unblocked: around.unblocked,
            reason: self.reason(slot, party, now, around),
        })
    }

    fn reason(&self, slot: Slot, party: &Party, now: UnixMillis, around: Around) -> WaitReason {
        let needed = u32::from(self.queue.definition.players_min());
        let mut work = Work { left: u32::MAX };
        if party.regions().is_empty() {
            WaitReason::NoRegion
        } else if self.search(now).around_ticket(slot, &mut work).is_some() {
            WaitReason::Ready
        } else if around.in_window < needed {
            WaitReason::TooFewInWindow
        } else if around.in_region < needed {
            WaitReason::NoCommonRegion
        } else if around.unblocked < needed {
            WaitReason::Blocks
        } else {
            self.obstacle(slot, party, now)
        }
    }

    /// What stood in the way in the region where the most did.
    fn obstacle(&self, slot: Slot, party: &Party, now: UnixMillis) -> WaitReason {
        let search = self.search(now);
        let obstacles = party.regions().into_iter().map(|region| {
            let mut work = Work { left: u32::MAX };
            let group = search.group_of(slot, party);
            let gathered = search.gather(group, region, Direction::Both, &[], &mut work);
            let reasons = [
                (gathered.misfits, WaitReason::Roles),
                (gathered.blocked, WaitReason::Blocks),
                (gathered.conflicts, WaitReason::WindowsOfOthers),
            ];
            reasons.into_iter().max_by_key(|(count, _)| *count).expect("there are three")
        });
        match obstacles.max_by_key(|(count, _)| *count) {
            Some((count, reason)) if count > 0 => reason,
            // No one was refused, so in each region alone there are too few.
            _ => WaitReason::NoCommonRegion,
        }
    }

    fn around(&self, slot: Slot, party: &Party, now: UnixMillis) -> Around {
        let own = u32::from(party.size);
        let mut around = Around { in_window: own, in_region: own, unblocked: own };
        for slot in self.accepting(slot, party, now) {
            let Some(other) = self.slab.get(slot) else { continue };
            let players = u32::from(other.size);
            around.in_window += players;
            let shares_region = party.regions().iter().any(|region| other.regions().contains(region));
            around.in_region += if shares_region { players } else { 0 };
            let is_fine = shares_region && !are_blocked(party, &other.players, &other.blocks);
            around.unblocked += if is_fine { players } else { 0 };
        }
        around
    }

    /// The others whom the party accepts by rating, and who accept it, wherever they play.
    fn accepting(&self, own: Slot, party: &Party, now: UnixMillis) -> BTreeSet<Slot> {
        let search = self.search(now);
        let stand =
            Stand { centre: party.centre, window: self.queue.window(now.millis_since(party.created_at)) };
        let mut found = BTreeSet::new();
        for (region, _) in (0_u8..).zip(&self.queue.definition.regions) {
            let mut walk = self.pools.walk(region, party.centre, Direction::Both, |_| true);
            for _ in 0..LOOKED_AT_MAX {
                let Some((key, slot, _)) = walk.step() else { break };
                if key.centre.abs_diff(party.centre) > stand.window.unsigned_abs() {
                    break;
                }
                if slot != own && stand.accepts(search.stand(&key)) {
                    found.insert(slot);
                }
            }
        }
        found
    }
}
