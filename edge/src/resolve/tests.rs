//! Players from many places, and regions in many states.

use super::*;

const NOW: UnixMillis = UnixMillis::new(1_000_000);

fn regions() -> Vec<Region> {
    let region = |name: &str, latitude, longitude, continents: &[&str]| Region {
        region: name.to_owned(),
        api_url: format!("https://{name}.example"),
        latitude,
        longitude,
        continents: continents.iter().map(|&c| c.to_owned()).collect(),
    };
    vec![
        region("fra", 50.1, 8.7, &["EU", "AF"]),
        region("sgp", 1.35, 103.8, &["AS", "OC"]),
        region("sfo", 37.8, -122.4, &["NA", "SA"]),
    ]
}

fn healthy() -> BTreeMap<String, RegionHealth> {
    let health = RegionHealth { reported_at: NOW, load_permille: 100 };
    ["fra", "sgp", "sfo"].map(|name| (name.to_owned(), health)).into()
}

fn order(
    geo: &Geo,
    query: &str,
    health: &BTreeMap<String, RegionHealth>,
    now: UnixMillis,
) -> (String, ResolveBasis) {
    let query = ResolveQuery::parse(query).expect("a good query");
    let answer = resolve(&regions(), health, geo, &query, now).expect("a region");
    let names: Vec<String> = answer.candidates.into_iter().map(|candidate| candidate.region).collect();
    (names.join(" "), answer.basis)
}

fn at(latitude: f64, longitude: f64) -> Geo {
    Geo { place: Some((latitude, longitude)), continent: None }
}

#[test]
fn the_nearest_region_is_first() {
    let check = |geo: &Geo, expected: &str| {
        assert_eq!(order(geo, "", &healthy(), NOW), (expected.to_owned(), ResolveBasis::Distance), "{geo:?}");
    };
    check(&at(52.5, 13.4), "fra sfo sgp");
    check(&at(-33.9, 151.2), "sgp sfo fra");
    check(&at(40.7, -74.0), "sfo fra sgp");
    assert_eq!(great_circle_km((50.1, 8.7), (1.35, 103.8)), 10_256);
    assert_eq!(great_circle_km((0.0, 0.0), (0.0, 180.0)), 20_015);
}

#[test]
fn round_trips_beat_distance_and_the_continent_is_the_last_resort() {
    let berlin = at(52.5, 13.4);
    let seen = order(&berlin, "rtt=sgp:31,fra:180", &healthy(), NOW);
    assert_eq!(seen, ("sgp fra sfo".to_owned(), ResolveBasis::RoundTrip));
    assert_eq!(order(&berlin, "rtt=sgp%3A31%2Cfra%3A180", &healthy(), NOW).0, "sgp fra sfo");
    let asia = Geo { place: None, continent: Some("AS".into()) };
    assert_eq!(order(&asia, "", &healthy(), NOW), ("sgp fra sfo".to_owned(), ResolveBasis::Continent));
    let nowhere = order(&Geo::default(), "", &healthy(), NOW);
    assert_eq!(nowhere, ("fra sgp sfo".to_owned(), ResolveBasis::Configured));
    assert_eq!(order(&berlin, "region=sfo", &healthy(), NOW), ("sfo".to_owned(), ResolveBasis::Pinned));
}

#[test]
fn regions_that_are_silent_or_full_are_left_out() {
    let mut health = healthy();
    let late = NOW.plus_millis(BELIEVED_MILLIS);
    health.insert("sgp".into(), RegionHealth { reported_at: late, load_permille: 0 });
    assert_eq!(order(&at(52.5, 13.4), "", &health, late).0, "sgp");
    health.insert("sgp".into(), RegionHealth { reported_at: late, load_permille: 1_000 });
    let none = resolve(&regions(), &health, &Geo::default(), &ResolveQuery::default(), late);
    assert!(matches!(none, Err(EdgeError::NoRegion(_))));
    let mut crowded = healthy();
    crowded.insert("fra".into(), RegionHealth { reported_at: NOW, load_permille: 990 });
    assert_eq!(order(&at(52.5, 13.4), "", &crowded, NOW).0, "sfo sgp fra", "a crowded region stands back");
}

#[test]
fn bad_queries_are_named() {
    for query in ["rtt=", "rtt=sgp", "rtt=sgp:x", "rtt=sgp:0", "rtt=:5", "rtt=sgp:99999", "speed=1", "rtt"] {
        assert!(matches!(ResolveQuery::parse(query), Err(EdgeError::BadRequest(_))), "{query}");
    }
    let query = ResolveQuery::parse("region=mars").expect("well formed");
    let answer = resolve(&regions(), &healthy(), &Geo::default(), &query, NOW);
    assert!(matches!(answer, Err(EdgeError::BadRequest(text)) if text.contains("fra, sgp, sfo")));
}
