//! Single cases: every number of entrants, and every rule of registration, matches, disputes and prizes.

use domain::ids::InstanceId;
use domain::time::UnixMillis;

use super::*;

pub(super) const REGISTRATION_ENDS: u64 = 1_000;
pub(super) const NO_SHOW_MS: u64 = 600;
pub(super) const MATCH_MAX_MS: u64 = 9_000;
pub(super) const SINGLE: Format = Format::SingleElimination;
pub(super) const DOUBLE: Format = Format::DoubleElimination { bracket_reset: true };

pub(super) fn window(opens_at: u64, closes_at: u64) -> Window {
    Window { opens_at: UnixMillis::new(opens_at), closes_at: UnixMillis::new(closes_at) }
}

pub(super) fn prize(place: u16, reward: &str, amount: u64) -> Prize {
    Prize { place, reward: reward.to_owned(), amount }
}

pub(super) fn definition(format: Format) -> Definition {
    Definition {
        format,
        entrant_kind: EntrantKind::Single,
        best_of: 1,
        best_of_final: 1,
        entrants_min: 2,
        entrants_max: 64,
        registration: window(100, REGISTRATION_ENDS),
        check_in: None,
        no_show_after_ms: NO_SHOW_MS,
        match_max_ms: MATCH_MAX_MS,
        dispute_window_ms: 0,
        prizes: vec![prize(1, "gold", 100), prize(2, "gold", 50), prize(3, "gold", 25)],
    }
}

pub(super) fn id(number: u64) -> EntrantId {
    EntrantId::from_u128(u128::from(number))
}

pub(super) fn request(number: u64) -> RequestId {
    RequestId::from_u128(u128::from(number))
}

pub(super) fn instance(number: u64) -> InstanceId {
    InstanceId::from_u128(u128::from(number))
}

pub(super) fn at(millis: u64, action: Action) -> Event {
    Event { at: UnixMillis::new(millis), action }
}

/// A running tournament of entrants 1 to `count`, of whom 1 is the best.
pub(super) fn started(definition: Definition, count: u64) -> Tournament {
    let mut tournament = Tournament::new(definition, 7).expect("a valid definition");
    for number in 1..=count {
        let rating = 2_000 - i32::try_from(number).expect("small");
        let action = Action::Register { entrant: id(number), rating, request: request(number) };
        assert_eq!(tournament.apply(at(200, action)), Ok(vec![]));
    }
    tournament.apply(at(REGISTRATION_ENDS, Action::Tick)).expect("a tick is never refused");
    assert_eq!(tournament.phase(), Phase::Running);
    tournament
}

/// The first match that waits for the two.
pub(super) fn ready(tournament: &Tournament) -> Option<(MatchId, [EntrantId; 2])> {
    let index = tournament.matches().iter().position(|f| matches!(f.state, State::Ready { .. }))?;
    let pair = tournament.matches()[index].pair().expect("ready matches have both");
    Some((MatchId::at(index), pair.map(|seed| tournament.seeds()[seed.index()])))
}

/// Plays a match to its end at `now`.
pub(super) fn play(
    tournament: &mut Tournament,
    now: u64,
    match_id: MatchId,
    winner: EntrantId,
) -> Vec<Effect> {
    let instance = instance(1_000 + u64::from(match_id.0));
    let mut effects = tournament.apply(at(now, Action::Start { match_id, instance })).expect("ready");
    let best_of = tournament.fixture(match_id).expect("it exists").best_of;
    for game in 1..=best_of / 2 + 1 {
        let report = Action::ReportGame { match_id, instance, game, winner };
        effects.extend(tournament.apply(at(now, report)).expect("it is played"));
    }
    effects
}

/// Plays all, where `wins` picks the side that wins.
fn play_out(tournament: &mut Tournament, wins: impl Fn([EntrantId; 2]) -> usize) -> Vec<Effect> {
    let mut effects = Vec::new();
    while let Some((match_id, pair)) = ready(tournament) {
        effects.extend(play(tournament, 1_100, match_id, pair[wins(pair)]));
    }
    effects
}

fn best(pair: [EntrantId; 2]) -> usize {
    usize::from(pair[1] < pair[0])
}

fn contested(tournament: &Tournament) -> usize {
    tournament.matches().iter().filter(|fixture| fixture.is_contested()).count()
}

fn places(tournament: &Tournament) -> Vec<u16> {
    tournament.standings().iter().map(|line| line.place).collect()
}

