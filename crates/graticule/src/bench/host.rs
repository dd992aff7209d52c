//! The host process of a benchmark: a zone host without API, with the rules of realm, that tells each second
//! how it is.

use std::io::Write as _;
use std::time::Duration;

use clap::Args;
use domain::catalogue::{Catalogue, ZoneDefinition};
use domain::contract::players::Place;
use domain::fixed::{Vec2, metres};
use domain::ids::ZoneId;
use domain::random::Random;
use serde::{Deserialize, Serialize};
use sim::rules::Rules;
use sim::rules::realm::Realm;
use token::{KeyRing, SecretKey};
use tokio::net::TcpListener;
use zonehost::platform::local::LocalPlatform;
use zonehost::{HostConfig, RunningHost};

use super::machine::{cpu_us, pin_to_core, resident_kib};
use crate::exit::{Fault, Outcome, runtime};

const CORE: usize = 0;
const INTEREST_RADIUS: i32 = metres(40);
/// Monsters beside the players, in 1/10 of them.
const MONSTERS_TENTHS: u32 = 2;

/// How big the world of a benchmark is.
#[derive(Args)]
pub(crate) struct HostOptions {
    #[arg(long)]
    players: u32,
    #[arg(long)]
    in_view: u32,
    #[arg(long)]
    seed: u64,
    #[arg(long)]
    tick_rate: u16,
    #[arg(long)]
    budget: u32,
}

/// A line of the host process.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HostLine {
    /// Players can come.
    Ready { url: String, host: String, instance: String, resident_kib: u64 },
    /// How it is; sums since the start.
    Status(HostStatus),
}

/// Sums since the start, and percentiles of the newest ticks.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct HostStatus {
    pub(crate) cpu_us: u64,
    pub(crate) resident_kib: u64,
    pub(crate) connections: usize,
    pub(crate) entities: u32,
    pub(crate) ticks: u64,
    pub(crate) late: u64,
    pub(crate) skipped: u64,
    pub(crate) blocked: u64,
    pub(crate) frames_out: u64,
    pub(crate) payload_out: u64,
    pub(crate) updates_out: u64,
    pub(crate) tick_p50_us: u32,
    pub(crate) tick_p95_us: u32,
    pub(crate) tick_p99_us: u32,
}

/// The zone of benchmarks.
pub(crate) fn zone() -> ZoneId {
    "bench".parse().expect("a zone name")
}

/// The key of a benchmark's tickets; both processes are ours.
pub(crate) fn keys() -> KeyRing {
    KeyRing::new(&[SecretKey::from_seed("bench", &[42; 32])]).expect("a good key")
}

/// A square world in which a circle of sight holds `in_view` of the entities, the player's own aside.
fn definition(options: &HostOptions) -> ZoneDefinition {
    let HostOptions { players, in_view, .. } = *options;
    let monsters = players * MONSTERS_TENTHS / 10;
    let radius_squared = u64::from(INTEREST_RADIUS.unsigned_abs()).pow(2);
    // Pi as 355/113: the area is entities / in_view circles.
    let area = u64::from(players + monsters) * radius_squared * 355 / 113 / u64::from(in_view.max(1));
    let size = i32::try_from(area.isqrt()).unwrap_or(i32::MAX).max(metres(60));
    ZoneDefinition {
        zone: zone(),
        title: "Benchmark".to_owned(),
        size,
        tick_rate_hz: options.tick_rate,
        ticks_per_snapshot: options.tick_rate / 10,
        budget: options.budget,
        interest_radius: INTEREST_RADIUS,
        capacity: players + 10,
        monsters,
        combat: true,
        obstacle_permille: 30,
    }
}

pub(crate) fn run(options: &HostOptions) -> Outcome {
    if !pin_to_core(CORE) {
        return Err(Fault::failed("the host cannot be bound to a core"));
    }
    runtime(Some(1))?.block_on(serve(options))
}

async fn serve(options: &HostOptions) -> Outcome {
    let definition = definition(options);
    let platform = LocalPlatform::new(keys());
    let mut random = Random::of_stream(options.seed, 2);
    for number in 1..=options.players {
        let position = Vec2::new(random.between(0, definition.size), random.between(0, definition.size));
        let place = Place { zone: definition.zone.clone(), position, health: i32::MAX };
        let name = format!("Walker {number}").parse().map_err(Fault::failed)?;
        platform.create(number.into(), name, Some(place));
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Fault::failed)?;
    let admin = TcpListener::bind("127.0.0.1:0").await.map_err(Fault::failed)?;
    let url = format!("ws://{}", listener.local_addr().map_err(Fault::failed)?);
    let figment = HostConfig::defaults()
        .merge(("public_url", &url))
        .merge(("service_token", "a token of benchmarks"))
        .merge(("zones", [definition.zone.as_str()]))
        .merge(("seed", options.seed))
        .merge(("limits.pending_per_address_max", options.players + 10))
        .merge(("limits.connections_max", options.players + 10));
    let config = HostConfig::extract(&figment).map_err(Fault::failed)?;
    let rules = |_: &_| Box::new(Realm) as Box<dyn Rules>;
    let catalogue = Catalogue::of(vec![definition]);
    let host =
        zonehost::start(config, &catalogue, rules, platform, listener, admin).await.map_err(Fault::failed)?;
    let (instance, _) =
        host.metrics().zones().into_iter().next().ok_or_else(|| Fault::failed("no instance"))?;
    tell(&HostLine::Ready {
        url,
        host: host.id().to_string(),
        instance: instance.to_string(),
        resident_kib: resident_kib("self"),
    })?;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        tell(&HostLine::Status(status(&host)))?;
    }
}

/// Writes a line for the other process; an error means that it is gone, and so must this one.
fn tell(line: &HostLine) -> Outcome {
    let mut text = serde_json::to_vec(line).map_err(Fault::failed)?;
    text.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&text).and_then(|()| out.flush()).map_err(Fault::failed)
}

fn status(host: &RunningHost<LocalPlatform>) -> HostStatus {
    let Some((_, zone)) = host.metrics().zones().into_iter().next() else { return HostStatus::default() };
    let percentiles = zone.percentiles();
    HostStatus {
        cpu_us: cpu_us("self"),
        resident_kib: resident_kib("self"),
        connections: host.connections(),
        entities: zone.last.entities,
        ticks: zone.ticks,
        late: zone.late,
        skipped: zone.skipped,
        blocked: zone.blocked,
        frames_out: zone.frames_out,
        payload_out: zone.bytes_out,
        updates_out: zone.updates_out,
        tick_p50_us: percentiles.p50_us,
        tick_p95_us: percentiles.p95_us,
        tick_p99_us: percentiles.p99_us,
    }
}
