//! Tests of relations: each wish from each state, and random ones against what must always hold.

use super::*;

const AT: UnixMillis = UnixMillis::new(1_000);

fn id(number: u128) -> CharacterId {
    CharacterId::from_u128(number)
}

/// Low is known by its characters 10 and 11, high by 20 and 21.
fn ask(side: Side) -> Wish {
    match side {
        Side::Low => Wish::Ask { from: id(10), to: id(20) },
        Side::High => Wish::Ask { from: id(20), to: id(10) },
    }
}

fn done(relation: &Relation, side: Side, wish: Wish) -> Relation {
    relation.after(side, wish, AT).expect("granted")
}

#[test]
fn a_pair_is_the_same_from_both_sides() {
    let (a, b) = (AccountId::from_u128(1), AccountId::from_u128(2));
    let (pair, side) = Pair::of(b, a).expect("two");
    assert_eq!(Pair::of(a, b), Some((pair, side.other())));
    assert_eq!((pair.account(side), pair.account(side.other())), (b, a));
    assert_eq!(Pair::of(a, a), None);
}

#[test]
fn a_request_is_accepted_declined_or_withdrawn() {
    let asked = done(&Relation::default(), Side::Low, ask(Side::Low));
    assert_eq!(asked.entry(Side::Low, List::Outgoing).map(|entry| entry.character), Some(id(20)));
    assert_eq!(asked.entry(Side::High, List::Incoming).map(|entry| entry.character), Some(id(10)));
    assert_eq!(done(&asked, Side::Low, ask(Side::Low)), asked, "asked again");
    let friends = done(&asked, Side::High, Wish::Accept { character: id(10) });
    assert!(friends.are_friends());
    assert_eq!(friends.entry(Side::Low, List::Friends).map(|entry| entry.character), Some(id(20)));
    assert_eq!(friends.entry(Side::High, List::Friends).map(|entry| entry.character), Some(id(10)));
    assert!(friends.entry(Side::High, List::Incoming).is_none());
    assert_eq!(done(&friends, Side::High, Wish::Accept { character: id(10) }), friends, "accepted again");
    assert_eq!(done(&friends, Side::Low, ask(Side::Low)), friends, "asked again");
    assert!(done(&friends, Side::Low, Wish::Part { character: id(20) }).is_empty());
    assert!(done(&asked, Side::High, Wish::Decline { character: id(10) }).is_empty());
    assert!(done(&asked, Side::Low, Wish::Withdraw { character: id(20) }).is_empty());
}

#[test]
fn people_are_known_by_the_character_that_was_shown() {
    let asked = done(&Relation::default(), Side::Low, ask(Side::Low));
    for (side, wish, refusal) in [
        (Side::High, Wish::Accept { character: id(11) }, Unwanted::NoRequest),
        (Side::High, Wish::Decline { character: id(11) }, Unwanted::NoRequest),
        (Side::Low, Wish::Accept { character: id(20) }, Unwanted::NoRequest),
        (Side::Low, Wish::Withdraw { character: id(21) }, Unwanted::NoRequest),
        (Side::Low, Wish::Part { character: id(20) }, Unwanted::NoFriends),
        (Side::Low, Wish::Unblock { character: id(20) }, Unwanted::NoBlock),
    ] {
        assert_eq!(asked.after(side, wish, AT), Err(refusal), "{wish:?}");
    }
    // Crossing requests by other characters: each knows the other by the one that it asked for.
    let crossed = done(&asked, Side::High, Wish::Ask { from: id(21), to: id(11) });
    assert_eq!(crossed.entry(Side::High, List::Friends).map(|entry| entry.character), Some(id(11)));
    assert_eq!(crossed.entry(Side::Low, List::Friends).map(|entry| entry.character), Some(id(20)));
}

