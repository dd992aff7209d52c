//! Frames: one binary WebSocket message holds one or more messages, each a number that names its kind and
//! the array of its fields.

use domain::limits::{CLIENT_FRAME_BYTES_MAX, SERVER_FRAME_BYTES_MAX};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::message::{
    ActionConfirm, Bye, ErrorNotice, GameEvent, Heartbeat, HeartbeatAck, Hello, Notice, PlayerInput,
    Redirect, Resume, StateUpdate, Welcome,
};

/// What a packet costs beside its payload: IPv4 and TCP headers with time stamps.
pub const PACKET_BYTES: u32 = 52;
/// Payload of a full packet.
pub const SEGMENT_BYTES: u32 = 1_448;

/// Bytes on the wire of a frame of `payload` bytes, with WebSocket's header and those of its packets. Packets
/// that only acknowledge are not counted.
#[must_use]
pub const fn wire_bytes(payload: u32) -> u32 {
    let bytes = payload + 4;
    bytes + bytes.div_ceil(SEGMENT_BYTES) * PACKET_BYTES
}

/// Most messages in one frame.
pub const MESSAGES_PER_FRAME_MAX: usize = 512;

/// Why a frame is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Over the limit for its direction.
    #[error("the frame is over {max} bytes")]
    TooLarge {
        /// The limit in bytes.
        max: usize,
    },
    /// No message at all.
    #[error("the frame is empty")]
    Empty,
    /// More messages than [`MESSAGES_PER_FRAME_MAX`].
    #[error("the frame holds too many messages")]
    TooMany,
    /// Not MessagePack, cut off, or fields of another shape than the kind has.
    #[error("a message of kind {kind} cannot be read")]
    Malformed {
        /// The kind that was being read; 255 if not even that could be.
        kind: u8,
    },
    /// A kind that clients do not send.
    #[error("messages of kind {kind} are not for this side")]
    Unexpected {
        /// The kind.
        kind: u8,
    },
}

impl FrameError {
    /// The kind of error as a metric label.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "frame_too_large",
            Self::Empty => "frame_empty",
            Self::TooMany => "frame_too_many",
            Self::Malformed { .. } => "frame_malformed",
            Self::Unexpected { .. } => "frame_unexpected",
        }
    }
}

/// A message that has a number.
pub trait Message: Serialize {
    /// The number that names the kind in frames.
    const KIND: u8;
}

macro_rules! kinds {
    ($($name:ident $(<$life:lifetime>)? = $kind:literal),* $(,)?) => {$(
        impl$(<$life>)? Message for $name$(<$life>)? {
            const KIND: u8 = $kind;
        }
    )*};
}

kinds! {
    Hello = 1, Resume = 2, PlayerInput = 3, Heartbeat = 4, Bye = 5,
    Welcome = 16, StateUpdate<'a> = 17, GameEvent = 18, ActionConfirm = 19, HeartbeatAck = 20, Redirect = 21,
    ErrorNotice = 22, Notice = 23,
}

/// Appends `message` to the frame in `frame`.
pub fn append<M: Message>(frame: &mut Vec<u8>, message: &M) {
    frame.push(M::KIND);
    rmp_serde::encode::write(frame, message).expect("plain fields go into memory");
}

/// The frame of one message.
#[must_use]
pub fn frame_of<M: Message>(message: &M) -> Vec<u8> {
    let mut frame = Vec::with_capacity(64);
    append(&mut frame, message);
    frame
}

/// A message from a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientMessage {
    /// See [`Hello`].
    Hello(Hello),
    /// See [`Resume`].
    Resume(Resume),
    /// See [`PlayerInput`].
    Input(PlayerInput),
    /// See [`Heartbeat`].
    Heartbeat(Heartbeat),
    /// See [`Bye`].
    Bye(Bye),
}

/// A message from a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerMessage<'a> {
    /// See [`Welcome`].
    Welcome(Welcome),
    /// See [`StateUpdate`].
    State(StateUpdate<'a>),
    /// See [`GameEvent`].
    Event(GameEvent),
    /// See [`ActionConfirm`].
    Confirm(ActionConfirm),
    /// See [`HeartbeatAck`].
    Heartbeat(HeartbeatAck),
    /// See [`Redirect`].
    Redirect(Redirect),
    /// See [`ErrorNotice`].
    Error(ErrorNotice),
    /// See [`Notice`].
    Notice(Notice),
    /// See [`Bye`].
    Bye(Bye),
}

