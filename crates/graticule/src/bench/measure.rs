//! Runs of the zone host under a workload.

use std::process::Stdio;
use std::time::{Duration, Instant};

use clap::ValueEnum as _;
use client::bot::{BotPlan, BotReport, play};
use client::{ClientError, Connection};
use domain::ids::{AccountId, CharacterId, HostId, InstanceId, SessionId, TicketId};
use domain::limits::TICKET_LIFETIME_SECS;
use domain::random::Random;
use domain::token::{TICKET_ISSUER, TicketClaims};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinSet;

use super::RunOptions;
use super::figures::{Figures, Percentiles, median, table};
use super::host::{HostLine, HostStatus, keys, zone};
use super::machine::{Machine, cpu_us, loopback_bytes, pin_to_core};
use super::workload::{STORM_RESIDENTS, Workload};
use crate::exit::{Fault, Outcome};

/// The core of the players.
pub(crate) const CORE: usize = 1;
/// Connections that are opened in a second.
const JOINS_PER_SECOND: u32 = 250;
/// In a storm all come within this time.
const STORM: Duration = Duration::from_secs(3);

/// One run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) workload: Workload,
    pub(crate) players: u32,
    pub(crate) in_view: u32,
}

pub(crate) fn run(workload: Workload, options: &RunOptions) -> Outcome {
    let runs = measure_all(workload, options)?;
    eprintln!("{}", table(&runs));
    write_json(workload.name(), &runs, options)?;
    let faults: usize = runs.iter().map(|run| run.faults.len()).sum();
    let first = runs.iter().flat_map(|run| &run.faults).next();
    match first {
        None => Ok(()),
        Some(first) => Err(Fault::failed(format!("the bots found {faults} faults, the first: {first}"))),
    }
}

fn write_json(name: &str, runs: &[Figures], options: &RunOptions) -> Outcome {
    let Some(path) = &options.json else { return Ok(()) };
    let json = serde_json::json!({ "workload": name, "machine": Machine::read(), "runs": runs });
    let text = serde_json::to_string_pretty(&json).map_err(Fault::failed)?;
    std::fs::write(path, text).map_err(|error| Fault::usage(format!("{}: {error}", path.display())))
}

/// The medians of all runs that `options` ask for.
pub(crate) fn measure_all(workload: Workload, options: &RunOptions) -> Result<Vec<Figures>, Fault> {
    if !pin_to_core(CORE) {
        eprintln!("one core only: host and players share it, so the figures say little");
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Fault::failed)?;
    let mut medians = Vec::new();
    for in_view in &options.in_view {
        for players in &options.players {
            let run = Run { workload, players: *players, in_view: *in_view };
            let mut rounds = Vec::new();
            for round in 1..=options.rounds {
                eprintln!(
                    "{}: {players} players, {in_view} in view, {} s, round {round} ...",
                    workload.name(),
                    options.seconds
                );
                rounds.push(runtime.block_on(measure(run, options))?);
            }
            medians.extend(median(rounds));
        }
    }
    Ok(medians)
}

