//! Moves the eyes of spectators, who touch nothing: alone over everything, or with the body of a player. Nothing of those
//! who play may be changed here.

use domain::fixed::{Heading, Vec2};
use domain::ids::EntityId;
use domain::movement::{Build, Motion};
use domain::terrain::Terrain;
use wire::message::{ActionOutcome, PlayerInput};
use wire::state::EntityKind;

use crate::entity::Entities;
use crate::player::{Eye, Seat};
use crate::rules::{ActResult, Rules, is_in_arc};
use crate::world::World;

/// What spectators do: go with the next player in the direction of their aim, and go alone again.
const FOLLOW: u8 = 1;
const LET_GO: u8 = 2;
/// A player to be followed is so far off the aim at the most: an eighth of a turn.
const AIM_HALF_ANGLE: u16 = 8_192;

/// Moves all eyes by one step, after everything else has moved.
pub(crate) fn watch(world: &mut World, rules: &dyn Rules) {
    let build = rules.eye(world);
    let World { players, entities, tick, rate_hz, terrain, .. } = world;
    // What cannot be touched is not in the way.
    let open = Terrain { obstacle_permille: 0, ..*terrain };
    let rate = i32::try_from(*rate_hz).expect("a rate is small");
    for (_, spectator) in players.spectators_mut() {
        let heard = spectator.is_heard(*tick, *rate_hz);
        let input = &spectator.input;
        let wish = if heard { build.intent(input.move_x, input.move_y) } else { Vec2::ZERO };
        let eye = spectator.eye.as_mut().expect("a spectator has an eye");
        eye.follows = eye.follows.filter(|_| wish == Vec2::ZERO);
        match eye.follows.map(|followed| motion_of(entities, followed)) {
            Some(Some(motion)) => eye.motion = motion,
            // Its player has left.
            Some(None) => *eye = Eye { motion: at_rest(eye.motion.position), follows: None },
            None => fly(&mut eye.motion, wish, (build, rate), &open),
        }
    }
}

/// An eye that stands.
pub(crate) const fn at_rest(position: Vec2) -> Motion {
    Motion { position, velocity: Vec2::ZERO, remainder: Vec2::ZERO }
}

fn motion_of(entities: &Entities, followed: EntityId) -> Option<Motion> {
    entities.find(followed).map(crate::entity::Entity::motion)
}

fn fly(motion: &mut Motion, wish: Vec2, (build, rate): (Build, i32), open: &Terrain) {
    if motion.velocity == Vec2::ZERO && wish == Vec2::ZERO {
        return;
    }
    motion.accelerate(wish, build.acceleration, rate);
    motion.advance(rate);
    motion.constrain(build.radius, open);
}

/// Does what a spectator asks for.
pub(crate) fn look_on(world: &mut World, seat: Seat, input: &PlayerInput) -> ActResult {
    let result = |outcome| ActResult { outcome, cooldown_ticks: 0 };
    let Some(eye) = world.players.get(seat).and_then(|spectator| spectator.eye) else {
        return result(ActionOutcome::Unknown);
    };
    let follows = match input.action {
        FOLLOW => match next_player(world, eye, Heading(input.aim)) {
            Some(next) => Some(next),
            None => return result(ActionOutcome::NotHere),
        },
        LET_GO => None,
        _ => return result(ActionOutcome::Unknown),
    };
    if let Some(eye) = world.players.get_mut(seat).and_then(|spectator| spectator.eye.as_mut()) {
        eye.follows = follows;
    }
    result(ActionOutcome::Done)
}

/// The nearest player in sight in a direction, other than the one that is followed.
fn next_player(world: &World, eye: Eye, aim: Heading) -> Option<EntityId> {
    let from = eye.motion.position;
    let sight = world.content.definition.interest_radius;
    let found = world.grid.nearest_within(from, sight, |located| {
        world.entities.get(located.index as usize).is_some_and(|body| {
            body.kind == EntityKind::Player
                && body.seat.is_some()
                && eye.follows != Some(body.id)
                && is_in_arc(from, aim, body.position, sight, AIM_HALF_ANGLE)
        })
    });
    found.map(|located| world.entities[located.index as usize].id)
}
