//! Any history of boards against a sorted list, through the API: ranks, pages from the top, pages around a character
//! at both ends and among equals, given characters; after deletions, hiding, resets, and rivals at the same time.

use std::collections::BTreeMap;

use domain::contract::boards::LeaderboardEntry;
use domain::random::Random;
use futures_util::future::join_all;
use reqwest::Method;

use super::{BOARDS, World};

const CHARACTERS: u32 = 24;

/// What stands, and when it was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    score: i64,
    subscore: i64,
    reached: u64,
}

#[derive(Default)]
struct Model {
    boards: BTreeMap<&'static str, BTreeMap<usize, Standing>>,
    hidden: std::collections::BTreeSet<usize>,
    time: u64,
}

impl Model {
    fn submit(&mut self, board: &'static str, character: usize, score: i64, subscore: i64) {
        self.time += 1;
        let has_subscores = matches!(board, "laps" | "lives");
        let subscore = if has_subscores { subscore } else { 0 };
        let entries = self.boards.entry(board).or_default();
        let old = entries.get(&character).map(|old| (old.score, old.subscore));
        let (base, subbase) = old.unwrap_or_default();
        let new = match board {
            "points" => (base + score, 0),
            "laps" => old.filter(|old| *old <= (score, subscore)).unwrap_or((score, subscore)),
            "mood" => (score, 0),
            _ => (base - score, subbase - subscore),
        };
        if old != Some(new) {
            entries.insert(character, Standing { score: new.0, subscore: new.1, reached: self.time });
        }
    }

    /// Who counts, the best first: rank, character, score, subscore.
    fn sorted(&self, board: &str) -> Vec<(u64, usize, i64, i64)> {
        let entries = self.boards.get(board).into_iter().flatten();
        let mut entries: Vec<_> = entries.filter(|(id, _)| !self.hidden.contains(id)).collect();
        entries.sort_by_key(|(_, entry)| {
            let (score, subscore) = (i128::from(entry.score), i128::from(entry.subscore));
            let place = if board == "laps" { (score, subscore) } else { (-score, -subscore) };
            (place, entry.reached)
        });
        let mut rows: Vec<(u64, usize, i64, i64)> = Vec::new();
        for (position, (id, entry)) in (1..).zip(entries) {
            let tie = rows.last().filter(|last| (last.2, last.3) == (entry.score, entry.subscore));
            rows.push((tie.map_or(position, |last| last.0), *id, entry.score, entry.subscore));
        }
        rows
    }
}

