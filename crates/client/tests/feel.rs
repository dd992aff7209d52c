//! How play feels on a slow link: a real zone and a predicting client, with a simulated way between them and
//! simulated time.

use std::collections::VecDeque;
use std::time::Duration;

use client::clock::HostClock;
use client::interpolation::Interpolator;
use client::prediction::Predictor;
use domain::catalogue::{Catalogue, ZoneDefinition};
use domain::fixed::{Vec2, metres};
use domain::ids::{CharacterId, EntityId};
use domain::random::Random;
use sim::entity::Entity;
use sim::inbox::{Inbox, Joining, ZoneEvent};
use sim::outbox::Outbox;
use sim::player::Seat;
use sim::rules::realm::Realm;
use sim::rules::{Act, ActResult, Rules};
use sim::world::World;
use sim::zone::Zone;
use wire::decoder::View;
use wire::frame::{ServerMessage, read_server_frame};
use wire::message::{EventKind, PlayerInput};
use wire::state::EntityKind;

const RATE: u16 = 60;
const SEED: u64 = 11;

/// A way that delays and, as TCP does, holds everything back behind what is lost and sent again.
struct Way<T> {
    delay_ms: u64,
    lost_percent: u32,
    queue: VecDeque<(u64, T)>,
    open_at: u64,
}

impl<T> Way<T> {
    fn new(delay_ms: u64, lost_percent: u32) -> Self {
        Self { delay_ms, lost_percent, queue: VecDeque::new(), open_at: 0 }
    }

    fn send(&mut self, now_ms: u64, random: &mut Random, what: T) {
        let jitter = u64::from(random.below(5));
        let again = if random.below(100) < self.lost_percent { 2 * self.delay_ms } else { 0 };
        self.open_at = self.open_at.max(now_ms + self.delay_ms + jitter + again);
        self.queue.push_back((self.open_at, what));
    }

    fn receive(&mut self, now_ms: u64) -> Option<T> {
        if self.queue.front().is_some_and(|(at, _)| *at <= now_ms) {
            return self.queue.pop_front().map(|(_, what)| what);
        }
        None
    }
}

/// The realm with one wolf that runs up and down and does nothing else.
struct Runner;

impl Rules for Runner {
    fn start(&self, world: &mut World) {
        let at = world.terrain.middle() + Vec2::new(metres(1), 0);
        world.entities.spawn(Entity {
            health: 1_000_000,
            health_max: 1_000_000,
            radius: 115,
            speed_max: metres(10),
            acceleration: metres(100),
            ..Entity::new(EntityKind::Monster, 0, at)
        });
    }

    fn body(&self, world: &mut World, joining: &Joining) -> Entity {
        Entity { position: world.terrain.middle(), ..Realm.body(world, joining) }
    }

    fn act(&self, world: &mut World, actor: usize, act: Act) -> ActResult {
        Realm.act(world, actor, act)
    }

    fn think(&self, world: &mut World) {
        // Up and down by 5 m around the player's height.
        let south = ((world.tick.0 + 30) / 60).is_multiple_of(2);
        let wolf = world.entities.all_mut().find(|entity| entity.kind == EntityKind::Monster);
        wolf.expect("it was made").intent = Vec2::new(0, if south { metres(10) } else { -metres(10) });
    }

    fn hit(&self, world: &mut World, projectile: usize, target: usize) -> bool {
        Realm.hit(world, projectile, target)
    }

    fn run(&self, world: &mut World) {
        Realm.run(world);
    }
}

/// A client with all that makes it feel right.
struct Player {
    view: View,
    clock: HostClock,
    predictor: Predictor,
    others: Interpolator,
    /// Whether it tells the host when it saw what it strikes at.
    tells_seen: bool,
    input: PlayerInput,
    corrections: Vec<i32>,
    hits: u32,
    strikes: u32,
    /// A wish to walk that has not moved the drawn body yet.
    wish_at: Option<(u64, Vec2)>,
    slowest_ms: u64,
}

