//! What the coordinator does with changes that come twice, late or out of order, and with matches that come to nothing.

use domain::catalogue::Catalogue;

use super::*;

const BUDGET: u32 = 100_000;

fn at(millis: u64) -> UnixMillis {
    UnixMillis::new(1_000_000 + millis)
}

fn player(number: u128) -> OpenTicketPlayer {
    OpenTicketPlayer { character: CharacterId::from_u128(number), mu: 25.0, sigma: 8.0, roles: Vec::new() }
}

fn id(number: u128) -> MatchTicketId {
    MatchTicketId::from_u128(number)
}

/// A ticket of the character with the number of the ticket.
fn ticket(queue: &str, number: u128) -> OpenTicket {
    OpenTicket {
        id: id(number),
        queue: queue.parse().expect("a name"),
        players: vec![player(number)],
        round_trips_ms: [("local".to_owned(), 20)].into(),
        created_at: at(0),
        expires_at: at(60_000),
    }
}

fn opened(tickets: Vec<OpenTicket>) -> MatchmakingChanges {
    MatchmakingChanges { now: at(0), opened: tickets, closed: vec![], openings: vec![], next: None }
}

fn closed(tickets: &[u128]) -> MatchmakingChanges {
    MatchmakingChanges { closed: tickets.iter().map(|number| id(*number)).collect(), ..opened(vec![]) }
}

fn pool() -> MatchPool {
    let mut pool = MatchPool::default();
    pool.set_queues(Catalogue::builtin().queues);
    pool
}

fn step(pool: &mut MatchPool, millis: u64) -> Vec<Proposed> {
    pool.step(at(millis), BUDGET, || MatchId::from_u128(99))
}

fn settle(pool: &mut MatchPool, proposed: &Proposed, outcome: &FormOutcome) {
    pool.settle(proposed, outcome, at(0));
}

