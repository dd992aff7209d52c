//! Writes the frames: for each player whose turn it is one snapshot, with the events, confirms and answers
//! that have come up since the last.

use domain::ids::EntityId;
use wire::encoder::Description;
use wire::frame::append;
use wire::message::StateUpdate;
use wire::state::EntityState;

use crate::entity::Entities;
use crate::outbox::Outbox;
use crate::player::Player;
use crate::world::{Audience, Happening, World};
use crate::zone::Scratch;

/// Events in one frame; in a crowd the ones after that are not told.
const EVENTS_PER_FRAME_MAX: usize = 64;

/// What was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SentCounts {
    pub(crate) frames: u32,
    pub(crate) bytes: u32,
    pub(crate) updates: u32,
}

/// Computes what is visible of each entity, once for all players.
pub(crate) fn quantise(entities: &Entities, visible: &mut Vec<EntityState>) {
    visible.clear();
    visible.extend(entities.all().map(crate::entity::Entity::visible_state));
}

pub(crate) fn encode_deltas(
    world: &mut World,
    scratch: &mut Scratch,
    stamp_us: u32,
    outbox: &mut Outbox,
) -> SentCounts {
    let mut counts = SentCounts::default();
    let World { players, entities, happenings, happenings_from, tick, .. } = world;
    let names: Vec<(EntityId, String)> = names_of(players);
    let Scratch { visible, encode, body, .. } = scratch;
    for (seat, player) in players.iter_mut().filter(|(_, player)| player.due) {
        let baseline = player.encoder.acknowledged();
        let describe = |index: u32| {
            let entity = &entities[index as usize];
            let name = names.binary_search_by_key(&entity.id, |(id, _)| *id).map_or("", |at| &names[at].1);
            let (kind, archetype, level) = (entity.kind, entity.archetype, entity.level);
            Description { entity: entity.id, kind, archetype, level, name }
        };
        let enters =
            player.entering.iter().map(|(slot, index)| (*slot, describe(*index), visible[*index as usize]));
        let staying = player.staying.iter().map(|(slot, index)| (*slot, visible[*index as usize]));
        let (bits, updated) = player.encoder.encode(enters, staying, encode);
        body.clear();
        body.extend_from_slice(bits);
        let own = entities.find(player.entity).expect("a player has a body");
        let update = StateUpdate {
            sequence: player.encoder.sent(),
            baseline,
            tick: tick.0,
            stamp_us,
            input: player.input.sequence,
            x: own.position.x,
            y: own.position.y,
            health: clamp_u16(own.health),
            health_max: clamp_u16(own.health_max),
            body,
        };
        let from =
            usize::try_from(player.events_from.saturating_sub(*happenings_from)).expect("a short list");
        let news = happenings.get(from..).unwrap_or_default();
        let bytes = outbox.add_frame(seat, |frame| {
            append(frame, &update);
            append_events(frame, player, seat, news);
            append_answers(frame, player, stamp_us);
        });
        player.events_from = *happenings_from + happenings.len() as u64;
        counts.frames += 1;
        counts.bytes += u32::try_from(bytes).expect("frames are small");
        counts.updates += u32::try_from(updated).expect("views are small");
    }
    counts
}

fn append_events(frame: &mut Vec<u8>, player: &Player, seat: crate::player::Seat, news: &[Happening]) {
    let sees = |entity: EntityId| {
        entity == player.entity || player.view.binary_search_by_key(&entity, |in_view| in_view.entity).is_ok()
    };
    let concerns = |happening: &&Happening| match happening.audience {
        Audience::Only(only) => only == seat,
        Audience::InView(other) => sees(EntityId(happening.event.subject)) || sees(other),
    };
    for happening in news.iter().filter(concerns).take(EVENTS_PER_FRAME_MAX) {
        append(frame, &happening.event);
    }
}

fn append_answers(frame: &mut Vec<u8>, player: &mut Player, stamp_us: u32) {
    for confirm in player.confirms.drain(..) {
        append(frame, &confirm);
    }
    for notice in player.notices.drain(..) {
        append(frame, &notice);
    }
    if let Some(heartbeat) = player.heartbeat.take() {
        append(frame, &heartbeat.answer(stamp_us));
    }
}

/// Names of players by their bodies; only needed when someone comes into view.
fn names_of(players: &crate::player::Players) -> Vec<(EntityId, String)> {
    if players.iter().all(|(_, player)| !player.due || player.entering.is_empty()) {
        return Vec::new();
    }
    let mut names: Vec<_> = players.iter().map(|(_, player)| (player.entity, player.name.clone())).collect();
    names.sort_unstable();
    names
}

fn clamp_u16(value: i32) -> u16 {
    u16::try_from(value.clamp(0, u16::MAX.into())).expect("clamped")
}
