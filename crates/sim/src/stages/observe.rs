//! Derives what each player is told, after the last mutation: for each whose turn it is, what is in view
//! (`select_interest`), what of it is worth telling (`prioritise`), and the frame (`encode_deltas`). Players
//! are independent of each other here, so the work can be spread over threads; the bytes are the same.

use domain::fixed::Vec2;
use domain::ids::EntityId;
use domain::movement::Motion;
use domain::time::Tick;
use wire::encoder::{EncodeBuffers, Slot};
use wire::snapshot::Own;
use wire::state::{EntityKind, EntityState};

use super::encode_deltas::encode_deltas;
use super::prioritise::{Candidate, STALE_MILLIS_MAX, count_overdue};
use super::select_interest::{Staying, select_interest};
use crate::entity::{Entities, Entity};
use crate::grid::Grid;
use crate::outbox::{Frames, Outbox};
use crate::player::{Eye, Player, PlayersMut, Profile, Seat};
use crate::stages::shed::ShedLevel;
use crate::workers::Workers;
use crate::world::{Happening, World};

/// Fewer players than this for each thread are not worth waking it.
const PLAYERS_PER_JOB_MIN: usize = 64;

/// What can be seen of an entity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown {
    /// 0 where there is no entity.
    pub(crate) id: EntityId,
    pub(crate) position: Vec2,
    pub(crate) state: EntityState,
    pub(crate) kind: EntityKind,
    pub(crate) seat: Option<Seat>,
}

const NOTHING: Shown = Shown {
    id: EntityId(0),
    position: Vec2::ZERO,
    state: EntityState { x: 0, y: 0, vx: 0, vy: 0, heading: 0, health: 0, action: wire::state::Action::Idle },
    kind: EntityKind::Loot,
    seat: None,
};

/// What all players look at.
pub(crate) struct Scene<'a> {
    pub(crate) tick: Tick,
    pub(crate) rate_hz: u32,
    pub(crate) stamp_us: u32,
    pub(crate) ticks_per_snapshot: u32,
    pub(crate) stale_ticks_max: u32,
    pub(crate) interest_radius: i32,
    /// The square of a quarter of the radius.
    pub(crate) quarter_squared: u64,
    /// Far entities are told of half as often for each step of this.
    pub(crate) far_updates_shift: u32,
    pub(crate) entities: &'a Entities,
    pub(crate) grid: &'a Grid,
    /// By index.
    pub(crate) shown: &'a [Shown],
    pub(crate) profiles: &'a [Profile],
    pub(crate) happenings: &'a [Happening],
    pub(crate) happenings_from: u64,
}

impl Scene<'_> {
    /// Whether two players are of the same party.
    pub(crate) fn are_together(&self, one: Seat, other: Seat) -> bool {
        if one.spectates() {
            return false;
        }
        let party = self.profiles[one.index()].party;
        party.is_some() && self.profiles[other.index()].party == party
    }
}

/// Memory for the views of one thread; it holds nothing between players.
#[derive(Debug, Default)]
pub(crate) struct ViewScratch {
    pub(crate) staying: Vec<Staying>,
    /// Square of the distance and index.
    pub(crate) entering: Vec<(u64, u32)>,
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) updates: Vec<(Slot, EntityState)>,
    pub(crate) entered: Vec<Slot>,
    pub(crate) encode: EncodeBuffers,
    pub(crate) answers: Vec<u8>,
    /// By index: in which marking it was marked last.
    pub(crate) marks: Vec<u32>,
    pub(crate) mark: u32,
}

impl ViewScratch {
    /// Begins with nothing marked.
    pub(crate) fn start_marking(&mut self, indices: usize) {
        if self.marks.len() < indices {
            self.marks.resize(indices, 0);
        }
        self.mark = self.mark.wrapping_add(1);
        if self.mark == 0 {
            self.marks.fill(0);
            self.mark = 1;
        }
    }

    pub(crate) fn mark(&mut self, index: usize) {
        self.marks[index] = self.mark;
    }
}

