//! The matches made at once of a few tickets, beside the best possible: see `sample::optimum`.

use crate::matching::QueueDefinition;
use crate::matching::sample::{best_total, few_tickets, queue, total_quality};

/// In sum over all cases the matcher has at least this part of the optimum's quality. In a single case a
/// best-first choice of matches of n tickets may have as little as a part in n, and has half in all of these.
const PART_OF_OPTIMUM: f64 = 0.88;

fn compare(definition: &QueueDefinition, size: u32, count: u32) {
    let (mut found, mut possible, mut worst) = (0.0, 0.0, 1.0_f64);
    for seed in 0..40 {
        let tickets = few_tickets(seed, count);
        let (own, best) = (
            total_quality(definition, &tickets.iter().collect::<Vec<_>>()),
            best_total(definition, &tickets, size),
        );
        assert!(own <= best + 1e-9, "seed {seed}: the optimum is one");
        assert!(own >= best / 2.0, "seed {seed}: {own} of {best}");
        found += own;
        possible += best;
        worst = if best > 0.0 { worst.min(own / best) } else { worst };
    }
    println!("matches of {size} from {count}: {:.4} of the optimum, at worst {worst:.4}", found / possible);
    assert!(found >= PART_OF_OPTIMUM * possible, "{found} of {possible}");
}

#[test]
fn is_near_the_optimum() {
    compare(&queue(2, 1), 2, 8);
    // Wide windows, so that there is a choice also of larger matches.
    let wide = |teams: u8, players: u8| QueueDefinition {
        rating_window_start: 8.0,
        round_trip_ms_max: 200,
        ..queue(teams, players)
    };
    compare(&wide(2, 1), 2, 8);
    compare(&wide(2, 2), 4, 9);
    compare(&wide(3, 1), 3, 9);
}
