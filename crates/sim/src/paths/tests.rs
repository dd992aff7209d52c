//! Ways and fields against a plain Dijkstra and a dense look at each leg. Seeds are fixed; a failure prints the
//! one it is about and the command that repeats it.

use std::collections::{BTreeMap, BTreeSet};

use domain::fixed::{Vec2, metres};
use domain::random::Random;
use domain::terrain::Terrain;

use super::finder::Search;
use super::*;

const NODES_MAX: u32 = 1_000_000;

/// Runs a check for many seeds.
fn for_seeds(test: &str, count: u64, check: impl Fn(u64, &mut Random)) {
    struct Repeat<'a>(&'a str, u64);
    impl Drop for Repeat<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                println!("seed {}: repeat with cargo test -p sim paths::tests::{}", self.1, self.0);
            }
        }
    }
    for seed in 0..count {
        let _repeat = Repeat(test, seed);
        check(seed, &mut Random::new(seed));
    }
}

/// A world of `size` metres with trees and with closed cells.
fn random_grid(random: &mut Random, size: i32) -> NavGrid {
    let permille = u16::try_from(random.below(120)).expect("small");
    let terrain = Terrain { seed: random.next_u32(), size: metres(size), obstacle_permille: permille };
    let mut grid = NavGrid::new(&terrain);
    for _ in 0..random.below(size.cast_unsigned().pow(2) / 2) {
        grid.set_blocked(random_cell(random, &grid), true);
    }
    grid
}

fn random_cell(random: &mut Random, grid: &NavGrid) -> Cell {
    Cell { x: random.between(0, grid.across() - 1), y: random.between(0, grid.across() - 1) }
}

fn random_free(random: &mut Random, grid: &NavGrid) -> Vec2 {
    loop {
        let spot = Vec2::new(
            random.between(0, grid.across() * NAV_CELL),
            random.between(0, grid.across() * NAV_CELL),
        );
        if grid.is_free(Cell::of(spot)) {
            return spot;
        }
    }
}

/// The least cost from a cell to all that can be reached, by Dijkstra's algorithm in its plainest form.
fn dijkstra(grid: &NavGrid, from: Cell) -> BTreeMap<Cell, u32> {
    let mut done = BTreeMap::new();
    let mut open = BTreeSet::from([(0, from)]);
    while let Some((cost, cell)) = open.pop_first() {
        if done.contains_key(&cell) {
            continue;
        }
        done.insert(cell, cost);
        for (x, y) in (-1..=1).flat_map(|y| (-1..=1).map(move |x| (x, y))) {
            let free = |x: i32, y: i32| grid.is_free(Cell { x: cell.x + x, y: cell.y + y });
            if free(x, y) && free(x, 0) && free(0, y) {
                let length = if x != 0 && y != 0 { 17 } else { 12 };
                open.insert((cost + length, Cell { x: cell.x + x, y: cell.y + y }));
            }
        }
    }
    done
}

/// No point of the way is in a blocked cell, and no corner that it passes over belongs to one.
fn assert_walkable(grid: &NavGrid, from: Vec2, way: &[Vec2]) {
    for (from, to) in std::iter::once(&from).chain(way).zip(way) {
        let leg = *to - *from;
        let points = leg.x.abs().max(leg.y.abs()).max(1);
        for at in 0..=points {
            // One part is exact and the other rounded down, which keeps the point in its cell.
            let part = |leg: i32| (i64::from(leg) * i64::from(at)).div_euclid(i64::from(points));
            let part = |leg: i32| i32::try_from(part(leg)).expect("a part");
            assert!(
                grid.is_free(Cell::of(*from + Vec2::new(part(leg.x), part(leg.y)))),
                "{from:?} to {to:?}"
            );
        }
        let corners = |a: i32, b: i32| a.min(b).div_euclid(NAV_CELL) + 1..=a.max(b).div_euclid(NAV_CELL);
        for (x, y) in corners(from.y, to.y).flat_map(|y| corners(from.x, to.x).map(move |x| (x, y))) {
            let corner = Vec2::new(x * NAV_CELL, y * NAV_CELL) - *from;
            if i64::from(corner.x) * i64::from(leg.y) == i64::from(corner.y) * i64::from(leg.x) {
                let around =
                    [(0, 0), (-1, 0), (0, -1), (-1, -1)].map(|(dx, dy)| Cell { x: x + dx, y: y + dy });
                assert!(around.iter().all(|cell| grid.is_free(*cell)), "{from:?} to {to:?} cuts {x}, {y}");
            }
        }
    }
}

fn length(from: Vec2, way: &[Vec2]) -> i32 {
    std::iter::once(&from).chain(way).zip(way).map(|(a, b)| (*b - *a).length()).sum()
}