/// The seed of this run.
fn seed(test: &str) -> u64 {
    let given = std::env::var("GRATICULE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let random = || u64::try_from(crate::app::random() >> 64).expect("64 bits");
    let seed = given.unwrap_or_else(random);
    eprintln!("to repeat: GRATICULE_TEST_SEED={seed} cargo test -p api-lambda --test it {test}");
    seed
}

/// Small, equal, out of range, and now and then far out.
fn any_score(random: &mut Random) -> i64 {
    match random.below(20) {
        0 => i64::from(random.between(-2_000_000_000, 2_000_000_000)) * 1_000_003,
        1..=3 => i64::from(random.between(0, 19_000)),
        _ => i64::from(random.between(-2, 12)),
    }
}

fn rows(world: &World, entries: &[LeaderboardEntry]) -> Vec<(u64, usize, i64, i64)> {
    let index = |entry: &LeaderboardEntry| {
        world.characters.iter().position(|one| one.id == entry.character).expect("one of ours")
    };
    assert!(entries.iter().all(|entry| entry.is_exact), "a quiet board is exact");
    entries.iter().map(|entry| (entry.rank, index(entry), entry.score, entry.subscore)).collect()
}

async fn compare(world: &World, model: &Model, random: &mut Random) {
    for board in BOARDS {
        let sorted = model.sorted(board);
        let limit = usize::try_from(1 + random.below(9)).expect("small");
        assert_eq!(rows(world, &world.all(board, limit, None).await), sorted, "{board} by {limit}");
        for (place, row) in sorted.iter().enumerate() {
            if random.below(2) == 0 {
                continue;
            }
            let path = format!("/v1/leaderboards/{board}/characters/{}", world.id(row.1));
            let entry: LeaderboardEntry = world.get(&path).await.ok(200);
            assert_eq!(rows(world, &[entry]), [*row], "{board}");
            let size = usize::try_from(1 + random.below(8)).expect("small");
            let last = sorted.len().saturating_sub(size);
            let first = place.saturating_sub((size - 1) / 2).min(last);
            let expected = &sorted[first..(first + size).min(sorted.len())];
            let page = world.page(&format!("{path}/around?limit={size}")).await;
            assert_eq!(rows(world, &page.entries), expected, "{board} around {place} by {size}");
        }
        let friends: Vec<usize> = (0..world.characters.len()).filter(|_| random.below(3) == 0).collect();
        let ids: Vec<_> = friends.iter().map(|index| world.id(*index).to_string()).collect();
        if !ids.is_empty() {
            let path = format!("/v1/leaderboards/{board}/friends?characters={}", ids.join(","));
            let expected: Vec<_> = sorted.iter().filter(|row| friends.contains(&row.1)).copied().collect();
            assert_eq!(rows(world, &world.page(&path).await.entries), expected, "{board} of friends");
        }
        assert_eq!(world.assert_clean(board).await, u64::try_from(sorted.len()).expect("small"));
    }
}

#[tokio::test]
async fn any_history_ranks_as_a_sorted_list() {
    let mut random = Random::new(seed("any_history_ranks_as_a_sorted_list"));
    let world = World::start(usize::try_from(CHARACTERS).expect("small")).await;
    let mut model = Model::default();
    for step in 1..=120 * crate::app::rounds() {
        let board = BOARDS[usize::try_from(random.below(4)).expect("small")];
        let character = usize::try_from(random.below(CHARACTERS)).expect("small");
        match random.below(40) {
            0 => {
                world.reset(board).await;
                model.boards.remove(board);
            }
            1 | 2 => {
                let path = format!("/{board}/characters/{}", world.id(character));
                let status = world.admin(Method::DELETE, &path).await.status;
                let had = model.boards.get_mut(board).and_then(|entries| entries.remove(&character));
                assert_eq!(status == 204, had.is_some());
            }
            3 | 4 => {
                world.admin(Method::PUT, &format!("/hidden/{}", world.id(character))).await;
                model.hidden.insert(character);
            }
            5..=7 => {
                let back = model.hidden.pop_first().unwrap_or(character);
                world.admin(Method::DELETE, &format!("/hidden/{}", world.id(back))).await;
            }
            _ => {
                let (score, subscore) = (any_score(&mut random), i64::from(random.between(-1, 5)));
                world.submit(board, &[(character, score, subscore)]).await;
                model.submit(board, character, score, subscore);
                // Of equal scores the first is told by the millisecond.
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        }
        if step % 40 == 0 {
            compare(&world, &model, &mut random).await;
        }
    }
}

#[tokio::test]
async fn rivals_at_the_same_time_leave_a_right_board() {
    let mut random = Random::new(seed("rivals_at_the_same_time_leave_a_right_board"));
    let world = World::start(usize::try_from(CHARACTERS).expect("small")).await;
    let mut model = Model::default();
    for _ in 0..crate::app::rounds() {
        // Sums and bests do not depend on the order; rivals share characters, nodes and shards.
        let mut calls = Vec::new();
        for _ in 0..40 {
            let board = ["points", "laps", "lives"][usize::try_from(random.below(3)).expect("small")];
            let character = usize::try_from(random.below(CHARACTERS)).expect("small");
            let (score, subscore) = (i64::from(random.between(-3, 60)), i64::from(random.between(0, 3)));
            model.submit(board, character, score, subscore);
            calls.push((board, character, score, subscore));
        }
        let hidden = world.id(usize::try_from(random.below(CHARACTERS)).expect("small"));
        let path = format!("/hidden/{hidden}");
        let hide_and_show = async {
            for _ in 0..3 {
                world.admin(Method::PUT, &path).await;
                world.admin(Method::DELETE, &path).await;
            }
        };
        let calls = calls.chunks(10).map(|calls| {
            let world = &world;
            async move {
                for (board, character, score, subscore) in calls {
                    world.submit(board, &[(*character, *score, *subscore)]).await;
                }
            }
        });
        futures_util::future::join(join_all(calls), hide_and_show).await;
        for board in ["points", "laps", "lives"] {
            // Who came first among equals is not known here.
            let by_rank = |mut rows: Vec<(u64, usize, i64, i64)>| {
                rows.sort_unstable();
                rows
            };
            let found = by_rank(rows(&world, &world.all(board, 7, None).await));
            assert_eq!(found, by_rank(model.sorted(board)), "{board}");
            world.assert_clean(board).await;
        }
    }
}
