//! Decides for one player what comes into view, stays, and leaves.

use domain::fixed::Vec2;
use domain::limits::ENTITIES_IN_VIEW_MAX;

use crate::entity::index_of_id;
use crate::player::{Link, Seen};
use crate::stages::observe::{Scene, ViewScratch};
use wire::encoder::{Slot, ViewEncoder};

/// An entity leaves the view at this many tenths of the distance at which it enters: one that walks along
/// the edge does not flicker.
const LEAVE_TENTHS: i32 = 11;

/// Entities that are considered to come into view with one snapshot; there is room for fewer.
const ENTERING_MAX: usize = 128;
/// Entities that leave a full view for nearer ones with one snapshot.
const REPLACED_MAX: usize = 16;

/// An entity that stays in view.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Staying {
    pub(crate) slot: Slot,
    pub(crate) index: u32,
    pub(crate) distance_squared: u64,
}

/// What a player has in view after this tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct InterestCounts {
    pub(crate) in_view: u32,
    pub(crate) left: u32,
}

/// Fills `scratch.staying` and `scratch.entering` for who looks from `center` and does not see the own body; who is out
/// of view leaves at once.
pub(crate) fn select_interest(
    link: &mut Link,
    (center, own): (Vec2, Option<usize>),
    scene: &Scene<'_>,
    scratch: &mut ViewScratch,
) -> InterestCounts {
    let mut counts = InterestCounts::default();
    scratch.staying.clear();
    scratch.entering.clear();
    scratch.start_marking(scene.shown.len());
    let radius = scene.interest_radius;
    let leave_squared = square(radius / 10 * LEAVE_TENTHS);
    let Link { view, encoder, .. } = link;
    for (slot, place) in (0..).map(Slot::of_index).zip(view.iter_mut()) {
        let Some(Seen { entity, .. }) = place else { continue };
        let index = index_of_id(*entity);
        let shown = &scene.shown[index];
        let distance_squared = shown.position.distance_squared(center);
        if shown.id == *entity && distance_squared <= leave_squared {
            scratch.mark(index);
            let index = u32::try_from(index).expect("indices are small");
            scratch.staying.push(Staying { slot, index, distance_squared });
        } else {
            encoder.leave(slot);
            *place = None;
            counts.left += 1;
        }
    }
    let ViewScratch { staying, entering, marks, mark, .. } = scratch;
    scene.grid.for_each_within(center, radius, |located| {
        let index = located.index as usize;
        if marks[index] != *mark && Some(index) != own {
            entering.push((located.position.distance_squared(center), located.index));
        }
    });
    // The nearest first: there may not be room for all at once.
    if entering.len() > ENTERING_MAX {
        entering.select_nth_unstable(ENTERING_MAX);
        entering.truncate(ENTERING_MAX);
    }
    entering.sort_unstable();
    if staying.len() + ENTERING_MAX / 4 > ENTITIES_IN_VIEW_MAX {
        counts.left += make_room(view, encoder, staying, entering);
    }
    counts.in_view = u32::try_from(staying.len()).expect("views are small");
    counts
}

/// Lets the farthest leave a full view where nearer ones wait, a few at a time. The margin keeps two that are
/// about as far from taking turns.
fn make_room(
    view: &mut [Option<Seen>],
    encoder: &mut ViewEncoder,
    staying: &mut Vec<Staying>,
    entering: &[(u64, u32)],
) -> u32 {
    staying.sort_unstable_by_key(|staying| (staying.distance_squared, staying.slot));
    let mut left = 0;
    for (near, _) in entering.iter().take(REPLACED_MAX) {
        let is_farther = |staying: &Staying| staying.distance_squared > near * 2;
        let Some(farthest) = staying.pop_if(|staying| is_farther(staying)) else { break };
        encoder.leave(farthest.slot);
        view[farthest.slot.index()] = None;
        left += 1;
    }
    left
}

fn square(length: i32) -> u64 {
    Vec2::new(length, 0).length_squared()
}
