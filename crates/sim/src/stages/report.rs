//! Sums up a tick for metrics, and checks what must hold after each.

use super::observe::ViewCounts;
use crate::stages::shed::ShedLevel;
use crate::world::World;

/// What a tick did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TickReport {
    /// The tick.
    pub tick: u32,
    /// Players in the zone.
    pub players: u32,
    /// Those who only look on.
    pub spectators: u32,
    /// Entities in the zone.
    pub entities: u32,
    /// Inputs that were repeated, too old or too far ahead.
    pub inputs_ignored: u32,
    /// Entities in the views of the players that got a snapshot.
    pub in_view: u32,
    /// Entities that came into a view.
    pub entered: u32,
    /// Entities that left a view.
    pub left: u32,
    /// Snapshots sent.
    pub frames: u32,
    /// Bytes of their frames.
    pub bytes: u32,
    /// Entities updated in them.
    pub updates: u32,
    /// Bytes that these took of the frames.
    pub update_bytes: u32,
    /// Entities in views that have been shown wrongly for longer than the bound, since the budgets of their
    /// players are too small.
    pub overdue: u32,
    /// Entities in sight of players that have not come into their views yet, since there was no room.
    pub waiting: u32,
    /// Snapshots that were left out for want of budget.
    pub unaffordable: u32,
    /// What is left out for want of time.
    pub shed: ShedLevel,
}

pub(crate) fn report(world: &World, sent: ViewCounts, ignored: u32) -> TickReport {
    debug_assert!(
        world.players.iter().all(|(seat, player)| {
            world.entities.find(player.entity).is_some_and(|body| body.seat == Some(seat))
        }),
        "every player has a body, and it knows its player"
    );
    let count = |count: usize| u32::try_from(count).expect("a zone is small");
    TickReport {
        tick: world.tick.0,
        players: count(world.players.len()),
        spectators: count(world.players.watching()),
        entities: count(world.entities.len()),
        inputs_ignored: ignored,
        in_view: sent.in_view,
        entered: sent.entered,
        left: sent.left,
        frames: sent.frames,
        bytes: sent.bytes,
        updates: sent.updates,
        update_bytes: sent.update_bytes,
        overdue: sent.overdue,
        waiting: sent.waiting,
        unaffordable: sent.unaffordable,
        shed: world.shed,
    }
}
