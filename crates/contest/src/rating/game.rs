//! What one game says of those who took part in it, when some came late or left early. Where ratings are kept is
//! not known here.

use super::{PlackettLuce, Rating, RatingError};

/// How much of a game a player played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// From the start, or so early that it counts, to the end.
    Whole,
    /// Left before the end: rated as if the team had come last, so that leaving never saves a rating.
    LeftEarly,
    /// Filled the place of another while the game ran: counts for the team's strength, and keeps its rating, since
    /// it did not begin what it is judged by.
    CameLate,
}

/// One who took part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Participant {
    /// The rating before the game.
    pub rating: Rating,
    /// How much of it was played.
    pub presence: Presence,
}

impl PlackettLuce {
    /// The ratings after a game, in the order of `teams`; none where the game changes nothing. The lowest rank won;
    /// equal ranks are a tie. Teams of nobody do not count, and with fewer than two others nothing changes.
    pub fn rate_game(
        &self,
        teams: &[Vec<Participant>],
        ranks: &[u32],
    ) -> Result<Vec<Vec<Option<Rating>>>, RatingError> {
        if teams.len() != ranks.len() {
            return Err(RatingError::RanksDiffer { teams: teams.len(), ranks: ranks.len() });
        }
        let mut after: Vec<Vec<Option<Rating>>> = teams.iter().map(|team| vec![None; team.len()]).collect();
        let played: Vec<usize> = (0..teams.len()).filter(|team| !teams[*team].is_empty()).collect();
        if played.len() < 2 {
            return Ok(after);
        }
        let before: Vec<Vec<Rating>> = played
            .iter()
            .map(|team| teams[*team].iter().map(|participant| participant.rating).collect())
            .collect();
        let ranks: Vec<u32> = played.iter().map(|team| ranks[*team]).collect();
        let rated = self.rate(&before, &ranks)?;
        for (place, team) in played.iter().enumerate() {
            let has_left = teams[*team].iter().any(|participant| participant.presence == Presence::LeftEarly);
            let as_last = if has_left { Some(self.rate(&before, &with_last(&ranks, place))?) } else { None };
            for (index, participant) in teams[*team].iter().enumerate() {
                after[*team][index] = match participant.presence {
                    Presence::Whole => Some(rated[place][index]),
                    Presence::LeftEarly => as_last.as_ref().map(|rated| rated[place][index]),
                    Presence::CameLate => None,
                };
            }
        }
        Ok(after)
    }
}

/// The ranks by their order, with this team alone at the end.
fn with_last(ranks: &[u32], last: usize) -> Vec<u32> {
    let place = |rank: u32| u32::try_from(ranks.iter().filter(|other| **other < rank).count());
    let place = |rank: u32| place(rank).unwrap_or(u32::MAX - 1);
    ranks.iter().enumerate().map(|(team, rank)| if team == last { u32::MAX } else { place(*rank) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn team(presences: &[Presence]) -> Vec<Participant> {
        presences
            .iter()
            .map(|presence| Participant { rating: Rating::default(), presence: *presence })
            .collect()
    }

    #[test]
    fn who_plays_the_whole_game_is_rated_as_published() {
        let teams = [team(&[Presence::Whole; 2]), team(&[Presence::Whole; 2])];
        let after = PlackettLuce::default().rate_game(&teams, &[1, 2]).unwrap();
        let winner = after[0][1].unwrap();
        assert!((winner.mu() - 26.964_294_621_803_063).abs() < 1e-9);
        assert!((winner.sigma() - 8.177_962_604_389_991).abs() < 1e-9);
        assert!((after[1][0].unwrap().mu() - 23.035_705_378_196_937).abs() < 1e-9);
    }

    #[test]
    fn who_leaves_loses_and_who_fills_in_keeps() {
        let model = PlackettLuce::default();
        let teams =
            [team(&[Presence::Whole, Presence::LeftEarly, Presence::CameLate]), team(&[Presence::Whole; 3])];
        for ranks in [[1, 2], [2, 1], [1, 1], [0, u32::MAX]] {
            let after = model.rate_game(&teams, &ranks).unwrap();
            assert!(after[0][1].unwrap().mu() < 25.0, "{ranks:?}");
            assert_eq!(after[0][2], None);
            let lost = model.rate_game(&teams, &[2, 1]).unwrap()[0][1];
            assert_eq!(after[0][1], lost, "leaving is losing, whoever wins");
        }
    }

    #[test]
    fn a_game_against_nobody_says_nothing() {
        let model = PlackettLuce::default();
        let alone = [team(&[Presence::Whole]), Vec::new()];
        assert_eq!(model.rate_game(&alone, &[1, 2]).unwrap(), [vec![None], vec![]]);
        let three = [team(&[Presence::Whole]), Vec::new(), team(&[Presence::Whole])];
        let after = model.rate_game(&three, &[3, 1, 2]).unwrap();
        assert!(after[2][0].unwrap().mu() > 25.0 && after[1].is_empty());
        assert_eq!(model.rate_game(&three, &[1]), Err(RatingError::RanksDiffer { teams: 3, ranks: 1 }));
    }
}
