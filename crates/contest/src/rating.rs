//! Skill ratings by OpenSkill's Plackett-Luce model: what the result of one game between teams says of its
//! players. Who played whom, and where ratings are kept, is not known here.

mod game;
mod normal;
mod predict;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::game::{Participant, Presence};

/// No mean and no deviation is beyond this: far over any real one, and far under where arithmetic breaks.
pub const RATING_LIMIT: f64 = 1e6;
/// Deviations stay above this, so that no one is so well known that nothing can be learnt again.
const SIGMA_MIN: f64 = 1e-6;

/// What is believed of a player's skill: a normal distribution. The unit is the model's own; a newcomer is at
/// 25 and most players end between 0 and 50.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedRating")]
pub struct Rating {
    mu: f64,
    sigma: f64,
}

/// A rating as it is read from outside.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedRating {
    mu: f64,
    sigma: f64,
}

/// Why nothing can be said of a game's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RatingError {
    /// A mean or a deviation that is no number, too large, or a deviation that is not positive.
    #[error("not a rating: mu within 1000000 of 0, sigma over 0 and up to 1000000")]
    NotARating,
    /// A parameter of the model that is no number or out of its range.
    #[error("not a model: beta over 0, kappa over 0 and up to 1, tau not under 0, none over 1000000")]
    NotAModel,
    /// A game needs a team.
    #[error("a game without teams")]
    NoTeams,
    /// The team at this place of the list has no player.
    #[error("team {0} has no player")]
    EmptyTeam(usize),
    /// Each team has one rank.
    #[error("{teams} teams and {ranks} ranks")]
    RanksDiffer {
        /// How many teams there are.
        teams: usize,
        /// How many ranks there are.
        ranks: usize,
    },
}

impl RatingError {
    /// A short name for metrics and logs.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NotARating => "not_a_rating",
            Self::NotAModel => "not_a_model",
            Self::NoTeams => "no_teams",
            Self::EmptyTeam(_) => "empty_team",
            Self::RanksDiffer { .. } => "ranks_differ",
        }
    }
}

impl Rating {
    /// A rating with mean `mu` and standard deviation `sigma`.
    pub fn new(mu: f64, sigma: f64) -> Result<Self, RatingError> {
        // Written so that NaN fails each comparison.
        let is_rating = mu.abs() <= RATING_LIMIT && sigma > 0.0 && sigma <= RATING_LIMIT;
        if is_rating { Ok(Self { mu, sigma }) } else { Err(RatingError::NotARating) }
    }

    /// The mean: how good the player is believed to be.
    #[must_use]
    pub const fn mu(self) -> f64 {
        self.mu
    }

    /// The standard deviation: how little that is known.
    #[must_use]
    pub const fn sigma(self) -> f64 {
        self.sigma
    }

    /// One number to show and to sort by, which 99.7 % of players like this one deserve: mu - 3 sigma.
    #[must_use]
    pub fn ordinal(self) -> f64 {
        self.mu - 3.0 * self.sigma
    }

    /// Arithmetic on ratings gives ratings: what leaves the range stays at its edge.
    fn clamped(mu: f64, sigma: f64) -> Self {
        Self { mu: mu.clamp(-RATING_LIMIT, RATING_LIMIT), sigma: sigma.clamp(SIGMA_MIN, RATING_LIMIT) }
    }
}

impl Default for Rating {
    /// A newcomer: 25 and 25/3.
    fn default() -> Self {
        Self { mu: 25.0, sigma: 25.0 / 3.0 }
    }
}

impl TryFrom<UncheckedRating> for Rating {
    type Error = RatingError;

    fn try_from(unchecked: UncheckedRating) -> Result<Self, RatingError> {
        Self::new(unchecked.mu, unchecked.sigma)
    }
}

/// The Plackett-Luce model of Weng and Lin, "A Bayesian approximation method for online ranking" (JMLR 12,
/// 2011), algorithm 4, with gamma = sigma_team / c as OpenSkill's reference implementations have it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlackettLuce {
    beta: f64,
    kappa: f64,
    tau: f64,
}

impl Default for PlackettLuce {
    /// OpenSkill's defaults for newcomers at 25: beta 25/6, kappa 0.0001, tau 25/300.
    fn default() -> Self {
        Self { beta: 25.0 / 6.0, kappa: 0.0001, tau: 25.0 / 300.0 }
    }
}

/// What the model keeps of a team.
#[derive(Debug, Clone, Copy)]
struct Strength {
    mu: f64,
    variance: f64,
    rank: u32,
}

