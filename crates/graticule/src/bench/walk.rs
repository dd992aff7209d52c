//! The workload "walk": N players walk about in a world in which each has about 20 entities in view.

use std::process::Stdio;
use std::time::{Duration, Instant};

use client::bot::{Behaviour, BotPlan, BotReport, play};
use client::{ClientError, Connection};
use domain::ids::{AccountId, CharacterId, HostId, InstanceId, SessionId, TicketId};
use domain::limits::TICKET_LIFETIME_SECS;
use domain::random::Random;
use domain::token::{TICKET_ISSUER, TicketClaims};
use serde::Serialize;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinSet;

use super::WalkOptions;
use super::host::{HostLine, HostStatus, keys, zone};
use super::machine::{Machine, cpu_us, loopback_bytes, pin_to_core};
use super::table;
use crate::exit::{Fault, Outcome};

const CORE: usize = 1;
/// Connections that are opened in a second.
const JOINS_PER_SECOND: u32 = 250;

/// The figures of one run. Times in microseconds, bytes for a player and second.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct WalkFigures {
    pub(crate) players: u32,
    pub(crate) in_view: f64,
    pub(crate) entities: u32,
    /// From the time a tick was due to the receipt of its snapshot.
    pub(crate) added_us: Percentiles,
    /// From an input to the snapshot that has it in.
    pub(crate) ack_us: Percentiles,
    /// Computing time of a tick.
    pub(crate) tick_us: Percentiles,
    pub(crate) ticks: u64,
    pub(crate) late_ticks: u64,
    pub(crate) skipped_ticks: u64,
    pub(crate) blocked_snapshots: u64,
    pub(crate) snapshots_per_player_second: f64,
    pub(crate) payload_down: f64,
    pub(crate) payload_up: f64,
    /// IP packets, both directions, acknowledgements of TCP included.
    pub(crate) wire_total: f64,
    pub(crate) bytes_per_update: f64,
    pub(crate) cpu_us_per_player_second: f64,
    pub(crate) cpu_percent_host: f64,
    pub(crate) cpu_percent_bots: f64,
    pub(crate) kib_per_connection: f64,
    pub(crate) faults: Vec<String>,
}

/// Percentiles of a sample.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: u32,
    pub(crate) p95: u32,
    pub(crate) p99: u32,
}

impl Percentiles {
    fn of(mut sample: Vec<u32>) -> Self {
        sample.sort_unstable();
        let at = |share: usize| sample.get(sample.len() * share / 100).copied().unwrap_or(0);
        Self { p50: at(50), p95: at(95), p99: at(99) }
    }
}

pub(crate) fn run(options: &WalkOptions) -> Outcome {
    if options.seconds < 6 || options.players.is_empty() || options.players.contains(&0) {
        return Err(Fault::usage("--seconds must be at least 6, and --players must name numbers over 0"));
    }
    let machine = Machine::read();
    let pinned = pin_to_core(CORE);
    if !pinned {
        eprintln!("one core only: host and players share it, so the figures say little");
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Fault::failed)?;
    let mut runs = Vec::new();
    for players in &options.players {
        eprintln!("{players} players, {} s ...", options.seconds);
        runs.push(runtime.block_on(measure(*players, options))?);
    }
    eprintln!("{}", table::render(&runs));
    let json = serde_json::json!({ "workload": "walk", "pinned": pinned, "machine": machine, "runs": runs });
    let text = serde_json::to_string_pretty(&json).map_err(Fault::failed)?;
    if let Some(path) = &options.json {
        std::fs::write(path, &text).map_err(|error| Fault::usage(format!("{}: {error}", path.display())))?;
    }
    let faults: usize = runs.iter().map(|run| run.faults.len()).sum();
    if faults == 0 { Ok(()) } else { Err(Fault::failed(format!("the bots found {faults} faults"))) }
}