#[test]
fn ways_are_walkable_and_as_short_as_dijkstra_finds_them() {
    for_seeds("ways_are_walkable_and_as_short_as_dijkstra_finds_them", 150, |_, random| {
        let grid = random_grid(random, 40);
        let mut finder = PathFinder::default();
        let (mut core, mut way) = (Vec::new(), Vec::new());
        let from = random_free(random, &grid);
        let costs = dijkstra(&grid, Cell::of(from));
        for _ in 0..20 {
            let to = random_free(random, &grid);
            let Search { result, cost, .. } =
                finder.search(&grid, Cell::of(from), Cell::of(to), NODES_MAX, &mut core);
            let shortest = costs.get(&Cell::of(to)).copied();
            assert_eq!((result == PathResult::Found).then_some(cost), shortest, "{from:?} to {to:?}");
            assert_eq!(finder.find(&grid, from, to, NODES_MAX, &mut way), result);
            assert_eq!(way.last(), shortest.is_some().then_some(&to));
            assert_walkable(&grid, from, &way);
            // Straightened: no longer than from cell to cell, plus the way within the first and the last one, and
            // the rounding of the cost of diagonals.
            let longest = i32::try_from(cost).expect("small") * NAV_CELL / 12 + 2 * NAV_CELL + 40;
            assert!(length(from, &way) <= longest, "{from:?} to {to:?}");
            // What another finder says that has not been used before.
            let mut again = Vec::new();
            assert_eq!(PathFinder::default().find(&grid, from, to, NODES_MAX, &mut again), result);
            assert_eq!(again, way);
        }
    });
}

#[test]
fn a_body_on_its_way_touches_no_obstacle() {
    for_seeds("a_body_on_its_way_touches_no_obstacle", 40, |seed, random| {
        let terrain = Terrain { seed: random.next_u32(), size: metres(100), obstacle_permille: 100 };
        let grid = NavGrid::new(&terrain);
        let (from, to) = (random_free(random, &grid), random_free(random, &grid));
        let mut way = Vec::new();
        PathFinder::default().find(&grid, from, to, NODES_MAX, &mut way);
        for (from, to) in std::iter::once(&from).chain(&way).zip(&way) {
            for at in 0..=200 {
                let leg = *to - *from;
                let spot = *from + Vec2::new(leg.x * at / 200, leg.y * at / 200);
                // Rounding a point of the leg moves it by less than two units.
                let touched = terrain
                    .obstacles_near(spot, CLEARANCE)
                    .find(|obstacle| obstacle.position.is_within(spot, obstacle.radius + CLEARANCE - 2));
                assert_eq!(touched, None, "seed {seed}: at {spot:?}");
            }
        }
    });
}

#[test]
fn blocked_ends_move_to_the_nearest_free_cell() {
    let mut grid = NavGrid::new(&Terrain { seed: 1, size: metres(40), obstacle_permille: 0 });
    let (mut finder, mut way) = (PathFinder::default(), Vec::new());
    let (from, to) = (Cell { x: 10, y: 10 }, Cell { x: 30, y: 10 });
    grid.set_blocked(from, true);
    grid.set_blocked(to, true);
    let near = from.middle() + Vec2::new(0, 100);
    assert_eq!(finder.find(&grid, near, to.middle(), NODES_MAX, &mut way), PathResult::Found);
    let (first, last) = (Cell { x: 10, y: 11 }.middle(), Cell { x: 30, y: 9 }.middle());
    assert_eq!((way.first(), way.last()), (Some(&first), Some(&last)));
    // The outermost cells are blocked, and outside there are none.
    assert_eq!(finder.find(&grid, Vec2::new(-1, 300), to.middle(), NODES_MAX, &mut way), PathResult::Found);
    for far in [Vec2::new(-metres(4), 0), Vec2::new(i32::MAX, i32::MIN)] {
        assert_eq!(finder.find(&grid, far, to.middle(), NODES_MAX, &mut way), PathResult::NoWay);
        assert!(way.is_empty());
    }
    assert_eq!(finder.find(&grid, near, to.middle(), 5, &mut way), PathResult::OutOfBudget);
}

#[test]
fn what_the_cache_has_kept_makes_no_difference() {
    for_seeds("what_the_cache_has_kept_makes_no_difference", 40, |_, random| {
        let mut grid = random_grid(random, 40);
        let (mut finder, mut way, mut other) = (PathFinder::default(), Vec::new(), Vec::new());
        let mut cache = PathCache::new(64);
        let spots: Vec<Vec2> = (0..6).map(|_| random_free(random, &grid)).collect();
        let spot = |random: &mut Random| spots[random.below(6) as usize];
        for _ in 0..200 {
            for _ in 0..random.below(3) {
                grid.set_blocked(random_cell(random, &grid), random.below(2) == 0);
            }
            let ends = [spot(random), spot(random) + Vec2::new(random.between(-99, 99), 0)];
            let budget = if random.below(4) == 0 { random.below(2_000) } else { NODES_MAX };
            let result = cache.find(&mut finder, &grid, ends, budget, &mut way);
            let fresh = PathCache::new(1).find(&mut finder, &grid, ends, budget, &mut other);
            assert_eq!((result, &way), (fresh, &other), "{ends:?} with {budget}");
            let start = grid.nearest_free(ends[0]).filter(|cell| *cell != Cell::of(ends[0]));
            assert_walkable(&grid, start.map_or(ends[0], Cell::middle), &way);
            let direct = finder.find(&grid, ends[0], ends[1], budget, &mut other);
            assert!(result == direct || budget < NODES_MAX);
            assert!(
                length(ends[0], &way) <= length(ends[0], &other) * 5 / 4 + metres(10) || other.is_empty()
            );
        }
        assert!(cache.hits_and_misses().0 > 10, "{:?}", cache.hits_and_misses());
    });
}

