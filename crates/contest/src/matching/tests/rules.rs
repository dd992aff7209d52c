//! Single rules: what is refused, who is served first, what is explained.

use domain::ids::InstanceId;

use crate::matching::sample::{BUDGET, at, player_id, queue, role, role_queue, ticket};
use crate::matching::{
    BackfillRequest, BackfillTeam, InsertError, MatchTicketId, Matcher, QueueDefinition, QueueError, Ticket,
    WaitReason,
};
use crate::rating::Rating;

fn matcher(definition: QueueDefinition, tickets: &[Ticket]) -> Matcher {
    let mut matcher = Matcher::new(definition).unwrap();
    for ticket in tickets {
        matcher.insert(ticket.clone()).unwrap();
    }
    matcher
}

fn with_roles(mut ticket: Ticket, roles: &[&str]) -> Ticket {
    for (player, role) in ticket.players.iter_mut().zip(roles) {
        player.roles = vec![(*role).to_owned()];
    }
    ticket
}

fn reason(matcher: &Matcher, number: u128, millis: u64) -> WaitReason {
    matcher.explain(MatchTicketId::from_u128(number), at(millis)).unwrap().reason
}

fn instance(number: u128) -> InstanceId {
    InstanceId::from_u128(number)
}

/// An instance in `fra` of one against two, all at 25.
fn request(number: u128, created_ms: u64) -> BackfillRequest {
    let team = |players: usize, open_places: u8| BackfillTeam {
        ratings: vec![Rating::default(); players],
        open_places,
        open_roles: Vec::new(),
    };
    BackfillRequest {
        instance: instance(number),
        region: "fra".to_owned(),
        teams: vec![team(1, 1), team(2, 0)],
        players: vec![player_id(90_001), player_id(90_002), player_id(90_003)],
        blocks: Vec::new(),
        created_at: at(created_ms),
    }
}

#[test]
fn definitions_report_all_faults() {
    let bad = QueueDefinition {
        teams: 0,
        roles: vec![role("tank", 0)],
        regions: Vec::new(),
        rating_window_max: f64::NAN,
        ..queue(2, 5)
    };
    let faults = [QueueError::Sizes, QueueError::Roles, QueueError::Regions, QueueError::Window];
    assert_eq!(Matcher::new(bad).unwrap_err(), faults);
    let twice = QueueDefinition { roles: vec![role("tank", 1), role("tank", 1)], ..queue(2, 5) };
    assert_eq!(twice.faults(), [QueueError::Roles]);
}

#[test]
fn rubbish_is_refused() {
    let mut matcher = matcher(role_queue(), &[ticket(1, &[25.0], at(0))]);
    assert_eq!(matcher.insert(ticket(1, &[25.0], at(0))), Err(InsertError::Waiting));
    assert_eq!(matcher.insert(ticket(2, &[], at(0))), Err(InsertError::PartySize(5)));
    assert_eq!(matcher.insert(ticket(2, &[25.0; 6], at(0))), Err(InsertError::PartySize(5)));
    let thief = with_roles(ticket(2, &[25.0], at(0)), &["thief"]);
    assert_eq!(matcher.insert(thief), Err(InsertError::UnknownRole("thief".to_owned())));
    let again = Ticket { id: MatchTicketId::from_u128(2), ..ticket(1, &[25.0], at(0)) };
    assert_eq!(matcher.insert(again), Err(InsertError::PlayerWaiting(player_id(100))));
    let many = Ticket { blocks: (0..2_000).map(player_id).collect(), ..ticket(2, &[25.0], at(0)) };
    assert_eq!(matcher.insert(many), Err(InsertError::TooManyBlocks));
    assert!(!matcher.cancel(MatchTicketId::from_u128(2)) && !matcher.cancel_backfill(instance(1)));
    let far = BackfillRequest { region: "mars".to_owned(), ..request(1, 0) };
    assert_eq!(matcher.insert_backfill(far), Err(InsertError::UnknownRegion("mars".to_owned())));
    let mut full = request(1, 0);
    full.teams[0].open_places = 0;
    assert_eq!(matcher.insert_backfill(full), Err(InsertError::BackfillTeams));
    let mut closed = Matcher::new(QueueDefinition { allows_backfill: false, ..queue(2, 2) }).unwrap();
    assert_eq!(closed.insert_backfill(request(1, 0)), Err(InsertError::NoBackfill));
}

