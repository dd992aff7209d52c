//! The thread of an instance: it keeps the schedule of ticks and stands between the zone, which knows no
//! connection, and the connections, which know no zone.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use domain::catalogue::ZoneDefinition;
use domain::contract::content::{CONTENT_TOPIC, ContentNotice};
use domain::contract::hosts::CharacterSave;
use domain::contract::instances::LeftCharacter;
use domain::contract::mail::{Audience, Notice};
use domain::ids::{CharacterId, InstanceId};
use rustix::time::{ClockId, clock_gettime};
use sim::content::ZoneContent;
use sim::inbox::{Inbox, Joining, ZoneEvent};
use sim::outbox::{Departure, Outbox};
use sim::player::Seat;
use sim::rules::Rules;
use sim::workers::Workers as _;
use sim::zone::Zone;
use tokio::sync::oneshot;
use wire::frame::frame_of;
use wire::reason::ByeReason;

use super::seats::{Seated, Seats};
use super::{Command, Farewell, InstanceHandle, Outlet};
use crate::config::ConnectionLimits;
use crate::metrics::Metrics;
use crate::orders;
use crate::shared::{Directory, random_bytes, stamp_us};
use crate::workers::Pool;

/// Makes the rules of a zone.
pub(crate) type RulesFactory = Arc<dyn Fn(&ZoneDefinition) -> Box<dyn Rules> + Send + Sync>;

/// What a runner needs.
pub(crate) struct RunnerSetup {
    pub(crate) handle: Arc<InstanceHandle>,
    /// What the zone is made of, until it is made anew.
    pub(crate) content: Arc<ZoneContent>,
    pub(crate) rules: RulesFactory,
    pub(crate) seed: u64,
    pub(crate) limits: ConnectionLimits,
    pub(crate) directory: Directory,
    pub(crate) metrics: Metrics,
    pub(crate) workers: Arc<Pool>,
}

/// Starts the thread of an instance. It ends after [`Command::Stop`].
pub(crate) fn spawn(setup: RunnerSetup) -> std::io::Result<std::thread::JoinHandle<()>> {
    let name = format!("zone-{}", setup.handle.assigned.zone);
    std::thread::Builder::new().name(name).spawn(move || Runner::new(setup).run())
}

struct Runner {
    setup: RunnerSetup,
    instance: InstanceId,
    zone: Zone,
    seats: Seats,
    /// What it is to run, as far as a running zone can; the whole of it when it is made anew.
    wanted: Arc<ZoneContent>,
    inbox: Inbox,
    outbox: Outbox,
    commands: Vec<Command>,
    /// Who joins in this tick and is not seated yet.
    joining: BTreeMap<CharacterId, (u64, Outlet, oneshot::Sender<Seat>)>,
    blocked: u64,
    /// Detachments that the last tick led to.
    dropped: Vec<ZoneEvent>,
    stopping: bool,
    /// Whether the tick that is computed began over half a period late.
    began_late: bool,
}

/// A point in the processor time of this thread.
struct ThreadTime(Duration);

impl ThreadTime {
    fn now() -> Self {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Self(Duration::try_from(time).unwrap_or_default())
    }

    /// What this thread has used since.
    fn elapsed(&self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }
}

fn make_zone(setup: &RunnerSetup) -> Zone {
    let rules = (setup.rules)(&setup.content.definition);
    Zone::with_content(Arc::clone(&setup.content), rules, setup.seed)
}

impl Runner {
    fn new(setup: RunnerSetup) -> Self {
        let zone = make_zone(&setup);
        let wanted = Arc::clone(&setup.content);
        setup.metrics.with_zone(setup.handle.assigned.instance, |zone| zone.content = wanted.version);
        Self {
            wanted,
            instance: setup.handle.assigned.instance,
            zone,
            seats: Seats::default(),
            inbox: Inbox::default(),
            outbox: Outbox::default(),
            commands: Vec::new(),
            joining: BTreeMap::new(),
            blocked: 0,
            dropped: Vec::new(),
            stopping: false,
            began_late: false,
            setup,
        }
    }

