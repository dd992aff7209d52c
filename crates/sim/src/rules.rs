//! Rules: what makes one game differ from another. A studio writes its own by implementing [`Rules`].

pub mod realm;

use domain::contract::players::Place;
use domain::fixed::{Heading, Vec2, metres};
use domain::movement::Build;
use domain::time::Tick;
use wire::message::ActionOutcome;

use crate::entity::Entity;
use crate::inbox::Joining;
use crate::player::Seat;
use crate::world::World;

/// What a player asks to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    /// Number of the action, 1 and up.
    pub action: u8,
    /// Where to.
    pub aim: Heading,
    /// The tick at which the player saw the others; at most [`crate::history::REWIND_MILLIS_MAX`] ago.
    pub seen: Tick,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActResult {
    /// For the player.
    pub outcome: ActionOutcome,
    /// Ticks until it can be done again.
    pub cooldown_ticks: u16,
}

/// The rules of a game. The zone calls them in the order of these functions within each tick; they change
/// the world through `world` alone and draw random numbers only from it, so that a run can be repeated.
pub trait Rules: Send {
    /// Fills a new world.
    fn start(&self, world: &mut World);

    /// The body for a character that enters; where it was, if that was in this zone, is `joining.place`.
    fn body(&self, world: &mut World, joining: &Joining) -> Entity;

    /// How the eye of a spectator moves. It touches nothing, whatever its radius: that only keeps it off the edge.
    fn eye(&self, world: &World) -> Build {
        let _ = world;
        Build { radius: 0, speed_max: metres(6), acceleration: metres(30) }
    }

    /// A player leaves; its body is still there.
    fn leave(&self, world: &mut World, seat: Seat) {
        let _ = (world, seat);
    }

    /// A living or dead player (entity index `actor`) does something.
    fn act(&self, world: &mut World, actor: usize, act: Act) -> ActResult;

    /// The artificial minds decide: they set intents and act.
    fn think(&self, world: &mut World);

    /// A projectile (index) touches an entity (index) that is not its owner and lives. Whether it stops.
    fn hit(&self, world: &mut World, projectile: usize, target: usize) -> bool;

    /// The content of the world has changed: bodies that are there take it over. Called before anything else in a
    /// tick.
    fn switch(&self, world: &mut World) {
        let _ = world;
    }

    /// After all moved: deaths, returns, what is picked up, what ends.
    fn run(&self, world: &mut World);

    /// What is to be kept of a body that leaves or is saved.
    fn place(&self, world: &World, body: &Entity, zone: &domain::ids::ZoneId) -> Place {
        let _ = world;
        Place { zone: zone.clone(), position: body.position, health: body.health }
    }
}

/// Whether `to` lies within `range` (1/256 m) of `from` and at most `half_angle` (1/65536 turn) off `aim`.
#[must_use]
pub fn is_in_arc(from: Vec2, aim: Heading, to: Vec2, range: i32, half_angle: u16) -> bool {
    from.is_within(to, range) && (from == to || (to - from).heading().angle_to(aim) <= half_angle)
}
