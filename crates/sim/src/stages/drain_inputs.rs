//! Takes in what came from outside: who joins and leaves, and what players send.

use domain::contract::players::Place;
use domain::ids::ZoneId;
use domain::limits::PLAYERS_PER_INSTANCE_MAX;
use domain::time::Tick;
use wire::message::{ActionConfirm, ActionOutcome, ErrorNotice, PlayerInput};
use wire::reason::ByeReason;

use crate::inbox::{Inbox, Joining, ZoneEvent};
use crate::outbox::{Admission, Departure, Outbox};
use crate::player::{PendingHeartbeat, Player, Seat};
use crate::rules::Rules;
use crate::world::World;

/// Inputs that saw the world this many ticks ago are refused: 10 s at 30 Hz.
const INPUT_AGE_TICKS_MAX: u32 = 300;
/// Inputs that claim to see the world this many ticks ahead are refused.
const INPUT_AHEAD_TICKS_MAX: u32 = 30;
/// Notices and confirms that wait for one player; more are not kept.
const WAITING_MAX: usize = 32;

/// What the inputs of this tick ask for.
#[derive(Debug, Default)]
pub(crate) struct DrainedInputs {
    /// Players who act, in order, with their input.
    pub(crate) acts: Vec<(Seat, PlayerInput)>,
    /// Inputs that were repeated, too old or too far ahead.
    pub(crate) ignored: u32,
}

pub(crate) fn drain_inputs(
    world: &mut World,
    rules: &dyn Rules,
    zone: &ZoneId,
    inbox: &Inbox,
    outbox: &mut Outbox,
) -> DrainedInputs {
    let mut drained = DrainedInputs::default();
    for event in &inbox.events {
        match event {
            ZoneEvent::Join(joining) => join(world, rules, zone, joining, outbox),
            ZoneEvent::Leave(seat) => leave(world, rules, zone, *seat, outbox),
            ZoneEvent::Attach(seat) => {
                // What the last connection asked for is not to be confirmed to this one.
                drained.acts.retain(|(actor, _)| actor != seat);
                with_player(world, *seat, Player::reattach);
            }
            ZoneEvent::Detach(seat) => with_player(world, *seat, Player::detach),
            ZoneEvent::Blocked(seat) => with_player(world, *seat, |player| player.blocked = true),
            ZoneEvent::Heartbeat { seat, client_time, received_us } => {
                let heartbeat = PendingHeartbeat { client_time: *client_time, received_us: *received_us };
                with_player(world, *seat, |player| player.heartbeat = Some(heartbeat));
            }
            ZoneEvent::Input(seat, input) => take_input(world, *seat, *input, &mut drained, outbox),
        }
    }
    drained
}

fn with_player(world: &mut World, seat: Seat, change: impl FnOnce(&mut Player)) {
    // A player may have left in this very tick, before what was already on its way came in.
    if let Some(player) = world.players.get_mut(seat) {
        change(player);
    }
}

fn join(world: &mut World, rules: &dyn Rules, zone: &ZoneId, joining: &Joining, outbox: &mut Outbox) {
    assert!(world.players.len() < PLAYERS_PER_INSTANCE_MAX, "the host does not overfill a zone");
    let here = joining.place.as_ref().is_some_and(|place| place.zone == *zone);
    let joining = Joining { place: joining.place.clone().filter(|_| here), ..joining.clone() };
    let body = rules.body(world, &joining);
    let index = world.entities.spawn(body);
    let entity = world.entities[index].id;
    let mut player = Player::new(joining.character, joining.name, joining.xp, entity, world.tick);
    player.events_from = world.happenings_from + world.happenings.len() as u64;
    let seat = world.players.seat(player);
    world.entities[index].seat = Some(seat);
    outbox.admissions.push(Admission { character: joining.character, seat, entity });
}

fn leave(world: &mut World, rules: &dyn Rules, zone: &ZoneId, seat: Seat, outbox: &mut Outbox) {
    let Some(player) = world.players.take(seat) else { return };
    let place = place_of(world, rules, zone, &player);
    outbox.departures.push(Departure { character: player.character, seat, place });
    let index = world.entities.index_of(player.entity).expect("a player has a body");
    world.entities.mark_removed(index);
    world.entities[index].seat = None;
}

/// Where a player's body is, for saving.
pub(crate) fn place_of(world: &World, rules: &dyn Rules, zone: &ZoneId, player: &Player) -> Place {
    let body = world.entities.find(player.entity).expect("a player has a body");
    rules.place(world, body, zone)
}

fn take_input(
    world: &mut World,
    seat: Seat,
    input: PlayerInput,
    drained: &mut DrainedInputs,
    outbox: &mut Outbox,
) {
    let now = world.tick;
    let Some(player) = world.players.get_mut(seat) else { return };
    if player.encoder.acknowledge(input.snapshot).is_err() {
        outbox.drops.push((seat, ByeReason::Protocol));
        return;
    }
    if input.sequence <= player.input.sequence {
        drained.ignored += 1;
        return;
    }
    if let Some(notice) = untimely(input.tick, now) {
        drained.ignored += 1;
        if player.notices.len() < WAITING_MAX {
            player.notices.push(notice);
        }
        // The next input must be newer than this one, though this one counts for nothing.
        player.input.sequence = input.sequence;
        return;
    }
    player.input = input;
    player.input_at = now;
    if input.action == 0 {
        return;
    }
    if player.confirms.len() < WAITING_MAX {
        drained.acts.push((seat, input));
    } else {
        let outcome = ActionOutcome::Cooldown as u8;
        player.confirms.push(ActionConfirm { input: input.sequence, outcome, cooldown_ticks: 1 });
        player.confirms.remove(0);
    }
}

fn untimely(seen: u32, now: Tick) -> Option<ErrorNotice> {
    if now.0 > seen.saturating_add(INPUT_AGE_TICKS_MAX) {
        let text = format!("the input saw tick {seen}, and it is {}: too old", now.0);
        Some(ErrorNotice { code: 1, text })
    } else if seen > now.0.saturating_add(INPUT_AHEAD_TICKS_MAX) {
        let text = format!("the input saw tick {seen}, and it is only {}", now.0);
        Some(ErrorNotice { code: 2, text })
    } else {
        None
    }
}
