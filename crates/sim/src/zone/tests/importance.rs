//! Who matters to a player is told of more often than who is merely as far away.

use super::*;
use crate::player::Profile;

/// Three players in a row: Ada, and 34 m to the east of her Ben and Cem, who run in the same circles.
struct Row {
    zone: Zone,
    outbox: Outbox,
    view: View,
    /// Sums over snapshots of how far Ada's view of Ben and Cem is off, in 1/32 m.
    off: [u32; 2],
}

const CIRCLERS: [Seat; 2] = [Seat(1), Seat(2)];

impl Row {
    fn new() -> Self {
        let definition = ZoneDefinition { monsters: 0, obstacle_permille: 0, ..forest() };
        let mut zone = Zone::new(&definition, Box::new(Realm), 1);
        let mut outbox = Outbox::default();
        let inbox = Inbox { events: (1..=3).map(joining).collect(), ..Inbox::default() };
        zone.tick(&inbox, &mut outbox);
        let middle = zone.world.terrain.middle();
        for (seat, place) in [
            (Seat(0), middle),
            (CIRCLERS[0], middle + Vec2::new(metres(34), 0)),
            (CIRCLERS[1], middle + Vec2::new(metres(34), metres(2))),
        ] {
            let entity = zone.world.players.get(seat).expect("in").entity;
            let index = zone.world.entities.index_of(entity).expect("in");
            zone.world.entities[index].position = place;
        }
        let mut row = Self { zone, outbox, view: View::new(definition.tick_rate_hz), off: [0; 2] };
        row.hear();
        row
    }

    fn hear(&mut self) {
        for (seat, frame) in self.outbox.frames() {
            read_server_frame(frame, |message| {
                if let (Seat(0), ServerMessage::State(update)) = (seat, message) {
                    self.view.apply(update.body).expect("good bytes");
                }
            })
            .expect("our own frames");
        }
    }

    fn run(mut self, secs: u32) -> [u32; 2] {
        let rate = self.zone.world.rate_hz;
        for tick in 2..secs * rate {
            let mut events = Vec::new();
            for seat in [Seat(0), CIRCLERS[0], CIRCLERS[1]] {
                let aim = domain::fixed::Heading(u16::try_from(tick * 400 % 65_536).expect("in range"));
                let wish = if seat == Seat(0) { Vec2::ZERO } else { aim.step(120) };
                let part = |part: i32| i8::try_from(part).expect("in range");
                let snapshot = self.zone.players().get(seat).expect("in").link.encoder.sent();
                let input = PlayerInput {
                    sequence: tick,
                    snapshot,
                    seen: tick,
                    move_x: part(wish.x),
                    move_y: part(wish.y),
                    aim: aim.0,
                    ..PlayerInput::default()
                };
                events.push(ZoneEvent::Input(seat, input));
            }
            self.outbox.clear();
            self.zone.tick(&Inbox { events, ..Inbox::default() }, &mut self.outbox);
            self.hear();
            self.measure();
        }
        self.off
    }

    fn measure(&mut self) {
        if self.outbox.frames().all(|(seat, _)| seat != Seat(0)) {
            return;
        }
        for (seat, off) in CIRCLERS.into_iter().zip(&mut self.off) {
            let id = self.zone.players().get(seat).expect("in").entity;
            let is = self.zone.world.entities.find(id).expect("in").visible_state();
            let shown = self.view.entities().find(|visible| visible.entity == id);
            *off += shown.map_or(0, |shown| shown.state().x.abs_diff(is.x) + shown.state().y.abs_diff(is.y));
        }
    }
}

#[test]
fn a_party_is_seen_more_exactly() {
    let mut row = Row::new();
    for seat in [Seat(0), CIRCLERS[0]] {
        let profile = Profile { party: Some(7), ..Profile::default() };
        *row.zone.world.players.profile_mut(seat) = profile;
    }
    let [friend, stranger] = row.run(20);
    assert!(friend * 3 < stranger, "{friend} and {stranger}");
}

#[test]
fn a_foe_is_seen_more_exactly() {
    let mut row = Row::new();
    let ids = [Seat(0), CIRCLERS[1]].map(|seat| row.zone.players().get(seat).expect("in").entity);
    row.zone.world.note_fight(ids[0], ids[1]);
    let [stranger, foe] = row.run(5);
    assert!(foe * 3 < stranger, "{foe} and {stranger}");
}

#[test]
fn equals_are_seen_alike() {
    let [one, other] = Row::new().run(20);
    assert!(one * 2 > other && other * 2 > one, "{one} and {other}");
}
