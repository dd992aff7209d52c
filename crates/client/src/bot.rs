//! Bots: players that walk, fight, die and come back, and check everything that they are sent.

mod brain;
mod checks;
mod latency;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use domain::random::Random;
use tokio::time::MissedTickBehavior;
use wire::frame::{append, frame_of, wire_bytes};
use wire::message::{Heartbeat, PlayerInput};

use crate::connection::{Connection, Incoming};
use crate::error::ClientError;

pub use brain::Behaviour;
pub use latency::{Latencies, unix_us};

use brain::Brain;
use checks::Checks;

/// Between two inputs.
pub const INPUT_PERIOD: Duration = Duration::from_millis(100);

/// What a bot went through.
#[derive(Debug, Default, Clone)]
pub struct BotReport {
    /// Snapshots received.
    pub snapshots: u64,
    /// Entities updated in them.
    pub updates: u64,
    /// Sum over snapshots of the entities in view.
    pub in_view: u64,
    /// Bytes of frames received.
    pub bytes_in: u64,
    /// Bytes of frames sent.
    pub bytes_out: u64,
    /// Frames received.
    pub frames_in: u64,
    /// Times the bot came back into its body.
    pub resumed: u64,
    /// The longest time between two snapshots while it was measured, in microseconds.
    pub gap_max_us: u32,
    /// The most bytes that came within a second of the host's ticks, as they are on the wire.
    pub second_max: u32,
    /// Deaths of the bot.
    pub deaths: u64,
    /// Actions confirmed.
    pub confirms: u64,
    /// What was wrong; empty if the host kept the protocol.
    pub faults: Vec<String>,
    /// Delays, if they were asked for.
    pub latencies: Latencies,
}

/// A bot's instructions.
#[derive(Debug, Clone)]
pub struct BotPlan {
    /// What it does follows from it.
    pub seed: u64,
    /// What it does.
    pub behaviour: Behaviour,
    /// It breaks its connection about this often, and resumes.
    pub breaks_every: Option<Duration>,
    /// Until this time delays are not noted.
    pub measure_from: Instant,
}

/// Plays on `connection` until `until`, then leaves. The report tells all faults; an error is one too.
pub async fn play(mut connection: Connection, url: &str, plan: BotPlan, until: Instant) -> BotReport {
    let mut bot = Bot::new(&plan);
    let mut random = Random::of_stream(plan.seed, 1);
    loop {
        let break_at = plan.breaks_every.map(|every| {
            let millis = u32::try_from(every.as_millis()).unwrap_or(u32::MAX);
            Instant::now() + every / 2 + Duration::from_millis(random.below(millis).into())
        });
        let leg_end = break_at.map_or(until, |at| at.min(until));
        let entity = connection.welcome().entity;
        let token = connection.welcome().resume_token.clone();
        let ended = bot.leg(&mut connection, leg_end).await;
        bot.count(&connection);
        if let Err(error) = ended {
            bot.report.faults.push(format!("seed {}: {error}", plan.seed));
            return bot.report;
        }
        if Instant::now() >= until {
            // Nobody is left to hear that the way out failed.
            let _ = connection.leave().await;
            return bot.report;
        }
        drop(connection);
        connection = match Connection::resume(url, token).await {
            Ok(connection) => connection,
            Err(error) => {
                bot.report.faults.push(format!("seed {}: cannot resume: {error}", plan.seed));
                return bot.report;
            }
        };
        if connection.welcome().entity != entity {
            bot.report.faults.push(format!("seed {}: resumed into another body", plan.seed));
        }
        bot.report.resumed += 1;
        bot.restart();
    }
}

struct Bot {
    brain: Brain,
    checks: Checks,
    report: BotReport,
    input: PlayerInput,
    started: Instant,
    measure_from: Instant,
    last_snapshot: Option<Instant>,
    bytes_seen: u64,
    /// Ticks and wire bytes of the snapshots of the last second.
    window: VecDeque<(u32, u32)>,
    incoming: Vec<Incoming>,
}

