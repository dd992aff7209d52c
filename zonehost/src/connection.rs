//! One client's connection, from the TCP stream to its end: handshake, admission, and the pump between socket
//! and instance.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::ids::ConnectionId;
use domain::limits::CLIENT_FRAME_BYTES_MAX;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use wire::frame::{ClientMessage, frame_of, read_client_frame};
use wire::message::Bye;
use wire::reason::ByeReason;

use crate::admission::{Admitted, Refusal, admit};
use crate::instance::{Command, Farewell};
use crate::notices::Notices;
use crate::platform::Platform;
use crate::rate::MessageBudget;
use crate::shared::{PendingGuard, Shared, stamp_us};

type Socket = WebSocketStream<TcpStream>;

/// What the kernel may hold for a client that does not read, which doubles it: some seconds of state. The
/// default is megabytes, minutes of state that nobody wants any more.
const SEND_BUFFER_BYTES: usize = 16 * 1024;
/// The last words must be taken within this time.
const FAREWELL: Duration = Duration::from_millis(500);
/// How often it is looked whether the client is still there.
const SILENCE_CHECK: Duration = Duration::from_secs(2);

/// Small buffers: the defaults cost 144 KiB a connection and twice the processor time.
fn socket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(2 * 1024)
        .write_buffer_size(2 * 1024)
        .max_write_buffer_size(256 * 1024)
        .max_message_size(Some(CLIENT_FRAME_BYTES_MAX))
        .max_frame_size(Some(CLIENT_FRAME_BYTES_MAX))
}

/// Serves a connection to its end.
pub(crate) async fn serve<P: Platform>(shared: Arc<Shared<P>>, stream: TcpStream, mut guard: PendingGuard) {
    let connection = shared.next_connection();
    shared.metrics.opened();
    // Snapshots are small and must not wait for more to come. A socket that is gone already fails below.
    let _ = stream.set_nodelay(true);
    let _ = socket2::SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER_BYTES);
    let hello_within = Duration::from_millis(shared.config.limits.hello_ms);
    let handshake = tokio_tungstenite::accept_async_with_config(stream, Some(socket_config()));
    let Ok(Ok(mut socket)) = timeout(hello_within, handshake).await else {
        shared.metrics.error("handshake");
        return;
    };
    let end = match first_frame(&mut socket, hello_within).await {
        Ok(frame) => match admit(&shared, connection, &frame).await {
            Ok(admitted) => {
                guard.known();
                play(&shared, connection, &mut socket, admitted).await
            }
            Err(refusal) => Some(refusal),
        },
        Err(refusal) => refusal,
    };
    if let Some(refusal) = end {
        tracing::debug!(connection.id = %connection, reason = refusal.reason.kind(), kind = refusal.kind, "dropped");
        shared.metrics.bye(refusal.reason);
        shared.metrics.error(refusal.kind);
        say_bye(&mut socket, refusal.reason, refusal.text).await;
    }
}

/// The first frame; `None` in the error if there is nobody left to be told.
async fn first_frame(socket: &mut Socket, within: Duration) -> Result<Bytes, Option<Refusal>> {
    match timeout(within, socket.next()).await {
        Err(_) => {
            let text = format!("no Hello came within {} ms", within.as_millis());
            Err(Some(Refusal::new(ByeReason::Silent, "hello_timeout", text)))
        }
        Ok(Some(Ok(Message::Binary(bytes)))) => Ok(bytes),
        Ok(Some(Ok(_))) => Err(Some(not_binary())),
        Ok(Some(Err(error))) => Err(of_socket_error(&error)),
        Ok(None) => Err(None),
    }
}

fn not_binary() -> Refusal {
    Refusal::new(ByeReason::Protocol, "frame_text", "only binary frames are spoken here")
}

/// What to tell a client whose socket failed; nothing if it is just gone.
fn of_socket_error(error: &SocketError) -> Option<Refusal> {
    match error {
        SocketError::Capacity(CapacityError::MessageTooLong { .. }) => {
            let text = format!("a frame has over {CLIENT_FRAME_BYTES_MAX} bytes");
            Some(Refusal::new(ByeReason::TooLarge, "frame_too_large", text))
        }
        // A connection that breaks is nobody's fault: the body waits for its player.
        SocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        SocketError::Protocol(_) | SocketError::Utf8(_) => {
            Some(Refusal::new(ByeReason::Protocol, "frame_websocket", "not a WebSocket frame"))
        }
        _ => None,
    }
}

/// Lets a client play until either side ends it; what is returned is still to be said to the client.
async fn play<P: Platform>(
    shared: &Shared<P>,
    connection: ConnectionId,
    socket: &mut Socket,
    admitted: Admitted,
) -> Option<Refusal> {
    let Admitted { instance, seat, mut frames, notices, mut close } = admitted;
    let mut notices = Notices::new(notices, Instant::now());
    let mut reader = Reader {
        shared,
        connection,
        admitted: (instance.as_ref(), seat),
        budget: MessageBudget::new(Instant::now()),
        heard_at: Instant::now(),
    };
    let mut silence = tokio::time::interval(SILENCE_CHECK);
    let end = loop {
        tokio::select! {
            reason = &mut close => break of_close(reason),
            frame = frames.recv() => {
                // Who lets go of a connection says why at the same time.
                let Some(first) = frame else { break of_close((&mut close).await) };
                let write = write_frames(socket, first, &mut frames);
                tokio::select! {
                    reason = &mut close => break of_close(reason),
                    written = write => if written.is_err() { break End::Gone },
                }
            }
            Some(notice) = notices.next() => {
                let write = write_notice(socket, notice);
                tokio::select! {
                    reason = &mut close => break of_close(reason),
                    written = write => if written.is_err() { break End::Gone },
                }
            }
            message = socket.next() => {
                if let Err(end) = reader.take(message) {
                    break end;
                }
            }
            _ = silence.tick() => {
                let limit = Duration::from_millis(shared.config.limits.silence_ms);
                if reader.heard_at.elapsed() > limit {
                    let text = format!("nothing came for {} ms", limit.as_millis());
                    break End::Dropped(Refusal::new(ByeReason::TooSlow, "silence", text));
                }
            }
        }
    };
    let stays = !matches!(end, End::Left);
    instance.send(Command::Gone { seat, connection, stays });
    match end {
        End::Dropped(refusal) => Some(refusal),
        End::Left => {
            shared.metrics.bye(ByeReason::Left);
            None
        }
        End::Gone => None,
    }
}

