//! How a game that is yet to be played may end. No rating changes here.

use super::normal::{cumulative, quantile};
use super::{PlackettLuce, Rating, RatingError, Strength};

impl PlackettLuce {
    /// The chance of each team to win, as OpenSkill has it: its chance against each other team alone, averaged
    /// and scaled so that all add up to 1. Ties count half.
    pub fn predict_win(&self, teams: &[Vec<Rating>]) -> Result<Vec<f64>, RatingError> {
        let (strengths, noise) = self.strengths_and_noise(teams)?;
        if strengths.len() == 1 {
            return Ok(vec![1.0]);
        }
        let chance = |(index, team): (usize, &Strength)| -> f64 {
            let rivals = strengths.iter().enumerate().filter(|(other, _)| *other != index);
            rivals.map(|(_, rival)| cumulative((team.mu - rival.mu) / deviation(team, rival, noise))).sum()
        };
        let chances: Vec<f64> = strengths.iter().enumerate().map(chance).collect();
        let total: f64 = chances.iter().sum();
        Ok(chances.into_iter().map(|chance| chance / total).collect())
    }

    /// The chance of a tie, as OpenSkill has it: the mean over all pairs of teams. It measures how even the
    /// teams are and is not calibrated to how often a game can end in a tie at all.
    pub fn predict_draw(&self, teams: &[Vec<Rating>]) -> Result<f64, RatingError> {
        let (strengths, noise) = self.strengths_and_noise(teams)?;
        let players: f64 = teams.iter().flatten().map(|_| 1.0).sum();
        let margin = noise.sqrt() * quantile(f64::midpoint(1.0, 1.0 / players));
        let (mut sum, mut pairs) = (0.0, 0.0);
        for (index, team) in strengths.iter().enumerate() {
            for rival in &strengths[index + 1..] {
                let (ahead, deviation) = (team.mu - rival.mu, deviation(team, rival, noise));
                sum += cumulative((margin - ahead) / deviation) - cumulative((-margin - ahead) / deviation);
                pairs += 1.0;
            }
        }
        Ok(if pairs > 0.0 { sum / pairs } else { 1.0 })
    }

    /// Each team's strength, and the variance that the performances of all players add.
    fn strengths_and_noise(&self, teams: &[Vec<Rating>]) -> Result<(Vec<Strength>, f64), RatingError> {
        let strengths = self.strengths(teams, &vec![0; teams.len()])?;
        let noise = teams.iter().flatten().map(|_| self.beta * self.beta).sum();
        Ok((strengths, noise))
    }
}

fn deviation(team: &Strength, rival: &Strength, noise: f64) -> f64 {
    (noise + team.variance + rival.variance).sqrt()
}
