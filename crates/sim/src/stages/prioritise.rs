//! Decides of which entities in view a player is told in a snapshot: those that the client shows wrongly, each
//! as often as its distance and importance deserve, the most urgent first if there is not room for all.
//!
//! Each entity that is shown wrongly gathers urgency with every snapshot (a priority accumulator, as Fiedler
//! describes in "State Synchronization", 2015). It is told of when that reaches [`FULL`]; when room is short
//! those with more go first, and one that has waited for the bound goes before all others.

use domain::time::Tick;
use wire::encoder::Slot;
use wire::state::EntityKind;

use super::observe::{Scene, Shown, ViewScratch};
use super::select_interest::Staying;
use crate::player::{Player, Seat};

/// Urgency at which an entity is told of.
const FULL: u16 = 120;
/// Nobody in view is shown wrongly for longer than this if the budget allows it at all, in milliseconds.
pub(crate) const STALE_MILLIS_MAX: u32 = 2_000;
/// Added to the score of those who must not wait.
const IMPORTANT: u32 = 1 << 16;
const OVERDUE: u32 = 1 << 20;

/// How exactly and how often entities of a distance are told of.
#[derive(Debug, Clone, Copy)]
struct Tier {
    /// Up to this many quarters of the interest radius.
    quarters: u64,
    /// Snapshots from one update to the next.
    period: u16,
    /// How far the shown place may be off, in 1/32 m.
    tolerance: u32,
}

const TIERS: [Tier; 4] = [
    Tier { quarters: 1, period: 1, tolerance: 1 },
    Tier { quarters: 2, period: 2, tolerance: 2 },
    Tier { quarters: 3, period: 4, tolerance: 4 },
    Tier { quarters: u64::MAX, period: 10, tolerance: 8 },
];

/// An entity that is to be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    pub(crate) score: u32,
    pub(crate) slot: Slot,
    pub(crate) index: u32,
}

/// Fills `scratch.candidates` with those who are due, at most `room` of them, in the order of slots.
pub(crate) fn prioritise(
    (seat, player): (Seat, &mut Player),
    scene: &Scene<'_>,
    room: usize,
    scratch: &mut ViewScratch,
) {
    let pace = u16::try_from(player.pace).unwrap_or(FULL);
    let ViewScratch { staying, candidates, .. } = scratch;
    candidates.clear();
    for staying in &*staying {
        if let Some(candidate) = consider((seat, player), pace, scene, staying) {
            candidates.push(candidate);
        }
    }
    if candidates.len() > room {
        candidates.select_nth_unstable_by(room, |one, other| other.cmp(one));
        candidates.truncate(room);
    }
    candidates.sort_unstable_by_key(|candidate| candidate.slot);
}

fn consider(
    (seat, player): (Seat, &mut Player),
    pace: u16,
    scene: &Scene<'_>,
    staying: &Staying,
) -> Option<Candidate> {
    let Staying { slot, index, distance_squared } = *staying;
    let Shown { id, ref state, .. } = scene.shown[index as usize];
    let important = is_important((seat, player), scene, staying);
    let tier = if important { 0 } else { tier_of(scene, distance_squared) };
    let Tier { period, tolerance, .. } = TIERS[tier];
    let deviation = player.link.encoder.deviation(slot, state, scene.tick.0);
    let seen = player.link.view[slot.index()].as_mut().expect("who stays is in view");
    let wrong = deviation.steps > tolerance || deviation.acted || (deviation.turned && tier <= 1);
    if !wrong {
        (seen.urgency, seen.stale_since) = (0, 0);
        return None;
    }
    let gain = FULL / period;
    if seen.stale_since == 0 {
        seen.stale_since = scene.tick.0;
        // Those who begin to move at the same time are not told of at the same time.
        seen.urgency = u16::try_from(id.0 % u32::from(period)).expect("a small number") * gain;
    }
    // What is done and suffered is seen sooner than where it is done.
    let gain = if deviation.acted { gain.max(FULL / 2) } else { gain };
    let gain = if tier >= 2 { gain >> scene.far_updates_shift } else { gain };
    seen.urgency = seen.urgency.saturating_add(gain.saturating_mul(pace));
    let waited = scene.tick.since(Tick(seen.stale_since));
    // The next turn would be too late.
    let overdue = waited + scene.ticks_per_snapshot * u32::from(pace) > scene.stale_ticks_max;
    if seen.urgency < FULL && !overdue {
        return None;
    }
    let score = u32::from(seen.urgency)
        + deviation.steps.min(1_000)
        + if important { IMPORTANT } else { 0 }
        + if overdue { OVERDUE + waited.min(1_000) * 1_024 } else { 0 };
    Some(Candidate { score, slot, index })
}

fn is_important((seat, player): (Seat, &Player), scene: &Scene<'_>, staying: &Staying) -> bool {
    let shown = &scene.shown[staying.index as usize];
    let near = staying.distance_squared <= scene.quarter_squared * 4;
    (shown.kind == EntityKind::Projectile && near)
        || player.is_foe(shown.id, scene.tick)
        || shown.seat.is_some_and(|other| scene.are_together(seat, other))
}

fn tier_of(scene: &Scene<'_>, distance_squared: u64) -> usize {
    let quarters = |tier: &Tier| tier.quarters.saturating_mul(tier.quarters);
    let fits = |tier: &Tier| distance_squared <= scene.quarter_squared.saturating_mul(quarters(tier));
    TIERS.iter().position(fits).expect("the last tier has no end")
}

/// How many of a view have been shown wrongly for longer than the bound: the budget is too small for them.
pub(crate) fn count_overdue(player: &Player, scene: &Scene<'_>) -> u32 {
    let late = |since: u32| since != 0 && scene.tick.since(Tick(since)) > scene.stale_ticks_max;
    let late = player.link.view.iter().flatten().filter(|seen| late(seen.stale_since)).count();
    u32::try_from(late).expect("views are small")
}
