//! The rules around the matches: definitions, registration, check-in, leaving, the end, and what can be read.

use super::tests::{
    DOUBLE, REGISTRATION_ENDS, SINGLE, at, definition, id, instance, play, prize, ready, request, started,
    window,
};
use super::*;

pub(super) const FIRST: MatchId = MatchId(1);

/// The kind of refusal of an action, or the effects of it.
pub(super) fn send(
    tournament: &mut Tournament,
    now: u64,
    action: Action,
) -> Result<Vec<Effect>, &'static str> {
    let before = tournament.clone();
    let result = tournament.apply(at(now, action));
    result.map_err(|refused| {
        assert_eq!(*tournament, before, "a refusal changes nothing");
        refused.kind()
    })
}

fn register(number: u64, rating: i32, by: u64) -> Action {
    Action::Register { entrant: id(number), rating, request: request(by) }
}

pub(super) fn start(by: u64) -> Action {
    Action::Start { match_id: FIRST, instance: instance(by) }
}

#[test]
fn a_definition_names_all_its_faults() {
    let faulty = Definition {
        best_of: 2,
        best_of_final: 17,
        entrants_min: 1,
        entrants_max: 2_000,
        registration: window(5, 5),
        check_in: Some(window(1, 2)),
        no_show_after_ms: 0,
        match_max_ms: WAIT_MS_MAX + 1,
        dispute_window_ms: WAIT_MS_MAX + 1,
        entrant_kind: EntrantKind::Team { size: 0 },
        prizes: vec![prize(1, "gold", 1), prize(1, "gold", 2), prize(0, "gold", 1), prize(1, "", 1)],
        ..definition(Format::Swiss { rounds: 0 })
    };
    let faults = Tournament::new(faulty, 1).expect_err("it is faulty");
    let kinds: Vec<_> = faults.iter().map(DefinitionError::kind).collect();
    let expected = [
        "rounds",
        "team_size",
        "best_of",
        "best_of",
        "entrants",
        "window",
        "window",
        "wait",
        "wait",
        "wait",
        "prize",
        "prize",
        "prize",
    ];
    assert_eq!(kinds, expected);
    let rich = Definition { prizes: vec![prize(1, "a", u64::MAX), prize(2, "a", 1)], ..definition(SINGLE) };
    assert_eq!(rich.validate(), Err(vec![DefinitionError::Prizes]));
}

#[test]
fn registration_has_its_time_its_room_and_its_requests() {
    let definition = Definition { entrants_max: 2, prizes: vec![], ..definition(SINGLE) };
    let mut t = Tournament::new(definition, 1).expect("valid");
    assert_eq!(send(&mut t, 99, register(1, 5, 1)), Err("not_yet"));
    assert_eq!(send(&mut t, 100, register(1, 5, 1)), Ok(vec![]));
    assert_eq!(send(&mut t, 101, register(1, 5, 1)), Ok(vec![]), "a repeat");
    assert_eq!(send(&mut t, 101, register(1, 6, 1)), Err("conflict"));
    assert_eq!(send(&mut t, 101, register(1, 5, 2)), Err("conflict"));
    assert_eq!(send(&mut t, 102, register(2, 5, 3)), Ok(vec![]));
    assert_eq!(send(&mut t, 103, register(3, 5, 4)), Err("full"));
    let withdraw = |by| Action::Withdraw { entrant: id(1), request: request(by) };
    assert_eq!(send(&mut t, 104, withdraw(1)), Err("conflict"), "that request registered");
    assert_eq!(send(&mut t, 104, withdraw(5)), Ok(vec![]));
    assert_eq!(send(&mut t, 105, register(1, 5, 1)), Ok(vec![]), "a late repeat does not register again");
    assert_eq!(t.entrants()[&id(1)].presence, Presence::Withdrawn);
    assert_eq!(send(&mut t, 105, register(1, 7, 6)), Ok(vec![]));
    assert_eq!(send(&mut t, 105, withdraw(5)), Ok(vec![]), "a late repeat does not withdraw again");
    assert_eq!(t.entrants()[&id(1)].presence, Presence::Registered);
    for by in (10..).step_by(2).take(6) {
        assert_eq!(send(&mut t, 106, withdraw(by)), Ok(vec![]));
        assert_eq!(send(&mut t, 106, register(1, 7, by + 1)), Ok(vec![]));
    }
    assert_eq!(send(&mut t, 107, withdraw(90)), Ok(vec![]), "one can always withdraw");
    assert_eq!(send(&mut t, 107, register(1, 7, 91)), Err("full"));
    assert_eq!(send(&mut t, 108, register(3, 5, 92)), Ok(vec![]));
    assert_eq!(send(&mut t, 108, start(1)), Err("not_yet"));
    assert_eq!(send(&mut t, REGISTRATION_ENDS, register(4, 5, 93)), Err("too_late"));
}

