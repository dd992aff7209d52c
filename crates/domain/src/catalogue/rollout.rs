//! Who is in when something is given to a share of all: the same ones each time, and whoever is in at one share is
//! in at every larger one.

use crate::random::mix;

/// Parts that a share is counted in.
const BUCKETS: u32 = 10_000;

/// The place of `id` among [`BUCKETS`]; another `salt` deals the places anew.
fn bucket(salt: &str, id: u128) -> u32 {
    let start = mix(0x9e37_79b9_7f4a_7c15 ^ salt.len() as u64);
    let salted = salt.bytes().fold(start, |hash, byte| mix(hash ^ u64::from(byte)));
    let low = u64::try_from(id & u128::from(u64::MAX)).expect("masked");
    let high = u64::try_from(id >> 64).expect("shifted");
    let hash = mix(mix(salted ^ low) ^ high);
    u32::try_from((u128::from(hash) * u128::from(BUCKETS)) >> 64).expect("under the number of buckets")
}

/// Whether `id` is among the first `percent` (0 to 100) of all.
#[must_use]
pub fn is_in(salt: &str, id: u128, percent: u8) -> bool {
    bucket(salt, id) < u32::from(percent) * (BUCKETS / 100)
}

/// Which of these weights `id` falls to; `None` if they are all 0.
#[must_use]
pub fn choose(salt: &str, id: u128, weights: impl Iterator<Item = u32> + Clone) -> Option<usize> {
    let sum: u64 = weights.clone().map(u64::from).sum();
    let mut left = u64::from(bucket(salt, id)) * sum / u64::from(BUCKETS);
    weights.enumerate().find_map(|(index, weight)| {
        let here = left < u64::from(weight);
        left = left.saturating_sub(weight.into());
        here.then_some(index)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_stable_monotone_and_about_as_large_as_asked() {
        for salt in ["a", "fog", ""] {
            let mut before: Vec<u128> = Vec::new();
            for percent in 0..=100 {
                let ids = (0..10_000_u128).map(|id| id << 70 | id);
                let now: Vec<u128> = ids.filter(|id| is_in(salt, *id, percent)).collect();
                assert!(before.iter().all(|id| now.binary_search(id).is_ok()), "{salt} {percent}");
                assert!(
                    now.len().abs_diff(usize::from(percent) * 100) < 300,
                    "{salt} {percent}: {}",
                    now.len()
                );
                before = now;
            }
            assert_eq!(before.len(), 10_000);
        }
        assert_eq!(bucket("fog", 7), bucket("fog", 7));
        assert!((0..50).any(|id| bucket("fog", id) != bucket("hail", id)));
    }

    /// What is dealt today must be dealt the same by every later version.
    #[test]
    fn places_never_change() {
        let places = [("", 0), ("fog", 1), ("fog", u128::MAX)].map(|(salt, id)| bucket(salt, id));
        assert_eq!(places, [2_031, 9_909, 2_503]);
    }

    #[test]
    fn weights_share_all() {
        let mut counts = [0; 3];
        for id in 0..10_000 {
            counts[choose("v", id, [50, 0, 150].into_iter()).expect("a weight")] += 1;
        }
        assert!(counts[1] == 0 && (2_300..2_700).contains(&counts[0]), "{counts:?}");
        assert_eq!(choose("v", 1, [0, 0].into_iter()), None);
    }
}
