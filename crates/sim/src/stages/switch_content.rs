//! Brings another version of the content into force, before anything else happens in a tick. What a running zone
//! cannot change (its size, its rate, its terrain) stays as it is until the instance starts again.

use std::sync::Arc;

use crate::content::ZoneContent;
use crate::rules::Rules;
use crate::world::World;

pub(crate) fn switch_content(world: &mut World, rules: &dyn Rules, content: &Arc<ZoneContent>) {
    let definition = &content.definition;
    world.budget = definition.budget;
    world.combat = definition.combat;
    world.monsters = definition.monsters;
    world.content = Arc::clone(content);
    for (_, player) in world.players.everyone_mut() {
        player.link.budget.set_zone(definition.budget);
    }
    rules.switch(world);
}
