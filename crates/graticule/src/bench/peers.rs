//! The workload walk with other game servers, in turns with this host: each as a user of it would write it
//! (tests/peers), under the bots of its own client library.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::RunOptions;
use super::figures::{Percentiles, median};
use super::host::CORE as SERVER_CORE;
use super::machine::{Machine, cpu_us, loopback_bytes, pin_to_core, resident_kib, user_us};
use super::measure::{CORE as BOTS_CORE, measure_all};
use super::workload::{INTEREST_RADIUS, Workload};
use crate::exit::{Fault, Outcome};

const FOLDER: &str = "tests/peers";
/// A peer's name in tables, its kind for the scripts, and what else they are told.
const PEERS: [(&str, &str, &[&str]); 4] = [
    ("Node ws", "ws", &[]),
    ("socket.io", "socketio", &[]),
    ("Colyseus", "colyseus", &[]),
    ("Colyseus, patch after tick", "colyseus", &["--patch", "tick"]),
];

/// One server under the workload; bytes for a player and second.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PeerFigures {
    pub(crate) server: String,
    pub(crate) players: u32,
    pub(crate) in_view: f64,
    pub(crate) added_us: Percentiles,
    pub(crate) payload_down: f64,
    pub(crate) wire_total: f64,
    pub(crate) cpu_us_per_player_second: f64,
    /// Without the kernel's part, which is about the same for all.
    pub(crate) user_us_per_player_second: f64,
    pub(crate) kib_per_connection: f64,
    pub(crate) bots_percent: f64,
    pub(crate) faults: usize,
}

/// What a peer's bots say at the end.
#[derive(Debug, Deserialize)]
struct BotsResult {
    connected: u32,
    in_view_mean: f64,
    payload_down: Option<f64>,
    added_us: AddedMicros,
    seconds: f64,
    bots_cpu_share: f64,
    faults: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct AddedMicros {
    p50: f64,
    p95: f64,
    p99: f64,
}

pub(crate) fn run(options: &RunOptions) -> Outcome {
    let rounds = measure_rounds(options)?;
    eprintln!("{}", table(&rounds));
    let Some(path) = &options.json else { return Ok(()) };
    let json = serde_json::json!({ "workload": "peers", "machine": Machine::read(), "runs": rounds });
    let text = serde_json::to_string_pretty(&json).map_err(Fault::failed)?;
    std::fs::write(path, text).map_err(|error| Fault::usage(format!("{}: {error}", path.display())))
}

/// All servers in turns, as many rounds as asked for.
pub(crate) fn measure_rounds(options: &RunOptions) -> Result<Vec<PeerFigures>, Fault> {
    let folder = PathBuf::from(FOLDER);
    install(&folder)?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Fault::failed)?;
    let mut all = Vec::new();
    for players in &options.players {
        for _ in 0..options.rounds {
            all.push(ours(*players, options)?);
            for (name, kind, more) in PEERS {
                eprintln!("{name}: {players} players, {} s ...", options.seconds);
                let peer = Peer { name, kind, more, players: *players };
                all.push(runtime.block_on(measure(&peer, options, &folder))?);
            }
        }
    }
    Ok(all)
}

fn install(folder: &Path) -> Outcome {
    if !folder.join("package.json").is_file() {
        return Err(Fault::usage(format!("{FOLDER} is not here: run this in the root of the repository")));
    }
    if folder.join("node_modules").is_dir() {
        return Ok(());
    }
    let done = std::process::Command::new("npm").args(["ci", "--silent"]).current_dir(folder).status();
    match done {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Fault::failed(format!("npm ci in {FOLDER} ended with {status}"))),
        Err(error) => Err(Fault::failed(format!("npm cannot be started ({error}): install Node.js 20"))),
    }
}

fn ours(players: u32, options: &RunOptions) -> Result<PeerFigures, Fault> {
    let options = RunOptions { players: vec![players], rounds: 1, ..options.clone() };
    let run = median(measure_all(Workload::Peers, &options)?);
    let run = run.ok_or_else(|| Fault::failed("nothing was measured"))?;
    Ok(PeerFigures {
        server: "Graticule".to_owned(),
        players,
        in_view: run.in_view,
        added_us: run.added_us,
        payload_down: run.payload_down,
        wire_total: run.wire_total,
        cpu_us_per_player_second: run.cpu_us_per_player_second,
        user_us_per_player_second: run.user_us_per_player_second,
        kib_per_connection: run.kib_per_connection,
        bots_percent: run.cpu_percent_bots,
        faults: run.faults.len(),
    })
}

/// A run of a peer.
struct Peer {
    name: &'static str,
    kind: &'static str,
    more: &'static [&'static str],
    players: u32,
}

/// A script in a process of its own, and its output line by line.
struct Script {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Script {
    /// Starts a script on a core, which it takes over from this process.
    fn start(core: usize, folder: &Path, arguments: &[String]) -> Result<Self, Fault> {
        pin_to_core(core);
        let started = Command::new("node")
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        pin_to_core(BOTS_CORE);
        let mut child = started
            .map_err(|error| Fault::failed(format!("node cannot be started ({error}): install it")))?;
        let stdout = child.stdout.take().ok_or_else(|| Fault::failed("a script has no output"))?;
        Ok(Self { child, lines: BufReader::new(stdout).lines() })
    }

