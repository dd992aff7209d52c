//! The rules of one match: no-shows, games, disputes and rulings.

use domain::time::UnixMillis;

use super::tests::{
    MATCH_MAX_MS, NO_SHOW_MS, REGISTRATION_ENDS, SINGLE, definition, id, instance, play, ready, request,
    started,
};
use super::tests_rules::{FIRST, send, start};
use super::*;

fn report(by: u64, game: u8, winner: u64) -> Action {
    Action::ReportGame { match_id: FIRST, instance: instance(by), game, winner: id(winner) }
}

fn resolve(ruling: Ruling, by: u64, reason: &str) -> Action {
    let (admin, reason) = ("ann".to_owned(), reason.to_owned());
    Action::Resolve { match_id: FIRST, ruling, admin, reason, request: request(by) }
}

fn dispute(number: u64, by: u64) -> Action {
    let reason = "they flew".to_owned();
    Action::Dispute { match_id: FIRST, entrant: id(number), reason, request: request(by) }
}

fn arrive(number: u64) -> Action {
    Action::Arrive { match_id: FIRST, attempt: 1, entrant: id(number) }
}

fn winner(tournament: &Tournament) -> Option<EntrantId> {
    tournament.view().rounds[0].matches[0].winner
}

#[test]
fn who_does_not_come_loses() {
    let due = REGISTRATION_ENDS + NO_SHOW_MS;
    for (format, here, expected) in [
        (SINGLE, vec![2], Some(id(2))),
        (SINGLE, vec![], Some(id(1))),
        (Format::RoundRobin { twice: false }, vec![2], Some(id(2))),
        (Format::RoundRobin { twice: false }, vec![], None),
    ] {
        let mut t = started(definition(format), 2);
        for number in &here {
            assert_eq!(send(&mut t, 1_001, arrive(*number)), Ok(vec![]));
        }
        assert_eq!(t.next_deadline(), Some(UnixMillis::new(due)));
        send(&mut t, due - 1, Action::Tick).expect("a tick");
        assert_eq!(t.phase(), Phase::Running);
        send(&mut t, due, Action::Tick).expect("a tick");
        assert_eq!((t.phase(), winner(&t)), (Phase::Finished, expected), "{format:?} {here:?}");
        assert_eq!(send(&mut t, due, arrive(1)).is_ok(), expected == Some(id(1)), "too late to come");
    }
    let mut t = started(definition(SINGLE), 2);
    for number in [1, 2] {
        assert_eq!(send(&mut t, 1_001, arrive(number)), Ok(vec![]));
    }
    assert_eq!(send(&mut t, 1_010, arrive(2)), Ok(vec![]), "a repeat");
    let overdue = 1_001 + MATCH_MAX_MS;
    assert_eq!(t.next_deadline(), Some(UnixMillis::new(overdue)), "a repeat puts nothing off");
    let effects = send(&mut t, overdue, Action::Tick).expect("a tick");
    assert_eq!(effects.iter().map(Effect::id).collect::<Vec<_>>(), [format!("match-1-overdue-1-{overdue}")]);
    assert_eq!((t.phase(), winner(&t), t.next_deadline()), (Phase::Running, None, None), "nobody lost by it");
    // An admin lets it go on: it is played again.
    send(&mut t, overdue, resolve(Ruling::Stand, 60, "no host had room")).expect("a ruling");
    assert_eq!(ready(&t).map(|(match_id, _)| match_id), Some(FIRST));
}

