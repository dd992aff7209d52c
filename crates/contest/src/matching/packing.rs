//! Parties into teams: all places and roles as demanded, and the teams as even as can be found in a bounded
//! search. Who may play with whom is not known here.

use super::queue::{Micro, TEAMS_MAX};
use super::roles::Roles;
use super::ticket::{Party, Space};

/// A party to be placed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) size: u8,
    /// The sum of its players' mu.
    pub(super) strength: Micro,
    pub(super) roles: &'a [Roles],
}

impl<'a> Piece<'a> {
    pub(super) fn of(party: &'a Party) -> Self {
        Self { size: party.size, strength: party.strength, roles: &party.roles }
    }
}

/// What is asked of a packing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// All have a place, and what lacks can still be filled. Any such packing will do.
    Room,
    /// As `Room`, with teams as even as can be found.
    Filled,
    /// As `Filled`, with nothing lacking: teams of at least so many, and of sizes at most so far apart.
    Match { team_players_min: u8, difference_max: u8 },
}

/// Which team each party is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packing {
    /// In the order of the parties.
    pub(super) team_of: Vec<u8>,
    /// The mean mu of the strongest team over that of the weakest.
    pub(super) spread: Micro,
}

/// Packs the parties, larger and stronger ones first, each into the team that has had the fewest and weakest
/// so far; then tries other ways, up to `nodes` placements in all. With 8 parties or fewer and 512 nodes, the
/// result is the best there is.
pub(super) fn pack(spaces: &[Space], pieces: &[Piece<'_>], goal: Goal, nodes: u32) -> Option<Packing> {
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    order.sort_by_key(|index| {
        let piece = &pieces[*index];
        (u8::MAX - piece.size, -piece.strength, *index)
    });
    let mut search = Search {
        spaces: spaces.to_vec(),
        joined: vec![0; spaces.len()],
        pieces,
        order,
        team_of: vec![0; pieces.len()],
        unplaced: pieces.iter().map(|piece| u16::from(piece.size)).sum(),
        goal,
        nodes,
        best: None,
    };
    search.place(0);
    search.best
}

struct Search<'a> {
    spaces: Vec<Space>,
    /// Players that joined each team.
    joined: Vec<u8>,
    pieces: &'a [Piece<'a>],
    order: Vec<usize>,
    team_of: Vec<u8>,
    /// Players that have no team yet.
    unplaced: u16,
    goal: Goal,
    nodes: u32,
    best: Option<Packing>,
}

impl Search<'_> {
    fn place(&mut self, depth: usize) {
        let Some(&index) = self.order.get(depth) else {
            return self.keep_if_best();
        };
        let piece = self.pieces[index];
        let (teams, count) = self.teams_by_need();
        let mut was_empty = false;
        for team in teams[..count].iter().copied() {
            if self.is_done() {
                return;
            }
            let space = &self.spaces[usize::from(team)];
            // Empty teams of a new match are alike: what fails in one fails in all.
            let is_empty = space.present == 0 && matches!(self.goal, Goal::Match { .. });
            if space.open < piece.size || is_empty && was_empty {
                continue;
            }
            was_empty |= is_empty;
            self.nodes -= 1;
            self.join(team, piece);
            let space = &self.spaces[usize::from(team)];
            if space.tally.lack(&space.needs, 1) <= u16::from(space.open) && self.can_reach_least() {
                self.team_of[index] = team;
                self.place(depth + 1);
            }
            self.part(team, piece);
        }
    }

    fn is_done(&self) -> bool {
        let is_good = |best: &Packing| self.goal == Goal::Room || best.spread == 0;
        self.nodes == 0 || self.best.as_ref().is_some_and(is_good)
    }

    /// The teams, those with the fewest and weakest first.
    fn teams_by_need(&self) -> ([u8; TEAMS_MAX as usize], usize) {
        let mut teams = [0; TEAMS_MAX as usize];
        let count = self.spaces.len().min(teams.len());
        for (team, slot) in (0_u8..).zip(&mut teams[..count]) {
            *slot = team;
        }
        teams[..count].sort_unstable_by_key(|team| {
            let space = &self.spaces[usize::from(*team)];
            (space.present, space.strength, *team)
        });
        (teams, count)
    }

    fn join(&mut self, team: u8, piece: Piece<'_>) {
        let space = &mut self.spaces[usize::from(team)];
        space.open -= piece.size;
        space.present += piece.size;
        space.strength += piece.strength;
        piece.roles.iter().for_each(|player| space.tally.add(*player));
        self.joined[usize::from(team)] += piece.size;
        self.unplaced -= u16::from(piece.size);
    }

    fn part(&mut self, team: u8, piece: Piece<'_>) {
        let space = &mut self.spaces[usize::from(team)];
        space.open += piece.size;
        space.present -= piece.size;
        space.strength -= piece.strength;
        piece.roles.iter().for_each(|player| space.tally.remove(*player));
        self.joined[usize::from(team)] -= piece.size;
        self.unplaced += u16::from(piece.size);
    }

    /// Whether those without a team are enough for the smallest teams.
    fn can_reach_least(&self) -> bool {
        let Goal::Match { team_players_min: least, .. } = self.goal else { return true };
        let missing = self.joined.iter().map(|joined| u16::from(least.saturating_sub(*joined)));
        missing.sum::<u16>() <= self.unplaced
    }

    fn is_goal(&self) -> bool {
        let Goal::Match { team_players_min, difference_max } = self.goal else { return true };
        let smallest = self.joined.iter().copied().min().unwrap_or(0);
        let largest = self.joined.iter().copied().max().unwrap_or(0);
        smallest >= team_players_min
            && largest - smallest <= difference_max
            && self.spaces.iter().all(|space| space.tally.lack(&space.needs, 1) == 0)
    }

    fn keep_if_best(&mut self) {
        if !self.is_goal() {
            return;
        }
        let spread = spread(self.spaces.iter().map(|space| (space.strength, space.present)));
        if self.best.as_ref().is_none_or(|best| spread < best.spread) {
            self.best = Some(Packing { team_of: self.team_of.clone(), spread });
        }
    }
}

/// The mean of the strongest team over that of the weakest; teams of nobody do not count.
fn spread(teams: impl Iterator<Item = (Micro, u8)>) -> Micro {
    let means = teams.filter(|(_, players)| *players > 0);
    let means = means.map(|(strength, players)| strength / Micro::from(players));
    let (lowest, highest) =
        means.fold((Micro::MAX, Micro::MIN), |(low, high), mean| (low.min(mean), high.max(mean)));
    highest.saturating_sub(lowest).max(0)
}
