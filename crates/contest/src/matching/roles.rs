//! Which roles a team still lacks, by Hall's theorem, and who takes which role. Nothing else of players is
//! known here.

use super::queue::ROLES_MAX;

/// A set of roles, one bit each.
pub(super) type Roles = u8;

const SETS: usize = 1 << ROLES_MAX;

/// How many players of a team each role needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Needs {
    counts: [u8; ROLES_MAX],
    roles: usize,
    /// For each set of roles, the sum of their counts.
    sums: [u16; SETS],
}

impl Needs {
    pub(super) fn of_counts(list: impl Iterator<Item = u8>) -> Self {
        let mut counts = [0; ROLES_MAX];
        let mut roles = 0;
        for (count, slot) in list.zip(&mut counts) {
            *slot = count;
            roles += 1;
        }
        let mut sums = [0; SETS];
        for (set, sum) in sums.iter_mut().enumerate() {
            let members = counts.iter().enumerate().filter(|(role, _)| set >> role & 1 == 1);
            *sum = members.map(|(_, count)| u16::from(*count)).sum();
        }
        Self { counts, roles, sums }
    }

    /// What is left when these roles are filled.
    pub(super) fn without(&self, filled: &[Option<usize>]) -> Self {
        let mut counts = self.counts;
        for role in filled.iter().flatten() {
            counts[*role] = counts[*role].saturating_sub(1);
        }
        Self::of_counts(counts.into_iter().take(self.roles))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.total() == 0
    }

    /// How many players they are together.
    pub(super) fn total(&self) -> u16 {
        self.sums[SETS - 1]
    }

    /// How many players each role needs, in the order of the roles.
    pub(super) fn counts(&self) -> impl Iterator<Item = u8> {
        self.counts.into_iter().take(self.roles)
    }
}

/// For each set of roles, how many of the players can take one of the set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tally {
    able: [u8; SETS],
    sets: usize,
}

impl Tally {
    /// A tally of nobody, for the roles that have needs.
    pub(super) fn new(needs: &Needs) -> Self {
        Self { able: [0; SETS], sets: if needs.is_empty() { 1 } else { 1 << needs.roles } }
    }

    pub(super) fn add(&mut self, player: Roles) {
        self.shift(player, 1);
    }

    pub(super) fn remove(&mut self, player: Roles) {
        self.shift(player, u8::MAX);
    }

    /// Adds modulo 256, so that adding 255 takes one away.
    fn shift(&mut self, player: Roles, by: u8) {
        for (set, able) in self.able[..self.sets].iter_mut().enumerate() {
            if set & usize::from(player) != 0 {
                *able = able.wrapping_add(by);
            }
        }
    }

    /// How many places of so many teams stay empty however the players are placed: the largest lack over all
    /// sets of roles (Hall's theorem in its deficiency form).
    pub(super) fn lack(&self, needs: &Needs, teams: u16) -> u16 {
        self.lack_of(Roles::MAX, needs, teams)
    }

    /// The same for the places of these roles alone.
    pub(super) fn lack_of(&self, roles: Roles, needs: &Needs, teams: u16) -> u16 {
        let sets = (0..self.sets).filter(|set| set & !usize::from(roles) == 0);
        let lack = |set: usize| (needs.sums[set] * teams).saturating_sub(u16::from(self.able[set]));
        sets.map(lack).max().unwrap_or(0)
    }
}

/// Gives roles to as many of the players as the needs allow, each player one; the others get none. Augmenting
/// paths (Kuhn), in the order of the players.
pub(super) fn assign(needs: &Needs, players: &[Roles]) -> Vec<Option<usize>> {
    let places: Vec<usize> =
        needs.counts.iter().enumerate().flat_map(|(role, count)| vec![role; usize::from(*count)]).collect();
    let mut holders: Vec<Option<usize>> = vec![None; places.len()];
    for player in 0..players.len() {
        let mut seen = vec![false; places.len()];
        seat(player, players, &places, &mut holders, &mut seen);
    }
    let mut roles = vec![None; players.len()];
    for (holder, role) in holders.iter().zip(&places) {
        if let Some(player) = holder {
            roles[*player] = Some(*role);
        }
    }
    roles
}

fn seat(
    player: usize,
    players: &[Roles],
    places: &[usize],
    holders: &mut [Option<usize>],
    seen: &mut [bool],
) -> bool {
    for place in 0..places.len() {
        if seen[place] || players[player] >> places[place] & 1 == 0 {
            continue;
        }
        seen[place] = true;
        let is_free = holders[place].is_none_or(|holder| seat(holder, players, places, holders, seen));
        if is_free {
            holders[place] = Some(player);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_flexible_make_room_for_the_narrow() {
        let needs = Needs::of_counts([1, 1].into_iter());
        assert_eq!(assign(&needs, &[0b11, 0b01]), [Some(1), Some(0)]);
        assert_eq!(assign(&needs, &[0b01, 0b01, 0]), [Some(0), None, None]);
    }

    proptest! {
        #[test]
        fn what_lacks_is_what_cannot_be_assigned(
            counts in prop::collection::vec(0..3_u8, 1..=ROLES_MAX),
            players in prop::collection::vec(0..64_u8, 0..10),
        ) {
            let needs = Needs::of_counts(counts.iter().copied());
            let all: Roles = (1 << counts.len()) - 1;
            let players: Vec<Roles> = players.iter().map(|player| player & all).collect();
            let mut tally = Tally::new(&needs);
            for player in &players {
                tally.add(*player);
            }
            tally.add(all);
            tally.remove(all);
            let filled = assign(&needs, &players).iter().flatten().count();
            prop_assert_eq!(usize::from(tally.lack(&needs, 1)), usize::from(needs.total()) - filled);
        }
    }
}
