//! Encoder and decoder against each other: whatever happens, the client shows what the host thinks it shows.

use std::collections::BTreeMap;

use domain::fixed::Vec2;
use domain::random::Random;
use expect_test::expect;
use proptest::prelude::*;

use super::*;
use crate::decoder::{View, ViewError};
use crate::golden::check_golden;
use crate::snapshot::Own;
use crate::state::{Action, COORDINATE_MAX};

const RATE: u16 = 30;
const NO_LIMIT: Limits = Limits { updates: 60_000, total: 60_000 };

fn state(x: i32, y: i32) -> EntityState {
    EntityState { x, y, vx: 192, vy: 0, heading: 0, health: 100, action: Action::Moving }
}

fn description(entity: u32, name: &str) -> Description<'_> {
    Description { entity: EntityId(entity), kind: EntityKind::Player, archetype: 2, level: 5, name }
}

fn header(tick: u32) -> Header {
    let own = Own { position: Vec2::new(25_600, 51_200), velocity: Vec2::ZERO, health: 90, health_max: 110 };
    Header { tick, stamp_us: 1_000_000 + tick * 33_333, input: tick / 3, lead: 1, own }
}

#[test]
fn bodies_have_golden_bytes() {
    let mut encoder = ViewEncoder::new(RATE);
    let mut buffers = EncodeBuffers::default();
    let mut view = View::new(RATE);
    let mut slot = None;
    let enters = [(description(300, "Ada"), state(3_219, 6_390))];
    let body =
        encoder.encode(&header(30), &[], enters.into_iter(), NO_LIMIT, &mut buffers, |s| slot = Some(s)).body;
    check_golden(body, &expect!["086000069b9c712e586249c51583809768f81fd0579dd622e45d4f31b4357b5aac84"]);
    view.apply(body).expect("good");
    let none = || std::iter::empty();
    let body = encoder.encode(&header(33), &[], none(), NO_LIMIT, &mut buffers, drop).body;
    check_golden(body, &expect!["42b9a5"]);
    view.apply(body).expect("good");
    let seen: Vec<_> = view.entities().map(|entity| *entity.state()).collect();
    assert_eq!(seen, [state(3_219 + 19, 6_390)], "it goes on by itself");
    let slot = slot.expect("it entered");
    let turned = EntityState { vx: 0, vy: -192, heading: 192, health: 87, ..state(3_240, 6_371) };
    let updates = [(slot, turned)];
    let encoded = encoder.encode(&header(36), &updates, none(), NO_LIMIT, &mut buffers, drop);
    assert_eq!(encoded.updated, 1);
    check_golden(encoded.body, &expect!["4752d9713d7bfc915b6bf9cb"]);
    let body = encoded.body.to_vec();
    view.apply(&body).expect("good");
    assert_eq!(*view.entities().next().expect("in view").state(), turned);
    encoder.leave(slot);
    let body = encoder.encode(&header(39), &[], none(), NO_LIMIT, &mut buffers, drop).body;
    check_golden(body, &expect!["4bca9e"]);
    let changes = view.apply(body).expect("good");
    assert_eq!(changes.left, [EntityId(300)]);
    assert_eq!(*view.header(), header(39));
}

#[test]
fn acknowledging_the_future_is_an_error() {
    let mut encoder = ViewEncoder::new(RATE);
    assert_eq!(encoder.acknowledge(1), Err(AheadOfSnapshots { acknowledged: 1, sent: 0 }));
}

#[test]
fn a_view_is_bounded() {
    let mut encoder = ViewEncoder::new(RATE);
    let (mut buffers, mut entered) = (EncodeBuffers::default(), 0);
    let enters = (1..2_000).map(|id| (description(id, ""), state(1, 1)));
    encoder.encode(&header(1), &[], enters, NO_LIMIT, &mut buffers, |_| entered += 1);
    assert_eq!(entered, ENTITIES_IN_VIEW_MAX);
}

/// A crowd seen through a view: entities come and go, jump about, and are told of or not; snapshots have
/// limits, so that much is told late.
struct Crowd {
    random: Random,
    encoder: ViewEncoder,
    buffers: EncodeBuffers,
    view: View,
    /// What the client must show, by entity.
    told: BTreeMap<u32, (Slot, Track)>,
    last_entity: u32,
}

