//! Hands out the durable gains, and forgets events that every player has had the turn to hear of.

use crate::outbox::Outbox;
use crate::world::World;

/// Events that are kept for a slow player at the most.
const EVENTS_KEPT_MAX: usize = 4_096;

pub(crate) fn flush_outbox(world: &mut World, ticks_per_snapshot: u32, outbox: &mut Outbox) {
    outbox.gains.append(&mut world.gains);
    let told = world.happenings_from + world.happenings.len() as u64;
    let oldest = world.players.everyone().map(|(_, player)| player.events_from).min().unwrap_or(told);
    let keep_from = oldest.max(told.saturating_sub(EVENTS_KEPT_MAX as u64));
    // Once a period is often enough for a list that is bounded anyway.
    if world.tick.0.is_multiple_of(ticks_per_snapshot) {
        let drop = usize::try_from(keep_from - world.happenings_from).expect("a short list");
        world.happenings.drain(..drop);
        world.happenings_from = keep_from;
    }
}
