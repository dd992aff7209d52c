//! Takes in what came from outside: who joins and leaves, and what players send.

use domain::contract::players::Place;
use domain::ids::ZoneId;
use domain::time::Tick;
use wire::message::{ErrorNotice, PlayerInput};
use wire::reason::ByeReason;

use crate::budget::Budget;
use crate::inbox::{Inbox, Joining, ZoneEvent};
use crate::outbox::{Admission, Departure, Outbox};
use crate::player::{Eye, Link, NO_BODY, PendingHeartbeat, Player, Profile, Seat};
use crate::rules::Rules;
use crate::stages::watch::at_rest;
use crate::world::World;

/// Inputs that saw the world this many ticks ago are refused: 10 s at 60 Hz.
const INPUT_AGE_TICKS_MAX: u32 = 600;
/// Inputs for a tick so many ticks ahead are refused: 1 s at 60 Hz.
const INPUT_AHEAD_TICKS_MAX: u32 = 60;
/// Inputs that wait for their tick.
const PENDING_MAX: usize = 8;

/// Fills `acts` with the players who act, in order, with their input. Returns how many inputs were repeated,
/// too old or too far ahead.
pub(crate) fn drain_inputs(
    world: &mut World,
    rules: &dyn Rules,
    zone: &ZoneId,
    inbox: &Inbox,
    acts: &mut Vec<(Seat, PlayerInput)>,
    outbox: &mut Outbox,
) -> u32 {
    let mut ignored = 0;
    for event in &inbox.events {
        match event {
            ZoneEvent::Join(joining) => join(world, rules, zone, joining, outbox),
            ZoneEvent::Leave(seat) => {
                // Whoever gets this seat in the same tick has nothing to do with it.
                acts.retain(|(actor, _)| actor != seat);
                outbox.drops.retain(|(offender, _)| offender != seat);
                leave(world, rules, zone, *seat, outbox);
            }
            ZoneEvent::Attach { seat, budget } => {
                // What the last connection asked for is not to be confirmed to this one.
                acts.retain(|(actor, _)| actor != seat);
                let link = new_link(world, *budget);
                let events_from = world.happenings_from + world.happenings.len() as u64;
                with_player(world, *seat, |player| player.reattach(link, events_from));
            }
            ZoneEvent::Detach(seat) => with_player(world, *seat, Player::detach),
            ZoneEvent::Blocked(seat) => with_player(world, *seat, |player| player.blocked = true),
            ZoneEvent::Heartbeat { seat, client_time, received_us } => {
                let heartbeat = PendingHeartbeat { client_time: *client_time, received_us: *received_us };
                with_player(world, *seat, |player| player.heartbeat = Some(heartbeat));
            }
            ZoneEvent::Input(seat, input) => {
                ignored += u32::from(!take_input(world, *seat, *input, acts, outbox));
            }
        }
    }
    ignored
}

/// Puts the inputs into effect whose tick has come.
pub(crate) fn take_due(world: &mut World, acts: &mut Vec<(Seat, PlayerInput)>) {
    let World { players, tick: now, .. } = world;
    for (seat, player) in players.everyone_mut() {
        while player.pending.first().is_some_and(|input| input.tick <= now.0) {
            let input = player.pending.remove(0);
            take_effect(player, seat, input, *now, acts);
        }
    }
}

fn with_player(world: &mut World, seat: Seat, change: impl FnOnce(&mut Player)) {
    // A player may have left in this very tick, before what was already on its way came in.
    if let Some(player) = world.players.get_mut(seat) {
        change(player);
    }
}

fn join(world: &mut World, rules: &dyn Rules, zone: &ZoneId, joining: &Joining, outbox: &mut Outbox) {
    let here = joining.place.as_ref().is_some_and(|place| place.zone == *zone);
    let joining = Joining { place: joining.place.clone().filter(|_| here), ..joining.clone() };
    if joining.spectates {
        return look_on(world, rules, joining, outbox);
    }
    let body = rules.body(world, &joining);
    let index = world.entities.spawn(body);
    let entity = world.entities[index].id;
    let link = new_link(world, joining.budget);
    let mut player = Player::new(joining.character, joining.xp, entity, world.tick, link);
    player.events_from = world.happenings_from + world.happenings.len() as u64;
    let seat = world.players.seat(player, Profile { name: joining.name, party: joining.party });
    world.entities[index].seat = Some(seat);
    outbox.admissions.push(Admission { character: joining.character, seat, entity });
}

