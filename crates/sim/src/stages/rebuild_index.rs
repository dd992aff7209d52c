//! Takes out what is gone and indexes the rest by place.

use crate::entity::Entities;
use crate::grid::Grid;

pub(crate) fn rebuild_index(entities: &mut Entities, grid: &mut Grid) {
    entities.remove_marked();
    grid.rebuild(entities.all().map(|entity| entity.position));
}