#[test]
fn who_does_not_check_in_does_not_play() {
    let definition = Definition { check_in: Some(window(1_200, 3_000)), ..definition(SINGLE) };
    let mut t = Tournament::new(definition, 1).expect("valid");
    for number in 1..=3 {
        send(&mut t, 200, register(number, 5, number)).expect("open");
    }
    let check_in = |number| Action::CheckIn { entrant: id(number) };
    assert_eq!(send(&mut t, 900, check_in(1)), Err("not_yet"));
    assert_eq!(send(&mut t, 1_100, check_in(1)), Err("not_yet"));
    assert_eq!(send(&mut t, 1_200, check_in(9)), Err("unknown"));
    let mut empty = t.clone();
    let closed = Effect::RegistrationClosed { check_in: Some(window(1_200, 3_000)) };
    assert_eq!(send(&mut t, 1_200, check_in(1)), Ok(vec![closed]));
    assert_eq!(send(&mut t, 1_300, check_in(2)), Ok(vec![]));
    assert_eq!(send(&mut t, 1_301, check_in(2)), Ok(vec![]), "a repeat");
    assert_eq!(send(&mut t, 3_000, check_in(3)), Err("too_late"));
    send(&mut t, 3_000, Action::Tick).expect("a tick");
    assert_eq!((t.phase(), t.seeds().len()), (Phase::Running, 2));
    assert_eq!(t.entrants()[&id(3)].presence, Presence::Absent);

    let effects = send(&mut empty, 3_000, Action::Tick).expect("a tick");
    assert_eq!(effects.last(), Some(&Effect::Cancelled));
    assert_eq!(empty.cancellation().map(|c| c.reason.as_str()), Some("too few entrants"));
}

#[test]
fn who_leaves_loses_what_is_open() {
    let withdraw = |number: u64| Action::Withdraw { entrant: id(number), request: request(70 + number) };
    let formats = [SINGLE, DOUBLE, Format::RoundRobin { twice: false }, Format::Swiss { rounds: 3 }];
    for format in formats {
        let mut t = started(definition(format), 6);
        for number in 1..=5 {
            send(&mut t, 1_100, withdraw(number)).expect("it takes part");
        }
        // Whoever else waits for nobody has won all that is left.
        assert_eq!(t.phase(), Phase::Finished, "{format:?}");
        if matches!(format, Format::SingleElimination | Format::DoubleElimination { .. }) {
            assert_eq!(t.standings()[0].entrant, id(6), "{format:?}");
        }
        let mut all = started(definition(format), 6);
        for number in 1..=6 {
            let _ = send(&mut all, 1_100, withdraw(number));
        }
        assert_eq!((all.phase(), all.standings().len()), (Phase::Finished, 6), "{format:?}");
    }
}

#[test]
fn an_admin_can_cancel() {
    let cancel = |reason: &str| Action::Cancel { admin: "ann".to_owned(), reason: reason.to_owned() };
    let mut t = started(definition(SINGLE), 4);
    assert_eq!(send(&mut t, 1_100, cancel("")), Err("invalid"));
    assert_eq!(send(&mut t, 1_100, cancel("power is out")), Ok(vec![Effect::Cancelled]));
    assert_eq!(send(&mut t, 1_101, cancel("power is out")), Ok(vec![]), "a repeat");
    assert_eq!(send(&mut t, 1_101, start(8)), Err("too_late"));
    assert_eq!((t.next_deadline(), t.prizes_due()), (None, vec![]));
}

#[test]
fn anybody_can_read_where_winners_and_losers_go() {
    let t = started(definition(DOUBLE), 3);
    let view = t.view();
    let shape: Vec<_> =
        view.rounds.iter().map(|round| (round.stage, round.round, round.matches.len())).collect();
    let expected = [
        (Stage::Winners, 1, 2),
        (Stage::Winners, 2, 1),
        (Stage::Losers, 1, 1),
        (Stage::Losers, 2, 1),
        (Stage::GrandFinal, 1, 1),
        (Stage::GrandFinal, 2, 1),
    ];
    assert_eq!(shape, expected);
    assert_eq!(view.rounds[0].matches[0].slots[1], SlotView::Bye);
    let entrant = SlotView::Entrant { id: id(1), seed: t.matches()[0].seed(Side::First).expect("1") };
    assert_eq!(view.rounds[1].matches[0].slots, [entrant, SlotView::WinnerOf(MatchId(2))]);
    assert_eq!(
        view.rounds[3].matches[0].slots,
        [SlotView::LoserOf(MatchId(3)), SlotView::WinnerOf(MatchId(4))]
    );
    assert_eq!(view.rounds[0].matches[1].loser_to, Some(Target { match_id: MatchId(4), side: Side::Second }));
}