#[test]
fn a_cell_closed_on_the_way_brings_another_way() {
    let mut grid = NavGrid::new(&Terrain { seed: 1, size: metres(60), obstacle_permille: 0 });
    let (mut finder, mut cache, mut way) = (PathFinder::default(), PathCache::new(16), Vec::new());
    let ends = [Vec2::new(metres(10), metres(30)), Vec2::new(metres(50), metres(30))];
    let mut ask = |grid: &NavGrid| {
        assert_eq!(cache.find(&mut finder, grid, ends, NODES_MAX, &mut way), PathResult::Found);
        assert_walkable(grid, ends[0], &way);
        (way.len(), cache.hits_and_misses())
    };
    assert_eq!(ask(&grid), (1, (0, 1)));
    assert_eq!(ask(&grid), (1, (1, 1)));
    grid.set_blocked(Cell { x: 30, y: 5 }, true);
    assert_eq!(ask(&grid), (1, (2, 1)), "a change elsewhere leaves it");
    for y in 25..35 {
        grid.set_blocked(Cell { x: 30, y }, true);
    }
    let (points, counts) = ask(&grid);
    assert!(points > 1 && counts == (2, 2), "{points} {counts:?}");
    // What is kept answers for other budgets as a search would.
    let near = [ends[0], ends[0] + Vec2::new(metres(8), metres(8))];
    let [start, goal] = near.map(Cell::of);
    let expanded = finder.search(&grid, start, goal, NODES_MAX, &mut Vec::new()).expanded;
    for budget in [expanded - 1, expanded, expanded - 1, NODES_MAX] {
        let result = cache.find(&mut finder, &grid, near, budget, &mut way);
        assert_eq!(result == PathResult::Found, budget >= expanded, "{budget} of {expanded}");
    }
}

#[test]
fn fields_lead_to_the_goal_on_shortest_ways() {
    for_seeds("fields_lead_to_the_goal_on_shortest_ways", 60, |_, random| {
        let mut grid = random_grid(random, 40);
        let mut fields = FlowFields::new(2, 40);
        let goals = [random_free(random, &grid), random_free(random, &grid), random_free(random, &grid)];
        for goal in [0, 0, 1, 2, 0].map(|goal| goals[goal]) {
            grid.set_blocked(random_cell(random, &grid), random.below(2) == 0);
            let Some(field) = fields.toward(&grid, goal) else { continue };
            let costs = dijkstra(&grid, field.goal());
            for cell in (0..40).flat_map(|y| (0..40).map(move |x| Cell { x, y })) {
                let cost = costs.get(&cell).copied();
                assert_eq!(field.cost(cell.middle()), cost, "from {cell:?} to {goal:?}");
                let at = cell.middle();
                let Some((step, cost)) = field.direction(at).zip(cost) else {
                    assert!(cost.is_none_or(|cost| cost == 0), "stuck at {cell:?}");
                    continue;
                };
                let next = at + Vec2::new(step.x * NAV_CELL, step.y * NAV_CELL);
                let length = if step.x != 0 && step.y != 0 { 17 } else { 12 };
                assert_eq!(field.cost(next), Some(cost - length), "each step leads nearer, so all arrive");
                assert_walkable(&grid, at, &[next]);
            }
        }
        assert!((3..=5).contains(&fields.built()), "{}", fields.built());
    });
}

#[test]
fn fields_are_shared_until_the_grid_changes_in_them() {
    let mut grid = NavGrid::new(&Terrain { seed: 1, size: metres(60), obstacle_permille: 0 });
    let mut fields = FlowFields::new(2, 8);
    let goals = [10, 30, 50].map(|x| Vec2::new(metres(x), metres(30)));
    let mut built = |grid: &NavGrid, goal: usize| {
        assert!(fields.toward(grid, goals[goal]).is_some());
        fields.built()
    };
    assert_eq!([0, 0, 1, 0].map(|goal| built(&grid, goal)), [1, 1, 2, 2]);
    assert_eq!(
        [2, 0, 1].map(|goal| built(&grid, goal)),
        [3, 3, 4],
        "the second was not asked for the longest"
    );
    grid.set_blocked(Cell { x: 15, y: 30 }, true);
    assert_eq!([1, 0].map(|goal| built(&grid, goal)), [4, 5]);
    let field = fields.toward(&grid, goals[0]).expect("free");
    let middle = |x: i32| Cell { x, y: 30 }.middle();
    assert_eq!(
        field.direction(middle(15) - Vec2::new(9, 0)),
        Some(Vec2::new(-1, 0)),
        "out of a blocked cell"
    );
    assert_eq!([10, 19].map(|x| field.direction(middle(x))), [None, None], "at the goal, and outside");
}
