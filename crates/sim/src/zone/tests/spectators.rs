//! Who only looks on: it sees, is seen by nobody, and changes nothing for those who play.

use super::*;
use crate::entity::Mood;
use crate::player::NO_BODY;
use crate::state_hash::played_hash;
use wire::message::ActionOutcome;

fn looking_on(number: u128, place: Option<Place>) -> ZoneEvent {
    let ZoneEvent::Join(joining) = joining(number) else { unreachable!("it joins") };
    ZoneEvent::Join(Joining { spectates: true, place, ..joining })
}

fn spectator(number: u32) -> Seat {
    Seat(Seat::SPECTATES | number)
}

/// A world so small that all of it is awake as long as anyone is in it.
fn arena() -> ZoneDefinition {
    ZoneDefinition { size: metres(60), interest_radius: metres(60), monsters: 30, ..forest() }
}

/// Spectators who come, go and do random things.
struct Audience {
    random: Random,
    clients: BTreeMap<Seat, Client>,
    came: u128,
}

impl Audience {
    fn events(&mut self, tick: u32) -> Vec<ZoneEvent> {
        let mut events = Vec::new();
        if self.random.below(20) == 0 && self.clients.len() < 5 {
            self.came += 1;
            events.push(looking_on(1_000 + self.came, None));
        }
        for (seat, client) in &mut self.clients {
            match self.random.below(100) {
                0 => events.push(ZoneEvent::Leave(*seat)),
                1 => {
                    events.extend([ZoneEvent::Detach(*seat), ZoneEvent::Attach { seat: *seat, budget: 0 }]);
                    *client = Client::new(&arena());
                }
                2..40 => {
                    client.input.sequence += 1;
                    client.input.snapshot = client.view.sequence();
                    client.input.move_x = i8::try_from(self.random.between(-127, 127)).expect("in range");
                    client.input.aim = u16::try_from(self.random.below(65_536)).expect("in range");
                    client.input.action = u8::try_from(self.random.below(5)).expect("in range");
                    (client.input.seen, client.input.tick) = (tick, tick + self.random.below(4));
                    events.push(ZoneEvent::Input(*seat, client.input));
                }
                _ => {}
            }
        }
        events
    }

    /// Takes its frames out of those of a tick; what is left is for players. Returns the most that anyone saw.
    fn receive(&mut self, outbox: &Outbox, zone: &Zone) -> (Vec<(Seat, Vec<u8>)>, usize) {
        for admission in outbox.admissions.iter().filter(|admission| admission.seat.spectates()) {
            assert_eq!(admission.entity, NO_BODY);
            self.clients.insert(admission.seat, Client::new(&arena()));
        }
        for departure in outbox.departures.iter().filter(|departure| departure.seat.spectates()) {
            assert_eq!(departure.place, None, "nothing of it is kept");
            self.clients.remove(&departure.seat);
        }
        let (mut players, mut seen) = (Vec::new(), 0);
        for (seat, frame) in outbox.frames() {
            let Some(client) = self.clients.get_mut(&seat) else {
                players.push((seat, frame.to_vec()));
                continue;
            };
            let take = |message: ServerMessage<'_>| {
                if let ServerMessage::State(update) = message {
                    client.view.apply(update.body).expect("good bytes");
                }
            };
            read_server_frame(frame, take).expect("our own frames");
            let is_there = |id| zone.world().entities.find(id).is_some();
            assert!(client.view.entities().all(|visible| is_there(visible.entity)), "a ghost");
            seen = seen.max(client.view.entities().count());
        }
        (players, seen)
    }
}

