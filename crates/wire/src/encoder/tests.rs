//! Encoder and decoder against each other: whatever happens, the client sees what the host sent.

use std::collections::BTreeMap;

use domain::random::Random;
use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::decoder::{View, ViewError};
use crate::state::{Action, COORDINATE_MAX};

fn state(x: i32, y: i32) -> EntityState {
    EntityState { x, y, heading: 64, health: 100, action: Action::Moving }
}

fn description(entity: u32, name: &str) -> Description<'_> {
    Description { entity: EntityId(entity), kind: EntityKind::Player, archetype: 2, level: 5, name }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares with the golden bytes, and those with the test vectors of the description.
fn check_golden(bytes: &[u8], golden: &Expect) {
    golden.assert_eq(&hex(bytes));
    let protocol = include_str!("../../PROTOCOL.md");
    let vector = format!(": {}\n", hex(bytes));
    assert!(protocol.contains(&vector), "PROTOCOL.md lacks {vector}");
}

#[test]
fn bodies_have_golden_bytes() {
    let mut encoder = ViewEncoder::default();
    let mut buffers = EncodeBuffers::default();
    let mut view = View::default();
    let slot = encoder.enter().expect("room");
    let enters = [(slot, description(300, "Ada"), state(3_200, 6_400))];
    let (body, _) = encoder.encode(enters.into_iter(), std::iter::empty(), &mut buffers);
    check_golden(body, &expect!["0004c02a0081c220882c0c90014006207200"]);
    view.apply(1, 0, body).expect("good");
    encoder.acknowledge(1).expect("was sent");
    let (body, updated) =
        encoder.encode(std::iter::empty(), [(slot, state(3_219, 6_390))].into_iter(), &mut buffers);
    assert_eq!(updated, 1);
    check_golden(body, &expect!["20209ad801"]);
    view.apply(2, 1, body).expect("good");
    let (body, updated) =
        encoder.encode(std::iter::empty(), [(slot, state(3_219, 6_390))].into_iter(), &mut buffers);
    assert_eq!(updated, 0, "who stands still costs nothing");
    check_golden(body, &expect!["0000"]);
    view.apply(3, 1, body).expect("good");
    encoder.leave(slot);
    let (body, _) = encoder.encode(std::iter::empty(), std::iter::empty(), &mut buffers);
    check_golden(body, &expect!["010000"]);
    let changes = view.apply(4, 1, body).expect("good");
    assert_eq!(changes.left, [EntityId(300)]);
}

#[test]
fn acknowledging_the_future_is_an_error() {
    let mut encoder = ViewEncoder::default();
    assert_eq!(encoder.acknowledge(1), Err(AheadOfSnapshots { acknowledged: 1, sent: 0 }));
}

#[test]
fn a_view_is_bounded() {
    let mut encoder = ViewEncoder::default();
    let slots = std::iter::from_fn(|| encoder.enter()).count();
    assert_eq!(slots, ENTITIES_IN_VIEW_MAX);
}

/// A random walk of entities through a view, with acknowledgements that come late.
fn walk(seed: u64, steps: u32) -> Result<(), ViewError> {
    let mut random = Random::new(seed);
    let mut encoder = ViewEncoder::default();
    let mut buffers = EncodeBuffers::default();
    let mut view = View::default();
    let mut truth: BTreeMap<u32, (Slot, EntityState)> = BTreeMap::new();
    let mut next_entity = 0;
    for _ in 0..steps {
        if random.below(4) == 0 {
            let gone: Vec<u32> = truth.keys().copied().filter(|_| random.below(5) == 0).collect();
            for entity in gone {
                encoder.leave(truth.remove(&entity).expect("is there").0);
            }
        }
        for (_, state) in truth.values_mut() {
            let far = if random.below(20) == 0 { 100_000 } else { 40 };
            state.x = (state.x + random.between(-far, far)).clamp(0, COORDINATE_MAX);
            if random.below(2) == 0 {
                state.heading = random.next_u32().to_le_bytes()[0];
                state.health = u8::try_from(random.below(101)).expect("a percentage");
            }
        }
        let staying: Vec<_> = truth.values().copied().collect();
        let mut enters = Vec::new();
        for _ in 0..random.below(4) {
            next_entity += 1;
            let slot = encoder.enter().expect("room");
            let state = state(random.between(0, COORDINATE_MAX), random.between(0, COORDINATE_MAX));
            enters.push((slot, description(next_entity, "Zoë"), state));
            truth.insert(next_entity, (slot, state));
        }
        let baseline = encoder.acknowledged();
        let (body, _) = encoder.encode(enters.into_iter(), staying.into_iter(), &mut buffers);
        view.apply(encoder.sent(), baseline, body)?;
        let seen: BTreeMap<u32, EntityState> = view.entities().map(|e| (e.entity.0, *e.state())).collect();
        let sent: BTreeMap<u32, EntityState> = truth.iter().map(|(id, (_, state))| (*id, *state)).collect();
        assert_eq!(seen, sent, "seed {seed}: repeat with PROPTEST seed {seed}");
        if random.below(6) != 0 {
            let late = random.below(12);
            encoder.acknowledge(encoder.sent().saturating_sub(late)).expect("was sent");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_client_sees_what_was_sent(seed in any::<u64>()) {
        walk(seed, 200)?;
    }

    #[test]
    fn any_body_is_applied_without_panic(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..4)) {
        let mut view = View::default();
        for (sequence, body) in (1..).zip(&bodies) {
            if view.apply(sequence, 0, body).is_err() {
                break;
            }
        }
    }
}
