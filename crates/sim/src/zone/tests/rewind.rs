//! Who strikes or shoots at what was seen hits it, but only if that was not too long ago.

use domain::time::Tick;
use wire::message::{ActionConfirm, EventKind};
use wire::state::EntityKind;

use super::*;
use crate::entity::{Entity, Mind};

/// A zone in which a monster runs past a player, and what was seen when.
struct Range {
    zone: Zone,
    outbox: Outbox,
    /// The monster's place at the end of each tick.
    places: Vec<Vec2>,
    confirms: Vec<ActionConfirm>,
    damage: u64,
    /// Of the monster.
    velocity: Vec2,
}

impl Range {
    /// The monster runs south, `east` metres to the east of the player.
    fn new(east: i32) -> Self {
        let definition = ZoneDefinition { monsters: 0, obstacle_permille: 0, tick_rate_hz: 60, ..forest() };
        let mut zone = Zone::new(&definition, Box::new(Realm), 1);
        let mut outbox = Outbox::default();
        let inbox = Inbox { events: vec![joining(1)], ..Inbox::default() };
        zone.tick(&inbox, &mut outbox);
        let hero = zone.world.entities.index_of(outbox.admissions[0].entity).expect("in");
        let start = zone.world.entities[hero].position + Vec2::new(metres(east), -metres(6));
        let velocity = Vec2::new(0, metres(12));
        zone.world.entities.spawn(Entity {
            velocity,
            intent: velocity,
            speed_max: metres(12),
            radius: 115,
            health: 10_000,
            health_max: 10_000,
            mind: Mind { until: Tick(u32::MAX), ..Mind::default() },
            ..Entity::new(EntityKind::Monster, 0, start)
        });
        Self { zone, outbox, places: vec![Vec2::ZERO; 2], confirms: Vec::new(), damage: 0, velocity }
    }

    fn tick(&mut self, input: Option<PlayerInput>) {
        let events = input.map(|input| ZoneEvent::Input(Seat(0), input)).into_iter().collect();
        let inbox = Inbox { events, ..Inbox::default() };
        // The monster has no mind of its own here.
        let index = self.monster();
        self.zone.world.entities[index].velocity = self.velocity;
        self.zone.world.entities[index].intent = self.velocity;
        self.outbox.clear();
        self.zone.tick(&inbox, &mut self.outbox);
        self.places.push(self.zone.world.entities[self.monster()].position);
        for (_, frame) in self.outbox.frames() {
            read_server_frame(frame, |message| match message {
                ServerMessage::Event(event) if event.kind == EventKind::Damage as u8 => {
                    self.damage += event.value;
                }
                ServerMessage::Confirm(confirm) => self.confirms.push(confirm),
                _ => {}
            })
            .expect("our own frames");
        }
    }

    fn monster(&self) -> usize {
        let mut all = self.zone.world.entities.iter();
        let (index, _) = all.find(|(_, entity)| entity.kind == EntityKind::Monster).expect("it lives");
        index as usize
    }

    fn hero(&self) -> Vec2 {
        let entity = self.zone.players().get(Seat(0)).expect("in").entity;
        self.zone.world.entities.find(entity).expect("in").position
    }

    /// Lets the player act towards where the monster was `ago` ticks ago, as seen then, once the monster is
    /// that far past; the damage that came of it within a second.
    fn act(&mut self, action: u8, ago: u32) -> u64 {
        let now = |range: &Self| range.zone.world.tick.0;
        // Straight to the east is where it is seen, and it has gone on by 20 cm a tick since.
        while self.places[(now(self) - ago.min(now(self))) as usize].y < self.hero().y {
            self.tick(None);
        }
        let seen = now(self) - ago;
        let aim = (self.places[seen as usize] - self.hero()).heading().0;
        self.tick(Some(PlayerInput { sequence: 1, seen, aim, action, ..PlayerInput::default() }));
        for _ in 0..60 {
            self.tick(None);
        }
        assert_eq!(self.confirms.len(), 1, "the action was done");
        self.damage
    }
}