/// The host process and what it says.
struct HostProcess {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl HostProcess {
    fn start(run: Run, options: &RunOptions) -> Result<Self, Fault> {
        let program = std::env::current_exe().map_err(Fault::failed)?;
        let workload = run.workload.to_possible_value().expect("none is hidden");
        let mut child = Command::new(program)
            .args(["bench", "host", "--workload", workload.get_name()])
            .args(["--players", &residents(run).saturating_add(storm(run)).to_string()])
            .args(["--in-view", &run.in_view.to_string(), "--seed", &options.seed.to_string()])
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

/// Players who are in from the start.
const fn residents(run: Run) -> u32 {
    if matches!(run.workload, Workload::Storm) { STORM_RESIDENTS } else { run.players }
}

/// Players who come at once while it is measured.
const fn storm(run: Run) -> u32 {
    if matches!(run.workload, Workload::Storm) { run.players } else { 0 }
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

/// The players of a run.
struct Players {
    url: String,
    host: HostId,
    instance: InstanceId,
    seed: u64,
    workload: Workload,
    counts_from: Instant,
    until: Instant,
    bots: JoinSet<Result<BotReport, ClientError>>,
}

impl Players {
    /// Lets players `numbers` in, evenly spread over `within`; returns once all have been started.
    async fn join(&mut self, numbers: std::ops::RangeInclusive<u32>, within: Duration) {
        let count = u32::try_from(numbers.clone().count()).unwrap_or(u32::MAX).max(1);
        let mut pace = tokio::time::interval(within / count);
        for number in numbers {
            pace.tick().await;
            let plan = BotPlan {
                seed: Random::of_stream(self.seed, number.into()).next_u64(),
                behaviour: self.workload.behaviour(),
                breaks_every: None,
                measure_from: self.counts_from,
            };
            let (url, until) = (self.url.clone(), self.until);
            let ticket = ticket(self.host, self.instance, number);
            self.bots.spawn(async move {
                let connection = Connection::enter(&url, ticket).await?;
                Ok(play(connection, &url, plan, until).await)
            });
        }
    }
}

async fn measure(run: Run, options: &RunOptions) -> Result<Figures, Fault> {
    let mut process = HostProcess::start(run, options)?;
    let HostLine::Ready { url, host, instance, resident_kib } = process.line().await? else {
        return Err(Fault::failed("the host did not say that it is ready"));
    };
    let joins = Duration::from_secs(u64::from(residents(run).div_ceil(JOINS_PER_SECOND)));
    let start = Instant::now() + joins + Duration::from_secs(1);
    let length = Duration::from_secs(options.seconds);
    let mut players = Players {
        url,
        host: host.parse().map_err(Fault::failed)?,
        instance: instance.parse().map_err(Fault::failed)?,
        seed: options.seed,
        workload: run.workload,
        counts_from: start + length / 3,
        until: start + length,
        bots: JoinSet::new(),
    };
    players.join(1..=residents(run), joins).await;
    while Instant::now() < players.counts_from {
        process.status().await?;
    }
    let from = Mark::set(&mut process).await?;
    let storm_ms = if storm(run) > 0 { rage(run, &mut players, &mut process).await? } else { 0 };
    let mut to = Mark::set(&mut process).await?;
    // The last second is not counted, since players leave in it.
    while Instant::now() + Duration::from_secs(2) < players.until {
        to = Mark::set(&mut process).await?;
    }
    let drain = async { while process.line().await.is_ok() {} };
    let reports = tokio::select! {
        reports = players.bots.join_all() => reports,
        () = drain => return Err(Fault::failed("the host process ended")),
    };
    // It is killed when dropped; a host that is gone already is a fault that was noticed above.
    let _ = process.child.start_kill();
    let mut figures = figures(run, &from, &to, reports);
    figures.storm_ms = storm_ms;
    let grown = to.host.resident_kib.saturating_sub(resident_kib);
    figures.kib_per_connection = to_f64(grown) / f64::from(residents(run) + storm(run));
    Ok(figures)
}

/// Lets the storm in; how long it took until all were in, in milliseconds.
async fn rage(run: Run, players: &mut Players, process: &mut HostProcess) -> Result<u64, Fault> {
    let began = Instant::now();
    let all = (residents(run) + storm(run)) as usize;
    players.join(residents(run) + 1..=residents(run) + storm(run), STORM).await;
    loop {
        // The host tells four times a second.
        if process.status().await?.players as usize >= all {
            return Ok(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
        }
        if began.elapsed() > STORM * 5 {
            return Err(Fault::failed("not all of the storm got in within 15 s"));
        }
    }
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
        spectates: false,
    })
}

#[expect(clippy::cast_precision_loss, reason = "sums of a short run are far under 2^53")]
fn to_f64(sum: u64) -> f64 {
    sum as f64
}

fn figures(run: Run, from: &Mark, to: &Mark, reports: Vec<Result<BotReport, ClientError>>) -> Figures {
    let seconds = (to.at - from.at).as_secs_f64();
    let player_seconds = seconds * f64::from(residents(run) + storm(run));
    let delta = |of: fn(&HostStatus) -> u64| to_f64(of(&to.host) - of(&from.host));
    let mut figures = Figures { players: run.players, entities: to.host.entities, ..Figures::default() };
    let (mut added, mut ack) = (Vec::new(), Vec::new());
    let (mut in_view, mut snapshots, mut bytes_out, mut frames) = (0, 0, 0, 0);
    for (number, report) in (1..).zip(reports) {
        match report {
            Ok(report) => {
                added.extend(report.latencies.added_us);
                ack.extend(report.latencies.ack_us);
                in_view += report.in_view;
                snapshots += report.snapshots;
                bytes_out += report.bytes_out;
                frames += report.frames_in;
                figures.wire_down_second_max = figures.wire_down_second_max.max(report.second_max);
                // Of a storm, those who were in before count.
                if number <= residents(run) {
                    figures.gap_max_us = figures.gap_max_us.max(report.gap_max_us);
                }
                figures.disconnects += usize::from(!report.faults.is_empty());
                figures.faults.extend(report.faults);
            }
            Err(error) => {
                figures.disconnects += 1;
                figures.faults.push(error.to_string());
            }
        }
    }
    let sent = delta(|host| host.frames_out).max(1.0);
    figures.in_view = to_f64(in_view) / to_f64(snapshots).max(1.0);
    figures.added_us = Percentiles::of(added);
    figures.ack_us = Percentiles::of(ack);
    figures.tick_us = to.host.tick_us;
    figures.ticks = to.host.ticks - from.host.ticks;
    figures.late_ticks = to.host.late - from.host.late;
    figures.skipped_ticks = to.host.skipped - from.host.skipped;
    figures.blocked_snapshots = to.host.blocked - from.host.blocked;
    figures.shed_level = to.host.shed_level;
    figures.overdue_per_snapshot = delta(|host| host.overdue) / sent;
    figures.snapshots_per_player_second = sent / player_seconds;
    figures.payload_down = delta(|host| host.payload_out) / player_seconds;
    // What a bot sends is as regular as what it receives: scale by the snapshots that counted.
    figures.payload_up = to_f64(bytes_out) / to_f64(frames).max(1.0) * sent / player_seconds;
    figures.wire_total = to_f64(to.wire - from.wire) / player_seconds;
    figures.updates_per_player_second = delta(|host| host.updates_out) / player_seconds;
    figures.bytes_per_entity_and_snapshot = delta(|host| host.payload_out) / sent / figures.in_view.max(1.0);
    figures.bytes_per_update = delta(|host| host.update_bytes_out) / delta(|host| host.updates_out).max(1.0);
    figures.user_us_per_player_second = delta(|host| host.user_us) / player_seconds;
    figures.cpu_us_per_player_second = delta(|host| host.cpu_us) / player_seconds;
    figures.cpu_percent_host = delta(|host| host.cpu_us) / seconds / 10_000.0;
    figures.cpu_percent_bots = to_f64(to.bots_cpu_us - from.bots_cpu_us) / seconds / 10_000.0;
    figures
}
