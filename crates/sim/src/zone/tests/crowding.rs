//! Any crowd and any budget: the budget is kept in every second, and who is shown wrongly for longer than the
//! bound is reported.

use std::collections::VecDeque;

use domain::contract::players::Place;
use proptest::prelude::*;
use wire::state::EntityKind;

use super::*;
use crate::entity::Entity;

/// What one client went through.
#[derive(Default)]
struct Meter {
    /// When how many bytes came within the last second.
    window: VecDeque<(u32, u32)>,
    most_in_a_second: u32,
    first_at: u32,
    last_at: u32,
    longest_wait: u32,
}

impl Meter {
    fn take(&mut self, now: u32, rate: u32, payload: usize) {
        while self.window.front().is_some_and(|(at, _)| now - at >= rate) {
            self.window.pop_front();
        }
        self.window.push_back((now, wire_bytes(u32::try_from(payload).expect("small"))));
        self.first_at = if self.first_at == 0 { now } else { self.first_at };
        self.longest_wait = self.longest_wait.max(now - self.last_at);
        self.last_at = now;
        let sum = self.window.iter().map(|(_, bytes)| bytes).sum();
        self.most_in_a_second = self.most_in_a_second.max(sum);
    }
}

/// A clump of players in one spot who run about, strike and shoot, with a budget and a send rate.
#[derive(Debug, Clone, Copy)]
struct Clump {
    seed: u64,
    players: u32,
    budget: u32,
    tick_rate_hz: u16,
    ticks_per_snapshot: u16,
    monsters: u32,
}

/// What came of a clump.
struct Played {
    /// The most bytes that any client got in a second.
    most_in_a_second: u32,
    /// The longest that any client waited for a snapshot, the first one included, in ticks.
    longest_wait: u32,
    /// For each client and entity that it shows, for how many ticks it has not been told of it.
    untold: Vec<u32>,
    reports: Vec<TickReport>,
}