#[test]
fn a_strike_hits_where_the_target_was_seen() {
    // 2 m away, and 2.4 m on in 12 ticks: out of reach now, in reach as seen.
    assert_eq!(Range::new(2).act(1, 12), 16, "200 ms ago is believed");
    assert_eq!(Range::new(2).act(1, 0), 16, "what is seen now is hit now");
}

#[test]
fn what_was_seen_too_long_ago_is_not_hit() {
    // It has gone on by 8 m in 40 ticks; at most 15 ticks are taken back, and then it was 5 m on.
    assert_eq!(Range::new(2).act(1, 40), 0, "667 ms ago is not believed");
}

#[test]
fn a_shot_starts_when_it_was_shot() {
    // 3 m take a bolt of 18 m/s 9 ticks: what is seen 12 ticks late would long be hit.
    assert!(Range::new(3).act(2, 12) == 0, "a bolt aimed at where it is misses who runs on");
    let mut range = Range::new(3);
    // Aimed ahead of it, as one has to: it is hit as the shooter saw it.
    while range.places[(range.zone.world.tick.0.saturating_sub(12)) as usize].y < range.hero().y - metres(2) {
        range.tick(None);
    }
    let seen = range.zone.world.tick.0 - 12;
    let place = range.places[seen as usize];
    let ahead = place + Vec2::new(0, metres(12) * 10 / 60);
    let aim = (ahead - range.hero()).heading().0;
    range.tick(Some(PlayerInput { sequence: 1, seen, aim, action: 2, ..PlayerInput::default() }));
    assert_eq!(range.damage, 0, "events come with the next snapshot");
    for _ in 0..8 {
        range.tick(None);
    }
    assert_eq!(range.damage, 12, "the flight of 10 ticks was over when the shot came in");
}

#[test]
fn a_shot_hits_once_however_late_it_comes() {
    for ago in [0, 3, 6, 9, 12, 15] {
        let mut range = Range::new(3);
        for _ in 0..28 {
            range.tick(None);
        }
        range.velocity = Vec2::ZERO;
        for _ in 0..20 {
            range.tick(None);
        }
        let seen = range.zone.world.tick.0 - ago;
        let target = range.zone.world.entities[range.monster()].position;
        let aim = (target - range.hero()).heading().0;
        range.tick(Some(PlayerInput { sequence: 1, seen, aim, action: 2, ..PlayerInput::default() }));
        for _ in 0..60 {
            range.tick(None);
        }
        assert_eq!(range.damage, 12, "seen {ago} ticks ago");
    }
}

#[test]
fn a_late_shot_flies_no_farther() {
    let reach = |ago: u32| {
        let mut range = Range::new(3);
        range.velocity = Vec2::ZERO;
        for _ in 0..20 {
            range.tick(None);
        }
        let seen = range.zone.world.tick.0 - ago;
        // To the west, where nobody is.
        let input = PlayerInput { sequence: 1, seen, aim: 32_768, action: 2, ..PlayerInput::default() };
        let mut farthest = 0;
        range.tick(Some(input));
        for _ in 0..100 {
            let is_bolt = |entity: &&Entity| entity.kind == EntityKind::Projectile;
            if let Some(bolt) = range.zone.world.entities.all().find(is_bolt) {
                farthest = farthest.max((bolt.position - range.hero()).length());
            }
            range.tick(None);
        }
        farthest
    };
    assert!((reach(0) - reach(15)).abs() <= metres(1), "{} and {}", reach(0), reach(15));
}

#[test]
fn who_gets_a_seat_does_not_act_for_who_left_it() {
    let mut range = Range::new(2);
    let seen = range.zone.world.tick.0;
    let act = PlayerInput { sequence: 1, seen, action: 1, ..PlayerInput::default() };
    let events = vec![ZoneEvent::Input(Seat(0), act), ZoneEvent::Leave(Seat(0)), joining(2)];
    range.outbox.clear();
    range.zone.tick(&Inbox { events, ..Inbox::default() }, &mut range.outbox);
    assert_eq!(range.outbox.admissions[0].seat, Seat(0));
    assert!(range.zone.players().get(Seat(0)).expect("in").confirms.is_empty());
}
