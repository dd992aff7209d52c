//! What a bot demands of a host.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use domain::fixed::{Vec2, metres};
use domain::ids::EntityId;
use wire::message::{EventKind, PlayerInput, Welcome};

use super::BotReport;
use crate::connection::{Incoming, Snapshot};

/// The speed of a player.
const SPEED: i32 = metres(6);
/// How much more a body may move between two snapshots: it is pushed out of an obstacle in which it appeared.
const TOLERANCE: i32 = metres(1) + metres(1) / 2;
/// Answers must come within this time.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Checks {
    seed: u64,
    entity: EntityId,
    rate_hz: u32,
    last: Option<Snapshot>,
    /// The body may have been moved by a return to life.
    respawned: bool,
    unconfirmed: VecDeque<(u32, Instant)>,
    heartbeats: VecDeque<(u32, Instant)>,
}

impl Checks {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            entity: EntityId(0),
            rate_hz: 30,
            last: None,
            respawned: false,
            unconfirmed: VecDeque::new(),
            heartbeats: VecDeque::new(),
        }
    }

    pub(super) fn restart(&mut self) {
        self.last = None;
        self.unconfirmed.clear();
        self.heartbeats.clear();
    }

    pub(super) fn welcome(&mut self, welcome: &Welcome) {
        self.entity = EntityId(welcome.entity);
        self.rate_hz = u32::from(welcome.tick_rate_hz).max(1);
    }

    pub(super) fn own_position(&self) -> Vec2 {
        self.last.as_ref().map_or(Vec2::ZERO, |snapshot| snapshot.header.own.position)
    }

    pub(super) fn is_alive(&self) -> bool {
        self.last.as_ref().is_some_and(|snapshot| snapshot.header.own.health > 0)
    }

    pub(super) fn sent_input(&mut self, input: &PlayerInput) {
        if input.action != 0 {
            self.unconfirmed.push_back((input.sequence, Instant::now()));
        }
    }

    pub(super) fn sent_heartbeat(&mut self, client_time: u32) {
        self.heartbeats.push_back((client_time, Instant::now()));
    }

    pub(super) fn check(&mut self, incoming: &Incoming, report: &mut BotReport) {
        match incoming {
            Incoming::Snapshot(snapshot) => self.check_snapshot(snapshot, report),
            Incoming::Confirm(confirm) => {
                report.confirms += 1;
                match self.unconfirmed.iter().position(|(sequence, _)| *sequence == confirm.input) {
                    Some(index) => drop(self.unconfirmed.remove(index)),
                    None => self.fault(report, format!("input {} is confirmed unasked", confirm.input)),
                }
            }
            Incoming::Heartbeat(beat) => {
                match self.heartbeats.iter().position(|(time, _)| *time == beat.client_time) {
                    Some(index) => drop(self.heartbeats.drain(..=index)),
                    None => self.fault(report, format!("heartbeat {} is answered unasked", beat.client_time)),
                }
            }
            Incoming::Event(event) if EntityId(event.subject) == self.entity => {
                match EventKind::from_number(event.kind) {
                    Some(EventKind::Respawn) => self.respawned = true,
                    Some(EventKind::Death) => report.deaths += 1,
                    _ => {}
                }
            }
            Incoming::Error(notice) => self.fault(report, format!("an input was refused: {}", notice.text)),
            Incoming::Event(_) | Incoming::Redirect(_) | Incoming::Notice(_) => {}
        }
    }

    fn check_snapshot(&mut self, snapshot: &Snapshot, report: &mut BotReport) {
        if let Some(last) = &self.last {
            let ticks = snapshot.header.tick.saturating_sub(last.header.tick);
            if ticks == 0 {
                self.fault(report, format!("tick {} came after {}", snapshot.header.tick, last.header.tick));
            }
            if snapshot.header.input < last.header.input {
                self.fault(
                    report,
                    format!("input {} is taken back to {}", last.header.input, snapshot.header.input),
                );
            }
            let ticks = i32::try_from(ticks).unwrap_or(i32::MAX / SPEED);
            let most = SPEED / i32::try_from(self.rate_hz).unwrap_or(30) * ticks + TOLERANCE;
            let revived = last.header.own.health == 0 && snapshot.header.own.health > 0;
            if !snapshot.header.own.position.is_within(last.header.own.position, most)
                && !revived
                && !self.respawned
            {
                let moved = (snapshot.header.own.position - last.header.own.position).length();
                self.fault(report, format!("the body moved by {moved} in {ticks} ticks, over {most}"));
            }
        }
        self.respawned = false;
        self.last = Some(snapshot.clone());
        self.check_answers(report);
    }

    fn check_answers(&mut self, report: &mut BotReport) {
        if self.unconfirmed.front().is_some_and(|(_, at)| at.elapsed() > PATIENCE) {
            let (sequence, _) = self.unconfirmed.pop_front().expect("just seen");
            self.fault(report, format!("the action of input {sequence} is not confirmed"));
        }
        if self.heartbeats.front().is_some_and(|(_, at)| at.elapsed() > PATIENCE) {
            let (time, _) = self.heartbeats.pop_front().expect("just seen");
            self.fault(report, format!("heartbeat {time} is not answered"));
        }
    }

    fn fault(&self, report: &mut BotReport, text: impl std::fmt::Display) {
        // One broken host must not fill the memory with the news of it.
        if report.faults.len() < 20 {
            report.faults.push(format!("seed {}: {text}", self.seed));
        }
    }
}
