//! The own body ahead of the host: it is moved by the same step that the host takes, at once, and put right
//! when the host says where it really was (Bernier, "Latency Compensating Methods", 2001).

use std::collections::VecDeque;

use domain::fixed::Vec2;
use domain::movement::{Build, Motion};
use domain::terrain::Terrain;
use wire::message::{PlayerInput, Welcome};
use wire::snapshot::Header;

/// Inputs that are kept: some seconds of them.
const INPUTS_MAX: usize = 128;
/// The most ticks that are played again: as far as a client runs ahead, and some seconds of silence.
const REPLAY_MAX: u32 = 600;
/// An error over this is a teleport and is shown at once, in 1/256 m.
const JUMP: i32 = 512;
/// What is left of a hidden error after each tick, in 1/64: a tenth after 0.15 s at 60 Hz.
const FADE_64THS: i32 = 50;

/// Predicts the own body.
#[derive(Debug)]
pub struct Predictor {
    build: Build,
    terrain: Terrain,
    rate_hz: i32,
    /// Sent, and not yet known to be in effect everywhere; by sequence.
    inputs: VecDeque<PlayerInput>,
    motion: Motion,
    tick: u32,
    alive: bool,
    /// What the shown place is off the predicted one, to hide a correction.
    hidden: Vec2,
    correction: i32,
}

impl Predictor {
    /// A predictor for the body of this Welcome; it knows nothing before the first snapshot.
    #[must_use]
    pub fn new(welcome: &Welcome) -> Self {
        Self {
            build: Build {
                radius: welcome.radius,
                speed_max: welcome.speed_max,
                acceleration: welcome.acceleration,
            },
            terrain: Terrain {
                seed: welcome.terrain_seed,
                size: welcome.size,
                // A spectator has no body: nothing is in its way.
                obstacle_permille: if welcome.entity == 0 { 0 } else { welcome.obstacle_permille },
            },
            rate_hz: welcome.tick_rate_hz.max(1).into(),
            inputs: VecDeque::new(),
            motion: Motion::default(),
            tick: 0,
            alive: false,
            hidden: Vec2::ZERO,
            correction: 0,
        }
    }

    /// Notes an input that is sent; it moves the body from its tick on.
    pub fn sent(&mut self, input: PlayerInput) {
        if self.inputs.len() == INPUTS_MAX {
            self.inputs.pop_front();
        }
        self.inputs.push_back(input);
    }

    /// Moves the body up to the end of `tick`.
    pub fn advance_to(&mut self, tick: u32) {
        while self.tick != 0 && self.tick < tick {
            self.step(None);
            let fade = |part: i32| part * FADE_64THS / 64;
            self.hidden = Vec2::new(fade(self.hidden.x), fade(self.hidden.y));
        }
    }

    /// Takes in where the host has the body, and plays again what came since.
    pub fn heard(&mut self, header: &Header) {
        let (predicted, until) = (self.motion.position, self.tick);
        while self.inputs.get(1).is_some_and(|next| next.sequence <= header.input) {
            self.inputs.pop_front();
        }
        let Header { own, .. } = header;
        self.motion = Motion { position: own.position, velocity: own.velocity, remainder: Vec2::ZERO };
        self.alive = own.health > 0;
        self.tick = header.tick;
        while self.tick < until && until - header.tick <= REPLAY_MAX {
            self.step(Some(header));
        }
        if until == 0 {
            return;
        }
        let error = predicted - self.motion.position;
        self.correction = error.length();
        self.hidden = self.hidden + error;
        if self.hidden.length() > JUMP {
            self.hidden = Vec2::ZERO;
        }
    }

    /// Where to draw the body, in 1/256 m.
    #[must_use]
    pub fn shown(&self) -> Vec2 {
        self.motion.position + self.hidden
    }

    /// Where the body is by all that is known, in 1/256 m.
    #[must_use]
    pub fn position(&self) -> Vec2 {
        self.motion.position
    }

    /// By how much the last snapshot moved the predicted body, in 1/256 m.
    #[must_use]
    pub fn correction(&self) -> i32 {
        self.correction
    }

    fn step(&mut self, known: Option<&Header>) {
        self.tick += 1;
        let input = self.input_at(self.tick, known);
        let intent = if self.alive { self.build.intent(input.move_x, input.move_y) } else { Vec2::ZERO };
        if self.motion.velocity == Vec2::ZERO && intent == Vec2::ZERO {
            return;
        }
        self.motion.accelerate(intent, self.build.acceleration, self.rate_hz);
        self.motion.advance(self.rate_hz);
        if self.motion.velocity != Vec2::ZERO {
            self.motion.constrain(self.build.radius, &self.terrain);
        }
    }

    /// The input in effect in a tick. One for a tick up to that of a snapshot which does not have it came too
    /// late for that, and takes effect after it.
    fn input_at(&self, tick: u32, known: Option<&Header>) -> PlayerInput {
        let is_in_effect = |input: &&PlayerInput| match known {
            Some(header) if input.sequence > header.input => input.tick.max(header.tick + 1) <= tick,
            Some(_) => true,
            None => input.tick <= tick,
        };
        self.inputs.iter().rev().find(is_in_effect).copied().unwrap_or_default()
    }
}