    /// Ticks on schedule. A late tick is counted; one that is a whole period late is left out, never made up
    /// for, since two ticks at once would cost twice as much just when there is no time.
    fn run(mut self) {
        let (start, start_us) = (Instant::now(), stamp_us());
        let mut due = start + self.period();
        while !self.stopping {
            let period = self.period();
            let wait = due.saturating_duration_since(Instant::now());
            std::thread::sleep(wait);
            let late = due.elapsed();
            // The stamp is of the time when the tick was due, so that clients see all of the delay; counted
            // from the start, so that it is foreseen and costs no bytes.
            let since_start = u32::try_from((due - start).as_micros() & 0xffff_ffff).expect("masked");
            self.inbox.stamp_us = start_us.wrapping_add(since_start);
            let skipped = late.as_micros() / period.as_micros();
            let skipped = u32::try_from(skipped).unwrap_or(u32::MAX);
            self.began_late = late > period / 2;
            if self.began_late {
                self.setup.metrics.with_zone(self.instance, |zone| {
                    zone.late += 1;
                    zone.skipped += u64::from(skipped);
                });
            }
            due += period * (skipped + 1);
            self.tick_or_restart();
        }
        self.setup.handle.journal.close();
    }

    fn period(&self) -> Duration {
        Duration::from_secs(1) / u32::from(self.setup.content.definition.tick_rate_hz)
    }

    /// A zone that panics is started again; its players join again, the other zones never notice.
    fn tick_or_restart(&mut self) {
        if catch_unwind(AssertUnwindSafe(|| self.tick())).is_ok() {
            return;
        }
        // It starts with all of the content that it was to have, and its players are told the whole of it.
        self.setup.content = Arc::clone(&self.wanted);
        self.inbox.content = None;
        let setup = &self.setup;
        tracing::error!(instance.id = %self.instance, zone.id = %setup.handle.assigned.zone, "the zone panicked");
        setup.handle.capacity.store(self.wanted.definition.capacity, Ordering::Relaxed);
        setup.metrics.with_zone(self.instance, |zone| {
            zone.panics += 1;
            zone.content = self.wanted.version;
        });
        for (_, seated) in self.seats.iter_mut() {
            setup.directory.forget(seated.character, self.instance, &seated.token);
            seated.close(ByeReason::Internal);
        }
        self.seats = Seats::default();
        self.joining.clear();
        self.outbox = Outbox::default();
        self.zone = make_zone(setup);
        self.setup.handle.players.store(0, Ordering::Relaxed);
        self.setup.handle.spectators.store(0, Ordering::Relaxed);
    }