/// Plays for `secs`.
fn play(clump: Clump, secs: u32) -> Played {
    let Clump { seed, players, budget, tick_rate_hz, ticks_per_snapshot, monsters } = clump;
    let definition =
        ZoneDefinition { budget, tick_rate_hz, ticks_per_snapshot, monsters, size: metres(60), ..forest() };
    let mut zone = Zone::new(&definition, Box::new(Realm), seed);
    let mut random = Random::of_stream(seed, 9);
    let mut outbox = Outbox::default();
    let mut views: Vec<View> = (0..players).map(|_| View::new(tick_rate_hz)).collect();
    let mut meters: Vec<Meter> = (0..players).map(|_| Meter::default()).collect();
    let mut reports = Vec::new();
    for tick in 1..=secs * u32::from(tick_rate_hz) {
        let mut inbox = Inbox::default();
        if tick == 1 {
            inbox.events.extend((1..=players).map(|number| joining(number.into())));
        }
        for (seat, view) in (0..).zip(&views).filter(|(seat, _)| (seat + tick) % 5 == 0) {
            let mut wish = || i8::try_from(random.between(-127, 127)).expect("in range");
            let (move_x, move_y) = (wish(), wish());
            let (snapshot, seen) = (view.sequence(), tick);
            let aim = u16::try_from(random.below(65_536)).expect("in range");
            let action = u8::try_from(random.below(3)).expect("in range");
            let input = PlayerInput { sequence: tick, snapshot, seen, move_x, move_y, aim, action, tick: 0 };
            inbox.events.push(ZoneEvent::Input(Seat(seat), input));
        }
        outbox.clear();
        reports.push(zone.tick(&inbox, &mut outbox));
        for (seat, frame) in outbox.frames() {
            meters[seat.index()].take(tick, tick_rate_hz.into(), frame.len());
            read_server_frame(frame, |message| {
                if let ServerMessage::State(update) = message {
                    views[seat.index()].apply(update.body).expect("good bytes");
                }
            })
            .expect("our own frames");
        }
    }
    let untold = |view: &View| {
        let now = view.header().tick;
        view.entities().map(|entity| now - entity.told_at()).collect::<Vec<u32>>()
    };
    Played {
        most_in_a_second: meters.iter().map(|meter| meter.most_in_a_second).max().unwrap_or(0),
        longest_wait: meters.iter().map(|meter| meter.longest_wait).max().unwrap_or(0),
        untold: views.iter().flat_map(untold).collect(),
        reports,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_budget_is_exceeded(
        seed in any::<u64>(),
        players in 1..90_u32,
        budget in 1_000..20_000_u32,
        rates in prop::sample::select(vec![(10, 1), (30, 3), (30, 1), (60, 6), (90, 3)]),
        monsters in 0..60_u32,
    ) {
        let (tick_rate_hz, ticks_per_snapshot) = rates;
        let clump = Clump { seed, players, budget, tick_rate_hz, ticks_per_snapshot, monsters };
        let Played { most_in_a_second: most, longest_wait, reports, .. } = play(clump, 4);
        prop_assert!(most <= budget, "{most} bytes in a second, of {budget} allowed: {clump:?}");
        let second = u32::from(tick_rate_hz);
        prop_assert!(longest_wait <= second * 2, "{longest_wait} ticks without a snapshot: {clump:?}");
        // The bound is kept where the budget is ample, and elsewhere the report says that it is not.
        let ample = players * 40 * 10 + 4_000 < budget;
        let overdue: u32 = reports.iter().map(|report| report.overdue).sum();
        prop_assert!(!ample || overdue == 0, "{overdue} overdue with an ample budget: {clump:?}");
    }
}

#[test]
fn what_cannot_be_told_in_time_is_reported() {
    let clump =
        Clump { seed: 1, players: 150, budget: 1_200, tick_rate_hz: 30, ticks_per_snapshot: 3, monsters: 0 };
    let Played { most_in_a_second, reports, .. } = play(clump, 8);
    assert!(most_in_a_second <= 1_200);
    assert!(
        reports.iter().any(|report| report.overdue + report.waiting > 0),
        "150 restless players do not fit in 1,200 B/s"
    );
    let clump = Clump { players: 20, budget: 6_000, ..clump };
    let Played { reports, .. } = play(clump, 8);
    assert_eq!(reports.iter().map(|report| report.overdue).sum::<u32>(), 0, "20 do in 6,000");
}

#[test]
fn nobody_starves_where_room_is_short() {
    // Everybody changes course six times a second, so all are always shown wrongly.
    let clump =
        Clump { seed: 1, players: 150, budget: 5_000, tick_rate_hz: 30, ticks_per_snapshot: 3, monsters: 0 };
    let Played { untold, .. } = play(clump, 20);
    assert!(untold.len() > 150 * 140, "all are in view of each other: {}", untold.len());
    let longest = untold.iter().max().expect("there are some");
    assert!(*longest <= 30 * 5 / 2, "somebody was not told of for {longest} ticks");
}

#[test]
fn the_farthest_give_way_in_a_full_view() {
    let definition = ZoneDefinition { monsters: 0, budget: 60_000, ..forest() };
    let mut zone = Zone::new(&definition, Box::new(Realm), 1);
    let middle = zone.world.terrain.middle();
    let loot = |zone: &mut Zone, way: u16, away: i32| {
        let place = middle + domain::fixed::Heading(way).step(away);
        let index = zone.world.entities.spawn(Entity::new(EntityKind::Loot, 0, place));
        zone.world.entities[index].id
    };
    for number in 0..1_200 {
        loot(&mut zone, number * 54, metres(30));
    }
    let mut outbox = Outbox::default();
    let place = Place { zone: "forest".parse().expect("a name"), position: middle, health: 100 };
    let ZoneEvent::Join(ada) = joining(1) else { unreachable!("it is a join") };
    let mut inbox =
        Inbox { events: vec![ZoneEvent::Join(Joining { place: Some(place), ..ada })], ..Inbox::default() };
    let mut view = View::new(definition.tick_rate_hz);
    let mut near = None;
    for tick in 1..300 {
        outbox.clear();
        zone.tick(&inbox, &mut outbox);
        for (_, frame) in outbox.frames() {
            read_server_frame(frame, |message| {
                if let ServerMessage::State(update) = message {
                    view.apply(update.body).expect("good bytes");
                }
            })
            .expect("our own frames");
        }
        let snapshot = view.sequence();
        let input = PlayerInput { sequence: tick, snapshot, seen: tick, ..PlayerInput::default() };
        inbox.events = vec![ZoneEvent::Input(Seat(0), input)];
        if tick == 240 {
            assert_eq!(view.entities().len(), 1_024, "the view is full");
            near = Some(loot(&mut zone, 0, metres(3)));
        }
    }
    assert!(view.entities().any(|entity| Some(entity.entity) == near), "what lies before one's feet is seen");
}

#[test]
fn who_does_not_acknowledge_gets_fewer_snapshots() {
    let definition = forest();
    let mut zone = Zone::new(&definition, Box::new(Realm), 1);
    let mut outbox = Outbox::default();
    let mut frames_by_second = [0; 12];
    let mut view = View::new(definition.tick_rate_hz);
    let rate = u32::from(definition.tick_rate_hz);
    for tick in 0..rate * 12 {
        let mut inbox = Inbox::default();
        if tick == 0 {
            inbox.events.push(joining(1));
        }
        let second = tick / rate;
        // From the fourth second to the eighth nothing is acknowledged.
        if tick > 0 && !(4..8).contains(&second) {
            let input = PlayerInput {
                sequence: tick,
                snapshot: view.sequence(),
                seen: tick,
                ..PlayerInput::default()
            };
            inbox.events.push(ZoneEvent::Input(Seat(0), input));
        }
        outbox.clear();
        zone.tick(&inbox, &mut outbox);
        for (_, frame) in outbox.frames() {
            frames_by_second[second as usize] += 1;
            read_server_frame(frame, |message| {
                if let ServerMessage::State(update) = message {
                    view.apply(update.body).expect("good bytes");
                }
            })
            .expect("our own frames");
        }
    }
    assert!((9..=11).contains(&frames_by_second[2]), "{frames_by_second:?}");
    assert!(frames_by_second[6] <= 4 && frames_by_second[7] <= 2, "{frames_by_second:?}");
    assert!((9..=11).contains(&frames_by_second[10]), "it is over at once: {frames_by_second:?}");
}

#[test]
fn threads_write_the_same_bytes() {
    /// Runs the jobs in another order, as threads may.
    struct Backwards;

    impl Workers for Backwards {
        fn width(&self) -> usize {
            3
        }

        fn for_each<J: Send>(&self, jobs: &mut [J], run: impl Fn(&mut J) + Send + Sync) {
            jobs.iter_mut().rev().for_each(run);
        }
    }

    let definition = ZoneDefinition { capacity: 2_000, size: metres(200), ..forest() };
    let mut zones = [1, 1].map(|seed| Zone::new(&definition, Box::new(Realm), seed));
    let mut outboxes = [Outbox::default(), Outbox::default()];
    let mut random = Random::new(4);
    for tick in 1..60 {
        let mut inbox = Inbox::default();
        if tick == 1 {
            inbox.events.extend((1..=1_000).map(joining));
        }
        for seat in (0..1_000).filter(|seat| tick > 1 && (seat + tick) % 4 == 0) {
            let move_x = i8::try_from(random.between(-127, 127)).expect("in range");
            let input =
                PlayerInput { sequence: tick, seen: tick, move_x, action: 1, ..PlayerInput::default() };
            inbox.events.push(ZoneEvent::Input(Seat(seat), input));
        }
        let [one, other] = &mut zones;
        outboxes.iter_mut().for_each(Outbox::clear);
        let report = one.tick(&inbox, &mut outboxes[0]);
        assert_eq!(other.tick_with(&inbox, &mut outboxes[1], &Backwards), report);
        let [one, other] = &outboxes;
        assert!(one.frames().eq(other.frames()), "tick {tick}");
        assert_eq!(zones[0].state_hash(), zones[1].state_hash());
    }
}