impl PlackettLuce {
    /// A model: `beta` is how much a player's performance differs from game to game, `kappa` the least part of
    /// a variance that one game leaves, `tau` the deviation that is added before each game so that ratings
    /// can still move after many.
    pub fn new(beta: f64, kappa: f64, tau: f64) -> Result<Self, RatingError> {
        let is_model = beta > 0.0
            && beta <= RATING_LIMIT
            && kappa > 0.0
            && kappa <= 1.0
            && (0.0..=RATING_LIMIT).contains(&tau);
        if is_model { Ok(Self { beta, kappa, tau }) } else { Err(RatingError::NotAModel) }
    }

    /// The ratings after a game, in the order of `teams`. The lowest rank won; equal ranks are a tie. The time
    /// taken grows with the square of the number of teams.
    pub fn rate(&self, teams: &[Vec<Rating>], ranks: &[u32]) -> Result<Vec<Vec<Rating>>, RatingError> {
        if teams.len() != ranks.len() {
            return Err(RatingError::RanksDiffer { teams: teams.len(), ranks: ranks.len() });
        }
        let strengths = self.strengths(teams, ranks)?;
        if teams.len() == 1 {
            // A game against no one says nothing.
            return Ok(teams.to_vec());
        }
        let updates = self.updates(&strengths);
        let rated = teams.iter().zip(&strengths).zip(updates).map(|((team, strength), (omega, delta))| {
            let rate_player = |player: &Rating| {
                let variance = self.drifted(*player);
                let share = variance / strength.variance;
                let left = (1.0 - share * delta).max(self.kappa);
                Rating::clamped(player.mu + share * omega, (variance * left).sqrt())
            };
            team.iter().map(rate_player).collect()
        });
        Ok(rated.collect())
    }

    /// A player's variance before the game.
    fn drifted(&self, player: Rating) -> f64 {
        player.sigma * player.sigma + self.tau * self.tau
    }

    fn strengths(&self, teams: &[Vec<Rating>], ranks: &[u32]) -> Result<Vec<Strength>, RatingError> {
        if teams.is_empty() {
            return Err(RatingError::NoTeams);
        }
        if let Some(empty) = teams.iter().position(Vec::is_empty) {
            return Err(RatingError::EmptyTeam(empty));
        }
        let strength = |(team, rank): (&Vec<Rating>, &u32)| Strength {
            mu: team.iter().map(|player| player.mu).sum(),
            variance: team.iter().map(|player| self.drifted(*player)).sum(),
            rank: *rank,
        };
        Ok(teams.iter().zip(ranks).map(strength).collect())
    }

    /// How far each team's mean moves, and what part of its variance goes: omega and delta of the paper.
    fn updates(&self, teams: &[Strength]) -> Vec<(f64, f64)> {
        let c = teams.iter().map(|team| team.variance + self.beta * self.beta).sum::<f64>().sqrt();
        let places: Vec<Place> = teams.iter().map(|team| Place::of(team.rank, teams, c)).collect();
        let update = |(index, team): (usize, &Strength)| {
            let (mut omega, mut delta) = (0.0, 0.0);
            for (other, place) in
                teams.iter().zip(&places).enumerate().filter_map(|(other, (rival, place))| {
                    // A team takes part in the draw of its own place and of all places before it.
                    (rival.rank <= team.rank).then_some((other, place))
                })
            {
                let chance = (team.mu / c - place.log_sum).exp();
                omega += (if other == index { 1.0 - chance } else { -chance }) / place.tied;
                delta += chance * (1.0 - chance) / place.tied;
            }
            let gamma = team.variance.sqrt() / c;
            (omega * team.variance / c, gamma * delta * team.variance / (c * c))
        };
        teams.iter().enumerate().map(update).collect()
    }
}

/// The draw of one place: all who did not finish before it take part.
struct Place {
    /// The logarithm of the sum of exp(mu / c) over those who take part. As a logarithm, since exp itself
    /// overflows for ratings that are far apart.
    log_sum: f64,
    /// How many teams share the place.
    tied: f64,
}

impl Place {
    fn of(rank: u32, teams: &[Strength], c: f64) -> Self {
        let entrants = || teams.iter().filter(|team| team.rank >= rank).map(|team| team.mu / c);
        let highest = entrants().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = entrants().map(|strength| (strength - highest).exp()).sum();
        let tied = teams.iter().filter(|team| team.rank == rank).map(|_| 1.0).sum();
        Self { log_sum: highest + sum.ln(), tied }
    }
}