fn order(tournament: &Tournament) -> Vec<EntrantId> {
    tournament.standings().iter().map(|line| line.entrant).collect()
}

#[test]
fn brackets_of_every_size_where_the_better_seed_wins() {
    for count in 2..=17 {
        let pairs = usize::try_from(count).expect("small") - 1;
        let mut single = started(definition(SINGLE), count);
        play_out(&mut single, best);
        assert_eq!(contested(&single), pairs, "{count}");
        assert_eq!(order(&single), (1..=count).map(id).collect::<Vec<_>>(), "{count}: the favourites win");

        for bracket_reset in [true, false] {
            let mut double = started(definition(Format::DoubleElimination { bracket_reset }), count);
            play_out(&mut double, best);
            assert_eq!(contested(&double), 2 * pairs, "{count}");
            assert_eq!(order(&double)[..2], [id(1), id(2)], "{count}");
        }
        let mut upset = started(definition(DOUBLE), count);
        play_out(&mut upset, |pair| 1 - best(pair));
        assert_eq!(upset.phase(), Phase::Finished);
        assert!((2 * pairs..=2 * pairs + 1).contains(&contested(&upset)), "{count}");
        assert_eq!(order(&upset)[0], id(count), "{count}: who always wins is the champion");
    }
}

#[test]
fn tables_of_every_size_where_the_better_seed_wins() {
    for count in 2..=17 {
        let people = usize::try_from(count).expect("small");
        for (twice, times) in [(false, 1), (true, 2)] {
            let mut table = started(definition(Format::RoundRobin { twice }), count);
            play_out(&mut table, best);
            assert_eq!(table.matches().len(), times * people * (people - 1) / 2);
            assert_eq!(order(&table), (1..=count).map(id).collect::<Vec<_>>(), "{count}");
            assert_eq!(places(&table), (1..=u16::try_from(count).expect("small")).collect::<Vec<_>>());
        }
        let rounds = u16::try_from(people.next_power_of_two().trailing_zeros()).expect("small");
        let mut swiss = started(definition(Format::Swiss { rounds }), count);
        play_out(&mut swiss, best);
        assert_eq!(swiss.matches().len(), usize::from(rounds) * people.div_ceil(2), "{count}");
        assert_eq!(order(&swiss)[0], id(1), "{count}");
        let perfect = swiss.standings().iter().filter(|line| line.score.points == rounds).count();
        assert_eq!(perfect, 1, "{count}: one has won all after log2 of the entrants in rounds");
    }
}

#[test]
fn losers_of_a_bracket_share_their_places() {
    let mut single = started(definition(SINGLE), 8);
    let effects = play_out(&mut single, best);
    assert_eq!(places(&single), [1, 2, 3, 3, 5, 5, 5, 5]);
    // The prize of the third place is for two, and what does not divide goes to the better seed.
    let paid: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::PayPrize { position, entrant, amount, .. } => Some((*position, *entrant, *amount)),
            _ => None,
        })
        .collect();
    assert_eq!(paid, [(1, id(1), 100), (2, id(2), 50), (3, id(3), 13), (4, id(4), 12)]);
    let due: Vec<Effect> = effects.into_iter().filter(|e| matches!(e, Effect::PayPrize { .. })).collect();
    assert_eq!(single.prizes_due(), due);

    let mut double = started(definition(DOUBLE), 8);
    play_out(&mut double, best);
    assert_eq!(places(&double), [1, 2, 3, 4, 5, 5, 7, 7]);
}

#[test]
fn a_grand_final_is_reset_by_the_first_loss_only() {
    // Of four, 1 comes from above and 2 from below: who wins the first final, the second, and how many are played.
    for (bracket_reset, finals, contested_matches) in
        [(true, vec![1], 6), (true, vec![2, 1], 7), (true, vec![2, 2], 7), (false, vec![2], 6)]
    {
        let mut double = started(definition(Format::DoubleElimination { bracket_reset }), 4);
        while let Some((match_id, pair)) = ready(&double) {
            let fixture = double.fixture(match_id).expect("it is ready");
            let winner = match fixture.stage {
                Stage::GrandFinal => id(finals[usize::from(fixture.round) - 1]),
                _ => pair[best(pair)],
            };
            play(&mut double, 1_100, match_id, winner);
        }
        assert_eq!(contested(&double), contested_matches, "{finals:?}");
        assert_eq!(order(&double)[0], id(finals[finals.len() - 1]), "{finals:?}");
    }
}

