//! What follows from who comes, leaves and joins.

use super::*;

const MINUTE: u64 = 60_000;

fn at(millis: u64) -> UnixMillis {
    UnixMillis::new(1_000_000 + millis)
}

fn id(number: u128) -> CharacterId {
    CharacterId::from_u128(number)
}

fn seat(number: u128, role: Option<&str>, since: u64) -> Seat {
    Seat {
        character: id(number),
        account: AccountId::from_u128(number),
        ticket: MatchTicketId::from_u128(number),
        role: role.map(str::to_owned),
        mu: 25.0,
        sigma: 8.0,
        state: SeatState::Expected,
        since: at(since),
        is_late: false,
    }
}

/// Two against two, a healer in each team.
fn roster(allows_backfill: bool) -> Roster {
    let team = |first: u128| Team {
        places: 2,
        seats: vec![seat(first, Some("healer"), 0), seat(first + 1, None, 0)],
    };
    Roster {
        id: MatchId::from_u128(7),
        queue: "pairs".parse().expect("a name"),
        region: "fra".into(),
        rules: Rules {
            zone: "arena".parse().expect("a name"),
            home: "fra".into(),
            no_show_millis: 30_000,
            match_millis: 60 * MINUTE,
            allows_backfill,
            roles: vec![RoleCount { role: "healer".into(), count: 1 }],
        },
        stage: Stage::Placing,
        teams: vec![team(1), team(3)],
        quality: 0.5,
        spread: 0.0,
        range: 0.0,
        worst_round_trip_ms: 10,
        created_at: at(0),
        opening_since: None,
    }
}

fn account(number: u128) -> (AccountId, MatchTicketId) {
    (AccountId::from_u128(number), MatchTicketId::from_u128(number))
}

#[test]
fn who_does_not_come_in_time_is_replaced() {
    let mut match_ = roster(true);
    assert_eq!(match_.due_at(), Some(at(0)), "it needs an instance");
    match_.open(at(2_000));
    assert_eq!((match_.due_at(), match_.opening(1)), (Some(at(32_000)), None));
    let present = BTreeSet::from([id(2), id(3), id(4)]);
    assert_eq!(match_.count_in(&present, at(31_999)), [], "not yet");
    assert_eq!(match_.count_in(&present, at(32_000)), [id(1)]);
    assert_eq!(match_.due_at(), Some(at(60 * MINUTE)), "nobody is expected any more: its end is next");
    let opening = match_.opening(4).expect("a place is open");
    assert_eq!((opening.since, opening.revision), (at(32_000), 4));
    let places: Vec<_> = opening.teams.iter().map(|team| team.open_places).collect();
    assert_eq!(places, [1, 0]);
    assert_eq!(opening.teams[0].open_roles, [RoleCount { role: "healer".into(), count: 1 }]);
    assert!(opening.teams[1].open_roles.is_empty());
    let joins = Seat { is_late: true, ..seat(9, Some("healer"), 40_000) };
    assert!(!match_.clone().join(vec![vec![], vec![joins.clone()]], at(40_000)), "that team is full");
    assert!(match_.join(vec![vec![joins], vec![]], at(40_000)));
    assert_eq!((match_.opening(5), match_.due_at()), (None, Some(at(70_000))));
    assert_eq!(match_.characters(), [id(2), id(9), id(3), id(4)]);
}

#[test]
fn who_gives_a_place_up_has_none() {
    let mut match_ = roster(true);
    let (own, ticket) = account(2);
    assert!(!match_.give_up(own, MatchTicketId::from_u128(1), at(10)), "not its ticket");
    assert!(match_.give_up(own, ticket, at(10)));
    assert!(!match_.give_up(own, ticket, at(11)), "once");
    assert_eq!(match_.opening(1), None, "there is no instance to join yet");
    match_.open(at(20));
    assert_eq!(match_.opening(1).map(|opening| opening.since), Some(at(20)));
    assert!(match_.seat_of(own, ticket).is_some_and(|(team, seat)| team == 0 && !seat.is_held()));
}

#[test]
fn who_comes_back_has_one_place() {
    let mut match_ = roster(true);
    match_.open(at(0));
    let (own, ticket) = account(1);
    match_.give_up(own, ticket, at(10));
    let back = Seat { ticket: MatchTicketId::from_u128(50), ..seat(1, None, 20) };
    assert!(match_.join(vec![vec![back], vec![]], at(20)));
    assert_eq!(match_.seats().filter(|seat| seat.character == id(1)).count(), 1);
    // In the other team as well.
    match_.give_up(own, MatchTicketId::from_u128(50), at(30));
    let (other, ticket) = account(4);
    match_.give_up(other, ticket, at(30));
    let back = Seat { ticket: MatchTicketId::from_u128(51), ..seat(1, None, 40) };
    assert!(match_.join(vec![vec![], vec![back]], at(40)));
    assert_eq!(match_.seats().filter(|seat| seat.character == id(1)).count(), 1);
    assert_eq!(match_.characters(), [id(2), id(3), id(1)]);
}

#[test]
fn who_has_come_and_given_up_has_played() {
    let mut match_ = roster(false);
    match_.open(at(0));
    for number in [1, 2] {
        let (own, ticket) = account(number);
        match_.give_up(own, ticket, at(10_000));
    }
    match_.count_in(&BTreeSet::from([id(2), id(3), id(4)]), at(30_000));
    assert!(!match_.is_void(&BTreeSet::from([id(2), id(3), id(4)])), "one of them came");
    assert!(match_.is_void(&BTreeSet::from([id(3), id(4)])), "there was nobody to play against");
}

#[test]
fn a_match_without_rivals_is_void() {
    for (allows_backfill, is_void) in [(false, true), (true, false)] {
        let mut match_ = roster(allows_backfill);
        match_.open(at(0));
        let come = BTreeSet::from([id(1)]);
        match_.count_in(&come, at(40_000));
        assert_eq!(match_.is_void(&come), is_void);
        let (own, ticket) = account(1);
        match_.give_up(own, ticket, at(50_000));
        assert!(match_.is_void(&come));
        assert_eq!(match_.opening(1), None, "nobody is left to join");
    }
}

#[test]
fn a_match_ends_by_itself() {
    let mut match_ = roster(true);
    assert!(!match_.is_over(at(60 * MINUTE - 1)) && match_.is_over(at(60 * MINUTE)));
    match_.open(at(0));
    let (own, ticket) = account(1);
    match_.give_up(own, ticket, at(10));
    assert!(match_.opening(1).is_some());
    match_.end();
    assert_eq!((match_.opening(2), match_.due_at(), match_.is_over(at(20))), (None, None, true));
}
