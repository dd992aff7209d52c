//! What a zone leaves out when its ticks take too long, and that it takes it up again.

use super::*;

/// Ticks under a load; the last report, and how many frames there were.
fn run(zone: &mut Zone, view: &mut View, load_percent: u8, ticks: u32) -> (TickReport, u32) {
    let mut outbox = Outbox::default();
    let mut frames = 0;
    let mut report = TickReport::default();
    for _ in 0..ticks {
        let tick = zone.world().tick.0;
        let sequence = tick;
        let input = PlayerInput { sequence, snapshot: view.sequence(), seen: tick, ..PlayerInput::default() };
        let events = if tick == 0 { vec![joining(1)] } else { vec![ZoneEvent::Input(Seat(0), input)] };
        outbox.clear();
        report = zone.tick(&Inbox { load_percent, events, ..Inbox::default() }, &mut outbox);
        for (_, frame) in outbox.frames() {
            frames += 1;
            read_server_frame(frame, |message| {
                if let ServerMessage::State(update) = message {
                    view.apply(update.body).expect("good bytes");
                }
            })
            .expect("our own frames");
        }
    }
    (report, frames)
}

#[test]
fn overload_is_shed_and_told_and_ends() {
    let definition = ZoneDefinition { monsters: 300, size: metres(300), ..forest() };
    let rate = u32::from(definition.tick_rate_hz);
    let mut zone = Zone::new(&definition, Box::new(Realm), 5);
    let mut view = View::new(definition.tick_rate_hz);
    let (report, frames) = run(&mut zone, &mut view, 50, rate * 2);
    assert_eq!(report.shed, ShedLevel::default());
    assert!((19..=21).contains(&frames), "{frames}");
    let (report, _) = run(&mut zone, &mut view, 84, rate);
    assert_eq!(report.shed, ShedLevel::default(), "84 % is not yet too much");
    let (report, _) = run(&mut zone, &mut view, 95, rate * 3);
    assert_eq!(report.shed, ShedLevel::MAX);
    let (_, frames) = run(&mut zone, &mut view, 95, rate * 2);
    assert!((4..=6).contains(&frames), "a quarter of the snapshots: {frames}");
    let (report, _) = run(&mut zone, &mut view, 40, rate * 12);
    assert_eq!(report.shed, ShedLevel::default(), "it recovers");
    let (_, frames) = run(&mut zone, &mut view, 40, rate * 2);
    assert!((19..=21).contains(&frames), "{frames}");
}

#[test]
fn far_minds_stop_first() {
    let definition = ZoneDefinition { monsters: 400, size: metres(400), ..forest() };
    let moved_far = |load_percent: u8| {
        let mut zone = Zone::new(&definition, Box::new(Realm), 5);
        let mut view = View::new(definition.tick_rate_hz);
        run(&mut zone, &mut view, load_percent, 60);
        let hero = zone.place(Seat(0)).expect("in").position;
        let places = |zone: &Zone| -> Vec<(EntityId, Vec2)> {
            // Cells are square, and so is what is far.
            let axis = |place: Vec2| (place.x - hero.x).abs().max((place.y - hero.y).abs());
            let far = |place: Vec2| (metres(62)..metres(78)).contains(&axis(place));
            zone.world().entities.all().filter(|e| far(e.position)).map(|e| (e.id, e.position)).collect()
        };
        let before = places(&zone);
        run(&mut zone, &mut view, load_percent, 600);
        let after = places(&zone);
        before
            .iter()
            .filter(|(id, place)| after.iter().any(|(other, now)| other == id && now != place))
            .count()
    };
    assert!(moved_far(10) > 3, "with time to spare they walk about");
    assert_eq!(moved_far(90), 0, "without they stand");
}