/// Reads a frame from a client, calling `take` for each message.
pub fn read_client_frame(bytes: &[u8], mut take: impl FnMut(ClientMessage)) -> Result<(), FrameError> {
    read_frame(bytes, CLIENT_FRAME_BYTES_MAX, |kind, reader| {
        take(match kind {
            Hello::KIND => ClientMessage::Hello(fields(reader, kind)?),
            Resume::KIND => ClientMessage::Resume(fields(reader, kind)?),
            PlayerInput::KIND => ClientMessage::Input(fields(reader, kind)?),
            Heartbeat::KIND => ClientMessage::Heartbeat(fields(reader, kind)?),
            Bye::KIND => ClientMessage::Bye(fields(reader, kind)?),
            _ => return Err(FrameError::Unexpected { kind }),
        });
        Ok(())
    })
}

/// Reads a frame from a host, calling `take` for each message. Unknown kinds are passed over, so that a host
/// may say more than a client knows.
pub fn read_server_frame<'a>(
    bytes: &'a [u8],
    mut take: impl FnMut(ServerMessage<'a>),
) -> Result<(), FrameError> {
    read_frame(bytes, SERVER_FRAME_BYTES_MAX, |kind, reader| {
        take(match kind {
            Welcome::KIND => ServerMessage::Welcome(fields(reader, kind)?),
            StateUpdate::KIND => ServerMessage::State(fields(reader, kind)?),
            GameEvent::KIND => ServerMessage::Event(fields(reader, kind)?),
            ActionConfirm::KIND => ServerMessage::Confirm(fields(reader, kind)?),
            HeartbeatAck::KIND => ServerMessage::Heartbeat(fields(reader, kind)?),
            Redirect::KIND => ServerMessage::Redirect(fields(reader, kind)?),
            ErrorNotice::KIND => ServerMessage::Error(fields(reader, kind)?),
            Notice::KIND => ServerMessage::Notice(fields(reader, kind)?),
            Bye::KIND => ServerMessage::Bye(fields(reader, kind)?),
            _ => {
                fields::<IgnoredAny>(reader, kind)?;
                return Ok(());
            }
        });
        Ok(())
    })
}

type SliceDeserializer<'a> = rmp_serde::Deserializer<rmp_serde::decode::ReadRefReader<'a, [u8]>>;

fn fields<'a, T: Deserialize<'a>>(reader: &mut SliceDeserializer<'a>, kind: u8) -> Result<T, FrameError> {
    T::deserialize(reader).map_err(|_| FrameError::Malformed { kind })
}

/// The number of the next message; `None` at the end of the frame.
fn next_kind(reader: &mut SliceDeserializer<'_>) -> Result<Option<u8>, FrameError> {
    match u8::deserialize(reader) {
        Ok(kind) => Ok(Some(kind)),
        Err(rmp_serde::decode::Error::InvalidMarkerRead(error))
            if error.kind() == std::io::ErrorKind::UnexpectedEof =>
        {
            Ok(None)
        }
        Err(_) => Err(FrameError::Malformed { kind: 255 }),
    }
}

fn read_frame<'a>(
    bytes: &'a [u8],
    max: usize,
    mut message: impl FnMut(u8, &mut SliceDeserializer<'a>) -> Result<(), FrameError>,
) -> Result<(), FrameError> {
    if bytes.len() > max {
        return Err(FrameError::TooLarge { max });
    }
    if bytes.is_empty() {
        return Err(FrameError::Empty);
    }
    let mut reader = SliceDeserializer::from_read_ref(bytes);
    // Messages nest two deep; rubbish that nests deeper must not use up the stack.
    reader.set_max_depth(8);
    for _ in 0..MESSAGES_PER_FRAME_MAX {
        match next_kind(&mut reader)? {
            Some(kind) => message(kind, &mut reader)?,
            None => return Ok(()),
        }
    }
    match next_kind(&mut reader)? {
        Some(_) => Err(FrameError::TooMany),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