/// Takes a spectator in: without a body, and without a random number, so that nothing changes for those who play.
fn look_on(world: &mut World, rules: &dyn Rules, joining: Joining, outbox: &mut Outbox) {
    let spot = joining.place.map_or(world.terrain.middle(), |place| place.position);
    let motion = at_rest(world.clamp_inside(spot, rules.eye(world).radius));
    let link = new_link(world, joining.budget);
    let mut spectator = Player::new(joining.character, joining.xp, NO_BODY, world.tick, link);
    spectator.eye = Some(Eye { motion, follows: None });
    spectator.events_from = world.happenings_from + world.happenings.len() as u64;
    let seat = world.players.seat(spectator, Profile { name: joining.name, party: None });
    outbox.admissions.push(Admission { character: joining.character, seat, entity: NO_BODY });
}

fn new_link(world: &World, budget: u32) -> Link {
    Link::new(world.rate_hz, Budget::new(world.budget, budget, world.rate_hz, world.tick))
}

fn leave(world: &mut World, rules: &dyn Rules, zone: &ZoneId, seat: Seat, outbox: &mut Outbox) {
    if !seat.spectates() {
        rules.leave(world, seat);
    }
    let Some(player) = world.players.take(seat) else { return };
    let place = (!seat.spectates()).then(|| place_of(world, rules, zone, &player));
    outbox.departures.push(Departure { character: player.character, seat, place });
    if seat.spectates() {
        return;
    }
    let index = world.entities.index_of(player.entity).expect("a player has a body");
    world.entities.mark_removed(index);
    world.entities[index].seat = None;
}

/// Where a player's body is, for saving.
pub(crate) fn place_of(world: &World, rules: &dyn Rules, zone: &ZoneId, player: &Player) -> Place {
    let body = world.entities.find(player.entity).expect("a player has a body");
    rules.place(world, body, zone)
}

/// Takes an input; false if it counts for nothing.
fn take_input(
    world: &mut World,
    seat: Seat,
    input: PlayerInput,
    acts: &mut Vec<(Seat, PlayerInput)>,
    outbox: &mut Outbox,
) -> bool {
    let now = world.tick;
    let Some(player) = world.players.get_mut(seat) else { return true };
    if player.link.encoder.acknowledge(input.snapshot).is_err() {
        outbox.drops.push((seat, ByeReason::Protocol));
        return true;
    }
    if input.sequence <= player.newest_input {
        return false;
    }
    // The next input must be newer than this one, even if this one counts for nothing.
    player.newest_input = input.sequence;
    if let Some(notice) = untimely(&input, now) {
        player.notice = Some(notice);
        return false;
    }
    if input.tick != 0 {
        player.lead = i32::try_from(i64::from(input.tick) - i64::from(now.0)).unwrap_or(i32::MIN);
    }
    let in_order = player.pending.last().is_none_or(|last| last.tick <= input.tick);
    if input.tick > now.0 && in_order && player.pending.len() < PENDING_MAX {
        player.pending.push(input);
        return true;
    }
    // What it overtakes is done first, so that nothing is lost and the order stays.
    for index in 0..player.pending.len() {
        let earlier = player.pending[index];
        take_effect(player, seat, earlier, now, acts);
    }
    player.pending.clear();
    take_effect(player, seat, input, now, acts);
    true
}

fn take_effect(
    player: &mut Player,
    seat: Seat,
    input: PlayerInput,
    now: Tick,
    acts: &mut Vec<(Seat, PlayerInput)>,
) {
    player.input = input;
    player.input_at = now;
    if input.action != 0 {
        acts.push((seat, input));
    }
}

fn untimely(input: &PlayerInput, now: Tick) -> Option<ErrorNotice> {
    let seen = input.seen;
    if now.0 > seen.saturating_add(INPUT_AGE_TICKS_MAX) {
        let text = format!("the input saw tick {seen}, and it is {}: too old", now.0);
        return Some(ErrorNotice { code: 1, text });
    }
    let latest = seen.max(input.tick);
    if latest > now.0.saturating_add(INPUT_AHEAD_TICKS_MAX) {
        let text = format!("the input is of tick {latest}, and it is only {}", now.0);
        return Some(ErrorNotice { code: 2, text });
    }
    None
}