impl Crowd {
    fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            encoder: ViewEncoder::new(RATE),
            buffers: EncodeBuffers::default(),
            view: View::new(RATE),
            told: BTreeMap::new(),
            last_entity: 0,
        }
    }

    fn random_state(&mut self) -> EntityState {
        let random = &mut self.random;
        let fast = random.below(8) == 0;
        let mut velocity =
            || i16::try_from(if fast { random.between(-32_768, 32_767) } else { random.between(-192, 192) });
        let (vx, vy) = (velocity().expect("in range"), velocity().expect("in range"));
        EntityState {
            x: random.between(0, COORDINATE_MAX),
            y: random.between(0, COORDINATE_MAX),
            vx,
            vy,
            heading: random.next_u32().to_le_bytes()[0],
            health: u8::try_from(random.below(101)).expect("a percentage"),
            action: Action::from_number(random.below(5)).expect("an action"),
        }
    }

    fn random_header(&mut self, tick: u32) -> Header {
        let random = &mut self.random;
        let mut number = || random.next_u32().cast_signed() >> random.below(32);
        let (position, velocity) = (Vec2::new(number(), number()), Vec2::new(number(), number()));
        Header {
            tick,
            stamp_us: number().cast_unsigned(),
            input: number().cast_unsigned(),
            lead: number(),
            own: Own { position, velocity, health: 7, health_max: 65_535 },
        }
    }

    /// One snapshot; the bytes of its body and the limit that it had.
    fn step(&mut self, tick: u32) -> Result<(usize, usize), ViewError> {
        let gone: Vec<u32> = self.told.keys().copied().filter(|_| self.random.below(20) == 0).collect();
        for entity in gone {
            self.encoder.leave(self.told.remove(&entity).expect("is there").0);
        }
        let mut updates = Vec::new();
        let changing: Vec<Slot> =
            self.told.values().filter(|_| self.random.below(3) == 0).map(|(slot, _)| *slot).collect();
        for slot in changing {
            updates.push((slot, self.random_state()));
        }
        updates.sort_unstable_by_key(|(slot, _)| *slot);
        let mut enters = Vec::new();
        for _ in 0..self.random.below(6) {
            self.last_entity += 1 + self.random.below(1_000);
            enters.push((self.last_entity, self.random_state()));
        }
        let total = self.random.below(400) as usize;
        let limits = Limits { updates: total / 2, total };
        let header = self.random_header(tick);
        let mut slots = Vec::new();
        let described = enters.iter().map(|(id, state)| (description(*id, "Zoë"), *state));
        let encoded =
            self.encoder.encode(&header, &updates, described, limits, &mut self.buffers, |s| slots.push(s));
        for ((entity, state), slot) in enters.iter().zip(slots) {
            self.told.insert(*entity, (slot, Track { state: *state, tick }));
        }
        for (slot, track) in self.told.values_mut() {
            if let Some((_, state)) = updates[..encoded.updated].iter().find(|(updated, _)| updated == slot) {
                *track = Track { state: *state, tick };
            }
        }
        self.view.apply(encoded.body)?;
        assert_eq!(*self.view.header(), header);
        Ok((encoded.body.len(), total))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_client_shows_what_was_told(seed in any::<u64>()) {
        let mut crowd = Crowd::new(seed);
        let mut tick = 0;
        for _ in 0..150 {
            tick += 1 + crowd.random.below(10);
            let (bytes, limit) = crowd.step(tick)?;
            prop_assert!(bytes <= limit + OVERSHOOT_BYTES_MAX as usize, "{bytes} bytes instead of {limit}");
            let told: BTreeMap<u32, EntityState> =
                crowd.told.iter().map(|(id, (_, track))| (*id, track.at(tick, RATE))).collect();
            for entity in crowd.view.entities() {
                // Others have left, and there was no room to tell it.
                if let Some(state) = told.get(&entity.entity.0) {
                    prop_assert_eq!(entity.state(), state);
                }
            }
            let shown: Vec<u32> = crowd.view.entities().map(|entity| entity.entity.0).collect();
            prop_assert!(told.keys().all(|id| shown.contains(id)));
            prop_assert_eq!(shown.len(), told.len() + crowd.encoder.leaving.len());
        }
    }

    #[test]
    fn any_body_is_applied_without_panic(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..4)) {
        let mut view = View::new(RATE);
        for body in &bodies {
            if view.apply(body).is_err() {
                break;
            }
        }
    }
}

#[test]
fn bytes_after_the_end_are_refused() {
    let mut encoder = ViewEncoder::new(RATE);
    let mut buffers = EncodeBuffers::default();
    let enters = [(description(300, "Ada"), state(3_219, 6_390))];
    let mut body =
        encoder.encode(&header(30), &[], enters.into_iter(), NO_LIMIT, &mut buffers, drop).body.to_vec();
    // Zeros at the end are left out, so these change nothing but the length.
    body.extend([0; 5]);
    assert_eq!(View::new(RATE).apply(&body), Err(ViewError::Trailing));
}