fn tickets_of(proposed: &Proposed) -> Vec<MatchTicketId> {
    let mut ids: Vec<_> = proposed.form.teams.iter().flat_map(|team| team.tickets.clone()).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn changes_that_come_again_change_nothing() {
    let mut pool = pool();
    for _ in 0..3 {
        pool.apply(opened(vec![ticket("duel", 1)]));
    }
    assert_eq!((pool.len(), step(&mut pool, 100).len()), (1, 0));
    pool.apply(closed(&[1]));
    pool.apply(closed(&[1, 7]));
    pool.apply(opened(vec![ticket("duel", 2)]));
    assert_eq!((pool.len(), step(&mut pool, 200).len()), (1, 0), "the cancelled one is not matched");
}

#[test]
fn a_cancellation_in_the_same_page_wins() {
    let mut pool = pool();
    let both =
        MatchmakingChanges { closed: vec![id(1)], ..opened(vec![ticket("duel", 1), ticket("duel", 2)]) };
    pool.apply(both);
    assert_eq!(pool.len(), 1);
}

#[test]
fn who_is_gone_leaves_the_others_waiting() {
    let mut pool = pool();
    pool.apply(opened((1..=2).map(|number| ticket("duel", number)).collect()));
    let proposed = step(&mut pool, 100);
    assert_eq!((tickets_of(&proposed[0]), pool.len()), (vec![id(1), id(2)], 0));
    settle(&mut pool, &proposed[0], &FormOutcome::Gone(vec![id(1)]));
    assert_eq!(pool.len(), 1);
    pool.apply(opened(vec![ticket("duel", 3)]));
    let proposed = step(&mut pool, 2_000);
    assert_eq!(tickets_of(&proposed[0]), [id(2), id(3)]);
    settle(&mut pool, &proposed[0], &FormOutcome::Unknown);
    assert_eq!(tickets_of(&step(&mut pool, 4_000)[0]), [id(2), id(3)], "asked again, since nothing is known");
}

#[test]
fn who_refuses_each_other_is_not_matched_again() {
    let mut pool = pool();
    pool.apply(opened((1..=2).map(|number| ticket("duel", number)).collect()));
    let proposed = step(&mut pool, 100);
    settle(&mut pool, &proposed[0], &FormOutcome::Blocked(vec![[id(1), id(2)]]));
    for millis in [5_000, 20_000, 50_000] {
        assert!(step(&mut pool, millis).is_empty());
    }
    let reports = pool.reports(at(50_000), 10);
    assert!(reports.iter().all(|told| told.wait.reason == "blocks"), "{reports:?}");
    assert_eq!(reports.len(), 2);
    assert!(pool.reports(at(50_001), 10).is_empty(), "told seldom");
    assert!(step(&mut pool, 60_000).is_empty() && pool.len() == 0, "they expire");
}

#[test]
fn a_player_whose_old_ticket_is_not_known_to_be_gone_is_not_lost() {
    let mut pool = pool();
    pool.apply(opened(vec![ticket("duel", 1)]));
    let again = OpenTicket { id: id(10), ..ticket("duel", 1) };
    pool.apply(opened(vec![again]));
    pool.apply(closed(&[1]));
    pool.apply(opened(vec![ticket("duel", 2)]));
    assert_eq!(tickets_of(&step(&mut pool, 100)[0]), [id(2), id(10)]);
}

#[test]
fn a_new_definition_takes_those_who_wait_along() {
    let mut pool = MatchPool::default();
    pool.apply(opened((1..=4).map(|number| ticket("duel", number)).collect()));
    assert!(step(&mut pool, 100).is_empty() && pool.len() == 4, "no queue is known yet");
    let mut queues = Catalogue::builtin().queues;
    pool.set_queues(queues.clone());
    queues[0].definition.teams = 4;
    pool.set_queues(queues);
    let proposed = step(&mut pool, 200);
    assert_eq!((proposed.len(), proposed[0].form.teams.len()), (1, 4));
}

#[test]
fn what_is_not_among_all_who_wait_is_forgotten() {
    let mut pool = pool();
    pool.apply(opened((1..=3).map(|number| ticket("arena", number)).collect()));
    let mut late = ticket("arena", 4);
    late.created_at = at(9_000);
    pool.apply(opened(vec![late]));
    pool.keep_only(&opened(vec![ticket("arena", 2)]), at(5_000));
    assert_eq!(pool.len(), 2, "the one that is there, and the one that may be too new to be seen");
}

/// Two against three, at this revision.
fn opening(revision: u64) -> MatchOpening {
    let team = |numbers: std::ops::Range<u128>, open_places: u8| OpenTeam {
        players: numbers.map(player).collect(),
        open_places,
        open_roles: Vec::new(),
    };
    MatchOpening {
        match_id: MatchId::from_u128(500),
        queue: "arena".parse().expect("a name"),
        instance: InstanceId::from_u128(500),
        region: "local".into(),
        revision,
        teams: vec![team(101..103, 1), team(103..106, 0)],
        since: at(0),
    }
}

#[test]
fn a_match_with_a_place_gets_a_player() {
    let mut pool = pool();
    pool.apply(MatchmakingChanges { openings: vec![opening(3)], ..opened(vec![ticket("arena", 1)]) });
    let proposed = step(&mut pool, 1_000);
    let form = &proposed[0].form;
    assert_eq!((form.match_id, form.joins), (MatchId::from_u128(500), Some(3)));
    assert_eq!((form.teams[0].tickets.clone(), form.teams[1].tickets.len()), (vec![id(1)], 0));
    // The match has changed: its next revision asks again, an old one does not.
    settle(&mut pool, &proposed[0], &FormOutcome::Changed);
    assert!(step(&mut pool, 2_000).is_empty());
    pool.apply(MatchmakingChanges { openings: vec![opening(4)], ..opened(vec![]) });
    pool.apply(MatchmakingChanges { openings: vec![opening(2)], ..opened(vec![]) });
    let proposed = step(&mut pool, 3_000);
    assert_eq!(proposed[0].form.joins, Some(4));
    // Somebody in it refuses this player: not this one again, but another.
    settle(&mut pool, &proposed[0], &FormOutcome::Blocked(vec![[id(1), id(1)]]));
    assert!(step(&mut pool, 4_000).is_empty());
    pool.apply(opened(vec![ticket("arena", 2)]));
    assert_eq!(tickets_of(&step(&mut pool, 5_000)[0]), [id(2)]);
}

#[test]
fn a_refused_match_is_not_proposed_again_at_once() {
    let mut pool = pool();
    pool.apply(opened((1..=2).map(|number| ticket("duel", number)).collect()));
    let proposed = step(&mut pool, 100);
    pool.settle(&proposed[0], &FormOutcome::Refused("the queue is gone".into()), at(100));
    pool.apply(opened((1..=2).map(|number| ticket("duel", number)).collect()));
    assert!(step(&mut pool, 10_099).is_empty() && pool.len() == 2, "they rest");
    pool.apply(opened((3..=4).map(|number| ticket("duel", number)).collect()));
    assert_eq!(tickets_of(&step(&mut pool, 10_099)[0]), [id(3), id(4)], "others do not");
    assert_eq!(tickets_of(&step(&mut pool, 10_100)[0]), [id(1), id(2)]);
}

#[test]
fn a_match_that_was_refused_players_waits_for_the_next_look() {
    let mut pool = pool();
    let all = MatchmakingChanges { openings: vec![opening(3)], ..opened(vec![ticket("arena", 1)]) };
    pool.apply(all.clone());
    let proposed = step(&mut pool, 1_000);
    pool.settle(&proposed[0], &FormOutcome::Refused("the queue is not played there".into()), at(1_000));
    let others = MatchmakingChanges { openings: vec![opening(3)], ..opened(vec![ticket("arena", 2)]) };
    pool.apply(others);
    assert!(step(&mut pool, 2_000).is_empty());
    pool.keep_only(&all, at(0));
    pool.apply(all);
    assert_eq!(tickets_of(&step(&mut pool, 3_000)[0]), [id(2)]);
}
