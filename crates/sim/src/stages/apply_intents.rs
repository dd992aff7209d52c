//! Turns what players want into the intents of their bodies, and lets them act.

use domain::fixed::{Heading, Vec2};
use wire::message::{ActionConfirm, ActionOutcome};

use super::drain_inputs::DrainedInputs;
use crate::rules::{Act, Rules};
use crate::world::World;

/// A wish to move is held this long without a new input.
const INTENT_SECS: u32 = 1;
/// The length of a full wish.
const FULL: i32 = 127;

pub(crate) fn apply_intents(world: &mut World, rules: &dyn Rules, inputs: &DrainedInputs) {
    let World { players, entities, tick, rate_hz, .. } = world;
    for (_, player) in players.iter() {
        let index = entities.index_of(player.entity).expect("a player has a body");
        let body = &mut entities[index];
        let held = player.attached && tick.since(player.input_at) <= *rate_hz * INTENT_SECS;
        if !held || !body.is_alive() {
            body.intent = Vec2::ZERO;
            continue;
        }
        let wish = Vec2::new(player.input.move_x.into(), player.input.move_y.into()).clamp_length(FULL);
        let share = |part: i32| part * body.speed_max / FULL;
        body.intent = Vec2::new(share(wish.x), share(wish.y));
        body.heading = Heading(player.input.aim);
    }
    for (seat, input) in &inputs.acts {
        let Some(player) = world.players.get(*seat) else { continue };
        let actor = world.entities.index_of(player.entity).expect("a player has a body");
        let result = if world.entities[actor].is_alive() {
            rules.act(world, actor, Act { action: input.action, aim: Heading(input.aim) })
        } else {
            crate::rules::ActResult { outcome: ActionOutcome::Dead, cooldown_ticks: 0 }
        };
        let player = world.players.get_mut(*seat).expect("rules take no players out");
        player.confirms.push(ActionConfirm {
            input: input.sequence,
            outcome: result.outcome as u8,
            cooldown_ticks: result.cooldown_ticks,
        });
    }
}
