//! Fights in small worlds without obstacles.

use domain::catalogue::{Catalogue, ZoneDefinition};
use domain::fixed::Heading;
use domain::ids::CharacterId;
use domain::random::Random;
use domain::terrain::Terrain;
use domain::time::Tick;

use super::*;
use crate::budget::Budget;
use crate::content::ZoneContent;
use crate::entity::{Mind, Mood};
use crate::grid::Grid;
use crate::inbox::{Inbox, ZoneEvent};
use crate::outbox::Outbox;
use crate::player::{Link, Player, Profile, Seat};
use crate::stages::{integrate::integrate, rebuild_index::rebuild_index, resolve_contacts::resolve_contacts};
use crate::zone::Zone;

const HERO: Vec2 = Vec2::new(metres(100), metres(100));

fn ada() -> Joining {
    Joining {
        character: CharacterId::from_u128(1),
        name: "Ada".into(),
        xp: 0,
        place: None,
        party: None,
        budget: 0,
        spectates: false,
    }
}

/// A world with one player at [`HERO`] and one monster, `east` of it.
fn duel(archetype: u8, east: i32) -> World {
    let terrain = Terrain { seed: 1, size: metres(200), obstacle_permille: 0 };
    let definition = Catalogue::builtin().zones()[1].clone();
    let content = ZoneContent::builtin(definition);
    let mut world = World::new(terrain, content, 30, Grid::new(terrain.size, metres(20)), Random::new(1));
    let hero = Realm.body(&mut world, &ada());
    let index = world.entities.spawn(Entity { position: HERO, ..hero });
    let id = world.entities[index].id;
    let link = Link::new(30, Budget::new(5_000, 0, 30, Tick(0)));
    let player = Player::new(CharacterId::from_u128(1), 0, id, Tick(0), link);
    let seat = world.players.seat(player, Profile::default());
    world.entities[index].seat = Some(seat);
    let numbers = *world.content.realm.monster(archetype);
    let position = HERO + Vec2::new(east, 0);
    world.entities.spawn(Entity {
        radius: numbers.radius,
        health: numbers.health_max,
        health_max: numbers.health_max,
        speed_max: numbers.speed_max,
        acceleration: metres(20),
        mind: Mind { home: position, goal: position, ..Mind::default() },
        ..Entity::new(EntityKind::Monster, archetype, position)
    });
    rebuild_index(&mut world);
    world
}

/// One tick without inputs.
fn tick(world: &mut World) {
    world.tick = world.tick.plus(1);
    Realm.think(world);
    integrate(&mut world.entities, 30);
    resolve_contacts(world, &Realm);
    Realm.run(world);
    world.spawn_scheduled();
    rebuild_index(world);
}

fn act(world: &mut World, action: u8, aim: Heading) -> ActionOutcome {
    let seen = Tick(world.tick.0);
    Realm.act(world, 0, Act { action, aim, seen }).outcome
}

fn monster(world: &World) -> &Entity {
    world.entities.all().find(|e| e.kind == EntityKind::Monster).expect("a monster")
}

#[test]
fn a_strike_hits_who_is_in_the_arc_and_waits_for_its_cooldown() {
    let mut world = duel(2, metres(2));
    let west = Heading(32_768);
    assert_eq!(act(&mut world, 1, west), ActionOutcome::Done);
    assert_eq!(monster(&world).health, 180, "looking away hits nobody");
    assert_eq!(act(&mut world, 1, Heading(0)), ActionOutcome::Cooldown);
    for _ in 0..18 {
        tick(&mut world);
    }
    assert_eq!(act(&mut world, 1, Heading(0)), ActionOutcome::Done);
    assert_eq!(monster(&world).health, 164);
    assert_eq!(act(&mut world, 9, Heading(0)), ActionOutcome::Unknown);
    world.combat = false;
    assert_eq!(act(&mut world, 1, Heading(0)), ActionOutcome::NotHere);
}

#[test]
fn a_shot_flies_and_hits_later() {
    let mut world = duel(2, metres(9));
    assert_eq!(act(&mut world, 2, Heading(0)), ActionOutcome::Done);
    let hit_at = (1..60).find(|_| {
        tick(&mut world);
        monster(&world).health < 180
    });
    assert!((8..20).contains(&hit_at.expect("it hits")), "9 m at 18 m/s take half a second: {hit_at:?}");
    assert!(world.entities.all().all(|e| e.kind != EntityKind::Projectile), "it is gone");
    assert_eq!(monster(&world).mind.mood, Mood::Chase, "it is provoked");
}

#[test]
fn a_kill_earns_experience_and_the_monster_comes_back() {
    let mut world = duel(0, metres(2));
    let mut ticks = 0;
    while monster(&world).is_alive() {
        act(&mut world, 1, Heading(0));
        tick(&mut world);
        ticks += 1;
        assert!(ticks < 300, "a wolf dies in four strikes");
    }
    let kill = world.gains.iter().find(|gain| gain.kills == 1).expect("a kill is durable");
    assert_eq!((kill.xp, kill.character), (20, CharacterId::from_u128(1)));
    assert_eq!(world.players.get(Seat(0)).expect("in").xp, 20);
    let dead = monster(&world).id;
    for _ in 0..30 * 4 {
        tick(&mut world);
    }
    assert!(world.entities.find(dead).is_none(), "the corpse is gone");
    for _ in 0..30 * 20 {
        tick(&mut world);
    }
    let again = monster(&world);
    assert!(again.is_alive() && again.id > dead, "a new one is there");
}

