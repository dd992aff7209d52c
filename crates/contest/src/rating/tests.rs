//! Published results of OpenSkill, and what must hold for any result.

use proptest::prelude::*;

use super::*;

fn newcomers(sizes: &[usize]) -> Vec<Vec<Rating>> {
    sizes.iter().map(|size| vec![Rating::default(); *size]).collect()
}

/// The model of the paper alone, where a game never adds doubt.
fn without_tau() -> PlackettLuce {
    PlackettLuce::new(25.0 / 6.0, 0.0001, 0.0).unwrap()
}

/// Demands that the game `sizes` of newcomers, ranked as listed, gives each team's members this mu and sigma.
fn check(model: PlackettLuce, sizes: &[usize], expected: &[(f64, f64)]) {
    let ranks: Vec<u32> = (0..).take(sizes.len()).collect();
    let rated = model.rate(&newcomers(sizes), &ranks).unwrap();
    assert_eq!(rated.len(), expected.len());
    for (team, (mu, sigma)) in rated.iter().zip(expected) {
        for player in team {
            assert!((player.mu() - mu).abs() < 1e-12, "{sizes:?}: {player:?}");
            assert!((player.sigma() - sigma).abs() < 1e-12, "{sizes:?}: {player:?}");
        }
    }
}

/// The vector that OpenSkill's manual publishes, which has tau in it.
#[test]
fn gives_the_published_ratings() {
    check(
        PlackettLuce::default(),
        &[2, 2],
        &[(26.964_294_621_803_063, 8.177_962_604_389_991), (23.035_705_378_196_937, 8.177_962_604_389_991)],
    );
}

/// The vectors of openskill.js' own tests of the model, which have no tau in them.
#[test]
fn gives_the_ratings_of_the_reference() {
    check(
        without_tau(),
        &[1, 1],
        &[(27.635_231_383_473_65, 8.065_506_316_323_548), (22.364_768_616_526_35, 8.065_506_316_323_548)],
    );
    check(
        without_tau(),
        &[1, 1, 1],
        &[
            (27.868_876_552_746_237, 8.204_837_030_780_652),
            (25.717_219_138_186_557, 8.057_829_747_583_874),
            (21.413_904_309_067_206, 8.057_829_747_583_874),
        ],
    );
    check(
        without_tau(),
        &[1, 1, 1, 1, 1],
        &[
            (27.666_666_666_666_668, 8.290_556_877_154_474),
            (26.833_333_333_333_332, 8.240_145_629_781_066),
            (25.722_222_222_222_22, 8.179_996_679_645_559),
            (24.055_555_555_555_557, 8.111_796_013_701_358),
            (20.722_222_222_222_22, 8.111_796_013_701_358),
        ],
    );
    check(
        without_tau(),
        &[3, 1, 2],
        &[
            (25.939_870_821_784_513, 8.247_641_552_260_456),
            (27.213_660_204_912_62, 8.274_321_317_985_242),
            (21.846_468_973_302_87, 8.213_058_173_195_341),
        ],
    );
}

#[test]
fn ordinals_trust_only_what_is_known() {
    assert!(Rating::default().ordinal().abs() < 1e-12);
    assert!((Rating::new(30.0, 2.0).unwrap().ordinal() - 24.0).abs() < 1e-12);
}

#[test]
fn a_tie_moves_means_together_and_equals_not_at_all() {
    let model = PlackettLuce::default();
    let even = model.rate(&newcomers(&[2, 2]), &[7, 7]).unwrap();
    assert!(
        even.iter().flatten().all(|player| (player.mu() - 25.0).abs() < 1e-12 && player.sigma() < 25.0 / 3.0)
    );
    let strong = Rating::new(30.0, 5.0).unwrap();
    let weak = Rating::new(20.0, 5.0).unwrap();
    let tied = model.rate(&[vec![strong], vec![weak]], &[1, 1]).unwrap();
    assert!(tied[0][0].mu() < 30.0 && tied[1][0].mu() > 20.0);
    assert!((tied[0][0].mu() + tied[1][0].mu() - 50.0).abs() < 1e-12, "of equal doubt, they move equally");
}

#[test]
fn rubbish_is_an_error() {
    for (mu, sigma) in
        [(f64::NAN, 1.0), (1.0, f64::NAN), (f64::INFINITY, 1.0), (25.0, 0.0), (25.0, -1.0), (1e7, 1.0)]
    {
        assert_eq!(Rating::new(mu, sigma), Err(RatingError::NotARating), "{mu} {sigma}");
    }
    for (beta, kappa, tau) in
        [(0.0, 0.1, 0.0), (f64::NAN, 0.1, 0.0), (1.0, 0.0, 0.0), (1.0, 0.1, -1.0), (1.0, 2.0, 0.0)]
    {
        assert_eq!(PlackettLuce::new(beta, kappa, tau), Err(RatingError::NotAModel), "{beta} {kappa} {tau}");
    }
    let model = PlackettLuce::default();
    assert_eq!(model.rate(&[], &[]), Err(RatingError::NoTeams));
    assert_eq!(model.rate(&newcomers(&[1, 0]), &[1, 2]), Err(RatingError::EmptyTeam(1)));
    assert_eq!(model.rate(&newcomers(&[1, 1]), &[1]), Err(RatingError::RanksDiffer { teams: 2, ranks: 1 }));
    assert_eq!(model.predict_win(&[]), Err(RatingError::NoTeams));
    assert_eq!(model.rate(&newcomers(&[2]), &[1]), Ok(newcomers(&[2])), "a game against no one says nothing");
}

