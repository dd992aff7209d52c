//! How large records and snapshots become at the limits, against what an item takes.

use std::collections::BTreeMap;

use contest::tournament::{Action, MatchId, Phase, RequestId};
use domain::contract::tournaments::{
    EntryRules, Seeding, TimeWindow, TournamentDefinition, TournamentFormat,
};
use domain::ids::{AccountId, CharacterId, InstanceId};
use domain::time::UnixMillis;

use super::log::PART_BYTES;
use crate::tournament::{Entry, Live, Member, Record, Setup, Step, entrant_of};

/// What DynamoDB takes as one item.
const ITEM_BYTES_MAX: usize = 400 * 1024;

fn setup(format: TournamentFormat, entrants: u16) -> Setup {
    let window = TimeWindow { opens_at: UnixMillis::new(0), closes_at: UnixMillis::new(1_000_000) };
    let definition = TournamentDefinition {
        title: "Large".to_owned(),
        format,
        team_size: 1,
        best_of: 3,
        best_of_final: 5,
        entrants_min: 2,
        entrants_max: entrants,
        registration: window,
        check_in: None,
        no_show_after_ms: 60_000,
        match_max_ms: 60_000,
        dispute_window_ms: 0,
        seeding: Seeding::Registration,
        prizes: Vec::new(),
        entry: EntryRules::default(),
        regions: vec!["local".to_owned()],
        zone: "arena".parse().expect("a zone"),
    };
    Setup { definition, seed: 7, created_at: UnixMillis::new(0) }
}

/// An id as large as real ones are.
fn wide(number: u64) -> u128 {
    u128::from(number) << 64 | 0x0123_4567_89ab_cdef
}

struct Sizes {
    record: usize,
    snapshot: usize,
}

impl Sizes {
    fn note(&mut self, setup: &Setup, live: &mut Live, at: u64, steps: Vec<Step>) {
        let record = Record { at: UnixMillis::new(at), steps };
        let (after, tells) = live.clone().after(setup, &record).expect("it can happen");
        *live = after;
        let body = serde_json::to_vec(&record).expect("plain data").len();
        self.record = self.record.max(body + serde_json::to_vec(&tells).expect("plain data").len());
    }
}

/// Plays a whole tournament of so many, in which the upper side always wins.
fn play(format: TournamentFormat, entrants: u16) -> Sizes {
    let setup = setup(format, entrants);
    let mut live = setup.begin().expect("valid");
    let mut sizes = Sizes { record: 0, snapshot: 0 };
    for number in 1..=u64::from(entrants) {
        let character = CharacterId::from_u128(wide(number));
        let member = Member {
            character,
            account: AccountId::from_u128(wide(number)),
            name: "Twenty Letters Named".to_owned(),
            confirmed: true,
            hidden: false,
            rating: 1_500,
            round_trips: BTreeMap::from([("local".to_owned(), 20), ("far".to_owned(), 200)]),
        };
        let request = RequestId::from_u128(wide(number));
        let entry = Entry { name: member.name.clone(), members: vec![member], request };
        let entrant = entrant_of(character);
        sizes.note(&setup, &mut live, 1, vec![Step::Enrol { entrant, entry }]);
    }
    sizes.note(&setup, &mut live, 1_000_000, vec![Step::Core(Action::Tick)]);
    let mut index = 0;
    while live.tournament.phase() == Phase::Running {
        // Matches are numbered in the order of their making, and each waits for lower numbers only in tables.
        let count = u16::try_from(live.tournament.matches().len()).expect("few");
        index = (1..=count)
            .map(|step| (index + step - 1) % count + 1)
            .find(|number| {
                let fixture = live.tournament.fixture(MatchId(*number)).expect("one of them");
                matches!(fixture.state, contest::tournament::State::Ready { .. })
            })
            .expect("one can be played");
        let match_id = MatchId(index);
        let instance = InstanceId::from_u128(wide(u64::from(index)));
        let winner = live.sides(match_id).expect("known")[0];
        let best_of = live.tournament.fixture(match_id).expect("it").best_of;
        let mut steps = vec![Action::Start { match_id, instance }];
        steps.extend((1..=best_of / 2 + 1).map(|game| Action::ReportGame {
            match_id,
            instance,
            game,
            winner,
        }));
        sizes.note(&setup, &mut live, 1_000_001, steps.into_iter().map(Step::Core).collect());
    }
    sizes.snapshot = serde_json::to_vec(&live).expect("plain data").len();
    println!("{format:?} of {entrants}: largest record {}, snapshot {}", sizes.record, sizes.snapshot);
    sizes
}

#[test]
fn records_fit_an_item_and_snapshots_do_not() {
    const { assert!(PART_BYTES * 4 < ITEM_BYTES_MAX) };
    let single = TournamentFormat::SingleElimination;
    assert!(play(single, 128).snapshot < ITEM_BYTES_MAX);
    let large = [play(single, 1_024), play(TournamentFormat::RoundRobin { twice: false }, 64)];
    assert!(large.iter().all(|sizes| sizes.snapshot > ITEM_BYTES_MAX), "as one item they would not fit");
    assert!(large.iter().all(|sizes| sizes.record < ITEM_BYTES_MAX / 2), "each record does");
}