    fn tick(&mut self) {
        let (start, start_cpu) = (Instant::now(), ThreadTime::now());
        self.inbox.events.clear();
        self.inbox.events.append(&mut self.dropped);
        let mut commands = std::mem::take(&mut self.commands);
        self.setup.handle.take_commands(&mut commands);
        for command in commands.drain(..) {
            self.obey(command, start);
        }
        self.commands = commands;
        self.watch_connections(start);
        self.outbox.clear();
        let before = self.inbox.content.is_some().then(|| Arc::clone(&self.zone.world().content));
        let report = self.zone.tick_with(&self.inbox, &mut self.outbox, self.setup.workers.as_ref());
        self.inbox.content = None;
        // Who leaves goes first: their seat may be another's already.
        let gone = self.take_departures();
        let (saves, left) = self.take_saves(report.tick, &gone);
        let realm = &self.zone.world().content.realm;
        self.setup.handle.journal.add(realm, &self.outbox.gains, saves, left);
        self.let_go(gone);
        self.seat_admitted();
        self.deliver_frames();
        if let Some(before) = before {
            self.tell_of_content(&before);
        }
        self.drop_offenders();
        self.setup.handle.players.store(self.seats.playing(), Ordering::Relaxed);
        self.setup.handle.spectators.store(self.seats.watching(), Ordering::Relaxed);
        let tick_us = u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX);
        self.inbox.load_percent = self.load_percent(start_cpu.elapsed(), start.elapsed());
        self.setup.metrics.tick(self.instance, report, tick_us, std::mem::take(&mut self.blocked));
    }

    /// How much of its period a tick took, in percent. Where sockets share the core, a tick is interrupted by
    /// their work without being long itself, so its own time counts; the threads that help have theirs, so with
    /// them it is the time that passed. A tick that began late had not enough of it either way.
    fn load_percent(&self, own: Duration, passed: Duration) -> u8 {
        let taken = if self.setup.workers.width() > 1 { passed } else { own };
        let rate = u128::from(self.setup.content.definition.tick_rate_hz);
        let percent = taken.as_micros() * rate / 10_000;
        let percent = if self.began_late { percent.max(100) } else { percent };
        u8::try_from(percent).unwrap_or(u8::MAX)
    }

    fn obey(&mut self, command: Command, now: Instant) {
        match command {
            Command::Join { joining, claim, outlet, seated } => self.join(joining, claim, outlet, seated),
            Command::Resume { token, outlet, seated } => self.resume(token, outlet, seated),
            Command::Input { seat, connection, input } => {
                if self.seats.of_connection(seat, connection).is_some() {
                    self.inbox.events.push(ZoneEvent::Input(seat, input));
                }
            }
            Command::Heartbeat { seat, connection, client_time, received_us } => {
                if self.seats.of_connection(seat, connection).is_some() {
                    self.inbox.events.push(ZoneEvent::Heartbeat { seat, client_time, received_us });
                }
            }
            Command::Gone { seat, connection, stays } => {
                let Some(seated) = self.seats.of_connection(seat, connection) else { return };
                seated.detach(now);
                self.inbox.events.push(if stays { ZoneEvent::Detach(seat) } else { ZoneEvent::Leave(seat) });
            }
            Command::Evict { character, done } => {
                // If it is not here, dropping `done` answers.
                if let Some((seat, seated)) = self.seats.find(|seated| seated.character == character) {
                    seated.close(ByeReason::Replaced);
                    seated.evicted.push(done);
                    self.inbox.events.push(ZoneEvent::Leave(seat));
                }
            }
            Command::Kick { character, claim, farewell } => {
                let goes = |seated: &Seated| {
                    seated.character == character && claim.is_none_or(|newest| seated.claim <= newest)
                };
                if let Some((seat, seated)) = self.seats.find(goes) {
                    // Not even within this tick does anyone come back.
                    self.setup.directory.take_resumable(&seated.token);
                    seated.token = random_bytes();
                    seated.close(farewell);
                    self.inbox.events.push(ZoneEvent::Leave(seat));
                }
            }
            Command::Content(content) => {
                self.wanted = Arc::clone(&content);
                self.inbox.content = Some(content);
            }
            Command::Fenced(Some((character, claim))) => {
                let lost = self.seats.find(|seated| seated.character == character && seated.claim <= claim);
                if let Some((seat, seated)) = lost {
                    seated.close(ByeReason::Replaced);
                    self.inbox.events.push(ZoneEvent::Leave(seat));
                }
            }
            Command::Fenced(None) => self.stop(&ByeReason::Internal.into()),
            Command::Stop(farewell) => self.stop(&farewell),
        }
    }

    /// Another version is in force: the host and the players learn of it.
    fn tell_of_content(&self, before: &ZoneContent) {
        let Self { setup, instance, wanted, .. } = self;
        let version = wanted.version;
        setup.handle.capacity.store(wanted.definition.capacity, Ordering::Relaxed);
        setup.metrics.with_zone(*instance, |zone| zone.content = version);
        let stay = setup.content.definition.restart_fields(&wanted.definition);
        let reload = before.needs_reload(wanted);
        tracing::info!(
            instance.id = %instance, zone.id = %wanted.definition.zone, content.version = version, reload,
            "another version of the content is in force"
        );
        if !stay.is_empty() {
            tracing::warn!(instance.id = %instance, fields = ?stay, "these stay until the instance starts again");
        }
        let body = serde_json::to_string(&ContentNotice { version, reload }).expect("a notice is plain data");
        let notice = Notice { topic: CONTENT_TOPIC.to_owned(), body };
        orders::deliver(&setup.directory, &setup.metrics, &Audience::Instance(*instance), notice);
    }

    fn join(&mut self, joining: Joining, claim: u64, outlet: Outlet, seated: oneshot::Sender<Seat>) {
        let character = joining.character;
        let here = self.seats.find(|seated| seated.character == character).map(|(seat, _)| seat);
        if let Some(seat) = here.filter(|seat| seat.spectates() == joining.spectates) {
            // A second login takes over the body; the first connection is told and closed.
            self.reattach(seat, outlet, Some(claim));
            let _ = seated.send(seat);
            return;
        }
        if let Some(seat) = here {
            self.recast(seat, claim);
        }
        let earlier = self.joining.insert(character, (claim, outlet, seated)).and_then(|_| {
            self.inbox.events.iter_mut().find_map(|event| match event {
                ZoneEvent::Join(earlier) if earlier.character == character => Some(earlier),
                _ => None,
            })
        });
        match earlier {
            Some(earlier) => *earlier = joining,
            None => self.inbox.events.push(ZoneEvent::Join(joining)),
        }
    }

    /// Takes a character off its seat that comes in again as the other of player and spectator. What its body was at
    /// last is saved under the new claim, since the old one is of no use any more.
    fn recast(&mut self, seat: Seat, claim: u64) {
        let seated = self.seats.get_mut(seat).expect("just found");
        self.setup.directory.take_resumable(&seated.token);
        seated.close(ByeReason::Replaced);
        (seated.claim, seated.recast) = (claim, true);
        self.inbox.events.push(ZoneEvent::Leave(seat));
    }

    fn resume(&mut self, token: crate::shared::ResumeToken, outlet: Outlet, seated: oneshot::Sender<Seat>) {
        if let Some((seat, _)) = self.seats.find(|seated| seated.token == token) {
            self.reattach(seat, outlet, None);
            let _ = seated.send(seat);
        }
    }

    fn reattach(&mut self, seat: Seat, outlet: Outlet, claim: Option<u64>) {
        let token = random_bytes();
        let seated = self.seats.get_mut(seat).expect("just found");
        self.setup.directory.take_resumable(&seated.token);
        self.setup.directory.add_resumable(token, self.instance);
        let budget = outlet.budget;
        self.setup.directory.set_ear(seated.character, outlet.notices.clone());
        seated.attach(outlet, token);
        seated.claim = claim.unwrap_or(seated.claim);
        self.welcome(seat);
        self.inbox.events.push(ZoneEvent::Attach { seat, budget });
    }

    fn welcome(&mut self, seat: Seat) {
        let seated = self.seats.get_mut(seat).expect("who is welcome is seated");
        let welcome = self.zone.welcome(seat, seated.token.to_vec(), self.setup.limits.grace_secs);
        let welcome = welcome.expect("who is seated plays");
        seated.send(&frame_of(&welcome));
    }

    /// Throttles and drops slow connections, and lets bodies go whose players did not come back.
    fn watch_connections(&mut self, now: Instant) {
        let slow = Duration::from_millis(self.setup.limits.slow_ms);
        let grace = Duration::from_secs(self.setup.limits.grace_secs.into());
        let period = self.zone.ticks_per_snapshot();
        let next = self.zone.world().tick.plus(1);
        for (seat, seated) in self.seats.iter_mut() {
            // Only those are looked at who may be sent a snapshot in the coming tick.
            if !next.is_turn_of(seat.0, period) {
                continue;
            }
            if seated.is_full() {
                self.blocked += 1;
                self.inbox.events.push(ZoneEvent::Blocked(seat));
                if now.duration_since(*seated.blocked_since.get_or_insert(now)) > slow {
                    seated.close(ByeReason::TooSlow);
                    seated.detach(now);
                    self.inbox.events.push(ZoneEvent::Detach(seat));
                }
            } else if seated.is_closed() {
                // It ended before it learned of its seat.
                seated.detach(now);
                self.inbox.events.push(ZoneEvent::Detach(seat));
            } else {
                seated.blocked_since = None;
            }
            if seated.detached_at.is_some_and(|since| now.duration_since(since) > grace) {
                seated.detached_at = None;
                self.inbox.events.push(ZoneEvent::Leave(seat));
            }
        }
    }

    fn seat_admitted(&mut self) {
        for admission in std::mem::take(&mut self.outbox.admissions) {
            let (claim, outlet, seated) =
                self.joining.remove(&admission.character).expect("only who asked is let in");
            let token = random_bytes();
            self.setup.directory.add_resumable(token, self.instance);
            let character = admission.character;
            if let Some((claim, farewell)) = self.setup.directory.set_instance(character, self.instance) {
                self.setup.handle.send(Command::Kick { character, claim, farewell });
            }
            self.setup.directory.set_ear(admission.character, outlet.notices.clone());
            self.seats.insert(admission.seat, Seated::new(admission.character, claim, token, outlet));
            self.welcome(admission.seat);
            // A connection that is gone by now reports so with its seat, or its outlet is closed.
            let _ = seated.send(admission.seat);
        }
    }

    fn deliver_frames(&mut self) {
        let Self { seats, outbox, dropped, .. } = self;
        for (seat, frame) in outbox.frames() {
            let Some(seated) = seats.get_mut(seat) else { continue };
            if !seated.send(frame) {
                // There was room before the tick, so the connection has ended meanwhile. What is not sent must
                // not be built upon: the next connection starts with an empty view.
                seated.close(ByeReason::TooSlow);
                seated.detach(Instant::now());
                dropped.push(ZoneEvent::Detach(seat));
            }
        }
    }

    /// Takes who left off their seats.
    fn take_departures(&mut self) -> Vec<(Departure, Seated)> {
        let departures = std::mem::take(&mut self.outbox.departures).into_iter();
        let seats = &mut self.seats;
        departures
            .map(|departure| {
                let seated = seats.take(departure.seat).expect("who leaves was seated");
                (departure, seated)
            })
            .collect()
    }

    /// Lets those go whose last state is in the journal: whoever waits for it finds it there from now on.
    fn let_go(&self, gone: Vec<(Departure, Seated)>) {
        for (departure, seated) in gone {
            self.setup.directory.forget(departure.character, self.instance, &seated.token);
            for done in seated.evicted {
                let _ = done.send(());
            }
        }
    }

    /// The places of who left, and, spread over the interval, of others who are not where they were; and who left.
    /// Gains do not wait for this: they are events.
    fn take_saves(
        &mut self,
        tick: u32,
        gone: &[(Departure, Seated)],
    ) -> (Vec<CharacterSave>, Vec<LeftCharacter>) {
        let (mut saves, mut left) = (Vec::new(), Vec::new());
        for (departure, seated) in gone {
            let (character, claim) = (departure.character, seated.claim);
            if !seated.recast {
                left.push(LeftCharacter { character, claim });
            }
            // What only looked on is as it was.
            saves.extend(departure.place.clone().map(|place| CharacterSave { character, claim, place }));
        }
        let interval = self.setup.limits.save_secs * u32::from(self.setup.content.definition.tick_rate_hz);
        for (seat, seated) in self.seats.iter_mut() {
            // A spectator has no place.
            if seat.0 % interval == tick % interval
                && let Some(place) = self.zone.place(seat)
                && seated.saved.as_ref() != Some(&place)
            {
                seated.saved = Some(place.clone());
                saves.push(CharacterSave { character: seated.character, claim: seated.claim, place });
            }
        }
        (saves, left)
    }

    fn drop_offenders(&mut self) {
        for (seat, reason) in std::mem::take(&mut self.outbox.drops) {
            if let Some(seated) = self.seats.get_mut(seat) {
                seated.close(reason);
                seated.detach(Instant::now());
                self.dropped.push(ZoneEvent::Detach(seat));
            }
        }
    }

    fn stop(&mut self, farewell: &Farewell) {
        self.stopping = true;
        for (seat, seated) in self.seats.iter_mut() {
            seated.close(farewell.clone());
            self.inbox.events.push(ZoneEvent::Leave(seat));
        }
        self.joining.clear();
    }
}
