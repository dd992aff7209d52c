//! Minds that sleep where nobody is, and ways around what stands between.

use super::*;
use crate::entity::{Entity, Mood};
use crate::paths::Cell;
use wire::state::EntityKind;

fn monsters(zone: &Zone) -> Vec<(EntityId, Vec2)> {
    let all = zone.world().entities.all().filter(|entity| entity.kind == EntityKind::Monster);
    all.map(|entity| (entity.id, entity.position)).collect()
}

#[test]
fn minds_sleep_where_nobody_is_and_wake_without_a_jump() {
    let definition = ZoneDefinition { monsters: 400, size: metres(400), ..forest() };
    let mut zone = Zone::new(&definition, Box::new(Realm), 3);
    let mut outbox = Outbox::default();
    let mut step = |zone: &mut Zone, events| {
        outbox.clear();
        zone.tick(&Inbox { events, ..Inbox::default() }, &mut outbox);
    };
    for _ in 0..300 {
        step(&mut zone, Vec::new());
    }
    let before = monsters(&zone);
    for _ in 0..300 {
        step(&mut zone, Vec::new());
    }
    assert_eq!(monsters(&zone), before, "without players all sleep");
    step(&mut zone, vec![joining(1)]);
    let mut last = monsters(&zone);
    for _ in 0..600 {
        step(&mut zone, Vec::new());
        let now = monsters(&zone);
        for (id, place) in &now {
            let Some((_, was)) = last.iter().find(|(other, _)| other == id) else { continue };
            assert!(place.is_within(*was, metres(1)), "{id:?} jumped from {was:?} to {place:?}");
        }
        last = now;
    }
    let hero = zone.place(Seat(0)).expect("in").position;
    let moved =
        |(id, place): &(EntityId, Vec2)| before.iter().any(|(other, was)| other == id && was != place);
    let (near, far): (Vec<_>, Vec<_>) = last.iter().partition(|(_, place)| place.is_within(hero, metres(80)));
    assert!(near.iter().filter(|monster| moved(monster)).count() > near.len() / 2, "who is near is awake");
    let far_off = far.iter().filter(|(_, place)| !place.is_within(hero, metres(150)));
    assert_eq!(far_off.filter(|monster| moved(monster)).count(), 0, "who is far away sleeps");
}

#[test]
fn chasers_go_around_a_wall() {
    for chasers in [1, 5] {
        let definition = ZoneDefinition { monsters: 1, obstacle_permille: 0, ..forest() };
        let mut zone = Zone::new(&definition, Box::new(Realm), 3);
        let mut outbox = Outbox::default();
        zone.tick(&Inbox { events: vec![joining(1)], ..Inbox::default() }, &mut outbox);
        let hero = zone.world.players.get(Seat(0)).expect("in").entity;
        let at = zone.world.entities.find(hero).expect("in").position;
        let ways = zone.world.ways.as_mut().expect("there are monsters");
        // A wall of 12 m, 4 m to the east, between the player and the wolves. Bodies are kept out of it by
        // nothing but their way.
        let wall = Cell::of(at + Vec2::new(metres(4), 0));
        for row in -6..=6 {
            ways.grid.set_blocked(Cell { x: wall.x, y: wall.y + row }, true);
        }
        for row in 0..chasers {
            let place = at + Vec2::new(metres(9), metres(row - 2));
            let mut wolf = Entity {
                health: 60,
                health_max: 60,
                radius: 115,
                speed_max: metres(5),
                acceleration: metres(20),
                ..Entity::new(EntityKind::Monster, 0, place)
            };
            wolf.mind.home = place;
            wolf.mind.mood = Mood::Chase;
            wolf.mind.target = Some(hero);
            zone.world.entities.spawn(wolf);
        }
        let mut bitten = false;
        for _ in 0..30 * 8 {
            outbox.clear();
            zone.tick(&Inbox::default(), &mut outbox);
            let hero = zone.world.entities.find(hero).expect("in");
            bitten |= hero.health < hero.health_max;
            let ways = zone.world.ways.as_ref().expect("still there");
            let inside = zone.world.entities.all().find(|entity| {
                entity.kind == EntityKind::Monster && !ways.grid.is_free(Cell::of(entity.position))
            });
            assert!(
                inside.is_none(),
                "{chasers}: a wolf in the wall: {:?}",
                inside.map(|wolf| wolf.position)
            );
        }
        assert!(bitten, "{chasers} wolves found the way");
    }
}