#[test]
fn a_match_that_gets_no_result_comes_before_an_admin() {
    let mut t = started(definition(SINGLE), 2);
    send(&mut t, 1_001, start(8)).expect("it begins");
    let mut due = 1_001 + MATCH_MAX_MS;
    for by in [60, 61] {
        assert_eq!(t.next_deadline(), Some(UnixMillis::new(due)));
        send(&mut t, due - 1, start(8)).expect("a repeat");
        let effects = send(&mut t, due, Action::Tick).expect("a tick");
        assert_eq!(effects[0].id(), format!("match-1-overdue-1-{due}"));
        assert_eq!(send(&mut t, due, report(8, 1, 1)), Err("not_yet"));
        // It goes on where it was, for as long again.
        send(&mut t, due + 5, resolve(Ruling::Stand, by, "they play still")).expect("a ruling");
        due += 5 + MATCH_MAX_MS;
    }
    send(&mut t, due - 1, report(8, 1, 2)).expect("a result");
    assert_eq!((t.phase(), winner(&t)), (Phase::Finished, Some(id(2))));
}

#[test]
fn games_decide_a_match() {
    let definition = Definition { best_of_final: 5, ..definition(SINGLE) };
    let mut t = started(definition, 2);
    assert_eq!(send(&mut t, 1_001, report(8, 1, 1)), Err("not_yet"));
    assert_eq!(
        send(&mut t, 1_001, Action::Start { match_id: MatchId(0), instance: instance(8) }),
        Err("unknown")
    );
    assert_eq!(send(&mut t, 1_001, start(8)), Ok(vec![]));
    assert_eq!(send(&mut t, 1_001, start(8)), Ok(vec![]), "a repeat");
    assert_eq!(send(&mut t, 1_001, start(9)), Err("conflict"));
    assert_eq!(send(&mut t, 1_002, report(8, 0, 1)), Err("invalid"));
    assert_eq!(send(&mut t, 1_002, report(8, 6, 1)), Err("invalid"));
    assert_eq!(send(&mut t, 1_002, report(8, 2, 1)), Err("not_yet"), "game 1 is missing");
    assert_eq!(send(&mut t, 1_002, report(8, 1, 3)), Err("unknown"));
    assert_eq!(send(&mut t, 1_002, report(9, 1, 1)), Err("conflict"), "not played there");
    assert_eq!(send(&mut t, 1_002, report(8, 1, 2)), Ok(vec![]));
    assert_eq!(send(&mut t, 1_003, report(8, 1, 2)), Ok(vec![]), "a repeat");
    assert_eq!(send(&mut t, 1_003, report(8, 1, 1)), Err("conflict"));
    // The instance is lost: its games stay, and the match goes on elsewhere.
    let lost = Action::LoseInstance { match_id: FIRST, instance: instance(8) };
    let effects = send(&mut t, 1_004, lost.clone()).expect("it was played there");
    assert_eq!(effects[0].id(), "match-1-ready-2");
    assert_eq!(send(&mut t, 1_004, start(8)), Ok(vec![]), "a late repeat does not start it again");
    assert_eq!(send(&mut t, 1_004, report(8, 2, 1)), Err("conflict"));
    assert_eq!(send(&mut t, 1_005, start(9)), Ok(vec![]));
    assert_eq!(send(&mut t, 1_005, lost), Ok(vec![]), "a late repeat does not stop it again");
    for (game, winner) in [(2, 1), (3, 2)] {
        assert_eq!(send(&mut t, 1_006, report(9, game, winner)), Ok(vec![]));
    }
    let ids: Vec<_> =
        send(&mut t, 1_007, report(9, 4, 2)).expect("it is played").iter().map(Effect::id).collect();
    let expected = ["match-1-decided-2", "match-1-final", "finished", "prize-1-gold", "prize-2-gold"];
    assert_eq!(ids, expected);
    assert_eq!(send(&mut t, 1_008, report(9, 4, 2)), Ok(vec![]), "a repeat");
    assert_eq!(send(&mut t, 1_008, report(9, 5, 2)), Err("conflict"));
    assert_eq!(t.view().rounds[0].matches[0].games, [1, 3]);
}

