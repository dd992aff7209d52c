//! What must hold for each match, checked from the tickets alone.

use std::collections::{BTreeMap, BTreeSet};

use domain::time::UnixMillis;

use crate::matching::{Match, MatchTeam, MatchTicketId, QueueDefinition, Ticket};

/// The tickets that wait, as the matcher's owner knows them.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) tickets: BTreeMap<MatchTicketId, Ticket>,
}

pub(super) fn mean_mu(ticket: &Ticket) -> f64 {
    let count: f64 = ticket.players.iter().map(|_| 1.0).sum();
    ticket.players.iter().map(|player| player.rating.mu()).sum::<f64>() / count
}

fn window(queue: &QueueDefinition, ticket: &Ticket, now: UnixMillis) -> f64 {
    let waited = f64::from(u32::try_from(now.millis_since(ticket.created_at)).unwrap()) / 1e3;
    let grown = queue.rating_window_start + queue.rating_window_widening_per_second * waited;
    grown.min(queue.rating_window_max)
}

impl Waiting {
    /// Takes the match's tickets out, after looking at all that a new match promises.
    pub(super) fn take(&mut self, queue: &QueueDefinition, made: &Match, now: UnixMillis) -> Vec<Ticket> {
        let ids = made.teams.iter().flat_map(|team| &team.tickets);
        let tickets: Vec<Ticket> =
            ids.map(|id| self.tickets.remove(id).expect("each ticket waits, and is matched once")).collect();
        if made.instance.is_none() {
            assert_eq!(made.teams.len(), usize::from(queue.teams));
            check_sizes(queue, made);
            check_windows(queue, &tickets, now);
        }
        check_parties(made, &tickets);
        check_roles(queue, made, &tickets);
        check_blocks(&tickets);
        check_region(queue, made, &tickets);
        tickets
    }
}

fn check_sizes(queue: &QueueDefinition, made: &Match) {
    let sizes: Vec<usize> = made.teams.iter().map(|team| team.players.len()).collect();
    let (smallest, largest) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
    assert!(*smallest >= usize::from(queue.team_players_min), "{sizes:?}");
    assert!(*largest <= usize::from(queue.team_players_max), "{sizes:?}");
    assert!(largest - smallest <= usize::from(queue.team_players_difference_max), "{sizes:?}");
}

fn check_windows(queue: &QueueDefinition, tickets: &[Ticket], now: UnixMillis) {
    for one in tickets {
        for other in tickets {
            let distance = (mean_mu(one) - mean_mu(other)).abs();
            assert!(distance <= window(queue, one, now) + 1e-5, "{one:?} {other:?}");
        }
    }
}

fn check_parties(made: &Match, tickets: &[Ticket]) {
    for team in &made.teams {
        let members = tickets.iter().filter(|ticket| team.tickets.contains(&ticket.id));
        let expected: BTreeSet<_> =
            members.flat_map(|ticket| ticket.players.iter().map(|it| it.id)).collect();
        let found: BTreeSet<_> = team.players.iter().map(|player| player.id).collect();
        assert_eq!(expected, found);
        assert_eq!(found.len(), team.players.len());
    }
    let waits: BTreeSet<_> = made.explanation.waits_ms.iter().map(|(id, _)| *id).collect();
    assert_eq!(waits, tickets.iter().map(|ticket| ticket.id).collect());
    assert!((0.0..=1.0).contains(&made.explanation.quality));
}

fn check_roles(queue: &QueueDefinition, made: &Match, tickets: &[Ticket]) {
    let players: BTreeMap<_, _> =
        tickets.iter().flat_map(|ticket| ticket.players.iter().map(|player| (player.id, player))).collect();
    let count = |team: &MatchTeam, role: &str| {
        team.players.iter().filter(|player| player.role.as_deref() == Some(role)).count()
    };
    for team in &made.teams {
        for role in queue.roles.iter().filter(|_| made.instance.is_none()) {
            assert_eq!(count(team, &role.role), usize::from(role.count), "{made:?}");
        }
        for (role, player) in team.players.iter().filter_map(|it| Some((it.role.as_ref()?, players[&it.id])))
        {
            assert!(player.roles.is_empty() || player.roles.contains(role), "{player:?} as {role}");
        }
    }
}

fn check_blocks(tickets: &[Ticket]) {
    for one in tickets {
        for other in tickets.iter().filter(|other| other.id != one.id) {
            assert!(other.players.iter().all(|player| !one.blocks.contains(&player.id)), "{one:?} {other:?}");
        }
    }
}

fn check_region(queue: &QueueDefinition, made: &Match, tickets: &[Ticket]) {
    let worst = |region: &String| {
        let only = (queue.regions.len() == 1).then_some(queue.round_trip_ms_max);
        let known = tickets.iter().map(|ticket| ticket.round_trips.get(region).copied().or(only));
        known.collect::<Option<Vec<u32>>>().and_then(|known| known.into_iter().max())
    };
    let own = worst(&made.region).expect("the region is known to all");
    assert_eq!(own, made.explanation.worst_round_trip_ms);
    assert!(own <= queue.round_trip_ms_max);
    if made.instance.is_none() {
        let best = queue.regions.iter().filter_map(worst).min();
        assert_eq!(best, Some(own), "no other region is better");
    }
}
