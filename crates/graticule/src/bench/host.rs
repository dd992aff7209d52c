//! The host process of a benchmark: a zone host without API, with the rules of realm, that tells four times
//! a second how it is.

use std::io::Write as _;
use std::time::Duration;

use clap::Args;
use domain::catalogue::Catalogue;
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

use super::figures::Percentiles;
use super::machine::{cpu_us, pin_to_core, resident_kib, user_us};
use super::workload::Workload;
use crate::exit::{Fault, Outcome, runtime};

/// The core of the host.
pub(crate) const CORE: usize = 0;
/// Between two lines.
const STATUS_EVERY: Duration = Duration::from_millis(250);
/// In a crowd all begin within this distance of the middle.
const CROWD_RADIUS: i32 = metres(8);

/// Which world to run.
#[derive(Args)]
pub(crate) struct HostOptions {
    #[arg(long)]
    pub(crate) workload: Workload,
    #[arg(long)]
    pub(crate) players: u32,
    #[arg(long)]
    pub(crate) in_view: u32,
    #[arg(long)]
    pub(crate) seed: u64,
    #[arg(long)]
    pub(crate) tick_rate: u16,
    #[arg(long)]
    pub(crate) budget: u32,
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
    pub(crate) players: u32,
    pub(crate) entities: u32,
    pub(crate) ticks: u64,
    pub(crate) late: u64,
    pub(crate) skipped: u64,
    pub(crate) blocked: u64,
    pub(crate) frames_out: u64,
    pub(crate) payload_out: u64,
    pub(crate) updates_out: u64,
    pub(crate) update_bytes_out: u64,
    pub(crate) user_us: u64,
    pub(crate) overdue: u64,
    pub(crate) shed_level: u8,
    pub(crate) tick_us: Percentiles,
}

/// The zone of benchmarks.
pub(crate) fn zone() -> ZoneId {
    "bench".parse().expect("a zone name")
}

/// The key of a benchmark's tickets; both processes are ours.
pub(crate) fn keys() -> KeyRing {
    KeyRing::new(&[SecretKey::from_seed("bench", &[42; 32])]).expect("a good key")
}

pub(crate) fn run(options: &HostOptions) -> Outcome {
    if !pin_to_core(CORE) {
        return Err(Fault::failed("the host cannot be bound to a core"));
    }
    runtime(Some(1))?.block_on(serve(options))
}

async fn serve(options: &HostOptions) -> Outcome {
    let definition = options.workload.definition(options);
    let platform = LocalPlatform::new(keys());
    let mut random = Random::of_stream(options.seed, 2);
    for number in 1..=options.players {
        let (low, high) = if options.workload.is_crowded() {
            (definition.size / 2 - CROWD_RADIUS, definition.size / 2 + CROWD_RADIUS)
        } else {
            (0, definition.size)
        };
        let position = Vec2::new(random.between(low, high), random.between(low, high));
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
        tokio::time::sleep(STATUS_EVERY).await;
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
        players: zone.last.players,
        entities: zone.last.entities,
        ticks: zone.ticks,
        late: zone.late,
        skipped: zone.skipped,
        blocked: zone.blocked,
        frames_out: zone.frames_out,
        payload_out: zone.bytes_out,
        updates_out: zone.updates_out,
        update_bytes_out: zone.update_bytes_out,
        user_us: user_us("self"),
        overdue: zone.overdue,
        shed_level: zone.last.shed.number(),
        tick_us: Percentiles { p50: percentiles.p50_us, p95: percentiles.p95_us, p99: percentiles.p99_us },
    }
}
