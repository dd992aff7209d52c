//! What a bot decides to do: wander, and fight what it meets.

use domain::fixed::{Vec2, metres};
use domain::random::Random;
use wire::decoder::View;
use wire::message::PlayerInput;
use wire::state::{Action, EntityKind};

/// What a bot does with its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Walks about, and fights monsters that come near.
    Adventure,
    /// Walks about, and strikes now and then whether anyone is there or not.
    Walk,
    /// Walks about within some metres of the middle of the world, and strikes now and then.
    Mill,
    /// Stands still.
    Stand,
    /// Goes for the nearest monster, and strikes or shoots whenever it can, at nothing if need be.
    Fight,
}

/// Who mills about turns back when this far from the middle.
const MILL_RADIUS: i32 = metres(8);
/// Steps of 100 ms between two changes of direction.
const STRAIGHT_STEPS: (i32, i32) = (10, 60);
/// Sight of a bot that looks for a fight.
const ALERT: i32 = metres(18);
const STRIKE_RANGE: i32 = metres(2);

pub(super) struct Brain {
    random: Random,
    behaviour: Behaviour,
    /// The middle of the world.
    middle: Vec2,
    /// Steps until the bot takes another direction.
    straight: i32,
    steps: u32,
}

impl Brain {
    pub(super) fn new(seed: u64, behaviour: Behaviour) -> Self {
        Self { random: Random::of_stream(seed, 0), behaviour, middle: Vec2::ZERO, straight: 0, steps: 0 }
    }

    /// Learns how big the world is, in 1/256 m.
    pub(super) fn welcome(&mut self, size: i32) {
        self.middle = Vec2::new(size / 2, size / 2);
    }

    /// Fills in the wish and the action of the next input.
    pub(super) fn decide(&mut self, view: &View, own: Vec2, alive: bool, input: &mut PlayerInput) {
        self.steps += 1;
        input.action = 0;
        if !alive {
            (input.move_x, input.move_y) = (0, 0);
            return;
        }
        let prey = match self.behaviour {
            Behaviour::Adventure | Behaviour::Fight => nearest_monster(view, own),
            Behaviour::Walk | Behaviour::Mill | Behaviour::Stand => None,
        };
        if self.behaviour == Behaviour::Stand {
            return;
        }
        if let Some(prey) = prey {
            self.fight(prey - own, input);
        } else {
            self.wander(input);
        }
        if self.behaviour == Behaviour::Mill && !own.is_within(self.middle, MILL_RADIUS) {
            let way = self.middle - own;
            (input.move_x, input.move_y) = as_wish(way.with_length(120));
            input.aim = way.heading().0;
        }
        if self.behaviour == Behaviour::Fight && input.action == 0 && self.steps.is_multiple_of(7) {
            input.action = 1;
        }
    }

    fn fight(&mut self, way: Vec2, input: &mut PlayerInput) {
        input.aim = way.heading().0;
        let near = way.length() <= STRIKE_RANGE;
        let wish = if near { Vec2::ZERO } else { way.with_length(127) };
        (input.move_x, input.move_y) = as_wish(wish);
        // Seven steps are longer than the cooldown of a strike, eleven than that of a shot.
        if near && self.steps.is_multiple_of(7) {
            input.action = 1;
        } else if !near && self.steps.is_multiple_of(11) {
            input.action = 2;
        }
    }

    fn wander(&mut self, input: &mut PlayerInput) {
        self.straight -= 1;
        if self.straight <= 0 {
            self.straight = self.random.between(STRAIGHT_STEPS.0, STRAIGHT_STEPS.1);
            let way = Vec2::new(self.random.between(-100, 100), self.random.between(-100, 100));
            (input.move_x, input.move_y) = as_wish(way.with_length(120));
            input.aim = way.heading().0;
        }
        if self.steps.is_multiple_of(20) {
            input.action = 1;
        }
    }
}

fn as_wish(way: Vec2) -> (i8, i8) {
    let part = |part: i32| i8::try_from(part.clamp(-127, 127)).expect("clamped");
    (part(way.x), part(way.y))
}

fn nearest_monster(view: &View, own: Vec2) -> Option<Vec2> {
    let monsters = view
        .entities()
        .filter(|entity| entity.kind == EntityKind::Monster && entity.state().action != Action::Dead);
    let places = monsters.map(|entity| entity.state().position());
    places.filter(|place| place.is_within(own, ALERT)).min_by_key(|place| place.distance_squared(own))
}