#[test]
fn parties_that_fit_no_team_are_refused() {
    let party = |roles: &[&str]| with_roles(ticket(1, &vec![25.0; roles.len()], at(0)), roles);
    let insert = |roles: &[&str]| Matcher::new(role_queue()).unwrap().insert(party(roles));
    for fits in [&["tank", "healer", "damage", "damage", "damage"][..], &["damage"; 3], &["tank", "healer"]] {
        assert_eq!(insert(fits), Ok(()), "{fits:?}");
    }
    let lack = |places, lacking, roles: &str| {
        Err(InsertError::PartyRoles { places, lacking, roles: roles.to_owned() })
    };
    assert_eq!(insert(&["tank", "tank"]), lack(3, 4, "1 healer, 3 damage"));
    assert_eq!(insert(&["healer", "damage", "healer"]), lack(2, 3, "1 tank, 2 damage"));
    assert_eq!(insert(&["damage"; 4]), lack(1, 2, "1 tank, 1 healer"));
    // One of them who would heal too makes room; so does a place for anyone.
    let mut flexible = party(&["damage"; 4]);
    flexible.players[3].roles.push("healer".to_owned());
    Matcher::new(role_queue()).unwrap().insert(flexible).unwrap();
    let loose = QueueDefinition { team_players_max: 6, ..role_queue() };
    Matcher::new(loose).unwrap().insert(party(&["damage"; 4])).unwrap();
}

#[test]
fn the_nearest_meet_and_windows_widen_for_both() {
    let far = [ticket(1, &[20.0], at(0)), ticket(2, &[24.0], at(0)), ticket(3, &[24.5], at(0))];
    let mut matcher = matcher(queue(2, 1), &far);
    let made = matcher.step(at(0), BUDGET);
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].teams[0].tickets, [MatchTicketId::from_u128(3)]);
    assert_eq!(made[0].teams[1].tickets, [MatchTicketId::from_u128(2)]);
    // The waiting one would accept 4 further after 10 s, but who comes then accepts 1.
    matcher.insert(ticket(4, &[24.0], at(20_000))).unwrap();
    assert_eq!(matcher.step(at(20_000), BUDGET), []);
    assert_eq!(reason(&matcher, 1, 20_000), WaitReason::TooFewInWindow);
    let made = matcher.step(at(31_000), BUDGET);
    assert_eq!(
        made[0].explanation.waits_ms,
        [(MatchTicketId::from_u128(1), 31_000), (MatchTicketId::from_u128(4), 11_000)]
    );
}

#[test]
fn teams_are_balanced_with_parties_kept_together() {
    let party = ticket(1, &[27.0, 26.0], at(0));
    let solos = [
        ticket(2, &[25.0], at(0)),
        ticket(3, &[26.0], at(0)),
        ticket(4, &[25.0], at(0)),
        ticket(5, &[25.0], at(0)),
    ];
    let mut matcher = matcher(queue(2, 3), &[&[party][..], &solos].concat());
    let made = matcher.step(at(20_000), BUDGET);
    let with_party =
        made[0].teams.iter().find(|team| team.tickets.contains(&MatchTicketId::from_u128(1))).unwrap();
    assert_eq!(with_party.players.len(), 3);
    assert!((made[0].explanation.spread - 2.0 / 3.0).abs() < 1e-5, "{:?}", made[0].explanation);
}

