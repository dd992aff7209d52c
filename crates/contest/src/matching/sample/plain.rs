//! A plain first-in-first-out matcher, to compare with.

use crate::matching::{QueueDefinition, Ticket};

/// Candidates looked at for one match: enough for any, and few enough for many who find none.
const LOOKED_AT_MAX: usize = 2_000;

/// The oldest first, each with the next oldest that has room and a region in common; ratings do not count.
pub fn first_in_first_out(waiting: &mut Vec<Ticket>, queue: &QueueDefinition) -> Vec<Vec<Vec<Ticket>>> {
    let mut matches = Vec::new();
    let mut first = 0;
    while first < waiting.len() {
        let mut teams = vec![Vec::new(); usize::from(queue.teams)];
        let mut open = vec![usize::from(queue.team_players_max); teams.len()];
        let mut regions: Vec<&String> = queue.regions.iter().collect();
        for (index, ticket) in waiting.iter().enumerate().skip(first).take(LOOKED_AT_MAX) {
            let plays = |region: &&String| ticket.round_trip(queue, region).is_some();
            let common: Vec<&String> = regions.iter().copied().filter(plays).collect();
            let team = (0..teams.len()).max_by_key(|team| (open[*team], teams.len() - team));
            let Some(team) = team.filter(|team| open[*team] >= ticket.players.len()) else { continue };
            if !common.is_empty() {
                regions = common;
                open[team] -= ticket.players.len();
                teams[team].push(index);
            }
            if open.iter().all(|open| *open == 0) {
                break;
            }
        }
        if open.iter().any(|open| *open > 0) {
            first += 1;
            continue;
        }
        let take = |team: &Vec<usize>| team.iter().map(|index| waiting[*index].clone()).collect();
        matches.push(teams.iter().map(take).collect());
        let mut index = 0;
        waiting.retain(|_| {
            index += 1;
            !teams.iter().flatten().any(|taken| *taken == index - 1)
        });
    }
    matches
}
