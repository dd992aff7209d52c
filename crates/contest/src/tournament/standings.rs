//! Places: of brackets by when one lost for the last time, of tables by points and tie-breaks.

use serde::{Deserialize, Serialize};

use super::definition::{Format, Prize};
use super::event::Effect;
use super::fixture::{How, Match, Stage};
use super::names::{EntrantId, Seed, Side};
use super::swiss::is_unplayed;
use super::{Phase, Tournament};

/// One line of the standings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The place, from 1. Who cannot be told apart by results share the best place among them.
    pub place: u16,
    /// The line, from 1: a place that nobody shares, where the better seed comes first.
    pub position: u16,
    /// Who.
    pub entrant: EntrantId,
    /// The rank that the entrant started with.
    pub seed: Seed,
    /// How well.
    pub score: Score,
    /// Whether it was disqualified: then it stands below all who were not, and gets no prize.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disqualified: bool,
}

/// What places depend on. Of two, who is larger in the first field in which they differ stands higher.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Score {
    /// In brackets, the round of the last loss; 65,534 for that of a grand final, 65,535 without one.
    pub reached: u16,
    /// In tables, matches won; a bye is one.
    pub points: u16,
    /// In round robin, points from the matches among those with as many points.
    pub head_to_head: u16,
    /// In Swiss, the sum of the points of all opponents. For byes and walkovers, an opponent with as many
    /// points as oneself (FIDE Handbook C.07, article 16, without its corrections of opponents' scores).
    pub buchholz: u16,
    /// In tables, the sum of the points of those whom one has beaten, with the same rule.
    pub sonneborn_berger: u16,
    /// In tables, games won less games lost.
    pub game_difference: i16,
}

impl Tournament {
    /// The standings as of now; nothing before the start. Only final results count.
    #[must_use]
    pub fn standings(&self) -> Vec<Standing> {
        let scores = match self.definition.format {
            Format::SingleElimination | Format::DoubleElimination { .. } => self.bracket_scores(),
            Format::Swiss { .. } | Format::RoundRobin { .. } => self.table_scores(),
        };
        let is_out = |index: usize| self.entrants.get(&self.seeds[index]).is_some_and(|one| one.disqualified);
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by_key(|index| (is_out(*index), std::cmp::Reverse(scores[*index]), *index));
        let mut standings: Vec<Standing> = Vec::with_capacity(order.len());
        for (line, index) in order.into_iter().enumerate() {
            let position = u16::try_from(line + 1).expect("limits keep the entrants under 65,536");
            let (score, disqualified) = (scores[index], is_out(index));
            let place = match standings.last() {
                Some(above) if above.score == score && above.disqualified == disqualified => above.place,
                _ => position,
            };
            let (entrant, seed) = (self.seeds[index], Seed::at(index));
            standings.push(Standing { place, position, entrant, seed, score, disqualified });
        }
        standings
    }

    /// How far each came: those still in it further than all who are out.
    fn bracket_scores(&self) -> Vec<Score> {
        let mut scores = vec![Score { reached: u16::MAX, ..Score::default() }; self.seeds.len()];
        let double = matches!(self.definition.format, Format::DoubleElimination { .. });
        for fixture in &self.matches {
            let Some((outcome, [first, second])) = fixture.outcome().zip(fixture.pair()) else { continue };
            let Some(winner) = outcome.winner else { continue };
            let loser = if winner.index() == 0 { second } else { first };
            // With a second chance the loser is still in it.
            let goes_on = match fixture.stage {
                Stage::Winners => double,
                Stage::Losers | Stage::Table => false,
                Stage::GrandFinal => fixture.loser_to.is_some() && winner.index() == 1,
            };
            if !goes_on {
                scores[loser.index()].reached = depth(fixture);
            }
        }
        scores
    }

    fn table_scores(&self) -> Vec<Score> {
        let mut scores = vec![Score::default(); self.seeds.len()];
        for fixture in self.matches.iter().filter(|fixture| fixture.outcome().is_some()) {
            for (own, other, won) in sides(fixture) {
                let score = &mut scores[own.index()];
                score.points += u16::from(won);
                if other.is_some() {
                    let side = fixture.side_of(own).expect("one of the two");
                    let games = [side, side.other()].map(|side| fixture.games_of(side).cast_signed());
                    score.game_difference += games[0] - games[1];
                }
            }
        }
        let swiss = matches!(self.definition.format, Format::Swiss { .. });
        let points: Vec<u16> = scores.iter().map(|score| score.points).collect();
        for fixture in self.matches.iter().filter(|fixture| fixture.outcome().is_some()) {
            for (own, other, won) in sides(fixture) {
                let own_points = points[own.index()];
                // In a round robin all meet the same opponents, so a walkover counts like any win.
                let met = other.filter(|_| !swiss || !is_unplayed(fixture));
                let counts = met.map_or(own_points, |other| points[other.index()]);
                let score = &mut scores[own.index()];
                if swiss {
                    score.buchholz += counts;
                } else if counts == own_points {
                    score.head_to_head += u16::from(won);
                }
                score.sonneborn_berger += if won { counts } else { 0 };
            }
        }
        scores
    }

    /// The prizes that are to be paid: all of them once it is finished, none before. The same at every call, so
    /// that a caller who lost the effects of the last event can still pay.
    ///
    /// Who share places share their prizes: what the places of the group give together is divided evenly, and
    /// what does not divide goes one each to the first of them. Prizes of places that nobody holds, or who was
    /// disqualified, stay unpaid.
    #[must_use]
    pub fn prizes_due(&self) -> Vec<Effect> {
        let mut due = Vec::new();
        if self.phase != Phase::Finished {
            return due;
        }
        let mut standings = self.standings();
        standings.retain(|line| !line.disqualified);
        for group in standings.chunk_by(|a, b| a.place == b.place) {
            let mut sums = std::collections::BTreeMap::<&str, u64>::new();
            let held = |prize: &&Prize| group.iter().any(|line| line.position == prize.place);
            for prize in self.definition.prizes.iter().filter(held) {
                *sums.entry(&prize.reward).or_default() += prize.amount;
            }
            let sharers = u64::try_from(group.len()).expect("limits keep the entrants under 65,536");
            for (line, rank) in group.iter().zip(0_u64..) {
                for (reward, sum) in &sums {
                    let amount = sum / sharers + u64::from(rank < sum % sharers);
                    if amount > 0 {
                        let (position, entrant, reward) = (line.position, line.entrant, (*reward).to_owned());
                        due.push(Effect::PayPrize { position, entrant, reward, amount });
                    }
                }
            }
        }
        due
    }
}

/// How far who loses here for the last time has come.
const fn depth(fixture: &Match) -> u16 {
    match fixture.stage {
        Stage::GrandFinal => u16::MAX - 1,
        Stage::Winners | Stage::Losers | Stage::Table => fixture.round,
    }
}

/// Who took part in a match, against whom, and whether that was won.
fn sides(fixture: &Match) -> impl Iterator<Item = (Seed, Option<Seed>, bool)> + '_ {
    let outcome = fixture.outcome();
    Side::BOTH.into_iter().filter_map(move |side| {
        let won =
            outcome.is_some_and(|outcome| outcome.how != How::NotNeeded && outcome.winner == Some(side));
        Some((fixture.seed(side)?, fixture.seed(side.other()), won))
    })
}
