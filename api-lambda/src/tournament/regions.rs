//! Where a match is played: the region whose worst round trip among the players is the best.

use domain::contract::tournaments::RoundTrips;

/// The region among `allowed`, of which the first is taken where nothing better is known. A player who told nothing
/// has no say; one who told some of them rules out the others, since an unknown round trip is not a short one.
pub(crate) fn best_region<'a>(allowed: &'a [String], players: &[&RoundTrips]) -> Option<&'a str> {
    let told: Vec<_> = players.iter().filter(|trips| !trips.is_empty()).collect();
    let worst =
        |region: &String| told.iter().map(|trips| trips.get(region).copied()).max_by_key(|trip| worth(*trip));
    let known = allowed.iter().filter_map(|region| Some((worst(region)??, region)));
    // Of equals the first, as the organiser ordered them.
    let best = known.min_by_key(|(worst, _)| *worst).map(|(_, region)| region);
    best.or(allowed.first()).map(String::as_str)
}

/// Orders round trips: an unknown one is worse than any.
fn worth(trip: Option<u32>) -> u64 {
    trip.map_or(u64::MAX, u64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trips(told: &[(&str, u32)]) -> RoundTrips {
        told.iter().map(|(region, millis)| ((*region).to_owned(), *millis)).collect()
    }

    #[test]
    fn the_worst_round_trip_decides_and_the_unknown_is_not_short() {
        let allowed = ["fra", "sgp", "sfo"].map(str::to_owned);
        let best = |players: &[RoundTrips]| best_region(&allowed, &players.iter().collect::<Vec<_>>());
        assert_eq!(best(&[]), Some("fra"));
        assert_eq!(best(&[trips(&[]), trips(&[])]), Some("fra"));
        let (ann, bob) = (trips(&[("fra", 20), ("sfo", 90)]), trips(&[("fra", 180), ("sfo", 100)]));
        assert_eq!(best(&[ann.clone(), bob.clone()]), Some("sfo"));
        // Who tells nothing does not count; who tells one region only rules out the others.
        assert_eq!(best(&[ann.clone(), trips(&[])]), Some("fra"));
        assert_eq!(best(&[ann, bob, trips(&[("fra", 300)])]), Some("fra"));
        assert_eq!(best(&[trips(&[("mars", 1)])]), Some("fra"));
        assert_eq!(best(&[trips(&[("sgp", 5), ("sfo", 5)])]), Some("sgp"));
        assert_eq!(best_region(&[], &[]), None);
    }
}
