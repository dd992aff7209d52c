//! Whole tournaments of every format, played over HTTP with results by chance, beside the pure tournament that has
//! the same results.

use contest::tournament::{
    Action, Definition, EntrantId, EntrantKind, Event, Format, MatchId, RequestId, State, Tournament as Pure,
    Window,
};
use domain::contract::tournaments::TournamentState;
use domain::ids::{CharacterId, InstanceId};
use domain::random::Random;
use domain::time::UnixMillis;
use serde_json::{Value, json};

use super::{Cup, all_matches, contenders, create, definition, pair, ready, step, with};
use crate::app::{App, Player, send};

fn entrant(character: CharacterId) -> EntrantId {
    EntrantId::from_u128(character.as_u128())
}

/// The pure tournament with these entrants, the best first.
fn pure(format: Format, entrants: &[CharacterId]) -> Pure {
    let window = Window { opens_at: UnixMillis::new(0), closes_at: UnixMillis::new(100) };
    let mut pure = Pure::new(
        Definition {
            format,
            entrant_kind: EntrantKind::Single,
            best_of: 1,
            best_of_final: 3,
            entrants_min: 2,
            entrants_max: 64,
            registration: window,
            check_in: None,
            no_show_after_ms: 3_600_000,
            match_max_ms: 3_600_000,
            dispute_window_ms: 0,
            prizes: Vec::new(),
        },
        1,
    )
    .expect("valid");
    for (rating, character) in (0..).zip(entrants) {
        let action = Action::Register {
            entrant: entrant(*character),
            rating: -rating,
            request: RequestId::from_u128(character.as_u128()),
        };
        pure.apply(Event { at: UnixMillis::new(1), action }).expect("open");
    }
    pure.apply(Event { at: UnixMillis::new(100), action: Action::Tick }).expect("a tick");
    pure
}

fn pure_report(pure: &mut Pure, match_id: MatchId, winners: &[CharacterId]) {
    let instance = InstanceId::from_u128(u128::from(match_id.0));
    let at = UnixMillis::new(200);
    pure.apply(Event { at, action: Action::Start { match_id, instance } }).expect("ready");
    for (game, winner) in (1..).zip(winners) {
        let action = Action::ReportGame { match_id, instance, game, winner: entrant(*winner) };
        pure.apply(Event { at, action }).expect("it is played");
    }
}

/// The winners of the games of a match, until one has more than half.
fn games(random: &mut Random, pair: [CharacterId; 2], best_of: u8) -> Vec<CharacterId> {
    let mut winners = Vec::new();
    loop {
        let winner = pair[usize::from(random.below(2) == 1)];
        winners.push(winner);
        if winners.iter().filter(|won| **won == winner).count() > usize::from(best_of / 2) {
            return winners;
        }
    }
}

async fn play(format: Value, pure_format: Format, count: usize, seed: u64) {
    let again = format!("seed {seed}: GRATICULE_TEST_SEED={seed} cargo test -p api-lambda whole");
    let app = App::start().await;
    let contenders = contenders(&app, count).await;
    let cup = create(&app, &with(definition(&format), &[])).await;
    cup.fill(&contenders).await;
    cup.start(&app).await;
    let characters: Vec<_> = contenders.iter().map(|contender| contender.character).collect();
    let mut pure = pure(pure_format, &characters);
    let mut random = Random::new(seed);
    let reader = &contenders[0].player;
    loop {
        let bracket = cup.bracket(reader).await;
        let open = ready(&bracket);
        if open.is_empty() {
            assert_eq!(bracket.state, TournamentState::Finished, "{again}");
            break;
        }
        // Any of them may be played next.
        let next =
            &open[usize::try_from(random.below(u32::try_from(open.len()).expect("few"))).expect("few")];
        let winners = games(&mut random, pair(next), next.best_of);
        cup.report(&app, next.id, &winners).await.ok::<Value>(200);
        pure_report(&mut pure, MatchId(next.id), &winners);
    }
    assert_same(&app, cup, &pure, reader, &again).await;
    let outcome = step(&app).await;
    assert_eq!((outcome.due, outcome.failed), (1, 0), "{again}");
    assert_eq!(step(&app).await.due, 0, "nothing is left to do; {again}");
}

async fn assert_same(app: &App, cup: Cup, pure: &Pure, reader: &Player<'_>, again: &str) {
    let shown: Vec<_> = cup.standings(reader).await;
    let shown: Vec<_> = shown
        .iter()
        .map(|line| {
            let scores = [line.reached, line.points, line.head_to_head, line.buchholz, line.sonneborn_berger];
            (line.place, line.position, line.seed, entrant(line.entrant), scores, line.game_difference)
        })
        .collect();
    let expected: Vec<_> = pure.standings();
    let expected: Vec<_> = expected
        .iter()
        .map(|line| {
            let score = line.score;
            let scores =
                [score.reached, score.points, score.head_to_head, score.buchholz, score.sonneborn_berger];
            (line.place, line.position, line.seed.number(), line.entrant, scores, score.game_difference)
        })
        .collect();
    assert_eq!(shown, expected, "{again}");
    let bracket = cup.bracket(reader).await;
    assert_eq!(all_matches(&bracket).count(), pure.matches().len(), "{again}");
    for fixture in all_matches(&bracket) {
        let twin = pure.fixture(MatchId(fixture.id)).expect("the same matches");
        let State::Final { outcome } = twin.state else { panic!("{again}: {twin:?}") };
        let side = outcome.winner.and_then(|side| twin.seed(side));
        let winner = side.map(|seed| pure.seeds()[usize::from(seed.number()) - 1]);
        assert_eq!(fixture.winner.map(entrant), winner, "match {}; {again}", fixture.id);
    }
    // Another process, which remembers nothing, reads the same.
    let url = format!("{}{}", app.beside(|_| {}).await.url, cup.path("/bracket"));
    let text = send(app.http.get(url).bearer_auth(&reader.token)).await.text;
    assert_eq!(text, reader.get(&cup.path("/bracket")).await.text, "{again}");
}

fn seed(own: u64) -> u64 {
    std::env::var("GRATICULE_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(own)
}

#[tokio::test]
async fn a_single_elimination_with_byes() {
    play(json!("single_elimination"), Format::SingleElimination, 11, seed(1)).await;
}

#[tokio::test]
async fn a_double_elimination_with_a_bracket_reset() {
    let format = json!({ "double_elimination": { "bracket_reset": true } });
    play(format, Format::DoubleElimination { bracket_reset: true }, 9, seed(2)).await;
}

#[tokio::test]
async fn a_swiss_tournament_of_an_odd_number() {
    play(json!({ "swiss": { "rounds": 4 } }), Format::Swiss { rounds: 4 }, 9, seed(3)).await;
}

#[tokio::test]
async fn a_round_robin_there_and_back() {
    let format = json!({ "round_robin": { "twice": true } });
    play(format, Format::RoundRobin { twice: true }, 5, seed(4)).await;
}
