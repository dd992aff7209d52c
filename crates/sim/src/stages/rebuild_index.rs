//! Takes out what is gone, indexes the rest by place, and remembers where it was.

use wire::state::EntityKind;

use crate::grid::Located;
use crate::world::World;

/// A player gets hardly through an eighth of a cell in this time.
pub(crate) const ACTIVITY_TICKS: u32 = 8;

pub(crate) fn rebuild_index(world: &mut World) {
    let World { entities, grid, history, activity, players, tick, .. } = world;
    entities.remove_marked();
    grid.rebuild(entities.iter().map(|(index, entity)| (index, entity.position)));
    history.note(*tick, entities);
    if tick.0.is_multiple_of(ACTIVITY_TICKS) {
        let is_player = |located: &Located| {
            entities.get(located.index as usize).is_some_and(|entity| entity.kind == EntityKind::Player)
        };
        // What a spectator looks at lives as well.
        let is_watched = |cell| {
            let eyes = players.spectators().filter_map(|(_, spectator)| spectator.eye);
            eyes.map(|eye| grid.cell_of(eye.motion.position)).any(|other| other == cell)
        };
        activity.rebuild(grid, |cell| grid.in_cell(cell).iter().any(is_player) || is_watched(cell));
    }
}