/// What was seen and sent in a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ViewCounts {
    pub(crate) in_view: u32,
    pub(crate) entered: u32,
    pub(crate) left: u32,
    pub(crate) frames: u32,
    pub(crate) bytes: u32,
    pub(crate) updates: u32,
    pub(crate) update_bytes: u32,
    pub(crate) overdue: u32,
    pub(crate) unaffordable: u32,
    pub(crate) waiting: u32,
}

impl ViewCounts {
    pub(crate) fn add(&mut self, other: Self) {
        self.in_view += other.in_view;
        self.entered += other.entered;
        self.left += other.left;
        self.frames += other.frames;
        self.bytes += other.bytes;
        self.updates += other.updates;
        self.update_bytes += other.update_bytes;
        self.overdue += other.overdue;
        self.unaffordable += other.unaffordable;
        self.waiting += other.waiting;
    }
}

/// How a zone shows itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) ticks_per_snapshot: u32,
    pub(crate) interest_radius: i32,
    pub(crate) stamp_us: u32,
    pub(crate) shed: ShedLevel,
}

/// Computes what is visible of each entity, once for all players.
pub(crate) fn show(entities: &Entities, shown: &mut Vec<Shown>) {
    let show = |entity: &Entity| Shown {
        id: entity.id,
        position: entity.position,
        state: entity.visible_state(),
        kind: entity.kind,
        seat: entity.seat,
    };
    shown.clear();
    shown.extend((0..entities.index_end()).map(|index| entities.get(index).map_or(NOTHING, show)));
}

/// Marks the players who get a snapshot in this tick. Seats are spread over the ticks of a period, so that
/// the load is flat; who has seen nothing yet need not wait. A client that is behind in acknowledging, or
/// whose budget is small, gets fewer. Returns how many they are.
pub(crate) fn mark_due(world: &mut World, manner: Manner) -> usize {
    let mut count = 0;
    let Manner { ticks_per_snapshot, shed, .. } = manner;
    let World { players, tick: now, rate_hz, .. } = world;
    for (Seat(seat), player) in players.everyone_mut() {
        let fresh = player.link.encoder.sent() == 0;
        let turn = now.is_turn_of(seat, ticks_per_snapshot);
        player.due = player.attached && (turn || fresh) && !std::mem::take(&mut player.blocked);
        if !player.due {
            continue;
        }
        let secs_behind = player.link.behind(*now) / *rate_hz;
        let behind = 1 << secs_behind.min(3);
        let by_budget = player.link.budget.pace(*rate_hz / ticks_per_snapshot);
        player.pace = by_budget.max(behind).max(shed.pace());
        let round = now.0 / ticks_per_snapshot + seat / ticks_per_snapshot;
        player.due = fresh || round.is_multiple_of(player.pace);
        count += usize::from(player.due);
    }
    count
}

/// The part of one thread: players, its memory, and what came out.
struct Job<'p> {
    first_seat: usize,
    players: &'p mut [Option<Player>],
    scratch: &'p mut ViewScratch,
    frames: &'p mut Frames,
    counts: ViewCounts,
}

