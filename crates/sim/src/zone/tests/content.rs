//! Another version of the content comes into force while the zone runs.

use std::sync::Arc;

use domain::catalogue::AbilityEffect;
use wire::state::EntityKind;

use super::*;

/// A catalogue in which much is otherwise.
fn changed(version: u64, edit: impl FnOnce(&mut Catalogue)) -> Arc<ZoneContent> {
    let mut catalogue = Catalogue::builtin();
    edit(&mut catalogue);
    assert_eq!(catalogue.faults(), Vec::<String>::new());
    ZoneContent::of(version, &catalogue, &forest().zone).expect("the forest is there")
}

fn harder() -> Arc<ZoneContent> {
    changed(1, |catalogue| {
        catalogue.zones_mut()[1].monsters = 220;
        catalogue.zones_mut()[1].budget = 4_000;
        catalogue.player.speed_max = metres(5);
        catalogue.archetypes[0].health_max = 120;
        catalogue.abilities[0].effect = AbilityEffect::Strike { range: metres(4), half_angle: 20_000 };
    })
}

/// No wolves any more, fewer monsters, a smaller sight, and a world that would be larger.
fn tamer() -> Arc<ZoneContent> {
    changed(2, |catalogue| {
        let forest = &mut catalogue.zones_mut()[1];
        (forest.monsters, forest.size, forest.interest_radius) = (40, metres(800), metres(30));
        for zone in catalogue.zones_mut() {
            zone.spawns.remove(0);
        }
        catalogue.archetypes.remove(0);
    })
}

impl Crowd {
    fn switch(&mut self, content: &Arc<ZoneContent>) {
        self.next = Some(Arc::clone(content));
        self.random_step();
    }

    fn bodies(&self, kind: EntityKind) -> impl Iterator<Item = &crate::entity::Entity> {
        self.zone.world().entities.all().filter(move |body| body.kind == kind)
    }

    /// Monsters, those who wait to come back included, corpses not.
    fn monsters(&self) -> usize {
        self.bodies(EntityKind::Monster).filter(|body| body.is_alive()).count()
            + self.zone.world().scheduled().len()
    }
}

#[test]
fn a_run_with_switches_in_it_plays_again_with_the_same_states() {
    let mut crowd = Crowd::new(&forest(), 11);
    for step in 0..900 {
        match step {
            200 => crowd.switch(&harder()),
            500 => crowd.switch(&tamer()),
            700 => crowd.switch(&ZoneContent::builtin(forest())),
            _ => crowd.random_step(),
        }
    }
    assert!(crowd.clients.len() > 20, "the run is worth repeating");
    let end = crowd.recording.play(Box::new(Realm), || {}).expect("the same run");
    assert_eq!(end.state_hash(), crowd.zone.state_hash());
    crowd.recording.inboxes[200].content = None;
    let divergence = crowd.recording.play(Box::new(Realm), || {}).err().expect("another run");
    assert_eq!(divergence.tick, 201, "{divergence}");
}

#[test]
fn what_can_change_changes_at_once_and_the_rest_stays() {
    let mut crowd = Crowd::new(&forest(), 12);
    for _ in 0..100 {
        crowd.random_step();
    }
    assert_eq!(crowd.monsters(), 150);
    let players = crowd.bodies(EntityKind::Player).count();
    assert!(players > 3 && crowd.bodies(EntityKind::Player).all(|body| body.speed_max == metres(6)));
    crowd.switch(&harder());
    assert_eq!(crowd.monsters(), 220);
    assert!(crowd.bodies(EntityKind::Player).all(|body| body.speed_max == metres(5)));
    let wolves: Vec<_> = crowd.bodies(EntityKind::Monster).filter(|body| body.archetype == 0).collect();
    assert!(
        wolves.len() > 50 && wolves.iter().all(|wolf| wolf.health_max == 108 + 12 * i32::from(wolf.level))
    );
    assert!(wolves.iter().filter(|wolf| wolf.health == wolf.health_max).count() > 40, "whole stays whole");

    let seat = *crowd.clients.keys().next().expect("somebody plays");
    crowd.switch(&tamer());
    assert_eq!(crowd.monsters(), 40);
    assert!(crowd.bodies(EntityKind::Monster).all(|body| body.archetype != 0), "wolves are no more");
    let welcome = crowd.zone.welcome(seat, Vec::new(), 0).expect("plays");
    assert_eq!((welcome.size, welcome.interest_radius), (metres(400), metres(30)));
    assert_eq!(crowd.zone.world().content.version, 2);
    for _ in 0..200 {
        crowd.random_step();
    }
}

#[test]
fn clients_resume_when_what_they_predict_with_changes() {
    let builtin = ZoneContent::builtin(forest());
    assert!(builtin.needs_reload(&harder()) && builtin.needs_reload(&tamer()));
    assert!(!builtin.needs_reload(&changed(3, |catalogue| catalogue.abilities[0].damage = 20)));
    assert_eq!(builtin.definition.restart_fields(&tamer().definition), ["size"]);
}