#[test]
fn those_who_met_above_meet_late_below() {
    for seed in 0..200 {
        let mut random = domain::random::Random::new(seed);
        let count = [8, 13, 16, 27, 32][usize::try_from(seed % 5).expect("small")];
        let mut double = started(definition(DOUBLE), count);
        while let Some((match_id, pair)) = ready(&double) {
            let winner = pair[usize::try_from(random.below(2)).expect("small")];
            play(&mut double, 1_100, match_id, winner);
        }
        let of_stage = |stage: Stage| {
            let matches = double.matches().iter().filter(move |fixture| fixture.stage == stage);
            matches.filter_map(|fixture| Some((fixture.round, fixture.pair()?))).collect::<Vec<_>>()
        };
        let (above, below) = (of_stage(Stage::Winners), of_stage(Stage::Losers));
        let last = double.matches().iter().filter(|f| f.stage == Stage::Losers).map(|f| f.round).max();
        for (round, pair) in below {
            let earlier = above.iter().find(|(_, met)| pair.iter().all(|seed| met.contains(seed)));
            let Some((met_in, _)) = earlier else { continue };
            // The later of the two to lose did so in a round above after the one in which they met.
            let lost = above.iter().filter(|(_, met)| met.iter().any(|seed| pair.contains(seed)));
            let apart = lost.map(|(round, _)| *round).max().expect("they met") - met_in;
            let last = last.expect("there is a losers bracket");
            assert!(apart > 1 || round + 1 >= last, "seed {seed}: {pair:?} in round {round} of {last}");
        }
    }
}

#[test]
fn a_table_breaks_ties() {
    // 1 beats 2, 2 beats 3, 3 beats 1, and all beat 4: three share the first place, and their prizes.
    let mut table = started(definition(Format::RoundRobin { twice: false }), 4);
    let circle = [(1, 2), (2, 3), (3, 1), (1, 4), (2, 4), (3, 4)];
    let effects =
        play_out(&mut table, |pair| usize::from(!circle.iter().any(|(a, b)| pair == [id(*a), id(*b)])));
    assert_eq!(places(&table), [1, 1, 1, 4]);
    let paid = effects.iter().filter_map(|effect| match effect {
        Effect::PayPrize { amount, .. } => Some(*amount),
        _ => None,
    });
    assert_eq!(paid.collect::<Vec<_>>(), [59, 58, 58]);
}

#[test]
fn swiss_ties_are_broken_by_opponents() {
    // Four in two rounds: 1-3, 2-4, then the winners 1-2 and the losers 3-4; the better seed wins.
    let mut swiss = started(definition(Format::Swiss { rounds: 2 }), 4);
    play_out(&mut swiss, best);
    let scores: Vec<_> = swiss
        .standings()
        .iter()
        .map(|line| (line.seed.number(), line.score.points, line.score.buchholz, line.score.sonneborn_berger))
        .collect();
    assert_eq!(scores, [(1, 2, 2, 2), (2, 1, 2, 0), (3, 1, 2, 0), (4, 0, 2, 0)]);
    assert_eq!(places(&swiss), [1, 2, 2, 4], "nothing tells 2 and 3 apart");

    // Three in two rounds: 1-2 and a bye for 3, then 1-3 and a bye for 2. A bye counts as an equal opponent.
    let mut swiss = started(definition(Format::Swiss { rounds: 2 }), 3);
    play_out(&mut swiss, best);
    let scores: Vec<_> =
        swiss.standings().iter().map(|line| (line.score.points, line.score.buchholz)).collect();
    assert_eq!(scores, [(2, 2), (1, 3), (1, 3)]);
}

#[test]
fn the_largest_brackets_end() {
    let definition = Definition { entrants_max: ELIMINATION_ENTRANTS_MAX, ..definition(DOUBLE) };
    let mut tournament = started(definition, 1_000);
    while let Some(due) = tournament.next_deadline() {
        // Nobody comes: every deadline takes a whole round with it.
        tournament.apply(Event { at: due, action: Action::Tick }).expect("a tick");
    }
    assert_eq!((tournament.phase(), contested(&tournament)), (Phase::Finished, 1_998));
    assert_eq!(order(&tournament)[..2], [id(1), id(2)]);
}
