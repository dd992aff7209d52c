//! Takes out what is gone, indexes the rest by place, and remembers where it was.

use crate::world::World;

pub(crate) fn rebuild_index(world: &mut World) {
    let World { entities, grid, history, tick, .. } = world;
    entities.remove_marked();
    grid.rebuild(entities.iter().map(|(index, entity)| (index, entity.position)));
    history.note(*tick, entities);
}
