//! The normal distribution, which the standard library lacks. It knows nothing of ratings.

use std::f64::consts::TAU;

/// Beyond this many deviations the distribution is 0 or 1 to 15 places.
const TAIL: f64 = 8.0;

/// The cumulative distribution function of the standard normal distribution, to an absolute error of 1e-14:
/// the series of Marsaglia, "Evaluating the normal distribution" (Journal of Statistical Software 11, 2004).
pub(super) fn cumulative(x: f64) -> f64 {
    if x <= -TAIL {
        return 0.0;
    }
    if x >= TAIL {
        return 1.0;
    }
    let (mut sum, mut term, mut divisor) = (x, x, 1.0);
    // Terms rise until the divisor passes x * x and then fall faster than geometrically: 200 are plenty.
    for _ in 0..200 {
        divisor += 2.0;
        term *= x * x / divisor;
        let next = sum + term;
        if next.to_bits() == sum.to_bits() {
            break;
        }
        sum = next;
    }
    (0.5 + sum * (-0.5 * x * x).exp() / TAU.sqrt()).clamp(0.0, 1.0)
}

/// Where the standard normal distribution reaches `probability`, within its tails: to 1e-12 by bisection.
pub(super) fn quantile(probability: f64) -> f64 {
    let (mut low, mut high) = (-TAIL, TAIL);
    for _ in 0..44 {
        let middle = f64::midpoint(low, high);
        if cumulative(middle) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_tables() {
        let table = [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_542_9),
            (-1.96, 0.024_997_895_148_220_435),
            (3.0, 0.998_650_101_968_369_9),
            (-5.0, 2.866_515_718_791_939e-7),
        ];
        for (x, expected) in table {
            assert!((cumulative(x) - expected).abs() < 1e-14, "{x}");
            assert!((quantile(expected) - x).abs() < 1e-7, "{x}");
        }
        assert!((quantile(0.625) - 0.318_639_363_964_375_1).abs() < 1e-11);
        assert!(cumulative(-40.0) <= 0.0 && cumulative(40.0) >= 1.0);
    }
}