/// Writes the frames of the players who are due, so many of them.
pub(crate) fn observe(
    world: &mut World,
    (manner, due): (Manner, usize),
    shown: &[Shown],
    scratches: &mut Vec<ViewScratch>,
    workers: &impl Workers,
    outbox: &mut Outbox,
) -> ViewCounts {
    let World { players, entities, grid, happenings, happenings_from, tick, rate_hz, .. } = world;
    let PlayersMut { playing: players, watching, profiles } = players.parts_mut();
    let scene = Scene {
        tick: *tick,
        rate_hz: *rate_hz,
        stamp_us: manner.stamp_us,
        ticks_per_snapshot: manner.ticks_per_snapshot,
        stale_ticks_max: *rate_hz * STALE_MILLIS_MAX / 1_000,
        interest_radius: manner.interest_radius,
        quarter_squared: Vec2::new(manner.interest_radius / 4, 0).length_squared(),
        far_updates_shift: manner.shed.far_updates_shift(),
        entities,
        grid,
        shown,
        profiles,
        happenings,
        happenings_from: *happenings_from,
    };
    let width = workers.width().min(due / PLAYERS_PER_JOB_MIN).max(1);
    let frames = outbox.parts_mut(width);
    if scratches.len() < width {
        scratches.resize_with(width, ViewScratch::default);
    }
    let spectators = Seat::SPECTATES as usize;
    if width == 1 {
        let (scratch, frames) = (&mut scratches[0], &mut frames[0]);
        let mut counts = view_players(0, players, &scene, scratch, frames);
        counts.add(view_players(spectators, watching, &scene, scratch, frames));
        return counts;
    }
    let share = players.len().div_ceil(width);
    let parts = players.chunks_mut(share).zip(scratches.iter_mut()).zip(frames.iter_mut());
    let mut jobs: Vec<Job<'_>> = (0..)
        .step_by(share)
        .zip(parts)
        .map(|(first_seat, ((players, scratch), frames))| Job {
            first_seat,
            players,
            scratch,
            frames,
            counts: ViewCounts::default(),
        })
        .collect();
    workers.for_each(&mut jobs, |job| {
        job.counts = view_players(job.first_seat, job.players, &scene, job.scratch, job.frames);
    });
    let mut counts = ViewCounts::default();
    for job in jobs {
        counts.add(job.counts);
    }
    // They are few, and their seats come last.
    let (scratch, frames) = (&mut scratches[width - 1], &mut frames[width - 1]);
    counts.add(view_players(spectators, watching, &scene, scratch, frames));
    counts
}

fn view_players(
    first_seat: usize,
    players: &mut [Option<Player>],
    scene: &Scene<'_>,
    scratch: &mut ViewScratch,
    frames: &mut Frames,
) -> ViewCounts {
    let mut counts = ViewCounts::default();
    for (index, player) in (first_seat..).zip(players) {
        let Some(player) = player.as_mut().filter(|player| player.due) else { continue };
        let seat = Seat(u32::try_from(index).expect("seats are few"));
        counts.add(view_player((seat, player), scene, scratch, frames));
    }
    counts
}

fn view_player(
    (seat, player): (Seat, &mut Player),
    scene: &Scene<'_>,
    scratch: &mut ViewScratch,
    frames: &mut Frames,
) -> ViewCounts {
    let snapshots_per_second = scene.rate_hz / (scene.ticks_per_snapshot * player.pace);
    let Some(payload_max) = player.link.budget.payload_max(scene.tick, snapshots_per_second) else {
        return ViewCounts { unaffordable: 1, ..ViewCounts::default() };
    };
    let (own, body) = own_of(player, scene);
    let interest = select_interest(&mut player.link, (own.position, body), scene, scratch);
    let sent = encode_deltas((seat, player), own, payload_max, scene, scratch, frames);
    player.link.budget.spend(scene.tick, sent.bytes);
    let count = |count: usize| u32::try_from(count).expect("views are small");
    ViewCounts {
        in_view: interest.in_view + count(sent.entered),
        entered: count(sent.entered),
        left: interest.left,
        frames: 1,
        bytes: count(sent.bytes),
        updates: count(sent.updated),
        update_bytes: count(sent.update_bytes),
        overdue: count_overdue(player, scene),
        unaffordable: 0,
        waiting: count(scratch.entering.len() - sent.entered),
    }
}

/// What a player is told of itself, and the index of its body. A spectator has none: what it is told is its eye, and as
/// long as it looks on it counts as alive.
fn own_of(player: &Player, scene: &Scene<'_>) -> (Own, Option<usize>) {
    if let Some(Eye { motion, .. }) = player.eye {
        let Motion { position, velocity, .. } = motion;
        return (Own { position, velocity, health: 1, health_max: 1 }, None);
    }
    let index = scene.entities.index_of(player.entity).expect("a player has a body");
    let body = &scene.entities[index];
    let own = Own {
        position: body.position,
        velocity: body.velocity,
        health: clamp_u16(body.health),
        health_max: clamp_u16(body.health_max),
    };
    (own, Some(index))
}

fn clamp_u16(value: i32) -> u16 {
    u16::try_from(value.clamp(0, u16::MAX.into())).expect("clamped")
}
