//! How many matches those who come could make at most. Who accepts whom is not known here.

use crate::matching::{QueueDefinition, ROLES_MAX, Ticket};

/// Who came, counted by what they can take.
#[derive(Debug, Clone)]
pub struct Supply {
    definition: QueueDefinition,
    /// For each set of roles, the players who can take one of it.
    able: [u64; 1 << ROLES_MAX],
    players: u64,
}

impl Supply {
    /// Nobody yet, for matches of this queue.
    #[must_use]
    pub fn new(definition: QueueDefinition) -> Self {
        Self { definition, able: [0; 1 << ROLES_MAX], players: 0 }
    }

    /// Counts those of the ticket.
    pub fn add(&mut self, ticket: &Ticket) {
        for player in &ticket.players {
            self.players += 1;
            let takes = |name: &String| player.roles.is_empty() || player.roles.contains(name);
            let roles = self.definition.roles.iter().enumerate();
            let set: usize = roles.filter(|(_, role)| takes(&role.role)).map(|(index, _)| 1 << index).sum();
            let sets = self.able.iter_mut().enumerate().filter(|(other, _)| other & set != 0);
            sets.for_each(|(_, able)| *able += 1);
        }
    }

    /// No more matches than this, however they are chosen: there are players for no more, nor for the places of any
    /// set of roles (Hall's theorem). That parties stay together, and who is near whom, can only make them fewer.
    #[must_use]
    pub fn matches_max(&self) -> u64 {
        let roles = &self.definition.roles;
        let places = |set: usize| {
            let members = roles.iter().enumerate().filter(|(index, _)| set >> index & 1 == 1);
            u64::from(self.definition.teams) * members.map(|(_, role)| u64::from(role.count)).sum::<u64>()
        };
        let by_roles = (1..1 << roles.len()).map(|set| self.able[set] / places(set));
        by_roles.fold(self.players / u64::from(self.definition.players_min()), u64::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::sample::{at, role_queue, ticket};

    #[test]
    fn the_scarcest_set_of_roles_is_the_limit() {
        let mut supply = Supply::new(role_queue());
        let mut add = |count: u32, roles: &[&str]| {
            for _ in 0..count {
                let mut ticket = ticket(1, &[25.0], at(0));
                ticket.players[0].roles = roles.iter().map(|role| (*role).to_owned()).collect();
                supply.add(&ticket);
            }
            supply.matches_max()
        };
        assert_eq!(add(30, &["damage"]), 0);
        // Three who take both roles are enough for one match, not for two of either.
        assert_eq!(add(4, &["tank", "healer"]), 1);
        assert_eq!(add(4, &["tank"]), 2);
        // There are tanks for four by now, and healers for six, but damage is for five and players for four.
        assert_eq!(add(8, &["healer"]), 4);
        assert_eq!(add(9, &[]), 5);
    }
}