#[test]
fn who_plays_cannot_tell_whether_anyone_looks_on() {
    for seed in [1, 2, 3] {
        let mut crowd = Crowd::new(&arena(), seed);
        crowd.step(vec![joining(500)]);
        for _ in 0..900 {
            crowd.random_step();
        }
        let recording = crowd.recording;
        let mut alone = Zone::new(&arena(), Box::new(Realm), seed);
        let mut watched = Zone::new(&arena(), Box::new(Realm), seed);
        let (mut quiet, mut outbox) = (Outbox::default(), Outbox::default());
        let mut audience = Audience { random: Random::of_stream(seed, 9), clients: BTreeMap::new(), came: 0 };
        let (mut most, mut again) = (0, Recording::new(ZoneContent::builtin(arena()), seed));
        for (inbox, expected) in recording.inboxes.iter().zip(&recording.hashes) {
            let news = audience.events(watched.world().tick.0);
            let events = news.into_iter().chain(inbox.events.iter().cloned()).collect();
            let inbox_watched = Inbox { events, ..inbox.clone() };
            quiet.clear();
            outbox.clear();
            alone.tick(inbox, &mut quiet);
            watched.tick(&inbox_watched, &mut outbox);
            again.record(&inbox_watched, &watched);
            let tick = watched.world().tick;
            assert_eq!(played_hash(watched.world()), *expected, "seed {seed}, {tick:?}");
            let (frames, seen) = audience.receive(&outbox, &watched);
            most = most.max(seen);
            let expected: Vec<_> = quiet.frames().map(|(seat, frame)| (seat, frame.to_vec())).collect();
            assert!(frames == expected, "seed {seed}, {tick:?}: players are sent the same bytes");
            assert_eq!((&quiet.gains, &quiet.drops), (&outbox.gains, &outbox.drops));
        }
        assert!(audience.came > 10 && most > 20, "{} came and saw {most}", audience.came);
        again.play(Box::new(Realm), || {}).expect("a run with spectators is repeated too");
    }
}

#[test]
fn an_eye_flies_over_what_stops_a_body_and_stays_in_the_world() {
    let definition = ZoneDefinition { obstacle_permille: 300, monsters: 0, ..forest() };
    let mut crowd = Crowd::new(&definition, 4);
    let inbox = Inbox { events: vec![looking_on(1, None)], ..Inbox::default() };
    crowd.zone.tick(&inbox, &mut crowd.outbox);
    let seat = spectator(0);
    let place = |crowd: &Crowd| crowd.zone.players().get(seat).expect("in").eye.expect("an eye").motion;
    let start = place(&crowd).position;
    let rate = u32::from(definition.tick_rate_hz);
    for sequence in 1..=rate * 60 {
        let seen = crowd.zone.world().tick.0;
        let input = PlayerInput { sequence, seen, move_x: 127, ..PlayerInput::default() };
        let events = if sequence % 10 == 1 { vec![ZoneEvent::Input(seat, input)] } else { vec![] };
        let inbox = Inbox { events, ..Inbox::default() };
        crowd.outbox.clear();
        crowd.zone.tick(&inbox, &mut crowd.outbox);
        assert_eq!(place(&crowd).position.y, start.y, "nothing is in its way");
        if sequence == rate * 10 {
            let way = place(&crowd).position.x - start.x;
            assert!((metres(58)..=metres(60)).contains(&way), "{way} at the normal speed");
        }
    }
    assert_eq!(place(&crowd).position.x, definition.size, "and the world ends here");
    assert!(crowd.zone.players().is_empty() && crowd.zone.world().entities.is_empty());
}