#[test]
fn predictions_follow_skill() {
    let model = PlackettLuce::default();
    let at = |mu: f64| vec![Rating::new(mu, 2.0).unwrap()];
    let chances = model.predict_win(&[at(30.0), at(25.0), at(20.0)]).unwrap();
    assert!(chances[0] > chances[1] && chances[1] > chances[2]);
    assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    let even = model.predict_win(&[at(25.0), at(25.0)]).unwrap();
    assert!(even.iter().all(|chance| (chance - 0.5).abs() < 1e-12));
    let close = model.predict_draw(&[at(25.0), at(25.0)]).unwrap();
    let far = model.predict_draw(&[at(35.0), at(15.0)]).unwrap();
    assert!(close > far && far >= 0.0 && close <= 1.0);
}

#[test]
fn tau_keeps_ratings_moving() {
    let model = PlackettLuce::default();
    let known = vec![vec![Rating::new(25.0, 0.01).unwrap()]; 2];
    let rated = model.rate(&known, &[1, 2]).unwrap();
    assert!(rated[0][0].sigma() > 0.05, "the doubt came back: {:?}", rated[0][0]);
}

fn ratings() -> impl Strategy<Value = Rating> {
    (-1e6..1e6_f64, 1e-6..1e6_f64).prop_map(|(mu, sigma)| Rating::new(mu, sigma).unwrap())
}

fn usual_ratings() -> impl Strategy<Value = Rating> {
    (0.0..50.0_f64, 1.0..9.0_f64).prop_map(|(mu, sigma)| Rating::new(mu, sigma).unwrap())
}

fn games(player: impl Strategy<Value = Rating>) -> impl Strategy<Value = (Vec<Vec<Rating>>, Vec<u32>)> {
    let team = (prop::collection::vec(player, 1..5), 0..4_u32);
    prop::collection::vec(team, 1..8).prop_map(|teams| teams.into_iter().unzip())
}

proptest! {
    #[test]
    fn any_game_gives_ratings((teams, ranks) in games(ratings())) {
        for (before, after) in teams.iter().flatten().zip(without_tau().rate(&teams, &ranks).unwrap().iter().flatten()) {
            prop_assert_eq!(Rating::new(after.mu(), after.sigma()), Ok(*after));
            prop_assert!(after.sigma() <= before.sigma() * (1.0 + 1e-12), "a game never adds doubt");
        }
    }

    #[test]
    fn the_order_of_players_and_of_teams_is_irrelevant((teams, ranks) in games(usual_ratings())) {
        let model = PlackettLuce::default();
        let rated = model.rate(&teams, &ranks).unwrap();
        let mirror = |teams: &[Vec<Rating>]| -> Vec<Vec<Rating>> {
            teams.iter().rev().map(|team| team.iter().rev().copied().collect()).collect()
        };
        let ranks: Vec<u32> = ranks.into_iter().rev().collect();
        let mirrored = mirror(&model.rate(&mirror(&teams), &ranks).unwrap());
        for (one, other) in rated.iter().flatten().zip(mirrored.iter().flatten()) {
            prop_assert!((one.mu() - other.mu()).abs() < 1e-9 && (one.sigma() - other.sigma()).abs() < 1e-9);
        }
    }

    /// Who wins alone gains and who is last alone loses; a better place never earns less than a worse one.
    #[test]
    fn better_places_earn_more((teams, _) in games(usual_ratings())) {
        prop_assume!(teams.len() > 1);
        let model = PlackettLuce::default();
        let ranks: Vec<u32> = (0..).take(teams.len()).collect();
        let rated = model.rate(&teams, &ranks).unwrap();
        let (last, worst) = (teams.len() - 1, &rated[teams.len() - 1]);
        prop_assert!(rated[0].iter().zip(&teams[0]).all(|(after, before)| after.mu() > before.mu()));
        prop_assert!(worst.iter().zip(&teams[last]).all(|(after, before)| after.mu() < before.mu()));
        let mut swapped = ranks.clone();
        swapped.swap(0, last);
        let lost = model.rate(&teams, &swapped).unwrap();
        prop_assert!(rated[0][0].mu() > lost[0][0].mu() && rated[last][0].mu() < lost[last][0].mu());
    }
}
