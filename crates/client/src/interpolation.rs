//! Others between their snapshots: drawn a little in the past, between two places that are both known.

use std::collections::{BTreeMap, VecDeque};

use domain::fixed::Vec2;
use domain::ids::EntityId;
use wire::decoder::View;

/// Snapshots that are kept of each entity.
const KEPT: usize = 16;
/// Behind the newest snapshot a body goes on for so many seconds in parts of 4.
const GOES_ON_QUARTERS: u32 = 1;

/// Where an entity was, and how it moved.
#[derive(Debug, Clone, Copy)]
struct Known {
    tick: u32,
    place: Vec2,
    /// In 1/256 m per second.
    velocity: Vec2,
}

/// The places of everything in view in the last snapshots.
#[derive(Debug)]
pub struct Interpolator {
    rate_hz: u16,
    tracks: BTreeMap<EntityId, VecDeque<Known>>,
}

impl Interpolator {
    /// An interpolator for a zone that ticks at `rate_hz`.
    #[must_use]
    pub fn new(rate_hz: u16) -> Self {
        Self { rate_hz: rate_hz.max(1), tracks: BTreeMap::new() }
    }

    /// Takes in what a snapshot shows.
    pub fn heard(&mut self, view: &View) {
        let tick = view.header().tick;
        for entity in view.entities() {
            let track = self.tracks.entry(entity.entity).or_default();
            if track.len() == KEPT {
                track.pop_front();
            }
            let state = entity.state();
            track.push_back(Known { tick, place: state.position(), velocity: state.velocity() });
        }
        self.tracks.retain(|_, track| track.back().is_some_and(|newest| newest.tick == tick));
    }

    /// Where to draw an entity at `tick`, in 1/256 m: between the snapshots around it, before all of them where
    /// the oldest has it, and behind them where its velocity takes it within a quarter of a second.
    #[must_use]
    pub fn place(&self, entity: EntityId, tick: u32) -> Option<Vec2> {
        let track = self.tracks.get(&entity)?;
        let Some(after) = track.iter().position(|known| known.tick >= tick) else {
            let newest = track.back()?;
            let ticks = (tick - newest.tick).min(u32::from(self.rate_hz) * GOES_ON_QUARTERS / 4);
            let on = |velocity: i32| scaled(velocity, ticks, self.rate_hz.into());
            return Some(newest.place + Vec2::new(on(newest.velocity.x), on(newest.velocity.y)));
        };
        let to = track[after];
        let Some(from) = after.checked_sub(1).map(|before| track[before]) else { return Some(to.place) };
        let step = to.place - from.place;
        let part = |step: i32| scaled(step, tick - from.tick, to.tick - from.tick);
        Some(from.place + Vec2::new(part(step.x), part(step.y)))
    }
}

/// `length` times `part` / `whole`.
fn scaled(length: i32, part: u32, whole: u32) -> i32 {
    let scaled = i64::from(length) * i64::from(part) / i64::from(whole.max(1));
    i32::try_from(scaled).unwrap_or(length)
}
