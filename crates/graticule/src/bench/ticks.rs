//! Ticks without any socket: what the simulation and the encoding of each kind of crowd cost, on the zone's own
//! thread and on two.

use std::fmt::Write as _;
use std::time::Instant;

use clap::Args;
use client::bot::Behaviour;
use domain::contract::players::Place;
use domain::fixed::Vec2;
use domain::ids::CharacterId;
use domain::random::Random;
use serde::Serialize;
use sim::inbox::{Inbox, Joining, ZoneEvent};
use sim::outbox::Outbox;
use sim::player::Seat;
use sim::rules::realm::Realm;
use sim::workers::Workers;
use sim::zone::Zone;
use wire::message::PlayerInput;
use zonehost::workers::Pool;

use super::figures::{Percentiles, millis};
use super::host::{HostOptions, zone};
use super::machine::Machine;
use super::workload::Workload;
use crate::exit::{Fault, Outcome};

const TICK_RATE: u16 = 60;
/// Each player sends an input in every sixth tick.
const TICKS_PER_INPUT: u32 = 6;
const CROWDS: [(Workload, u32); 6] = [
    (Workload::Walk, 500),
    (Workload::Walk, 3_000),
    (Workload::Clump, 1_000),
    (Workload::Idle, 1_000),
    (Workload::Fight, 500),
    (Workload::Wild, 100),
];

/// How to measure ticks.
#[derive(Args)]
pub(crate) struct TickOptions {
    /// Seconds of the zone's time; the first third does not count.
    #[arg(long, default_value_t = 15)]
    seconds: u32,
    /// What happens follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Writes the figures to this file as JSON too.
    #[arg(long)]
    json: Option<std::path::PathBuf>,
}

/// Ticks of one crowd.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TickFigures {
    pub(crate) workload: Workload,
    pub(crate) players: u32,
    pub(crate) entities: u32,
    pub(crate) threads: usize,
    pub(crate) tick_us: Percentiles,
    pub(crate) us_per_player_second: u64,
    /// Of the frames, for a player and second.
    pub(crate) payload: u64,
    pub(crate) updates_per_player_second: u64,
    pub(crate) millibytes_per_update: u64,
}

pub(crate) fn run(options: &TickOptions) -> Outcome {
    let figures = measure(options.seconds, options.seed)?;
    eprintln!("{}", table(&figures));
    let Some(path) = &options.json else { return Ok(()) };
    let json = serde_json::json!({ "machine": Machine::read(), "ticks": figures });
    let text = serde_json::to_string_pretty(&json).map_err(Fault::failed)?;
    std::fs::write(path, text).map_err(|error| Fault::usage(format!("{}: {error}", path.display())))
}

pub(crate) fn measure(seconds: u32, seed: u64) -> Result<Vec<TickFigures>, Fault> {
    let mut figures = Vec::new();
    for (workload, players) in CROWDS {
        for threads in [1, 2] {
            let pool = Pool::new(threads).map_err(Fault::failed)?;
            figures.push(play(workload, players, seconds.max(3), seed, &pool));
        }
    }
    Ok(figures)
}

pub(crate) fn table(figures: &[TickFigures]) -> String {
    let mut text = String::from(
        "| workload | players | entities | threads | tick p50 / p95 / p99, ms | us per player-second | payload, B/s | updates per player-second | bytes per update |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for run in figures {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {}.{:02} |",
            run.workload.name(),
            run.players,
            run.entities,
            run.threads,
            millis(run.tick_us),
            run.us_per_player_second,
            run.payload,
            run.updates_per_player_second,
            run.millibytes_per_update / 1_000,
            run.millibytes_per_update % 1_000 / 10
        );
    }
    text
}

fn play(workload: Workload, players: u32, seconds: u32, seed: u64, workers: &Pool) -> TickFigures {
    let options = HostOptions { workload, players, in_view: 20, seed, tick_rate: TICK_RATE, budget: 5_000 };
    let definition = workload.definition(&options);
    let mut zone = Zone::new(&definition, Box::new(Realm), seed);
    let (mut inbox, mut outbox) = (Inbox::default(), Outbox::default());
    let mut random = Random::of_stream(seed, 3);
    inbox.events.extend((1..=players).map(|number| join(number, workload, definition.size, &mut random)));
    let mut inputs = vec![PlayerInput::default(); players as usize];
    let mut snapshots = vec![0; players as usize];
    let ticks = seconds * u32::from(TICK_RATE);
    let mut sample = Vec::new();
    let mut entities = 0;
    let (mut bytes, mut updates, mut update_bytes) = (0, 0, 0);
    for tick in 1..=ticks {
        outbox.clear();
        let begun = Instant::now();
        let report = zone.tick_with(&inbox, &mut outbox, workers);
        let us = u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX);
        if tick > ticks / 3 {
            sample.push(us);
            bytes += u64::from(report.bytes);
            updates += u64::from(report.updates);
            update_bytes += u64::from(report.update_bytes);
        }
        entities = report.entities;
        for (seat, _) in outbox.frames() {
            snapshots[seat.index()] += 1;
        }
        inbox.events.clear();
        for (seat, input) in (0..players).zip(&mut inputs) {
            if (seat + tick).is_multiple_of(TICKS_PER_INPUT) {
                input.snapshot = snapshots[seat as usize];
                input.seen = tick;
                decide(workload.behaviour(), input, &mut random);
                inbox.events.push(ZoneEvent::Input(Seat(seat), *input));
            }
        }
    }
    let total: u64 = sample.iter().map(|us| u64::from(*us)).sum();
    let counted = u64::from(ticks - ticks / 3);
    TickFigures {
        workload,
        players,
        entities,
        threads: workers.width(),
        us_per_player_second: total * u64::from(TICK_RATE) / counted / u64::from(players),
        payload: bytes * u64::from(TICK_RATE) / counted / u64::from(players),
        updates_per_player_second: updates * u64::from(TICK_RATE) / counted / u64::from(players),
        millibytes_per_update: update_bytes * 1_000 / updates.max(1),
        tick_us: Percentiles::of(sample),
    }
}

fn join(number: u32, workload: Workload, size: i32, random: &mut Random) -> ZoneEvent {
    let half = if workload.is_crowded() { 2_048 } else { size / 2 };
    let middle = size / 2;
    let position = Vec2::new(middle + random.between(-half, half), middle + random.between(-half, half));
    ZoneEvent::Join(Joining {
        character: CharacterId::from_u128(number.into()),
        name: format!("Walker {number}"),
        xp: 0,
        place: Some(Place { zone: zone(), position, health: i32::MAX }),
        party: None,
        budget: 0,
        spectates: false,
    })
}

/// As the bots decide, but for what they see.
fn decide(behaviour: Behaviour, input: &mut PlayerInput, random: &mut Random) {
    input.sequence += 1;
    input.action = 0;
    if behaviour == Behaviour::Stand {
        return;
    }
    // A new direction each 3.5 s on average.
    if random.below(35) == 0 || input.sequence == 1 {
        let mut wish = || i8::try_from(random.between(-120, 120)).expect("in range");
        (input.move_x, input.move_y) = (wish(), wish());
        input.aim = Vec2::new(input.move_x.into(), input.move_y.into()).heading().0;
    }
    let every = if behaviour == Behaviour::Fight { 7 } else { 20 };
    input.action = u8::from(input.sequence.is_multiple_of(every));
}