/// How a connection ends.
enum End {
    /// The player said Bye.
    Left,
    /// The socket is gone.
    Gone,
    /// The host ends it.
    Dropped(Refusal),
}

fn of_close(farewell: Result<Farewell, oneshot::error::RecvError>) -> End {
    let Farewell { reason, text } = farewell.unwrap_or(ByeReason::Internal.into());
    let usual = match reason {
        ByeReason::Replaced => "this character came in from elsewhere",
        ByeReason::TooSlow => "the connection took nothing for too long",
        ByeReason::Draining => "the host goes down: join again",
        ByeReason::Protocol => "a snapshot was acknowledged that was never sent",
        ByeReason::Kicked => "somebody in charge has ended this stay",
        ByeReason::Over => "what this place was for is over",
        _ => "the instance has ended: join again",
    };
    End::Dropped(Refusal::new(reason, reason.kind(), text.unwrap_or_else(|| usual.to_owned())))
}

/// Writes `first` and all that waits behind it, and flushes once.
async fn write_frames(
    socket: &mut Socket,
    first: Bytes,
    frames: &mut tokio::sync::mpsc::Receiver<Bytes>,
) -> Result<(), SocketError> {
    socket.feed(Message::Binary(first)).await?;
    while let Ok(frame) = frames.try_recv() {
        socket.feed(Message::Binary(frame)).await?;
    }
    socket.flush().await
}

async fn write_notice(socket: &mut Socket, notice: Bytes) -> Result<(), SocketError> {
    socket.feed(Message::Binary(notice)).await?;
    socket.flush().await
}

/// The receiving half.
struct Reader<'a, P> {
    shared: &'a Shared<P>,
    connection: ConnectionId,
    admitted: (&'a crate::instance::InstanceHandle, sim::player::Seat),
    budget: MessageBudget,
    heard_at: Instant,
}

impl<P: Platform> Reader<'_, P> {
    fn take(&mut self, message: Option<Result<Message, SocketError>>) -> Result<(), End> {
        self.heard_at = Instant::now();
        match message {
            Some(Ok(Message::Binary(bytes))) => self.take_frame(&bytes),
            // The library answers pings by itself; a flood of them is a flood all the same.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => self.spend(),
            Some(Ok(Message::Text(_) | Message::Frame(_))) => Err(End::Dropped(not_binary())),
            Some(Ok(Message::Close(_))) | None => Err(End::Gone),
            Some(Err(error)) => Err(of_socket_error(&error).map_or(End::Gone, End::Dropped)),
        }
    }

    fn take_frame(&mut self, bytes: &[u8]) -> Result<(), End> {
        self.shared.metrics.received(bytes.len());
        let mut end = Ok(());
        let read = read_client_frame(bytes, |message| {
            if end.is_ok() {
                end = self.take_message(&message);
            }
        });
        end?;
        read.map_err(|error| End::Dropped(Refusal::of_frame(error)))
    }

    fn take_message(&mut self, message: &ClientMessage) -> Result<(), End> {
        self.spend()?;
        let (instance, seat) = self.admitted;
        let connection = self.connection;
        match message {
            ClientMessage::Input(input) => instance.send(Command::Input { seat, connection, input: *input }),
            ClientMessage::Heartbeat(heartbeat) => instance.send(Command::Heartbeat {
                seat,
                connection,
                client_time: heartbeat.client_time,
                received_us: stamp_us(),
            }),
            ClientMessage::Bye(_) => return Err(End::Left),
            ClientMessage::Hello(_) | ClientMessage::Resume(_) => {
                let text = "Hello and Resume come once, first";
                return Err(End::Dropped(Refusal::new(ByeReason::Protocol, "second_hello", text)));
            }
        }
        Ok(())
    }

    fn spend(&mut self) -> Result<(), End> {
        if self.budget.take(self.heard_at) {
            return Ok(());
        }
        let text = "too many messages: 40 a second are allowed";
        Err(End::Dropped(Refusal::new(ByeReason::TooFast, "too_fast", text)))
    }
}

async fn say_bye(socket: &mut Socket, reason: ByeReason, text: String) {
    let frame = CloseFrame { code: CloseCode::from(reason.close_code()), reason: reason.kind().into() };
    let bye = Bytes::from(frame_of(&Bye { reason: reason as u8, text }));
    let farewell = async {
        socket.feed(Message::Binary(bye)).await?;
        socket.close(Some(frame)).await?;
        // The client's answer ends the handshake of closing; without it the last words could be cut off.
        while let Some(Ok(_)) = socket.next().await {}
        Ok::<(), SocketError>(())
    };
    // Who does not listen misses it.
    let _ = timeout(FAREWELL, farewell).await;
}
