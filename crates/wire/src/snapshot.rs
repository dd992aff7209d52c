//! How a snapshot is coded: each part is written once, for both ends (see [`Coder`]). On the end that reads,
//! the values passed in are ignored and those that come back are what was written.

use domain::fixed::Vec2;

use crate::coder::{Bit, Coder, Signed, Symbol, Unsigned};
use crate::slots::Slot;
use crate::state::{Action, EntityState, UNITS_PER_STEP};
use crate::track::Track;

/// What a snapshot says beside the entities in view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Header {
    /// The tick that it shows.
    pub tick: u32,
    /// The host's clock when that tick was due, in microseconds modulo 2^32.
    pub stamp_us: u32,
    /// The last input that took effect.
    pub input: u32,
    /// Ticks that the newest input came ahead of the tick that it was for; negative if it came too late.
    pub lead: i32,
    /// The player's own body.
    pub own: Own,
}

/// The player's own body, as exactly as the host has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Own {
    /// Place in 1/256 m.
    pub position: Vec2,
    /// Velocity in 1/256 m per second.
    pub velocity: Vec2,
    /// Health.
    pub health: u16,
    /// The most that can be.
    pub health_max: u16,
}

/// What both ends have learned from the snapshots of a connection so far.
#[derive(Debug, Default)]
pub(crate) struct Models {
    header: HeaderModels,
    pub(crate) leaves: ListModels,
    pub(crate) updates: ListModels,
    update: UpdateModels,
    pub(crate) enters: Bit,
    enter: EnterModels,
}

#[derive(Debug, Default)]
struct HeaderModels {
    ticks: Unsigned,
    stamp: Signed,
    inputs: Signed,
    lead: Signed,
    place: Signed,
    velocity: Signed,
    health: Signed,
    health_max: Signed,
}

/// A list of slots in rising order.
#[derive(Debug, Default)]
pub(crate) struct ListModels {
    more: Bit,
    gap: Unsigned,
}

#[derive(Debug, Default)]
struct UpdateModels {
    /// For those that stood and those that moved.
    place: [Signed; 2],
    /// And by whether the place is as shown.
    same_velocity: [[Bit; 2]; 2],
    stopped: Bit,
    velocity: Signed,
    /// By whether the velocity is the same.
    same_heading: [Bit; 2],
    heading: Signed,
    health: Signed,
    /// By the action before, and whether it moves now.
    action: [[Symbol<3, 8>; 2]; 5],
}

#[derive(Debug, Default)]
struct EnterModels {
    last_id: i32,
    id: Signed,
    kind: Symbol<3, 8>,
    archetype: Unsigned,
    level: Unsigned,
    name_length: Unsigned,
    place: Signed,
    velocity: Signed,
    health: Signed,
    action: Symbol<3, 8>,
}

/// Units of a state that was read and may not be one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawState {
    pub(crate) state: EntityState,
    /// Health and action as they came.
    pub(crate) health: i32,
    pub(crate) action: u32,
}

/// The numbers of an entity that never change.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Nature {
    pub(crate) id: u32,
    pub(crate) kind: u32,
    pub(crate) archetype: u32,
    pub(crate) level: u32,
}

impl Models {
    pub(crate) fn header(
        &mut self,
        coder: &mut impl Coder,
        last: &Header,
        now: &Header,
        rate: u16,
    ) -> Header {
        let models = &mut self.header;
        let ticks = models.ticks.code(coder, now.tick.wrapping_sub(last.tick));
        let micros = u64::from(ticks) * 1_000_000 / u64::from(rate.max(1));
        let due = last.stamp_us.wrapping_add(u32::try_from(micros & 0xffff_ffff).expect("masked"));
        let late = models.stamp.code(coder, now.stamp_us.wrapping_sub(due).cast_signed());
        let inputs = models.inputs.code(coder, now.input.wrapping_sub(last.input).cast_signed());
        let lead = models.lead.code(coder, now.lead.wrapping_sub(last.lead)).wrapping_add(last.lead);
        Header {
            tick: last.tick.wrapping_add(ticks),
            stamp_us: due.wrapping_add(late.cast_unsigned()),
            input: last.input.wrapping_add(inputs.cast_unsigned()),
            lead,
            own: models.own(coder, &last.own, &now.own, ticks, rate),
        }
    }

    /// Whether another slot of a list follows, and which: the next one that is `slot` or after it.
    pub(crate) fn slot(
        list: &mut ListModels,
        coder: &mut impl Coder,
        next: u32,
        slot: Option<Slot>,
    ) -> Option<u32> {
        if !coder.bit(&mut list.more, slot.is_some()) {
            return None;
        }
        let gap = slot.map_or(0, |slot| u32::from(slot.0).wrapping_sub(next));
        Some(next.saturating_add(list.gap.code(coder, gap)))
    }