impl Player {
    fn wolf(&self) -> Option<EntityId> {
        let mut all = self.view.entities();
        all.find(|entity| entity.kind == EntityKind::Monster).map(|entity| entity.entity)
    }

    fn hear(&mut self, now_ms: u64, frame: &[u8]) {
        read_server_frame(frame, |message| match message {
            ServerMessage::State(update) => {
                self.view.apply(update.body).expect("good bytes");
                let header = *self.view.header();
                self.clock.heard(Duration::from_millis(now_ms), header.tick, header.lead);
                self.predictor.heard(&header);
                self.others.heard(&self.view);
                // The first two seconds are for finding the time.
                if now_ms > 2_000 {
                    self.corrections.push(self.predictor.correction());
                }
            }
            ServerMessage::Event(event) if event.kind == EventKind::Damage as u8 => self.hits += 1,
            _ => {}
        })
        .expect("our own frames");
    }

    fn draw(&mut self, now_ms: u64) {
        self.predictor.advance_to(self.clock.input_tick(Duration::from_millis(now_ms)));
        if let Some((since, from)) = self.wish_at
            && self.predictor.position() != from
        {
            self.slowest_ms = self.slowest_ms.max(now_ms - since);
            self.wish_at = None;
        }
    }

    /// The next input: strikes at where the wolf is drawn, or walks about.
    fn decide(&mut self, now_ms: u64, fights: bool, random: &mut Random) -> PlayerInput {
        let now = Duration::from_millis(now_ms);
        let seen = self.clock.others_tick(now, 6);
        self.input.sequence += 1;
        self.input.snapshot = self.view.sequence();
        self.input.tick = self.clock.input_tick(now) + 1;
        self.input.seen = if self.tells_seen { seen } else { self.view.header().tick + 60 };
        self.input.action = 0;
        if fights {
            self.strike(now_ms, seen);
        } else {
            self.walk(now_ms, random);
        }
        self.predictor.sent(self.input);
        self.input
    }

    fn strike(&mut self, now_ms: u64, seen: u32) {
        let drawn = self.wolf().and_then(|wolf| self.others.place(wolf, seen));
        let Some(way) = drawn.map(|place| place - self.predictor.position()) else { return };
        if self.input.sequence.is_multiple_of(7) && now_ms > 2_000 && way.length() < metres(2) {
            (self.input.action, self.input.aim) = (1, way.heading().0);
            self.strikes += 1;
        }
    }

    fn walk(&mut self, now_ms: u64, random: &mut Random) {
        if random.below(8) != 0 {
            return;
        }
        let stood = (self.input.move_x, self.input.move_y) == (0, 0);
        let rests = random.below(3) == 0;
        let mut wish = || if rests { 0 } else { i8::try_from(random.between(-127, 127)).expect("in range") };
        (self.input.move_x, self.input.move_y) = (wish(), wish());
        let moves = self.input.move_x.unsigned_abs().max(self.input.move_y.unsigned_abs()) > 20;
        if stood && moves && now_ms > 2_000 {
            self.wish_at = Some((now_ms, self.predictor.position()));
        }
    }
}

