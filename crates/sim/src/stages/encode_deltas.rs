//! Writes the frame of one player: one snapshot, with the events, confirms and answers that have come up since
//! the last, within what the budget leaves.

use domain::ids::EntityId;
use wire::encoder::{Description, Limits};
use wire::frame::append;
use wire::message::StateUpdate;
use wire::snapshot::{Header, Own};

use super::observe::{Scene, ViewScratch};
use super::prioritise::prioritise;
use crate::entity::index_of_id;
use crate::outbox::Frames;
use crate::player::{Player, Seat, Seen};
use crate::world::{Audience, Happening};

/// Events in one frame; in a crowd the ones after that are not told.
const EVENTS_PER_FRAME_MAX: usize = 64;
/// Bytes of a confirm at the most.
const CONFIRM_BYTES: usize = 12;

/// What was sent to one player.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sent {
    pub(crate) bytes: usize,
    pub(crate) updated: usize,
    pub(crate) update_bytes: usize,
    pub(crate) entered: usize,
}

pub(crate) fn encode_deltas(
    (seat, player): (Seat, &mut Player),
    own: Own,
    payload_max: usize,
    scene: &Scene<'_>,
    scratch: &mut ViewScratch,
    frames: &mut Frames,
) -> Sent {
    write_answers((seat, player), payload_max, scene, scratch);
    let total = payload_max.saturating_sub(scratch.answers.len());
    // Newcomers get a third, so that a crowd that moves does not hide them.
    let newcomers = !scratch.entering.is_empty() && player.link.encoder.has_room();
    let updates = if newcomers { total - total / 3 } else { total };
    let room = player.link.room_for_updates(updates);
    prioritise((seat, player), scene, room, scratch);
    let header = header_of(player, own, scene);
    let ViewScratch { candidates, entering, updates: states, entered, encode, answers, .. } = scratch;
    states.clear();
    states.extend(candidates.iter().map(|chosen| (chosen.slot, scene.shown[chosen.index as usize].state)));
    let enters = entering
        .iter()
        .map(|(_, index)| (describe(*index as usize, scene), scene.shown[*index as usize].state));
    entered.clear();
    let link = &mut player.link;
    let limits = Limits { updates, total };
    let encoded = link.encoder.encode(&header, states, enters, limits, encode, |slot| entered.push(slot));
    for chosen in &candidates[..encoded.updated] {
        let seen = link.view[chosen.slot.index()].as_mut().expect("who is updated is in view");
        (seen.urgency, seen.stale_since) = (0, 0);
    }
    for (slot, (_, index)) in entered.iter().zip(&*entering) {
        if link.view.len() <= slot.index() {
            link.view.resize(slot.index() + 1, None);
        }
        let entity = scene.shown[*index as usize].id;
        link.view[slot.index()] = Some(Seen { entity, urgency: 0, stale_since: 0 });
    }
    let (updated, update_bytes) = (encoded.updated, encoded.update_bytes);
    link.note_updates(updated, update_bytes, updated < candidates.len());
    let bytes = frames.add(seat, |frame| {
        append(frame, &StateUpdate { body: encoded.body });
        frame.extend_from_slice(answers);
    });
    link.note_sent(scene.tick);
    Sent { bytes, updated, update_bytes, entered: entered.len() }
}

fn header_of(player: &Player, own: Own, scene: &Scene<'_>) -> Header {
    Header {
        tick: scene.tick.0,
        stamp_us: scene.stamp_us,
        input: player.input.sequence,
        lead: player.lead,
        own,
    }
}

fn describe<'a>(index: usize, scene: &Scene<'a>) -> Description<'a> {
    let entity = &scene.entities[index];
    let (kind, archetype, level) = (entity.kind, entity.archetype, entity.level);
    let name = entity.seat.map_or("", |seat| &scene.profiles[seat.index()].name);
    Description { entity: entity.id, kind, archetype, level, name }
}

/// Confirms, the newest notice and the heartbeat's answer, then events: those that concern the player before those that
/// are only seen, which get at most a third of the frame.
fn write_answers(
    (seat, player): (Seat, &mut Player),
    payload_max: usize,
    scene: &Scene<'_>,
    scratch: &mut ViewScratch,
) {
    let ViewScratch { answers, marks, mark, .. } = scratch;
    let is_seen = |entity: EntityId| {
        let index = index_of_id(entity);
        marks.get(index) == Some(mark) && scene.shown[index].id == entity
    };
    answers.clear();
    let fit = (payload_max / 3 / CONFIRM_BYTES).max(1).min(player.confirms.len());
    for confirm in player.confirms.drain(..fit) {
        append(answers, &confirm);
    }
    if let Some(notice) = player.notice.take() {
        let before = answers.len();
        append(answers, &notice);
        // It is for people, and no state: where it does not fit it is left out.
        if answers.len() > payload_max * 2 / 3 {
            answers.truncate(before);
        }
    }
    if let Some(heartbeat) = player.heartbeat.take() {
        append(answers, &heartbeat.answer(scene.stamp_us));
    }
    let from = player.events_from.saturating_sub(scene.happenings_from);
    let news = scene.happenings.get(usize::try_from(from).expect("a short list")..).unwrap_or_default();
    player.events_from = scene.happenings_from + scene.happenings.len() as u64;
    let mut told = 0;
    let mut tell = |answers: &mut Vec<u8>, happening: &Happening, bytes_max: usize| {
        let before = answers.len();
        append(answers, &happening.event);
        if answers.len() > bytes_max || told == EVENTS_PER_FRAME_MAX {
            answers.truncate(before);
        } else {
            told += 1;
        }
    };
    let concerns = |happening: &&Happening| concerns(seat, player, happening);
    for happening in news.iter().filter(concerns) {
        tell(answers, happening, payload_max * 2 / 3);
    }
    for happening in news.iter().filter(|happening| !concerns(happening) && sees(&is_seen, happening)) {
        tell(answers, happening, payload_max / 3);
    }
}

fn concerns(seat: Seat, player: &Player, happening: &Happening) -> bool {
    match happening.audience {
        Audience::Only(only) => only == seat,
        Audience::InView(other) => {
            other == player.entity || EntityId(happening.event.subject) == player.entity
        }
    }
}

fn sees(is_seen: &impl Fn(EntityId) -> bool, happening: &Happening) -> bool {
    match happening.audience {
        Audience::Only(_) => false,
        Audience::InView(other) => is_seen(EntityId(happening.event.subject)) || is_seen(other),
    }
}