#[test]
fn an_admin_can_start_early_with_those_who_are_there() {
    let early = |reason: &str| Action::StartEarly { admin: "ann".to_owned(), reason: reason.to_owned() };
    let mut tournament =
        Tournament::new(Definition { check_in: Some(window(1_200, 3_000)), ..definition(SINGLE) }, 7)
            .expect("valid");
    let register = |number| Action::Register { entrant: id(number), rating: 0, request: request(number) };
    tournament.apply(at(200, register(1))).expect("open");
    let alone = tournament.apply(at(201, early("all here")));
    assert_eq!(alone, Err(Refused::NotYet("too few entrants are there")));
    tournament.apply(at(202, register(2))).expect("open");
    tournament.apply(at(203, register(3))).expect("open");
    let mut checked = tournament.clone();
    // Before check-in all who have registered are there.
    let effects = tournament.apply(at(204, early("all here"))).expect("two are there");
    assert_eq!(effects[0], Effect::Started { entrants: 3 });
    assert_eq!(tournament.apply(at(205, early("again"))), Ok(vec![]));
    // Once check-in is open, it counts.
    for number in 1..=2 {
        checked.apply(at(1_300, Action::CheckIn { entrant: id(number) })).expect("open");
    }
    let effects = checked.apply(at(1_301, early("all here"))).expect("two are there");
    assert_eq!(effects[0], Effect::Started { entrants: 2 });
    assert_eq!(checked.entrants()[&id(3)].presence, Presence::Absent);
    let mut cancelled = Tournament::new(definition(SINGLE), 7).expect("valid");
    let cancel = Action::Cancel { admin: "ann".to_owned(), reason: "rain".to_owned() };
    cancelled.apply(at(200, cancel)).expect("open");
    assert!(matches!(cancelled.apply(at(201, early("sun"))), Err(Refused::TooLate(_))));
    assert!(matches!(cancelled.apply(at(201, early(" "))), Err(Refused::Invalid(_))));
}

#[test]
fn who_is_disqualified_gets_no_prize_and_those_below_move_up() {
    let paid = |tournament: &Tournament| -> Vec<(u16, EntrantId, u64)> {
        let amount = |effect: Effect| match effect {
            Effect::PayPrize { position, entrant, amount, .. } => (position, entrant, amount),
            other => panic!("{other:?} is no payment"),
        };
        tournament.prizes_due().into_iter().map(amount).collect()
    };
    let out = |tournament: &mut Tournament, number: u64| {
        let action = Action::Disqualify { entrant: id(number) };
        assert_eq!(tournament.apply(at(1_200, action)), Ok(vec![]));
    };
    // Of four, 1 and 2 come to the final, and 2 loses it by a ruling that disqualifies.
    let mut cup = started(definition(SINGLE), 4);
    for _ in 0..2 {
        let (match_id, pair) = ready(&cup).expect("a semifinal");
        play(&mut cup, 1_100, match_id, pair[usize::from(pair[1] < pair[0])]);
    }
    let (match_id, _) = ready(&cup).expect("the final");
    let (admin, reason) = ("ann".to_owned(), "seen on video".to_owned());
    let rule =
        Action::Resolve { match_id, ruling: Ruling::Winner(id(1)), admin, reason, request: request(900) };
    let mut fair = cup.clone();
    fair.apply(at(1_200, rule.clone())).expect("it can be ruled");
    assert_eq!(paid(&fair), [(1, id(1), 100), (2, id(2), 50), (3, id(3), 13), (4, id(4), 12)]);
    out(&mut cup, 2);
    let effects = cup.apply(at(1_200, rule)).expect("it can be ruled");
    assert_eq!(paid(&cup), [(1, id(1), 100), (2, id(3), 38), (3, id(4), 37)], "they share what is left");
    assert_eq!(effects.iter().filter(|effect| matches!(effect, Effect::PayPrize { .. })).count(), 3);
    let last = cup.standings().pop().expect("four lines");
    assert_eq!((last.place, last.entrant, last.disqualified), (4, id(2), true));
    // After the end it changes nothing: prizes may be paid by now.
    out(&mut fair, 1);
    assert_eq!(paid(&fair)[0], (1, id(1), 100));
    // Who leaves of its own accord keeps its place.
    let mut left = started(definition(SINGLE), 2);
    left.apply(at(1_200, Action::Withdraw { entrant: id(2), request: request(901) })).expect("it takes part");
    assert_eq!(paid(&left), [(1, id(1), 100), (2, id(2), 50)]);
}