    /// The state of an entity that was last told as `track`.
    pub(crate) fn update(
        &mut self,
        coder: &mut impl Coder,
        track: &Track,
        now: &EntityState,
        tick: u32,
        rate: u16,
    ) -> RawState {
        let models = &mut self.update;
        let shown = track.at(tick, rate);
        let moved = usize::from(shown.vx != 0 || shown.vy != 0);
        let place = &mut models.place[moved];
        let x = place.code(coder, now.x.wrapping_sub(shown.x)).wrapping_add(shown.x);
        let y = place.code(coder, now.y.wrapping_sub(shown.y)).wrapping_add(shown.y);
        let strayed = usize::from((x, y) != (shown.x, shown.y));
        let same = (now.vx, now.vy) == (shown.vx, shown.vy);
        let same = coder.bit(&mut models.same_velocity[moved][strayed], same);
        let (vx, vy) = if same {
            (shown.vx, shown.vy)
        } else if moved == 1 && coder.bit(&mut models.stopped, (now.vx, now.vy) == (0, 0)) {
            (0, 0)
        } else {
            (
                code_velocity(&mut models.velocity, coder, now.vx, shown.vx),
                code_velocity(&mut models.velocity, coder, now.vy, shown.vy),
            )
        };
        let mut state = EntityState { x, y, vx, vy, ..shown };
        if !coder.bit(&mut models.same_heading[usize::from(same)], now.heading == shown.heading) {
            let from = state.course().unwrap_or(shown.heading);
            let turn = i32::from(now.heading.wrapping_sub(from).cast_signed());
            state.heading = add_turn(from, models.heading.code(coder, turn));
        }
        let health = i32::from(now.health) - i32::from(shown.health);
        let health = models.health.code(coder, health).wrapping_add(shown.health.into());
        let moves = usize::from((vx, vy) != (0, 0));
        let action = models.action[shown.action as usize][moves].code(coder, now.action as u32);
        RawState { state, health, action }
    }

    /// What never changes of an entity that comes into view. Its name follows, and then its state.
    pub(crate) fn nature(&mut self, coder: &mut impl Coder, now: &Nature) -> Nature {
        let models = &mut self.enter;
        let step = now.id.cast_signed().wrapping_sub(models.last_id);
        models.last_id = models.id.code(coder, step).wrapping_add(models.last_id);
        Nature {
            id: models.last_id.cast_unsigned(),
            kind: models.kind.code(coder, now.kind),
            archetype: models.archetype.code(coder, now.archetype),
            level: models.level.code(coder, now.level),
        }
    }

    pub(crate) fn name_length(&mut self, coder: &mut impl Coder, length: u32) -> u32 {
        self.enter.name_length.code(coder, length)
    }

    /// The state of an entity that comes into view of a player who stands at `own`.
    pub(crate) fn first_state(&mut self, coder: &mut impl Coder, own: Vec2, now: &EntityState) -> RawState {
        let models = &mut self.enter;
        let from = |part: i32| part.div_euclid(UNITS_PER_STEP);
        let mut place = |now: i32, own: i32| {
            models.place.code(coder, now.wrapping_sub(from(own))).wrapping_add(from(own))
        };
        let (x, y) = (place(now.x, own.x), place(now.y, own.y));
        let vx = code_velocity(&mut models.velocity, coder, now.vx, 0);
        let vy = code_velocity(&mut models.velocity, coder, now.vy, 0);
        let heading = u8::try_from(coder.raw(now.heading.into(), 8)).expect("8 bits");
        let health = 100_i32.wrapping_sub(models.health.code(coder, 100 - i32::from(now.health)));
        let action = models.action.code(coder, now.action as u32);
        RawState { state: EntityState { x, y, vx, vy, heading, ..EntityState::default() }, health, action }
    }
}

impl HeaderModels {
    fn own(&mut self, coder: &mut impl Coder, last: &Own, now: &Own, ticks: u32, rate: u16) -> Own {
        let mut place = |last: i32, velocity: i32, now: i32| {
            let step = (i64::from(velocity) * i64::from(ticks)).div_euclid(rate.max(1).into());
            let shown = last.wrapping_add(i32::try_from(step).unwrap_or(0));
            self.place.code(coder, now.wrapping_sub(shown)).wrapping_add(shown)
        };
        let position = Vec2::new(
            place(last.position.x, last.velocity.x, now.position.x),
            place(last.position.y, last.velocity.y, now.position.y),
        );
        let mut velocity =
            |last: i32, now: i32| self.velocity.code(coder, now.wrapping_sub(last)).wrapping_add(last);
        let velocity =
            Vec2::new(velocity(last.velocity.x, now.velocity.x), velocity(last.velocity.y, now.velocity.y));
        Own {
            position,
            velocity,
            health: code_u16(&mut self.health, coder, now.health, last.health),
            health_max: code_u16(&mut self.health_max, coder, now.health_max, last.health_max),
        }
    }
}

fn code_velocity(model: &mut Signed, coder: &mut impl Coder, now: i16, last: i16) -> i16 {
    let step = model.code(coder, i32::from(now) - i32::from(last));
    let [.., high, low] = step.wrapping_add(last.into()).to_be_bytes();
    i16::from_be_bytes([high, low])
}

fn code_u16(model: &mut Signed, coder: &mut impl Coder, now: u16, last: u16) -> u16 {
    let step = model.code(coder, i32::from(now) - i32::from(last));
    let [.., high, low] = step.wrapping_add(last.into()).to_be_bytes();
    u16::from_be_bytes([high, low])
}

fn add_turn(from: u8, turn: i32) -> u8 {
    let [.., low] = turn.wrapping_add(from.into()).to_be_bytes();
    low
}

impl RawState {
    /// The state, if it is one.
    pub(crate) fn checked(self) -> Option<EntityState> {
        let range = 0..=crate::state::COORDINATE_MAX;
        let health = u8::try_from(self.health).ok().filter(|percent| *percent <= 100)?;
        let action = Action::from_number(self.action)?;
        let inside = range.contains(&self.state.x) && range.contains(&self.state.y);
        inside.then_some(EntityState { health, action, ..self.state })
    }
}