impl Bot {
    fn new(plan: &BotPlan) -> Self {
        Self {
            brain: Brain::new(plan.seed, plan.behaviour),
            checks: Checks::new(plan.seed),
            report: BotReport::default(),
            input: PlayerInput::default(),
            started: Instant::now(),
            measure_from: plan.measure_from,
            last_snapshot: None,
            bytes_seen: 0,
            window: VecDeque::new(),
            incoming: Vec::new(),
        }
    }

    /// Forgets what belongs to the connection that is gone.
    fn restart(&mut self) {
        self.input = PlayerInput::default();
        self.checks.restart();
        self.bytes_seen = 0;
        self.window.clear();
        self.last_snapshot = None;
        self.report.latencies.restart();
    }

    /// Plays until `end` on one connection.
    async fn leg(&mut self, connection: &mut Connection, end: Instant) -> Result<(), ClientError> {
        self.input.seen = connection.welcome().tick;
        self.checks.welcome(connection.welcome());
        self.brain.welcome(connection.welcome().size);
        let mut pace = tokio::time::interval(INPUT_PERIOD);
        // The phase is kept: bots that were held up together must not go on together.
        pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut beats = 0_u32;
        while Instant::now() < end {
            tokio::select! {
                received = connection.receive(&mut self.incoming) => {
                    received?;
                    self.digest(connection);
                }
                _ = pace.tick() => {
                    self.think(connection);
                    let mut frame = frame_of(&self.input);
                    beats += 1;
                    if beats.is_multiple_of(10) {
                        let millis = u32::try_from(self.started.elapsed().as_millis()).unwrap_or(0);
                        append(&mut frame, &Heartbeat { client_time: millis });
                        self.checks.sent_heartbeat(millis);
                    }
                    connection.send_frame(frame).await?;
                }
            }
        }
        Ok(())
    }

    fn think(&mut self, connection: &Connection) {
        let own = self.checks.own_position();
        self.brain.decide(connection.view(), own, self.checks.is_alive(), &mut self.input);
        self.input.sequence += 1;
        self.input.snapshot = connection.view().sequence();
        self.checks.sent_input(&self.input);
        if Instant::now() >= self.measure_from {
            self.report.latencies.sent(self.input.sequence);
        }
    }

    fn digest(&mut self, connection: &Connection) {
        let rate = u32::from(connection.welcome().tick_rate_hz);
        let frame_bytes = u32::try_from(connection.bytes().0 - self.bytes_seen).unwrap_or(u32::MAX);
        self.bytes_seen = connection.bytes().0;
        for incoming in self.incoming.drain(..) {
            if let Incoming::Snapshot(snapshot) = &incoming {
                self.input.seen = snapshot.header.tick;
                self.report.snapshots += 1;
                self.report.updates += snapshot.changes.updated as u64;
                self.report.in_view += connection.view().entities().len() as u64;
                if Instant::now() >= self.measure_from {
                    self.report.latencies.received(snapshot);
                    let gap = self.last_snapshot.map_or(Duration::ZERO, |last| last.elapsed());
                    let gap = u32::try_from(gap.as_micros()).unwrap_or(u32::MAX);
                    self.report.gap_max_us = self.report.gap_max_us.max(gap);
                    self.last_snapshot = Some(Instant::now());
                }
                self.window.push_back((snapshot.header.tick, wire_bytes(frame_bytes)));
                while self.window.front().is_some_and(|(tick, _)| snapshot.header.tick - tick >= rate) {
                    self.window.pop_front();
                }
                let second = self.window.iter().map(|(_, bytes)| bytes).sum();
                self.report.second_max = self.report.second_max.max(second);
            }
            self.checks.check(&incoming, &mut self.report);
        }
    }

    fn count(&mut self, connection: &Connection) {
        let (bytes_in, bytes_out) = connection.bytes();
        self.report.bytes_in += bytes_in;
        self.report.bytes_out += bytes_out;
        self.report.frames_in += connection.frames_in();
    }
}
