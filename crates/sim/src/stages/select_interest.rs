//! Decides for each player whose turn it is what comes into view, stays, and leaves.

use domain::time::Tick;

use crate::entity::Entities;
use crate::grid::Grid;
use crate::player::{InView, Player, Players, Seat};

/// An entity leaves the view at this many tenths of the distance at which it enters: one that walks along
/// the edge does not flicker.
const LEAVE_TENTHS: i32 = 11;

/// What changed in the views.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct InterestCounts {
    pub(crate) in_view: u32,
    pub(crate) entered: u32,
    pub(crate) left: u32,
}

/// Marks the players who get a snapshot in this tick. Seats are spread over the ticks of a period, so that
/// the load is flat; who has seen nothing yet need not wait.
pub(crate) fn mark_due(players: &mut Players, now: Tick, ticks_per_snapshot: u32) {
    for (Seat(seat), player) in players.iter_mut() {
        let turn = seat % ticks_per_snapshot == now.0 % ticks_per_snapshot || player.encoder.sent() == 0;
        player.due = player.attached && turn && !std::mem::take(&mut player.blocked);
    }
}

pub(crate) fn select_interest(
    players: &mut Players,
    entities: &Entities,
    grid: &Grid,
    radius: i32,
    candidates: &mut Vec<u32>,
) -> InterestCounts {
    let mut counts = InterestCounts::default();
    for (_, player) in players.iter_mut().filter(|(_, player)| player.due) {
        let own = entities.index_of(player.entity).expect("a player has a body");
        let center = entities[own].position;
        candidates.clear();
        grid.for_each_within(center, radius / 10 * LEAVE_TENTHS, |located| {
            if located.index as usize != own {
                candidates.push(located.index);
            }
        });
        // By index is by id, as the view is.
        candidates.sort_unstable();
        merge_view(
            player,
            entities,
            candidates,
            |index| entities[index].position.is_within(center, radius),
            &mut counts,
        );
    }
    counts
}

/// Walks view and candidates together, both in the order of ids.
fn merge_view(
    player: &mut Player,
    entities: &Entities,
    candidates: &[u32],
    is_near: impl Fn(usize) -> bool,
    counts: &mut InterestCounts,
) {
    let Player { encoder, view, entering, staying, .. } = player;
    entering.clear();
    staying.clear();
    let mut candidates = candidates.iter().copied().peekable();
    let mut new: Vec<u32> = Vec::new();
    view.retain(|in_view| {
        while let Some(index) = candidates.next_if(|index| entities[*index as usize].id < in_view.entity) {
            new.push(index);
        }
        if let Some(index) = candidates.next_if(|index| entities[*index as usize].id == in_view.entity) {
            staying.push((in_view.slot, index));
            true
        } else {
            encoder.leave(in_view.slot);
            counts.left += 1;
            false
        }
    });
    new.extend(candidates);
    for index in new.into_iter().filter(|index| is_near(*index as usize)) {
        let Some(slot) = encoder.enter() else { break };
        entering.push((slot, index));
        view.push(InView { entity: entities[index as usize].id, slot });
        counts.entered += 1;
    }
    view.sort_unstable_by_key(|in_view| in_view.entity);
    counts.in_view += u32::try_from(view.len()).expect("views are small");
}
