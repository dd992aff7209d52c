//! What a host does on the orders that its mail brings.

use std::sync::Arc;

use bytes::Bytes;
use domain::contract::mail::{Audience, HostOrder, Notice};
use domain::ids::CharacterId;
use domain::limits::{NOTICE_BODY_BYTES_MAX, NOTICE_TOPIC_BYTES_MAX};
use tokio::sync::mpsc::error::TrySendError;
use wire::frame::frame_of;
use wire::reason::ByeReason;

use crate::instance::{Command, Farewell};
use crate::metrics::Metrics;
use crate::platform::Platform;
use crate::shared::{Directory, Shared};
use crate::{host, instances};

/// Characters of the words that a player reads at the end.
const REASON_CHARS_MAX: usize = 300;

/// Does what an order says. None waits for anything.
pub(crate) fn obey<P: Platform>(shared: &Arc<Shared<P>>, order: HostOrder) {
    match order {
        HostOrder::Notify { to, notice } => deliver(&shared.directory, &shared.metrics, &to, notice),
        HostOrder::Kick { character, reason, claim } => kick(shared, (character, claim), &reason),
        HostOrder::Release { instance, character, claim } => {
            if let Some(handle) = shared.instances.get(instance) {
                handle.send(Command::Fenced(Some((character, claim))));
            }
        }
        HostOrder::Open(assigned) => {
            if let Err(error) = instances::open(shared, assigned) {
                shared.metrics.error("open");
                tracing::error!(%error, "an instance cannot be opened");
            }
        }
        HostOrder::Close { instance, reason } => {
            if let Some(handle) = shared.instances.get(instance) {
                shared.instances.close(&handle, farewell(ByeReason::Over, &reason));
            }
        }
        HostOrder::Drain => {
            tracing::info!("the host is told to drain");
            host::drain_by_order(shared);
        }
    }
}

fn farewell(reason: ByeReason, text: &str) -> Farewell {
    let text: String = text.chars().take(REASON_CHARS_MAX).collect();
    Farewell { reason, text: (!text.is_empty()).then_some(text) }
}

fn kick<P: Platform>(shared: &Shared<P>, (character, claim): (CharacterId, Option<u64>), reason: &str) {
    let farewell = farewell(ByeReason::Kicked, reason);
    let instance = shared.directory.kick(character, claim, &farewell);
    if let Some(handle) = instance.and_then(|id| shared.instances.get(id)) {
        handle.send(Command::Kick { character, claim, farewell });
    }
}

/// Hands a notice to the connections of its audience. It does not go through the zones: their ticks never know, and
/// the frames of the codec keep their room.
pub(crate) fn deliver(directory: &Directory, metrics: &Metrics, to: &Audience, notice: Notice) {
    if notice.topic.len() > NOTICE_TOPIC_BYTES_MAX || notice.body.len() > NOTICE_BODY_BYTES_MAX {
        metrics.error("notice_too_long");
        tracing::error!(topic = notice.topic, bytes = notice.body.len(), "a notice is too long for players");
        return;
    }
    let Notice { topic, body } = notice;
    let frame = Bytes::from(frame_of(&wire::message::Notice { topic, body }));
    let (mut sent, mut dropped) = (0, 0);
    for ear in directory.ears(to) {
        match ear.try_send(frame.clone()) {
            Ok(()) => sent += 1,
            Err(TrySendError::Full(_)) => dropped += 1,
            // Nobody is connected to the body at present.
            Err(TrySendError::Closed(_)) => {}
        }
    }
    metrics.notices(sent, dropped);
}