#[test]
fn what_one_life_has_won_is_a_score_when_it_ends() {
    let mut world = duel(0, metres(2));
    let seat = Seat(0);
    let scores = |world: &mut World| {
        let gains = std::mem::take(&mut world.gains);
        gains.into_iter().filter_map(|gain| Some((gain.deaths, gain.score?.score))).collect::<Vec<_>>()
    };
    while monster(&world).is_alive() {
        act(&mut world, 1, Heading(0));
        tick(&mut world);
    }
    assert_eq!(scores(&mut world), [], "the life goes on");
    let board = world.content.realm.board(0).expect("a builtin board").board.clone();
    assert_eq!(board.as_str(), "best-life");
    let hero = world.entities.index_of(world.players.get(seat).expect("in").entity).expect("a body");
    let wolf = monster(&world).id;
    combat::deal_damage(&mut world, hero, wolf, 10_000);
    assert_eq!(scores(&mut world), [(1, 20)]);
    Realm.leave(&mut world, seat);
    assert_eq!(scores(&mut world), [], "the next life has won nothing yet");
    world.players.get_mut(seat).expect("in").life_xp = 7;
    Realm.leave(&mut world, seat);
    assert_eq!(scores(&mut world), [(0, 7)], "leaving ends it too");
    // A catalogue without the board.
    let mut catalogue = Catalogue::builtin();
    catalogue.boards.retain(|board| board.board.as_str() != "best-life");
    let zone = world.content.definition.zone.clone();
    world.content = ZoneContent::of(1, &catalogue, &zone).expect("a zone");
    world.players.get_mut(seat).expect("in").life_xp = 7;
    Realm.leave(&mut world, seat);
    assert!(world.gains.is_empty());
}

#[test]
fn loot_goes_to_who_reaches_it_once() {
    let mut world = duel(0, metres(60));
    let spot = HERO + Vec2::new(metres(3), 0);
    world.entities.spawn(Entity::new(EntityKind::Loot, 1, spot));
    tick(&mut world);
    assert!(world.gains.is_empty(), "out of reach");
    world.entities[0].position = spot;
    for _ in 0..5 {
        tick(&mut world);
    }
    let items: Vec<_> = world.gains.iter().filter_map(|gain| gain.items).collect();
    assert_eq!(items, [(1, 1)]);
}

#[test]
fn a_monster_chases_kills_and_the_player_respawns() {
    let mut world = duel(0, metres(8));
    let died_at = (1..1_800).find(|_| {
        tick(&mut world);
        !world.entities[0].is_alive()
    });
    assert!(died_at.is_some(), "15 bites kill who stands still");
    assert_eq!(world.gains.iter().map(|gain| gain.deaths).sum::<u32>(), 1);
    assert_eq!(act_when_dead(&mut world), 0, "the dead cannot be hit again");
    for _ in 0..150 {
        tick(&mut world);
    }
    let hero = &world.entities[0];
    assert!(hero.is_alive() && hero.health_max == 100);
}

fn act_when_dead(world: &mut World) -> i32 {
    let before = world.entities[0].health;
    for _ in 0..30 {
        tick(world);
    }
    before - world.entities[0].health
}

#[test]
fn a_monster_led_away_returns_and_heals() {
    let mut world = duel(0, metres(8));
    for _ in 0..30 {
        tick(&mut world);
    }
    assert_eq!(monster(&world).mind.mood, Mood::Chase);
    // The player runs faster than the wolf, to the west.
    for _ in 0..30 * 12 {
        world.entities[0].health = 100;
        world.entities[0].intent = Vec2::new(-metres(6), 0);
        tick(&mut world);
    }
    let wolf = monster(&world);
    assert!(wolf.position.is_within(wolf.mind.home, metres(45)), "it gave up");
    for _ in 0..30 * 15 {
        tick(&mut world);
    }
    let wolf = monster(&world);
    assert!(wolf.position.is_within(wolf.mind.home, metres(12)) && wolf.health == wolf.health_max);
}

#[test]
fn experience_makes_levels() {
    let mut world = duel(2, metres(2));
    world.entities[1].health = 1;
    world.entities[1].level = 4;
    act(&mut world, 1, Heading(0));
    // 4 * 60 experience are over the 100 of level 2.
    assert_eq!((world.entities[0].level, world.entities[0].health_max), (2, 110));
}

#[test]
fn the_hub_is_peaceful_and_the_forest_is_not() {
    let catalogue = Catalogue::builtin();
    let monsters = |definition: &ZoneDefinition| {
        let mut zone = Zone::new(definition, Box::new(Realm), 3);
        let inbox = Inbox { events: vec![ZoneEvent::Join(ada())], ..Inbox::default() };
        zone.tick(&inbox, &mut Outbox::default());
        zone.world().entities.len() - 1
    };
    let counts: Vec<usize> = catalogue.zones().iter().map(monsters).collect();
    assert_eq!(counts, [0, 150, 0]);
}
