//! The connection to a zone host: it enters or resumes, and keeps the view of what is around.

use domain::limits::SERVER_FRAME_BYTES_MAX;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use wire::WIRE_VERSION;
use wire::decoder::{View, ViewChanges};
use wire::frame::{Message, ServerMessage, frame_of, read_server_frame};
use wire::message::{
    ActionConfirm, Bye, ErrorNotice, GameEvent, HeartbeatAck, Hello, Notice, Redirect, Resume, Welcome,
};
use wire::reason::ByeReason;
use wire::snapshot::Header;

use crate::error::ClientError;
use crate::services::install_tls;

/// A player's own state, and what changed around.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Number of the snapshot.
    pub sequence: u32,
    /// Its tick, the player's own body, and what the host says of the inputs.
    pub header: Header,
    /// What changed of the others.
    pub changes: ViewChanges,
}

/// Something that came from the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A snapshot, already in [`Connection::view`].
    Snapshot(Snapshot),
    /// Something happened.
    Event(GameEvent),
    /// What became of an action.
    Confirm(ActionConfirm),
    /// The answer to a heartbeat.
    Heartbeat(HeartbeatAck),
    /// Go on elsewhere.
    Redirect(Redirect),
    /// An input was refused.
    Error(ErrorNotice),
    /// Something from outside of the world.
    Notice(Notice),
}

/// A connection of a player who is in.
#[derive(Debug)]
pub struct Connection {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    welcome: Welcome,
    view: View,
    /// What came with the Welcome and was not asked for yet.
    early: Vec<Incoming>,
    bytes_in: u64,
    bytes_out: u64,
    frames_in: u64,
}

impl Connection {
    /// Enters with a ticket.
    pub async fn enter(url: &str, ticket: String) -> Result<Self, ClientError> {
        Self::enter_within(url, ticket, 0).await
    }

    /// Enters with a ticket, and asks to be sent at most `budget` bytes a second, IP packets counted; 0 leaves
    /// it to the zone.
    pub async fn enter_within(url: &str, ticket: String, budget: u32) -> Result<Self, ClientError> {
        Self::open(url, &Hello { version: WIRE_VERSION, ticket, budget }).await
    }

    /// Comes back into the body of a connection that broke.
    pub async fn resume(url: &str, token: Vec<u8>) -> Result<Self, ClientError> {
        Self::open(url, &Resume { version: WIRE_VERSION, token, budget: 0 }).await
    }

    async fn open(url: &str, first: &impl Message) -> Result<Self, ClientError> {
        install_tls();
        let config = WebSocketConfig::default()
            .read_buffer_size(8 * 1024)
            .write_buffer_size(0)
            .max_message_size(Some(SERVER_FRAME_BYTES_MAX))
            .max_frame_size(Some(SERVER_FRAME_BYTES_MAX));
        let (mut socket, _) = tokio_tungstenite::connect_async_with_config(url, Some(config), true).await?;
        let hello = frame_of(first);
        let bytes_out = hello.len() as u64;
        socket.send(Frame::Binary(hello.into())).await?;
        let mut welcome = None;
        let mut view = View::default();
        let mut early = Vec::new();
        let mut bytes_in = 0;
        while welcome.is_none() {
            let bytes = next_frame(&mut socket).await?;
            bytes_in += bytes.len() as u64;
            read_frame(&bytes, &mut view, &mut early, &mut welcome)?;
        }
        let welcome = welcome.expect("the loop ends with it");
        Ok(Self { socket, welcome, view, early, bytes_in, bytes_out, frames_in: 0 })
    }

    /// What the host said at the start.
    #[must_use]
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// What is around.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Bytes of frames received and sent so far.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        (self.bytes_in, self.bytes_out)
    }

    /// Frames received so far.
    #[must_use]
    pub fn frames_in(&self) -> u64 {
        self.frames_in
    }

    /// Sends one message.
    pub async fn send(&mut self, message: &impl Message) -> Result<(), ClientError> {
        self.send_frame(frame_of(message)).await
    }

    /// Sends a frame of one or more messages, see [`wire::frame::append`].
    pub async fn send_frame(&mut self, frame: Vec<u8>) -> Result<(), ClientError> {
        self.bytes_out += frame.len() as u64;
        self.socket.send(Frame::Binary(frame.into())).await?;
        Ok(())
    }

    /// Waits for the next frame and appends what is in it to `incoming`. Safe to be dropped while it waits.
    pub async fn receive(&mut self, incoming: &mut Vec<Incoming>) -> Result<(), ClientError> {
        if !self.early.is_empty() {
            incoming.append(&mut self.early);
            return Ok(());
        }
        let bytes = next_frame(&mut self.socket).await?;
        self.bytes_in += bytes.len() as u64;
        self.frames_in += 1;
        let mut welcome = None;
        read_frame(&bytes, &mut self.view, incoming, &mut welcome)?;
        if welcome.is_some() {
            return Err(ClientError::Protocol("a second Welcome came"));
        }
        Ok(())
    }

    /// Leaves the world: the body goes at once.
    pub async fn leave(mut self) -> Result<(), ClientError> {
        self.send(&Bye { reason: ByeReason::Left as u8, text: String::new() }).await?;
        self.socket.close(None).await?;
        Ok(())
    }
}

async fn next_frame(
    socket: &mut WebSocketStream<MaybeTlsStream<TcpStream>>,
) -> Result<tokio_tungstenite::tungstenite::Bytes, ClientError> {
    loop {
        match socket.next().await {
            Some(Ok(Frame::Binary(bytes))) => return Ok(bytes),
            Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => {}
            Some(Ok(Frame::Text(_) | Frame::Frame(_))) => {
                return Err(ClientError::Protocol("a text frame came"));
            }
            Some(Ok(Frame::Close(_))) | None => return Err(ClientError::Ended),
            Some(Err(error)) => return Err(error.into()),
        }
    }
}

fn read_frame(
    bytes: &[u8],
    view: &mut View,
    incoming: &mut Vec<Incoming>,
    welcome: &mut Option<Welcome>,
) -> Result<(), ClientError> {
    let mut failed = Ok(());
    read_server_frame(bytes, |message| {
        if failed.is_ok() {
            failed = read_message(message, view, incoming, welcome);
        }
    })?;
    failed
}

fn read_message(
    message: ServerMessage<'_>,
    view: &mut View,
    incoming: &mut Vec<Incoming>,
    welcome: &mut Option<Welcome>,
) -> Result<(), ClientError> {
    incoming.push(match message {
        ServerMessage::Welcome(message) => {
            *view = View::new(message.tick_rate_hz);
            *welcome = Some(message);
            return Ok(());
        }
        ServerMessage::State(update) => Incoming::Snapshot(Snapshot {
            changes: view.apply(update.body)?,
            sequence: view.sequence(),
            header: *view.header(),
        }),
        ServerMessage::Event(event) => Incoming::Event(event),
        ServerMessage::Confirm(confirm) => Incoming::Confirm(confirm),
        ServerMessage::Heartbeat(heartbeat) => Incoming::Heartbeat(heartbeat),
        ServerMessage::Redirect(redirect) => Incoming::Redirect(redirect),
        ServerMessage::Error(notice) => Incoming::Error(notice),
        ServerMessage::Notice(notice) => Incoming::Notice(notice),
        ServerMessage::Bye(bye) => {
            let reason = ByeReason::from_number(bye.reason).unwrap_or(ByeReason::Internal);
            return Err(ClientError::Bye { reason, text: bye.text });
        }
    });
    Ok(())
}