#[test]
fn nothing_follows_from_a_result_that_can_be_disputed() {
    let definition = Definition { dispute_window_ms: 100, ..definition(SINGLE) };
    let mut t = started(definition, 3);
    // The bye of 1 is final at once, and the final waits for 2 against 3, which is match 2.
    assert_eq!(ready(&t).map(|(match_id, _)| match_id), Some(MatchId(2)));
    play(&mut t, 1_100, MatchId(2), id(3));
    assert_eq!(ready(&t), None);
    send(&mut t, 1_199, Action::Tick).expect("a tick");
    assert_eq!(ready(&t), None);
    let mut late = t.clone();
    send(&mut late, 1_200, Action::Tick).expect("a tick");
    assert_eq!(ready(&late).map(|(_, pair)| pair), Some([id(1), id(3)]));
    let dispute = |by| Action::Dispute {
        match_id: MatchId(2),
        entrant: id(2),
        reason: "they flew".to_owned(),
        request: request(by),
    };
    assert_eq!(send(&mut late, 1_200, dispute(50)), Err("too_late"));
    assert_eq!(send(&mut t, 1_199, dispute(50)).map(|effects| effects.len()), Ok(1));
    assert_eq!(send(&mut t, 9_000, dispute(50)), Ok(vec![]), "a repeat; and time decides nothing");
    assert_eq!(ready(&t), None);
}

#[test]
fn an_admin_rules_with_a_reason() {
    let definition = Definition { dispute_window_ms: 100, best_of_final: 3, ..definition(SINGLE) };
    let mut t = started(definition, 2);
    assert_eq!(send(&mut t, 1_001, dispute(1, 50)), Err("not_yet"));
    assert_eq!(send(&mut t, 1_001, resolve(Ruling::Stand, 60, "why")), Err("invalid"));
    send(&mut t, 1_001, start(8)).expect("ready");
    send(&mut t, 1_001, report(8, 1, 1)).expect("played");
    assert_eq!(send(&mut t, 1_002, dispute(3, 50)), Err("unknown"));
    send(&mut t, 1_002, dispute(2, 50)).expect("it is played");
    assert_eq!(send(&mut t, 1_002, dispute(1, 50)), Err("conflict"), "the request of somebody else");
    assert_eq!(send(&mut t, 1_003, report(8, 2, 1)), Err("not_yet"));
    assert_eq!(send(&mut t, 1_003, resolve(Ruling::Stand, 60, "  ")), Err("invalid"));
    assert_eq!(send(&mut t, 1_003, resolve(Ruling::Winner(id(3)), 60, "why")), Err("unknown"));
    send(&mut t, 1_003, resolve(Ruling::Stand, 60, "no flying seen")).expect("disputed");
    assert_eq!(send(&mut t, 1_004, resolve(Ruling::Stand, 60, "no flying seen")), Ok(vec![]), "a repeat");
    assert_eq!(send(&mut t, 1_004, resolve(Ruling::Replay, 60, "no flying seen")), Err("conflict"));
    send(&mut t, 1_005, report(8, 2, 1)).expect("it goes on");
    send(&mut t, 1_006, dispute(2, 51)).expect("within the window");
    let replayed = send(&mut t, 1_007, resolve(Ruling::Replay, 61, "the host lagged")).expect("disputed");
    assert_eq!(replayed.iter().map(Effect::id).nth(1).as_deref(), Some("match-1-ready-2"));
    assert_eq!(send(&mut t, 1_008, report(8, 1, 1)), Err("conflict"), "of the games that count for nothing");
    send(&mut t, 1_009, start(9)).expect("ready");
    send(&mut t, 1_010, resolve(Ruling::Winner(id(2)), 62, "1 cheats")).expect("it is played");
    assert_eq!((t.phase(), winner(&t)), (Phase::Finished, Some(id(2))));
    assert_eq!(send(&mut t, 1_011, resolve(Ruling::Winner(id(1)), 63, "sorry")), Err("too_late"));
    let audit = t.matches()[0].rulings.iter().map(|entry| (entry.at.as_millis(), entry.reason.as_str()));
    assert_eq!(
        audit.collect::<Vec<_>>(),
        [(1_003, "no flying seen"), (1_007, "the host lagged"), (1_010, "1 cheats")]
    );
}