/// Plays for 40 s: walks about among obstacles, or strikes at where the wolf is drawn.
fn play(delay_ms: u64, lost_percent: u32, fights: bool, tells_seen: bool) -> Player {
    let obstacle_permille = if fights { 0 } else { 150 };
    let forest = Catalogue::builtin().zone(&"forest".parse().expect("a name")).expect("built in").clone();
    let definition = ZoneDefinition {
        tick_rate_hz: RATE,
        ticks_per_snapshot: 6,
        monsters: 0,
        obstacle_permille,
        ..forest
    };
    let mut zone = Zone::new(&definition, Box::new(Runner), SEED);
    let (mut inbox, mut outbox) = (Inbox::default(), Outbox::default());
    inbox.events.push(ZoneEvent::Join(Joining {
        character: CharacterId::from_u128(1),
        name: "Ada".into(),
        xp: 0,
        place: None,
        party: None,
        budget: 0,
        spectates: false,
    }));
    let mut random = Random::new(SEED);
    let mut up: Way<PlayerInput> = Way::new(delay_ms, lost_percent);
    let mut down: Way<Vec<u8>> = Way::new(delay_ms, lost_percent);
    zone.tick(&inbox, &mut outbox);
    for (_, frame) in outbox.frames() {
        down.send(0, &mut random, frame.to_vec());
    }
    let welcome = zone.welcome(Seat(0), Vec::new(), 60).expect("in");
    let mut player = Player {
        view: View::new(RATE),
        clock: HostClock::new(RATE),
        predictor: Predictor::new(&welcome),
        others: Interpolator::new(RATE),
        tells_seen,
        input: PlayerInput::default(),
        corrections: Vec::new(),
        hits: 0,
        strikes: 0,
        wish_at: None,
        slowest_ms: 0,
    };
    for now_ms in 1..40_000_u64 {
        if now_ms * 60 / 1_000 > (now_ms - 1) * 60 / 1_000 {
            inbox.events.clear();
            while let Some(input) = up.receive(now_ms) {
                inbox.events.push(ZoneEvent::Input(Seat(0), input));
            }
            outbox.clear();
            zone.tick(&inbox, &mut outbox);
            for (_, frame) in outbox.frames() {
                down.send(now_ms, &mut random, frame.to_vec());
            }
        }
        while let Some(frame) = down.receive(now_ms) {
            player.hear(now_ms, &frame);
        }
        player.draw(now_ms);
        if now_ms % 100 == 7 && player.view.sequence() > 0 {
            let input = player.decide(now_ms, fights, &mut random);
            up.send(now_ms, &mut random, input);
        }
    }
    player
}

fn percentile(mut sample: Vec<i32>, percent: usize) -> i32 {
    sample.sort_unstable();
    sample[sample.len() * percent / 100]
}

#[test]
fn on_a_good_link_nothing_is_corrected() {
    let player = play(5, 0, false, true);
    assert!(player.corrections.len() > 300);
    let p95 = percentile(player.corrections.clone(), 95);
    assert!(p95 <= 8, "seed {SEED}: p95 {p95} of 1/256 m, worst {:?}", player.corrections.iter().max());
}

#[test]
fn at_150_ms_and_2_percent_loss_own_movement_is_immediate_and_true() {
    let player = play(75, 2, false, true);
    let (p90, p99) = (percentile(player.corrections.clone(), 90), percentile(player.corrections, 99));
    assert!(p90 <= 16, "seed {SEED}: p90 {p90} of 1/256 m, p99 {p99}");
    assert!(p99 <= metres(1), "seed {SEED}: p99 {p99} of 1/256 m");
    assert!(player.slowest_ms > 0, "there were wishes");
    assert!(player.slowest_ms <= 50, "seed {SEED}: a wish took {} ms to be seen", player.slowest_ms);
}

#[test]
fn who_strikes_at_what_is_drawn_hits() {
    for (delay_ms, lost_percent) in [(5, 0), (60, 0), (75, 2)] {
        let Player { strikes, hits, .. } = play(delay_ms, lost_percent, true, true);
        assert!(strikes >= 10, "{strikes} strikes");
        assert!(hits * 100 / strikes >= 90, "seed {SEED}: at {delay_ms} ms {hits} of {strikes} strikes hit");
    }
}

#[test]
fn without_the_rewind_strikes_would_miss() {
    let Player { strikes, hits, .. } = play(75, 2, true, false);
    assert!(hits * 100 / strikes <= 60, "seed {SEED}: {hits} of {strikes} strikes hit all the same");
}
