//! Random streams: each match keeps all promises, nobody starves, and the same stream gives the same matches.

use domain::random::Random;

use super::check::{Waiting, mean_mu};
use crate::matching::sample::{BUDGET, Kind, MIXED, ROLES, SOLO, Stream, at, queue, role, role_queue};
use crate::matching::{InsertError, Match, Matcher, QueueDefinition, Ticket, WaitReason};

/// Tickets that come for a minute, some of them cancelled; then another two minutes without any.
fn run(
    seed: u64,
    definition: &QueueDefinition,
    kind: Kind,
    per_second: u32,
) -> (Vec<Match>, Matcher, Waiting) {
    println!("seed {seed}");
    let mut matcher = Matcher::new(definition.clone()).unwrap();
    let mut stream = Stream::new(seed, kind);
    let mut random = Random::of_stream(seed, 1);
    let mut waiting = Waiting::default();
    let mut matches = Vec::new();
    for second in 0..180 {
        let now = at(second * 1_000);
        for _ in 0..if second < 60 { per_second } else { 0 } {
            let ticket = stream.next(now);
            match matcher.insert(ticket.clone()) {
                Err(InsertError::PartyRoles { .. }) => continue,
                inserted => inserted.unwrap(),
            }
            waiting.tickets.insert(ticket.id, ticket);
        }
        if random.below(3) == 0
            && let Some(id) = waiting.tickets.keys().nth(random.below(50) as usize).copied()
        {
            assert!(matcher.cancel(id) && !matcher.cancel(id) && !matcher.contains(id));
            waiting.tickets.remove(&id);
        }
        for made in matcher.step(now, BUDGET) {
            waiting.take(definition, &made, now);
            matches.push(made);
        }
        assert_eq!(matcher.len(), waiting.tickets.len());
    }
    (matches, matcher, waiting)
}

#[test]
fn all_matches_keep_all_promises() {
    let loose = QueueDefinition {
        team_players_min: 2,
        team_players_max: 4,
        team_players_difference_max: 1,
        ..queue(3, 4)
    };
    let partly = QueueDefinition {
        roles: ["tank", "healer", "damage"].map(|name| role(name, 1)).to_vec(),
        ..queue(2, 4)
    };
    for seed in 0..4 {
        for (definition, kind) in
            [(queue(2, 5), MIXED), (role_queue(), ROLES), (loose.clone(), MIXED), (partly.clone(), ROLES)]
        {
            let (matches, matcher, waiting) = run(seed, &definition, kind, 10);
            assert!(matches.len() > 10, "{} matches", matches.len());
            for id in waiting.tickets.keys() {
                let explained = matcher.explain(*id, at(200_000)).unwrap();
                assert_ne!(explained.reason, WaitReason::Ready, "{explained:?}");
            }
        }
    }
}

/// Among solo players of one region, whoever still waits at the end has too few others within the window.
#[test]
fn nobody_starves() {
    for seed in 0..6 {
        for (teams, players) in [(2, 1), (2, 3), (5, 1)] {
            let definition = QueueDefinition {
                regions: vec!["fra".to_owned()],
                round_trip_ms_max: 1_000,
                ..queue(teams, players)
            };
            let (matches, _, waiting) = run(seed, &definition, SOLO, 3);
            assert!(!matches.is_empty());
            let mut left: Vec<f64> = waiting.tickets.values().map(mean_mu).collect();
            left.sort_by(f64::total_cmp);
            let starved = left
                .windows(usize::from(teams * players))
                .find(|group| group[group.len() - 1] - group[0] <= definition.rating_window_max - 1e-5);
            assert_eq!(starved, None, "{left:?}");
        }
    }
}

/// The same with roles: whoever still waits lacks others within the window, or one of the roles among them.
#[test]
fn nobody_starves_for_a_role_that_is_there() {
    let definition = QueueDefinition {
        regions: vec!["fra".to_owned()],
        round_trip_ms_max: 1_000,
        roles: vec![role("tank", 1), role("healer", 1), role("damage", 1)],
        ..queue(2, 3)
    };
    for (seed, shares) in (0..6).zip([(33, 33), (10, 20), (20, 70)].into_iter().cycle()) {
        let (matches, _, waiting) = run(seed, &definition, Kind { roles: Some(shares), ..SOLO }, 4);
        assert!(matches.len() > 5, "{} matches", matches.len());
        let mut left: Vec<&Ticket> = waiting.tickets.values().collect();
        left.sort_by(|one, other| mean_mu(one).total_cmp(&mean_mu(other)));
        for first in 0..left.len() {
            let reach = mean_mu(left[first]) + definition.rating_window_max - 1e-5;
            let near: Vec<_> = left[first..].iter().take_while(|it| mean_mu(it) <= reach).collect();
            // A match has two of each role, and each player takes one (Hall's theorem).
            let of = |names: &[&str]| {
                let takes = |ticket: &Ticket| {
                    ticket.players[0].roles.iter().any(|role| names.contains(&role.as_str()))
                };
                near.iter().filter(|ticket| takes(ticket)).count()
            };
            let sets = [
                &["tank"][..],
                &["healer"],
                &["damage"],
                &["tank", "healer"],
                &["tank", "damage"],
                &["healer", "damage"],
                &["tank", "healer", "damage"],
            ];
            assert!(sets.iter().any(|names| of(names) < 2 * names.len()), "seed {seed}: {near:?}");
        }
    }
}

#[test]
fn the_same_stream_gives_the_same_matches() {
    let first = run(7, &role_queue(), ROLES, 20).0;
    assert_eq!(first, run(7, &role_queue(), ROLES, 20).0);
    // Nor does it matter in which order tickets come between two steps.
    let mut stream = Stream::new(8, SOLO);
    let tickets: Vec<Ticket> = (0..200).map(|_| stream.next(at(0))).collect();
    let matches_of = |tickets: Vec<Ticket>| {
        let mut matcher = Matcher::new(queue(2, 2)).unwrap();
        for ticket in tickets {
            matcher.insert(ticket).unwrap();
        }
        matcher.step(at(5_000), BUDGET)
    };
    let forwards = matches_of(tickets.clone());
    assert!(forwards.len() > 20);
    assert_eq!(forwards, matches_of(tickets.into_iter().rev().collect()));
}

/// With a budget far too small for one step, all still get their turn.
#[test]
fn a_small_budget_only_delays() {
    let mut matcher = Matcher::new(queue(2, 1)).unwrap();
    let mut stream = Stream::new(9, SOLO);
    (0..300).for_each(|_| matcher.insert(stream.next(at(0))).unwrap());
    assert_eq!(matcher.step(at(0), 0), []);
    let made: usize = (0..2_000).map(|step| matcher.step(at(step * 100), 50).len()).sum();
    assert!(made > 120, "{made}");
}