#[test]
fn a_disputed_match_that_stands_is_lost_by_who_has_left() {
    let mut t = started(definition(SINGLE), 2);
    send(&mut t, 1_001, start(8)).expect("ready");
    send(&mut t, 1_002, dispute(2, 50)).expect("it is played");
    let withdraw = Action::Withdraw { entrant: id(1), request: request(51) };
    assert_eq!(send(&mut t, 1_003, withdraw), Ok(vec![]), "first an admin rules");
    send(&mut t, 1_004, resolve(Ruling::Stand, 60, "no flying seen")).expect("disputed");
    assert_eq!((t.phase(), winner(&t)), (Phase::Finished, Some(id(2))));
}

#[test]
fn a_round_of_a_table_waits_for_the_one_before() {
    let mut t = started(definition(Format::RoundRobin { twice: false }), 4);
    for (now, round) in (1_001..).zip([1, 1, 2, 2, 3, 3]) {
        let open = t.matches().iter().filter(|f| matches!(f.state, State::Ready { .. }));
        assert!(open.map(|f| f.round).eq(vec![round; if now % 2 == 1 { 2 } else { 1 }]), "at {now}");
        let (match_id, pair) = ready(&t).expect("it goes on");
        play(&mut t, now, match_id, pair[0]);
    }
}

#[test]
fn a_dispute_keeps_what_it_is_about() {
    let definition = Definition { dispute_window_ms: 100, ..definition(SINGLE) };
    let mut t = started(definition, 2);
    send(&mut t, 1_001, start(8)).expect("ready");
    let mut lost = t.clone();
    send(&mut t, 1_002, report(8, 1, 2)).expect("it is played");
    send(&mut t, 1_003, dispute(1, 50)).expect("within the window");
    send(&mut t, 1_004, dispute(2, 51)).expect("both may speak");
    for by in 52..55 {
        send(&mut t, 1_004, dispute(1, by)).expect("there is room");
    }
    assert_eq!(send(&mut t, 1_004, dispute(1, 55)), Err("full"));
    send(&mut t, 1_004, dispute(2, 56)).expect("one does not use up the word of the other");
    send(&mut t, 1_005, resolve(Ruling::Stand, 60, "no flying seen")).expect("disputed");
    assert_eq!((t.phase(), winner(&t)), (Phase::Finished, Some(id(2))));

    // The instance ends while the admin thinks: the match needs another one.
    send(&mut lost, 1_003, dispute(1, 50)).expect("it is played");
    let gone = Action::LoseInstance { match_id: FIRST, instance: instance(8) };
    assert_eq!(send(&mut lost, 1_004, gone), Ok(vec![]));
    let effects = send(&mut lost, 1_005, resolve(Ruling::Stand, 60, "no flying seen")).expect("disputed");
    assert_eq!(effects.iter().map(Effect::id).nth(1).as_deref(), Some("match-1-ready-2"));
}

#[test]
fn a_walkover_is_an_unplayed_match_in_swiss_tie_breaks() {
    // 1 wins against 3 by walkover and against 2; 2 against 4; 3 against 4.
    let mut t = started(definition(Format::Swiss { rounds: 2 }), 4);
    let forfeit = Action::Forfeit { match_id: FIRST, attempt: 1, entrant: id(3) };
    send(&mut t, 1_001, forfeit).expect("ready");
    while let Some((match_id, pair)) = ready(&t) {
        play(&mut t, 1_100, match_id, pair[0].min(pair[1]));
    }
    let line = t.standings()[0].score;
    assert_eq!((line.points, line.buchholz, line.sonneborn_berger), (2, 2 + 1, 2 + 1));
}