#[test]
fn a_block_ends_everything_and_is_not_shown() {
    let asked = done(&Relation::default(), Side::Low, ask(Side::Low));
    let friends = done(&asked, Side::High, Wish::Accept { character: id(10) });
    for before in [asked, friends] {
        let blocked = done(&before, Side::High, Wish::Block { character: id(10) });
        assert!(blocked.blocks(Side::High) && !blocked.blocks(Side::Low) && !blocked.are_friends());
        assert_eq!(blocked.after(Side::High, ask(Side::High), AT), Err(Unwanted::Blocking));
        for list in List::ALL {
            let shown = blocked.entry(Side::Low, list).is_some();
            assert_eq!(shown, list == List::BlockedBy, "{list:?}");
        }
        let again = done(&blocked, Side::Low, ask(Side::Low));
        assert!(again.asks_in_vain(Side::Low) && again.entry(Side::High, List::Incoming).is_none());
        assert!(again.entry(Side::Low, List::Outgoing).is_some());
        assert_eq!(again.after(Side::High, Wish::Accept { character: id(10) }, AT), Err(Unwanted::NoRequest));
        let unblocked = done(&again, Side::High, Wish::Unblock { character: id(10) });
        assert!(unblocked.entry(Side::High, List::Incoming).is_none(), "it stays hidden");
        assert!(done(&unblocked, Side::Low, ask(Side::Low)).entry(Side::High, List::Incoming).is_some());
        assert!(done(&unblocked, Side::High, ask(Side::High)).are_friends(), "both have asked");
        assert!(done(&again, Side::Low, Wish::Vanish).is_empty());
    }
}

/// What must hold whatever was wished. Run one seed with `SEED=7 cargo test -p api-lambda random_wishes`.
#[test]
fn random_wishes_keep_a_relation_sound() {
    let seeds = std::env::var("SEED").ok().map_or(0..200, |seed| {
        let seed: u64 = seed.parse().expect("a number");
        seed..seed + 1
    });
    for seed in seeds {
        let mut random = domain::random::Random::new(seed);
        let mut relation = Relation::default();
        for step in 0..60 {
            let side = if random.below(2) == 0 { Side::Low } else { Side::High };
            let others = if side == Side::Low { [20, 21] } else { [10, 11] };
            let own = if side == Side::Low { [10, 11] } else { [20, 21] };
            let mut pick = |of: [u128; 2]| id(if random.below(2) == 0 { of[0] } else { of[1] });
            let (character, from) = (pick(others), pick(own));
            let wish = match random.below(9) {
                0 | 1 => Wish::Ask { from, to: character },
                2 => Wish::Accept { character },
                3 => Wish::Decline { character },
                4 => Wish::Withdraw { character },
                5 => Wish::Part { character },
                6 => Wish::Block { character },
                7 => Wish::Unblock { character },
                _ => Wish::Forget { character: from, mask: id(99) },
            };
            let Ok(next) = relation.after(side, wish, AT) else { continue };
            let told = format!("seed {seed}, step {step}: {wish:?} by {side:?} of {relation:?}");
            for one in Side::BOTH {
                let has = |list| next.entry(one, list).is_some();
                let there = |list| next.entry(one.other(), list).is_some();
                assert_eq!(has(List::Friends), there(List::Friends), "{told}");
                assert_eq!(has(List::Blocks), there(List::BlockedBy), "{told}");
                assert_eq!(there(List::Incoming), has(List::Outgoing) && !next.asks_in_vain(one), "{told}");
                assert!(!(has(List::Friends) && (has(List::Outgoing) || has(List::Blocks))), "{told}");
                assert!(!(has(List::Blocks) && has(List::Outgoing)), "{told}");
                assert!(!(has(List::Blocks) && has(List::Incoming)), "{told}");
                assert!(!(has(List::Outgoing) && there(List::Outgoing)), "{told}");
            }
            if let Wish::Forget { character, .. } = wish {
                let shown = List::ALL.map(|list| next.entry(side.other(), list));
                assert!(shown.iter().flatten().all(|entry| entry.character != character), "{told}");
                assert!(!next.knows(side, character), "{told}");
                assert_eq!(next.blocks(side.other()), relation.blocks(side.other()), "{told}");
            }
            relation = next;
        }
    }
}
