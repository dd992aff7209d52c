//! Everything, by one command: raw figures, tables and plots in one folder.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::RunOptions;
use super::figures::{Figures, table};
use super::machine::Machine;
use super::measure::measure_all;
use super::peers::{self, PeerFigures};
use super::plot::{Series, Texts, lines};
use super::ticks;
use super::workload::Workload;
use crate::exit::{Fault, Outcome};

/// Entities in view for the figure of bytes against them.
const VIEWS: [u32; 6] = [5, 20, 50, 80, 120, 200];

/// Where to put everything.
#[derive(Args)]
pub(crate) struct AllOptions {
    /// The folder for results.md, results.json and the plots.
    #[arg(long, default_value = "docs/benchmarks")]
    out: PathBuf,
    /// Seconds of a run; the first third does not count.
    #[arg(long, default_value_t = 24)]
    seconds: u64,
    /// How often each server runs beside its peers, in turns.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
}

/// All that was measured.
struct Results {
    walk: Vec<Figures>,
    views: Vec<Figures>,
    others: Vec<(Workload, Vec<Figures>)>,
    peers: Vec<PeerFigures>,
    ticks: Vec<ticks::TickFigures>,
}

pub(crate) fn run(options: &AllOptions) -> Outcome {
    if !options.out.is_dir() {
        return Err(Fault::usage(format!("{} is not a folder", options.out.display())));
    }
    // Before this process is bound to a core.
    let machine = Machine::read();
    let results = measure(options)?;
    let json = serde_json::json!({
        "machine": machine,
        "walk": results.walk,
        "views": results.views,
        "others": results.others,
        "peers": results.peers,
        "ticks": results.ticks,
    });
    let text = serde_json::to_string_pretty(&json).map_err(Fault::failed)?;
    write(&options.out.join("results.json"), &text)?;
    write(&options.out.join("results.md"), &page(&results, &machine))?;
    plots(&results, &options.out)?;
    let others = results.others.iter().flat_map(|(_, runs)| runs);
    let faults = results.walk.iter().chain(&results.views).chain(others).flat_map(|run| &run.faults);
    match faults.into_iter().next() {
        None => Ok(()),
        Some(first) => Err(Fault::failed(format!("the bots found faults, the first: {first}"))),
    }
}

fn write(path: &Path, text: &str) -> Outcome {
    std::fs::write(path, text).map_err(|error| Fault::failed(format!("{}: {error}", path.display())))
}

fn measure(options: &AllOptions) -> Result<Results, Fault> {
    let run = |workload: Workload, players: Vec<u32>, in_view: Vec<u32>| {
        let players = if players.is_empty() { workload.players() } else { players };
        let (seconds, tick_rate, budget) = (options.seconds, 60, 5_000);
        let options =
            RunOptions { players, seconds, in_view, tick_rate, budget, rounds: 1, seed: 1, json: None };
        measure_all(workload, &options)
    };
    // A budget that is never reached, so that the codec alone is seen, and enough players that most are not
    // at the edge of the world.
    let view = |in_view: u32| RunOptions {
        players: vec![in_view.saturating_mul(8).max(200)],
        seconds: options.seconds,
        in_view: vec![in_view],
        tick_rate: 60,
        budget: 100_000,
        rounds: 1,
        seed: 1,
        json: None,
    };
    // First, since what comes after binds this process to one core.
    let ticks = ticks::measure(15, 1)?;
    let mut others = Vec::new();
    for workload in [Workload::Clump, Workload::Idle, Workload::Fight, Workload::Storm, Workload::Wild] {
        others.push((workload, run(workload, Vec::new(), vec![20])?));
    }
    let peers = RunOptions { players: vec![500], rounds: options.rounds, budget: 5_000, ..view(20) };
    let mut views = Vec::new();
    for in_view in VIEWS {
        views.extend(measure_all(Workload::Walk, &view(in_view))?);
    }
    Ok(Results {
        ticks,
        walk: run(Workload::Walk, Vec::new(), vec![20])?,
        views,
        peers: peers::measure_rounds(&peers)?,
        others,
    })
}

fn page(results: &Results, machine: &Machine) -> String {
    let mut text = format!(
        "# Results\n\nMade by `graticule bench all`; README.md beside this says what is measured and how.\n\n{}\n\n",
        machine.sentence()
    );
    let mut chapter = |title: &str, body: &str| {
        let _ = writeln!(text, "## {title}\n\n{body}");
    };
    chapter("walk, by players", &table(&results.walk));
    chapter("walk, by entities in view (no budget)", &table(&results.views));
    for (workload, runs) in &results.others {
        chapter(workload.name(), &table(runs));
    }
    chapter("beside peers: median [range]", &peers::table(&results.peers));
    chapter("ticks without sockets", &ticks::table(&results.ticks));
    text
}

fn plots(results: &Results, folder: &Path) -> Outcome {
    let by_players = |name: &str, value: fn(&Figures) -> f64| Series {
        name: name.to_owned(),
        points: results.walk.iter().map(|run| (f64::from(run.players), value(run))).collect(),
    };
    let added = [
        by_players("p50", |run| f64::from(run.added_us.p50) / 1_000.0),
        by_players("p95", |run| f64::from(run.added_us.p95) / 1_000.0),
        by_players("p99", |run| f64::from(run.added_us.p99) / 1_000.0),
    ];
    let texts = Texts { title: "Added latency in walk, one core", x: "players", y: "ms" };
    lines(&folder.join("latency.svg"), &texts, &added)?;
    let cpu = [by_players("host", |run| run.cpu_us_per_player_second)];
    let texts = Texts { title: "Processor time in walk", x: "players", y: "us per player-second" };
    lines(&folder.join("cpu.svg"), &texts, &cpu)?;
    let by_view = |name: &str, value: fn(&Figures) -> f64| Series {
        name: name.to_owned(),
        points: results.views.iter().map(|run| (run.in_view, value(run))).collect(),
    };
    let bytes = [
        by_view("payload down", |run| run.payload_down),
        by_view("wire total, both ways", |run| run.wire_total),
    ];
    let texts =
        Texts { title: "Bytes against entities in view", x: "entities in view", y: "B/s for a player" };
    lines(&folder.join("bytes.svg"), &texts, &bytes)
}