/// The host process and what it says.
struct HostProcess {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl HostProcess {
    fn start(players: u32, options: &WalkOptions) -> Result<Self, Fault> {
        let program = std::env::current_exe().map_err(Fault::failed)?;
        let mut child = Command::new(program)
            .args(["bench", "host", "--players", &players.to_string()])
            .args(["--in-view", &options.in_view.to_string(), "--seed", &options.seed.to_string()])
            .args(["--tick-rate", &options.tick_rate.to_string(), "--budget", &options.budget.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(Fault::failed)?;
        let stdout = child.stdout.take().ok_or_else(|| Fault::failed("the host has no output"))?;
        Ok(Self { child, lines: BufReader::new(stdout).lines() })
    }

    async fn line(&mut self) -> Result<HostLine, Fault> {
        let line = self.lines.next_line().await.map_err(Fault::failed)?;
        let line = line.ok_or_else(|| Fault::failed("the host process ended"))?;
        serde_json::from_str(&line).map_err(Fault::failed)
    }

    async fn status(&mut self) -> Result<HostStatus, Fault> {
        match self.line().await? {
            HostLine::Status(status) => Ok(status),
            HostLine::Ready { .. } => Err(Fault::failed("the host started twice")),
        }
    }
}

/// Sums at one end of the time that counts.
struct Mark {
    at: Instant,
    host: HostStatus,
    bots_cpu_us: u64,
    wire: u64,
}

impl Mark {
    async fn set(process: &mut HostProcess) -> Result<Self, Fault> {
        let host = process.status().await?;
        Ok(Self { at: Instant::now(), host, bots_cpu_us: cpu_us("self"), wire: loopback_bytes() })
    }
}

async fn measure(players: u32, options: &WalkOptions) -> Result<WalkFigures, Fault> {
    let mut process = HostProcess::start(players, options)?;
    let HostLine::Ready { url, host, instance, resident_kib } = process.line().await? else {
        return Err(Fault::failed("the host did not say that it is ready"));
    };
    let host = host.parse().map_err(Fault::failed)?;
    let instance = instance.parse().map_err(Fault::failed)?;
    let joins = Duration::from_secs(u64::from(players.div_ceil(JOINS_PER_SECOND)) + 1);
    let start = Instant::now() + joins;
    let counts_from = start + Duration::from_secs(options.seconds) / 3;
    let until = start + Duration::from_secs(options.seconds);
    let mut bots = JoinSet::new();
    let mut pace = tokio::time::interval(Duration::from_secs(1) / JOINS_PER_SECOND);
    for number in 1..=players {
        pace.tick().await;
        let plan = BotPlan {
            seed: Random::of_stream(options.seed, number.into()).next_u64(),
            behaviour: Behaviour::Walk,
            breaks_every: None,
            measure_from: counts_from,
        };
        bots.spawn(one_bot(url.clone(), ticket(host, instance, number), plan, until));
    }
    while Instant::now() < counts_from {
        process.status().await?;
    }
    let from = Mark::set(&mut process).await?;
    let mut to = Mark::set(&mut process).await?;
    // The last second is not counted, since players leave in it.
    while Instant::now() + Duration::from_secs(2) < until {
        to = Mark::set(&mut process).await?;
    }
    let drain = async { while process.line().await.is_ok() {} };
    let reports = tokio::select! {
        reports = bots.join_all() => reports,
        () = drain => return Err(Fault::failed("the host process ended")),
    };
    // It is killed when dropped; a host that is gone already is a fault that was noticed above.
    let _ = process.child.start_kill();
    Ok(figures(players, resident_kib, &from, &to, reports))
}

fn ticket(host: HostId, instance: InstanceId, number: u32) -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let now = since.as_secs();
    keys().sign(&TicketClaims {
        iss: TICKET_ISSUER.to_owned(),
        aud: host,
        sub: AccountId::from_u128(number.into()),
        sid: SessionId::from_u128(1),
        jti: TicketId::from_u128(number.into()),
        iat: now,
        exp: now + TICKET_LIFETIME_SECS,
        character: CharacterId::from_u128(number.into()),
        instance,
        zone: zone(),
    })
}

async fn one_bot(
    url: String,
    ticket: String,
    plan: BotPlan,
    until: Instant,
) -> Result<BotReport, ClientError> {
    let connection = Connection::enter(&url, ticket).await?;
    Ok(play(connection, &url, plan, until).await)
}

#[expect(clippy::cast_precision_loss, reason = "sums of a short run are far under 2^53")]
fn figures(
    players: u32,
    idle_kib: u64,
    from: &Mark,
    to: &Mark,
    reports: Vec<Result<BotReport, ClientError>>,
) -> WalkFigures {
    let seconds = (to.at - from.at).as_secs_f64();
    let player_seconds = seconds * f64::from(players);
    let delta = |of: fn(&HostStatus) -> u64| (of(&to.host) - of(&from.host)) as f64;
    let mut faults = Vec::new();
    let (mut added, mut ack) = (Vec::new(), Vec::new());
    let (mut in_view, mut snapshots, mut bytes_out, mut frames) = (0, 0, 0, 0);
    for report in reports {
        match report {
            Ok(report) => {
                added.extend(report.latencies.added_us);
                ack.extend(report.latencies.ack_us);
                in_view += report.in_view;
                snapshots += report.snapshots;
                bytes_out += report.bytes_out;
                frames += report.frames_in;
                faults.extend(report.faults);
            }
            Err(error) => faults.push(error.to_string()),
        }
    }
    // What a bot sends is as regular as what it receives: scale by the snapshots that counted.
    let counted = delta(|host| host.frames_out);
    WalkFigures {
        players,
        in_view: in_view as f64 / (snapshots as f64).max(1.0),
        entities: to.host.entities,
        added_us: Percentiles::of(added),
        ack_us: Percentiles::of(ack),
        tick_us: Percentiles { p50: to.host.tick_p50_us, p95: to.host.tick_p95_us, p99: to.host.tick_p99_us },
        ticks: to.host.ticks - from.host.ticks,
        late_ticks: to.host.late - from.host.late,
        skipped_ticks: to.host.skipped - from.host.skipped,
        blocked_snapshots: to.host.blocked - from.host.blocked,
        snapshots_per_player_second: counted / player_seconds,
        payload_down: delta(|host| host.payload_out) / player_seconds,
        payload_up: bytes_out as f64 / (frames as f64).max(1.0) * counted / player_seconds,
        wire_total: (to.wire - from.wire) as f64 / player_seconds,
        bytes_per_update: delta(|host| host.payload_out) / delta(|host| host.updates_out).max(1.0),
        cpu_us_per_player_second: delta(|host| host.cpu_us) / player_seconds,
        cpu_percent_host: delta(|host| host.cpu_us) / seconds / 10_000.0,
        cpu_percent_bots: (to.bots_cpu_us - from.bots_cpu_us) as f64 / seconds / 10_000.0,
        kib_per_connection: to.host.resident_kib.saturating_sub(idle_kib) as f64 / f64::from(players),
        faults,
    }
}
