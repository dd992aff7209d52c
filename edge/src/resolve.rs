//! Which region is best for a player: measured round trips beat distance, distance beats the continent, and
//! full regions stand back.

use std::collections::BTreeMap;

use domain::contract::edge::{RegionCandidate, ResolveBasis, ResolveResponse};
use domain::limits::REGION_STALE_MILLIS;
use domain::time::UnixMillis;

use crate::config::Region;
use crate::error::EdgeError;
use crate::request::Geo;

/// Seconds for which a client may keep an answer.
pub const CACHE_SECS: u32 = 2;
/// A report is believed for so long that even a kept answer ends in time.
const BELIEVED_MILLIS: u64 = REGION_STALE_MILLIS - CACHE_SECS as u64 * 1_000;
/// A region over this load stands back by a millisecond for each 1/1000.
const CROWDED_PERMILLE: u16 = 700;
/// Light in fibre makes the way there and back in about 1 ms per 100 km; cables are not straight.
const KM_PER_RTT_MS: u32 = 70;
const EARTH_RADIUS_KM: f64 = 6_371.0;
/// Round trips over this are not believed.
const RTT_MS_MAX: u32 = 10_000;

/// A region's last word on itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegionHealth {
    /// When it spoke.
    pub reported_at: UnixMillis,
    /// How full it is, in 1/1000.
    pub load_permille: u16,
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResolveQuery {
    /// The region that it wants.
    pub pinned: Option<String>,
    /// Round trips that it measured, by region, in milliseconds.
    pub rtt_ms: BTreeMap<String, u32>,
}

impl ResolveQuery {
    /// Reads `region=fra&rtt=sgp:31,fra:180`.
    pub fn parse(query: &str) -> Result<Self, EdgeError> {
        let mut parsed = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("region", region)) => parsed.pinned = Some(region.to_owned()),
                Some(("rtt", list)) => parsed.rtt_ms = parse_rtt(list)?,
                _ => {
                    let text = format!("unknown parameter {pair:?}: there are region= and rtt=");
                    return Err(EdgeError::BadRequest(text));
                }
            }
        }
        Ok(parsed)
    }
}

fn parse_rtt(list: &str) -> Result<BTreeMap<String, u32>, EdgeError> {
    let bad = || EdgeError::BadRequest("rtt must be like sgp:31,fra:180, in milliseconds".to_owned());
    // Browsers write the comma and the colon of a parameter as %2C and %3A.
    let list = list.replace("%2C", ",").replace("%2c", ",").replace("%3A", ":").replace("%3a", ":");
    let mut rtt_ms = BTreeMap::new();
    for entry in list.split(',') {
        let (region, rtt) = entry.split_once(':').ok_or_else(bad)?;
        let rtt: u32 = rtt.parse().map_err(|_| bad())?;
        if region.is_empty() || rtt == 0 || rtt > RTT_MS_MAX || rtt_ms.len() >= 64 {
            return Err(bad());
        }
        rtt_ms.insert(region.to_owned(), rtt);
    }
    Ok(rtt_ms)
}

/// Orders the regions for a player.
pub fn resolve(
    regions: &[Region],
    health: &BTreeMap<String, RegionHealth>,
    geo: &Geo,
    query: &ResolveQuery,
    now: UnixMillis,
) -> Result<ResolveResponse, EdgeError> {
    if let Some(pinned) = &query.pinned
        && !regions.iter().any(|region| region.region == *pinned)
    {
        let names: Vec<&str> = regions.iter().map(|region| region.region.as_str()).collect();
        let text = format!("there is no region {pinned:?}: there are {}", names.join(", "));
        return Err(EdgeError::BadRequest(text));
    }
    let mut ranked: Vec<(Rank, RegionCandidate)> = regions
        .iter()
        .enumerate()
        .filter(|(_, region)| query.pinned.as_ref().is_none_or(|pinned| *pinned == region.region))
        .filter_map(|(order, region)| {
            let load = load_if_open(health.get(&region.region), now)?;
            Some(rank(region, order, load, geo, query))
        })
        .collect();
    if ranked.is_empty() {
        let text = "no region takes players at the moment: try again soon";
        return Err(EdgeError::NoRegion(text.to_owned()));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    let basis = if query.pinned.is_some() { ResolveBasis::Pinned } else { ranked[0].0.basis() };
    let candidates = ranked.into_iter().map(|(_, candidate)| candidate).collect();
    Ok(ResolveResponse { candidates, basis, cache_secs: CACHE_SECS })
}

fn load_if_open(health: Option<&RegionHealth>, now: UnixMillis) -> Option<u16> {
    let health = health?;
    let fresh = now.millis_since(health.reported_at) < BELIEVED_MILLIS;
    (fresh && health.load_permille < 1_000).then_some(health.load_permille)
}

/// Smaller is better: first what is known best, then the estimated round trip with the crowding added, then
/// the order of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    knowledge: u8,
    millis: u32,
    order: usize,
}

impl Rank {
    const fn basis(self) -> ResolveBasis {
        match self.knowledge {
            0 => ResolveBasis::RoundTrip,
            1 => ResolveBasis::Distance,
            2 => ResolveBasis::Continent,
            _ => ResolveBasis::Configured,
        }
    }
}

fn rank(
    region: &Region,
    order: usize,
    load: u16,
    geo: &Geo,
    query: &ResolveQuery,
) -> (Rank, RegionCandidate) {
    let distance_km = geo.place.map(|place| great_circle_km(place, (region.latitude, region.longitude)));
    let rtt_ms = query.rtt_ms.get(&region.region).copied();
    let near = geo.continent.as_ref().is_some_and(|continent| region.continents.contains(continent));
    let crowding = u32::from(load.saturating_sub(CROWDED_PERMILLE));
    let (knowledge, millis) = match (rtt_ms, distance_km) {
        (Some(rtt), _) => (0, rtt + crowding),
        (None, Some(km)) => (1, km / KM_PER_RTT_MS + crowding),
        (None, None) if near => (2, crowding),
        (None, None) => (3, crowding),
    };
    let candidate = RegionCandidate {
        region: region.region.clone(),
        api_url: region.api_url.clone(),
        distance_km,
        rtt_ms,
        load_permille: load,
    };
    (Rank { knowledge, millis, order }, candidate)
}

/// The haversine formula; degrees north and east.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most half of Earth's girth")]
fn great_circle_km(from: (f64, f64), to: (f64, f64)) -> u32 {
    let (lat_a, lat_b) = (from.0.to_radians(), to.0.to_radians());
    let half = |a: f64, b: f64| ((b - a) / 2.0).sin().powi(2);
    let turn = (to.1 - from.1).to_radians();
    let chord = half(lat_a, lat_b) + lat_a.cos() * lat_b.cos() * (turn / 2.0).sin().powi(2);
    (2.0 * EARTH_RADIUS_KM * chord.sqrt().min(1.0).asin()).round() as u32
}

#[cfg(test)]
mod tests;
