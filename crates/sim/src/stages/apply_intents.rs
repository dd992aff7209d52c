//! Turns what players want into the intents of their bodies, and lets them act.

use domain::fixed::{Heading, Vec2};
use domain::time::Tick;
use wire::message::{ActionConfirm, ActionOutcome, PlayerInput};

use crate::player::Seat;
use crate::rules::{Act, ActResult, Rules};
use crate::stages::watch::look_on;
use crate::world::World;

/// Confirms that wait for a player who gets few snapshots; the oldest are forgotten.
const CONFIRMS_WAITING_MAX: usize = 32;

pub(crate) fn apply_intents(world: &mut World, rules: &dyn Rules, acts: &[(Seat, PlayerInput)]) {
    let World { players, entities, tick, rate_hz, .. } = world;
    for (_, player) in players.iter() {
        let index = entities.index_of(player.entity).expect("a player has a body");
        let body = &mut entities[index];
        if !player.is_heard(*tick, *rate_hz) || !body.is_alive() {
            body.intent = Vec2::ZERO;
            continue;
        }
        body.intent = body.build().intent(player.input.move_x, player.input.move_y);
        body.heading = Heading(player.input.aim);
    }
    for (seat, input) in acts {
        let Some(result) = act(world, rules, *seat, input) else { continue };
        let player = world.players.get_mut(*seat).expect("rules take no players out");
        if player.confirms.len() == CONFIRMS_WAITING_MAX {
            player.confirms.remove(0);
        }
        player.confirms.push(ActionConfirm {
            input: input.sequence,
            outcome: result.outcome as u8,
            cooldown_ticks: result.cooldown_ticks,
        });
    }
}

fn act(world: &mut World, rules: &dyn Rules, seat: Seat, input: &PlayerInput) -> Option<ActResult> {
    // What is seen now is the end of the last tick.
    let newest = world.tick.0.saturating_sub(1);
    let player = world.players.get(seat)?;
    if seat.spectates() {
        return Some(look_on(world, seat, input));
    }
    let actor = world.entities.index_of(player.entity).expect("a player has a body");
    let seen = Tick(input.seen.clamp(world.history.oldest().0.min(newest), newest));
    Some(if world.entities[actor].is_alive() {
        rules.act(world, actor, Act { action: input.action, aim: Heading(input.aim), seen })
    } else {
        ActResult { outcome: ActionOutcome::Dead, cooldown_ticks: 0 }
    })
}