#[test]
fn a_missing_round_trip_is_unknown_and_not_short() {
    let mut one = ticket(1, &[25.0], at(0));
    let mut two = ticket(2, &[25.0], at(0));
    one.round_trips = [("fra".to_owned(), 10), ("iad".to_owned(), 90)].into();
    two.round_trips = [("sgp".to_owned(), 10), ("iad".to_owned(), 80)].into();
    let made = matcher(queue(2, 1), &[one.clone(), two.clone()]).step(at(0), BUDGET);
    assert_eq!((made[0].region.as_str(), made[0].explanation.worst_round_trip_ms), ("iad", 90));
    two.round_trips.remove("iad");
    let mut apart = matcher(queue(2, 1), &[one, two]);
    assert_eq!(apart.step(at(0), BUDGET), []);
    assert_eq!(reason(&apart, 1, 0), WaitReason::NoCommonRegion);
    let slow = Ticket { round_trips: [("fra".to_owned(), 121)].into(), ..ticket(3, &[25.0], at(0)) };
    apart.insert(slow).unwrap();
    assert_eq!(reason(&apart, 3, 0), WaitReason::NoRegion);
}

#[test]
fn the_only_region_of_a_queue_need_not_be_measured() {
    let mut only = queue(2, 1);
    only.regions.truncate(1);
    let unmeasured = |number| Ticket { round_trips: [].into(), ..ticket(number, &[25.0], at(0)) };
    let made = matcher(only.clone(), &[unmeasured(1), unmeasured(2)]).step(at(0), BUDGET);
    assert_eq!(made[0].explanation.worst_round_trip_ms, only.round_trip_ms_max, "unknown is not short");
    // One that was measured and is too long is not unknown.
    let far = Ticket { round_trips: [(only.regions[0].clone(), 121)].into(), ..unmeasured(1) };
    let mut apart = matcher(only, &[far, unmeasured(2)]);
    assert_eq!(apart.step(at(0), BUDGET), []);
    assert_eq!(reason(&apart, 1, 0), WaitReason::NoRegion);
    // Of several regions, one that nobody has measured is no choice.
    let mut several = matcher(queue(2, 1), &[unmeasured(1), unmeasured(2)]);
    assert_eq!(several.step(at(600_000), BUDGET), []);
    assert_eq!(reason(&several, 1, 600_000), WaitReason::NoRegion);
}

#[test]
fn blocks_hold_on_both_sides() {
    let one = Ticket { blocks: vec![player_id(200)], ..ticket(1, &[25.0], at(0)) };
    let mut matcher = matcher(queue(2, 1), &[one, ticket(2, &[25.0], at(0))]);
    assert_eq!(matcher.step(at(0), BUDGET), []);
    assert_eq!(reason(&matcher, 1, 0), WaitReason::Blocks);
    assert_eq!(reason(&matcher, 2, 0), WaitReason::Blocks);
    // Both find another, which a search that stops at the first blocked one would miss.
    matcher.insert(ticket(3, &[24.5], at(0))).unwrap();
    matcher.insert(ticket(4, &[25.5], at(0))).unwrap();
    assert_eq!(matcher.step(at(2_000), BUDGET).len(), 2);
}

#[test]
fn a_blocked_member_is_left_out_when_that_makes_a_match() {
    // Around 1, the nearest is 2, whom 3 and 4 refuse: without 2 there is a match.
    let refuse = |number: u32| Ticket { blocks: vec![player_id(200)], ..ticket(number, &[25.5], at(0)) };
    let tickets = [ticket(1, &[25.0], at(0)), ticket(2, &[25.1], at(0)), refuse(3), refuse(4)];
    let made = matcher(queue(3, 1), &tickets).step(at(0), BUDGET);
    assert_eq!(made.len(), 1);
    assert!(made[0].explanation.waits_ms.iter().all(|(id, _)| *id != MatchTicketId::from_u128(2)));
}