    async fn line(&mut self) -> Result<String, Fault> {
        let line = self.lines.next_line().await.map_err(Fault::failed)?;
        line.ok_or_else(|| Fault::failed("a script of a peer ended: run it by hand to see why"))
    }
}

async fn measure(peer: &Peer, options: &RunOptions, folder: &Path) -> Result<PeerFigures, Fault> {
    let port = free_port()?;
    let metres = f64::from(INTEREST_RADIUS) / 256.0;
    let in_view = options.in_view.first().copied().unwrap_or(20);
    let size = (f64::from(peer.players) / f64::from(in_view) * std::f64::consts::PI).sqrt() * metres;
    let common = |script: &str| {
        let words =
            [script, peer.kind, "--players", &peer.players.to_string(), "--seed", &options.seed.to_string()];
        words.map(str::to_owned).to_vec()
    };
    let mut arguments = common("server.mjs");
    arguments.extend(["--port".into(), port.to_string(), "--size".into(), format!("{size:.1}")]);
    arguments.extend(["--radius".into(), metres.to_string()]);
    arguments.extend(peer.more.iter().map(|word| (*word).to_owned()));
    let mut server = Script::start(SERVER_CORE, folder, &arguments)?;
    server.line().await?;
    let pid = server.child.id().ok_or_else(|| Fault::failed("the peer has ended"))?.to_string();
    let idle_kib = resident_kib(&pid);
    let mut arguments = common("bots.mjs");
    let scheme = if peer.kind == "ws" { "ws" } else { "http" };
    arguments.extend(["--url".into(), format!("{scheme}://127.0.0.1:{port}")]);
    arguments.extend(["--seconds".into(), options.seconds.to_string()]);
    let mut bots = Script::start(BOTS_CORE, folder, &arguments)?;
    bots.line().await?;
    let (cpu, user, wire) = (cpu_us(&pid), user_us(&pid), loopback_bytes());
    bots.line().await?;
    let (cpu, user) = (cpu_us(&pid) - cpu, user_us(&pid) - user);
    let wire = loopback_bytes() - wire;
    let kib = resident_kib(&pid).saturating_sub(idle_kib);
    let result: BotsResult = serde_json::from_str(&bots.line().await?).map_err(Fault::failed)?;
    if let Some(fault) = result.faults.first() {
        eprintln!("{}: {fault}", peer.name);
    }
    Ok(figures(peer, &result, [cpu, user, wire, kib]))
}

#[expect(clippy::cast_precision_loss, reason = "sums of a short run are far under 2^53")]
fn figures(peer: &Peer, result: &BotsResult, [cpu, user, wire, kib]: [u64; 4]) -> PeerFigures {
    let player_seconds = result.seconds * f64::from(result.connected.max(1));
    PeerFigures {
        server: peer.name.to_owned(),
        players: peer.players,
        in_view: result.in_view_mean,
        added_us: Percentiles {
            p50: whole(result.added_us.p50),
            p95: whole(result.added_us.p95),
            p99: whole(result.added_us.p99),
        },
        payload_down: result.payload_down.unwrap_or(0.0) / player_seconds,
        wire_total: wire as f64 / player_seconds,
        cpu_us_per_player_second: cpu as f64 / player_seconds,
        user_us_per_player_second: user as f64 / player_seconds,
        kib_per_connection: kib as f64 / f64::from(result.connected.max(1)),
        bots_percent: result.bots_cpu_share * 100.0,
        faults: result.faults.len(),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float saturates")]
fn whole(us: f64) -> u32 {
    us.max(0.0) as u32
}

fn free_port() -> Result<u16, Fault> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(Fault::failed)?;
    Ok(listener.local_addr().map_err(Fault::failed)?.port())
}

/// Medians of the rounds and, in brackets, their range; a row for each server.
pub(crate) fn table(rounds: &[PeerFigures]) -> String {
    let mut text = String::from(
        "| server | players | in view | added latency p50 / p95 / p99, ms | CPU, us per player-second | without the kernel's | \
         payload down, B/s | wire total, B/s | memory per connection, KiB | bots' core, % | faults |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for group in groups(rounds) {
        let of = |value: fn(&PeerFigures) -> f64| spread(group.iter().map(|run| value(run)).collect());
        let millis = |value: fn(&Percentiles) -> u32| {
            let mut sample: Vec<u32> = group.iter().map(|run| value(&run.added_us)).collect();
            sample.sort_unstable();
            f64::from(sample[sample.len() / 2]) / 1_000.0
        };
        let _ = writeln!(
            text,
            "| {} | {} | {:.1} | {:.2} / {:.2} / {:.2} | {} | {} | {} | {} | {} | {} | {} |",
            group[0].server,
            group[0].players,
            group[0].in_view,
            millis(|us| us.p50),
            millis(|us| us.p95),
            millis(|us| us.p99),
            of(|run| run.cpu_us_per_player_second),
            of(|run| run.user_us_per_player_second),
            of(|run| run.payload_down),
            of(|run| run.wire_total),
            of(|run| run.kib_per_connection),
            of(|run| run.bots_percent),
            group.iter().map(|run| run.faults).sum::<usize>(),
        );
    }
    text
}

/// The rounds of each server and number of players, in the order in which they came first.
pub(crate) fn groups(rounds: &[PeerFigures]) -> Vec<Vec<&PeerFigures>> {
    let mut groups: Vec<Vec<&PeerFigures>> = Vec::new();
    for run in rounds {
        let is_same = |group: &&mut Vec<&PeerFigures>| {
            (&group[0].server, group[0].players) == (&run.server, run.players)
        };
        match groups.iter_mut().find(is_same) {
            Some(group) => group.push(run),
            None => groups.push(vec![run]),
        }
    }
    groups
}

/// The median, and the range if there is one.
fn spread(mut sample: Vec<f64>) -> String {
    sample.sort_by(f64::total_cmp);
    let (least, middle, most) = (sample[0], sample[sample.len() / 2], sample[sample.len() - 1]);
    if sample.len() == 1 { format!("{middle:.0}") } else { format!("{middle:.0} [{least:.0}-{most:.0}]") }
}