#[test]
fn a_spectator_goes_with_a_player_of_its_choice() {
    let definition = ZoneDefinition { monsters: 0, ..forest() };
    let mut crowd = Crowd::new(&definition, 4);
    let mut sequence = 0;
    let seat = spectator(0);
    let mut act = |crowd: &mut Crowd, action: u8, aim: Vec2, move_x: i8| {
        sequence += 1;
        let seen = crowd.zone.world().tick.0;
        let aim = aim.heading().0;
        let input = PlayerInput { sequence, seen, aim, action, move_x, ..PlayerInput::default() };
        crowd.zone.tick(
            &Inbox { events: vec![ZoneEvent::Input(seat, input)], ..Inbox::default() },
            &mut crowd.outbox,
        );
        let confirm = crowd.zone.world.players.get_mut(seat).expect("in").confirms.pop();
        confirm.map(|confirm| confirm.outcome)
    };
    crowd.zone.tick(&Inbox { events: vec![looking_on(9, None)], ..Inbox::default() }, &mut crowd.outbox);
    crowd.zone.world.players.get_mut(seat).expect("in").attached = false;
    let east = Vec2::new(1, 0);
    assert_eq!(act(&mut crowd, 1, east, 0), Some(ActionOutcome::NotHere as u8), "nobody is there");
    let players = vec![joining(1), joining(2)];
    crowd.zone.tick(&Inbox { events: players, ..Inbox::default() }, &mut crowd.outbox);
    let body = |crowd: &Crowd, number: u32| {
        let player = crowd.zone.players().get(Seat(number)).expect("in").entity;
        crowd.zone.world().entities.index_of(player).expect("a body")
    };
    let eye = |crowd: &Crowd| crowd.zone.players().get(seat).expect("in").eye.expect("an eye");
    let middle = eye(&crowd).motion.position;
    for (number, step) in [(0, Vec2::new(metres(20), 0)), (1, Vec2::new(-metres(5), 0))] {
        let index = body(&crowd, number);
        crowd.zone.world.entities[index].position = middle + step;
    }
    // The grid is that of the end of the last tick.
    crowd.zone.tick(&Inbox::default(), &mut crowd.outbox);
    assert_eq!(act(&mut crowd, 1, east, 0), Some(ActionOutcome::Done as u8));
    let first = body(&crowd, 0);
    for _ in 0..30 {
        crowd.zone.world.entities[first].position.y += 30;
        crowd.zone.tick(&Inbox::default(), &mut crowd.outbox);
        assert_eq!(eye(&crowd).motion.position, crowd.zone.world().entities[first].position);
    }
    assert_eq!(act(&mut crowd, 1, Vec2::new(-1, 0), 0), Some(ActionOutcome::Done as u8), "to the other one");
    assert_eq!(eye(&crowd).motion.position, crowd.zone.world().entities[body(&crowd, 1)].position);
    assert_eq!(act(&mut crowd, 3, east, 0), Some(ActionOutcome::Unknown as u8));
    assert!(eye(&crowd).follows.is_some());
    assert_eq!(act(&mut crowd, 2, east, 0), Some(ActionOutcome::Done as u8));
    assert!(eye(&crowd).follows.is_none());
    act(&mut crowd, 1, Vec2::new(1, 0), 0);
    let leave =
        Inbox { events: vec![ZoneEvent::Leave(Seat(0)), ZoneEvent::Leave(Seat(1))], ..Inbox::default() };
    crowd.zone.tick(&leave, &mut crowd.outbox);
    crowd.zone.tick(&Inbox::default(), &mut crowd.outbox);
    assert_eq!((eye(&crowd).follows, eye(&crowd).motion.velocity), (None, Vec2::ZERO));
}

#[test]
fn what_is_looked_at_lives_and_minds_nobody_who_only_looks() {
    let mut crowd = Crowd::new(&forest(), 8);
    let position = crowd.zone.world().entities[0].position;
    let place = Place { zone: "forest".parse().expect("a name"), position, health: 100 };
    let moved = |before: &[Vec2], zone: &Zone| {
        before.iter().zip(zone.world().entities.all()).filter(|(was, is)| **was != is.position).count()
    };
    let before: Vec<Vec2> = crowd.zone.world().entities.all().map(|body| body.position).collect();
    let rate = u32::from(forest().tick_rate_hz);
    for _ in 0..rate * 10 {
        crowd.zone.tick(&Inbox::default(), &mut crowd.outbox);
    }
    assert_eq!(moved(&before, &crowd.zone), 0, "where nobody looks everything sleeps");
    let inbox = Inbox { events: vec![looking_on(1, Some(place))], ..Inbox::default() };
    crowd.zone.tick(&inbox, &mut crowd.outbox);
    for _ in 0..rate * 10 {
        crowd.outbox.clear();
        crowd.zone.tick(&Inbox::default(), &mut crowd.outbox);
        let chases = |mood: Mood| matches!(mood, Mood::Chase);
        assert!(!crowd.zone.world().entities.all().any(|body| chases(body.mind.mood)), "it is chased");
    }
    assert!(moved(&before, &crowd.zone) > 0, "where somebody looks something moves");
}