#[test]
fn roles_make_teams() {
    let definition = QueueDefinition { roles: vec![role("tank", 1), role("healer", 1)], ..queue(2, 2) };
    let solo = |number: u32, role: &str| with_roles(ticket(number, &[25.0], at(0)), &[role]);
    let mut matcher =
        matcher(definition, &[solo(1, "tank"), solo(2, "tank"), solo(3, "tank"), solo(4, "healer")]);
    assert_eq!(matcher.step(at(0), BUDGET), []);
    assert_eq!(reason(&matcher, 1, 0), WaitReason::Roles);
    matcher.insert(ticket(5, &[25.0], at(1_000))).unwrap();
    assert_eq!(reason(&matcher, 1, 1_000), WaitReason::Ready);
    let made = matcher.step(at(1_000), BUDGET);
    let flexible = made[0].teams.iter().flat_map(|team| &team.players).find(|it| it.id == player_id(500));
    assert_eq!(flexible.and_then(|player| player.role.as_deref()), Some("healer"));
    assert_eq!(matcher.len(), 1);
}

#[test]
fn large_parties_do_not_keep_others_waiting() {
    // 3 + 3 leave a hole of 2 in each team of 5 that no one here fills, but 3 + 1 + 1 makes a team.
    let parties = [3, 3, 3, 1, 1, 1, 1].iter().zip(1..);
    let tickets: Vec<Ticket> =
        parties.map(|(size, number)| ticket(number, &vec![25.0; *size], at(0))).collect();
    let made = matcher(queue(2, 5), &tickets).step(at(0), BUDGET);
    assert_eq!(made.len(), 1);
    assert!(made[0].teams.iter().all(|team| team.players.len() == 5));
}

#[test]
fn backfills_that_have_waited_longer_go_first() {
    for (created_ms, gets_one) in [(0, true), (900, false)] {
        let tickets = [ticket(1, &[25.0], at(500)), ticket(2, &[25.0], at(600))];
        let mut matcher = matcher(queue(2, 1), &tickets);
        matcher.insert_backfill(request(7, created_ms)).unwrap();
        assert_eq!(matcher.insert_backfill(request(7, 0)), Err(InsertError::Waiting));
        let made = matcher.step(at(1_000), BUDGET);
        assert_eq!(made[0].instance.is_some(), gets_one);
        assert_eq!(matcher.len(), usize::from(gets_one));
        assert_eq!(matcher.cancel_backfill(instance(7)), !gets_one);
    }
}

#[test]
fn backfills_fill_in_parts_and_keep_roles_and_blocks() {
    let definition = QueueDefinition { roles: vec![role("tank", 1)], ..queue(2, 2) };
    let mut asks = request(7, 0);
    asks.teams[0].ratings.clear();
    asks.teams[0].open_places = 2;
    asks.teams[0].open_roles = vec![role("tank", 1)];
    asks.blocks = vec![player_id(100)];
    asks.teams[1].ratings.truncate(1);
    let any = |number: u32| Ticket {
        round_trips: [("fra".to_owned(), 20)].into(),
        ..ticket(number, &[25.0], at(0))
    };
    let tank = |number: u32| {
        let mut ticket = any(number);
        ticket.players[0].roles = vec!["tank".to_owned()];
        ticket
    };
    // Refused by the instance; a tank; and a second tank for the place that anyone may take.
    let mut matcher = matcher(definition, &[any(1)]);
    matcher.insert_backfill(asks).unwrap();
    assert_eq!(matcher.step(at(0), BUDGET), []);
    matcher.insert(tank(2)).unwrap();
    let made = matcher.step(at(1_000), BUDGET);
    assert_eq!(made[0].instance, Some(instance(7)));
    assert_eq!(made[0].teams[0].players[0].role.as_deref(), Some("tank"));
    assert_eq!(made[0].teams[1].players, []);
    matcher.insert(tank(3)).unwrap();
    let made = matcher.step(at(2_000), BUDGET);
    assert_eq!(made[0].teams[0].players[0].role, None);
    assert!(!matcher.cancel_backfill(instance(7)), "it is full");
    assert_eq!(matcher.len(), 1, "the refused one waits");
}
