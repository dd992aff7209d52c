//! Others between their snapshots: drawn a little in the past, between two places that are both known.

use std::collections::{BTreeMap, VecDeque};

use domain::fixed::Vec2;
use domain::ids::EntityId;
use wire::decoder::View;

/// Snapshots that are kept of each entity.
const KEPT: usize = 16;

/// The places of everything in view in the last snapshots.
#[derive(Debug, Default)]
pub struct Interpolator {
    tracks: BTreeMap<EntityId, VecDeque<(u32, Vec2)>>,
}

impl Interpolator {
    /// Takes in what a snapshot shows.
    pub fn heard(&mut self, view: &View) {
        let tick = view.header().tick;
        for entity in view.entities() {
            let track = self.tracks.entry(entity.entity).or_default();
            if track.len() == KEPT {
                track.pop_front();
            }
            track.push_back((tick, entity.state().position()));
        }
        self.tracks.retain(|_, track| track.back().is_some_and(|(newest, _)| *newest == tick));
    }

    /// Where to draw an entity at `tick`, in 1/256 m: between the snapshots around it, or where the oldest or
    /// newest has it.
    #[must_use]
    pub fn place(&self, entity: EntityId, tick: u32) -> Option<Vec2> {
        let track = self.tracks.get(&entity)?;
        let after = track.iter().position(|(known, _)| *known >= tick);
        let (to_tick, to) = after.map_or(track.back(), |index| track.get(index)).copied()?;
        let Some((from_tick, from)) = after.and_then(|index| track.get(index.checked_sub(1)?)).copied() else {
            return Some(to);
        };
        let (done, all) = (i64::from(tick - from_tick), i64::from(to_tick - from_tick).max(1));
        let between = |from: i32, to: i32| {
            i32::try_from(i64::from(from) + (i64::from(to) - i64::from(from)) * done / all).unwrap_or(to)
        };
        Some(Vec2::new(between(from.x, to.x), between(from.y, to.y)))
    }
}
